//! Counters of the process. Labels are bounded: operations, kinds of failure, results; never names of objects.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::connect::Kind;
use crate::pace::Pace;
use crate::pace::queue::Class;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Result_ {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallResult {
    operation: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Drift {
    field: String,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByClass {
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Budget {
    account: String,
    region: String,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByInstance {
    instance: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    instance: String,
    reason: &'static str,
}

/// How an instance is doing, as far as metrics tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstanceView {
    /// Objects by the reason of their Ready condition.
    pub objects: BTreeMap<&'static str, i64>,
    /// Deletions that wait for a person.
    pub held: i64,
    /// Users that no object has, once they were listed.
    pub unmanaged: Option<i64>,
    /// Since the last listing of all users, once there was one.
    pub since_sweep: Option<Duration>,
    /// Whether it is not asked any more because it does not answer.
    pub is_open: bool,
}

/// Looks how instances are doing, by their ids.
pub type Instances = Box<dyn Fn() -> BTreeMap<String, InstanceView> + Send + Sync>;

const CONTROLLER: &str = "connectuser";

/// The metrics of one process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reconciles: Family<Result_, Counter>,
    reconcile_seconds: Histogram,
    panics: Counter,
    leader: Gauge,
    calls: Family<CallResult, Counter>,
    call_seconds: Family<Operation, Histogram>,
    drift: Family<Drift, Counter>,
    waiting: Family<ByClass, Gauge>,
    wait_seconds: Family<ByClass, Histogram>,
    rate: Family<Budget, Gauge<f64, AtomicU64>>,
    pace: Arc<OnceLock<Pace>>,
    objects: Family<ByReason, Gauge>,
    held: Family<ByInstance, Gauge>,
    unmanaged: Family<ByInstance, Gauge>,
    since_sweep: Family<ByInstance, Gauge<f64, AtomicU64>>,
    is_open: Family<ByInstance, Gauge>,
    suspects: Family<ByInstance, Counter>,
    instances: Arc<OnceLock<Instances>>,
    /// Held while gauges are brought up to date and told.
    telling: Arc<Mutex<()>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let reconciles = Family::<Result_, Counter>::default();
        let reconcile_seconds = Histogram::new(exponential_buckets(0.001, 4.0, 9));
        let panics = Counter::default();
        let calls = Family::<CallResult, Counter>::default();
        let call_seconds =
            Family::<Operation, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.01, 2.0, 11)));
        let drift = Family::<Drift, Counter>::default();
        // The names that dashboards for controllers expect.
        registry.register("controller_runtime_reconcile", "Reconciles by result", reconciles.clone());
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Duration of a reconcile",
            reconcile_seconds.clone(),
        );
        registry.register("controller_runtime_reconcile_panics", "Reconciles that panicked", panics.clone());
        registry.register(
            "connect_user_operator_aws_calls",
            "Calls to Amazon Connect by operation and result",
            calls.clone(),
        );
        registry.register(
            "connect_user_operator_aws_call_duration_seconds",
            "Duration of a call to Amazon Connect",
            call_seconds.clone(),
        );
        registry.register(
            "connect_user_operator_drift",
            "Fields that differed from the spec and were corrected, or only reported",
            drift.clone(),
        );
        let leader = Gauge::default();
        registry.register(
            "connect_user_operator_leader",
            "1 in the process that acts, 0 in one that stands by",
            leader.clone(),
        );
        let (waiting, rate) = (Family::<ByClass, Gauge>::default(), Family::default());
        let wait_seconds =
            Family::<ByClass, Histogram>::new_with_constructor(|| Histogram::new(exponential_buckets(0.01, 4.0, 10)));
        registry.register(
            "connect_user_operator_waiting",
            "Calls and reconciles that wait for their turn, by class",
            waiting.clone(),
        );
        registry.register(
            "connect_user_operator_wait_seconds",
            "Time that a call waited for its turn, by class",
            wait_seconds.clone(),
        );
        registry.register(
            "connect_user_operator_rate",
            "Calls a second at present, as learnt from throttles",
            rate.clone(),
        );
        let (objects, held, unmanaged) = (Family::default(), Family::default(), Family::default());
        let (since_sweep, is_open, suspects) = (Family::default(), Family::default(), Family::default());
        registry.register(
            "connect_user_operator_objects",
            "ConnectUsers by instance and reason of their Ready condition",
            objects.clone(),
        );
        registry.register(
            "connect_user_operator_deletions_held",
            "Deletions that wait for a person, by instance",
            held.clone(),
        );
        registry.register(
            "connect_user_operator_unmanaged_users",
            "Users that no ConnectUser of this operator has, as last listed, by instance",
            unmanaged.clone(),
        );
        registry.register(
            "connect_user_operator_last_sweep_age_seconds",
            "Time since all users were last listed, by instance",
            since_sweep.clone(),
        );
        registry.register(
            "connect_user_operator_circuit_open",
            "1 while an instance does not answer and is only probed",
            is_open.clone(),
        );
        registry.register(
            "connect_user_operator_suspects",
            "Users that a sweep or a search found to be looked at, by instance",
            suspects.clone(),
        );
        Self {
            registry: Arc::new(registry),
            reconciles,
            reconcile_seconds,
            panics,
            leader,
            calls,
            call_seconds,
            drift,
            waiting,
            wait_seconds,
            rate,
            pace: Arc::default(),
            objects,
            held,
            unmanaged,
            since_sweep,
            is_open,
            suspects,
            instances: Arc::default(),
            telling: Arc::default(),
        }
    }

    /// Counts a reconcile.
    pub fn reconciled(&self, result: &'static str, duration: Duration) {
        self.reconciles.get_or_create(&Result_ { controller: CONTROLLER, result }).inc();
        self.reconcile_seconds.observe(duration.as_secs_f64());
    }

    /// Counts a panic in a reconcile.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// Says that this process is the one that acts.
    pub fn leads(&self) {
        self.leader.set(1);
    }

    /// Counts a call to Amazon Connect.
    pub fn called(&self, operation: &'static str, failure: Option<Kind>, duration: Duration) {
        let result = match failure {
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
        self.calls.get_or_create(&CallResult { operation, result }).inc();
        self.call_seconds.get_or_create(&Operation { operation }).observe(duration.as_secs_f64());
    }

    /// Counts fields that drifted, by their paths; `is_corrected` or else only reported.
    pub fn drifted<'a>(&self, fields: impl Iterator<Item = &'a str>, is_corrected: bool) {
        let action = if is_corrected { "corrected" } else { "reported" };
        for field in fields {
            // What is in brackets is a tag, a channel or a skill: not bounded.
            let field = field.split('[').next().unwrap_or_default().to_owned();
            self.drift.get_or_create(&Drift { field, action }).inc();
        }
    }

    /// Counts a turn that was waited for.
    pub fn waited(&self, class: Class, time: Duration) {
        self.wait_seconds.get_or_create(&ByClass { class: class.name() }).observe(time.as_secs_f64());
    }

    /// Shows from now on how this pace stands.
    pub fn watch(&self, pace: &Pace) {
        self.pace.set(pace.clone()).ok();
    }

    /// Shows from now on how instances are doing. They are looked at whenever the metrics are told.
    pub fn watch_instances(&self, look: Instances) {
        self.instances.set(look).ok();
    }

    /// Counts users that have to be looked at.
    pub fn suspected(&self, instance: &str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.suspects.get_or_create(&ByInstance { instance: instance.to_owned() }).inc_by(count);
    }

    fn look_at_instances(&self, look: &Instances) {
        // What is gone is not to be told any more.
        self.objects.clear();
        self.held.clear();
        self.unmanaged.clear();
        self.since_sweep.clear();
        self.is_open.clear();
        for (instance, view) in look() {
            for (reason, count) in view.objects {
                self.objects.get_or_create(&ByReason { instance: instance.clone(), reason }).set(count);
            }
            let labels = ByInstance { instance };
            self.held.get_or_create(&labels).set(view.held);
            self.is_open.get_or_create(&labels).set(i64::from(view.is_open));
            if let Some(unmanaged) = view.unmanaged {
                self.unmanaged.get_or_create(&labels).set(unmanaged);
            }
            if let Some(age) = view.since_sweep {
                self.since_sweep.get_or_create(&labels).set(age.as_secs_f64());
            }
        }
    }

    fn look(&self, pace: &Pace) {
        for class in Class::ALL {
            let waiting = i64::try_from(pace.waiting(class)).unwrap_or(i64::MAX);
            self.waiting.get_or_create(&ByClass { class: class.name() }).set(waiting);
        }
        for view in pace.view() {
            let (place, operation) = (view.key.place, view.key.operation);
            let labels = Budget { account: place.account, region: place.region, operation };
            self.rate.get_or_create(&labels).set(view.rate);
        }
    }

    /// The exposition in OpenMetrics text.
    pub fn text(&self) -> String {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pace) = self.pace.get() {
            self.look(pace);
        }
        if let Some(look) = self.instances.get() {
            self.look_at_instances(look);
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}
