//! How fast the operator calls Amazon Connect, and what waits, by its metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::kubectl::cluster::operator::{Sample, samples};

/// The counters at a moment.
#[derive(Clone, Debug)]
pub(super) struct Reading(Vec<Sample>);

/// What two readings say.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Quota {
    /// By operation.
    pub(super) operations: BTreeMap<String, OperationView>,
    /// Calls and reconciles that wait for their turn, by class.
    pub(super) waiting: BTreeMap<String, u64>,
}

/// One operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OperationView {
    /// Calls a second that are allowed at present, in all accounts and Regions together.
    pub(super) rate: Option<f64>,
    /// Calls a second between the readings.
    pub(super) speed: f64,
    /// Calls since the operator began.
    pub(super) calls: u64,
    /// Of these, throttled.
    pub(super) throttled: u64,
    /// Of these, failed in another way.
    pub(super) failed: u64,
}

impl Reading {
    /// Of one exposition for each operator.
    pub(super) fn of(texts: &[String]) -> Self {
        Self(texts.iter().flat_map(|text| samples(text)).collect())
    }

    fn calls(&self, operation: &str, counts: impl Fn(&str) -> bool) -> f64 {
        let calls = self.named("connect_user_operator_aws_calls_total");
        calls.filter(|s| s.label("operation") == operation && counts(s.label("result"))).map(|s| s.value).sum()
    }

    fn named<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }
}

impl Quota {
    /// From two readings that are so far apart.
    pub(super) fn between(before: &Reading, now: &Reading, apart: Duration) -> Self {
        let mut quota = Self::default();
        let seen = now.named("connect_user_operator_aws_calls_total").chain(now.named("connect_user_operator_rate"));
        for operation in seen.map(|sample| sample.label("operation")) {
            if quota.operations.contains_key(operation) {
                continue;
            }
            let rates = now.named("connect_user_operator_rate").filter(|s| s.label("operation") == operation);
            let (calls, earlier) = (now.calls(operation, |_| true), before.calls(operation, |_| true));
            let view = OperationView {
                rate: rates.map(|sample| sample.value).reduce(|a, b| a + b),
                // A counter that went back is that of a new process.
                speed: (calls - earlier).max(0.0) / apart.as_secs_f64().max(0.001),
                calls: whole(calls),
                throttled: whole(now.calls(operation, |result| result == "throttled")),
                failed: whole(now.calls(operation, |result| !["ok", "throttled"].contains(&result))),
            };
            quota.operations.insert(operation.to_owned(), view);
        }
        for sample in now.named("connect_user_operator_waiting") {
            *quota.waiting.entry(sample.label("class").to_owned()).or_default() += whole(sample.value);
        }
        quota
    }
}

impl OperationView {
    /// The part of the rate that was used, in percent.
    pub(super) fn used(&self) -> Option<u64> {
        self.rate.filter(|rate| *rate > 0.0).map(|rate| whole((100.0 * self.speed / rate).round()))
    }
}

/// Counts come as floats.
fn whole(value: f64) -> u64 {
    if value > 0.0 { value as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_what_was_called_between_two_readings_of_what_may_be() {
        let reading = |calls: u32| {
            Reading::of(&[format!(
                "connect_user_operator_aws_calls_total{{operation=\"CreateUser\",result=\"ok\"}} {calls}\n\
                 connect_user_operator_aws_calls_total{{operation=\"CreateUser\",result=\"throttled\"}} 2\n\
                 connect_user_operator_rate{{account=\"1\",region=\"a\",operation=\"CreateUser\"}} 2.0\n\
                 connect_user_operator_rate{{account=\"1\",region=\"b\",operation=\"CreateUser\"}} 2.0\n\
                 connect_user_operator_waiting{{class=\"edit\"}} 3\n"
            )])
        };
        let quota = Quota::between(&reading(10), &reading(16), Duration::from_secs(3));
        let create = quota.operations["CreateUser"];
        assert_eq!((create.calls, create.throttled, create.failed), (18, 2, 0));
        assert_eq!((create.rate, create.speed, create.used()), (Some(4.0), 2.0, Some(50)));
        assert_eq!(quota.waiting["edit"], 3);
        let again = Quota::between(&reading(16), &reading(1), Duration::from_secs(3));
        assert_eq!(again.operations["CreateUser"].used(), Some(0), "another process");
    }
}
