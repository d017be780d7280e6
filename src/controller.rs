//! Watches `ConnectUser` objects and reconciles each: thin effects around the pure core.
//!
//! A reconcile never trusts that it will run to its end: what must survive a crash is written to the
//! status before the call to Connect that makes it true.

mod backoff;
mod clock;
mod context;
mod create;
mod deletions;
mod execute;
mod gauges;
mod governance;
mod index;
mod instances;
mod lookup;
mod password;
mod quick_connects;
mod redact;
mod removal;
mod reports;
mod siblings;
mod subject;
mod sweeps;
mod sync;
mod turn;
mod unreadable;
mod update;
mod vanished;
mod verdict;
mod waiting;

use std::hash::{Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt, TryStreamExt};
use k8s_openapi::jiff::SignedDuration;
use kube::core::DeserializeGuard;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::reflector;
use kube::runtime::{Controller, PredicateConfig, WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info, info_span, warn};

use backoff::Backoff;
pub use backoff::Intervals;
pub use clock::Clock;
use context::Context;
use deletions::Deletions;
use index::Index;
use removal::Removal;
use subject::{OnStale, PublishError, Subject};
use vanished::Vanished;

use crate::connect::Clients;
use crate::connect::circuit::Circuits;
use crate::inventory::Instances;
use crate::inventory::catalog::Catalog;
use crate::inventory::sweep::Inventory;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::pace::paced::Work;
use crate::plan::report::{Next, Outcome, Story};
use crate::policy::{Brake, Tenancy};
use crate::resource::condition::Reason;
use crate::resource::user::ConnectUser;
use crate::resource::{MANAGER, RECONCILE_ANNOTATION, RELEASE_ANNOTATION, SUSPEND_ANNOTATION};

type Guarded = DeserializeGuard<ConnectUser>;

/// What the controller is built from.
pub struct Settings {
    /// Client of the API server.
    pub client: Client,
    /// Amazon Connect.
    pub clients: Arc<dyn Clients>,
    /// How fast it may be called, and by whom next.
    pub pace: Pace,
    /// Name of this cluster in the owner tag.
    pub cluster: String,
    /// The clockwork.
    pub intervals: Intervals,
    /// Namespaces to watch; none means all.
    pub namespaces: Vec<String>,
    /// The operator's own namespace, where it keeps the count of deletions.
    pub own_namespace: String,
    /// Who may use instances that no ConnectInstance speaks of.
    pub tenancy: Tenancy,
    /// The deletion brake where a ConnectInstance has none.
    pub brake: Brake,
    /// What time it is.
    pub clock: Clock,
    /// Where to count.
    pub metrics: Metrics,
}

/// Runs until `stop`; then begins no new reconcile and returns when those under way have ended. `warm` is
/// called once the cache is filled.
pub async fn run(settings: Settings, stop: CancellationToken, warm: impl FnOnce() + Send + 'static) {
    let Settings {
        client,
        clients,
        pace,
        cluster,
        intervals,
        namespaces,
        own_namespace,
        tenancy,
        brake,
        clock,
        metrics,
    } = settings;
    let apis: Vec<Api<Guarded>> = if namespaces.is_empty() {
        vec![Api::all(client.clone())]
    } else {
        namespaces.iter().map(|namespace| Api::namespaced(client.clone(), namespace)).collect()
    };
    let (stores, writers): (Vec<_>, Vec<_>) = apis.iter().map(|_| reflector::store()).unzip();
    let indices: Vec<Arc<Index>> = apis.iter().map(|_| Arc::default()).collect();
    let (wakes, woken): (Vec<_>, Vec<_>) = apis.iter().map(|_| mpsc::unbounded()).unzip();
    // Not by Store::wait_until_ready: of several waiters (the controller is one) it wakes only the last.
    let filled = Arc::new(Filled { caches: AtomicUsize::new(apis.len() + 1), warm: Mutex::new(Some(warm)) });
    let (connect_instances, instances_writer) = reflector::store();
    let known = CancellationToken::new();
    let (circuits, recovered) = Circuits::new(intervals.slowest_retry);
    let cx = Arc::new(Context {
        // A name that is unknown may be looked up again a little before the object is tried again.
        catalog: Catalog::new(
            intervals.search.min(intervals.resync),
            intervals.slowest_retry.min(intervals.resync) / 5,
        ),
        instances: Instances::default(),
        inventory: Inventory::new(SignedDuration::try_from(intervals.grace).unwrap_or(SignedDuration::MAX)),
        recorder: Recorder::new(client.clone(), Reporter::from(MANAGER)),
        backoff: Backoff::default(),
        clock,
        deletions: Deletions::new(client.clone(), &own_namespace),
        vanished: Vanished::default(),
        connect_instances: connect_instances.clone(),
        stores: stores.clone(),
        indices: indices.clone(),
        wakes,
        client,
        clients,
        circuits,
        pace,
        stop: stop.clone(),
        namespaces,
        tenancy,
        brake,
        cluster,
        intervals,
        metrics,
    });
    gauges::show(&cx);
    let controllers = apis.into_iter().zip(stores).zip(writers).zip(woken).zip(indices).map(
        |((((api, store), writer), woken), index)| {
            let (filled, mut is_filled) = (Arc::clone(&filled), false);
            let changed = Arc::clone(&cx);
            let ready = CancellationToken::new();
            let is_ready = ready.clone();
            let objects = watcher(api, watcher::Config::default().any_semantic())
                .default_backoff()
                .modify(|object| {
                    // Neither is ever looked at, and together they are most of an object's weight.
                    object.managed_fields_mut().clear();
                    object.annotations_mut().remove("kubectl.kubernetes.io/last-applied-configuration");
                })
                .reflect(writer)
                .inspect_ok(move |event| {
                    index.apply(event);
                    if matches!(event, watcher::Event::InitDone) && !std::mem::replace(&mut is_filled, true) {
                        is_ready.cancel();
                        filled.one_more();
                    }
                })
                .applied_objects()
                .predicate_filter(what_concerns_us, PredicateConfig::default())
                .inspect_ok(move |object| turn::hurry(object, &changed));
            let controller = Controller::for_stream(objects, store)
                // Without a bound: who may begin is decided at the gate, which knows what is urgent.
                .with_config(kube::runtime::Config::default().concurrency(0))
                .reconcile_on(woken)
                .graceful_shutdown_on(stop.clone().cancelled_owned())
                .run(reconcile, |_, error, _| match *error {}, Arc::clone(&cx))
                .for_each(|result| async move {
                    match result {
                        Ok(_) => {}
                        // An object that went between being scheduled and being looked at.
                        Err(kube::runtime::controller::Error::ObjectNotFound(object)) => {
                            debug!(%object, "object is gone");
                        }
                        Err(error) => warn!(error = &error as &dyn std::error::Error, "watching ConnectUsers failed"),
                    }
                });
            or_stopped_before(ready, stop.clone(), controller)
        },
    );
    let instances = instances::run(
        Arc::clone(&cx),
        connect_instances,
        instances_writer,
        Arc::clone(&filled),
        known.clone(),
        stop.clone(),
    );
    let instances = or_stopped_before(known.clone(), stop.clone(), instances);
    // A user looked at before the rules are known would be judged as if there were none.
    let users = async {
        tokio::select! {
            () = known.cancelled() => futures::future::join_all(controllers).await,
            () = stop.cancelled() => Vec::new(),
        }
    };
    let wakes = instances::wake_recovered(&cx, recovered, stop.clone());
    let sweeps = sweeps::run(Arc::clone(&cx), stop.clone());
    let waiting = waiting::run(Arc::clone(&cx), stop.clone());
    futures::future::join5(users, instances, wakes, sweeps, waiting).await;
}

/// Runs a controller. One that is told to stop before its cache is filled has begun nothing, but kube would have
/// it wait for a cache that nobody fills any more.
async fn or_stopped_before(filled: CancellationToken, stop: CancellationToken, controller: impl Future<Output = ()>) {
    let stopped_before = async {
        tokio::select! {
            biased;
            () = filled.cancelled() => std::future::pending().await,
            () = stop.cancelled() => {}
        }
    };
    tokio::select! {
        biased;
        () = controller => {}
        () = stopped_before => {}
    }
}

/// Tells once when every cache is filled.
struct Filled<F> {
    caches: AtomicUsize,
    warm: Mutex<Option<F>>,
}

impl<F: FnOnce()> Filled<F> {
    fn one_more(&self) {
        if self.caches.fetch_sub(1, Ordering::AcqRel) == 1 {
            info!("cache is filled");
            let warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(warm) = warm {
                warm();
            }
        }
    }
}

/// Changes of an object that matter here: not our own writes of status and finalizer.
fn what_concerns_us(object: &Guarded) -> Option<u64> {
    let meta = object.meta();
    let annotations =
        [SUSPEND_ANNOTATION, RECONCILE_ANNOTATION, RELEASE_ANNOTATION].map(|key| object.annotations().get(key));
    let mut hasher = std::hash::DefaultHasher::new();
    let deletion = meta.deletion_timestamp.as_ref().map(|time| time.0);
    (meta.generation, deletion, annotations).hash(&mut hasher);
    Some(hasher.finish())
}

async fn reconcile(object: Arc<Guarded>, cx: Arc<Context>) -> Result<Action, std::convert::Infallible> {
    let Some(entry) = turn::enter(&object, &cx).await else { return Ok(Action::await_change()) };
    // It may have waited for an hour.
    let Some(object) = turn::latest(&object, &cx) else { return Ok(Action::await_change()) };
    // On the heap, and only now: thousands wait above.
    let work = turn::work(entry.class(), &cx.stop);
    let next = Box::pin(turn::unless_abandoned(&work, begin(&object, &cx, &work))).await;
    Ok(next.unwrap_or_else(Action::await_change))
}

async fn begin(object: &Guarded, cx: &Context, work: &Work) -> Action {
    let meta = object.meta();
    let (uid, generation) = (meta.uid.clone().unwrap_or_default(), meta.generation.unwrap_or_default());
    let span = info_span!("reconcile", object = %format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()), generation);
    let started = std::time::Instant::now();

    let line = AssertUnwindSafe(async {
        match &object.0 {
            Ok(object) => drive(object, cx, work).await,
            Err(invalid) => unreadable::handle(invalid, cx).await,
        }
    });
    // A panic is a bug in here; it must not take the other objects with it.
    let result = line.catch_unwind().instrument(span.clone()).await;
    let _entered = span.entered();
    let (next, label) = match result {
        Ok(Ok(next)) => (next, "success"),
        Ok(Err(PublishError::Gone { .. })) => (Next::Change, "success"),
        Ok(Err(error @ PublishError::Stale { .. })) => {
            debug!(%error, "decided on a stale object; looking again");
            (Next::Soon, "requeue")
        }
        Ok(Err(error)) => {
            warn!(error = &error as &dyn std::error::Error, "the api server did not take a write; trying again");
            (Next::Backoff, "error")
        }
        Err(panic) => {
            let message =
                panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            error!(
                message = message.unwrap_or("no message"),
                "a reconcile panicked: this is a bug, please report it; trying again"
            );
            cx.metrics.panicked();
            (Next::Backoff, "panic")
        }
    };
    cx.metrics.reconciled(label, started.elapsed());
    let delay = cx.backoff.delay(&uid, generation, next, &cx.intervals, tokio::time::Instant::now(), rand::random());
    delay.map_or_else(Action::await_change, Action::requeue)
}

/// The end of a line before its end: what it comes to, or a write that the API server did not take.
enum Halt {
    Outcome(Box<Outcome>),
    Publish(PublishError),
}

impl Halt {
    fn outcome(reason: Reason, message: impl Into<String>, next: Next) -> Self {
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

/// Reconciles the object as cached; or as it is, where the cache does not know yet what we have written
/// ourselves: against an older status the next one may seem to be no news, and would not be written.
async fn drive(object: &ConnectUser, cx: &Context, work: &Work) -> Result<Next, PublishError> {
    let uid = object.uid().unwrap_or_default();
    let live;
    let object = if cx.backoff.is_behind(&uid, &object.resource_version().unwrap_or_default()) {
        match subject::read(&cx.client, object).await? {
            Some(found) => live = found,
            None => return Ok(Next::Change),
        }
        &live
    } else {
        object
    };
    let mut subject = Subject::new(cx.client.clone(), cx.clock.clone(), object, work.clone());
    let result = carry_out(&mut subject, cx).await;
    cx.backoff.wrote(&uid, subject.resource_version());
    result
}

async fn carry_out(subject: &mut Subject<'_>, cx: &Context) -> Result<Next, PublishError> {
    let object = subject.object;
    if object.meta().deletion_timestamp.is_none() {
        let outcome = sync::sync(subject, cx).await?;
        return publish(subject, cx, outcome).await;
    }
    if !subject.is_held() {
        cx.backoff.forget(&subject.uid);
        return Ok(Next::Change);
    }
    match removal::remove(subject, cx).await? {
        Removal::Wait(outcome) => publish(subject, cx, *outcome).await,
        Removal::Done(story) => {
            // Told first: an event cannot be attached to an object that is gone.
            if let Some(story) = story {
                tell(cx, object, story).await;
            }
            subject.let_go().await?;
            cx.backoff.forget(&subject.uid);
            info!("released the object");
            Ok(Next::Change)
        }
    }
}

async fn publish(subject: &mut Subject<'_>, cx: &Context, outcome: Outcome) -> Result<Next, PublishError> {
    let (reason, message) = (outcome.reason, outcome.message.clone());
    let report = subject.publish(outcome, OnStale::ReadAgain).await?;
    if reason == Reason::InSync {
        debug!(reason = reason.as_str(), "{message}");
    } else {
        info!(reason = reason.as_str(), "{message}");
    }
    for story in report.events {
        tell(cx, subject.object, story).await;
    }
    Ok(report.next)
}

/// Publishes an event. Losing one never fails a reconcile: a terminating namespace, for one, takes none.
async fn tell(cx: &Context, object: &ConnectUser, story: Story) {
    const LONGEST_NOTE: usize = 1000;
    let Story { warning, reason, action, mut note } = story;
    if note.len() > LONGEST_NOTE {
        let cut = (0..=LONGEST_NOTE).rev().find(|at| note.is_char_boundary(*at)).unwrap_or_default();
        note.truncate(cut);
        note.push('…');
    }
    let type_ = if warning { EventType::Warning } else { EventType::Normal };
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: action.chars().take(128).collect(),
        secondary: None,
    };
    if let Err(error) = cx.recorder.publish(&event, &object.object_ref(&())).await {
        warn!(error = &error as &dyn std::error::Error, reason, "publishing an event failed");
    }
}

fn is_suspended(object: &ConnectUser) -> bool {
    object.spec.suspend || object.annotations().get(SUSPEND_ANNOTATION).is_some_and(|value| value == "true")
}
