//! What metrics tell of instances: how many objects are in which state, what nobody manages, what waits.

use std::collections::BTreeMap;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, UserPatch};
use connect_user_operator::resource::user::ConnectUser;
use kube::api::ListParams;
use serde_json::json;

use crate::support::{Options, Stage, condition, managed};

const USERS: usize = 6;

/// Values by name and labels.
async fn scrape(stage: &Stage) -> BTreeMap<String, f64> {
    let text = stage.get_from_operator("/metrics").await;
    let lines = text.lines().filter(|line| line.starts_with("connect_user_operator_"));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

fn of_instance(name: &str) -> String {
    format!("connect_user_operator_{name}{{connect_instance=\"{}\"}}", m::ID)
}

fn objects(reason: &str) -> String {
    format!("connect_user_operator_objects{{connect_instance=\"{}\",reason=\"{reason}\"}}", m::ID)
}

/// Waits until the metrics are such, and returns them.
async fn until(stage: &Stage, wanted: &[(String, f64)]) -> BTreeMap<String, f64> {
    let found = stage.eventually(|| async {
        let metrics = scrape(stage).await;
        wanted.iter().all(|(name, value)| metrics.get(name) == Some(value)).then_some(metrics)
    });
    match found.await {
        Some(metrics) => metrics,
        None => panic!("not {wanted:?}: {:#?}", scrape(stage).await),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_how_each_instance_is_doing() {
    let values = json!({ "operator": { "deletionBrake": "1/1h" } });
    // Only the sweep finds the change in the console: a look of its own could be quicker, and make no suspect.
    let options = Options { sweep: "1s", values, ..Options::default() };
    let stage = Stage::with("gauges", options).await;
    stage.administrator();
    for number in 0..USERS {
        stage.create(&managed(&format!("agent-{number}"), &format!("agent-{number}"))).await;
    }
    let mut broken = managed("broken", "broken");
    broken["spec"].as_object_mut().unwrap().remove("routingProfileArn");
    broken["spec"]["routingProfileName"] = json!("No Such Profile");
    stage.create(&broken).await;
    let metrics = until(
        &stage,
        &[
            (objects("InSync"), 6.0),
            (objects("ReferenceNotFound"), 1.0),
            (of_instance("unmanaged_users"), 1.0),
            (of_instance("deletions_held"), 0.0),
            (of_instance("circuit_open"), 0.0),
        ],
    )
    .await;
    let age = metrics[&of_instance("last_sweep_age_seconds")];
    assert!((0.0..30.0).contains(&age), "{age}");
    let suspects = metrics.get(&of_instance("suspects_total")).copied().unwrap_or_default();

    // A change in the console is one suspect; past what may count as a change of our own.
    tokio::time::sleep(std::time::Duration::from_secs(4)).await;
    let routing = UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
    stage.console("agent-1", routing);
    stage.event("agent-1", "DriftCorrected").await;
    let after = scrape(&stage).await[&of_instance("suspects_total")];
    assert!(after >= suspects + 1.0, "{suspects} and then {after}");

    // Three go where one may.
    for number in 0..3 {
        stage.delete(&format!("agent-{number}")).await;
    }
    let really = || async {
        let objects = stage.api().list(&ListParams::default()).await.unwrap().items;
        let is_held = |object: &&ConnectUser| condition(object).is_some_and(|(_, reason)| reason == "DeletionHeld");
        objects.iter().filter(is_held).count() as f64
    };
    let found = stage.eventually(|| async {
        let (really, metrics) = (really().await, scrape(&stage).await);
        let held = metrics[&of_instance("deletions_held")];
        (held >= 2.0 && held == really && metrics.get(&objects("DeletionHeld")) == Some(&really)).then_some(())
    });
    assert!(found.await.is_some(), "{} are held: {:#?}", really().await, scrape(&stage).await);

    stage.simulator.inject(Fault::error_before(403, "ExpiredTokenException"));
    until(&stage, &[(of_instance("circuit_open"), 1.0)]).await;
    stage.simulator.clear_faults();
    until(&stage, &[(of_instance("circuit_open"), 0.0)]).await;

    let text = stage.get_from_operator("/metrics").await;
    assert!(!text.contains("agent-") && !text.contains(&stage.namespace), "names of objects are no labels");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_reason_makes_no_label_and_objects_that_are_gone_are_not_told() {
    let stage = Stage::new("gauges-forged").await;
    stage.create(&managed("jane", "jane")).await;
    stage.ready("jane").await;
    until(&stage, &[(objects("InSync"), 1.0)]).await;
    stage.stop_operator().await;
    stage.force_status("jane", json!({ "observedGeneration": 1 })).await;
    // Held up so that the forged reason is seen before it is put right.
    stage.simulator.inject(Fault::error_before(500, "InternalServiceException"));
    stage.start_operator().await;
    let text = stage.get_from_operator("/metrics").await;
    assert!(!text.contains("Forged"), "{text}");
    stage.simulator.clear_faults();
    stage.ready("jane").await;
    stage.delete("jane").await;
    stage.gone("jane").await;
    let found = stage.eventually(|| async { (!scrape(&stage).await.contains_key(&objects("InSync"))).then_some(()) });
    assert!(found.await.is_some(), "{:#?}", scrape(&stage).await);
}
