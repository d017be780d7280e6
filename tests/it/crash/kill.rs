//! The real process, under the rights that we ship, killed again and again at moments that nobody chose.

use std::time::{Duration, Instant};

use connect_simulator::{Fault, FaultKind};
use tokio::task::JoinSet;

use super::points::undisturbed;
use super::scenario::Scenario;
use super::trial::{Place, Trial};
use super::verdict::Outcome;

/// Every call takes so long, so that a kill finds one under way.
const LATENCY_MILLIS: u64 = 60;
/// A life is at most so long once its caches are filled; an undisturbed one takes longer.
const LONGEST_LIFE_MILLIS: u64 = 400;
/// Stages at one time.
const STAGES: usize = 4;
/// Kills on each.
const KILLS: usize = 5;

/// Kills the operator again and again on several stages, and then lets it live.
pub async fn kills(scenario: fn() -> Scenario) {
    let began = Instant::now();
    let outcome = undisturbed(scenario).await.outcome;
    let mut stages = JoinSet::new();
    for stage in 0..STAGES {
        stages.spawn(on_a_stage(scenario, outcome.clone(), Dice::new(scenario().name, stage)));
    }
    let at_work: usize = stages.join_all().await.into_iter().sum();
    let all = STAGES * KILLS;
    // Some lives are too short to begin, and some scenarios too short to be killed five times.
    assert!(at_work * 4 >= all, "of {all} kills only {at_work} came while there was something to do");
    let seconds = began.elapsed().as_secs_f64();
    println!("{}: {all} kills, {at_work} of them at work, in {seconds:.1} s", scenario().name);
}

/// How many kills came while the operator was at work.
async fn on_a_stage(scenario: fn() -> Scenario, undisturbed: Outcome, mut dice: Dice) -> usize {
    let trial = Trial::begin_with(scenario(), true, Place::default()).await;
    trial.stage.simulator.inject(Fault::new(FaultKind::Latency { millis: LATENCY_MILLIS }));
    let mut at_work = 0;
    for _ in 0..KILLS {
        trial.stage.start_operator().await;
        tokio::time::sleep(Duration::from_millis(dice.below(LONGEST_LIFE_MILLIS))).await;
        at_work += usize::from(!trial.calls().is_empty() && !trial.is_at_its_end().await);
        trial.stage.kill_operator();
    }
    trial.stage.start_operator().await;
    let at_its_end = || async { trial.is_at_its_end().await.then_some(()) };
    assert!(trial.stage.eventually(at_its_end).await.is_some(), "{}", trial.stage.operator_log());
    let writes = trial.stage.writes().len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(trial.stage.writes().len(), writes, "it does not fall silent");
    trial.stage.stop_operator().await;
    let wrongs = trial.wrongs(Some(&undisturbed)).await;
    assert!(wrongs.is_empty(), "{}\n{}", wrongs.join("\n"), trial.stage.operations().join(", "));
    trial.clear().await;
    at_work
}

/// The same throws at every run, unless `CRASH_SEED` says otherwise.
struct Dice(u64);

impl Dice {
    fn new(name: &str, stage: usize) -> Self {
        let seed: u64 = std::env::var("CRASH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        Self(
            name.bytes()
                .chain([stage as u8])
                .fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte))),
        )
    }

    /// SplitMix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
