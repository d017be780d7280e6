//! The operator process against a Connect with quotas, in real time.

use std::time::{Duration, Instant};

use connect_simulator::{CallRecord, Quotas};
use serde_json::json;

use crate::support::{Options, Stage, managed};

async fn onboarding(name: &str, count: usize) -> (Stage, Duration) {
    let simulator =
        connect_simulator::Options { quotas: Some(Quotas::default_table()), ..connect_simulator::Options::default() };
    let stage = Stage::with(name, Options { rate_limit: None, simulator, ..Options::default() }).await;
    let begun = Instant::now();
    for number in 0..count {
        stage.create(&managed(&format!("user-{number}"), &format!("user.{number}"))).await;
    }
    let limit = Duration::from_secs(60) + Duration::from_millis(600) * u32::try_from(count).unwrap();
    while stage.count() < count {
        assert!(begun.elapsed() < limit, "{} users: {}", stage.count(), stage.operations().join(", "));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // From the first call to the last: what the quota bounds.
    let calls = creations(&stage);
    let took = calls.last().unwrap().time.since(calls.first().unwrap().time);
    (stage, Duration::from_millis(took))
}

fn creations(stage: &Stage) -> Vec<CallRecord> {
    stage.calls().into_iter().filter(|call| call.operation == "CreateUser").collect()
}

fn throttled(stage: &Stage) -> usize {
    stage.calls().iter().filter(|call| call.status == 429).count()
}

fn ratio(count: usize, took: Duration) -> f64 {
    (count as f64 - 5.0) / 2.0 / took.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_users_come_at_the_pace_of_the_quota_and_nothing_is_throttled() {
    let (stage, took) = onboarding("pace", 40).await;
    println!("40 users in {took:?}: ratio {:.4}", ratio(40, took));
    assert_eq!(creations(&stage).len(), 40, "one call for each user");
    for number in 0..40 {
        stage.ready(&format!("user-{number}")).await;
    }
    assert_eq!(throttled(&stage), 0);
    assert!(ratio(40, took) >= 0.85, "{took:?}");
    let metrics = stage.get_from_operator("/metrics").await;
    let budget =
        "connect_user_operator_rate{account=\"111122223333\",region=\"eu-west-1\",operation=\"CreateUser\"} 1.998";
    assert!(metrics.contains(budget), "{metrics}");
    assert!(metrics.contains("connect_user_operator_waiting{class=\"bulk\"} 0"), "{metrics}");
    assert!(metrics.contains("connect_user_operator_wait_seconds_count{class=\"bulk\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_and_a_deletion_do_not_wait_for_an_import() {
    let simulator =
        connect_simulator::Options { quotas: Some(Quotas::default_table()), ..connect_simulator::Options::default() };
    let stage = Stage::with("pace-edit", Options { rate_limit: None, simulator, ..Options::default() }).await;
    for name in ["jane", "john"] {
        stage.create(&managed(name, name)).await;
    }
    for name in ["jane", "john"] {
        stage.ready(name).await;
    }
    for number in 0..150 {
        stage.create(&managed(&format!("user-{number}"), &format!("user.{number}"))).await;
    }
    stage.edit("jane", json!({ "identityInfo": { "firstName": "Janet" } })).await;
    stage.delete("john").await;
    let begun = Instant::now();
    stage.ready("jane").await;
    stage.gone("john").await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(stage.count() < 100, "the import was to be under way");
    assert_eq!(throttled(&stage), 0);
    // A stop does not wait for the import either: nothing that waits for its turn holds it up.
    let begun = Instant::now();
    stage.stop_operator().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let before = creations(&stage).len();
    // No Pod follows another as fast as that: what the last one has taken from the bucket is there again.
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.start_operator().await;
    // Who is next after a restart is nobody's promise.
    stage.eventually(|| async { (creations(&stage).len() > before + 3).then_some(()) }).await.expect("it goes on");
    let made = creations(&stage);
    assert!(made.iter().all(|call| call.status == 200), "a restart makes nothing twice");
    assert_eq!(throttled(&stage), 0, "nor does it take the bucket for full");
}

/// Two minutes; run it with `--ignored --nocapture` for the figure.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes two minutes"]
async fn two_hundred_users_reach_the_limit() {
    let (stage, took) = onboarding("pace-many", 200).await;
    println!("200 users in {took:?}: ratio {:.4}, {} throttled", ratio(200, took), throttled(&stage));
    assert!(ratio(200, took) >= 0.95, "{took:?}");
    assert_eq!(throttled(&stage), 0);
}
