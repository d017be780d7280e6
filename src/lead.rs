//! Who of several processes may act: leader election by a Lease of `coordination.k8s.io`.
//!
//! A Lease does not fence: Amazon Connect takes a call from whoever makes it. So a leader that cannot be
//! certain of its Lease any more stops by itself, well before another may take it. [`election`] decides, on
//! what was seen of the Lease and on this process's own monotonic clock, so that clocks of two machines are
//! never compared. [`candidate`] carries that out. [`fence`] is asked before every call to Connect and every
//! write to the API server, also while one is being made: a process that was paused in the middle of a call
//! does not go on with it.

pub mod candidate;
pub mod client;
pub mod election;
pub mod fence;

use tokio_util::sync::CancellationToken;

use self::fence::Fence;

/// What the rest of the process has to know of the election. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lead {
    /// Cancelled when this process begins to lead. It never ceases to: then the process ends.
    begun: CancellationToken,
    fence: Fence,
}

impl Lead {
    /// Without an election: this process leads from the beginning.
    pub fn alone() -> Self {
        let begun = CancellationToken::new();
        begun.cancel();
        Self { begun, fence: Fence::open() }
    }

    /// Not leading until a [`candidate`] says so.
    pub fn standby() -> Self {
        Self { begun: CancellationToken::new(), fence: Fence::closed() }
    }

    /// Whether this process leads.
    pub fn is_leading(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// Waits until this process leads.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// What is asked before every write.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }
}
