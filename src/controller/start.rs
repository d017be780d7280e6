//! The start: what waits for the caches, and what does not have to wait for them any more.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use tracing::info;

/// Runs a controller. One that is told to stop before its cache is filled has begun nothing, but kube would have
/// it wait for a cache that nobody fills any more.
pub(super) async fn or_stopped_before(
    filled: CancellationToken,
    stop: CancellationToken,
    controller: impl Future<Output = ()>,
) {
    let stopped_before = async {
        tokio::select! {
            biased;
            () = filled.cancelled() => std::future::pending().await,
            () = stop.cancelled() => {}
        }
    };
    tokio::select! {
        biased;
        () = controller => {}
        () = stopped_before => {}
    }
}

/// Tells once when every cache is filled.
pub(super) struct Filled<F> {
    caches: AtomicUsize,
    all: CancellationToken,
    warm: Mutex<Option<F>>,
}

impl<F: FnOnce()> Filled<F> {
    /// Of so many caches; cancels `all` and calls `warm`.
    pub(super) fn new(caches: usize, all: CancellationToken, warm: F) -> Self {
        Self { caches: AtomicUsize::new(caches), all, warm: Mutex::new(Some(warm)) }
    }

    pub(super) fn one_more(&self) {
        if self.caches.fetch_sub(1, Ordering::AcqRel) == 1 {
            info!("cache is filled");
            self.all.cancel();
            let warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(warm) = warm {
                warm();
            }
        }
    }
}
