//! What every reconcile shares: the ways to the world, what is known, and the objects of the cache.

use std::sync::Arc;

use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::runtime::events::Recorder;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, ResourceExt};
use tokio_util::sync::CancellationToken;

use super::Guarded;
use super::backoff::{Backoff, Intervals};
use super::clock::Clock;
use super::deletions::Deletions;
use super::exclusive::Exclusive;
use super::index::Index;
use super::vanished::Vanished;
use crate::connect::Clients;
use crate::connect::circuit::Circuits;
use crate::inventory::Instances;
use crate::inventory::catalog::Catalog;
use crate::inventory::sweep::Inventory;
use crate::lead::Lead;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::policy::{Brake, Rules, Tenancy};
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;
use crate::user::ownership::Owner;

/// What every reconcile shares.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) clients: Arc<dyn Clients>,
    pub(super) circuits: Arc<Circuits>,
    pub(super) pace: Pace,
    pub(super) stop: CancellationToken,
    pub(super) catalog: Catalog,
    pub(super) instances: Instances,
    pub(super) inventory: Inventory,
    pub(super) recorder: Recorder,
    pub(super) cluster: String,
    pub(super) intervals: Intervals,
    pub(super) backoff: Backoff,
    /// Namespaces watched; none means all.
    pub(super) namespaces: Vec<String>,
    /// Which objects of these namespaces are watched; none means all.
    pub(super) selector: Option<String>,
    /// Whether nothing may be written to Amazon Connect.
    pub(super) read_only: bool,
    /// Whether this process is the one that acts.
    pub(super) lead: Lead,
    pub(super) tenancy: Tenancy,
    pub(super) brake: Brake,
    pub(super) clock: Clock,
    pub(super) deletions: Deletions,
    pub(super) exclusive: Exclusive,
    pub(super) vanished: Vanished,
    pub(super) connect_instances: Store<ConnectInstance>,
    /// Cancelled once every cache is filled: until then, that an object is not there says nothing.
    pub(super) filled: CancellationToken,
    /// One per namespace watched, or one for all.
    pub(super) stores: Vec<Store<Guarded>>,
    /// Beside each store, its index.
    pub(super) indices: Vec<Arc<Index>>,
    /// Beside each store, the way to have one of its objects looked at.
    pub(super) wakes: Vec<UnboundedSender<ObjectRef<Guarded>>>,
    pub(super) metrics: Metrics,
}

impl Context {
    pub(super) fn owner(&self, object: &ConnectUser) -> Owner {
        Owner {
            path: format!("{}/{}/{}", self.cluster, object.namespace().unwrap_or_default(), object.name_any()),
            uid: object.uid().unwrap_or_default(),
        }
    }

    /// The rules of an instance, as far as this process may do what they allow.
    pub(super) fn as_permitted(&self, rules: Rules) -> Rules {
        if self.read_only { rules.read_only() } else { rules }
    }

    /// What was created after this may not be listed yet.
    pub(super) fn fresh(&self) -> Timestamp {
        self.clock.now().checked_sub(self.grace()).unwrap_or(Timestamp::MIN)
    }

    pub(super) fn grace(&self) -> SignedDuration {
        SignedDuration::try_from(self.intervals.grace).unwrap_or(SignedDuration::MAX)
    }

    /// Has an object looked at now, unless it is being looked at.
    pub(super) fn wake(&self, object: &ConnectUser) {
        self.wake_named(&object.namespace().unwrap_or_default(), &object.name_any());
    }

    /// The same for an object by its name; whether there is one.
    pub(super) fn wake_named(&self, namespace: &str, name: &str) -> bool {
        let mut is_there = false;
        for (store, wakes) in self.stores.iter().zip(&self.wakes) {
            let object = || ObjectRef::new(name).within(namespace);
            if store.get(&object()).is_some() {
                is_there = true;
                // A controller that has stopped takes no wake, and needs none.
                wakes.unbounded_send(object()).ok();
            }
        }
        is_there
    }

    /// The object with this `namespace/name`.
    pub(super) fn named(&self, name: &str) -> Option<Arc<Guarded>> {
        let (namespace, name) = name.split_once('/')?;
        let object = ObjectRef::new(name).within(namespace);
        self.stores.iter().find_map(|store| store.get(&object))
    }

    /// The objects that an index finds.
    pub(super) fn found(&self, find: impl Fn(&Index) -> Vec<(String, String)>) -> Vec<Arc<Guarded>> {
        let pairs = self.stores.iter().zip(&self.indices);
        let found = pairs.flat_map(|(store, index)| {
            let keys = find(index).into_iter();
            keys.filter_map(|(namespace, name)| store.get(&ObjectRef::new(&name).within(&namespace)))
        });
        found.collect()
    }

    /// Shows every object of the cache, where it is: a copy of thousands would be as much again as the cache.
    pub(super) fn each_object(&self, mut look: impl FnMut(&ConnectUser)) {
        for object in self.stores.iter().flat_map(Store::state) {
            if let Ok(object) = &object.0 {
                look(object);
            }
        }
    }
}
