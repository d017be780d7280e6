//! What is known of an instance without asking again: names to ids, and who keeps its passwords.

pub mod catalog;
pub(crate) mod marked;
mod register;
pub mod sweep;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::connect::{Connect, ConnectError, InstanceInfo};
use crate::user::ids::Instance;

/// What DescribeInstance said, kept for good: the kind of identity management of an instance never changes.
#[derive(Default)]
pub struct Instances(Mutex<HashMap<Instance, Arc<OnceCell<InstanceInfo>>>>);

impl Instances {
    /// The instance, from memory where it was seen before; who asks at the same time waits for one answer.
    ///
    /// # Errors
    /// Those of DescribeInstance.
    pub async fn info(&self, connect: &dyn Connect, instance: &Instance) -> Result<InstanceInfo, ConnectError> {
        let cell = {
            // A map of plain values is whole even if a holder of the lock panicked.
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(instance.clone()).or_default())
        };
        cell.get_or_try_init(|| connect.describe_instance(instance)).await.cloned()
    }
}
