//! Others want the same quota: another tool, changes of those who are there, a second instance; and proficiencies,
//! which are a second call.

use std::time::Duration;

use connect_simulator::fixtures::managed;
use connect_simulator::{Mutation, Quotas};
use serde_json::json;

use super::wire::{self, OPERATOR, OTHER};
use super::world::{World, play};
use crate::calls;
use crate::objects;
use crate::plan::Plan;
use crate::report::{Goal, Report};

/// Another instance of the same account.
const SECOND: &str = "33333333-3333-4333-8333-333333333333";

pub fn run(plan: &Plan, report: &mut Report) {
    let count = plan.size(1_000, 10_000);
    let name = format!("virtual: {count} with another tool that takes half the quota");
    if plan.has(&name) {
        play(async || another_tool(&name, count, report).await);
    }
    let name = format!("virtual: {count} with proficiencies");
    if plan.has(&name) {
        play(async || skilled(&name, count, report).await);
    }
    let name = format!("virtual: {count} onboarded while 300 change their routing profile");
    if plan.has(&name) {
        play(async || changes(&name, count, report).await);
    }
    let name = format!("virtual: two instances of one account, {count} together");
    if plan.has(&name) {
        play(async || two_instances(&name, count, report).await);
    }
}

async fn world() -> World {
    let world = World::new(Quotas::default_table()).await;
    // The bucket is full, as it is whenever an import begins.
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.take_calls();
    world
}

/// Once a second, whether that is throttled or not: 1 of 2 calls a second.
async fn another_tool(name: &str, count: usize, report: &mut Report) {
    let mut world = world().await;
    let (simulator, clock) = (world.simulator.clone(), world.clock());
    let other = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            wire::somebody_else_creates(&simulator, managed::ID, clock());
        }
    });
    for number in 0..count {
        world.create(&objects::agent(number)).await;
    }
    world.settled(Duration::from_secs(count as u64)).await;
    other.abort();
    let seen = world.take_calls();
    let ours = calls::of(&seen, OPERATOR);
    let took = calls::span(&ours, "CreateUser").as_secs_f64();
    let end = ours.iter().filter(|call| call.operation == "CreateUser").map(|call| call.time).max().unwrap();
    let others = calls::of(&seen, OTHER).iter().filter(|call| call.status != 429 && call.time <= end).count();
    let remains = calls::RATE * took + calls::BURST - others as f64;
    report.add(name, "ratio to what remains", count as f64 / remains, "", Goal::AtLeast(0.9));
    // How what the other leaves is found out.
    let throttled = calls::throttled(&ours) as f64 / count as f64;
    report.add(name, "throttled calls per user", throttled, "", Goal::None);
    let spared = others as f64 / (took + 1.0);
    report.add(name, "what the other tool gets of the 1 call a second that it wants", spared, "", Goal::None);
}

async fn skilled(name: &str, count: usize, report: &mut Report) {
    let mut world = world().await;
    for number in 0..count {
        world.create(&objects::skilled(number)).await;
    }
    world.settled(Duration::from_secs_f64(calls::limit(count) * 0.95)).await;
    let seen = world.take_calls();
    let ratio = calls::limit(count) / calls::span(&seen, "CreateUser").as_secs_f64();
    report.add(name, "ratio to the limit (N - 5) / 2", ratio, "", Goal::AtLeast(0.98));
    let writes = seen.iter().filter(|call| call.write).count();
    report.add(name, "calls that write, per user", writes as f64 / count as f64, "", Goal::Exactly(2.0));
    report.add(name, "throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    report.note(format!("{name}: all calls: {}", calls::text(&seen)));
}

async fn changes(name: &str, count: usize, report: &mut Report) {
    const CHANGED: usize = 300;
    let mut world = world().await;
    for number in 0..CHANGED {
        world.create(&objects::agent(number)).await;
    }
    world.settled(Duration::from_secs_f64(calls::limit(CHANGED) * 0.9)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.take_calls();
    for number in CHANGED..CHANGED + count {
        world.create(&objects::agent(number)).await;
    }
    for number in 0..CHANGED {
        world.edit(&objects::name(number), json!({ "routingProfileName": "Tier 2" })).await;
    }
    world.settled(Duration::from_secs_f64(calls::limit(count) * 0.9)).await;
    let seen = world.take_calls();
    for (operation, number) in [("CreateUser", count), ("UpdateUserRoutingProfile", CHANGED)] {
        assert_eq!(calls::count(&seen, operation), number, "{operation}: each once");
        let ratio = calls::limit(number) / calls::span(&seen, operation).as_secs_f64();
        report.add(name, &format!("{operation}: ratio to the limit"), ratio, "", Goal::AtLeast(0.95));
    }
    report.add(name, "throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
}

async fn two_instances(name: &str, count: usize, report: &mut Report) {
    let mut world = world().await;
    world.mutate(Mutation::AddInstance {
        instance_id: SECOND.to_owned(),
        region: managed::REGION.to_owned(),
        account: managed::ACCOUNT.to_owned(),
        identity_management_type: managed::IDENTITY_MANAGEMENT_TYPE.to_owned(),
    });
    let second = format!("arn:aws:connect:{}:{}:instance/{SECOND}", managed::REGION, managed::ACCOUNT);
    for number in 0..count {
        let instance = if number % 4 == 0 { &second } else { managed::ARN };
        world.create(&objects::agent_of(instance, number)).await;
    }
    world.settled(Duration::from_secs_f64(calls::limit(count) * 0.95)).await;
    let seen = world.take_calls();
    let ratio = calls::limit(count) / calls::span(&seen, "CreateUser").as_secs_f64();
    report.add(name, "ratio of both to the limit (N - 5) / 2", ratio, "", Goal::AtLeast(0.98));
    report.add(name, "throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    let smaller: Vec<_> = seen.iter().filter(|call| call.instance_id.as_deref() == Some(SECOND)).cloned().collect();
    // A quarter of the users; taking turns, they are done when half of the time has passed.
    let done = calls::span(&smaller, "CreateUser").as_secs_f64() / calls::span(&seen, "CreateUser").as_secs_f64();
    report.add(name, "the smaller quarter is done after this part of the time", done, "", Goal::AtMost(0.55));
}
