//! What to do about the Lease, as a function of what was seen of it. Pure.
//!
//! Times are those of this process's monotonic clock. What the Lease says of times was written by the clock
//! of another machine and is for people: it is never compared with anything. A Lease counts as abandoned when
//! *we* have seen no change of it for as long as it lasts; and ours counts as certain only from the moment
//! before the renewal was *sent*. So the one that looks on waits from later than the holder counts from.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;

/// The clockwork of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a Lease is waited for that is not renewed.
    pub duration: Duration,
    /// How long after the last renewal its holder still writes.
    pub deadline: Duration,
    /// Between two renewals, and between two looks of those who wait.
    pub retry: Duration,
}

impl Timing {
    /// These times, if they can be kept.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn checked(self) -> Result<Self, &'static str> {
        if self.deadline >= self.duration {
            return Err(
                "--renew-deadline must be less than --lease-duration, or two replicas could write at the same time",
            );
        }
        if self.retry * 2 > self.deadline {
            return Err(
                "--retry-period must be at most half of --renew-deadline, or one renewal that fails would end the process",
            );
        }
        Ok(self)
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Write this: as a replacement of the version that it names, or as a new Lease if it names none. Never
    /// anything else: a write that names no version could take the Lease from somebody who has just got it.
    Write(Box<Lease>),
    /// Wait so long. Then a holder renews, and everybody else looks again.
    Wait(Duration),
    /// It was ours and is not, or not certainly: nothing may be written any more.
    Lost(Loss),
}

/// How the Lease was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// It could not be renewed.
    #[error(
        "the Lease of the leader was not renewed within {deadline:?}, so another replica may soon take over: this process ends, to be started anew as a standby; look at the way to the API server, or whether the process was paused"
    )]
    Overdue {
        /// How long it was tried.
        deadline: Duration,
    },
    /// Somebody else has it.
    #[error(
        "the Lease of the leader is held by {holder} now: this process ends, to be started anew as a standby; nobody but the operator may write the Lease"
    )]
    Taken {
        /// Who.
        holder: String,
    },
}

/// One candidate's view of the election.
#[derive(Clone, Debug)]
pub struct Election {
    me: String,
    name: String,
    timing: Timing,
    /// The Lease as last read or written, and since when it has not changed.
    seen: Option<(Lease, Duration)>,
    /// Until when the holder of a Lease that is gone may believe that it has it.
    haunted: Duration,
    /// When the last renewal that was acknowledged had been sent.
    held: Option<Duration>,
}

impl Election {
    /// A candidate that has seen nothing yet. `me` must be of this process alone.
    pub fn new(me: &str, name: &str, timing: Timing) -> Self {
        let (me, name) = (me.to_owned(), name.to_owned());
        Self { me, name, timing, seen: None, haunted: Duration::ZERO, held: None }
    }

    /// Whether the Lease is ours as far as we know.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Whoever has it, as far as we know.
    pub fn holder(&self) -> Option<&String> {
        self.seen.as_ref().and_then(|(lease, _)| holder(lease))
    }

    /// Until when writing is safe.
    pub fn safe_until(&self) -> Duration {
        self.held.map_or(Duration::ZERO, |held| held + self.timing.deadline)
    }

    /// Takes in what was read. `now` is after the answer: it cannot have changed later than that.
    pub fn saw(&mut self, lease: Option<Lease>, now: Duration) {
        let Some(lease) = lease else {
            if let Some((gone, since)) = self.seen.take()
                && holder(&gone).is_some()
            {
                self.haunted = since + self.patience(&gone);
            }
            return;
        };
        let is_same = |(known, _): &&(Lease, Duration)| {
            let identity = |lease: &Lease| (lease.metadata.uid.clone(), lease.metadata.resource_version.clone());
            identity(known) == identity(&lease)
        };
        let since = self.seen.as_ref().filter(is_same).map_or(now, |(_, since)| *since);
        self.seen = Some((lease, since));
    }

    /// Takes in the answer to a write that was sent at `sent`.
    pub fn wrote(&mut self, lease: Lease, sent: Duration) {
        self.held = (holder(&lease) == Some(&self.me)).then_some(sent);
        self.seen = Some((lease, sent));
    }

    /// What comes next. `time` is the time of day, which goes into the Lease for people to read.
    pub fn next(&self, now: Duration, time: Timestamp) -> Step {
        let holder = self.holder();
        if let Some(held) = self.held {
            return match holder {
                Some(holder) if *holder != self.me => Step::Lost(Loss::Taken { holder: holder.clone() }),
                _ if now >= held + self.timing.deadline => Step::Lost(Loss::Overdue { deadline: self.timing.deadline }),
                _ if now >= held + self.timing.retry => Step::Write(self.claim(time)),
                _ => Step::Wait(held + self.timing.retry - now),
            };
        }
        let until = match (&self.seen, holder) {
            (None, _) => self.haunted,
            // Ours by a write whose answer was lost: it counts once it is renewed.
            (Some(_), Some(holder)) if *holder == self.me => Duration::ZERO,
            (Some((lease, since)), Some(_)) => *since + self.patience(lease),
            (Some(_), None) => Duration::ZERO,
        };
        if now >= until { Step::Write(self.claim(time)) } else { Step::Wait(self.timing.retry.min(until - now)) }
    }

    /// The Lease as it is written to let go of it, if it is ours.
    pub fn vacated(&self, time: Timestamp) -> Option<Lease> {
        let (lease, _) = self.seen.as_ref().filter(|(lease, _)| self.is_held() && holder(lease) == Some(&self.me))?;
        let mut lease = lease.clone();
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            spec.renew_time = Some(MicroTime(time));
        }
        Some(lease)
    }

    /// How long to wait for one that does not change: what its holder goes by may be more than what we do.
    fn patience(&self, lease: &Lease) -> Duration {
        let told = lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let told = told.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
        self.timing.duration.max(told.unwrap_or_default())
    }

    fn claim(&self, time: Timestamp) -> Box<Lease> {
        let mut lease = self.seen.as_ref().map(|(lease, _)| lease.clone()).unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            ..Lease::default()
        });
        let before = lease.spec.take().unwrap_or_default();
        let is_mine = before.holder_identity.as_ref() == Some(&self.me);
        let is_first = before.acquire_time.is_none();
        let transitions = before.lease_transitions.unwrap_or_default();
        // In whole seconds, and never less than it is.
        let seconds = self.timing.duration.as_secs() + u64::from(self.timing.duration.subsec_nanos() > 0);
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.me.clone()),
            lease_duration_seconds: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            acquire_time: before.acquire_time.filter(|_| is_mine).or(Some(MicroTime(time))),
            renew_time: Some(MicroTime(time)),
            lease_transitions: Some(if is_mine || is_first { transitions } else { transitions.saturating_add(1) }),
            ..LeaseSpec::default()
        });
        Box::new(lease)
    }
}

/// Who holds it, if anybody.
fn holder(lease: &Lease) -> Option<&String> {
    lease.spec.as_ref()?.holder_identity.as_ref().filter(|holder| !holder.is_empty())
}

#[cfg(test)]
mod tests;
