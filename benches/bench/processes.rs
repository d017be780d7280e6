//! Scenarios in processes.

use crate::plan::Plan;
use crate::report::Report;

/// Runs them.
pub fn run(_: &Plan, _: &mut Report) {}
