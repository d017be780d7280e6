//! Watches `ConnectUser` objects and reconciles each: thin effects around the pure core.
//!
//! A reconcile never trusts that it will run to its end: what must survive a crash is written to the
//! status before the call to Connect that makes it true.

mod backoff;
mod clock;
mod context;
mod create;
mod deletions;
mod exclusive;
mod execute;
mod gauges;
mod governance;
mod halt;
mod index;
mod instances;
mod lookup;
mod news;
mod password;
mod quick_connects;
mod reconcile;
pub(crate) mod redact;
mod removal;
mod reports;
mod siblings;
mod start;
mod subject;
mod sweeps;
mod sync;
mod turn;
mod unreadable;
mod update;
mod vanished;
mod verdict;
mod waiting;

use std::sync::Arc;

use futures::channel::mpsc;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::jiff::SignedDuration;
use kube::core::DeserializeGuard;
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector;
use kube::runtime::{Controller, WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use backoff::Backoff;
pub use backoff::Intervals;
pub use clock::Clock;
use context::Context;
use deletions::Deletions;
use exclusive::Exclusive;
use halt::Halt;
use index::Index;
use news::News;
use start::{Filled, or_stopped_before};
use vanished::Vanished;

use crate::causes::Causes;
use crate::connect::Clients;
use crate::connect::circuit::Circuits;
use crate::inventory::Instances;
use crate::inventory::catalog::Catalog;
use crate::inventory::sweep::Inventory;
use crate::lead::Lead;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::policy::{Brake, Tenancy};
use crate::resource::names::Pool;
use crate::resource::user::ConnectUser;
use crate::resource::{MANAGER, SUSPEND_ANNOTATION};

type Guarded = DeserializeGuard<ConnectUser>;

/// Objects in an answer of a listing. What is taken out of them before they are kept is several times as much as
/// what stays, and is there for a whole page at once.
const PAGE: u32 = 200;

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
    /// Label selector of the objects to watch; none means all.
    pub selector: Option<String>,
    /// Whether nothing may be written to Amazon Connect.
    pub read_only: bool,
    /// Whether this process is the one that acts, of those that could.
    pub lead: Lead,
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
        selector,
        read_only,
        lead,
        own_namespace,
        tenancy,
        brake,
        clock,
        metrics,
    } = settings;
    let mut watched = watcher::Config::default().any_semantic().page_size(PAGE);
    watched.label_selector.clone_from(&selector);
    let apis: Vec<Api<Guarded>> = if namespaces.is_empty() {
        vec![Api::all(client.clone())]
    } else {
        namespaces.iter().map(|namespace| Api::namespaced(client.clone(), namespace)).collect()
    };
    let (stores, writers): (Vec<_>, Vec<_>) = apis.iter().map(|_| reflector::store()).unzip();
    let indices: Vec<Arc<Index>> = apis.iter().map(|_| Arc::default()).collect();
    let (wakes, woken): (Vec<_>, Vec<_>) = apis.iter().map(|_| mpsc::unbounded()).unzip();
    // Not by Store::wait_until_ready: of several waiters (the controller is one) it wakes only the last.
    let all = CancellationToken::new();
    let filled = Arc::new(Filled::new(apis.len() + 1, all.clone(), warm));
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
        exclusive: Exclusive::default(),
        vanished: Vanished::default(),
        connect_instances: connect_instances.clone(),
        filled: all,
        stores: stores.clone(),
        indices: indices.clone(),
        wakes,
        client,
        clients,
        circuits,
        pace,
        stop: stop.clone(),
        namespaces,
        selector,
        read_only,
        lead,
        tenancy,
        brake,
        cluster,
        intervals,
        metrics,
    });
    gauges::show(&cx);
    // Not kept alive by the gate, which it holds itself.
    let context = Arc::downgrade(&cx);
    cx.pace.gate().on_call(move |object| context.upgrade().is_some_and(|cx| turn::call(object, &cx)));
    let controllers = apis.into_iter().zip(stores).zip(writers).zip(woken).zip(indices).map(
        |((((api, store), writer), woken), index)| {
            let (filled, mut is_filled, mut news) = (Arc::clone(&filled), false, News::default());
            let mut pool = Pool::default();
            let gone = Arc::clone(&cx);
            let returns = Arc::clone(&cx);
            let ready = CancellationToken::new();
            let is_ready = ready.clone();
            let objects = watcher(api, watched.clone())
                .default_backoff()
                .modify(move |object| {
                    // Neither is ever looked at, and together they are most of an object's weight. What is empty
                    // would still keep the room that it had.
                    object.meta_mut().managed_fields = None;
                    object.annotations_mut().remove("kubectl.kubernetes.io/last-applied-configuration");
                    if object.annotations().is_empty() {
                        object.meta_mut().annotations = None;
                    }
                    // What an object owns is the same in most of them.
                    let status = object.0.as_mut().ok().and_then(|object| object.status.as_mut());
                    if let Some(applied) = status.and_then(|status| status.applied.as_mut()) {
                        pool.share(&mut applied.fields);
                        pool.share(&mut applied.tag_keys);
                    }
                })
                .reflect(writer)
                .inspect_ok(move |event| {
                    // One that comes back to its shard as it was would pass for one that has not changed.
                    if let watcher::Event::Apply(object) = event
                        && returns.selector.is_some()
                        && index.by_uid(object.meta().uid.as_deref().unwrap_or_default()).is_none()
                        && let Ok(object) = &object.0
                    {
                        returns.wake(object);
                    }
                    index.apply(event);
                    if let watcher::Event::Delete(object) = event {
                        turn::leave(object, &gone);
                    }
                    if matches!(event, watcher::Event::InitDone) && !std::mem::replace(&mut is_filled, true) {
                        is_ready.cancel();
                        filled.one_more();
                    }
                })
                .map_ok(move |event| futures::stream::iter(news.take(event)).map(Ok))
                .try_flatten();
            let controller = Controller::for_stream(objects, store)
                // Without a bound: who may begin is decided at the gate, which knows what is urgent.
                .with_config(kube::runtime::Config::default().concurrency(0))
                .reconcile_on(woken)
                .graceful_shutdown_on(stop.clone().cancelled_owned())
                .run(reconcile::reconcile, |_, error, _| match *error {}, Arc::clone(&cx))
                .for_each(|result| async move {
                    match result {
                        Ok(_) => {}
                        // An object that went between being scheduled and being looked at.
                        Err(kube::runtime::controller::Error::ObjectNotFound(object)) => {
                            debug!(%object, "object is gone");
                        }
                        Err(error) => warn!(error = %Causes(&error), "watching ConnectUsers failed"),
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

fn is_suspended(object: &ConnectUser) -> bool {
    object.spec.suspend || object.annotations().get(SUSPEND_ANNOTATION).is_some_and(|value| value == "true")
}
