//! How long until the next try: per object, growing with every failure in a row, with jitter.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use crate::plan::report::Next;

/// The clockwork of the controller.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// The user of an object is read again after this long even if nothing speaks against it.
    pub resync: Duration,
    /// All users of an instance are listed after this long.
    pub sweep: Duration,
    /// The index of the users of an instance is compared after this long.
    pub search: Duration,
    /// First delay after a failure.
    pub first_retry: Duration,
    /// Longest delay after a failure: what heals elsewhere is noticed within it.
    pub slowest_retry: Duration,
    /// How long Connect may hide a user that exists.
    pub grace: Duration,
    /// An object that waits longer than this for its turn is told so.
    pub patience: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            resync: Duration::from_secs(12 * 3600),
            sweep: Duration::from_secs(300),
            search: Duration::from_secs(3600),
            first_retry: Duration::from_secs(1),
            slowest_retry: Duration::from_secs(150),
            grace: Duration::from_secs(300),
            patience: Duration::from_secs(120),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    generation: i64,
    failures: u32,
    waiting_since: Option<Timestamp>,
    /// When the user is to be looked at even if nothing speaks against it.
    due: Option<Instant>,
    /// Whether the look that is due has been asked for.
    is_called: bool,
    /// The object's resourceVersion after the last write of ours.
    written: Option<u64>,
}

/// What is remembered of objects between two looks, by uid. Losing it costs patience, never correctness.
#[derive(Default)]
pub(super) struct Backoff(Mutex<HashMap<String, Memory>>);

impl Backoff {
    /// The delay until the next look, and the bookkeeping that goes with it. `roll` is a random
    /// number from 0 to 1. `None` waits for the object to change.
    pub(super) fn delay(
        &self,
        uid: &str,
        generation: i64,
        next: Next,
        intervals: &Intervals,
        now: Instant,
        roll: f64,
    ) -> Option<Duration> {
        let mut objects = self.lock();
        let memory = objects.entry(uid.to_owned()).or_default();
        if memory.generation != generation {
            *memory = Memory { generation, failures: 0, ..*memory };
        }
        let Intervals { resync, first_retry, slowest_retry, grace, sweep: _, search: _, patience: _ } = *intervals;
        let grown = |failures: u32, cap: Duration| first_retry.saturating_mul(1 << failures.min(16)).min(cap);
        let delay = match next {
            Next::Change => {
                objects.remove(uid);
                return None;
            }
            Next::Resync => {
                let delay = resync.mul_f64(0.9 + 0.2 * roll);
                *memory = Memory { generation, due: Some(now + delay), written: memory.written, ..Memory::default() };
                return Some(delay);
            }
            Next::Unchanged => {
                // After a start the looks are spread over the whole interval.
                let due = memory.due.unwrap_or_else(|| now + resync.mul_f64(roll));
                *memory = Memory { generation, due: Some(due), written: memory.written, ..Memory::default() };
                return Some(due.saturating_duration_since(now));
            }
            Next::Soon => grown(memory.failures, (grace / 20).max(first_retry)),
            Next::Backoff | Next::BackoffAtLeast(_) => grown(memory.failures, slowest_retry),
            Next::Slow => slowest_retry,
        };
        memory.failures = memory.failures.saturating_add(1);
        let least = if let Next::BackoffAtLeast(least) = next { least } else { Duration::ZERO };
        Some(delay.mul_f64(0.8 + 0.4 * roll).min(slowest_retry).max(least))
    }

    /// Whether the user of an object is to be looked at even if nothing speaks against it.
    pub(super) fn is_due(&self, uid: &str, now: Instant) -> bool {
        self.lock().get(uid).and_then(|memory| memory.due).is_some_and(|due| now >= due)
    }

    /// Since when this process waits for something to show: the user who has a name, or an heir that can take over.
    pub(super) fn waiting_since(&self, uid: &str, now: Timestamp) -> Timestamp {
        *self.lock().entry(uid.to_owned()).or_default().waiting_since.get_or_insert(now)
    }

    /// Notes the object's resourceVersion as it is after a reconcile.
    pub(super) fn wrote(&self, uid: &str, resource_version: &str) {
        if let Ok(version) = resource_version.parse() {
            self.lock().entry(uid.to_owned()).or_default().written = Some(version);
        }
    }

    /// Whether a copy of the object is older than our own last write.
    pub(super) fn is_behind(&self, uid: &str, resource_version: &str) -> bool {
        let written = self.lock().get(uid).and_then(|memory| memory.written);
        written.zip(resource_version.parse().ok()).is_some_and(|(written, copy): (u64, u64)| copy < written)
    }

    /// Whether a copy of an object that was looked at is newer than what that look left: somebody else has written.
    pub(super) fn is_ahead(&self, uid: &str, resource_version: &str) -> bool {
        let written = self.lock().get(uid).and_then(|memory| memory.written);
        written.zip(resource_version.parse().ok()).is_some_and(|(written, copy): (u64, u64)| copy > written)
    }

    /// The objects that are due to be looked at since the last call. One that is not there any more is forgotten
    /// instead: a new listing does not tell who has gone.
    pub(super) fn come_due(&self, now: Instant, is_there: impl Fn(&str) -> bool) -> Vec<String> {
        let mut due = Vec::new();
        self.lock().retain(|uid, memory| {
            if memory.is_called || memory.due.is_none_or(|due| now < due) {
                return true;
            }
            memory.is_called = is_there(uid);
            if memory.is_called {
                due.push(uid.clone());
            }
            memory.is_called
        });
        due
    }

    /// Forgets an object that is gone.
    pub(super) fn forget(&self, uid: &str) {
        self.lock().remove(uid);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(backoff: &Backoff, next: Next) -> Option<Duration> {
        backoff.delay("u", 1, next, &Intervals::default(), Instant::now(), 0.5)
    }

    #[test]
    fn failures_in_a_row_grow_to_a_bound_and_a_success_starts_over() {
        let backoff = Backoff::default();
        let delays: Vec<_> =
            (0..10).filter_map(|_| delay(&backoff, Next::Backoff)).map(|delay| delay.as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 128, 150, 150]);
        assert_eq!(delay(&backoff, Next::Resync), Some(Intervals::default().resync));
        assert_eq!(delay(&backoff, Next::Backoff), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_copy_older_than_our_last_write_is_behind_and_a_newer_one_ahead_until_the_object_is_forgotten() {
        let backoff = Backoff::default();
        assert!(!backoff.is_behind("u", "7"));
        backoff.wrote("u", "10");
        for next in [Next::Backoff, Next::Resync] {
            delay(&backoff, next);
            assert!(backoff.is_behind("u", "9"));
            assert!(!backoff.is_behind("u", "10") && !backoff.is_behind("u", "11") && !backoff.is_behind("v", "9"));
            assert!(backoff.is_ahead("u", "11"));
            assert!(!backoff.is_ahead("u", "10") && !backoff.is_ahead("u", "9") && !backoff.is_ahead("v", "11"));
        }
        delay(&backoff, Next::Change);
        assert!(!backoff.is_behind("u", "9") && !backoff.is_ahead("u", "11"));
    }

    #[test]
    fn a_new_generation_starts_over() {
        let backoff = Backoff::default();
        for _ in 0..5 {
            delay(&backoff, Next::Backoff);
        }
        let intervals = Intervals::default();
        assert_eq!(backoff.delay("u", 2, Next::Backoff, &intervals, Instant::now(), 0.5), Some(Duration::from_secs(1)));
    }

    #[test]
    fn every_retry_comes_within_three_minutes_and_not_before_aws_asks() {
        let backoff = Backoff::default();
        let intervals = Intervals::default();
        for next in [Next::Soon, Next::Backoff, Next::Slow] {
            for _ in 0..20 {
                assert!(
                    backoff.delay("u", 1, next, &intervals, Instant::now(), 1.0).unwrap() <= Duration::from_secs(180)
                );
            }
        }
        let advice = Duration::from_secs(30);
        assert!(
            backoff.delay("v", 1, Next::BackoffAtLeast(advice), &intervals, Instant::now(), 0.0).unwrap() >= advice
        );
    }

    #[test]
    fn what_is_unchanged_is_looked_at_when_its_last_look_is_old_and_after_a_start_at_a_time_of_its_own() {
        let (backoff, intervals, now) = (Backoff::default(), Intervals::default(), Instant::now());
        assert!(!backoff.is_due("u", now));
        assert_eq!(backoff.delay("u", 1, Next::Unchanged, &intervals, now, 0.5), Some(intervals.resync / 2));
        let later = now + intervals.resync / 4;
        assert_eq!(backoff.delay("u", 1, Next::Unchanged, &intervals, later, 0.9), Some(intervals.resync / 4));
        assert!(!backoff.is_due("u", later) && backoff.is_due("u", now + intervals.resync / 2));
    }

    #[test]
    fn what_comes_due_is_called_once_until_it_was_looked_at() {
        let (backoff, intervals, now) = (Backoff::default(), Intervals::default(), Instant::now());
        backoff.delay("u", 1, Next::Resync, &intervals, now, 0.5);
        let due = now + intervals.resync;
        let come_due = |at| backoff.come_due(at, |_| true);
        assert!(come_due(now).is_empty());
        assert_eq!(come_due(due), ["u"]);
        assert!(come_due(due).is_empty() && backoff.is_due("u", due));
        backoff.delay("u", 1, Next::Resync, &intervals, due, 0.5);
        assert_eq!(come_due(due + intervals.resync), ["u"]);
    }

    #[test]
    fn what_is_not_there_when_it_comes_due_is_forgotten() {
        let (backoff, intervals, now) = (Backoff::default(), Intervals::default(), Instant::now());
        for uid in ["u", "gone"] {
            backoff.delay(uid, 1, Next::Resync, &intervals, now, 0.5);
        }
        // No look is due for this one, so nobody is asked whether it is there.
        backoff.delay("failing", 1, Next::Backoff, &intervals, now, 0.5);
        let is_there = |uid: &str| uid == "u";
        assert!(backoff.come_due(now, is_there).is_empty());
        assert_eq!(backoff.lock().len(), 3);
        assert_eq!(backoff.come_due(now + intervals.resync, is_there), ["u"]);
        assert!(backoff.lock().len() == 2 && !backoff.lock().contains_key("gone"));
    }

    #[test]
    fn jitter_spreads_ten_thousand_objects() {
        let backoff = Backoff::default();
        let early = backoff.delay("a", 1, Next::Resync, &Intervals::default(), Instant::now(), 0.0);
        let late = backoff.delay("b", 1, Next::Resync, &Intervals::default(), Instant::now(), 1.0);
        assert!(late.unwrap() - early.unwrap() >= Duration::from_secs(119));
    }
}
