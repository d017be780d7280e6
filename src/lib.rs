//! Keeps Amazon Connect users as declared in `ConnectUser` objects.
//!
//! One reconcile is a straight line; only the steps in brackets touch the world:
//!
//! ```text
//! spec - resolve - DesiredUser -+
//!                               +- plan - Plan - execute [AWS] - Outcome - report - publish [Kubernetes]
//! ids - observe [AWS] - ObservedUser -+
//! ```
//!
//! Modules in the order of their dependencies: each uses only those above it. `causes` words errors, `resource` is
//! the Kubernetes face, `user` and `plan` decide and are pure, `connect` is the port to AWS, `pace` says who
//! may use it next, `inventory` knows names, `lead` says which of several processes acts, `controller` acts,
//! `serve` tells how it is, `cli` reads arguments, and `kubectl` is what people do by hand.

pub mod causes;
pub mod resource;
pub mod user;
pub mod plan;
pub mod connect;
pub mod pace;
pub mod inventory;
pub mod policy;
pub mod metrics;
pub mod lead;
pub mod controller;
pub mod serve;
pub mod cli;
pub mod kubectl;
