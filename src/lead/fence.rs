//! Whether this process may write at this very moment.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;

/// Open for as long as the Lease is certainly ours, by the monotonic clock: a process that was paused finds
/// it closed as soon as it runs again, before anybody has told it anything. Clones share it.
#[derive(Clone, Debug)]
pub struct Fence(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    begun: Instant,
    /// Nanoseconds after `begun`.
    until: AtomicU64,
}

/// The fence is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process does not certainly hold the Lease of the leader any more: nothing is written, another replica goes on"
)]
pub struct Closed;

impl Fence {
    /// Open for ever: there is no election.
    pub fn open() -> Self {
        Self(Arc::new(Shared { begun: Instant::now(), until: AtomicU64::new(u64::MAX) }))
    }

    /// Closed until it is opened for a time.
    pub fn closed() -> Self {
        Self(Arc::new(Shared { begun: Instant::now(), until: AtomicU64::new(0) }))
    }

    /// The time of the fence's own clock.
    pub fn elapsed(&self) -> Duration {
        self.0.begun.elapsed()
    }

    /// Opens it until that time of its clock, or closes it with zero.
    pub fn open_until(&self, until: Duration) {
        self.0.until.store(u64::try_from(until.as_nanos()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Asks.
    ///
    /// # Errors
    /// If nothing may be written.
    pub fn check(&self) -> Result<(), Closed> {
        let until = self.0.until.load(Ordering::Acquire);
        let is_open = until == u64::MAX || self.elapsed().as_nanos() < u128::from(until);
        if is_open { Ok(()) } else { Err(Closed) }
    }

    /// Carries on with a task for as long as the fence is open: it is asked before each step, so what was not
    /// sent when the process was paused is not sent after.
    ///
    /// # Errors
    /// If it was closed before the task had ended, which may or may not have had its effect.
    pub async fn guard<T>(&self, task: impl Future<Output = T>) -> Result<T, Closed> {
        let mut task = pin!(task);
        poll_fn(|cx| match self.check() {
            Ok(()) => task.as_mut().poll(cx).map(Ok),
            Err(closed) => Poll::Ready(Err(closed)),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_open_for_its_time_and_no_longer() {
        let fence = Fence::closed();
        assert_eq!(fence.check(), Err(Closed));
        fence.open_until(Duration::from_secs(10));
        assert_eq!(fence.check(), Ok(()));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(fence.check(), Err(Closed));
        fence.open_until(Duration::from_secs(20));
        assert_eq!(fence.check(), Ok(()));
        fence.open_until(Duration::ZERO);
        assert_eq!(fence.check(), Err(Closed));
        assert_eq!(Fence::open().check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_is_not_carried_on_with_once_it_is_closed() {
        let (fence, steps) = (Fence::closed(), AtomicUsize::new(0));
        fence.open_until(Duration::from_secs(10));
        let task = async {
            for _ in 0..4 {
                steps.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_secs(4)).await;
            }
        };
        assert_eq!(fence.guard(task).await, Err(Closed));
        assert_eq!(steps.load(Ordering::Relaxed), 3, "begun at 0, 4 and 8 seconds, and not at 12");
    }
}
