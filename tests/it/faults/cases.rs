//! Plays many cases at a time and holds each to its bound.

use std::sync::OnceLock;

use tokio::sync::{OnceCell, Semaphore};
use tokio::task::JoinSet;

use crate::crash::points::undisturbed;
use crate::crash::scenario::Scenario;
use crate::crash::scenarios;
use crate::crash::trial::Trial;
use crate::crash::verdict::Outcome;

/// Runs at one time, over all tests of this kind.
static RUNS: Semaphore = Semaphore::const_new(24);

/// Calls that a look may need beyond those of the undisturbed run, to find out what happened: the three
/// listings of names, DescribeInstance, SearchUsers, ListUsers, DescribeUser and ListUserProficiencies.
const LOOKUPS: usize = 8;

/// A scenario as it goes when nothing goes wrong.
pub struct Plain {
    pub scenario: fn() -> Scenario,
    pub outcome: Outcome,
    /// Calls of Connect in order.
    pub calls: Vec<String>,
    pub writes: usize,
}

/// All scenarios of one life, played once for all tests here.
pub async fn plain() -> &'static [Plain] {
    static PLAIN: OnceCell<Vec<Plain>> = OnceCell::const_new();
    let all = PLAIN.get_or_init(|| async {
        let mut all = Vec::new();
        for scenario in scenarios::ALL.iter().filter(|scenario| scenario().then.is_empty()) {
            let trial = undisturbed(*scenario).await;
            let calls = trial.calls.iter().map(|call| call.operation.clone()).collect();
            let writes = trial.calls.iter().filter(|call| call.write).count();
            all.push(Plain { scenario: *scenario, outcome: trial.outcome, calls, writes });
        }
        all
    });
    all.await
}

/// How to make it go wrong, after people acted and before the operator lives.
pub type Spoil = Box<dyn FnOnce(&mut Trial) + Send>;

pub struct Case {
    pub label: String,
    pub plain: &'static Plain,
    pub spoil: Spoil,
    /// How many times the operator may have to begin anew.
    pub looks: usize,
}

impl Case {
    /// Each look may cost the whole way and everything that helps to find out what happened.
    fn bound(&self) -> usize {
        self.plain.calls.len() + self.looks * (self.plain.calls.len() + LOOKUPS)
    }

    /// How many calls it took; nothing if nothing went wrong, because the scenario has no such request.
    async fn play(self) -> Option<usize> {
        let _permit = RUNS.acquire().await.unwrap();
        let bound = self.bound();
        let mut trial = Trial::begin((self.plain.scenario)()).await;
        (self.spoil)(&mut trial);
        trial.live(None).await;
        let wrongs = trial.wrongs(Some(&self.plain.outcome)).await;
        assert!(wrongs.is_empty(), "{}\ncalls: {}", wrongs.join("\n"), trial.stage.operations().join(", "));
        let calls = trial.calls();
        let writes = calls.iter().filter(|call| call.write).count();
        assert!(calls.len() <= bound, "{} calls, bound {bound}: {}", calls.len(), trial.stage.operations().join(", "));
        let most = self.plain.writes * (self.looks + 1);
        assert!(writes <= most, "{writes} writes, bound {most}: {}", trial.stage.written().join(", "));
        // One that takes effect before it strikes may find nothing to strike again.
        let has_struck = calls.iter().any(|call| call.fault.is_some());
        let is_idle = !trial.stage.simulator.faults().is_empty() && !has_struck;
        // Two objects of one user may wait for each other in this run and not in that.
        assert!(!is_idle || trial.scenario.ends.len() > 1, "the fault did not strike");
        trial.clear().await;
        let planned = trial.habitat.plane_faults.lock().unwrap().clone();
        let has_struck = planned.is_empty() || planned.iter().any(|fault| fault.struck > 0);
        (has_struck && !is_idle).then_some(calls.len())
    }
}

/// Plays all cases and tells how many there were. At least so many must have gone wrong.
pub async fn play(what: &str, cases: Vec<Case>, least: usize) {
    let began = std::time::Instant::now();
    let count = cases.len();
    assert!(count > 0);
    let mut runs = JoinSet::new();
    for case in cases {
        let label = format!("{}: {} (bound {})", (case.plain.scenario)().name, case.label, case.bound());
        let plain = case.plain.calls.len();
        runs.spawn(async move { (label, plain, tokio::spawn(case.play()).await) });
    }
    let (mut failures, mut idle, mut most) = (Vec::new(), 0, 0.0_f64);
    while let Some(run) = runs.join_next().await {
        match run.unwrap() {
            (_, plain, Ok(Some(calls))) => most = most.max(calls as f64 / plain as f64),
            (_, _, Ok(None)) => idle += 1,
            (label, _, Err(error)) => {
                let message = error.into_panic();
                let word = message.downcast_ref::<&str>().map(ToString::to_string);
                let message = message.downcast_ref::<String>().cloned().or(word).unwrap_or_default();
                failures.push(format!("=== {label}:\n{message}"));
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count} cases failed:\n{}", failures.len(), failures.join("\n"));
    assert!(count - idle >= least, "only {} cases went wrong", count - idle);
    let seconds = began.elapsed().as_secs_f64();
    let count = count - idle;
    println!("{what}: {count} cases in {seconds:.1} s; at most {most:.1} times the calls of an undisturbed run");
}

/// Whether every scenario is struck, and not only the first in which a call occurs.
pub fn tries_all() -> bool {
    static ALL: OnceLock<bool> = OnceLock::new();
    *ALL.get_or_init(|| std::env::var("FAULT_CASES").is_ok_and(|cases| cases == "all"))
}
