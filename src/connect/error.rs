//! What can go wrong with a call to Connect, as a closed set. Classified by error code, because
//! throttles and refusals are not modelled by the SDK and status codes are ambiguous (429 is both a
//! throttle and a quota).

use std::fmt;
use std::time::Duration;

/// Kinds of failure; each is handled in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Too many calls a second: TooManyRequestsException, ThrottlingException, any other 429.
    Throttled,
    /// A quota of the instance is used up: LimitExceededException, ServiceQuotaExceededException. Also a 429.
    QuotaExceeded,
    /// No or not enough rights, or no valid credentials.
    AccessDenied,
    /// ResourceNotFoundException: the instance, the user, something referenced, or not yet visible.
    NotFound,
    /// DuplicateResourceException: the username is taken, perhaps by a create of ours whose answer was lost.
    Duplicate,
    /// Connect refuses the request as it is.
    Invalid,
    /// A 409 that is no duplicate: somebody else was quicker.
    Conflict,
    /// A 5xx, a timeout, a broken connection or answer. A write may have had its effect.
    Unavailable,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError {
    /// What kind of failure.
    pub kind: Kind,
    /// Operation, which is also the IAM action `connect:<operation>`.
    pub operation: &'static str,
    /// Error code of AWS, or a word for what happened on the way: letters and digits only.
    pub code: String,
    /// Message of AWS, with what looks like an e-mail address or a phone number taken out.
    pub message: String,
    /// Request id, for a support case.
    pub request_id: Option<String>,
    /// How long AWS asks to wait.
    pub retry_after: Option<Duration>,
}

impl ConnectError {
    /// Code of a call that was not made, because it would have failed like those before it.
    pub const NOT_TRIED: &'static str = "NotTried";
}

/// A code as AWS may have sent it, if it is a word: whatever else it may be is not repeated.
pub(super) fn word(code: &str) -> &str {
    const LONGEST: usize = 60;
    let is_word = (1..=LONGEST).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric());
    if is_word { code } else { "Unreadable" }
}

/// Characters of AWS's message that are shown.
const LONGEST_MESSAGE: usize = 600;

impl std::error::Error for ConnectError {}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.code == Self::NOT_TRIED {
            write!(f, "{} was not tried: ", self.operation)?;
            ""
        } else {
            write!(f, "{} failed with {}", self.operation, self.code)?;
            ": "
        };
        if !self.message.is_empty() {
            // Cut only where it is shown, when personal values are out already: a cut before would leave
            // parts of them that nobody recognises.
            let cut = self.message.char_indices().nth(LONGEST_MESSAGE).map_or(self.message.len(), |(at, _)| at);
            write!(f, "{separator}{}", self.message.get(..cut).unwrap_or_default())?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl Kind {
    /// Classifies an error that the service answered.
    pub fn of(code: &str, status: u16) -> Self {
        match code {
            "TooManyRequestsException" | "ThrottlingException" | "Throttling" | "RequestLimitExceeded" => {
                Self::Throttled
            }
            "LimitExceededException" | "ServiceQuotaExceededException" => Self::QuotaExceeded,
            "DuplicateResourceException" => Self::Duplicate,
            "ResourceNotFoundException" => Self::NotFound,
            "AccessDeniedException"
            | "AccessDenied"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "InvalidClientTokenId"
            | "IncompleteSignature"
            | "OptInRequired"
            | "MissingAuthenticationTokenException" => Self::AccessDenied,
            "ConditionalOperationFailedException" | "ResourceConflictException" | "ResourceInUseException" => {
                Self::Conflict
            }
            _ => match status {
                429 => Self::Throttled,
                401 | 403 => Self::AccessDenied,
                402 => Self::QuotaExceeded,
                404 => Self::NotFound,
                409 => Self::Conflict,
                400..=499 => Self::Invalid,
                _ => Self::Unavailable,
            },
        }
    }
}

/// Takes out of a text what looks like an e-mail address or a phone number: AWS repeats values in its messages.
pub fn without_personal_data(text: &str) -> String {
    let personal = |word: &str| {
        let is_number = |rest: &str| rest.chars().filter(char::is_ascii_digit).count() >= 5;
        // Also in the midst of a word, as in `Mobile=+4930123456`.
        word.contains('@') || word.split('+').skip(1).any(is_number)
    };
    text.split_inclusive(char::is_whitespace)
        .map(|piece| {
            let word = piece.trim_end();
            if personal(word) { piece.replacen(word, "[redacted]", 1) } else { piece.to_owned() }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_not_a_throttle_though_both_are_429() {
        assert_eq!(Kind::of("LimitExceededException", 429), Kind::QuotaExceeded);
        assert_eq!(Kind::of("TooManyRequestsException", 429), Kind::Throttled);
        assert_eq!(Kind::of("ThrottlingException", 400), Kind::Throttled);
        assert_eq!(Kind::of("", 429), Kind::Throttled);
    }

    #[test]
    fn a_code_that_is_no_word_is_not_repeated() {
        assert_eq!(word("ThrottlingException"), "ThrottlingException");
        for code in ["", "jane@example.com", "+4930123456", "no word", &"x".repeat(61)] {
            assert_eq!(word(code), "Unreadable");
        }
    }

    #[test]
    fn unknown_codes_go_by_their_status() {
        for (status, kind) in [
            (400, Kind::Invalid),
            (403, Kind::AccessDenied),
            (404, Kind::NotFound),
            (409, Kind::Conflict),
            (503, Kind::Unavailable),
        ] {
            assert_eq!(Kind::of("SomethingNewException", status), kind);
        }
    }

    #[test]
    fn messages_lose_addresses_and_numbers_and_keep_the_rest() {
        assert_eq!(
            without_personal_data(
                "Email 'jane@example.com' is invalid, Mobile +4930123456 too; Desk=+4930123456 request 123456789"
            ),
            "Email [redacted] is invalid, Mobile [redacted] too; [redacted] request 123456789"
        );
    }
}
