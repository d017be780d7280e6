//! Tries the crash points of a scenario, several at a time.

use std::time::{Duration, Instant};

use connect_simulator::CallRecord;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::scenario::Scenario;
use super::trial::{Place, Trial};
use super::verdict::Outcome;
use crate::support::{Crash, Moment};

/// Runs at one time, over all tests of this kind: each has operators and watches.
static RUNS: Semaphore = Semaphore::const_new(24);

/// A run that takes longer hangs: each of its waits alone is bounded by less.
const LONGEST: Duration = Duration::from_secs(180);

/// A scenario with nothing on its way: how it ends and what it takes.
pub struct Undisturbed {
    pub outcome: Outcome,
    /// Writes to the API server and calls of Connect, in order.
    pub steps: Vec<String>,
    pub calls: Vec<CallRecord>,
}

/// Plays a scenario with nothing on its way.
pub async fn undisturbed(scenario: fn() -> Scenario) -> Undisturbed {
    let mut trial = Trial::begin(scenario()).await;
    let steps = trial.live(None).await.steps;
    if trial.then().await {
        trial.live(None).await;
    }
    let wrongs = trial.wrongs(None).await;
    assert!(wrongs.is_empty(), "undisturbed:\n{}", wrongs.join("\n"));
    let (outcome, calls) = (trial.outcome().await, trial.calls());
    trial.clear().await;
    Undisturbed { outcome, steps, calls }
}

/// One run, which must come to an end of whatever kind.
async fn bounded(scenario: fn() -> Scenario, plan: Vec<Crash>, undisturbed: Outcome) -> usize {
    let _permit = RUNS.acquire().await.unwrap();
    let place = Place::default();
    let run = tokio::time::timeout(LONGEST, crashes(scenario, plan, undisturbed, place.clone())).await;
    run.unwrap_or_else(|_| panic!("still going after {LONGEST:?}, in {place}"))
}

/// Tries one crash after the other, then a life without one; how many of them struck.
async fn crashes(scenario: fn() -> Scenario, crashes: Vec<Crash>, undisturbed: Outcome, place: Place) -> usize {
    let mut trial = Trial::begin_with(scenario(), false, place).await;
    let mut struck = 0;
    for crash in crashes {
        let life = trial.live(Some(crash)).await;
        if !life.crashed {
            // Two objects of one user may wait for each other in this run and not in that, so lives differ in length.
            assert!(life.steps.len() < crash.step, "step {} was made and did not crash", crash.step);
            break;
        }
        struck += 1;
    }
    trial.then().await;
    trial.live(None).await;
    let wrongs = trial.wrongs(Some(&undisturbed)).await;
    assert!(wrongs.is_empty(), "{}", wrongs.join("\n"));
    trial.clear().await;
    struck
}

/// Every crash point of a scenario.
pub async fn every_crash_point_of(scenario: fn() -> Scenario) {
    let began = Instant::now();
    let Undisturbed { outcome, steps, .. } = undisturbed(scenario).await;
    // Those that vary come last, while it waits.
    let first = if scenario().steps_vary { steps.len().min(12) } else { steps.len() };
    let tried: Vec<_> = points(first).into_iter().map(|crash| vec![crash]).collect();
    let count = tried.len();
    let struck = run(scenario, tried, &outcome, &steps).await;
    // A point that is not reached would be a test that is not made, unless two objects of one user wait for each
    // other for longer in the run that counted: then it lies behind the end of its life.
    let least = match scenario() {
        scenario if scenario.steps_vary => count / 2,
        scenario if scenario.ends.len() > 1 => count * 3 / 4,
        _ => count,
    };
    assert!((least..=count).contains(&struck), "{struck} of {count} crash points struck; steps: {steps:#?}");
    let seconds = began.elapsed().as_secs_f64();
    println!("{}: {} steps, {count} crash points in {seconds:.1} s", scenario().name, steps.len());
}

/// A sample of two crashes in a row, the second in the life after the first.
pub async fn pairs_of_crashes_of(scenario: fn() -> Scenario, stride: usize) {
    let began = Instant::now();
    let Undisturbed { outcome, steps, .. } = undisturbed(scenario).await;
    let points = points(steps.len());
    let pairs: Vec<_> = points.iter().flat_map(|first| points.iter().map(|second| vec![*first, *second])).collect();
    let stride = if tries_all() { 1 } else { stride };
    let tried: Vec<_> = pairs.iter().cloned().step_by(stride).collect();
    let count = tried.len();
    let struck = run(scenario, tried, &outcome, &steps).await;
    // The second life has fewer steps where the first came far, so not every second crash can strike.
    assert!(struck >= count + count / 3, "of {count} pairs only {struck} crashes struck");
    println!(
        "{}: {count} of {} pairs of crashes, {struck} crashes, in {:.1} s",
        scenario().name,
        pairs.len(),
        began.elapsed().as_secs_f64()
    );
}

fn tries_all() -> bool {
    std::env::var("CRASH_POINTS").is_ok_and(|points| points == "all")
}

/// Before and after each of so many steps.
fn points(steps: usize) -> Vec<Crash> {
    let both = |step| [Moment::Before, Moment::After].map(|moment| Crash { step, moment });
    (1..=steps).flat_map(both).collect()
}

async fn run(scenario: fn() -> Scenario, tried: Vec<Vec<Crash>>, outcome: &Outcome, steps: &[String]) -> usize {
    let mut runs = JoinSet::new();
    for plan in tried {
        let outcome = outcome.clone();
        let label = plan.clone();
        runs.spawn(async move { (label, tokio::spawn(bounded(scenario, plan, outcome)).await) });
    }
    let (mut struck, mut failures) = (0, Vec::new());
    while let Some(run) = runs.join_next().await {
        match run.unwrap() {
            (_, Ok(count)) => struck += count,
            (plan, Err(error)) => {
                let step = |crash: &Crash| format!("{:?} {} ({})", crash.moment, crash.step, steps[crash.step - 1]);
                let plan: Vec<_> = plan.iter().map(step).collect();
                let message = error.into_panic();
                let message = message.downcast_ref::<String>().cloned().unwrap_or_default();
                failures.push(format!("=== crash {}:\n{message}", plan.join(", then ")));
            }
        }
    }
    assert!(failures.is_empty(), "{} runs failed:\n{}", failures.len(), failures.join("\n"));
    struck
}
