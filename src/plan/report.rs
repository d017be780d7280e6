//! From what happened to what is told: status, events and the time of the next look.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::resource::condition::{Reason, conditions, conditions_without_user, is_ready, ready};
use crate::resource::status::{ConnectUserStatus, DriftedField, PasswordSecret};
use crate::user::ids::UserId;
use crate::user::ownership::Owned;

/// When to look at the object again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// All is well, as was seen: at the next resync.
    Resync,
    /// All is well, as nothing speaks against it: when the last look at it is due to be repeated.
    Unchanged,
    /// Something is expected to become visible shortly.
    Soon,
    /// It failed and may heal by itself: after a delay that grows with every failure in a row.
    Backoff,
    /// The same, but not before AWS's own advice.
    BackoffAtLeast(Duration),
    /// It needs somebody to change something elsewhere: slowly.
    Slow,
    /// Nothing to do until the object changes.
    Change,
}

/// A user that is known to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownUser {
    /// Id.
    pub id: UserId,
    /// ARN.
    pub arn: String,
    /// Connect's own time of the last change, where it was read.
    pub last_modified_time: Option<String>,
}

/// What is to be remembered. `None` leaves a fact as it stands in the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The user.
    pub user: Option<KnownUser>,
    /// Whether the user that the status names is gone for certain.
    pub user_gone: bool,
    /// The ownership record.
    pub owned: Option<Owned>,
    /// Whether the record stands for the whole of this generation.
    pub applied_in_full: bool,
    /// Differences that are reported and not corrected.
    pub drift: Vec<DriftedField>,
    /// A creation is about to be tried.
    pub create_attempt: Option<Timestamp>,
    /// The creation that was tried certainly made nothing.
    pub no_attempt: bool,
    /// When Connect last acknowledged a write.
    pub written: Option<Timestamp>,
    /// The Secret that the password comes from, as it was read.
    pub password_secret: Option<PasswordSecret>,
    /// The reconcile request that was handled.
    pub handled_request: Option<String>,
}

/// What came of one reconcile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The state that the object is in.
    pub reason: Reason,
    /// For a person: what, on what, and what to do next.
    pub message: String,
    /// When to look again.
    pub next: Next,
    /// What to remember.
    pub facts: Facts,
    /// What to tell.
    pub events: Vec<Story>,
    /// Written before calls are made, so that a crash in between is recognised: the facts are recorded at
    /// once; a failure that is being tried again stays in the conditions until the outcome is known.
    pub ahead: bool,
}

/// Something that happened, for the object's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Whether a person should look.
    pub warning: bool,
    /// A word of a closed set.
    pub reason: &'static str,
    /// The operation. Repeats are counted per reason and action.
    pub action: String,
    /// One sentence.
    pub note: String,
}

/// What is published.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The new status.
    pub status: ConnectUserStatus,
    /// The events.
    pub events: Vec<Story>,
    /// When to look again.
    pub next: Next,
}

/// A text with control characters written as escapes: specs and AWS's messages may hold any.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

impl Outcome {
    /// An outcome with nothing to remember or tell beyond the condition.
    pub fn new(reason: Reason, message: impl Into<String>, next: Next) -> Self {
        // A name with a line break in it may not make a line of the log.
        let message = printable(&message.into());
        Self { reason, message, next, facts: Facts::default(), events: Vec::new(), ahead: false }
    }

    /// With facts.
    #[must_use]
    pub fn with_facts(self, facts: Facts) -> Self {
        Self { facts, ..self }
    }

    /// Written before the calls.
    #[must_use]
    pub fn ahead(self) -> Self {
        Self { ahead: true, ..self }
    }

    /// With one more event.
    #[must_use]
    pub fn with_event(mut self, story: Story) -> Self {
        self.events.push(story);
        self
    }
}

/// The status after `outcome`, and what to tell.
pub fn report(previous: &ConnectUserStatus, generation: i64, now: Timestamp, outcome: Outcome) -> Report {
    let Outcome { reason, message, next, facts, mut events, ahead } = outcome;
    let Facts {
        user,
        user_gone,
        owned,
        applied_in_full,
        drift,
        create_attempt,
        no_attempt,
        written,
        password_secret,
        handled_request,
    } = facts;
    let mut status = previous.clone();

    if user_gone {
        status.user_arn = None;
        status.user_id = None;
        status.last_modified_time = None;
        status.last_write_time = None;
    }
    if let Some(KnownUser { id, arn, last_modified_time }) = user {
        if status.user_id.as_deref() != Some(id.as_str()) {
            status.last_modified_time = None;
            status.last_write_time = None;
        }
        status.user_id = Some(id.as_str().to_owned());
        status.user_arn = Some(arn);
        status.may_have_user_since = None;
        status.last_modified_time = last_modified_time.or(status.last_modified_time);
    }
    if let Some(owned) = owned {
        let applied = previous.applied.as_ref().and_then(|applied| applied.generation);
        status.applied = Some(owned.to_record(if applied_in_full { Some(generation) } else { applied }));
    }
    if let Some(time) = written {
        status.last_write_time = Some(time.to_string());
    }
    if let Some(time) = create_attempt {
        status.last_create_attempt_time = Some(time.to_string());
    }
    if no_attempt {
        status.last_create_attempt_time = None;
    }
    if let Some(secret) = password_secret {
        status.password_secret = Some(secret);
    }
    if let Some(request) = handled_request {
        status.last_handled_reconcile_at = Some(request);
    }
    status.drift = drift;

    // What is passing and says nothing about the user does not take back a Ready that was earned.
    let passing = matches!(reason, Reason::Throttled | Reason::Unavailable);
    let keeps_ready = passing && is_ready(&previous.conditions, generation);
    let keeps_failure = ahead
        && ready(&previous.conditions)
            .is_some_and(|ready| ready.status == "False" && ready.observed_generation == Some(generation));
    if !keeps_ready && !keeps_failure {
        status.observed_generation = Some(generation);
        // Frozen is told after a look, so where it names no user there is none.
        let tell =
            if reason == Reason::Frozen && status.user_id.is_none() { conditions_without_user } else { conditions };
        status.conditions = tell(&previous.conditions, reason, &message, generation, now);
    } else {
        status.drift.clone_from(&previous.drift);
    }

    // A failure is told when it comes up, not at every try.
    let known = ready(&previous.conditions).is_some_and(|ready| ready.reason == reason.as_str());
    if reason.is_failure() && !known && !ahead {
        events.push(Story { warning: true, reason: reason.as_str(), action: "Reconcile".to_owned(), note: message });
    }
    Report { status, events, next }
}

/// Whether the new status is worth a write. Connect's own time of the last change is carried along but
/// does not cause one: it moves with every write of ours and with every click that concerns nobody here.
pub fn is_worth_writing(previous: &ConnectUserStatus, status: &ConnectUserStatus) -> bool {
    let without_time = |status: &ConnectUserStatus| ConnectUserStatus { last_modified_time: None, ..status.clone() };
    without_time(previous) != without_time(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn in_sync() -> Outcome {
        Outcome::new(Reason::InSync, "as declared", Next::Resync)
    }

    #[test]
    fn the_same_outcome_twice_is_written_once() {
        let first = report(&ConnectUserStatus::default(), 1, at(1), in_sync());
        let second = report(&first.status, 1, at(2), in_sync());
        assert!(is_worth_writing(&ConnectUserStatus::default(), &first.status));
        assert!(!is_worth_writing(&first.status, &second.status));
    }

    #[test]
    fn a_passing_failure_keeps_ready_in_steady_state_but_not_on_a_new_spec() {
        let steady = report(&ConnectUserStatus::default(), 1, at(1), in_sync()).status;
        let outage = || Outcome::new(Reason::Unavailable, "connection refused", Next::Backoff);
        assert!(!is_worth_writing(&steady, &report(&steady, 1, at(2), outage()).status));
        assert!(!is_ready(&report(&steady, 2, at(2), outage()).status.conditions, 2));
    }

    #[test]
    fn a_failure_is_told_once() {
        let missing = || Outcome::new(Reason::ReferenceNotFound, "no such profile", Next::Slow);
        let first = report(&ConnectUserStatus::default(), 1, at(1), missing());
        assert_eq!(first.events.len(), 1);
        assert!(report(&first.status, 1, at(2), missing()).events.is_empty());
    }
}
