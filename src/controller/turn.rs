//! Whose turn it is: how urgent a reconcile is, where it waits before it begins, and how it ends when the
//! operator stops while it waits for quota.

use std::sync::Arc;
use std::time::Duration;

use kube::{Resource, ResourceExt};
use tokio_util::sync::CancellationToken;

use super::subject::{PublishError, Subject};
use super::{Context, Guarded};
use crate::pace::gate::{Asked, Entry};
use crate::pace::paced::Work;
use crate::pace::queue::{Class, Tenant, Ticket};
use crate::resource::RECONCILE_ANNOTATION;
use crate::resource::condition::ready;
use crate::resource::user::ConnectUser;

/// Whoever waited so long for a turn looks again before the call.
pub(super) const LONG: Duration = Duration::from_secs(5);

/// What was seen before a long wait is not so any more: decide anew.
pub(super) fn outdated(subject: &Subject<'_>) -> PublishError {
    PublishError::Stale { what: "looking at the user again after a long wait", object: subject.to_string() }
}

/// The object once this process leads, as the cache has it by then. `None` when the operator stops first, or the
/// object is gone.
pub(super) async fn leading(object: Arc<Guarded>, cx: &Context) -> Option<Arc<Guarded>> {
    if cx.lead.is_leading() {
        return Some(object);
    }
    tokio::select! {
        biased;
        () = cx.stop.cancelled() => None,
        () = cx.lead.begun() => latest(&object, cx),
    }
}

/// A place at work for the object, or `None`: then it is called when there is one.
pub(super) fn enter(object: &Guarded, cx: &Context) -> Option<Entry> {
    if cx.stop.is_cancelled() {
        return None;
    }
    let Asked { entry, is_new } = cx.pace.gate().ask(&place_of(object), &ticket(object));
    if is_new {
        cx.metrics.queued();
    }
    entry
}

/// An object is gone, perhaps without a look of ours at its end, and waits no more.
pub(super) fn leave(object: &Guarded, cx: &Context) {
    cx.pace.gate().leave(&place_of(object));
    cx.backoff.forget(object.meta().uid.as_deref().unwrap_or_default());
}

/// Has an object that waits at the gate looked at again; whether there is one.
pub(super) fn call(place: &str, cx: &Context) -> bool {
    place.split_once('/').is_some_and(|(namespace, name)| cx.wake_named(namespace, name))
}

/// What an object is called by at the gate.
fn place_of(object: &Guarded) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

/// The object as the cache has it by now.
pub(super) fn latest(object: &Guarded, cx: &Context) -> Option<Arc<Guarded>> {
    let uid = &object.meta().uid;
    let reference = kube::runtime::reflector::ObjectRef::from_obj(object);
    cx.stores.iter().find_map(|store| store.get(&reference)).filter(|latest| latest.meta().uid == *uid)
}

/// What a reconcile does in Amazon Connect is done in this class.
pub(super) fn work(class: Class, stop: &CancellationToken) -> Work {
    Work { class, stop: stop.clone(), abandoned: CancellationToken::new() }
}

/// Runs `task` to its end, unless it waits for quota when the operator stops. Nothing is under way then,
/// and what has to be remembered was written before.
pub(super) async fn unless_abandoned<T>(work: &Work, task: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        result = task => Some(result),
        () = work.abandoned.cancelled() => None,
    }
}

/// Where an object waits. Creations, changes and deletions have quotas of their own, so they are kept apart: a
/// change of one user does not wait for the import of the rest of its namespace.
fn ticket(object: &Guarded) -> Ticket {
    let namespace = object.namespace().unwrap_or_default().as_str().into();
    let Ok(object) = &object.0 else {
        // It makes no call.
        return Ticket { class: Class::Edit, tenant: Tenant { instance: "".into(), namespace } };
    };
    let instance = object.spec.instance_arn.as_deref();
    let instance = instance.or_else(|| object.spec.instance_ref.as_ref().map(|reference| reference.name.as_str()));
    let kind = if object.meta().deletion_timestamp.is_some() {
        "delete"
    } else if object.status.as_ref().is_some_and(|status| status.user_id.is_some()) {
        "change"
    } else {
        "create"
    };
    let instance = format!("{kind} {}", instance.unwrap_or_default()).as_str().into();
    Ticket { class: class(object), tenant: Tenant { instance, namespace } }
}

/// A person waits for what is not done yet; everything else is a look.
fn class(object: &ConnectUser) -> Class {
    if object.meta().deletion_timestamp.is_some() {
        return Class::Edit;
    }
    let Some(status) = &object.status else { return Class::Edit };
    let generation = object.metadata.generation;
    let is_asked_for = object.annotations().get(RECONCILE_ANNOTATION) != status.last_handled_reconcile_at.as_ref()
        && object.annotations().contains_key(RECONCILE_ANNOTATION);
    if is_asked_for || status.observed_generation != generation {
        return Class::Edit;
    }
    let is_applied = status.applied.as_ref().is_some_and(|applied| applied.generation == generation);
    // Whoever needs a person first has been told so, and is only looked at again.
    let is_stalled = status.conditions.iter().any(|one| one.type_ == "Stalled" && one.status == "True");
    let is_ready_for_a_look = ready(&status.conditions).is_some() && (is_applied || is_stalled);
    if is_ready_for_a_look { Class::Background } else { Class::Edit }
}
