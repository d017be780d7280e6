//! Import: what it writes, what it costs, and that it changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{IdentityInfo, Tags};
use connect_simulator::{CallRecord, Fault, FaultKind, Mutation, Quotas, User, UserPatch};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::people::{add, mixed};
use super::{FAST, Ran, command, directory, kubectl, run, run_with};
use crate::support::{Options, Stage, condition};

async fn stage(name: &str, operator: bool) -> Stage {
    Stage::with(name, Options { operator, ..Options::default() }).await
}

/// `import` of the managed instance, without a quota to speak of.
async fn import(stage: &Stage, more: &[&str]) -> Ran {
    run(stage, &[&["import", "--instance", m::ARN], more, &FAST].concat()).await
}

fn objects(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap()
}

/// Users without what the operator's marks and the clock put on them.
fn bare(stage: &Stage) -> BTreeMap<String, User> {
    let users = stage.simulator.users(m::ID).into_iter().map(|mut user| {
        user.tags.retain(|key, _| key != OWNER_TAG && key != UID_TAG);
        user.last_modified_time = connect_simulator::Timestamp(0);
        user.proficiencies_last_modified_time = connect_simulator::Timestamp(0);
        (user.username.clone(), user)
    });
    users.collect()
}

async fn all_ready(stage: &Stage, count: usize, within: Duration) {
    let began = Instant::now();
    loop {
        let all = stage.api().list(&ListParams::default()).await.unwrap().items;
        let waiting: Vec<_> = all
            .iter()
            .filter(|object| {
                let generation = object.status.as_ref().and_then(|status| status.observed_generation);
                condition(object).is_none_or(|(status, _)| status != "True") || generation != object.metadata.generation
            })
            .collect();
        if all.len() == count && waiting.is_empty() {
            return;
        }
        let first = waiting.first().map(|object| (object.name_any(), object.status.clone()));
        assert!(began.elapsed() < within, "{} of {count} objects, {} not ready: {first:?}", all.len(), waiting.len());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Import, apply, plan, edit, plan, apply, import again. Returns how long import, apply to ready, and plan took.
async fn whole_way(name: &str, count: usize, within: Duration) -> [Duration; 3] {
    let stage = stage(name, true).await;
    let usernames = mixed(&stage.simulator, count);
    let before = bare(&stage);
    let folder = directory(name);
    let folder = folder.to_str().unwrap();
    let into = ["--output-dir", folder, "--layout", "group", "--namespace", &stage.namespace];

    let began = Instant::now();
    let ran = import(&stage, &into).await.expect(0);
    let imported = began.elapsed();
    assert_eq!(ran.out, "", "with a directory nothing goes to standard output");
    assert!(!ran.err.contains("skipped") && !ran.err.contains("not declared"), "{}", ran.err);
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    stage.calls().into_iter().for_each(|call| *calls.entry(call.operation).or_default() += 1);
    assert_eq!(calls["SearchUsers"], count.div_ceil(500), "{calls:?}");
    assert_eq!((calls["DescribeUser"], calls["ListUserProficiencies"]), (count, count), "{calls:?}");
    run(&stage, &["lint", folder]).await.expect(0);

    // Before anything is applied, the plan says that every user is adopted, and nothing else.
    let began = Instant::now();
    let plan = plan(&stage, folder, 2).await;
    let planned = began.elapsed();
    assert_eq!(plan["summary"], json!({ "adopt": count }));
    assert_eq!(plan["cost"]["calls"], json!({ "TagResource": count }));
    assert!(stage.writes().is_empty(), "import, lint and plan write nothing");

    let began = Instant::now();
    kubectl(&stage, &["apply", "--server-side", "-f", folder]);
    all_ready(&stage, count, within).await;
    let ready = began.elapsed();
    let writes = stage.writes();
    assert_eq!(writes.len(), count, "one call for each user: {:?}", operations(&writes));
    for call in &writes {
        let tags: BTreeSet<&str> = call.body["tags"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((call.operation.as_str(), tags), ("TagResource", BTreeSet::from([OWNER_TAG, UID_TAG])));
    }
    assert_eq!(bare(&stage), before, "nothing else has changed");
    assert_eq!(super::import::plan(&stage, folder, 0).await["summary"], json!({ "nothing": count }));

    // An edit in the YAML changes exactly that.
    let edited = edit(folder, "routingProfileName: Night Shift", "routingProfileName: Tier 2");
    let plan = super::import::plan(&stage, folder, 2).await;
    assert_eq!(plan["summary"], json!({ "nothing": count - 1, "update": 1 }));
    let one = plan["users"].as_array().unwrap().iter().find(|user| user["action"] == "update").unwrap();
    assert_eq!(one["changes"], json!([{ "field": "routingProfile", "from": "Night Shift", "to": "Tier 2" }]));
    assert_eq!(one["calls"], json!(["UpdateUserRoutingProfile"]));
    let username = one["username"].as_str().unwrap().to_owned();
    kubectl(&stage, &["apply", "--server-side", "-f", &edited]);
    let object = one["object"].as_str().unwrap().split_once('/').unwrap().1.to_owned();
    let moved = |user: User| user.routing_profile_id == m::ROUTING_TIER_2;
    let found = stage.eventually(|| async { stage.user(&username).filter(|user| moved(user.clone())) }).await;
    assert!(found.is_some(), "{username} has not changed");
    stage.ready(&object).await;
    let more: Vec<CallRecord> = stage.writes().split_off(count);
    assert_eq!(operations(&more), ["UpdateUserRoutingProfile"]);
    let mut expected = before;
    expected.get_mut(&username).unwrap().routing_profile_id = m::ROUTING_TIER_2.to_owned();
    assert_eq!(bare(&stage), expected);

    // Whoever belongs to an object is not imported again.
    let again = import(&stage, &["--namespace", &stage.namespace]).await.expect(0);
    assert_eq!(again.out, "");
    assert!(again.err.contains(&format!("skipped: {count} users managed already")), "{}", again.err);
    assert_eq!(usernames.len(), count);
    [imported, ready, planned]
}

fn operations(calls: &[CallRecord]) -> Vec<&str> {
    calls.iter().map(|call| call.operation.as_str()).collect()
}

/// The plan of a directory as JSON.
async fn plan(stage: &Stage, folder: &str, code: i32) -> Value {
    let arguments = ["plan", "-f", folder, "--cluster-name", "test", "-o", "json", "--namespace", &stage.namespace];
    let ran = run(stage, &[&arguments[..], &FAST].concat()).await.expect(code);
    serde_json::from_str(&ran.out).unwrap()
}

/// Replaces a line in the first file that has it; returns the file.
fn edit(folder: &str, from: &str, to: &str) -> String {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        if text.contains(from) {
            std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
            return file.to_str().unwrap().to_owned();
        }
    }
    panic!("no file has {from}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_instance_is_adopted_without_a_change() {
    whole_way("kimport-whole", 120, Duration::from_secs(120)).await;
}

/// The figures are printed: `cargo test --test it -- --ignored --nocapture two_thousand_users`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn two_thousand_users_are_imported_and_adopted_without_a_change() {
    let [imported, ready, planned] = whole_way("kimport-2000", 2000, Duration::from_secs(900)).await;
    println!("2000 users: import {imported:.1?}, plan {planned:.1?}, apply until all are ready {ready:.1?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_users_give_the_same_bytes() {
    let stage = stage("kimport-bytes", false).await;
    mixed(&stage.simulator, 60);
    let first = import(&stage, &[]).await.expect(0);
    let second = import(&stage, &[]).await.expect(0);
    assert_eq!(first.out, second.out);
    let all = objects(&first.out);
    assert_eq!(all.len(), 60);
    // In files, whatever their layout, there is the same.
    for layout in ["file", "user", "group"] {
        let folder = directory(&format!("kimport-bytes-{layout}"));
        let into = ["--output-dir", folder.to_str().unwrap(), "--layout", layout];
        import(&stage, &into).await.expect(0);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        let expected = match layout {
            "file" => 1,
            "user" => 60,
            _ => 5,
        };
        assert_eq!(files.len(), expected, "{files:?}");
        let of_files = files.iter().flat_map(|file| objects(&std::fs::read_to_string(file).unwrap()));
        let by_name = |objects: Vec<Value>| -> BTreeMap<String, Value> {
            objects
                .into_iter()
                .map(|object| (object["metadata"]["name"].as_str().unwrap().to_owned(), object))
                .collect()
        };
        assert_eq!(by_name(of_files.collect()), by_name(all.clone()), "{layout}");
        // Again is no conflict; somebody else's file is.
        import(&stage, &into).await.expect(0);
        std::fs::write(&files[0], "mine").unwrap();
        let refused = import(&stage, &into).await.expect(1);
        assert!(refused.err.contains("is there and holds something else"), "{}", refused.err);
        assert_eq!(std::fs::read_to_string(&files[0]).unwrap(), "mine");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_valid_unique_and_told() {
    let stage = stage("kimport-names", false).await;
    for username in ["jane-doe", "jane_doe", "Jane__Doe", "josé", "JOSÉ.", "山田", "john"] {
        add(&stage.simulator, username, UserPatch::default());
    }
    let mut tags = Tags::new();
    tags.insert(OWNER_TAG.to_owned(), "test/here/john".to_owned());
    add(&stage.simulator, "John_Smith", UserPatch { tags: Some(tags), ..UserPatch::default() });
    let ran = import(&stage, &["--namespace", "here"]).await.expect(0);
    let names: BTreeMap<String, String> = objects(&ran.out)
        .iter()
        .map(|object| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&object["spec"]["username"]), text(&object["metadata"]["name"]))
        })
        .collect();
    assert_eq!(names["jane-doe"], "jane-doe");
    assert!(names["jane_doe"].starts_with("jane-doe-") && names["Jane__Doe"].starts_with("jane-doe-"), "{names:?}");
    // The name belongs to the object that has John_Smith.
    assert!(names["john"].starts_with("john-"), "{names:?}");
    assert_eq!(names.values().collect::<BTreeSet<_>>().len(), 4, "{names:?}");
    assert!(ran.err.contains(&format!("named: jane_doe is {}, since jane-doe would not be unique", names["jane_doe"])));
    // A username that the definition does not take is told, and the rest is imported.
    for username in ["josé", "JOSÉ.", "山田"] {
        let told = format!("skipped: {username}: spec.username: may hold only the letters");
        assert!(ran.err.contains(&told), "{}", ran.err);
    }
    assert!(ran.err.contains("skipped: 1 user managed already"), "{}", ran.err);
    run_with(&stage, &["lint", "-"], &ran.out).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_declared_is_left_out_and_told() {
    let stage = stage("kimport-left-out", false).await;
    let identity = |email: &str| IdentityInfo {
        first_name: Some("Jane".to_owned()),
        last_name: Some("Doe".to_owned()),
        email: Some(email.to_owned()),
        ..IdentityInfo::default()
    };
    add(
        &stage.simulator,
        "jane",
        UserPatch {
            identity_info: Some(IdentityInfo {
                secondary_email: Some("jürgen@example.com".to_owned()),
                ..identity("jane@example.com")
            }),
            tags: Some([("aws:created", "x"), ("team", "a")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
            ..UserPatch::default()
        },
    );
    let ran = import(&stage, &[]).await.expect(0);
    assert!(ran.err.contains("not declared: jane: spec.identityInfo.secondaryEmail: "), "{}", ran.err);
    assert!(!ran.err.contains("jürgen"), "personal values are not told: {}", ran.err);
    let spec = &objects(&ran.out)[0]["spec"];
    assert_eq!(spec["identityInfo"], json!({ "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" }));
    assert_eq!(spec["tags"], json!({ "team": "a" }));
    assert_eq!(
        (&spec["adoptionPolicy"], &spec["routingProfileName"]),
        (&json!("Adopt"), &json!("Basic Routing Profile"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_references_and_fast() {
    let stage = stage("kimport-filters", false).await;
    mixed(&stage.simulator, 48);
    let users = stage.simulator.users(m::ID);
    let chosen = |keep: &dyn Fn(&User) -> bool| users.iter().filter(|user| keep(user)).count();
    let within = |user: &User| {
        [m::GROUP_EMEA, m::GROUP_EMEA_SUPPORT_TIER_1, m::GROUP_EMEA_SALES_TIER_1]
            .map(Some)
            .contains(&user.hierarchy_group_id.as_deref())
    };
    let has = |user: &User, profile: &str| user.security_profile_ids.iter().any(|id| id == profile);
    let mut expected = vec![
        (vec!["--username", "AGENT*"], chosen(&|user| user.username.to_lowercase().starts_with("agent"))),
        (vec!["--hierarchy-group", "EMEA"], chosen(&within)),
        (vec!["--routing-profile", "Night Shift"], chosen(&|user| user.routing_profile_id == m::ROUTING_NIGHT)),
        (vec!["--security-profile", "CallCenterManager"], chosen(&|user| has(user, m::SECURITY_MANAGER))),
        (vec!["--tag", "team=support"], chosen(&|user| user.tags.contains_key("team"))),
    ];
    expected.push((
        vec!["--tag", "team", "--hierarchy-group", "EMEA"],
        chosen(&|user| user.tags.contains_key("team") && within(user)),
    ));
    for (filter, count) in expected {
        assert!(count > 0 && count < 48, "{filter:?} decides something");
        stage.simulator.clear_calls();
        let ran = import(&stage, &[&["--fast"], filter.as_slice()].concat()).await.expect(0);
        assert_eq!(objects(&ran.out).len(), count, "{filter:?}");
        assert!(ran.err.contains("were not read and are not declared"), "{}", ran.err);
        let calls = stage.operations();
        assert!(!calls.iter().any(|call| call == "DescribeUser" || call == "ListUserProficiencies"), "{calls:?}");
        assert!(!ran.out.contains("email") && !ran.out.contains("userProficiencies"));
    }
    let unknown = import(&stage, &["--routing-profile", "Nigth Shift"]).await.expect(1);
    assert!(
        unknown.err.contains("no routing profile `Nigth Shift`: it has Basic Routing Profile, "),
        "{}",
        unknown.err
    );

    let ran = import(&stage, &["--references", "arns", "--deletion-policy", "retain"]).await.expect(0);
    let spec = &objects(&ran.out)[1]["spec"];
    assert!(spec["routingProfileArn"].as_str().unwrap().starts_with(m::ARN), "{spec}");
    assert_eq!((spec.get("routingProfileName"), &spec["deletionPolicy"]), (None, &json!("Retain")));
    run_with(&stage, &["lint", "-"], &ran.out).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_what_to_do() {
    let stage = stage("kimport-failure", false).await;
    let code = "AccessDeniedException".to_owned();
    stage.simulator.inject(Fault {
        operation: Some("SearchUsers".to_owned()),
        user: None,
        write: None,
        kind: FaultKind::ErrorBeforeEffect { status: 403, code, message: "no".to_owned() },
        times: None,
        skip: 0,
    });
    let ran = import(&stage, &[]).await.expect(1);
    assert!(ran.err.contains("SearchUsers failed with AccessDeniedException: no"), "{}", ran.err);
    assert!(ran.err.contains("allow connect:SearchUsers on the instance"), "{}", ran.err);
    assert_eq!(ran.out, "");
    // What has failed before it began is no import that could be resumed.
    let folder = directory("kimport-failure");
    let into = ["--output-dir", folder.to_str().unwrap()];
    import(&stage, &into).await.expect(1);
    stage.simulator.clear_faults();
    add(&stage.simulator, "jane", UserPatch::default());
    import(&stage, &into).await.expect(0);
    let wrong = run(&stage, &["import", "--instance", "11111111-1111-4111-8111-111111111111"]).await.expect(1);
    assert!(wrong.err.contains("is not an instance ARN: expected arn:aws:connect:"), "{}", wrong.err);
}

/// An instance that the cluster knows by name: its ARN is taken from there, and the objects refer to it.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_named_by_its_connect_instance() {
    let stage = stage("kimport-reference", false).await;
    let id = "5a5a5a5a-1111-4111-8111-00000000c0de";
    let mutation = Mutation::AddInstance {
        instance_id: id.to_owned(),
        region: m::REGION.to_owned(),
        account: m::ACCOUNT.to_owned(),
        identity_management_type: "SAML".to_owned(),
    };
    stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap();
    let mutation =
        Mutation::CreateUser { instance_id: id.to_owned(), username: "jane".to_owned(), set: Box::default() };
    stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap();
    let file = directory("kimport-reference").join("instance.yaml");
    let arn = m::ARN.replace(m::ID, id);
    let instance = json!({
        "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance", "metadata": { "name": "kimport-emea" },
        "spec": { "instanceArn": arn, "allowedNamespaces": ["*"], "adoption": "Allowed" },
    });
    std::fs::write(&file, serde_saphyr::to_string(&instance).unwrap()).unwrap();
    kubectl(&stage, &["apply", "-f", file.to_str().unwrap()]);
    let reference = ["import", "--instance-ref", "kimport-emea", "-n", &stage.namespace];
    let ran = run(&stage, &[&reference[..], &FAST].concat()).await.expect(0);
    let object = &objects(&ran.out)[0];
    assert_eq!(object["spec"]["instanceRef"], json!({ "name": "kimport-emea" }));
    assert_eq!(object["spec"].get("instanceArn"), None);
    let plan = ["plan", "-f", "-", "--cluster-name", "test", "-o", "json"];
    let ran = run_with(&stage, &[&plan[..], &FAST].concat(), &ran.out).await.expect(2);
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&plan["summary"], &plan["users"][0]["instance"]), (&json!({ "adopt": 1 }), &json!(arn)));
    let missing = run(&stage, &["import", "--instance-ref", "kimport-nowhere"]).await.expect(1);
    assert!(missing.err.contains("there is no ConnectInstance `kimport-nowhere` in the cluster"), "{}", missing.err);
    kubectl(&stage, &["delete", "connectinstance", "kimport-emea"]);
}

/// Ids of users that a state file has.
fn described(state: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(state).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |at| &text[..at]);
    let ids = whole.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
    ids.map(|line| line["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_goes_on_where_it_was() {
    let stage = stage("kimport-resume", false).await;
    mixed(&stage.simulator, 80);
    let folder = directory("kimport-resume");
    let state = folder.join(".kubectl-connect-import");
    let into = ["import", "--instance", m::ARN, "--output-dir", folder.to_str().unwrap(), "--layout", "file"];
    // Slow enough to be met in the middle, and killed there without a word.
    let slow = ["--rate-limit", "DescribeUser=25/5,*=10000", "--quota-share", "1"];
    let child =
        command(&stage, &[&into[..], &slow].concat()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while described(&state).len() < 12 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is written down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // First as a person does it, then without a word.
    let interrupt = std::process::Command::new("kill").args(["-INT", &child.id().unwrap().to_string()]).status();
    assert!(interrupt.unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("interrupted: give --resume to go on from here"), "{said}");
    let first = described(&state);
    let mut child = command(&stage, &[&into[..], &["--resume"], &slow].concat()).stderr(Stdio::null()).spawn().unwrap();
    while described(&state).len() < first.len() + 12 {
        assert!(began.elapsed() < Duration::from_secs(120), "nothing more is written down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    child.kill().await.unwrap();
    let done = described(&state);
    assert!(done.is_superset(&first));
    assert!(done.len() >= 24 && done.len() < 80, "{}", done.len());
    // Cut off in the middle of a line, as by a full disk.
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(&state, format!("{text}{{\"id\":\"half")).unwrap();

    let refused = run(&stage, &[&into[..], &FAST].concat()).await.expect(1);
    assert!(refused.err.contains("go on with --resume"), "{}", refused.err);
    // One that was read already is changed before the import goes on.
    let mut done = done;
    let changed = done.pop_first().unwrap();
    let user = stage.simulator.users(m::ID).into_iter().find(|user| user.id == changed).unwrap();
    let profile = [m::ROUTING_BASIC, m::ROUTING_TIER_1].into_iter().find(|id| *id != user.routing_profile_id);
    let set = UserPatch { routing_profile_id: profile.map(str::to_owned), ..UserPatch::default() };
    stage.console(&user.username, set);
    let whole = import(&stage, &[]).await.expect(0);
    stage.simulator.clear_calls();
    let ran = run(&stage, &[&into[..], &["--resume"], &FAST].concat()).await.expect(0);
    assert!(ran.err.contains(&format!("{} of them read before", done.len())), "{}", ran.err);
    let read: Vec<CallRecord> = stage
        .calls()
        .into_iter()
        .filter(|call| ["DescribeUser", "ListUserProficiencies"].contains(&call.operation.as_str()))
        .collect();
    assert!(read.iter().all(|call| !done.contains(call.user_id.as_ref().unwrap())), "what was done is read again");
    assert_eq!(read.len(), 2 * (80 - done.len()));
    assert_eq!(std::fs::read_to_string(folder.join("users.yaml")).unwrap(), whole.out, "as if nothing had happened");
    assert!(!state.exists(), "it holds addresses and is not needed any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_import_finishes() {
    let stage = stage("kimport-throttled", false).await;
    mixed(&stage.simulator, 60);
    let whole = import(&stage, &[]).await.expect(0);
    // Others use most of the quota, and nobody has told the command.
    stage.simulator.set_quotas(Some(Quotas::uniform(1000.0, 1000.0).with("DescribeUser", 20.0, 3.0)));
    let arguments = ["import", "--instance", m::ARN, "--rate-limit", "*=200", "--quota-share", "1"];
    let ran = run(&stage, &arguments).await.expect(0);
    assert_eq!(ran.out, whole.out);
    assert!(ran.err.contains("throttled)"), "{}", ran.err);
    assert!(stage.calls().iter().any(|call| call.status == 429), "the simulator has throttled");
}
