//! Metrics, traces, alerts and dashboard agree with one another, with the documents, and with an operator at work.

mod alerts;
mod chart;
mod collector;
mod dashboard;
mod exposition;
mod metrics;
mod promql;
mod traces;

use std::path::{Path, PathBuf};

/// A file of the project.
fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
