//! How instances are doing, for the metrics: looked at when somebody asks, from what is known anyway.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use kube::Resource;
use kube::runtime::reflector::Store;

use super::Context;
use super::governance::instance_of;
use crate::metrics::InstanceView;
use crate::resource::condition::{Reason, ready};
use crate::resource::user::ConnectUser;
use crate::user::ids::{Instance, UserId};

/// The reason of an object that has none yet, or one that is not of the set.
const NONE: &str = "None";

/// Has the metrics show the instances for as long as the controller lives.
pub(super) fn show(cx: &Arc<Context>) {
    // Not kept alive by the metrics, which it holds itself.
    let context: Weak<Context> = Arc::downgrade(cx);
    cx.metrics.watch_instances(Box::new(move || {
        // Who only stands by would tell everything a second time.
        context.upgrade().filter(|cx| cx.lead.is_leading()).map(|cx| look(&cx)).unwrap_or_default()
    }));
}

/// By the id of the instance. Objects whose instance cannot be told are nowhere.
fn look(cx: &Context) -> BTreeMap<String, InstanceView> {
    let mut views: BTreeMap<Instance, InstanceView> = BTreeMap::new();
    // Thousands of objects name a handful of instances.
    let mut known: HashMap<(Option<String>, Option<String>), Option<Instance>> = HashMap::new();
    for object in cx.stores.iter().flat_map(Store::state) {
        let Ok(object) = &object.0 else { continue };
        let name = object.spec.instance_ref.as_ref().map(|reference| reference.name.clone());
        let key = (object.spec.instance_arn.clone(), name);
        let instance = known.entry(key).or_insert_with(|| instance_of(cx, &object.spec).ok());
        let Some(instance) = instance.clone() else { continue };
        let view = views.entry(instance).or_default();
        let reason = reason(object);
        *view.objects.entry(reason).or_default() += 1;
        let is_held = object.meta().deletion_timestamp.is_some() && reason == Reason::DeletionHeld.as_str();
        view.held += i64::from(is_held);
    }
    let open = cx.circuits.open();
    for (instance, view) in &mut views {
        let is_ours = |id: &UserId| cx.indices.iter().any(|index| index.has_user(id.as_str()));
        if let Some(count) = cx.inventory.count(instance, is_ours) {
            view.unmanaged = i64::try_from(count.unmanaged).ok();
            view.since_sweep = Duration::try_from(cx.clock.now().duration_since(count.swept)).ok();
        }
        view.is_open = open.contains(instance);
    }
    views.into_iter().map(|(instance, view)| (instance.id().as_str().to_owned(), view)).collect()
}

fn reason(object: &ConnectUser) -> &'static str {
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let written = ready(conditions).map(|ready| ready.reason.as_str()).unwrap_or_default();
    // Whoever may write a status could otherwise make as many labels as he likes.
    Reason::ALL.into_iter().map(Reason::as_str).find(|reason| *reason == written).unwrap_or(NONE)
}
