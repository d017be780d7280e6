//! Scenarios in virtual time.

mod company;
mod life;
mod wire;
mod world;

use crate::plan::Plan;
use crate::report::Report;

/// Runs them.
pub fn run(plan: &Plan, report: &mut Report) {
    life::run(plan, report);
    company::run(plan, report);
}
