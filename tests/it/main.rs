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

mod admission;
mod bad_input;
mod crd;
mod deletion;
mod documentation;
mod identity;
mod instance;
mod architecture;
mod fixpoint;
mod histories;
mod lifecycle;
mod panics;
mod passwords;
mod properties;
mod references;
