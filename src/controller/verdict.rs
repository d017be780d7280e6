//! Errors to behaviour, in one table: what a failure means for the object, what a person can do about it,
//! and when it is tried again. Nothing that somebody else can fix is final.

use crate::connect::{ASSUME_ROLE, ConnectError, Kind};
use crate::inventory::catalog::ResolveError;
use crate::plan::report::{Next, Outcome};
use crate::resource::condition::Reason;
use crate::user::ids::Instance;

/// What a failed call to Connect means.
pub(super) fn failed_call(error: &ConnectError, instance: &Instance) -> Outcome {
    let operation = error.operation;
    let later = error.retry_after.map_or(Next::Backoff, Next::BackoffAtLeast);
    // The pace holds the next call back for as long as it must; a long delay here would lose the place in
    // the queue.
    let in_turn = Next::Soon;
    match error.kind {
        Kind::Throttled => Outcome::new(
            Reason::Throttled,
            format!(
                "{error}: waiting for quota; account {} shares it among all instances and tools in {}",
                instance.account(),
                instance.region()
            ),
            in_turn,
        ),
        Kind::QuotaExceeded => Outcome::new(
            Reason::QuotaExceeded,
            format!(
                "{error}: raise the quota of instance {} in Service Quotas or remove users; tried again every few minutes",
                instance.id()
            ),
            Next::Slow,
        ),
        Kind::AccessDenied if operation == ASSUME_ROLE => Outcome::new(
            Reason::AccessDenied,
            format!(
                "{error}: allow sts:AssumeRole on the role to the operator's AWS identity, let the role's trust policy admit that identity, \
                 and make spec.assumeRole.externalId of the ConnectInstance the external id that the trust policy asks for; \
                 tried again every few minutes"
            ),
            Next::Slow,
        ),
        Kind::AccessDenied => Outcome::new(
            Reason::AccessDenied,
            format!(
                "{error}: allow connect:{operation} on {instance}/* to the operator's AWS identity (README, IAM policy) \
                 and check that the instance's account and Region are right; tried again every few minutes"
            ),
            Next::Slow,
        ),
        Kind::NotFound => Outcome::new(
            Reason::ReferenceNotFound,
            format!(
                "{error}: check that instance, profiles and hierarchy group of the spec exist; tried again by itself"
            ),
            Next::Backoff,
        ),
        Kind::Duplicate => {
            Outcome::new(Reason::UsernameTaken, format!("{error}: another user has what the spec asks for"), Next::Slow)
        }
        Kind::Invalid => Outcome::new(
            Reason::InvalidSpec,
            format!("{error}: correct the spec; tried again every few minutes"),
            Next::Backoff,
        ),
        Kind::Conflict => Outcome::new(
            Reason::Updating,
            format!("{error}: somebody changed the user at the same time; reading it again"),
            Next::Backoff,
        ),
        Kind::Unavailable => Outcome::new(Reason::Unavailable, format!("{error}: tried again by itself"), later),
    }
}

/// What an unresolved reference means.
pub(super) fn unresolved(error: &ResolveError, instance: &Instance) -> Outcome {
    match error {
        ResolveError::Connect(error) => failed_call(error, instance),
        ResolveError::Unknown { .. } => {
            Outcome::new(Reason::ReferenceNotFound, format!("{error}; tried again every few minutes"), Next::Backoff)
        }
        ResolveError::Ambiguous { .. } => Outcome::new(Reason::InvalidSpec, error.to_string(), Next::Backoff),
        ResolveError::Missing(_) => Outcome::new(Reason::InvalidSpec, error.to_string(), Next::Slow),
    }
}
