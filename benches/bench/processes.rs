//! Scenarios in processes, in real time.

mod observer;
mod paced;
pub mod process;
pub mod scale;
pub mod stage;

use crate::plan::Plan;
use crate::report::Report;

/// Runs them.
pub fn run(plan: &Plan, report: &mut Report) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        paced::run(plan, report).await;
        scale::run(plan, report).await;
    });
}
