//! With the quota lifted, what bounds an onboarding; and what many objects cost: memory, processor time, a
//! restart, a new listing, a correction.

use std::time::{Duration, Instant};

use super::process::{forget_peak, memory, processor_time};
use super::stage::Stage;
use crate::calls;
use crate::objects;
use crate::plan::Plan;
use crate::report::{Goal, Report};

/// As good as none.
pub const LIFTED: [&str; 2] = ["--rate-limit", "*=100000"];
/// The object that is there before all others.
const FIRST: usize = 999_999;
const ROOM: Duration = Duration::from_secs(1200);

pub async fn run(plan: &Plan, report: &mut Report) {
    let sizes = plan.objects().map_or_else(|| plan.size(vec![1_000], vec![1_000, 10_000]), |count| vec![count]);
    for count in sizes {
        let scenario = format!("process: quota lifted, {count}");
        if plan.has(&scenario) {
            live(&scenario, count, report).await;
        }
    }
}

async fn live(scenario: &str, count: usize, report: &mut Report) {
    let mut stage = Stage::new(&format!("scale-{count}"), None).await;
    stage.start(&LIFTED).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let nothing = memory(stage.pid()).resident;
    report.add(scenario, "memory with nothing to do", nothing / 1024.0, "MiB", Goal::AtMost(30.0));
    // The first object brings clients, connections and the names of the instance; each further one itself.
    stage.create(std::iter::once(objects::agent(FIRST))).await;
    stage.observer.until(1, 1, ROOM).await;
    stage.stop().await;
    stage.start(&LIFTED).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let one = memory(stage.pid()).resident;
    report.add(scenario, "memory with one object", one / 1024.0, "MiB", Goal::None);
    stage.take_calls();
    stage.observer.take_changes();
    onboard(scenario, count, &stage, report).await;
    let after = memory(stage.pid());
    report.add(scenario, "memory after onboarding", after.resident / 1024.0, "MiB", Goal::None);
    stage.stop().await;
    restart(scenario, count, &mut stage, report).await;
    rest(scenario, count, one, &stage, report).await;
    relist(scenario, count, &stage, report).await;
    stage.stop().await;
    drift(scenario, count, &mut stage, report).await;
    stage.stop().await;
}

async fn onboard(scenario: &str, count: usize, stage: &Stage, report: &mut Report) {
    let busy = processor_time(stage.pid());
    let begun = Instant::now();
    stage.create((0..count).map(objects::agent)).await;
    let declared = begun.elapsed().as_secs_f64();
    report.add(scenario, "declaring all objects", declared, "s", Goal::None);
    let took = stage.observer.until(count + 1, count + 1, ROOM).await.duration_since(begun).as_secs_f64();
    report.add(scenario, "onboard: time", took, "s", Goal::None);
    report.add(scenario, "onboard: users a second", count as f64 / took, "1/s", Goal::None);
    let busy = (processor_time(stage.pid()) - busy).as_secs_f64();
    report.add(scenario, "onboard: processor time per user", busy * 1000.0 / count as f64, "ms", Goal::None);
    let seen = stage.take_calls();
    let tried = seen.iter().filter(|call| call.operation == "CreateUser").count();
    report.add(scenario, "onboard: CreateUser calls per user", tried as f64 / count as f64, "", Goal::Exactly(1.0));
    let (_, statuses) = stage.observer.take_changes();
    report.add(scenario, "onboard: status writes per user", statuses as f64 / count as f64, "", Goal::AtMost(2.0));
}

async fn restart(scenario: &str, count: usize, stage: &mut Stage, report: &mut Report) {
    stage.take_calls();
    stage.observer.take_changes();
    let begun = Instant::now();
    let ready = stage.start(&LIFTED).await.as_secs_f64();
    report.add(scenario, "restart: time to ready", ready, "s", Goal::AtMost(10.0));
    while stage.metric("controller_runtime_reconcile_total{controller=\"connectuser\"").await <= count as f64 {
        assert!(begun.elapsed() < ROOM, "objects are not judged");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let judged = begun.elapsed().as_secs_f64();
    report.add(scenario, "restart: until every object was judged", judged, "s", Goal::None);
    let (seen, pages) = (stage.take_calls(), (count + 2).div_ceil(1000) as f64);
    report.add(scenario, "restart: ListUsers calls", calls::count(&seen, "ListUsers") as f64, "", Goal::Exactly(pages));
    report.note(format!("{scenario}: calls of a restart: {}", calls::text(&seen)));
    let (writes, _) = stage.observer.take_changes();
    report.add(scenario, "restart: writes to the API server", writes as f64, "", Goal::Exactly(0.0));
}

async fn rest(scenario: &str, count: usize, one: f64, stage: &Stage, report: &mut Report) {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (busy, begun) = (processor_time(stage.pid()), Instant::now());
    tokio::time::sleep(Duration::from_secs(30)).await;
    let busy = (processor_time(stage.pid()) - busy).as_secs_f64() / begun.elapsed().as_secs_f64();
    report.add(scenario, "at rest: part of a core", busy * 100.0, "%", Goal::AtMost(1.0));
    let now = memory(stage.pid());
    let each = (now.resident - one) / count as f64;
    report.add(scenario, "at rest: memory", now.resident / 1024.0, "MiB", Goal::None);
    // The goal is for this many: what grows in steps, such as the room of a map, is shared by fewer before.
    let goal = if count >= 10_000 { Goal::AtMost(6.0) } else { Goal::None };
    report.add(scenario, "at rest: memory per object", each, "KiB", goal);
    report.add(scenario, "peak since the start", now.peak / 1024.0, "MiB", Goal::AtMost(2.0 * now.resident / 1024.0));
}

/// The operator sleeps, something is written, the API server is another: its watch cannot go on.
async fn relist(scenario: &str, count: usize, stage: &Stage, report: &mut Report) {
    let before = memory(stage.pid()).resident;
    forget_peak(stage.pid());
    stage.operator().signal("STOP").unwrap();
    stage.edit(std::iter::once(objects::name(0)), serde_json::json!({ "tags": { "team": "sales" } })).await;
    stage.plane.restart_apiserver().await.unwrap();
    stage.edit(std::iter::once(objects::name(0)), serde_json::json!({ "tags": { "team": "support" } })).await;
    stage.operator().signal("CONT").unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    stage.observer.until(count + 1, count + 1, ROOM).await;
    let after = memory(stage.pid());
    report.add(scenario, "a new listing: peak", after.peak / 1024.0, "MiB", Goal::AtMost(2.0 * before / 1024.0));
    report.add(scenario, "a new listing: memory afterwards", after.resident / 1024.0, "MiB", Goal::None);
}

async fn drift(scenario: &str, count: usize, stage: &mut Stage, report: &mut Report) {
    let changed = (count / 100).max(1);
    stage.start(&[LIFTED.as_slice(), &["--sweep-interval", "10s"]].concat()).await;
    while stage.metric("controller_runtime_reconcile_total{controller=\"connectuser\"").await <= count as f64 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stage.take_calls();
    let begun = Instant::now();
    stage.console((0..changed).map(|number| number * 97 % count));
    stage.until_called("UpdateUserRoutingProfile", changed, ROOM).await;
    let took = begun.elapsed().as_secs_f64();
    report.add(scenario, "1 % changed in the console: all corrected, swept every 10 s", took, "s", Goal::AtMost(20.0));
    tokio::time::sleep(Duration::from_secs(2)).await;
    report.note(format!("{scenario}: calls when 1 % was changed: {}", calls::text(&stage.take_calls())));
}
