//! Other objects that speak of the same user.

use kube::{Resource, ResourceExt};

use super::Context;
use crate::resource::user::{AdoptionPolicy, ConnectUser};
use crate::user::ids::{Instance, Username};
use crate::user::ownership::Owner;

/// Another object.
pub(super) struct Sibling {
    /// `namespace/name`.
    pub(super) name: String,
    /// The marks that it puts on its user.
    pub(super) owner: Owner,
}

/// The living object that claims this user and comes before `object`: the older one, or of two of the
/// same age the one with the lower uid, so that both sides see the same winner.
pub(super) fn claimant_before(
    cx: &Context,
    object: &ConnectUser,
    instance: &Instance,
    username: &Username,
) -> Option<Sibling> {
    let rank = |object: &ConnectUser| (object.creation_timestamp().map(|time| time.0), object.uid());
    // Whoever holds the user already keeps it, whatever its age.
    let holds = |object: &ConnectUser| object.status.as_ref().is_some_and(|status| status.user_id.is_some());
    claimants(cx, object, instance, username)
        .into_iter()
        .find(|other| match (holds(other), holds(object)) {
            (true, false) => true,
            (false, true) => false,
            _ => rank(other) < rank(object),
        })
        .map(|other| sibling(cx, &other))
}

/// The living object that is to have this user when `object` goes: the same person under another name in Git.
pub(super) fn heir(cx: &Context, object: &ConnectUser, instance: &Instance, username: &Username) -> Option<Sibling> {
    claimants(cx, object, instance, username)
        .into_iter()
        .find(|other| other.spec.adoption_policy == AdoptionPolicy::Adopt)
        .map(|other| sibling(cx, &other))
}

/// The living object with this uid.
pub(super) fn by_uid(cx: &Context, uid: &str) -> Option<Sibling> {
    cx.objects_where(|object| object.meta().uid.as_deref() == Some(uid)).first().map(|object| sibling(cx, object))
}

fn claimants(cx: &Context, object: &ConnectUser, instance: &Instance, username: &Username) -> Vec<ConnectUser> {
    cx.objects_where(|other| {
        // Ten thousand objects are looked through at every reconcile: the cheapest test comes first.
        other.spec.username.eq_ignore_ascii_case(username.as_str())
            && other.meta().uid != object.meta().uid
            && other.meta().deletion_timestamp.is_none()
            && super::instance_of(&other.spec).is_ok_and(|other| other == *instance)
    })
}

fn sibling(cx: &Context, object: &ConnectUser) -> Sibling {
    Sibling {
        name: format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()),
        owner: cx.owner(object),
    }
}
