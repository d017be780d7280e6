//! The life of an instance: everybody is onboarded, people edit meanwhile, the operator is restarted, an hour
//! passes, somebody changes users in the console, and everybody goes. At several sizes, since the costs as functions
//! of N matter.

use std::time::{Duration, Instant};

use connect_simulator::fixtures::managed;
use connect_simulator::{CallRecord, Mutation, Quotas, UserPatch};
use serde_json::json;

use super::world::{World, play};
use crate::calls;
use crate::objects;
use crate::plan::Plan;
use crate::report::{Goal, Report};

/// Who is edited while the others come.
const JANE: usize = 999_999;
/// Users besides those that are onboarded: Jane, and the administrator.
const OTHERS: usize = 2;

pub fn run(plan: &Plan, report: &mut Report) {
    for count in plan.size([100, 1_000, 10_000].as_slice(), &[100, 1_000, 10_000, 100_000]) {
        let scenario = format!("virtual: life of {count}");
        if plan.has(&scenario) {
            play(async || live(&scenario, *count, report).await);
        }
    }
}

async fn live(scenario: &str, count: usize, report: &mut Report) {
    let started = Instant::now();
    let mut world = World::new(Quotas::default_table()).await;
    world.create(&objects::agent(JANE)).await;
    world.settled(Duration::ZERO).await;
    // The bucket is full again, as it is whenever an import begins.
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.take_calls();
    world.take_writes();
    onboard(scenario, count, &mut world, report).await;
    restart(scenario, count, &mut world, report).await;
    hour(scenario, count, &mut world, report).await;
    drift(scenario, count, &mut world, report).await;
    offboard(scenario, count, &mut world, report).await;
    report.add(scenario, "real time that it took", started.elapsed().as_secs_f64(), "s", Goal::None);
}

async fn onboard(scenario: &str, count: usize, world: &mut World, report: &mut Report) {
    let started = Instant::now();
    for number in 0..count {
        world.create(&objects::agent(number)).await;
    }
    let limit = calls::limit(count);
    let mut edited = Vec::new();
    for turn in 1..=3 {
        tokio::time::sleep(Duration::from_secs_f64(limit * 0.2)).await;
        edited.push(world.now());
        let person = json!({ "identityInfo": { "firstName": format!("Janet the {turn}.") } });
        world.edit(&objects::name(JANE), person).await;
        let (part, real) = (turn * 20, started.elapsed().as_secs_f64());
        eprintln!("{scenario}: {part} % of the onboarding after {real:.0} s of real time");
    }
    world.settled(Duration::from_secs_f64(limit * 0.39)).await;
    let seen = world.take_calls();
    let created = calls::count(&seen, "CreateUser");
    let took = calls::span(&seen, "CreateUser").as_secs_f64();
    let per_user = |writes: usize| writes as f64 / count as f64;
    let tried = seen.iter().filter(|call| call.operation == "CreateUser").count();
    report.add(scenario, "onboard: time", took, "s", Goal::None);
    report.add(scenario, "onboard: ratio to the limit (N - 5) / 2", limit / took, "", Goal::AtLeast(0.98));
    report.add(scenario, "onboard: users created", created as f64, "", Goal::Exactly(count as f64));
    report.add(scenario, "onboard: CreateUser calls per user", per_user(tried), "", Goal::Exactly(1.0));
    report.add(scenario, "onboard: throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    let edits: Vec<&CallRecord> = seen.iter().filter(|call| call.operation == "UpdateUserIdentityInfo").collect();
    assert_eq!(edits.len(), edited.len(), "each edit is one call");
    let waited = edited.iter().zip(edits).map(|(edited, call)| call.time.since((*edited).into()));
    let longest = waited.max().unwrap() as f64 / 1000.0;
    report.add(scenario, "onboard: longest of 3 edits meanwhile until Connect has it", longest, "s", Goal::AtMost(2.0));
    let other: Vec<CallRecord> = seen.into_iter().filter(|call| !call.write).collect();
    report.note(format!("{scenario}: reads while onboarding: {}", calls::text(&other)));
    let writes = world.take_writes();
    // Jane's three edits are two each.
    report.add(scenario, "onboard: status writes per user", per_user(writes.status - 2 * 3), "", Goal::AtMost(2.0));
    let told = per_user(writes.told);
    report.add(scenario, "onboard: status writes per user that tell a wait", told, "", Goal::AtMost(1.0));
    report.add(
        scenario,
        "onboard: other writes to the API server per user",
        per_user(writes.other),
        "",
        Goal::AtMost(1.0),
    );
}

async fn restart(scenario: &str, count: usize, world: &mut World, report: &mut Report) {
    world.stop().await;
    world.take_calls();
    world.take_writes();
    world.start();
    // Before the first sweep.
    tokio::time::sleep(Duration::from_secs(240)).await;
    let seen = world.take_calls();
    let pages = (count + OTHERS).div_ceil(1000) as f64;
    report.add(scenario, "restart: ListUsers calls", calls::count(&seen, "ListUsers") as f64, "", Goal::Exactly(pages));
    // Everybody is looked at once in twelve hours, at a time of their own: those whose time has come are no
    // consequence of the restart.
    let rest = seen.iter().filter(|call| call.operation != "DescribeUser").count();
    report.add(scenario, "restart: all calls but looks that were due", rest as f64, "", Goal::AtMost(pages + 4.0));
    report.note(format!("{scenario}: calls of a restart: {}", calls::text(&seen)));
    let writes = world.take_writes();
    let all = (writes.status + writes.told + writes.other) as f64;
    report.add(scenario, "restart: writes to the API server", all, "", Goal::Exactly(0.0));
}

async fn hour(scenario: &str, count: usize, world: &mut World, report: &mut Report) {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    let seen = world.take_calls();
    let users = (count + OTHERS) as f64;
    let (sweeps, searches) = (14.0 * (users / 1000.0).ceil(), 2.0 * (users / 500.0).ceil());
    // Each user is read by itself once in twelve hours; chance spreads it.
    let most = sweeps + searches + users / 12.0 * 1.2 + 20.0;
    report.add(scenario, "an hour in which nothing happens: calls", seen.len() as f64, "", Goal::AtMost(most));
    report.note(format!("{scenario}: calls of an hour in which nothing happens: {}", calls::text(&seen)));
    let writes = world.take_writes();
    let all = (writes.status + writes.told + writes.other) as f64;
    report.add(scenario, "an hour in which nothing happens: writes to the API server", all, "", Goal::Exactly(0.0));
}

async fn drift(scenario: &str, count: usize, world: &mut World, report: &mut Report) {
    let changed = (count / 100).max(1);
    for number in 0..changed {
        let set = UserPatch { routing_profile_id: Some(managed::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
        let (instance_id, user) = (managed::ID.to_owned(), objects::username(number * 97 % count));
        world.mutate(Mutation::UpdateUser { instance_id, user, set: Box::new(set) });
    }
    let begun = world.now();
    // The next sweep, and the corrections.
    tokio::time::sleep(Duration::from_secs_f64(340.0 + changed as f64 / calls::RATE * 1.1)).await;
    let seen = world.take_calls();
    let corrections = seen.iter().filter(|call| call.operation == "UpdateUserRoutingProfile");
    let (number, last) = (corrections.clone().count(), corrections.map(|call| call.time).max());
    let took = last.map_or(f64::INFINITY, |last| last.since(begun.into()) as f64 / 1000.0);
    report.add(scenario, "1 % changed in the console: corrections", number as f64, "", Goal::Exactly(changed as f64));
    report.add(scenario, "1 % changed in the console: all corrected after", took, "s", Goal::None);
    report.note(format!("{scenario}: calls when 1 % was changed: {}", calls::text(&seen)));
    world.take_writes();
}

async fn offboard(scenario: &str, count: usize, world: &mut World, report: &mut Report) {
    let started = Instant::now();
    // Jane, too.
    let all = count + 1;
    for number in (0..count).chain([JANE]) {
        world.delete(&objects::name(number)).await;
    }
    world.settled(Duration::from_secs_f64(calls::limit(all) * 0.9)).await;
    eprintln!("{scenario}: the offboarding took {:.0} s of real time", started.elapsed().as_secs_f64());
    let seen = world.take_calls();
    let per_user = |count: usize| count as f64 / all as f64;
    let deleted = calls::count(&seen, "DeleteUser");
    let ratio = calls::limit(all) / calls::span(&seen, "DeleteUser").as_secs_f64();
    report.add(scenario, "offboard: users deleted", deleted as f64, "", Goal::Exactly(all as f64));
    report.add(scenario, "offboard: ratio to the limit (N - 5) / 2", ratio, "", Goal::AtLeast(0.95));
    report.add(scenario, "offboard: throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    report.note(format!("{scenario}: calls of the offboarding: {}", calls::text(&seen)));
    let writes = world.take_writes();
    report.add(scenario, "offboard: status writes per user", per_user(writes.status), "", Goal::None);
    let told = per_user(writes.told);
    report.add(scenario, "offboard: status writes per user that tell a wait", told, "", Goal::AtMost(1.0));
    let other = per_user(writes.other);
    report.add(scenario, "offboard: other writes to the API server per user", other, "", Goal::AtMost(1.0));
}
