//! The same work by Terraform's `aws_connect_user`, to compare with: where `TERRAFORM` is the path of a terraform
//! binary and `TERRAFORM_PROVIDER_DIR` a folder with the provider hashicorp/aws, laid out as a filesystem mirror.
//! Nothing is downloaded. Terraform is as it comes: ten resources at a time, and the provider's own retries.

mod workspace;

use std::time::{Duration, Instant};

use connect_simulator::{CallRecord, Options, Quotas, Simulator};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::calls;
use crate::objects;
use crate::plan::Plan;
use crate::processes::process::processor_time;
use crate::processes::scale::LIFTED;
use crate::processes::stage::Stage;
use crate::report::{Goal, Report};
use workspace::{Took, Tools};

const PACED: &str = "terraform: default quota";
const UNPACED: &str = "terraform: quota lifted";
/// The object that is there before all others.
const FIRST: usize = 999_999;
const ROOM: Duration = Duration::from_secs(1200);

type Scenario = fn(&Tools, &Plan, &Runtime, &mut Report);

/// Both scenarios, where Terraform is at hand.
pub fn run(plan: &Plan, report: &mut Report) {
    for (scenario, act) in [(PACED, default_quota as Scenario), (UNPACED, quota_lifted)] {
        if !plan.has(scenario) {
            continue;
        }
        let Some(tools) = Tools::from_env() else {
            report.note(format!("{scenario}: skipped, since TERRAFORM and TERRAFORM_PROVIDER_DIR are not set"));
            continue;
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        act(&tools, plan, &runtime, report);
    }
}

/// Applies N users at the default quota, plans them again, and destroys them.
fn default_quota(tools: &Tools, plan: &Plan, runtime: &Runtime, report: &mut Report) {
    let count = plan.size(200, 300);
    let (simulator, endpoint) = runtime.block_on(simulator(Some(Quotas::default_table())));
    let workspace = tools.workspace("terraform-paced", &endpoint, count);
    report.note(format!("{PACED}: {}", workspace.versions()));
    let work: [(_, _, &dyn Fn() -> Took); 3] = [
        ("apply", "CreateUser", &|| workspace.apply()),
        ("plan without a change", "DescribeUser", &|| workspace.plan()),
        ("destroy", "DeleteUser", &|| workspace.destroy()),
    ];
    for (what, operation, act) in work {
        simulator.clear_calls();
        let took = act();
        let seen = simulator.calls();
        let name = format!("{PACED}, {what} {count}");
        report.add(&name, "time", took.seconds, "s", Goal::None);
        if operation != "DescribeUser" {
            // That of a look is another, and looks are not what anybody waits for.
            let ratio = calls::limit(count) / calls::span(&seen, operation).as_secs_f64();
            report.add(&name, &format!("{operation}: ratio to the limit (N - 5) / 2"), ratio, "", Goal::None);
        }
        report.add(&name, "calls per user", seen.len() as f64 / count as f64, "", Goal::None);
        report.add(&name, "throttled", calls::throttled(&seen) as f64, "", Goal::None);
        report.note(format!("{name}: all calls: {}", calls::text(&seen)));
    }
}

/// N users by the operator and then by Terraform, where nothing but the machine bounds them.
fn quota_lifted(tools: &Tools, plan: &Plan, runtime: &Runtime, report: &mut Report) {
    let count = plan.objects().unwrap_or_else(|| plan.size(300, 1000));
    let by_the_operator = runtime.block_on(operator(count, report));
    let (simulator, endpoint) = runtime.block_on(simulator(None));
    let workspace = tools.workspace("terraform-unpaced", &endpoint, count);
    report.note(format!("{UNPACED}: {}", workspace.versions()));
    let busy = processor_time(std::process::id());
    let took = workspace.apply();
    let busy = (processor_time(std::process::id()) - busy).as_secs_f64();
    let seen = simulator.calls();
    let name = format!("{UNPACED}, apply {count}");
    let by_terraform = speeds(&name, count, took.seconds, &seen, report);
    processor_times(&name, count, &[("Terraform and its provider", took.processor), ("simulator", busy)], report);
    let name = format!("{UNPACED}, {count}");
    let ratio = by_the_operator / by_terraform;
    report.add(&name, "the operator's users a second over Terraform's", ratio, "", Goal::AtLeast(10.0));
    simulator.clear_calls();
    let name = format!("{UNPACED}, plan {count} without a change");
    report.add(&name, "time", workspace.plan().seconds, "s", Goal::None);
    report.note(format!("{name}: all calls: {}", calls::text(&simulator.calls())));
}

/// N users by the operator, which runs already, as it always does; how many a second from the first object that
/// was declared to the last that is ready.
async fn operator(count: usize, report: &mut Report) -> f64 {
    let mut stage = Stage::new("terraform", None).await;
    stage.start(&LIFTED).await;
    stage.create(std::iter::once(objects::agent(FIRST))).await;
    stage.observer.until(1, 1, ROOM).await;
    stage.take_calls();
    let servers = || stage.plane.pids().into_iter().map(processor_time).sum::<Duration>();
    let busy = || [processor_time(stage.pid()), servers(), processor_time(std::process::id())];
    let (before, begun) = (busy(), Instant::now());
    stage.create((0..count).map(objects::agent)).await;
    let took = stage.observer.until(count + 1, count + 1, ROOM).await.duration_since(begun).as_secs_f64();
    let after = busy();
    let seen = stage.take_calls();
    let name = format!("{UNPACED}, onboard {count} by the operator");
    let each = speeds(&name, count, took, &seen, report);
    let times: Vec<(&str, f64)> = ["operator", "API server and etcd", "simulator and who declares the objects"]
        .into_iter()
        .zip(before.into_iter().zip(after).map(|(before, after)| (after - before).as_secs_f64()))
        .collect();
    processor_times(&name, count, &times, report);
    stage.stop().await;
    each
}

/// From end to end, and while users were created; the first of these.
fn speeds(name: &str, count: usize, took: f64, seen: &[CallRecord], report: &mut Report) -> f64 {
    assert_eq!(calls::count(seen, "CreateUser"), count, "everybody is created");
    let each = count as f64 / took;
    report.add(name, "time", took, "s", Goal::None);
    report.add(name, "users a second", each, "1/s", Goal::None);
    let span = calls::span(seen, "CreateUser").as_secs_f64();
    report.add(name, "users a second, from the first CreateUser to the last", count as f64 / span, "1/s", Goal::None);
    report.add(name, "calls per user", seen.len() as f64 / count as f64, "", Goal::None);
    report.note(format!("{name}: all calls: {}", calls::text(seen)));
    each
}

fn processor_times(name: &str, count: usize, times: &[(&str, f64)], report: &mut Report) {
    for (who, seconds) in times {
        let each = seconds * 1000.0 / count as f64;
        report.add(name, &format!("processor time per user: {who}"), each, "ms", Goal::None);
    }
}

async fn simulator(quotas: Option<Quotas>) -> (Simulator, String) {
    let simulator = Simulator::new(Options { quotas, users_quota: usize::MAX, ..Options::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(connect_simulator::serve(simulator.clone(), listener, std::future::pending()));
    (simulator, endpoint)
}
