//! What the calls that Amazon Connect saw tell.

use std::collections::BTreeMap;
use std::time::Duration;

use connect_simulator::CallRecord;

/// What Connect allows by default for writes.
pub const RATE: f64 = 2.0;
/// How many at once.
pub const BURST: f64 = 5.0;

/// The calls of one operator, by its access key.
pub fn of(calls: &[CallRecord], key: &str) -> Vec<CallRecord> {
    calls.iter().filter(|call| call.access_key == key).cloned().collect()
}

/// How many calls of an operation were acknowledged.
pub fn count(calls: &[CallRecord], operation: &str) -> usize {
    calls.iter().filter(|call| call.operation == operation && call.status == 200).count()
}

/// How many were throttled.
pub fn throttled(calls: &[CallRecord]) -> usize {
    calls.iter().filter(|call| call.status == 429).count()
}

/// From the first call of an operation to the last.
pub fn span(calls: &[CallRecord], operation: &str) -> Duration {
    let mut times = calls.iter().filter(|call| call.operation == operation).map(|call| call.time);
    let first = times.next();
    let last = times.next_back().or(first);
    Duration::from_millis(first.zip(last).map_or(0, |(first, last)| last.since(first)))
}

/// How many of each operation.
pub fn by_operation(calls: &[CallRecord]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(call.operation.clone()).or_default() += 1;
    }
    counts
}

/// The same, as a text.
pub fn text(calls: &[CallRecord]) -> String {
    let counts = by_operation(calls);
    counts.iter().map(|(operation, count)| format!("{count} {operation}")).collect::<Vec<_>>().join(", ")
}

/// The least time that so many calls of a default quota take, from the first to the last.
pub fn limit(count: usize) -> f64 {
    (count as f64 - BURST) / RATE
}
