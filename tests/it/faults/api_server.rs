//! The real API server dies while the real operator is at work.

use std::time::Duration;

use connect_simulator::{Fault, FaultKind};
use serde_json::json;

use crate::support::{Cluster, Options, Stage, managed};

const NAMES: [&str; 3] = ["jane", "john", "mary"];

/// On a control plane of its own, which no other test depends on.
pub async fn dies_and_comes_back() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start("mortal").await));
    let stage = Stage::on(cluster, "mortal", Options::default()).await;
    stage.administrator();
    // So that the server dies between a call and what comes of it.
    stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 200 }).on_writes());

    for name in NAMES {
        stage.create(&managed(name, name)).await;
    }
    outage(&stage, 1).await;
    for name in NAMES {
        stage.ready(name).await;
    }
    assert_eq!(stage.count(), NAMES.len());

    let calls = stage.writes().len();
    for name in NAMES {
        stage.edit(name, json!({ "identityInfo": { "lastName": "Roe" }, "tags": { "floor": "3" } })).await;
    }
    outage(&stage, calls + 1).await;
    for name in NAMES {
        stage.ready(name).await;
        let user = stage.user(name).unwrap();
        assert_eq!(user.identity_info.last_name.as_deref(), Some("Roe"));
        assert_eq!(user.tags["floor"], "3");
    }

    let calls = stage.writes().len();
    for name in NAMES {
        stage.delete(name).await;
    }
    outage(&stage, calls + 1).await;
    for name in NAMES {
        stage.gone(name).await;
    }
    assert_eq!(stage.count(), 0);
    // Each once: what was done before the outage was not done again after it, beyond what a lost status asks for.
    let written = stage.written();
    let count = |operation: &str| written.iter().filter(|written| *written == operation).count();
    assert_eq!(count("DeleteUser"), NAMES.len(), "{written:?}");
    assert!(count("CreateUser") <= 2 * NAMES.len(), "{written:?}");
    assert!(written.len() <= 2 * 4 * NAMES.len(), "{written:?}");
    stage.stop_operator().await;
}

/// Kills the API server once there were so many writes to Connect, and starts it again after a while.
async fn outage(stage: &Stage, writes: usize) {
    let has_begun = || async { (stage.writes().len() >= writes).then_some(()) };
    assert!(stage.eventually(has_begun).await.is_some());
    stage.cluster.plane.stop_apiserver();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.cluster.plane.start_apiserver().await.unwrap();
}
