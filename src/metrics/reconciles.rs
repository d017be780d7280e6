//! Reconciles and the queue before them, under the names that dashboards for controllers expect.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::pace::queue::Class;
use crate::pace::{Pace, gate};
use crate::resource::condition::Reason;

/// The controllers of this process.
pub(super) const USERS: &str = "connectuser";
pub(super) const INSTANCES: &str = "connectinstance";

const SUCCESS: &str = "success";
const REQUEUE: &str = "requeue";
const ERROR: &str = "error";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByController {
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByQueue {
    name: &'static str,
    controller: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByReason {
    reason: &'static str,
}

const QUEUE: ByQueue = ByQueue { name: USERS, controller: USERS };

type Seconds = Gauge<f64, AtomicU64>;
type Durations = Family<ByController, Histogram, fn() -> Histogram>;
type Times = Family<ByQueue, Histogram, fn() -> Histogram>;

/// The metrics.
#[derive(Clone)]
pub(super) struct Reconciles {
    results: Family<ByResult, Counter>,
    errors: Family<ByController, Counter>,
    panics: Family<ByController, Counter>,
    durations: Durations,
    outcomes: Family<ByReason, Counter>,
    active: Family<ByController, Gauge>,
    depth: Family<ByQueue, Gauge>,
    adds: Family<ByQueue, Counter>,
    retries: Family<ByQueue, Counter>,
    queued: Times,
    worked: Times,
    unfinished: Family<ByQueue, Seconds>,
    longest: Family<ByQueue, Seconds>,
    at_work: Arc<Mutex<Running>>,
}

/// Reconciles under way: by a number, whose they are and when they began.
#[derive(Default)]
struct Running {
    next: u64,
    begun: BTreeMap<u64, (&'static str, Instant)>,
}

impl Reconciles {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let work = || Histogram::new(exponential_buckets(0.001, 4.0, 9));
        // Objects of an import wait for an hour.
        let wait = || Histogram::new(exponential_buckets(0.001, 6.0, 10));
        let new = Self {
            results: Family::default(),
            errors: Family::default(),
            panics: Family::default(),
            durations: Family::new_with_constructor(work),
            outcomes: Family::default(),
            active: Family::default(),
            depth: Family::default(),
            adds: Family::default(),
            retries: Family::default(),
            queued: Family::new_with_constructor(wait),
            worked: Family::new_with_constructor(work),
            unfinished: Family::default(),
            longest: Family::default(),
            at_work: Arc::default(),
        };
        let most = Family::<ByController, Gauge>::default();
        registry.register("controller_runtime_reconcile", "Reconciles by result", new.results.clone());
        registry.register(
            "controller_runtime_reconcile_errors",
            "Reconciles not carried to their end",
            new.errors.clone(),
        );
        registry.register("controller_runtime_reconcile_panics", "Reconciles that panicked", new.panics.clone());
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Duration of a reconcile",
            new.durations.clone(),
        );
        registry.register("controller_runtime_active_workers", "Reconciles under way", new.active.clone());
        registry.register(
            "controller_runtime_max_concurrent_reconciles",
            "Most reconciles under way at once",
            most.clone(),
        );
        registry.register("connect_user_operator_outcomes", "What reconciles came to, by reason", new.outcomes.clone());
        registry.register("workqueue_depth", "Objects that wait to be reconciled", new.depth.clone());
        registry.register("workqueue_adds", "Objects that began to wait to be reconciled", new.adds.clone());
        registry.register("workqueue_retries", "Reconciles to be tried again after a failure", new.retries.clone());
        registry.register(
            "workqueue_queue_duration_seconds",
            "Time that objects waited to be reconciled",
            new.queued.clone(),
        );
        registry.register("workqueue_work_duration_seconds", "Time that a reconcile took", new.worked.clone());
        registry.register(
            "workqueue_unfinished_work_seconds",
            "Time spent so far on reconciles under way",
            new.unfinished.clone(),
        );
        registry.register(
            "workqueue_longest_running_processor_seconds",
            "Age of the oldest reconcile under way",
            new.longest.clone(),
        );

        // From the beginning, or the first of a kind would not count as an increase.
        for controller in [USERS, INSTANCES] {
            let labels = ByController { controller };
            for result in [SUCCESS, REQUEUE, ERROR] {
                drop(new.results.get_or_create(&ByResult { controller, result }));
            }
            drop((new.errors.get_or_create(&labels), new.panics.get_or_create(&labels)));
            drop((new.active.get_or_create(&labels), new.durations.get_or_create(&labels)));
        }
        drop((new.adds.get_or_create(&QUEUE), new.retries.get_or_create(&QUEUE)));
        drop((new.queued.get_or_create(&QUEUE), new.worked.get_or_create(&QUEUE)));
        for reason in Reason::ALL {
            drop(new.outcomes.get_or_create(&ByReason { reason: reason.as_str() }));
        }
        let most_at_once = i64::try_from(gate::ROOM).unwrap_or(i64::MAX);
        most.get_or_create(&ByController { controller: USERS }).set(most_at_once);
        new
    }

    pub(super) fn queued(&self) {
        self.adds.get_or_create(&QUEUE).inc();
    }

    pub(super) fn came_to(&self, reason: Reason) {
        self.outcomes.get_or_create(&ByReason { reason: reason.as_str() }).inc();
    }

    pub(super) fn begin(&self, controller: &'static str, waited: Option<Duration>) -> AtWork {
        if let Some(waited) = waited {
            self.queued.get_or_create(&QUEUE).observe(waited.as_secs_f64());
        }
        let (mut running, begun) = (self.running(), Instant::now());
        running.next += 1;
        let number = running.next;
        running.begun.insert(number, (controller, begun));
        AtWork { all: self.clone(), number, controller, begun }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Running> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the gauges up to date.
    pub(super) fn look(&self, pace: Option<&Pace>) {
        let waiting: usize =
            pace.map_or(0, |pace| Class::ALL.into_iter().map(|class| pace.gate().waiting(class)).sum());
        self.depth.get_or_create(&QUEUE).set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let running = self.running();
        for controller in [USERS, INSTANCES] {
            let count = running.begun.values().filter(|(whose, _)| *whose == controller).count();
            let gauge = self.active.get_or_create(&ByController { controller });
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let users = running.begun.values().filter(|(whose, _)| *whose == USERS);
        let ages: Vec<f64> = users.map(|(_, begun)| begun.elapsed().as_secs_f64()).collect();
        self.unfinished.get_or_create(&QUEUE).set(ages.iter().sum());
        self.longest.get_or_create(&QUEUE).set(ages.into_iter().fold(0.0, f64::max));
    }
}

/// A reconcile under way, until it is dropped.
pub struct AtWork {
    all: Reconciles,
    number: u64,
    controller: &'static str,
    begun: Instant,
}

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It came to an outcome, which may well be a failure that the object is told of.
    Carried,
    /// It was decided on a stale object and begins again.
    Again,
    /// It was not carried to its end: the API server did not take a write.
    Failed,
    /// It panicked.
    Panicked,
}

impl End {
    /// As in the label `result`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Carried => SUCCESS,
            Self::Again => REQUEUE,
            Self::Failed | Self::Panicked => ERROR,
        }
    }
}

impl AtWork {
    /// Counts the reconcile; `is_retried` if it is to be tried again after a failure.
    pub fn ended(self, end: End, is_retried: bool) {
        let (all, controller) = (&self.all, self.controller);
        let (labels, duration) = (ByController { controller }, self.begun.elapsed().as_secs_f64());
        all.results.get_or_create(&ByResult { controller, result: end.name() }).inc();
        all.durations.get_or_create(&labels).observe(duration);
        if matches!(end, End::Failed | End::Panicked) {
            all.errors.get_or_create(&labels).inc();
        }
        if end == End::Panicked {
            all.panics.get_or_create(&labels).inc();
        }
        if controller == USERS {
            all.worked.get_or_create(&QUEUE).observe(duration);
            if is_retried {
                all.retries.get_or_create(&QUEUE).inc();
            }
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.all.running().begun.remove(&self.number);
    }
}
