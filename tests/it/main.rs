//! One binary for all integration tests: linking the AWS SDK once is enough.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::or_fun_call,
    clippy::nonminimal_bool,
    clippy::collapsible_match,
    clippy::manual_strip,
    missing_docs,
    unreachable_pub
)]

mod support;
mod sweep;

mod admission;
mod attacks;
mod bad_input;
mod crash;
mod chart;
mod crd;
mod assume_role;
mod deletion;
mod gauges;
mod gitops;
mod generated_passwords;
mod documentation;
mod identity;
mod image;
mod inventory;
mod instance;
mod kubectl;
mod architecture;
mod faults;
mod fixpoint;
mod histories;
mod leader;
mod lifecycle;
mod observability;
mod operators;
mod outage;
mod pace;
mod panics;
mod passwords;
mod properties;
mod read_only;
mod redaction;
mod references;
mod replica;
mod rights;
mod shards;
mod soak;
