//! Which users have our tags and no object: decided by their tags and by the objects of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use serde::Serialize;

use crate::kubectl::cluster::{Objects, full_name, instance_arn};
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;
use crate::resource::{OWNER_TAG, UID_TAG};
use crate::user::ids::Instance;
use crate::user::observed::ObservedUser;

/// A user whose object is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Orphan {
    /// Login name.
    pub(super) username: String,
    /// ARN.
    pub(super) user_arn: String,
    /// ARN of its instance.
    pub(super) instance_arn: String,
    /// Namespace of the object that is gone.
    pub(super) namespace: String,
    /// Its name.
    pub(super) name: String,
    /// Its uid; none if the tag is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
    /// A living object that declares this username in this instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed_by: Option<String>,
    /// Id, and the instance as it is called.
    #[serde(skip)]
    pub(super) user: ObservedUser,
    #[serde(skip)]
    pub(super) instance: Instance,
}

/// Whose a user is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whose<'a> {
    /// Of this object, which is gone.
    Orphan {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// Of an object that lives.
    Object,
    /// Of another cluster, or of one with another name.
    Elsewhere(&'a str),
    /// Of nobody that can be told.
    Nobody,
}

/// The objects of the cluster.
pub(super) struct Living {
    names: BTreeSet<String>,
    uids: BTreeSet<String>,
    /// Object by instance and folded username.
    claims: BTreeMap<(String, String), String>,
}

impl Living {
    /// All of them; a part would make orphans of the rest.
    pub(super) fn of(objects: &Objects<ConnectUser>, instances: &[ConnectInstance]) -> Self {
        let known = &objects.known;
        let claims = known.iter().filter_map(|user| {
            let instance = Instance::parse(&instance_arn(user, instances)?).ok()?;
            Some((claim(&instance, &user.spec.username), full_name(&user.metadata)))
        });
        Self {
            names: known.iter().map(|user| full_name(&user.metadata)).chain(objects.unknown.iter().cloned()).collect(),
            uids: known.iter().filter_map(ResourceExt::uid).collect(),
            claims: claims.collect(),
        }
    }

    /// Whose a user with these tags is, in a cluster of this name.
    pub(super) fn judge<'a>(&self, tags: &'a BTreeMap<String, String>, cluster: &str) -> Whose<'a> {
        let Some(owner) = tags.get(OWNER_TAG) else { return Whose::Nobody };
        let mut parts = owner.splitn(3, '/');
        let (Some(of), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Whose::Nobody;
        };
        if of != cluster {
            return Whose::Elsewhere(of);
        }
        // One of both is enough: an object made again under the name takes its user over by itself.
        let lives = self.names.contains(&format!("{namespace}/{name}"))
            || tags.get(UID_TAG).is_some_and(|uid| self.uids.contains(uid));
        if lives { Whose::Object } else { Whose::Orphan { namespace, name } }
    }

    /// The orphan that a user is, if it is one.
    pub(super) fn orphan(&self, instance: &Instance, user: &ObservedUser, cluster: &str) -> Option<Orphan> {
        let Whose::Orphan { namespace, name } = self.judge(&user.tags, cluster) else { return None };
        Some(Orphan {
            username: user.username.as_str().to_owned(),
            user_arn: instance.user_arn(&user.id),
            instance_arn: instance.to_string(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: user.tags.get(UID_TAG).cloned(),
            claimed_by: self.claims.get(&claim(instance, user.username.as_str())).cloned(),
            user: user.clone(),
            instance: instance.clone(),
        })
    }
}

fn claim(instance: &Instance, username: &str) -> (String, String) {
    (instance.id().as_str().to_lowercase(), username.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(owner: &str, uid: &str) -> BTreeMap<String, String> {
        [(OWNER_TAG.to_owned(), owner.to_owned()), (UID_TAG.to_owned(), uid.to_owned())].into()
    }

    fn living() -> Living {
        Living { names: ["ns/jane".to_owned()].into(), uids: ["u-jane".to_owned()].into(), claims: BTreeMap::new() }
    }

    #[test]
    fn an_orphan_has_neither_name_nor_uid_of_a_living_object_and_is_of_this_cluster() {
        let living = living();
        for (owner, uid, expected) in [
            ("here/ns/jane", "u-jane", Whose::Object),
            ("here/ns/jane", "u-earlier", Whose::Object),
            ("here/ns/gone", "u-jane", Whose::Object),
            ("here/ns/gone", "u-gone", Whose::Orphan { namespace: "ns", name: "gone" }),
            ("there/ns/gone", "u-gone", Whose::Elsewhere("there")),
            ("there/ns/jane", "u-jane", Whose::Elsewhere("there")),
            ("here2/ns/gone", "u-gone", Whose::Elsewhere("here2")),
            ("here", "u-gone", Whose::Nobody),
            ("here/ns", "u-gone", Whose::Nobody),
        ] {
            assert_eq!(living.judge(&tags(owner, uid), "here"), expected, "{owner}, {uid}");
        }
        assert_eq!(living.judge(&[(UID_TAG.to_owned(), "u-gone".to_owned())].into(), "here"), Whose::Nobody);
    }
}
