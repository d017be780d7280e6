//! Calls to Amazon Connect: how many, how they ended, how long they took, and what they waited for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::bounded::{Bounded, OTHER};
use crate::connect::{ConnectError, Kind};
use crate::pace::Pace;
use crate::pace::queue::Class;
use crate::user::ids::Instance;

/// Most pairs of account and Region, and most error codes, that are told by their names.
const PLACES: usize = 50;
const CODES: usize = 60;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByAnswer {
    operation: &'static str,
    result: &'static str,
    code: String,
    account: String,
    region: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOperation {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByClass {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByBudget {
    account: String,
    region: String,
    operation: &'static str,
}

type Rates = Family<ByBudget, Gauge<f64, AtomicU64>>;

/// The metrics.
#[derive(Clone)]
pub(super) struct Calls {
    answers: Family<ByAnswer, Counter>,
    durations: Family<ByOperation, Histogram, fn() -> Histogram>,
    waits: Family<ByClass, Histogram, fn() -> Histogram>,
    waiting: Family<ByClass, Gauge>,
    rates: Rates,
    limits: Rates,
    throttles: Family<ByBudget, Counter>,
    places: Bounded,
    codes: Bounded,
    pace: Arc<OnceLock<Pace>>,
}

impl Calls {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = Self {
            answers: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.01, 2.0, 11))),
            waits: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.01, 4.0, 10))),
            waiting: Family::default(),
            rates: Family::default(),
            limits: Family::default(),
            throttles: Family::default(),
            places: Bounded::new(PLACES),
            codes: Bounded::new(CODES),
            pace: Arc::default(),
        };
        let prefixed = |name: &str| format!("connect_user_operator_{name}");
        registry.register(
            prefixed("aws_calls"),
            "Calls to Amazon Connect by operation, kind of result and code",
            new.answers.clone(),
        );
        registry.register(
            prefixed("aws_call_duration_seconds"),
            "Duration of a call to Amazon Connect",
            new.durations.clone(),
        );
        registry.register(prefixed("aws_throttles"), "Calls that Amazon Connect throttled", new.throttles.clone());
        registry.register(
            prefixed("waiting"),
            "Calls and reconciles that wait for their turn, by class",
            new.waiting.clone(),
        );
        registry.register(
            prefixed("wait_seconds"),
            "Time that a call waited for its turn, by class",
            new.waits.clone(),
        );
        registry.register(prefixed("rate"), "Calls a second at present, as learnt from throttles", new.rates.clone());
        registry.register(
            prefixed("rate_limit"),
            "Calls a second that this operator may make when nobody throttles it",
            new.limits.clone(),
        );
        for class in Class::ALL.map(Class::name) {
            drop(new.waits.get_or_create(&ByClass { class }));
        }
        new
    }

    pub(super) fn called(
        &self,
        instance: &Instance,
        operation: &'static str,
        failure: Option<&ConnectError>,
        duration: Duration,
    ) {
        let result = match failure.map(|error| error.kind) {
            None => "ok",
            Some(Kind::Throttled) => "throttled",
            Some(Kind::QuotaExceeded) => "quota_exceeded",
            Some(Kind::AccessDenied) => "access_denied",
            Some(Kind::NotFound) => "not_found",
            Some(Kind::Duplicate) => "duplicate",
            Some(Kind::Invalid) => "invalid",
            Some(Kind::Conflict) => "conflict",
            Some(Kind::Unavailable) => "unavailable",
        };
        let code = failure.map_or_else(|| "OK".to_owned(), |error| self.codes.label(&error.code));
        let (account, region) = self.place(instance.account(), instance.region());
        self.answers.get_or_create(&ByAnswer { operation, result, code, account, region }).inc();
        self.durations.get_or_create(&ByOperation { operation }).observe(duration.as_secs_f64());
    }

    fn place(&self, account: &str, region: &str) -> (String, String) {
        if self.places.admits(&format!("{account}/{region}")) {
            (account.to_owned(), region.to_owned())
        } else {
            (OTHER.to_owned(), OTHER.to_owned())
        }
    }

    pub(super) fn waited(&self, class: Class, time: Duration) {
        self.waits.get_or_create(&ByClass { class: class.name() }).observe(time.as_secs_f64());
    }

    pub(super) fn watch(&self, pace: &Pace) {
        self.pace.set(pace.clone()).ok();
    }

    pub(super) fn pace(&self) -> Option<&Pace> {
        self.pace.get()
    }

    /// Brings the gauges up to date.
    pub(super) fn look(&self) {
        let Some(pace) = self.pace() else { return };
        for class in Class::ALL {
            let waiting = i64::try_from(pace.waiting(class)).unwrap_or(i64::MAX);
            self.waiting.get_or_create(&ByClass { class: class.name() }).set(waiting);
        }
        for view in pace.view() {
            let (place, operation) = (view.key.place, view.key.operation);
            let (account, region) = self.place(&place.account, &place.region);
            if account == OTHER {
                // Rates of several accounts have no sum that means anything.
                continue;
            }
            let labels = ByBudget { account, region, operation };
            self.rates.get_or_create(&labels).set(view.rate);
            self.limits.get_or_create(&labels).set(view.limit);
            self.throttles.get_or_create(&labels).inner().store(view.throttled, Ordering::Relaxed);
        }
    }
}
