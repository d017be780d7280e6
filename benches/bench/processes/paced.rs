//! At the default quota: an onboarding, another with people editing meanwhile, and the end of all.

use std::time::{Duration, SystemTime};

use connect_simulator::Quotas;
use serde_json::json;

use super::stage::Stage;
use crate::calls;
use crate::objects;
use crate::plan::Plan;
use crate::report::{Goal, Report};

const SCENARIO: &str = "process: default quota";
/// Who is edited.
const JANE: usize = 999_999;
/// Far more than anything takes.
const ROOM: Duration = Duration::from_secs(900);

pub async fn run(plan: &Plan, report: &mut Report) {
    let waiting = plan.objects().unwrap_or_else(|| plan.size(1_000, 10_000));
    let scenario = format!("process: edits while {waiting} wait");
    if plan.has(&scenario) {
        edits_while_others_wait(&scenario, waiting, report).await;
    }
    if !plan.has(SCENARIO) {
        return;
    }
    let count = plan.size(200, 300);
    let mut stage = Stage::new("paced", Some(Quotas::default_table())).await;
    stage.start(&[]).await;
    stage.create(std::iter::once(objects::agent(JANE))).await;
    stage.observer.until(1, 1, ROOM).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    onboard(&stage, count, report).await;
    onboard_with_edits(&stage, count, report).await;
    offboard(&stage, plan.size(60, 300), 2 * count + 1, report).await;
    stage.stop().await;
}

/// More are declared at once than can come within the hour, and somebody is edited now and then.
async fn edits_while_others_wait(scenario: &str, count: usize, report: &mut Report) {
    const EDITS: usize = 8;
    let mut stage = Stage::new("waiting", Some(Quotas::default_table())).await;
    stage.start(&[]).await;
    stage.create(std::iter::once(objects::agent(JANE))).await;
    stage.observer.until(1, 1, ROOM).await;
    stage.take_calls();
    stage.create((0..count).map(objects::agent)).await;
    let mut longest = 0.0_f64;
    for turn in 1..=EDITS {
        tokio::time::sleep(Duration::from_secs(10)).await;
        longest = longest.max(edit(&stage, turn).await);
    }
    let seen = stage.take_calls();
    let created = calls::count(&seen, "CreateUser");
    report.add(scenario, "longest of 8 edits of a person until Connect has it", longest, "s", Goal::AtMost(2.0));
    report.add(scenario, "objects that waited all the while", (count - created) as f64, "", Goal::None);
    report.add(scenario, "throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    stage.stop().await;
}

async fn onboard(stage: &Stage, count: usize, report: &mut Report) {
    stage.take_calls();
    stage.observer.take_changes();
    let declared = SystemTime::now();
    stage.create((0..count).map(objects::agent)).await;
    let mut longest = 0.0_f64;
    for turn in 1..=3 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        longest = longest.max(edit(stage, turn).await);
    }
    stage.observer.until(count + 1, count + 1, ROOM).await;
    let seen = stage.take_calls();
    let took = calls::span(&seen, "CreateUser").as_secs_f64();
    let last = seen.iter().filter(|call| call.operation == "CreateUser").map(|call| call.time).max().unwrap();
    let name = format!("{SCENARIO}, onboard {count}");
    report.add(&name, "from the first CreateUser to the last", took, "s", Goal::None);
    let since = last.since(declared.into()) as f64 / 1000.0;
    report.add(&name, "from the first object to the last user", since, "s", Goal::None);
    report.add(&name, "ratio to the limit (N - 5) / 2", calls::limit(count) / took, "", Goal::AtLeast(0.95));
    let tried = seen.iter().filter(|call| call.operation == "CreateUser").count();
    report.add(&name, "CreateUser calls per user", tried as f64 / count as f64, "", Goal::Exactly(1.0));
    report.add(&name, "throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    report.add(&name, "longest of 3 edits of a person until Connect has it", longest, "s", Goal::AtMost(2.0));
    let (writes, statuses) = stage.observer.take_changes();
    // An edit is one write of a person and two of statuses.
    let (writes, statuses) = (writes - 3 * 3, statuses - 3 * 2);
    report.add(&name, "status writes per user", statuses as f64 / count as f64, "", Goal::AtMost(2.0));
    report.add(&name, "all writes to an object", writes as f64 / count as f64, "", Goal::AtMost(3.0));
    report.note(format!("{name}: all calls: {}", calls::text(&seen)));
}

/// Somebody is renamed for the `turn`th time; the seconds until Connect has it.
async fn edit(stage: &Stage, turn: usize) -> f64 {
    let edited = SystemTime::now();
    let person = json!({ "identityInfo": { "firstName": format!("Janet the {turn}.") } });
    let known = stage.simulator.calls().iter().filter(|call| call.operation == "UpdateUserIdentityInfo").count();
    stage.edit(std::iter::once(objects::name(JANE)), person).await;
    stage.until_called("UpdateUserIdentityInfo", known + 1, ROOM).await;
    let calls = stage.simulator.calls();
    let call = calls.iter().rfind(|call| call.operation == "UpdateUserIdentityInfo").unwrap();
    call.time.since(edited.into()) as f64 / 1000.0
}

/// Others come, and everybody who is there gets another routing profile.
async fn onboard_with_edits(stage: &Stage, count: usize, report: &mut Report) {
    let name = format!("{SCENARIO}, onboard {count} while {count} change their routing profile");
    stage.create((count..2 * count).map(objects::agent)).await;
    stage.edit((0..count).map(objects::name), json!({ "routingProfileName": "Tier 2" })).await;
    // Whoever is edited in the namespace of so many changes is one of them.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let waited = edit(stage, 4).await;
    report.add(&name, "an edit in the same namespace until Connect has it", waited, "s", Goal::None);
    stage.observer.until(2 * count + 1, 2 * count + 1, ROOM).await;
    let seen = stage.take_calls();
    for operation in ["CreateUser", "UpdateUserRoutingProfile"] {
        let ratio = calls::limit(count) / calls::span(&seen, operation).as_secs_f64();
        report.add(&name, &format!("{operation}: ratio to the limit"), ratio, "", Goal::AtLeast(0.95));
    }
    report.add(&name, "throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    report.note(format!("{name}: all calls: {}", calls::text(&seen)));
}

async fn offboard(stage: &Stage, count: usize, before: usize, report: &mut Report) {
    let name = format!("{SCENARIO}, offboard {count}");
    stage.delete((0..count).map(objects::name)).await;
    stage.observer.until(before - count, before - count, ROOM).await;
    let seen = stage.take_calls();
    let took = calls::span(&seen, "DeleteUser").as_secs_f64();
    report.add(&name, "from the first DeleteUser to the last", took, "s", Goal::None);
    report.add(&name, "ratio to the limit (N - 5) / 2", calls::limit(count) / took, "", Goal::AtLeast(0.9));
    report.add(&name, "throttled", calls::throttled(&seen) as f64, "", Goal::Exactly(0.0));
    report.note(format!("{name}: all calls: {}", calls::text(&seen)));
}
