//! `--read-only`: everything is told, nothing is written to Amazon Connect.

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Mutation, UserPatch};
use connect_user_operator::resource::FINALIZER;
use kube::ResourceExt;
use serde_json::json;

use crate::support::{Options, Stage, managed};

fn elsewhere() -> serde_json::Value {
    json!({ "routingProfileArn": format!("{}/routing-profile/{}", m::ARN, m::ROUTING_NIGHT) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_install_tells_what_it_would_do_and_leaves_no_trace() {
    let options = Options {
        resync: "1s",
        sweep: "1s",
        values: json!({ "operator": { "readOnly": true } }),
        ..Options::default()
    };
    let stage = Stage::with("read-only", options).await;
    stage.administrator();
    let set = UserPatch {
        security_profile_ids: Some(vec![m::SECURITY_AGENT.to_owned()]),
        routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()),
        ..UserPatch::default()
    };
    for username in ["there", "taken"] {
        let made = Mutation::CreateUser {
            instance_id: m::ID.to_owned(),
            username: username.to_owned(),
            set: Box::new(set.clone()),
        };
        stage.simulator.mutate_at(made, std::time::SystemTime::now()).unwrap();
    }
    let before = stage.simulator.users(m::ID);

    stage.create(&managed("absent", "absent")).await;
    let message = stage.reason("absent", "Frozen").await;
    assert!(message.contains("would be created") && message.contains("--read-only"), "{message}");
    let mut adopting = managed("there", "there");
    adopting["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&adopting).await;
    let message = stage.reason("there", "Frozen").await;
    assert!(message.contains("would be changed in") && message.contains("routingProfile"), "{message}");
    stage.create(&managed("taken", "taken")).await;
    stage.reason("taken", "UsernameTaken").await;

    // Whoever tries it out can take it all away again.
    for name in ["absent", "there", "taken"] {
        assert!(stage.get(name).await.finalizers().is_empty(), "{name}");
        stage.delete(name).await;
        stage.gone(name).await;
    }
    assert_eq!(stage.writes(), []);
    assert_eq!(stage.simulator.users(m::ID), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_managed_already_is_neither_changed_nor_deleted() {
    let stage = Stage::with("read-only-later", Options { resync: "1s", ..Options::default() }).await;
    stage.administrator();
    for name in ["jane", "john"] {
        stage.create(&managed(name, name)).await;
        stage.ready(name).await;
    }
    stage.stop_operator().await;
    let (written, before) = (stage.writes(), stage.simulator.users(m::ID));
    let process = stage.launch("again", &json!({ "operator": { "readOnly": true } })).await;
    stage.edit("jane", elsewhere()).await;
    let message = stage.reason("jane", "Frozen").await;
    assert!(message.contains("would be changed in routingProfile"), "{message}");
    assert_eq!(stage.get("jane").await.status.unwrap().drift.len(), 1);
    stage.delete("john").await;
    let message = stage.reason_while_deleting("john", "DeletionHeld").await;
    assert!(message.contains("--read-only") && message.contains("release-deletion"), "{message}");
    assert!(stage.get("john").await.finalizers().iter().any(|finalizer| finalizer == FINALIZER));
    assert_eq!(stage.writes(), written);
    assert_eq!(stage.simulator.users(m::ID), before);

    // Without it everything is done that was told.
    assert!(process.terminate(std::time::Duration::from_secs(30)).await.unwrap().success());
    stage.start_operator().await;
    stage.ready("jane").await;
    stage.gone("john").await;
    assert_eq!(stage.user("jane").unwrap().routing_profile_id, m::ROUTING_NIGHT);
    assert!(stage.user("john").is_none());
}
