//! The users and their objects, by instance: how many are in which state, what was done, what waits for a person.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::bounded::Bounded;

/// In the place of an instance: the object does not tell which it belongs to.
pub const UNKNOWN: &str = "unknown";

/// Most instances that are told by their ids.
const MOST_INSTANCES: usize = 100;

/// The events that speak of a user in Amazon Connect. Each counts from zero for every instance, or the first
/// deletion would be no increase.
const TOLD: [&str; 9] = [
    "DriftCorrected",
    "DriftDetected",
    "UserAdopted",
    "UserCreated",
    "UserDeleted",
    "UserHandedOver",
    "UserRetained",
    "UserUpdated",
    "UserVanished",
];

// Not `instance`: Prometheus gives that name to whatever it scrapes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByInstance {
    connect_instance: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    connect_instance: String,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByField {
    field: String,
    action: &'static str,
}

/// How an instance is doing, as far as metrics tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Objects by the reason of their Ready condition.
    pub objects: BTreeMap<&'static str, i64>,
    /// How long the one that has waited longest is not Ready, by reason.
    pub not_ready: BTreeMap<&'static str, Duration>,
    /// Deletions that wait for a person.
    pub held: i64,
    /// Users that no object has, once they were listed.
    pub unmanaged: Option<i64>,
    /// Since the last listing of all users, or since one could have been made.
    pub since_sweep: Option<Duration>,
    /// Whether it is not asked any more because it does not answer.
    pub is_open: bool,
}

/// Looks how instances are doing, by their ids.
pub type Instances = Box<dyn Fn() -> BTreeMap<String, View> + Send + Sync>;

type Seconds<L> = Family<L, Gauge<f64, AtomicU64>>;

/// The metrics.
#[derive(Clone)]
pub(super) struct Users {
    objects: Family<ByReason, Gauge>,
    not_ready: Seconds<ByReason>,
    held: Family<ByInstance, Gauge>,
    unmanaged: Family<ByInstance, Gauge>,
    since_sweep: Seconds<ByInstance>,
    is_open: Family<ByInstance, Gauge>,
    suspects: Family<ByInstance, Counter>,
    events: Family<ByReason, Counter>,
    drift: Family<ByField, Counter>,
    known: Bounded,
    instances: Arc<OnceLock<Instances>>,
}

impl Users {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = Self {
            objects: Family::default(),
            not_ready: Family::default(),
            held: Family::default(),
            unmanaged: Family::default(),
            since_sweep: Family::default(),
            is_open: Family::default(),
            suspects: Family::default(),
            events: Family::default(),
            drift: Family::default(),
            known: Bounded::new(MOST_INSTANCES),
            instances: Arc::default(),
        };
        let prefixed = |name: &str| format!("connect_user_operator_{name}");
        registry.register(
            prefixed("objects"),
            "ConnectUsers by instance and reason of their Ready condition",
            new.objects.clone(),
        );
        registry.register(
            prefixed("oldest_not_ready_seconds"),
            "How long the ConnectUser that has waited longest is not Ready, by instance and reason",
            new.not_ready.clone(),
        );
        registry.register(
            prefixed("deletions_held"),
            "Deletions that wait for a person, by instance",
            new.held.clone(),
        );
        registry.register(
            prefixed("unmanaged_users"),
            "Users that no ConnectUser of this operator has, as last listed, by instance",
            new.unmanaged.clone(),
        );
        registry.register(
            prefixed("last_sweep_age_seconds"),
            "Time since all users were last listed, or could have been, by instance",
            new.since_sweep.clone(),
        );
        registry.register(
            prefixed("circuit_open"),
            "1 while an instance does not answer and is only probed",
            new.is_open.clone(),
        );
        registry.register(
            prefixed("suspects"),
            "Users that a sweep or a search found to be looked at, by instance",
            new.suspects.clone(),
        );
        registry.register(
            prefixed("events"),
            "Events of ConnectUsers by instance and reason: what was done to users",
            new.events.clone(),
        );
        registry.register(
            prefixed("drift"),
            "Fields that differed from the spec and were corrected, or only reported",
            new.drift.clone(),
        );
        new
    }

    pub(super) fn drifted<'a>(&self, fields: impl Iterator<Item = &'a str>, is_corrected: bool) {
        let action = if is_corrected { "corrected" } else { "reported" };
        for field in fields {
            // What is in brackets is a tag, a channel or a skill: not bounded.
            let field = field.split('[').next().unwrap_or_default().to_owned();
            self.drift.get_or_create(&ByField { field, action }).inc();
        }
    }

    pub(super) fn watch(&self, look: Instances) {
        self.instances.set(look).ok();
    }

    pub(super) fn suspected(&self, instance: &str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.suspects.get_or_create(&self.instance(instance)).inc_by(count);
    }

    pub(super) fn told(&self, instance: Option<&str>, reason: &'static str) {
        let ByInstance { connect_instance } = self.instance(instance.unwrap_or(UNKNOWN));
        self.events.get_or_create(&ByReason { connect_instance, reason }).inc();
    }

    fn instance(&self, id: &str) -> ByInstance {
        let connect_instance = if id == UNKNOWN { UNKNOWN.to_owned() } else { self.known.label(id) };
        ByInstance { connect_instance }
    }

    /// Brings the gauges up to date.
    pub(super) fn look(&self) {
        let Some(look) = self.instances.get() else { return };
        // What is gone is not to be told any more.
        self.objects.clear();
        self.not_ready.clear();
        self.held.clear();
        self.unmanaged.clear();
        self.since_sweep.clear();
        self.is_open.clear();
        for (id, view) in look() {
            let labels = self.instance(&id);
            let by = |reason| ByReason { connect_instance: labels.connect_instance.clone(), reason };
            // Several may share the word for the rest.
            for (reason, count) in view.objects {
                self.objects.get_or_create(&by(reason)).inc_by(count);
            }
            for (reason, age) in view.not_ready {
                longest(&self.not_ready.get_or_create(&by(reason)), age);
            }
            if id == UNKNOWN {
                continue;
            }
            self.held.get_or_create(&labels).inc_by(view.held);
            let is_open = self.is_open.get_or_create(&labels);
            is_open.set(is_open.get().max(i64::from(view.is_open)));
            if let Some(unmanaged) = view.unmanaged {
                self.unmanaged.get_or_create(&labels).inc_by(unmanaged);
            }
            if let Some(age) = view.since_sweep {
                longest(&self.since_sweep.get_or_create(&labels), age);
            }
            drop(self.suspects.get_or_create(&labels));
            for reason in TOLD {
                drop(self.events.get_or_create(&by(reason)));
            }
        }
    }
}

fn longest(gauge: &Gauge<f64, AtomicU64>, age: Duration) {
    gauge.set(gauge.get().max(age.as_secs_f64()));
}
