//! A cache that does not know yet what the operator itself has just written.

use std::time::Duration;

use connect_simulator::Fault;
use connect_simulator::fixtures::managed as m;
use serde_json::json;

use crate::crash::scenario::{End, Scenario, object};
use crate::crash::trial::Trial;
use crate::support::{OnPlane, PlaneFault, Target};

/// A failure is written into the status, and the next try, which succeeds, comes before the watch tells of it:
/// compared with the older status there would be nothing to write.
pub async fn a_retry_overtakes_the_watch() {
    let scenario = Scenario {
        given: vec![object("jane", json!({}))],
        ends: vec![("jane", End::Ready)],
        wants: vec![("/jane.doe/Username", json!("jane.doe"))],
        ..Scenario::new("overtaken")
    };
    let trial = Trial::begin(scenario).await;
    let fault = PlaneFault::SlowWatch(Duration::from_millis(300));
    trial.habitat.plane_faults.lock().unwrap().push(OnPlane { target: Target::Watches, fault, times: 100, struck: 0 });
    trial
        .stage
        .simulator
        .inject(Fault::error_before(409, "ResourceConflictException").on("ListRoutingProfiles").times(1));
    let life = trial.habitat.start(None);
    let has_seen = || async { trial.calls().iter().any(|call| call.operation == "DescribeUser").then_some(()) };
    assert!(trial.stage.eventually(has_seen).await.is_some());
    trial.come_to_the_end(&life).await;
    life.stop().await;
    let wrongs = trial.wrongs(None).await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
}

/// ConnectInstances come by a watch of their own: here a freeze comes later than the deletion that it forbids.
pub async fn a_deletion_overtakes_its_rules() {
    for rules in [Some(json!({})), None] {
        let is_governed = rules.is_some();
        let scenario = Scenario {
            given: vec![object("jane", json!({}))],
            rules,
            ..Scenario::new(if is_governed { "overtaken-rules" } else { "overtaken-no-rules" })
        };
        let trial = Trial::begin(scenario).await;
        let stage = &trial.stage;
        let (fault, target) = (PlaneFault::SlowWatch(Duration::from_secs(4)), Target::RulesWatches);
        trial.habitat.plane_faults.lock().unwrap().push(OnPlane { target, fault, times: 100, struck: 0 });
        let life = trial.habitat.start(None);
        stage.ready("jane").await;
        stage.settled("jane").await;
        if is_governed {
            stage.edit_rules(&stage.namespace, json!({ "freeze": true })).await;
        } else {
            let arn = m::ARN.replace(m::ID, &trial.habitat.instance_id);
            let rules = json!({ "instanceArn": arn, "allowedNamespaces": [stage.namespace], "freeze": true });
            stage.govern(&stage.namespace, rules).await.unwrap();
        }
        stage.delete("jane").await;
        let message = stage.reason_while_deleting("jane", "DeletionHeld").await;
        assert!(message.contains("freeze"), "{message}");
        let wrote = || trial.calls().iter().any(|call| call.operation == "DeleteUser");
        assert!(!wrote(), "{:?}", stage.operations());
        stage.edit_rules(&stage.namespace, json!({ "freeze": false })).await;
        stage.gone("jane").await;
        assert!(wrote(), "{:?}", stage.operations());
        life.stop().await;
    }
}
