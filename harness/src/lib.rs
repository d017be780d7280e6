//! A real control plane, and the processes around it, for tests and the demo.
//!
//! ```text
//! assets         the folder with etcd, kube-apiserver and kubectl
//! process        one child process that cannot outlive us, with its output at hand
//! control_plane  etcd + kube-apiserver on loopback, and clients for several identities
//! memory         an API server without a process, for time that stands still
//! tell           how the demo and the end-to-end run tell what they see
//! ```
//!
//! There is no controller-manager: nothing collects garbage, ends namespaces or issues tokens to Pods. The end-to-end run
//! starts one, and two nodes.
//!
//! ```no_run
//! # async fn example() -> Result<(), harness::Error> {
//! let plane = harness::ControlPlane::start(&harness::Settings::new("my-test")).await?;
//! let admin = plane.client(&harness::Identity::Admin).await?;
//! # drop(admin);
//! plane.stop();
//! # Ok(()) }
//! ```

mod assets;
mod control_plane;
mod error;
pub mod memory;
mod process;
pub mod tell;

pub use assets::assets;
pub use control_plane::{Audit, ControlPlane, Identity, Settings, User, target_dir, workspace};
pub use error::Error;
pub use process::{Launch, Process};
