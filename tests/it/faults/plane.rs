//! Faults of the API server as the operator in this process sees it.

use serde_json::json;

use super::cases::{Case, plain, play, tries_all};
use crate::crash::scenario::{Act, End, Scenario, object};
use crate::crash::trial::Trial;
use crate::support::{OnPlane, PlaneFault, Target};

/// Every scenario under each of these.
pub async fn under(faults: Vec<(Target, PlaneFault, u32)>) {
    let mut cases = Vec::new();
    for (number, plain) in plain().await.iter().enumerate() {
        for (turn, (target, fault, times)) in faults.iter().enumerate() {
            if !tries_all() && (number + turn) % 3 != 0 {
                continue;
            }
            let label = format!("{target:?} under {times} {fault:?}");
            let fault = OnPlane { target: *target, fault: fault.clone(), times: *times, struck: 0 };
            let is_slow = matches!(fault.fault, PlaneFault::Delay(_));
            // What is only slow needs no second look, unless an object waits for another's user, which comes later then.
            let looks = if is_slow { usize::from(is_handed_over(&(plain.scenario)())) } else { *times as usize };
            let spoil = Box::new(move |trial: &mut Trial| trial.habitat.plane_faults.lock().unwrap().push(fault));
            cases.push(Case { label, plain, spoil, looks });
        }
    }
    // Every scenario writes a status or a finalizer; only deletions are counted.
    let least = cases.len() / 2;
    play("faults of the API server", cases, least).await;
}

/// Whether somebody declares an object for a user that another one has, and deletes that one.
fn is_handed_over(scenario: &Scenario) -> bool {
    let has = |wanted: fn(&Act) -> bool| scenario.acts.iter().any(wanted);
    scenario.ends.len() > 1 && has(|act| matches!(act, Act::Create(_))) && has(|act| matches!(act, Act::Delete(_)))
}

/// Something changes while the watches do not stand.
pub async fn watches_fail(faults: Vec<PlaneFault>) {
    let scenario = Scenario {
        given: vec![object("jane", json!({})), object("john", json!({ "username": "john.doe" }))],
        ends: vec![("jane", End::Ready), ("john", End::Gone)],
        wants: vec![("/jane.doe/IdentityInfo/FirstName", json!("Janet")), ("/john.doe", json!(null))],
        ..Scenario::new("watches")
    };
    let mut trial = Trial::begin(scenario).await;
    // Twice each, because there are two watches: of users and of instances.
    let twice = |fault| OnPlane { target: Target::Watches, fault, times: 2, struck: 0 };
    *trial.habitat.plane_faults.lock().unwrap() = faults.into_iter().map(twice).collect();
    let life = trial.habitat.start(None);
    // The list has been read when the first user is; the watches are down.
    let has_begun = || async { (!trial.calls().is_empty()).then_some(()) };
    assert!(trial.stage.eventually(has_begun).await.is_some());
    let name = json!({ "identityInfo": { "firstName": "Janet" } });
    for act in [Act::Edit("jane", name), Act::Delete("john")] {
        trial.act(act).await;
    }
    trial.come_to_the_end(&life).await;
    life.stop().await;
    let left: u32 = trial.habitat.plane_faults.lock().unwrap().iter().map(|fault| fault.times).sum();
    assert_eq!(left, 0, "watches that did not fail");
    let wrongs = trial.wrongs(None).await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    assert_eq!(trial.stage.written().iter().filter(|name| *name == "UpdateUserIdentityInfo").count(), 1);
}
