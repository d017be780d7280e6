//! From declared, observed and owned to an ordered list of calls, and from what came of them to a
//! status. Pure: no clock, no randomness, no I/O.

pub mod call;
pub mod diff;
pub mod judge;
pub mod report;

use crate::resource::status::DriftedField;
use call::Call;

/// What has to be done for one user, in order, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// The calls; each is made only after the one before was acknowledged.
    pub calls: Vec<Call>,
    /// The differences that the calls remove. Personal values are left out.
    pub differences: Vec<DriftedField>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The paths of the fields that differ: `identityInfo.email`, `tags[team]`.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.differences.iter().map(|difference| difference.field.as_str())
    }

    /// The fields that differ, for a message: `identityInfo.email, tags[team]`.
    pub fn fields(&self) -> String {
        self.paths().collect::<Vec<_>>().join(", ")
    }
}
