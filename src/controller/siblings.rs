//! Other objects that speak of the same user or instance.

use std::collections::BTreeSet;

use kube::api::ListParams;
use kube::{Api, Resource, ResourceExt};

use super::governance::{Governed, instance_of};
use super::subject::{PublishError, Subject};
use super::{Context, Guarded};
use crate::pace::paced::Work;
use crate::policy::Rules;
use crate::resource::FINALIZER;
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
    rules: &Rules,
    username: &Username,
) -> Option<Sibling> {
    let rank = |object: &ConnectUser| {
        let holds = object.status.as_ref().is_some_and(|status| status.user_id.is_some());
        (!holds, object.creation_timestamp().map(|time| time.0), object.uid())
    };
    let own = rank(object);
    // Whoever may not use the instance does not keep a name from those who may.
    let may_claim = |other: &ConnectUser| permits(rules, other);
    let before = claimants(cx, object, instance, username)
        .into_iter()
        .filter(|other| rank(other) < own && may_claim(other))
        .min_by_key(rank);
    before.map(|other| sibling(cx, &other))
}

/// The living objects that are to have this user when `object` goes, as far as the rules of the instance let them have
/// it at all.
///
/// # Errors
/// If the API server cannot be asked for those of other shards. A person is not deleted on half of the truth.
pub(super) async fn heirs(
    cx: &Context,
    object: &ConnectUser,
    governed: &Governed,
    username: &Username,
) -> Result<Vec<Heir>, PublishError> {
    let mut claimants = claimants(cx, object, &governed.instance, username);
    if cx.selector.is_some() {
        let spellings: BTreeSet<&str> = [username.as_str(), &object.spec.username].into();
        for other in in_all_shards(cx, &spellings).await? {
            let is_known = claimants.iter().any(|claimant| claimant.meta().uid == other.meta().uid);
            if !is_known && claims(cx, &other, object, &governed.instance, username) {
                claimants.push(other);
            }
        }
    }
    let heirs = claimants
        .into_iter()
        .filter(|other| other.spec.adoption_policy == AdoptionPolicy::Adopt && permits(&governed.rules, other))
        // One that is suspended takes no finalizer, and without that it could go and leave the user behind.
        .filter(|other| is_held(other) || !super::is_suspended(other))
        .map(|other| Heir {
            is_held: is_held(&other),
            is_of_the_house: other.namespace() == object.namespace(),
            namespace: other.namespace().unwrap_or_default(),
            object: other.name_any(),
            sibling: sibling(cx, &other),
        });
    Ok(heirs.collect())
}

/// The objects of the namespaces watched that spell a username like this, whatever their labels. Only a shard needs
/// to ask: it does not watch those of others.
async fn in_all_shards(cx: &Context, spellings: &BTreeSet<&str>) -> Result<Vec<ConnectUser>, PublishError> {
    let apis: Vec<Api<Guarded>> = if cx.namespaces.is_empty() {
        vec![Api::all(cx.client.clone())]
    } else {
        cx.namespaces.iter().map(|namespace| Api::namespaced(cx.client.clone(), namespace)).collect()
    };
    let mut found = Vec::new();
    for api in apis {
        for spelling in spellings {
            let params = ListParams::default().fields(&format!("spec.username={spelling}"));
            let list = api.list(&params).await.map_err(|error| PublishError::Api {
                what: "looking for objects of other shards that claim the user",
                object: (*spelling).to_owned(),
                source: Box::new(error),
            })?;
            found.extend(list.items.into_iter().filter_map(|object| object.0.ok()));
        }
    }
    Ok(found)
}

/// An object that claims the user of one that goes.
pub(super) struct Heir {
    /// Whether it is of the same namespace: the same person under another name in Git. Otherwise it takes somebody
    /// else's user over, which is an adoption.
    pub(super) is_of_the_house: bool,
    /// Whether it has our finalizer, so that it cannot go before its user is dealt with.
    pub(super) is_held: bool,
    pub(super) namespace: String,
    pub(super) object: String,
    pub(super) sibling: Sibling,
}

/// Writes down at an heir that a user may be its own from now on. `false` where it is not there to stay.
pub(super) async fn announce(cx: &Context, heir: &Sibling, work: &Work) -> Result<bool, PublishError> {
    let Some((namespace, name)) = heir.name.split_once('/') else { return Ok(false) };
    let api: Api<ConnectUser> = Api::namespaced(cx.client.clone(), namespace);
    let live = api.get_opt(name).await.map_err(|error| PublishError::Api {
        what: "reading before a handover",
        object: heir.name.clone(),
        source: Box::new(error),
    })?;
    let Some(live) = live.filter(|live| is_to_stay(live, heir)) else { return Ok(false) };
    let mut subject = Subject::new(cx, &live, work.clone());
    subject.announce_user().await?;
    cx.backoff.wrote(&subject.uid, subject.resource_version());
    Ok(true)
}

/// Whether an heir is there to stay, as the API server has it now.
pub(super) async fn is_ready_to_inherit(cx: &Context, heir: &Sibling) -> Result<bool, PublishError> {
    let Some((namespace, name)) = heir.name.split_once('/') else { return Ok(false) };
    let api: Api<ConnectUser> = Api::namespaced(cx.client.clone(), namespace);
    let live = api.get_metadata_opt(name).await.map_err(|error| PublishError::Api {
        what: "reading before a handover",
        object: heir.name.clone(),
        source: Box::new(error),
    })?;
    Ok(live.is_some_and(|live| is_to_stay(&live, heir)))
}

/// Whether what the API server has is the heir, and is held and not going.
fn is_to_stay(live: &impl ResourceExt, heir: &Sibling) -> bool {
    live.uid().as_ref() == Some(&heir.owner.uid) && live.meta().deletion_timestamp.is_none() && is_held(live)
}

fn is_held(object: &impl ResourceExt) -> bool {
    object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
}

fn permits(rules: &Rules, object: &ConnectUser) -> bool {
    rules.permit(&object.namespace().unwrap_or_default(), &Username::new(&object.spec.username)).is_ok()
}

/// The living object with this uid.
pub(super) fn by_uid(cx: &Context, uid: &str) -> Option<Sibling> {
    let found = cx.found(|index| index.by_uid(uid).into_iter().collect());
    let object = found.iter().find_map(|object| object.0.as_ref().ok())?;
    (object.meta().uid.as_deref() == Some(uid)).then(|| sibling(cx, object))
}

/// How many objects of an instance are waiting for the deletion of their user. One that we have let go, or never held,
/// waits for somebody else's finalizer.
pub(super) fn terminating(cx: &Context, instance: &Instance) -> u32 {
    let mut count = 0;
    cx.each_object(|object| {
        let is_going = object.meta().deletion_timestamp.is_some()
            && is_held(object)
            && object.spec.deletion_policy == DeletionPolicy::Delete
            && is_of(cx, object, instance);
        count += u32::from(is_going);
    });
    count
}

/// Shows all objects of an instance.
pub(super) fn each_of_instance(cx: &Context, instance: &Instance, mut look: impl FnMut(&ConnectUser)) {
    cx.each_object(|object| {
        if is_of(cx, object, instance) {
            look(object);
        }
    });
}

fn claimants(cx: &Context, object: &ConnectUser, instance: &Instance, username: &Username) -> Vec<ConnectUser> {
    let found = cx.found(|index| index.by_username(username.as_str()));
    let others = found.iter().filter_map(|other| other.0.as_ref().ok());
    others.filter(|other| claims(cx, other, object, instance, username)).cloned().collect()
}

/// Whether another living object claims this user.
fn claims(cx: &Context, other: &ConnectUser, object: &ConnectUser, instance: &Instance, username: &Username) -> bool {
    other.meta().uid != object.meta().uid
        && other.meta().deletion_timestamp.is_none()
        && Username::new(&other.spec.username).same_user(username)
        && is_of(cx, other, instance)
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
