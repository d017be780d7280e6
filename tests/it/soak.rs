//! Many objects, and much that happens to them for a long time: nothing is lost, nothing is missed, and the
//! process does not grow. `make soak`; `SOAK_MINUTES` (30) and `SOAK_OBJECTS` (2000) say how long and how many.

mod memory;
mod people;

use std::time::{Duration, Instant};

use connect_simulator::{Fault, FaultKind};

use self::memory::Memory;
use self::people::People;
use serde_json::json;

use crate::histories::dice::Dice;
use crate::support::{Options, Stage};

/// By then a change made elsewhere is put right: a sweep or a search that finds it, retries after faults, and a
/// machine that is slow.
const BOUND: Duration = Duration::from_secs(90);
/// An instance that always fails is left alone for longer and longer; this leaves it time to recover.
const BETWEEN_FAULTS: Duration = Duration::from_secs(15);
/// What happens to calls now and then.
const FAULTS: [FaultKind; 5] = [
    FaultKind::LostAnswer,
    FaultKind::LostRequest,
    FaultKind::Throttle,
    FaultKind::MalformedAnswer,
    FaultKind::Latency { millis: 500 },
];

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half an hour"]
async fn nothing_is_lost_or_missed_and_memory_does_not_grow() {
    let minutes = from_environment("SOAK_MINUTES", 30);
    let count = usize::try_from(from_environment("SOAK_OBJECTS", 2000)).unwrap();
    let options = Options {
        sweep: "5s",
        search: "20s",
        resync: "5m",
        rust_log: "info,connect_user_operator=warn,connect_user_operator::cli=info,connect_user_operator::controller=info",
        simulator: connect_simulator::Options { users_quota: 2 * count, ..connect_simulator::Options::default() },
        values: json!({ "operator": { "deletionBrake": "1000000/1h" } }),
        ..Options::default()
    };
    let stage = Stage::with("soak", options).await;
    stage.administrator();
    let mut people = People::new(&stage);
    people.declare(count).await;
    people.all_as_declared(Duration::from_secs(600)).await;
    println!("soak: {count} users are there");

    let mut memory = Memory::of(stage.operator_pid());
    let mut dice = Dice::new(from_environment("SOAK_SEED", 1));
    let begun = Instant::now();
    let duration = Duration::from_secs(60 * minutes);
    let (mut last_look, mut last_fault) = (Instant::now(), Instant::now());
    while begun.elapsed() < duration {
        match dice.below(100) {
            0..30 => people.edit(&mut dice).await,
            30..60 => people.change_elsewhere(&mut dice),
            60..63 => people.delete_elsewhere(&mut dice),
            63..66 => people.delete(&mut dice).await,
            // One at a time: each call that fails may open the circuit, which then makes few calls to meet the others.
            66..68 if stage.simulator.faults().is_empty() && last_fault.elapsed() >= BETWEEN_FAULTS => {
                last_fault = Instant::now();
                let times = u32::try_from(dice.between(1, 3)).unwrap();
                stage.simulator.inject(Fault { times: Some(times), ..Fault::new(dice.pick(&FAULTS).clone()) });
            }
            _ => {}
        }
        if last_look.elapsed() >= Duration::from_secs(2) {
            last_look = Instant::now();
            memory.sample(begun.elapsed());
            people.declare_again().await;
            people.check();
            // The simulator remembers every call, which is not what is measured but would fill the machine.
            stage.simulator.clear_calls();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.simulator.clear_faults();
    people.all_as_declared(Duration::from_secs(180)).await;
    memory.sample(begun.elapsed());
    println!("soak: {minutes} min, {}; {}", people.told(), memory.told());
    memory.check();
}
