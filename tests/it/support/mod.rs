//! The stage on which the tests play: a real control plane for the whole test binary; for each test a
//! namespace, a simulated Amazon Connect behind real HTTP, and a real operator process as the chart installs it:
//! its account, its rights, its arguments, its environment. Whatever a test is about, the status contract is checked
//! after every status write, and what is personal in it is looked for in log, statuses and events at the end.

mod blessed;
mod cluster;
pub mod contract;
mod discretion;
mod fixtures;
mod gate;
mod in_process;
mod instances;
mod plane;
pub mod release;
mod stage;
mod wire;

pub use blessed::blessed;
pub use cluster::{Cluster, cluster};
pub use fixtures::{managed, saml};
pub use gate::{Crash, Gate, Moment};
pub use in_process::{CLUSTER, Habitat, Incarnation};
pub use plane::{OnPlane, PlaneFault, Target};
pub use stage::{Options, SENTINEL_PASSWORD, Stage, condition};
