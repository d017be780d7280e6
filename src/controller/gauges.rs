//! How instances are doing, for the metrics: looked at when somebody asks, from what is known anyway.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::runtime::reflector::Store;
use kube::{Resource, ResourceExt};
use tokio::time::Instant;

use super::governance::instance_of;
use super::{Context, Guarded};
use crate::metrics::{UNKNOWN, View};
use crate::resource::condition::{Reason, ready};
use crate::resource::user::ConnectUser;
use crate::user::ids::{Instance, UserId};

/// The reason of an object that has none yet, or one that is not of the set.
const NONE: &str = "None";

/// Has the metrics show the instances for as long as the controller lives.
pub(super) fn show(cx: &Arc<Context>) {
    // Not kept alive by the metrics, which it holds itself.
    let (context, begun): (Weak<Context>, _) = (Arc::downgrade(cx), Instant::now());
    cx.metrics.watch_instances(Box::new(move || {
        // Who only stands by would tell everything a second time.
        let leading = context.upgrade().filter(|cx| cx.lead.is_leading());
        leading.map(|cx| look(&cx, begun.elapsed())).unwrap_or_default()
    }));
}

/// By the id of the instance. Objects whose instance cannot be told share one word.
fn look(cx: &Context, uptime: Duration) -> BTreeMap<String, View> {
    let now = cx.clock.now();
    let mut views: BTreeMap<Option<Instance>, (View, bool)> = BTreeMap::new();
    // Thousands of objects name a handful of instances.
    let mut known: HashMap<(Option<String>, Option<String>), Option<Instance>> = HashMap::new();
    for object in cx.stores.iter().flat_map(Store::state) {
        let instance = object.0.as_ref().ok().and_then(|object| {
            let name = object.spec.instance_ref.as_ref().map(|reference| reference.name.clone());
            let key = (object.spec.instance_arn.clone(), name);
            known.entry(key).or_insert_with(|| instance_of(cx, &object.spec).ok()).clone()
        });
        let (view, has_users) = views.entry(instance).or_default();
        let status = object.0.as_ref().ok().and_then(|object| object.status.as_ref());
        *has_users |= status.is_some_and(|status| status.user_id.is_some());
        let (reason, since) = standing(&object);
        *view.objects.entry(reason).or_default() += 1;
        let is_held = object.meta().deletion_timestamp.is_some() && reason == Reason::DeletionHeld.as_str();
        view.held += i64::from(is_held);
        if let Some(since) = since {
            let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            let oldest = view.not_ready.entry(reason).or_default();
            *oldest = age.max(*oldest);
        }
    }
    let open = cx.circuits.open();
    for (instance, (view, has_users)) in &mut views {
        let Some(instance) = instance else { continue };
        let is_ours = |id: &UserId| cx.indices.iter().any(|index| index.has_user(id.as_str()));
        if let Some(count) = cx.inventory.count(instance, is_ours) {
            view.unmanaged = i64::try_from(count.unmanaged).ok();
            view.since_sweep = Duration::try_from(now.duration_since(count.swept)).ok();
        } else if *has_users {
            // There is something to list, and nothing has been: since this process began, as far as it knows.
            view.since_sweep = Some(uptime);
        }
        view.is_open = open.contains(instance);
    }
    let id = |instance: Option<Instance>| {
        instance.map_or_else(|| UNKNOWN.to_owned(), |instance| instance.id().as_str().to_owned())
    };
    views.into_iter().map(|(instance, (view, _))| (id(instance), view)).collect()
}

/// The reason of an object, and since when it is not Ready, if it is not.
fn standing(object: &Guarded) -> (&'static str, Option<Timestamp>) {
    let created = object.creation_timestamp().map(|time| time.0);
    // What does not fit the schema is told so, whatever is in it.
    let Ok(object) = &object.0 else { return (Reason::InvalidSpec.as_str(), created) };
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    match ready(conditions) {
        Some(ready) if ready.status == "True" => (reason(object), None),
        Some(ready) => (reason(object), Some(ready.last_transition_time.0)),
        None => (NONE, created),
    }
}

fn reason(object: &ConnectUser) -> &'static str {
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let written = ready(conditions).map(|ready| ready.reason.as_str()).unwrap_or_default();
    // Whoever may write a status could otherwise make as many labels as he likes.
    Reason::ALL.into_iter().map(Reason::as_str).find(|reason| *reason == written).unwrap_or(NONE)
}
