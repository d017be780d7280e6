//! The real process, under the rights that we ship, killed again and again at moments that nobody chose.

use std::time::{Duration, Instant};

use connect_simulator::{Fault, FaultKind};

use super::points::undisturbed;
use super::scenario::Scenario;
use super::trial::Trial;

/// Every call takes so long, so that a kill finds one under way.
const LATENCY_MILLIS: u64 = 25;
/// A life is at most so long once its caches are filled; an undisturbed one needs about as much.
const LONGEST_LIFE_MILLIS: u64 = 500;

/// Kills the operator so many times, and then lets it live.
pub async fn kills(scenario: fn() -> Scenario, count: usize) {
    let began = Instant::now();
    let outcome = undisturbed(scenario).await.outcome;
    let trial = Trial::begin_with(scenario(), true).await;
    trial.stage.simulator.inject(Fault::new(FaultKind::Latency { millis: LATENCY_MILLIS }));
    let mut dice = Dice::new(scenario().name);
    let mut at_work = 0;
    for _ in 0..count {
        trial.stage.start_operator().await;
        let calls = trial.stage.calls().len();
        tokio::time::sleep(Duration::from_millis(dice.below(LONGEST_LIFE_MILLIS))).await;
        at_work += usize::from(trial.stage.calls().len() > calls && !trial.is_at_its_end().await);
        trial.stage.kill_operator();
    }
    trial.stage.start_operator().await;
    let at_its_end = || async { trial.is_at_its_end().await.then_some(()) };
    assert!(trial.stage.eventually(at_its_end).await.is_some(), "{}", trial.stage.operator_log());
    let writes = trial.stage.writes().len();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(trial.stage.writes().len(), writes, "it does not fall silent");
    trial.stage.stop_operator().await;
    let wrongs = trial.wrongs(Some(&outcome)).await;
    assert!(wrongs.is_empty(), "{}\n{}", wrongs.join("\n"), trial.stage.operations().join(", "));
    assert!(at_work > 0, "no kill came while there was something to do");
    trial.clear().await;
    let seconds = began.elapsed().as_secs_f64();
    println!("{}: {count} kills, {at_work} of them at work, in {seconds:.1} s", scenario().name);
}

/// The same throws at every run, unless `CRASH_SEED` says otherwise.
struct Dice(u64);

impl Dice {
    fn new(name: &str) -> Self {
        let seed: u64 = std::env::var("CRASH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        Self(name.bytes().fold(seed, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte))))
    }

    /// SplitMix64.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
