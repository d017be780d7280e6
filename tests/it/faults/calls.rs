//! Faults of Amazon Connect.

use std::collections::BTreeSet;
use std::time::Duration;

use connect_simulator::{Fault, FaultKind, Lag};

use super::cases::{Case, Plain, plain, play, tries_all};
use crate::crash::trial::INTERVALS;

/// The operator's patience where answers come too late.
const PATIENCE: Duration = Duration::from_millis(1000);
/// How far reads lag; less than the grace that the operator gives them.
const LAG: Duration = Duration::from_millis(300);

/// Every operation that occurs, struck by each of these so many times.
pub async fn every_call_under(faults: Vec<(FaultKind, u32)>) {
    let mut cases = Vec::new();
    let mut seen = BTreeSet::new();
    // Two objects of one user may wait for each other in this run and not in that: what they call may not be called.
    let is_certain = |plain: &Plain| (plain.scenario)().ends.len() == 1;
    let (certain, others): (Vec<_>, Vec<_>) = plain().await.iter().partition(|plain| is_certain(plain));
    for plain in certain.into_iter().chain(others) {
        let operations: BTreeSet<&String> = plain.calls.iter().collect();
        for operation in operations {
            if !seen.insert(operation) && !tries_all() {
                continue;
            }
            for (kind, times) in &faults {
                cases.push(case(plain, operation, kind.clone(), *times));
            }
        }
    }
    // Everything that the port can do.
    assert_eq!(seen.len(), 23, "{seen:?}");
    let least = cases.iter().filter(|case| is_certain(case.plain)).count();
    play("faults of calls", cases, least).await;
}

fn case(plain: &'static Plain, operation: &str, kind: FaultKind, times: u32) -> Case {
    let label = format!("{operation} under {times} {kind:?}");
    let fault = Fault { operation: Some(operation.to_owned()), times: Some(times), ..Fault::new(kind) };
    let spoil = Box::new(move |trial: &mut crate::crash::trial::Trial| {
        trial.habitat.patience = PATIENCE;
        trial.stage.simulator.inject(fault);
    });
    Case { label, plain, spoil, looks: times as usize }
}

/// Every scenario with each read lagging alone, and with all of them.
pub async fn under_lag() {
    let ms = u64::try_from(LAG.as_millis()).unwrap();
    let lags = [
        ("DescribeUser after creation", Lag { describe_after_create_ms: ms, ..Lag::default() }),
        ("DescribeUser after an update", Lag { describe_after_update_ms: ms, ..Lag::default() }),
        ("ListUsers after creation", Lag { list_after_create_ms: ms, ..Lag::default() }),
        ("ListUsers after deletion", Lag { list_after_delete_ms: ms, ..Lag::default() }),
        ("SearchUsers", Lag { search_after_write_ms: ms, ..Lag::default() }),
        ("reuse of names", Lag { username_reuse_after_delete_ms: ms, ..Lag::default() }),
        ("everything", Lag { username_reuse_after_delete_ms: ms, ..Lag::uniform(ms) }),
    ];
    // While it waits for something to show, the operator looks at the pace of its first retry, at most a fifth
    // sooner; and afterwards for as long as the grace lasts.
    let looks = (INTERVALS.grace + LAG).as_millis() / (INTERVALS.first_retry.as_millis() * 4 / 5);
    let mut cases = Vec::new();
    for plain in plain().await {
        for (what, lag) in lags {
            let spoil = Box::new(move |trial: &mut crate::crash::trial::Trial| trial.stage.simulator.set_lag(lag));
            cases.push(Case { label: format!("lag of {what}"), plain, spoil, looks: usize::try_from(looks).unwrap() });
        }
    }
    let count = cases.len();
    play("lag", cases, count).await;
}
