//! From the SDK's errors to ours: one way for all operations.
//!
//! Throttles and refusals are in no operation's model, and error answers whose body is broken lose even
//! the code that their header has. So nothing is matched by the SDK's types: code and status decide.
//! Only AWS's own message and the cause of a connection failure become text; what was sent never does.

use std::error::Error;
use std::iter::successors;
use std::time::Duration;

use aws_sdk_connect::config::http::HttpResponse;
use aws_sdk_connect::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_connect::operation::RequestId;

use super::assume_role::RoleError;
use crate::connect::error::{without_personal_data, word};
use crate::connect::{ConnectError, Kind};

const NO_CREDENTIALS: &str = "no AWS credentials were found: give the pod a role by EKS Pod Identity or IRSA, or set AWS_ACCESS_KEY_ID and \
                              AWS_SECRET_ACCESS_KEY";
// Some of the SDK's errors are essays.
const LONGEST_CAUSE: usize = 160;

/// Answers of the SDK that become answers of the port.
pub(super) trait OrFailed<T> {
    /// The answer, or our error for the operation.
    fn or_failed(self, operation: &'static str) -> Result<T, ConnectError>;
}

impl<T: RequestId, E: ProvideErrorMetadata + Error + 'static> OrFailed<T> for Result<T, SdkError<E>> {
    fn or_failed(self, operation: &'static str) -> Result<T, ConnectError> {
        if let Ok(answer) = &self {
            // Of the call's own span, where there is one: a failure carries its id itself.
            tracing::Span::current().record("request_id", answer.request_id());
        }
        self.map_err(|error| failure(operation, &error))
    }
}

impl<T> OrFailed<T> for Result<T, BuildError> {
    fn or_failed(self, operation: &'static str) -> Result<T, ConnectError> {
        self.map_err(|_| not_sent(operation, "the request lacks something that Connect requires"))
    }
}

/// An answer that says success and is not what it should be. A write has had its effect.
pub(super) fn malformed(operation: &'static str) -> ConnectError {
    // The parser's own words could repeat what it read.
    error(operation, Kind::Unavailable, "MalformedAnswer", "the answer of Connect cannot be read")
}

/// A request that cannot be made as it is.
pub(super) fn not_sent(operation: &'static str, why: &str) -> ConnectError {
    error(operation, Kind::Invalid, "NotSent", why)
}

pub(super) fn failure<E: ProvideErrorMetadata + Error + 'static>(
    operation: &'static str,
    failed: &SdkError<E>,
) -> ConnectError {
    // The call was never made: its credentials were not to be had.
    if let Some(RoleError(role)) = chain(failed).find_map(|error| error.downcast_ref()) {
        return role.clone();
    }
    match failed {
        SdkError::ServiceError(answer) => {
            answered(operation, answer.raw(), answer.err().code(), answer.err().message())
        }
        SdkError::ResponseError(answer) => answered(operation, answer.raw(), None, None),
        SdkError::TimeoutError(_) => timeout(operation),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => timeout(operation),
        SdkError::DispatchFailure(dispatch) if dispatch.is_io() => unreachable(operation, failed),
        _ if chain(failed).any(|error| error.to_string().contains("identity resolver timed out")) => {
            error(operation, Kind::Unavailable, "Timeout", "AWS credentials did not come in time")
        }
        _ if lacks_credentials(failed) => {
            let message = format!("{NO_CREDENTIALS} ({})", cause(failed));
            error(operation, Kind::AccessDenied, "NoCredentials", &message)
        }
        SdkError::ConstructionFailure(_) => not_sent(operation, &cause(failed)),
        _ => unreachable(operation, failed),
    }
}

// With a broken body the SDK has neither code nor message, and calls it an error of the service even
// where the status says success.
fn answered(operation: &'static str, answer: &HttpResponse, code: Option<&str>, message: Option<&str>) -> ConnectError {
    let status = answer.status();
    let code = code.or_else(|| answer.headers().get("x-amzn-errortype").map(bare_code)).unwrap_or_default();
    let failed = if status.is_success() {
        malformed(operation)
    } else {
        let word = if code.is_empty() { format!("HTTP{}", status.as_u16()) } else { word(code).to_owned() };
        error(operation, Kind::of(code, status.as_u16()), &word, message.unwrap_or_default())
    };
    ConnectError { request_id: answer.request_id().map(str::to_owned), retry_after: retry_after(answer), ..failed }
}

// `namespace#Code:http://…`, of which only the code is of use.
fn bare_code(header: &str) -> &str {
    let code = header.split(':').next().unwrap_or(header);
    code.rsplit('#').next().unwrap_or(code)
}

// One in milliseconds, one in seconds; as a date the latter is not used by AWS.
fn retry_after(answer: &HttpResponse) -> Option<Duration> {
    // A slip in a header must not stop us for longer than a person would take to notice.
    const MOST: Duration = Duration::from_secs(3600);
    let number = |header: &str| answer.headers().get(header)?.trim().parse::<u64>().ok();
    let asked = number("x-amz-retry-after")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))?;
    Some(asked.min(MOST))
}

fn timeout(operation: &'static str) -> ConnectError {
    error(operation, Kind::Unavailable, "Timeout", "Connect did not answer in time")
}

fn unreachable(operation: &'static str, failed: &(dyn Error + 'static)) -> ConnectError {
    error(operation, Kind::Unavailable, "ConnectionFailed", &cause(failed))
}

// The SDK wraps this failure in several types, most of them private to it.
fn lacks_credentials(failed: &(dyn Error + 'static)) -> bool {
    chain(failed).any(|error| {
        let text = error.to_string().to_lowercase();
        ["credential", "identity resolver", "auth scheme"].iter().any(|sign| text.contains(sign))
    })
}

pub(super) fn chain<'a>(failed: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(failed), |error| (**error).source())
}

fn cause(failed: &(dyn Error + 'static)) -> String {
    let cause = chain(failed).last().unwrap_or(failed).to_string();
    cause.lines().next().unwrap_or_default().chars().take(LONGEST_CAUSE).collect()
}

fn error(operation: &'static str, kind: Kind, code: &str, message: &str) -> ConnectError {
    let message = without_personal_data(message);
    ConnectError { kind, operation, code: code.to_owned(), message, request_id: None, retry_after: None }
}
