//! Changes in Connect are noticed by few listings, not by reading each user.

use std::collections::BTreeMap;
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, Mutation, UserPatch};
use kube::ResourceExt;
use serde_json::json;

use crate::support::{Options, Stage, managed};

const USERS: usize = 25;

fn names() -> Vec<String> {
    (0..USERS).map(|number| format!("agent-{number}")).collect()
}

/// A stage with users in sync.
async fn settled(test: &str, options: Options) -> Stage {
    let stage = Stage::with(test, options).await;
    stage.administrator();
    for name in names() {
        stage.create(&managed(&name, &name)).await;
    }
    for name in names() {
        stage.ready(&name).await;
    }
    stage
}

/// How often each operation was called since `from`.
fn counts(stage: &Stage, from: usize) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for operation in stage.operations().into_iter().skip(from) {
        *counts.entry(operation).or_default() += 1;
    }
    counts
}

async fn versions(stage: &Stage) -> Vec<Option<String>> {
    let mut versions = Vec::new();
    for name in names() {
        versions.push(stage.get(&name).await.resource_version());
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_costs_one_listing_and_no_write() {
    let stage = settled("inv-restart", Options::default()).await;
    stage.stop_operator().await;
    let (calls, before) = (stage.calls().len(), versions(&stage).await);
    stage.start_operator().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(counts(&stage, calls), [("ListUsers".to_owned(), 1)].into(), "{:?}", stage.operations());
    assert_eq!(versions(&stage).await, before);
    // What changed in the meantime is found by the same listing.
    stage.stop_operator().await;
    let routing = UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.console("agent-7", routing);
    let calls = stage.calls().len();
    stage.start_operator().await;
    stage.event("agent-7", "DriftCorrected").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let found = counts(&stage, calls);
    assert_eq!((found["ListUsers"], found["DescribeUser"], found["UpdateUserRoutingProfile"]), (1, 1, 1), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn own_writes_are_not_drift_and_a_change_in_the_console_costs_one_look_at_one_user() {
    let stage = settled("inv-sweep", Options { sweep: "1s", ..Options::default() }).await;
    stage.edit("agent-3", json!({ "identityInfo": { "lastName": "Roe" } })).await;
    stage.ready("agent-3").await;
    // Let the writes become older than what may count as a change of our own.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let looks = counts(&stage, 0)["DescribeUser"];
    assert_eq!(looks, 1, "only the edit needed a look: {:?}", counts(&stage, 0));

    let calls = stage.calls().len();
    let routing = UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
    stage.console("agent-5", routing);
    stage.event("agent-5", "DriftCorrected").await;
    assert_eq!(stage.user("agent-5").unwrap().routing_profile_id, m::ROUTING_BASIC);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut found = counts(&stage, calls);
    assert!(found.remove("ListUsers").is_some_and(|sweeps| sweeps >= 2));
    assert_eq!(found, [("DescribeUser".to_owned(), 1), ("UpdateUserRoutingProfile".to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_deleted_or_renamed_in_the_console_is_noticed_by_the_listing() {
    let stage = settled("inv-gone", Options { sweep: "1s", ..Options::default() }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage
        .simulator
        .mutate_at(
            Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: "agent-1".to_owned() },
            std::time::SystemTime::now(),
        )
        .unwrap();
    stage.console("agent-2", UserPatch { username: Some("someone".to_owned()), ..UserPatch::default() });
    stage.event("agent-1", "UserVanished").await;
    stage.ready("agent-1").await;
    assert!(stage.user("agent-1").is_some());
    let message = stage.reason("agent-2", "Drifted").await;
    assert!(message.contains("someone"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_moves_no_time_is_noticed_by_the_index() {
    let options = Options { sweep: "1s", search: "1s", ..Options::default() };
    let stage = Stage::with("inv-search", options).await;
    stage.administrator();
    let mut object = managed("jane", "jane.doe");
    object["spec"]["tags"] = json!({ "team": "support" });
    stage.create(&object).await;
    stage.create(&managed("john", "john.roe")).await;
    stage.ready("jane").await;
    stage.ready("john").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let calls = stage.calls().len();
    let mut tags = stage.user("jane.doe").unwrap().tags;
    tags.insert("team".to_owned(), "sales".to_owned());
    tags.insert("theirs".to_owned(), "kept".to_owned());
    stage.console("jane.doe", UserPatch { tags: Some(tags), ..UserPatch::default() });
    stage.event("jane", "DriftCorrected").await;
    let tags = stage.user("jane.doe").unwrap().tags;
    assert_eq!((tags["team"].as_str(), tags["theirs"].as_str()), ("support", "kept"));
    let found = counts(&stage, calls);
    assert_eq!(found["DescribeUser"], 1, "{found:?}");
}

/// The index may show what was there before the write, so it is not asked about the user for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_right_after_a_write_of_our_own_is_noticed_by_the_index_when_the_grace_has_passed() {
    let stage =
        Stage::with("inv-grace", Options { sweep: "1s", search: "1s", grace: "4s", ..Options::default() }).await;
    stage.administrator();
    let mut object = managed("jane", "jane.doe");
    object["spec"]["tags"] = json!({ "team": "support" });
    stage.create(&object).await;
    stage.ready("jane").await;
    stage.edit("jane", json!({ "identityInfo": { "firstName": "Janet" } })).await;
    stage.ready("jane").await;
    let calls = stage.calls().len();
    let mut tags = stage.user("jane.doe").unwrap().tags;
    tags.insert("team".to_owned(), "sales".to_owned());
    stage.console("jane.doe", UserPatch { tags: Some(tags), ..UserPatch::default() });
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let found = counts(&stage, calls);
    assert!(found["SearchUsers"] > 0 && !found.contains_key("DescribeUser"), "{found:?}");
    stage.event("jane", "DriftCorrected").await;
    assert_eq!(stage.user("jane.doe").unwrap().tags["team"], "support");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_fails_is_tried_again_though_nothing_changes_any_more() {
    let stage = Stage::with("inv-retry", Options { sweep: "1s", ..Options::default() }).await;
    stage.administrator();
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage
        .simulator
        .inject(Fault::error_before(500, "InternalServiceException").on("UpdateUserRoutingProfile").times(3));
    let routing = UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
    stage.console("jane.doe", routing);
    stage.event("jane", "DriftCorrected").await;
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_BASIC);
    stage.ready("jane").await;
    let calls = stage.calls().len();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let after = counts(&stage, calls);
    assert!(after.keys().all(|operation| operation == "ListUsers"), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_list_a_start_costs_one_try_and_a_look_at_each() {
    let stage = settled("inv-denied", Options::default()).await;
    stage.stop_operator().await;
    stage.simulator.inject(Fault::error_before(403, "AccessDeniedException").on("ListUsers"));
    let calls = stage.calls().len();
    stage.start_operator().await;
    let looked =
        stage.eventually(|| async { (counts(&stage, calls).get("DescribeUser") == Some(&USERS)).then_some(()) }).await;
    assert!(looked.is_some(), "{:?}", counts(&stage, calls));
    assert_eq!(counts(&stage, calls)["ListUsers"], 1);
}
