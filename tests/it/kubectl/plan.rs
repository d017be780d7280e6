//! Plan: what it says, and that it says it with reads alone.

use connect_simulator::fixtures::{managed as m, saml as s};
use connect_simulator::user::{IdentityInfo, Tags};
use connect_simulator::{Fault, UserPatch};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use serde_json::{Value, json};

use super::people::add;
use super::{FAST, Ran, directory, kubectl, run, run_with};
use crate::support::{Options, Stage, managed, saml};

async fn plan(stage: &Stage, more: &[&str]) -> Ran {
    run(stage, &[&["plan", "--cluster-name", "test", "-n", &stage.namespace], more, &FAST].concat()).await
}

async fn plan_of(stage: &Stage, objects: &[&Value], code: i32) -> Value {
    let text: Vec<String> = objects.iter().map(|object| serde_saphyr::to_string(object).unwrap()).collect();
    let arguments = ["plan", "--cluster-name", "test", "-n", &stage.namespace, "-f", "-", "-o", "json"];
    let ran = run_with(stage, &[&arguments[..], &FAST].concat(), &text.join("---\n")).await.expect(code);
    serde_json::from_str(&ran.out).unwrap()
}

/// What the plan says of an object is what the operator then does, step by step through a user's life.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_is_what_happens() {
    let stage = Stage::new("kplan-life").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["userProficiencies"] =
        json!([{ "attributeName": "Language", "attributeValue": "German", "level": 3 }]);
    let mut steps: Vec<(&str, Value)> = vec![("create", json!({}))];
    steps.push(("update", json!({ "hierarchyGroupPath": ["EMEA", "Support"], "tags": { "team": "a" } })));
    steps.push((
        "update",
        json!({ "identityInfo": { "email": "other@example.com" }, "phoneConfig": { "autoAccept": true } }),
    ));
    steps.push(("update", json!({ "tags": null, "userProficiencies": null, "hierarchyGroupPath": null })));
    steps.push(("nothing", json!({ "deletionPolicy": "Retain" })));
    for (action, patch) in steps {
        for (key, value) in patch.as_object().unwrap() {
            match (value, object["spec"][key].as_object_mut()) {
                (Value::Null, _) => drop(object["spec"].as_object_mut().unwrap().remove(key)),
                (Value::Object(more), Some(members)) if key == "identityInfo" => members.extend(more.clone()),
                _ => object["spec"][key] = value.clone(),
            }
        }
        let before = stage.writes().len();
        let plan = plan_of(&stage, &[&object], if action == "nothing" { 0 } else { 2 }).await;
        assert_eq!(stage.writes().len(), before, "a plan writes nothing");
        let user = &plan["users"][0];
        assert_eq!(user["action"], action, "{plan:#}");
        let file = directory("kplan-life").join("jane.yaml");
        std::fs::write(&file, serde_saphyr::to_string(&object).unwrap()).unwrap();
        kubectl(&stage, &["apply", "--server-side", "-n", &stage.namespace, "-f", file.to_str().unwrap()]);
        stage.ready("jane").await;
        let planned: Vec<&str> = user["calls"].as_array().unwrap().iter().map(|call| call.as_str().unwrap()).collect();
        assert_eq!(stage.written().split_off(before), planned, "{action} {patch}");
        plan_of(&stage, &[&object], 0).await;
    }
    // Drift: somebody changes the user past the object.
    stage.console(
        "jane.doe",
        UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() },
    );
    let plan = plan_of(&stage, &[&object], 2).await;
    let user = &plan["users"][0];
    let expected = json!([{ "field": "routingProfile", "from": "Night Shift", "to": "Basic Routing Profile" }]);
    assert_eq!((&user["changes"], &user["calls"]), (&expected, &json!(["UpdateUserRoutingProfile"])));
    assert!(user["note"].as_str().unwrap().contains("past the object"), "{user}");
    // The objects of the cluster say the same without any file.
    let of_cluster = self::plan(&stage, &["-o", "json"]).await.expect(2);
    let of_cluster: Value = serde_json::from_str(&of_cluster.out).unwrap();
    assert_eq!((&of_cluster["users"][0]["changes"], &of_cluster["cost"]), (&expected, &plan["cost"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_are_hidden_unless_they_are_asked_for() {
    let stage = Stage::with("kplan-personal", Options { operator: false, ..Options::default() }).await;
    let identity_info = IdentityInfo {
        first_name: Some("OldFirst".to_owned()),
        email: Some("old.secret@example.com".to_owned()),
        ..IdentityInfo::default()
    };
    add(&stage.simulator, "jane.doe", UserPatch { identity_info: Some(identity_info), ..UserPatch::default() });
    let mut object = managed("jane", "jane.doe");
    object["spec"]["adoptionPolicy"] = json!("Adopt");
    object["spec"]["identityInfo"] = json!({ "firstName": "NewFirst", "email": "new.secret@example.com" });
    object["spec"]["phoneConfig"] = json!({ "phoneType": "DESK_PHONE", "deskPhoneNumber": "+493012345678" });
    let file = directory("kplan-personal").join("jane.yaml");
    std::fs::write(&file, serde_saphyr::to_string(&object).unwrap()).unwrap();
    let secrets = ["OldFirst", "NewFirst", "old.secret", "new.secret", "493012345678"];
    for form in ["text", "json", "yaml", "markdown"] {
        let hidden = plan(&stage, &["-f", file.to_str().unwrap(), "-o", form]).await.expect(2);
        for secret in secrets {
            assert!(!hidden.out.contains(secret) && !hidden.err.contains(secret), "{form}: {}", hidden.out);
        }
        assert!(hidden.out.contains("identityInfo.email"), "{form}: {}", hidden.out);
        let shown = plan(&stage, &["-f", file.to_str().unwrap(), "-o", form, "--show-personal"]).await.expect(2);
        for secret in secrets {
            assert!(shown.out.contains(secret), "{form}: {secret} {}", shown.out);
        }
        assert!(!shown.out.contains("Sentinel"), "a password is never shown");
    }
    assert!(stage.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_those_of_the_operator() {
    let stage = Stage::new("kplan-refused").await;
    add(&stage.simulator, "taken", UserPatch::default());
    let tags: Tags =
        [(OWNER_TAG, "test/elsewhere/x"), (UID_TAG, "u")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    add(&stage.simulator, "anothers", UserPatch { tags: Some(tags), ..UserPatch::default() });
    let admin = Some(vec![m::SECURITY_ADMIN.to_owned()]);
    add(&stage.simulator, "root", UserPatch { security_profile_ids: admin, ..UserPatch::default() });
    let mut unknown = managed("unknown", "somebody");
    unknown["spec"].as_object_mut().unwrap().remove("routingProfileArn");
    unknown["spec"]["routingProfileName"] = json!("No Such Profile");
    let mut nowhere = saml("nowhere", "somewhere");
    nowhere["spec"].as_object_mut().unwrap().remove("instanceArn");
    nowhere["spec"]["instanceRef"] = json!({ "name": "kplan-no-such-instance" });
    let mut without = managed("without", "without.password");
    without["spec"].as_object_mut().unwrap().remove("passwordSecretRef");
    let mut admin = managed("admin", "root");
    admin["spec"]["adoptionPolicy"] = json!("Adopt");
    let mut anothers = managed("anothers", "anothers");
    anothers["spec"]["adoptionPolicy"] = json!("Adopt");
    let objects = [managed("taken", "taken"), anothers, admin, unknown, nowhere, without];
    let plan = plan_of(&stage, &objects.iter().collect::<Vec<_>>(), 1).await;
    assert_eq!(plan["summary"], json!({ "refuse": 6 }), "{plan:#}");
    for (object, user) in objects.iter().zip(plan["users"].as_array().unwrap()) {
        let name = object["metadata"]["name"].as_str().unwrap();
        let reason = user["reason"].as_str().unwrap();
        stage.create(object).await;
        let said = stage.reason(name, reason).await;
        // The operator adds what it does next.
        let planned = user["note"].as_str().unwrap();
        assert!(said.starts_with(planned), "{name}: {said} / {planned}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_found_before_anything_is_asked() {
    let stage = Stage::with("kplan-mistakes", Options { operator: false, ..Options::default() }).await;
    let mut wrong = managed("jane", "jane doe");
    wrong["spec"]["usernames"] = json!("x");
    let plan = plan_of(&stage, &[&wrong], 1).await;
    assert_eq!(plan["mistakes"].as_array().unwrap().len(), 1, "as the API server: rules only where the shape is right");
    assert!(plan["mistakes"][0]["message"].as_str().unwrap().contains("did you mean username?"), "{plan}");
    assert_eq!(stage.calls().len(), 0);
    // One user, twice.
    let twins = plan_of(&stage, &[&managed("one", "twin"), &managed("two", "TWIN")], 1).await;
    let found = twins["mistakes"][0]["message"].as_str().unwrap();
    assert!(found.starts_with("spec.username: is the user of ConnectUser one in <stdin>"), "{found}");
    // A change that admission forbids.
    let object = managed("john", "john");
    stage.create(&object).await;
    let renamed = managed("john", "johnny");
    let plan = plan_of(&stage, &[&renamed], 1).await;
    assert!(plan["mistakes"][0]["message"].as_str().unwrap().contains("Amazon Connect cannot rename a user"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cluster_manifests_are_planned_alone() {
    let stage = Stage::with("kplan-alone", Options { operator: false, ..Options::default() }).await;
    let file = directory("kplan-alone").join("john.yaml");
    let mut object = saml("john", "john");
    object["metadata"]["namespace"] = json!("contact-centre");
    std::fs::write(&file, serde_saphyr::to_string(&object).unwrap()).unwrap();
    let arguments = ["plan", "--no-cluster", "-f", file.to_str().unwrap(), "-o", "json"];
    let mut command = super::command(&stage, &[&arguments[..], &FAST].concat());
    command.env("KUBECONFIG", "/no/such/file");
    let ran = super::finish(command).await.expect(2);
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(plan["users"][0]["action"], "create");
    assert_eq!(plan["users"][0]["instance"], s::ARN);
    assert_eq!(plan["cost"], json!({ "calls": { "CreateUser": 1 }, "seconds": 0 }));
}

/// Whom the files do not have any more: what the plan says of their users is what then becomes of them.
/// A restored backup has no status, and by its name nothing finds a user that was renamed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_only_its_tags_lead_to_is_found() {
    let stage = Stage::new("kplan-lost").await;
    let (renamed, hidden) = (managed("jane", "jane.doe"), managed("john", "john.doe"));
    for object in [&renamed, &hidden] {
        stage.create(object).await;
        stage.ready(object["metadata"]["name"].as_str().unwrap()).await;
    }
    stage.stop_operator().await;
    for (name, other) in [("jane", "jane.roe"), ("john", "john.roe")] {
        stage.force_status(name, json!({ "observedGeneration": -1 })).await;
        let username = Some(other.to_owned());
        stage.console(&format!("{name}.doe"), UserPatch { username, ..UserPatch::default() });
    }
    let john = stage.user("john.roe").unwrap().id;
    stage.simulator.inject(Fault::error_before(404, "ResourceNotFoundException").on("DescribeUser").for_user(&john));
    let (told, other) = {
        let plan = plan_of(&stage, &[&renamed, &hidden], 1).await;
        (plan["users"][0].clone(), plan["users"][1].clone())
    };
    assert_eq!((&told["action"], &told["reason"]), (&json!("refuse"), &json!("Drifted")), "{told:#}");
    assert!(told["note"].as_str().unwrap().contains("jane.roe"), "{told:#}");
    assert_eq!((&other["action"], &other["reason"]), (&json!("wait"), &json!("Unavailable")), "{other:#}");

    let file = directory("kplan-lost").join("none.yaml");
    std::fs::write(&file, "").unwrap();
    let pruned = plan(&stage, &["-f", file.to_str().unwrap(), "--prune", "-o", "json"]).await.expect(2);
    let pruned: Value = serde_json::from_str(&pruned.out).unwrap();
    assert_eq!(pruned["users"][0]["calls"], json!(["DeleteUser"]), "{pruned:#}");

    stage.simulator.clear_faults();
    stage.start_operator().await;
    for name in ["jane", "john"] {
        stage.reason(name, "Drifted").await;
    }
    assert_eq!(stage.written(), ["CreateUser", "CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_pruned_is_told_and_happens() {
    let stage = Stage::new("kplan-prune").await;
    let with = |name: &str, username: &str, patch: Value| {
        let mut object = managed(name, username);
        object["spec"].as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        object
    };
    let stays = managed("stays", "stays");
    let renamed = with("new-name", "renamed", json!({ "adoptionPolicy": "Adopt" }));
    let other = managed("other-name", "other");
    let going = [
        with("deleted", "deleted", json!({})),
        with("deleted-too", "deleted.too", json!({})),
        with("kept", "kept", json!({ "deletionPolicy": "Retain" })),
        with("old-name", "renamed", json!({})),
        with("asleep", "asleep", json!({})),
        with("first-name", "other", json!({})),
    ];
    for object in going.iter().chain([&stays]) {
        stage.create(object).await;
        stage.ready(object["metadata"]["name"].as_str().unwrap()).await;
    }
    stage.edit("asleep", json!({ "suspend": true })).await;
    stage.reason("asleep", "Suspended").await;
    let before = stage.writes().len();
    let file = directory("kplan-prune").join("users.yaml");
    let texts = [&stays, &renamed, &other].map(|object| serde_saphyr::to_string(object).unwrap());
    std::fs::write(&file, texts.join("---\n")).unwrap();
    let path = file.to_str().unwrap();
    let look = async |more: &[&str], code: i32| -> Value {
        let ran = plan(&stage, &[&["-f", path, "-o", "json"], more].concat()).await.expect(code);
        serde_json::from_str(&ran.out).unwrap()
    };
    // Nobody goes unless it is asked, and a user that has an object is not another's.
    let quiet = look(&[], 1).await;
    assert_eq!(quiet["users"].as_array().unwrap().len(), 3, "{quiet:#}");

    let told = look(&["--prune", "--deletion-brake", "1/1h"], 2).await;
    let of = |name: &str| {
        let object = format!("{}/{name}", stage.namespace);
        let users = told["users"].as_array().unwrap();
        let found = users.iter().find(|user| user["object"] == object).unwrap_or_else(|| panic!("{name}: {told:#}"));
        (found["action"].as_str().unwrap().to_owned(), found["calls"].clone())
    };
    assert_eq!(of("stays"), ("nothing".to_owned(), json!([])));
    assert_eq!(of("deleted"), ("delete".to_owned(), json!(["DeleteUser"])));
    assert_eq!(of("deleted-too"), ("delete".to_owned(), json!(["DeleteUser"])));
    assert_eq!(of("kept"), ("release".to_owned(), json!(["UntagResource"])));
    assert_eq!(of("asleep"), ("wait".to_owned(), json!([])));
    assert_eq!(of("old-name"), ("release".to_owned(), json!(["TagResource"])));
    assert_eq!(of("new-name"), ("adopt".to_owned(), json!([])));
    assert_eq!(of("first-name"), ("delete".to_owned(), json!(["DeleteUser"])));
    assert_eq!(of("other-name"), ("create".to_owned(), json!(["CreateUser"])));
    let held = told["notes"].to_string();
    assert!(
        held.contains("3 users of instance") && held.contains("lets 1 go") && held.contains("DeletionHeld"),
        "{held}"
    );
    assert_eq!(look(&["--prune"], 2).await["notes"], json!([]));
    assert_eq!(stage.writes().len(), before, "a plan writes nothing");

    stage.create(&renamed).await;
    stage.create(&other).await;
    for name in ["deleted", "deleted-too", "kept", "old-name", "first-name", "asleep"] {
        stage.delete(name).await;
    }
    for name in ["deleted", "deleted-too", "kept", "old-name", "first-name"] {
        stage.gone(name).await;
    }
    stage.reason_while_deleting("asleep", "DeletionHeld").await;
    stage.ready("new-name").await;
    stage.ready("other-name").await;
    let mut done = stage.written().split_off(before);
    done.sort();
    assert_eq!(done, ["CreateUser", "DeleteUser", "DeleteUser", "DeleteUser", "TagResource", "UntagResource"]);
    let again = look(&["--prune"], 0).await;
    let asleep = again["users"].as_array().unwrap().iter().find(|user| user["username"] == "asleep").unwrap();
    assert_eq!((&asleep["action"], &asleep["reason"]), (&json!("wait"), &json!("Deleting")), "{asleep:#}");

    // A file that cannot be read may have had them all.
    std::fs::write(&file, format!("{}---\nkind: [", texts[0])).unwrap();
    let broken = look(&["--prune"], 1).await;
    assert!(broken["notes"].to_string().contains("is not told"), "{broken:#}");
    let goes = |user: &Value| ["delete", "release"].contains(&user["action"].as_str().unwrap());
    assert!(!broken["users"].as_array().unwrap().iter().any(goes), "{broken:#}");
}
