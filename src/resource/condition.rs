//! Conditions after the kstatus contract: Ready always, Reconciling and Stalled only while true.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

/// The summary condition.
pub const READY: &str = "Ready";
/// Present while the operator is at work on the object or will try again by itself.
pub const RECONCILING: &str = "Reconciling";
/// Present while nothing will get better without a person.
pub const STALLED: &str = "Stalled";

/// Why an object is in its state: a closed set, the same in conditions, events and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Connect acknowledged every write of this generation, or a read showed no difference.
    InSync,
    /// The user is being made.
    Creating,
    /// The user is being changed.
    Updating,
    /// Connect asks to slow down.
    Throttled,
    /// A quota of the instance is used up.
    QuotaExceeded,
    /// AWS refused a call for want of rights.
    AccessDenied,
    /// The spec cannot be carried out as it is.
    InvalidSpec,
    /// A profile, group or attribute that the spec names is not there.
    ReferenceNotFound,
    /// The Secret with the password, or its key, is not there.
    SecretNotFound,
    /// A user of this name exists and may not be taken over.
    UsernameTaken,
    /// The user belongs to another object.
    OwnedByAnother,
    /// A rule forbids it.
    NotAllowed,
    /// A change window is closed.
    Frozen,
    /// The user differs from the spec and driftPolicy is Report.
    Drifted,
    /// The object is suspended.
    Suspended,
    /// The user is being deleted.
    Deleting,
    /// The deletion waits for a person.
    DeletionHeld,
    /// AWS, or the way to it, does not answer properly.
    Unavailable,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::InSync,
        Self::Creating,
        Self::Updating,
        Self::Throttled,
        Self::QuotaExceeded,
        Self::AccessDenied,
        Self::InvalidSpec,
        Self::ReferenceNotFound,
        Self::SecretNotFound,
        Self::UsernameTaken,
        Self::OwnedByAnother,
        Self::NotAllowed,
        Self::Frozen,
        Self::Drifted,
        Self::Suspended,
        Self::Deleting,
        Self::DeletionHeld,
        Self::Unavailable,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InSync => "InSync",
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Throttled => "Throttled",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::AccessDenied => "AccessDenied",
            Self::InvalidSpec => "InvalidSpec",
            Self::ReferenceNotFound => "ReferenceNotFound",
            Self::SecretNotFound => "SecretNotFound",
            Self::UsernameTaken => "UsernameTaken",
            Self::OwnedByAnother => "OwnedByAnother",
            Self::NotAllowed => "NotAllowed",
            Self::Frozen => "Frozen",
            Self::Drifted => "Drifted",
            Self::Suspended => "Suspended",
            Self::Deleting => "Deleting",
            Self::DeletionHeld => "DeletionHeld",
            Self::Unavailable => "Unavailable",
        }
    }

    fn shape(self) -> Shape {
        match self {
            Self::InSync => Shape::Ready,
            Self::Creating | Self::Updating | Self::Throttled => Shape::Working,
            Self::ReferenceNotFound
            | Self::SecretNotFound
            | Self::AccessDenied
            | Self::QuotaExceeded
            | Self::Unavailable
            | Self::Deleting => Shape::Retrying,
            Self::InvalidSpec | Self::UsernameTaken | Self::OwnedByAnother | Self::NotAllowed | Self::DeletionHeld => {
                Shape::Stalled
            }
            Self::Drifted => Shape::Failed,
            Self::Suspended | Self::Frozen => Shape::Resting,
        }
    }

    /// Whether a person should hear of it when it comes up.
    pub fn is_failure(self) -> bool {
        matches!(self.shape(), Shape::Retrying | Shape::Stalled) && self != Self::Deleting
    }
}

/// How a reason looks in conditions.
#[derive(Clone, Copy)]
enum Shape {
    Ready,
    /// Ready=Unknown while working: Argo CD's scripts read False as Degraded and fail the sync.
    Working,
    Retrying,
    Stalled,
    Failed,
    /// The last value stands if it was about this generation.
    Resting,
}

/// A status of a condition.
const TRUE: &str = "True";
const FALSE: &str = "False";
const UNKNOWN: &str = "Unknown";

/// The Ready condition.
pub fn ready(conditions: &[Condition]) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == READY)
}

/// Whether the conditions say that `generation` is ready.
pub fn is_ready(conditions: &[Condition], generation: i64) -> bool {
    ready(conditions).is_some_and(|ready| ready.status == TRUE && ready.observed_generation == Some(generation))
}

/// The conditions that tell `reason`. `lastTransitionTime` moves only where the status flips.
pub fn conditions(
    previous: &[Condition],
    reason: Reason,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    shaped(previous, reason.shape(), reason, message, generation, now)
}

/// The same for an object that has no user: whatever rests, nothing is ready.
pub fn conditions_without_user(
    previous: &[Condition],
    reason: Reason,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let shape = match reason.shape() {
        Shape::Resting => Shape::Failed,
        shape => shape,
    };
    shaped(previous, shape, reason, message, generation, now)
}

fn shaped(
    previous: &[Condition],
    shape: Shape,
    reason: Reason,
    message: &str,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let (status, companion) = match shape {
        Shape::Ready => (TRUE, None),
        Shape::Working => (UNKNOWN, Some(RECONCILING)),
        Shape::Retrying => (FALSE, Some(RECONCILING)),
        Shape::Stalled => (FALSE, Some(STALLED)),
        Shape::Failed => (FALSE, None),
        Shape::Resting => match ready(previous) {
            Some(ready) if ready.observed_generation == Some(generation) => match ready.status.as_str() {
                TRUE => (TRUE, None),
                FALSE => (FALSE, None),
                _ => (UNKNOWN, None),
            },
            _ => (UNKNOWN, None),
        },
    };
    let make = |type_: &str, status: &str| {
        let since = previous
            .iter()
            .find(|condition| condition.type_ == type_ && condition.status == status)
            .map_or(Time(now), |condition| condition.last_transition_time.clone());
        Condition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: reason.as_str().to_owned(),
            message: message.to_owned(),
            observed_generation: Some(generation),
            last_transition_time: since,
        }
    };
    let mut conditions = vec![make(READY, status)];
    conditions.extend(companion.map(|type_| make(type_, TRUE)));
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn reconciling_and_stalled_never_stand_beside_ready_true_or_each_other() {
        let was_ready = conditions(&[], Reason::InSync, "", 1, at(0));
        for reason in Reason::ALL {
            for previous in [&[][..], &was_ready] {
                let now = conditions(previous, reason, "", 1, at(1));
                let has = |type_: &str| now.iter().any(|condition| condition.type_ == type_);
                assert!(has(READY));
                assert!(!(has(RECONCILING) && has(STALLED)), "{reason:?}");
                assert!(!(is_ready(&now, 1) && (has(RECONCILING) || has(STALLED))), "{reason:?}");
            }
        }
    }

    #[test]
    fn the_transition_time_moves_only_when_the_status_flips() {
        let creating = conditions(&[], Reason::Creating, "a", 1, at(1));
        let throttled = conditions(&creating, Reason::Throttled, "b", 1, at(2));
        assert_eq!(ready(&throttled).unwrap().last_transition_time, Time(at(1)));
        let done = conditions(&throttled, Reason::InSync, "c", 1, at(3));
        assert_eq!(ready(&done).unwrap().last_transition_time, Time(at(3)));
    }

    #[test]
    fn a_suspended_object_keeps_what_was_true_of_this_generation() {
        let done = conditions(&[], Reason::InSync, "", 1, at(1));
        assert!(is_ready(&conditions(&done, Reason::Suspended, "", 1, at(2)), 1));
        assert_eq!(ready(&conditions(&done, Reason::Suspended, "", 2, at(2))).unwrap().status, "Unknown");
    }

    #[test]
    fn nothing_is_ready_without_a_user() {
        let done = conditions(&[], Reason::InSync, "", 1, at(1));
        for previous in [&[][..], &done] {
            let frozen = conditions_without_user(previous, Reason::Frozen, "", 1, at(2));
            assert_eq!(ready(&frozen).unwrap().status, "False");
            assert_eq!(frozen.len(), 1, "neither Reconciling nor Stalled");
        }
    }
}
