//! An instance with a replica in another Region: the same users, by two ARNs.

use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Mutation, UserPatch};
use serde_json::Value;

use crate::support::{Options, Stage, managed};

const AWAY: &str = "us-west-2";

/// An object that means the replica.
fn away(name: &str, username: &str) -> Value {
    serde_json::from_str(&managed(name, username).to_string().replace(m::REGION, AWAY)).unwrap()
}

async fn stage(name: &str) -> Stage {
    let stage = Stage::with(name, Options { sweep: "1s", search: "1s", ..Options::default() }).await;
    stage.administrator();
    let (instance_id, region) = (m::ID.to_owned(), AWAY.to_owned());
    stage.simulator.mutate(Mutation::ReplicateInstance { instance_id, region }).unwrap();
    stage
}

/// Each Region is swept and searched a few times.
async fn some_sweeps() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_both_regions_are_looked_after_by_those_who_have_them_and_nobody_else() {
    let stage = stage("replica").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.create(&away("john", "john.roe")).await;
    let jane = stage.ready("jane").await.status.unwrap();
    let john = stage.ready("john").await.status.unwrap();
    assert!(jane.user_arn.unwrap().contains(m::REGION) && john.user_arn.unwrap().contains(AWAY));
    some_sweeps().await;
    let listed = |region: &str| stage.calls().iter().any(|call| call.operation == "ListUsers" && call.region == region);
    assert!(listed(m::REGION) && listed(AWAY), "{:?}", stage.operations());
    assert_eq!(stage.written(), ["CreateUser", "CreateUser"], "what the other Region lists is no news");

    for name in ["jane.doe", "john.roe"] {
        let night = Some(m::ROUTING_NIGHT.to_owned());
        stage.console(name, UserPatch { routing_profile_id: night, ..UserPatch::default() });
    }
    for (object, name) in [("jane", "jane.doe"), ("john", "john.roe")] {
        stage.event(object, "DriftCorrected").await;
        assert_eq!(stage.user(name).unwrap().routing_profile_id, m::ROUTING_BASIC);
    }
    some_sweeps().await;
    assert_eq!(stage.written()[2..], ["UpdateUserRoutingProfile", "UpdateUserRoutingProfile"], "each once");

    stage.delete("john").await;
    stage.gone("john").await;
    assert!(stage.user("john.roe").is_none() && stage.user("jane.doe").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_user_is_not_managed_through_both_regions() {
    let stage = stage("replica-claim").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    let before = stage.user("jane.doe");
    let mut other = away("jane-away", "jane.doe");
    other["spec"]["adoptionPolicy"] = "Adopt".into();
    stage.create(&other).await;
    let message = stage.reason("jane-away", "OwnedByAnother").await;
    assert!(message.contains(&format!("{}/jane", stage.namespace)), "{message}");
    some_sweeps().await;
    stage.delete("jane-away").await;
    stage.gone("jane-away").await;
    assert_eq!(stage.user("jane.doe"), before);
    assert!(stage.written().iter().all(|operation| operation == "CreateUser"), "{:?}", stage.written());
}
