//! Other objects that speak of the same user or instance.

use kube::{Resource, ResourceExt};

use super::Context;
use super::governance::{Governed, instance_of};
use crate::policy::Rules;
use crate::resource::user::{AdoptionPolicy, ConnectUser, DeletionPolicy};
use crate::user::ids::{Instance, Username};
use crate::user::ownership::Owner;

/// Another object.
pub(super) struct Sibling {
    /// `namespace/name`.
    pub(super) name: String,
    /// The marks that it puts on its user.
    pub(super) owner: Owner,
}

/// The living object that claims this user and comes before `object`: whoever holds the user already,
/// then the older, then the one with the lower uid, so that both sides see the same winner.
pub(super) fn claimant_before(
    cx: &Context,
    object: &ConnectUser,
    instance: &Instance,
    username: &Username,
) -> Option<Sibling> {
    let rank = |object: &ConnectUser| {
        let holds = object.status.as_ref().is_some_and(|status| status.user_id.is_some());
        (!holds, object.creation_timestamp().map(|time| time.0), object.uid())
    };
    let own = rank(object);
    let before =
        claimants(cx, object, instance, username).into_iter().filter(|other| rank(other) < own).min_by_key(rank);
    before.map(|other| sibling(cx, &other))
}

/// The living object that is to have this user when `object` goes: the same person under another name in
/// Git. The rules must permit it to have the user.
pub(super) fn heir(cx: &Context, object: &ConnectUser, governed: &Governed, username: &Username) -> Option<Sibling> {
    let permits = |rules: &Rules, other: &ConnectUser| {
        rules.permit(&other.namespace().unwrap_or_default(), &Username::new(&other.spec.username)).is_ok()
    };
    claimants(cx, object, &governed.instance, username)
        .into_iter()
        .find(|other| other.spec.adoption_policy == AdoptionPolicy::Adopt && permits(&governed.rules, other))
        .map(|other| sibling(cx, &other))
}

/// The living object with this uid.
pub(super) fn by_uid(cx: &Context, uid: &str) -> Option<Sibling> {
    let found = cx.found(|index| index.by_uid(uid).into_iter().collect());
    let object = found.iter().find_map(|object| object.0.as_ref().ok())?;
    (object.meta().uid.as_deref() == Some(uid)).then(|| sibling(cx, object))
}

/// How many objects of an instance are waiting for the deletion of their user.
pub(super) fn terminating(cx: &Context, instance: &Instance) -> u32 {
    let count = cx.objects_where(|object| {
        object.meta().deletion_timestamp.is_some()
            && object.spec.deletion_policy == DeletionPolicy::Delete
            && is_of(cx, object, instance)
    });
    u32::try_from(count.len()).unwrap_or(u32::MAX)
}

/// All objects of an instance.
pub(super) fn of_instance(cx: &Context, instance: &Instance) -> Vec<ConnectUser> {
    cx.objects_where(|object| is_of(cx, object, instance))
}

fn claimants(cx: &Context, object: &ConnectUser, instance: &Instance, username: &Username) -> Vec<ConnectUser> {
    let found = cx.found(|index| index.by_username(username.as_str()));
    let others = found.iter().filter_map(|other| other.0.as_ref().ok()).filter(|other| {
        other.meta().uid != object.meta().uid
            && other.meta().deletion_timestamp.is_none()
            && Username::new(&other.spec.username).same_user(username)
            && is_of(cx, other, instance)
    });
    others.cloned().collect()
}

fn is_of(cx: &Context, object: &ConnectUser, instance: &Instance) -> bool {
    instance_of(cx, &object.spec).is_ok_and(|other| other == *instance)
}

fn sibling(cx: &Context, object: &ConnectUser) -> Sibling {
    Sibling {
        name: format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()),
        owner: cx.owner(object),
    }
}
