//! Random histories: the whole controller over an API server and a Connect in memory, in virtual time.
//!
//! Whatever people, Connect, the API server and a second operator do, every call keeps the rules of [`audit`];
//! and when they have stopped, every object rests where [`ending`] says, and nothing is written any more.
//!
//! ```text
//! HISTORIES=20000 cargo test --test it histories::      as many, from a seed of the day
//! HISTORY=1234 cargo test --test it histories::         this one, as often as HISTORIES says
//! ```

mod audit;
mod connect;
pub mod dice;
mod differential;
mod ending;
mod found;
mod life;
mod real;
mod shrink;
mod step;
mod time;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::step::{Author, Step};
use self::world::World;

/// How a history went.
struct Course {
    wrong: Vec<String>,
    trace: Vec<String>,
    calls: usize,
    writes: usize,
}

/// Plays a history to its end.
fn play(seed: u64, steps: &[Step], definitions: &[Value]) -> Course {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(seed, definitions).await;
        for step in steps {
            world.take(step).await;
        }
        world.calm().await;
        tokio::time::sleep(world.quiet()).await;
        let mut wrong = ending::wrongs(&world);
        let (version, writes) = (world.server.version(), world.audit.lock().unwrap().writes);
        tokio::time::sleep(world.quiet()).await;
        if writes != world.audit.lock().unwrap().writes {
            wrong.push("Connect is written to although nothing happens".to_owned());
        }
        let late = ending::late(&world, version);
        if !late.is_empty() {
            wrong.push(format!("the API server is written to although nothing happens: {late:?}"));
        }
        if world.is_rarely_looked_at() && wrong.is_empty() {
            world.disturb();
            tokio::time::sleep(world.sweep()).await;
            wrong.extend(ending::wrongs(&world).into_iter().map(|wrong| format!("after a sweep: {wrong}")));
            world.disturb_tags();
            tokio::time::sleep(world.quiet()).await;
            wrong.extend(ending::wrongs(&world).into_iter().map(|wrong| format!("after a search: {wrong}")));
        }
        if !world.operators_run() {
            wrong.push("an operator has ended by itself".to_owned());
        }
        world.stop();
        let audit = std::mem::replace(
            &mut *world.audit.lock().unwrap(),
            audit::Audit::new(world.server.clone(), Duration::ZERO),
        );
        wrong.splice(0..0, audit.violations);
        Course { wrong, trace: audit.trace, calls: audit.calls, writes: audit.writes }
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[test]
fn whatever_happens_every_write_keeps_the_rules_and_all_comes_to_rest() {
    let one = number("HISTORY");
    let count = number("HISTORIES").unwrap_or(if one.is_some() { 1 } else { DEFAULT });
    let first = number("FIRST_HISTORY").unwrap_or(0);
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let (all_steps, calls, writes) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let definitions = world::definitions();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let author = Author::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || failed.lock().unwrap().len() >= number("FAILURES").unwrap_or(1) as usize {
                        break;
                    }
                    let seed = one.unwrap_or(first + index);
                    let steps = author.history(seed);
                    let course = play(seed, &steps, &definitions);
                    all_steps.fetch_add(steps.len() as u64, Ordering::Relaxed);
                    calls.fetch_add(course.calls as u64, Ordering::Relaxed);
                    writes.fetch_add(course.writes as u64, Ordering::Relaxed);
                    if !course.wrong.is_empty() {
                        failed.lock().unwrap().push((seed, steps, course));
                    }
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let per = |total: &AtomicU64| total.load(Ordering::Relaxed) as f64 / count as f64;
    println!(
        "{count} histories in {seconds:.1} s ({:.1}/s); each {:.1} steps, {:.1} calls, {:.1} writes",
        count as f64 / seconds,
        per(&all_steps),
        per(&calls),
        per(&writes)
    );
    let failed = failed.into_inner().unwrap();
    for (seed, steps, course) in &failed {
        println!("{}", shrink::report(*seed, steps, course, &definitions));
    }
    assert!(failed.is_empty(), "{} histories went wrong: see above", failed.len());
}

/// Stopping is in order at every moment, also before the caches are filled.
#[test]
fn an_operator_that_is_told_to_stop_while_it_starts_stops() {
    let definitions = world::definitions();
    for millis in [0, 10, 30, 60, 100] {
        let steps = [Step::Hold, Step::Rollout, Step::Wait { millis }, Step::Rollout];
        let course = play(millis, &steps, &definitions);
        assert!(course.wrong.is_empty(), "{:?}", course.wrong);
    }
}

/// As many as the gate has time for.
const DEFAULT: u64 = 200;
