//! What the operator costs, and how close it comes to what Amazon Connect allows: `make bench`.
//!
//! [`virtual_time`] is the whole controller in one process with the clock standing still while it works, for
//! what would take days; [`processes`] is the operator's binary under its shipped rights against a real
//! kube-apiserver, in real time, for what only a process has: memory, processor time, seconds.
//!
//! ```text
//! make bench                        within ten minutes
//! BENCH=full make bench             everything: ten thousand objects in processes, a hundred thousand in virtual time
//! BENCH_ONLY=restart make bench     scenarios whose name contains this
//! BENCH_OBJECTS=3000 make bench     so many objects where the quota is lifted
//! BENCH_OPERATOR=./other make bench the processes are of this program
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot go on has nobody to tell but the one who started it"
)]
#![allow(unreachable_pub, reason = "one program")]

mod calls;
mod objects;
mod plan;
mod processes;
mod report;
mod terraform;
mod virtual_time;

use plan::Plan;
use report::Report;

/// The operator's own: a hundred thousand objects break up the heap of the system's until it hardly finds room.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let plan = Plan::from_env();
    let mut report = Report::default();
    virtual_time::run(&plan, &mut report);
    processes::run(&plan, &mut report);
    terraform::run(&plan, &mut report);
    let file = report.save(plan.name());
    println!("\n{}", report.table());
    println!("written to {}", file.display());
}
