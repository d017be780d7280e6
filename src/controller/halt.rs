//! How a line ends before its end.

use super::subject::PublishError;
use crate::plan::report::{Next, Outcome};
use crate::resource::condition::Reason;

/// The end of a line before its end: what it comes to, or a write that the API server did not take.
pub(super) enum Halt {
    Outcome(Box<Outcome>),
    Publish(PublishError),
}

impl Halt {
    pub(super) fn outcome(reason: Reason, message: impl Into<String>, next: Next) -> Self {
        Self::Outcome(Box::new(Outcome::new(reason, message, next)))
    }
}

impl From<Outcome> for Halt {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(Box::new(outcome))
    }
}

impl From<Box<Outcome>> for Halt {
    fn from(outcome: Box<Outcome>) -> Self {
        Self::Outcome(outcome)
    }
}

impl From<PublishError> for Halt {
    fn from(error: PublishError) -> Self {
        Self::Publish(error)
    }
}
