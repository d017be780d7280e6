//! Errors to behaviour, in one table: what a failure means for the object, what a person can do about it,
//! and when it is tried again. Nothing that somebody else can fix is final.

use crate::connect::{ASSUME_ROLE, ConnectError, Kind};
use crate::inventory::catalog::ResolveError;
use crate::plan::report::{Next, Outcome};
use crate::resource::condition::Reason;
use crate::user::ids::Instance;

/// What a failed call to Connect means.
pub(super) fn failed_call(error: &ConnectError, instance: &Instance) -> Outcome {
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
        Kind::AccessDenied if error.operation == ASSUME_ROLE => Outcome::new(
            Reason::AccessDenied,
            format!(
                "{error}: allow sts:AssumeRole on the role to the operator's AWS identity, let the role's trust policy admit that identity, \
                 and make spec.assumeRole.externalId of the ConnectInstance the external id that the trust policy asks for; \
                 tried again every few minutes"
            ),
            Next::Slow,
        ),
        Kind::AccessDenied => {
            let remedy = remedy(error, instance);
            Outcome::new(Reason::AccessDenied, format!("{error}{remedy}; tried again every few minutes"), Next::Slow)
        }
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

/// What to do about a refusal: credentials that are missing or wrong are not mended by a policy.
fn remedy(error: &ConnectError, instance: &Instance) -> String {
    let operation = error.operation;
    match error.code.as_str() {
        // Its message says what to do already.
        "NoCredentials" => String::new(),
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "InvalidClientTokenId"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException" => {
            ": AWS does not accept the operator's credentials, which are wrong or expired: renew them, and check the clock"
                .to_owned()
        }
        _ => {
            // What is about the instance is authorised on its own ARN, which `/*` does not match.
            let is_of_instance =
                operation == "DescribeInstance" || ["List", "Search"].iter().any(|verb| operation.starts_with(verb));
            let resource = if is_of_instance { format!("{instance} and {instance}/*") } else { format!("{instance}/*") };
            format!(
                ": allow connect:{operation} on {resource} to the operator's AWS identity (docs/iam.md) \
                 and check that the instance's account and Region are right"
            )
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(operation: &'static str, code: &str) -> String {
        let instance = Instance::parse("arn:aws:connect:eu-west-1:111122223333:instance/i").unwrap();
        let error = ConnectError {
            kind: Kind::AccessDenied,
            operation,
            code: code.to_owned(),
            message: "no".to_owned(),
            request_id: None,
            retry_after: None,
        };
        let outcome = failed_call(&error, &instance);
        assert_eq!(outcome.reason, Reason::AccessDenied);
        outcome.message
    }

    #[test]
    fn a_refusal_names_the_resource_that_iam_looks_at() {
        for operation in ["DescribeInstance", "ListUsers", "SearchUsers", "ListSecurityProfiles"] {
            let message = refused(operation, "AccessDeniedException");
            let asked = format!("allow connect:{operation} on arn:aws:connect:eu-west-1:111122223333:instance/i and ");
            assert!(message.contains(&asked), "{message}");
        }
        let message = refused("DeleteUser", "AccessDeniedException");
        assert!(message.contains("on arn:aws:connect:eu-west-1:111122223333:instance/i/* to"), "{message}");
    }

    #[test]
    fn credentials_are_not_mended_by_a_policy() {
        for code in ["NoCredentials", "ExpiredTokenException", "UnrecognizedClientException"] {
            let message = refused("DescribeUser", code);
            assert!(!message.contains("allow connect:"), "{message}");
        }
    }
}
