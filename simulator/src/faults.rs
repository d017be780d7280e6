//! Faults to inject: what goes wrong, with which calls, how often.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that goes wrong with the calls it matches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// Only calls of this operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only calls for this user (id or username).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Only calls that change something (or, if false, only the others).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<bool>,
    /// What happens.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// How many calls it hits; absent means for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How many matching calls pass before the first hit.
    #[serde(default)]
    pub skip: u32,
}

/// What happens to a call. In JSON the member `type` names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum FaultKind {
    /// The call has no effect and is answered with this error.
    ErrorBeforeEffect {
        /// HTTP status.
        status: u16,
        /// Error code.
        code: String,
        /// Message.
        message: String,
    },
    /// The call takes effect and is answered with this error.
    ErrorAfterEffect {
        /// HTTP status.
        status: u16,
        /// Error code.
        code: String,
        /// Message.
        message: String,
    },
    /// The call takes effect and the connection closes without an answer.
    LostAnswer,
    /// The connection closes without effect and without an answer.
    LostRequest,
    /// The answer comes later; combines with the next matching fault.
    Latency {
        /// How much later.
        millis: u64,
    },
    /// Throttled: no effect, 429 with the code of the switches.
    Throttle,
    /// Throttled, and told when to come back.
    ThrottleWithRetryAfter {
        /// Seconds in Retry-After.
        seconds: u64,
    },
    /// The call takes effect; the body of the answer is cut in half and is no JSON.
    MalformedAnswer,
    /// The call takes effect; the answer is 200 with an empty body.
    EmptyAnswer,
    /// The call takes effect; the answer's body is patched first (RFC 7396), for instance with an unknown enum value.
    PatchedAnswer {
        /// The merge patch.
        patch: Value,
    },
    /// A call that carries a page token is refused, as if the token had expired.
    RejectPageToken,
}

impl Fault {
    /// A fault for every call, for ever.
    #[must_use]
    pub const fn new(kind: FaultKind) -> Self {
        Self { operation: None, user: None, write: None, kind, times: None, skip: 0 }
    }

    /// An error before any effect.
    #[must_use]
    pub fn error_before(status: u16, code: &str) -> Self {
        Self::new(FaultKind::ErrorBeforeEffect { status, code: code.into(), message: "injected".into() })
    }

    /// An error although the call took effect.
    #[must_use]
    pub fn error_after(status: u16, code: &str) -> Self {
        Self::new(FaultKind::ErrorAfterEffect { status, code: code.into(), message: "injected".into() })
    }

    /// Only calls of this operation.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only calls for this user (id or username).
    #[must_use]
    pub fn for_user(mut self, user: &str) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Only calls that change something.
    #[must_use]
    pub const fn on_writes(mut self) -> Self {
        self.write = Some(true);
        self
    }

    /// Only so many times.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Let so many matching calls pass first.
    #[must_use]
    pub const fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

impl FaultKind {
    /// The name as in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ErrorBeforeEffect { .. } => "errorBeforeEffect",
            Self::ErrorAfterEffect { .. } => "errorAfterEffect",
            Self::LostAnswer => "lostAnswer",
            Self::LostRequest => "lostRequest",
            Self::Latency { .. } => "latency",
            Self::Throttle => "throttle",
            Self::ThrottleWithRetryAfter { .. } => "throttleWithRetryAfter",
            Self::MalformedAnswer => "malformedAnswer",
            Self::EmptyAnswer => "emptyAnswer",
            Self::PatchedAnswer { .. } => "patchedAnswer",
            Self::RejectPageToken => "rejectPageToken",
        }
    }
}

/// The call as faults see it.
pub(crate) struct Subject<'a> {
    pub(crate) operation: &'a str,
    pub(crate) write: bool,
    pub(crate) has_token: bool,
    /// Id and username, as far as known.
    pub(crate) users: [Option<&'a str>; 2],
}

/// Consumes and returns what hits this call: the latencies in milliseconds, and the first other fault.
pub(crate) fn strike(faults: &mut Vec<Fault>, subject: &Subject<'_>) -> (u64, Option<FaultKind>) {
    let mut latency = 0;
    let mut hit = None;
    for fault in faults.iter_mut() {
        let is_latency = matches!(fault.kind, FaultKind::Latency { .. });
        let matches = fault.times != Some(0)
            && fault.operation.as_deref().is_none_or(|operation| operation == subject.operation)
            && fault.write.is_none_or(|write| write == subject.write)
            && (subject.has_token || fault.kind != FaultKind::RejectPageToken)
            && fault.user.as_deref().is_none_or(|user| subject.users.contains(&Some(user)));
        if !matches || (hit.is_some() && !is_latency) {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
            continue;
        }
        fault.times = fault.times.map(|times| times - 1);
        if let FaultKind::Latency { millis } = fault.kind {
            latency += millis;
        } else {
            hit = Some(fault.kind.clone());
        }
    }
    faults.retain(|fault| fault.times != Some(0));
    (latency, hit)
}
