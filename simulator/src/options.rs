//! How a simulator starts.

use crate::lag::Lag;
use crate::quota::Quotas;
use crate::switches::Switches;

/// Options of a simulator; `reset` returns to them.
#[derive(Clone, Debug)]
pub struct Options {
    /// The undocumented behaviours.
    pub switches: Switches,
    /// Token buckets; `None` means that nothing is throttled.
    pub quotas: Option<Quotas>,
    /// How far reads lag behind writes.
    pub lag: Lag,
    /// Users per instance.
    pub users_quota: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { switches: Switches::default(), quotas: None, lag: Lag::default(), users_quota: 500 }
    }
}
