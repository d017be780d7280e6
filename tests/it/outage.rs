//! An instance that does not answer is one circuit and one condition, not as many error loops as it has users.

use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, Mutation};
use serde_json::json;

use crate::support::{Options, Stage, condition, managed};

const USERS: usize = 20;

fn names() -> Vec<String> {
    (0..USERS).map(|number| format!("agent-{number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_costs_probes_not_calls_and_every_user_recovers() {
    let stage = Stage::with("outage", Options { resync: "1s", ..Options::default() }).await;
    for name in names() {
        stage.create(&managed(&name, &name)).await;
    }
    for name in names() {
        stage.ready(&name).await;
    }

    stage.simulator.inject(Fault::error_before(403, "ExpiredTokenException"));
    stage.eventually(|| async { stage.operator_log().contains("does not answer").then_some(()) }).await.unwrap();
    // A change that is made during the outage waits and is not lost.
    stage.edit("agent-0", json!({ "identityInfo": { "lastName": "Roe" } })).await;
    let message = stage.reason("agent-0", "Unavailable").await;
    assert!(message.contains("was not tried: ListUsers failed with ExpiredTokenException"), "{message}");

    let before = stage.calls().len();
    let window = Duration::from_secs(5);
    tokio::time::sleep(window).await;
    let during = stage.calls().len() - before;
    // Twenty users, each of which would try every two seconds; a probe is two calls where describing is denied.
    assert!(during <= 10, "{during} calls in {window:?}: {:?}", stage.operations());
    let unready = names().len() - ready(&stage).await;
    // Those that raised the suspicion, and those that were under way until the probe had failed.
    assert!(unready <= USERS / 2, "{unready} users were called not ready for an outage of their instance");

    stage.simulator.clear_faults();
    for name in names() {
        stage.ready(&name).await;
    }
    assert_eq!(stage.user("agent-0").unwrap().identity_info.last_name.as_deref(), Some("Roe"));
}

async fn ready(stage: &Stage) -> usize {
    let mut count = 0;
    for name in names() {
        let object = stage.get(&name).await;
        count += usize::from(condition(&object).is_some_and(|(status, _)| status == "True"));
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_instance_is_asked_by_one_creation_at_a_time_and_room_is_used_at_once() {
    let stage = Stage::new("full").await;
    let quota = |quota| {
        stage.simulator.mutate(Mutation::SetUsersQuota { instance_id: m::ID.to_owned(), quota }).unwrap();
    };
    quota(1);
    stage.create(&managed("first", "first")).await;
    stage.ready("first").await;
    for name in names() {
        stage.create(&managed(&name, &name)).await;
    }
    for name in names() {
        stage.reason(&name, "QuotaExceeded").await;
    }
    let before = stage.written().len();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let tried = stage.written().len() - before;
    // At the longest delay of the test, two seconds, twenty objects would try forty times.
    assert!(tried <= 4, "{tried} creations were tried in a full instance");

    quota(100);
    for name in names() {
        stage.ready(&name).await;
    }
}
