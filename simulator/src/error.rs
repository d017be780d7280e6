//! The one error type: what went wrong; which code and status say so depends on the switches.

use crate::switches::Switches;

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: Kind,
    pub(crate) message: String,
}

/// Kinds of refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The request breaks a documented constraint.
    Mistake,
    /// A profile, group or attribute that the request names does not exist.
    MissingReference,
    /// No such instance, or not in this Region.
    UnknownInstance,
    /// The addressed user, profile, group or quick connect does not exist (or is not visible yet).
    NotFound,
    /// The username is taken.
    Duplicate,
    /// The instance holds as many users as its quota allows.
    Limit,
    /// The token bucket is empty.
    Throttled,
    /// Refused whatever the request says.
    AccessDenied,
    /// Something else still points at it.
    InUse,
    /// No (usable) SigV4 header.
    MissingAuth,
    /// The method and path belong to no operation.
    UnknownOperation,
    /// The body is not JSON.
    Serialization,
    /// Whatever a fault asks for.
    Injected {
        /// HTTP status.
        status: u16,
        /// Error code.
        code: String,
    },
}

impl Refusal {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn mistake(message: impl Into<String>) -> Self {
        Self::new(Kind::Mistake, message)
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new(Kind::MissingReference, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// The error code and HTTP status under these switches.
    pub(crate) fn code_and_status(&self, switches: Switches) -> (&str, u16) {
        match &self.kind {
            Kind::Mistake if switches.mistakes_are_invalid_request => ("InvalidRequestException", 400),
            Kind::Mistake => ("InvalidParameterException", 400),
            Kind::MissingReference if switches.missing_reference_is_invalid_parameter => {
                ("InvalidParameterException", 400)
            }
            Kind::UnknownInstance if switches.unknown_instance_is_access_denied => ("AccessDeniedException", 403),
            Kind::MissingReference | Kind::UnknownInstance | Kind::NotFound => ("ResourceNotFoundException", 404),
            Kind::Duplicate => ("DuplicateResourceException", 409),
            Kind::Limit => ("LimitExceededException", 429),
            Kind::Throttled if switches.throttle_is_throttling_exception => ("ThrottlingException", 429),
            Kind::Throttled => ("TooManyRequestsException", 429),
            Kind::AccessDenied => ("AccessDeniedException", 403),
            Kind::InUse => ("ResourceInUseException", 409),
            Kind::MissingAuth => ("MissingAuthenticationTokenException", 403),
            Kind::UnknownOperation => ("UnknownOperationException", 404),
            Kind::Serialization => ("SerializationException", 400),
            Kind::Injected { status, code } => (code, *status),
        }
    }
}
