//! Token buckets: one per (account, Region, operation), as Connect has them.

use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Refill rate and size of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rate {
    /// Calls a second.
    pub per_second: f64,
    /// Calls at once.
    pub burst: f64,
}

/// The rate of every operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quotas {
    /// Where `operations` says nothing.
    pub fallback: Rate,
    /// By operation name.
    #[serde(default)]
    pub operations: BTreeMap<String, Rate>,
}

/// Operations with 10 calls a second in AWS's newer default table; all others have 2 (reliability.md 1.1).
const TEN_A_SECOND: [&str; 7] = [
    "DescribeUser",
    "ListUsers",
    "ListUserProficiencies",
    "ListUserHierarchyGroups",
    "ListRoutingProfiles",
    "DescribeRoutingProfile",
    "ListQuickConnects",
];

impl Quotas {
    /// The same rate for every operation.
    #[must_use]
    pub const fn uniform(per_second: f64, burst: f64) -> Self {
        Self { fallback: Rate { per_second, burst }, operations: BTreeMap::new() }
    }

    /// AWS's newer default table: 10/s burst 15 for some reads, 2/s burst 5 for everything else.
    #[must_use]
    pub fn default_table() -> Self {
        let ten = Rate { per_second: 10.0, burst: 15.0 };
        Self {
            operations: TEN_A_SECOND.iter().map(|&name| (name.to_owned(), ten)).collect(),
            ..Self::uniform(2.0, 5.0)
        }
    }

    /// The same table with one operation at another rate.
    #[must_use]
    pub fn with(mut self, operation: &str, per_second: f64, burst: f64) -> Self {
        self.operations.insert(operation.to_owned(), Rate { per_second, burst });
        self
    }

    /// The rate of an operation.
    #[must_use]
    pub fn rate(&self, operation: &str) -> Rate {
        self.operations.get(operation).copied().unwrap_or(self.fallback)
    }
}

/// Whose calls share a bucket: account, Region, operation.
type Key = (String, String, String);

/// Fill levels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets {
    levels: HashMap<Key, (f64, Timestamp)>,
}

impl Buckets {
    /// Takes a token, or says how many seconds until there is one.
    pub(crate) fn take(&mut self, key: Key, rate: Rate, refused_calls_cost: bool, now: Timestamp) -> Result<(), f64> {
        let (level, at) = self.levels.entry(key).or_insert((rate.burst, now));
        *level = (*level + now.since(*at) as f64 / 1000.0 * rate.per_second).min(rate.burst);
        *at = now.max(*at);
        // A hair of tolerance: a token that is complete but for rounding is a token.
        if *level >= 1.0 - 1e-9 {
            *level -= 1.0;
            return Ok(());
        }
        if refused_calls_cost {
            *level = 0.0;
        }
        Err((1.0 - *level) / rate.per_second.max(1e-9))
    }
}
