//! The simulator driven in process, through `Simulator::handle`, with times of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod constraints;
mod driver;
mod faults;
mod lag;
mod listing;
mod mutations;
mod quotas;
mod switches;
mod wire;
