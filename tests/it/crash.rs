//! The operator dies before and after every call to Amazon Connect and every write to the API server; the
//! next one brings everything to the end, and nothing is lost, doubled, orphaned or touched that is not ours.
//!
//! Each scenario is first played undisturbed, which counts its steps; then once for each crash point. With
//! `CRASH_POINTS=all` every point of every scenario is tried; by default scenarios may be sampled.

mod points;
pub mod scenario;
pub mod scenarios;
pub mod trial;
mod verdict;

use points::every_crash_point_of;

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_survives_a_crash_at_every_step() {
    every_crash_point_of(scenarios::create).await;
}
