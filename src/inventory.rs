//! What is known of an instance without asking again: names to ids, and who keeps its passwords.

pub mod catalog;

use std::collections::HashMap;
use std::sync::Mutex;

use crate::connect::{Connect, ConnectError, InstanceInfo};
use crate::user::ids::Instance;

/// What DescribeInstance said, kept for good: the kind of identity management of an instance never changes.
#[derive(Default)]
pub struct Instances(Mutex<HashMap<Instance, InstanceInfo>>);

impl Instances {
    /// The instance, from memory where it was seen before.
    ///
    /// # Errors
    /// Those of DescribeInstance.
    pub async fn info(&self, connect: &dyn Connect, instance: &Instance) -> Result<InstanceInfo, ConnectError> {
        if let Some(info) = self.lock().get(instance) {
            return Ok(info.clone());
        }
        let info = connect.describe_instance(instance).await?;
        self.lock().insert(instance.clone(), info.clone());
        Ok(info)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Instance, InstanceInfo>> {
        // A map of plain values is whole even if a holder of the lock panicked.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
