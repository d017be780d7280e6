//! Operators that share the work by labels: each acts on its own objects, what leaves a shard is not touched by
//! it any more, and where two shards speak of one person nobody is deleted or taken from anybody.

use connect_simulator::UserPatch;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::condition::ready;
use harness::Process;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::{Options, Stage, managed};

const ID: &str = "77777777-7777-4777-8777-000000000002";

/// Two operators that watch the same namespace.
struct Shards {
    stage: Stage,
    processes: [Process; 2],
}

impl Shards {
    async fn new(name: &str) -> Self {
        Self::with(name, Options::default()).await
    }

    async fn with(name: &str, options: Options) -> Self {
        let stage = Stage::with(name, Options { operator: false, resync: "1s", ..options }).await;
        stage.add_instance(ID);
        let shard = async |name: &str| {
            let selector = format!("shard={}", &name[6..]);
            let identity = format!("--identity={name}");
            let values = json!({ "operator": { "watchSelector": selector, "extraArgs": [identity] } });
            stage.launch(name, &values).await
        };
        let processes = [shard("shard-a").await, shard("shard-b").await];
        for process in &processes {
            let filled = |line: &str| line.contains("cache is filled");
            process.wait_for_line(filled, std::time::Duration::from_secs(60)).await.unwrap();
        }
        Self { stage, processes }
    }

    async fn label(&self, name: &str, shard: Option<&str>) {
        let patch = json!({ "metadata": { "labels": { "shard": shard } } });
        self.stage.api().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Who has written what about a user, in order.
    fn writes(&self, username: &str) -> Vec<(String, String)> {
        let of_user = self.stage.writes().into_iter().filter(|call| call.username.as_deref() == Some(username));
        of_user.map(|call| (caller(&call.user_agent), call.operation)).collect()
    }
}

fn caller(user_agent: &str) -> String {
    let name = user_agent.split("app/connect-user-operator.").nth(1).unwrap();
    name.split_whitespace().next().unwrap().to_owned()
}

fn user(name: &str, username: &str, shard: Option<&str>) -> Value {
    let mut object = managed(name, username);
    object["metadata"]["labels"] = json!({ "shard": shard });
    if shard.is_none() {
        object["metadata"].as_object_mut().unwrap().remove("labels");
    }
    object
}

fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(who, what)| ((*who).to_owned(), (*what).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_shard_acts_on_its_own_objects_and_what_leaves_one_is_not_touched_by_it() {
    let shards = Shards::new("shards").await;
    let stage = &shards.stage;
    stage.administrator();
    for (name, shard) in [("ann", Some("a")), ("ben", Some("b")), ("nobodys", None)] {
        stage.create(&user(name, name, shard)).await;
    }
    stage.ready("ann").await;
    stage.ready("ben").await;
    assert_eq!(shards.writes("ann"), said(&[("shard-a", "CreateUser")]));
    assert_eq!(shards.writes("ben"), said(&[("shard-b", "CreateUser")]));

    // From the first to the second: the first is done with it, and the second finds what it needs in the status.
    shards.label("ann", Some("b")).await;
    stage.edit("ann", json!({ "identityInfo": { "firstName": "Anna" } })).await;
    stage
        .until("ann", "changed", |_| {
            stage.user("ann").is_some_and(|user| user.identity_info.first_name.as_deref() == Some("Anna"))
        })
        .await;
    stage.ready("ann").await;
    assert_eq!(shards.writes("ann"), said(&[("shard-a", "CreateUser"), ("shard-b", "UpdateUserIdentityInfo")]));

    // To nobody: not looked at, not changed, not deleted, and not forgotten either.
    shards.label("ann", None).await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let seen = stage.calls().last().unwrap().seq;
    stage.edit("ann", json!({ "identityInfo": { "firstName": "Annette" } })).await;
    stage.delete("ann").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let since: Vec<_> = stage.simulator.calls_since(seen);
    let of_ann: Vec<_> = since.iter().filter(|call| call.username.as_deref() == Some("ann")).collect();
    assert!(of_ann.is_empty(), "{of_ann:?}");
    assert!(stage.get("ann").await.metadata.deletion_timestamp.is_some());
    assert!(stage.get("nobodys").await.status.and_then(|status| status.user_id).is_none());
    assert!(stage.user("nobodys").is_none());

    shards.label("ann", Some("a")).await;
    stage.gone("ann").await;
    assert!(stage.user("ann").is_none());
    shards.label("nobodys", Some("b")).await;
    stage.ready("nobodys").await;
    for process in &shards.processes {
        assert!(process.is_running(), "{}", process.tail(20));
    }
}

/// A correction needs no write to the API server before it, which would be refused for an object that has changed.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_its_turn_when_the_object_leaves_is_not_done() {
    // One at once, and the next after eight seconds.
    let rate_limit = Some("*=10000,UpdateUserRoutingProfile=0.125/1");
    let shards = Shards::with("shards-turn", Options { rate_limit, ..Options::default() }).await;
    let stage = &shards.stage;
    stage.administrator();
    for name in ["ann", "amy"] {
        stage.create(&user(name, name, Some("a"))).await;
        stage.ready(name).await;
    }
    let moved = || UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
    stage.console("ann", moved());
    let corrected = || async { (stage.user("ann")?.routing_profile_id == m::ROUTING_BASIC).then_some(()) };
    assert!(stage.eventually(corrected).await.is_some(), "{:?}", shards.writes("ann"));
    stage.console("amy", moved());
    let seen = stage.calls().last().unwrap().seq;
    let looked = || async {
        let calls = stage.simulator.calls_since(seen);
        calls.iter().any(|call| call.username.as_deref() == Some("amy")).then_some(())
    };
    assert!(stage.eventually(looked).await.is_some(), "nobody looks at the user");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    shards.label("amy", None).await;
    tokio::time::sleep(std::time::Duration::from_secs(12)).await;
    assert_eq!(shards.writes("amy"), said(&[("shard-a", "CreateUser")]));
    // The turn was there to be had.
    shards.label("amy", Some("a")).await;
    let corrected = || async { (stage.user("amy")?.routing_profile_id == m::ROUTING_BASIC).then_some(()) };
    assert!(stage.eventually(corrected).await.is_some(), "{:?}", shards.writes("amy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_in_two_shards_has_one_owner_and_is_handed_over_instead_of_deleted() {
    let shards = Shards::new("shards-heir").await;
    let stage = &shards.stage;
    stage.administrator();
    stage.create(&user("old-name", "jane", Some("a"))).await;
    let id = stage.ready("old-name").await.status.unwrap().user_id.unwrap();
    // The same person under another name in Git, which falls into the other shard.
    let mut renamed = user("new-name", "jane", Some("b"));
    renamed["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&renamed).await;
    let message = stage.reason("new-name", "OwnedByAnother").await;
    assert!(message.contains("old-name"), "{message}");
    let written = shards.writes("jane");
    assert!(written.iter().all(|(who, what)| who == "shard-a" || what == "CreateUser"), "{written:?}");

    stage.delete("old-name").await;
    stage.gone("old-name").await;
    let object = stage.ready("new-name").await;
    assert_eq!(object.status.unwrap().user_id.as_deref(), Some(id.as_str()), "another user by the same name");
    assert!(shards.writes("jane").iter().all(|(_, what)| what != "DeleteUser"), "{:?}", shards.writes("jane"));
    let owner = &stage.user("jane").unwrap().tags["contactops.dev/owner"];
    assert!(owner.ends_with("/new-name"), "{owner}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_tell_one_sum_of_an_instance_and_hold_it_for_each_other() {
    let shards = Shards::new("shards-sum").await;
    let (stage, name) = (&shards.stage, "two-shards");
    let api = stage.instances();
    let rules = json!({ "instanceArn": m::ARN.replace(m::ID, ID), "allowedNamespaces": [stage.namespace] });
    stage.govern(name, rules).await.unwrap();
    for (name, shard) in [("ann", "a"), ("amy", "a"), ("ben", "b")] {
        let text = user(name, name, Some(shard)).to_string().replace(m::ID, ID);
        stage.create(&serde_json::from_str(&text).unwrap()).await;
        stage.ready(name).await;
    }
    let look = || async { api.get(name).await.unwrap().status.unwrap_or_default() };
    let told = stage.eventually(|| async {
        let users = look().await.users;
        users.is_some_and(|users| (users.declared, users.ready) == (3, 3)).then_some(())
    });
    assert!(told.await.is_some(), "{:?}", look().await);
    let status = look().await;
    let reports: Vec<_> = status.operators.iter().map(|one| (one.namespaces.as_str(), one.objects)).collect();
    let names = ["a", "b"].map(|shard| format!("{} shard={shard}", stage.namespace));
    assert_eq!(reports, [(names[0].as_str(), 2), (names[1].as_str(), 1)]);
    assert_eq!(ready(&status.conditions).unwrap().reason, "InSync");

    api.delete(name, &DeleteParams::default()).await.unwrap();
    for user in ["ann", "amy"] {
        stage.delete(user).await;
        stage.gone(user).await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert!(api.get_opt(name).await.unwrap().is_some(), "a user of the other shard still uses it");
    stage.delete("ben").await;
    stage.gone("ben").await;
    let gone = stage.eventually(|| async { api.get_opt(name).await.unwrap().is_none().then_some(()) });
    assert!(gone.await.is_some(), "{:?}", look().await);
}
