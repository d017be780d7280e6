//! A cache that does not know yet what the operator itself has just written.

use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, Mutation, UserPatch};
use connect_user_operator::resource::{FINALIZER, RECONCILE_ANNOTATION, SUSPEND_ANNOTATION};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::crash::scenario::{End, Scenario, object};
use crate::crash::trial::Trial;
use crate::support::{OnPlane, PlaneFault, Target};

/// From now on these watches tell everything so much later.
fn slow(trial: &Trial, target: Target, delay: Duration) {
    let fault = OnPlane { target, fault: PlaneFault::SlowWatch(delay), times: 100, struck: 0 };
    trial.habitat.plane_faults.lock().unwrap().push(fault);
}

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
    slow(&trial, Target::Watches, Duration::from_millis(300));
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
        slow(&trial, Target::RulesWatches, Duration::from_secs(4));
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

/// Nor is anything made or changed in an instance that nobody spoke of until a moment ago.
pub async fn a_write_overtakes_the_first_rules() {
    let scenario = Scenario { given: vec![object("jane", json!({}))], ..Scenario::new("overtaken-first-rules") };
    let trial = Trial::begin(scenario).await;
    let stage = &trial.stage;
    slow(&trial, Target::RulesWatches, Duration::from_secs(4));
    let life = trial.habitat.start(None);
    stage.ready("jane").await;
    stage.settled("jane").await;
    let arn = m::ARN.replace(m::ID, &trial.habitat.instance_id);
    let rules = json!({ "instanceArn": arn, "allowedNamespaces": [stage.namespace], "freeze": true });
    stage.govern(&stage.namespace, rules).await.unwrap();
    let john = object("john", json!({ "username": "john.doe" })).to_string();
    stage.create(&serde_json::from_str(&john.replace(m::ID, &trial.habitat.instance_id)).unwrap()).await;
    stage.edit("jane", json!({ "tags": { "team": "support" } })).await;
    for name in ["jane", "john"] {
        let message = stage.reason(name, "Frozen").await;
        assert!(message.contains("freeze"), "{message}");
    }
    let wrote = || trial.calls().iter().any(|call| call.write);
    assert!(!wrote(), "{:?}", stage.operations());
    life.stop().await;
}

/// The cache shows the deletion and not yet what a person thought of it a moment later.
pub async fn a_deletion_overtakes_a_change_of_mind() {
    let scenario = Scenario {
        given: vec![object("jane", json!({})), object("john", json!({ "username": "john.doe" }))],
        ..Scenario::new("overtaken-mind")
    };
    let trial = Trial::begin(scenario).await;
    let stage = &trial.stage;
    slow(&trial, Target::Watches, Duration::from_secs(3));
    let life = trial.habitat.start(None);
    // Both kinds of object are watched.
    let is_slow = || async { (trial.habitat.plane_faults.lock().unwrap()[0].struck >= 2).then_some(()) };
    assert!(stage.eventually(is_slow).await.is_some());
    for name in ["jane", "john"] {
        stage.ready(name).await;
        stage.settled(name).await;
        stage.delete(name).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.edit("jane", json!({ "deletionPolicy": "Retain" })).await;
    stage.annotate("john", SUSPEND_ANNOTATION, "true").await;
    stage.gone("jane").await;
    let message = stage.reason_while_deleting("john", "DeletionHeld").await;
    assert!(message.contains("suspended"), "{message}");
    assert!(trial.users().iter().any(|user| user.username == "jane.doe"), "{:?}", stage.operations());
    assert!(trial.users().iter().any(|user| user.username == "john.doe"), "{:?}", stage.operations());
    life.stop().await;
}

/// Nothing is put right for an object that somebody has suspended meanwhile.
pub async fn a_correction_overtakes_a_suspension() {
    let scenario = Scenario { given: vec![object("jane", json!({}))], ..Scenario::new("overtaken-suspension") };
    let trial = Trial::begin(scenario).await;
    let stage = &trial.stage;
    slow(&trial, Target::Watches, Duration::from_secs(3));
    let life = trial.habitat.start(None);
    let is_slow = || async { (trial.habitat.plane_faults.lock().unwrap()[0].struck >= 2).then_some(()) };
    assert!(stage.eventually(is_slow).await.is_some());
    stage.ready("jane").await;
    stage.settled("jane").await;
    let by_hand = Mutation::UpdateUser {
        instance_id: trial.habitat.instance_id.clone(),
        user: "jane.doe".to_owned(),
        set: Box::new(UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() }),
    };
    stage.simulator.mutate(by_hand).unwrap();
    stage.annotate("jane", RECONCILE_ANNOTATION, "now").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    stage.annotate("jane", SUSPEND_ANNOTATION, "true").await;
    stage.reason("jane", "Suspended").await;
    let jane = trial.users().into_iter().find(|user| user.username == "jane.doe").unwrap();
    assert_eq!(jane.routing_profile_id, m::ROUTING_NIGHT, "{:?}", stage.operations());
    assert!(stage.operations().contains(&"DescribeUser".to_owned()), "it was not looked at");
    life.stop().await;
}

/// Somebody else puts a finalizer on the object, and the cache does not show it when the operator adds its own.
pub async fn a_finalizer_overtakes_anothers() {
    const OTHER: &str = "example.com/other";
    let trial = Trial::begin(Scenario::new("overtaken-finalizer")).await;
    let stage = &trial.stage;
    slow(&trial, Target::Watches, Duration::from_secs(3));
    let life = trial.habitat.start(None);
    let is_slow = || async { (trial.habitat.plane_faults.lock().unwrap()[0].struck >= 2).then_some(()) };
    assert!(stage.eventually(is_slow).await.is_some());
    let jane = object("jane", json!({})).to_string().replace(m::ID, &trial.habitat.instance_id);
    stage.create(&serde_json::from_str(&jane).unwrap()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let others = json!({ "metadata": { "finalizers": [OTHER] } });
    let nobody_else = PatchParams::default();
    let marked = stage.api().patch("jane", &nobody_else, &Patch::Merge(others)).await.unwrap();
    assert_eq!(marked.finalizers(), [OTHER], "the operator was quicker");
    let finalizers = stage.ready("jane").await.finalizers().to_vec();
    assert!(finalizers.iter().any(|name| name == OTHER), "{finalizers:?}");
    assert!(finalizers.iter().any(|name| name == FINALIZER), "{finalizers:?}");
    let none = json!({ "metadata": { "finalizers": [] } });
    stage.api().patch("jane", &nobody_else, &Patch::Merge(none)).await.unwrap();
    life.stop().await;
}
