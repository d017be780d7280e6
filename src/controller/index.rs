//! Finds objects of the cache by what they claim, so that a reconcile does not look through all of them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use kube::ResourceExt;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;

use crate::resource::user::{ConnectUser, ConnectUserSpec};

/// Namespace and name.
type Key = Arc<(String, String)>;

/// Hardly ever more than one, so a set would cost more than what is in it.
type Keys = Vec<Key>;

/// An index over one watch. It is brought up to date with the cache, by the same events.
#[derive(Default)]
pub(super) struct Index(RwLock<Maps>);

#[derive(Default)]
struct Maps {
    objects: HashMap<Key, Claims>,
    by_username: HashMap<Arc<str>, Keys>,
    by_uid: HashMap<Arc<str>, Key>,
    by_user: HashMap<Arc<str>, Keys>,
    /// How many objects name each instance.
    by_instance: HashMap<Named, usize>,
    /// What a new listing has shown so far.
    relisted: Option<BTreeSet<Key>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Claims {
    uid: Arc<str>,
    /// Folded, since usernames that differ in case only are the same.
    username: Arc<str>,
    user: Option<Arc<str>>,
    instance: Option<Named>,
}

/// How an object says which instance it means. Thousands name a handful.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Named {
    /// By its ARN.
    Arn(Arc<str>),
    /// By a ConnectInstance.
    Ref(Arc<str>),
}

impl Named {
    fn of(spec: &ConnectUserSpec) -> Option<Self> {
        match (&spec.instance_arn, &spec.instance_ref) {
            (Some(arn), None) => Some(Self::Arn(arn.as_str().into())),
            (None, Some(reference)) => Some(Self::Ref(reference.name.as_str().into())),
            // Neither says which one is meant.
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

impl Index {
    /// Takes in an event of the watch.
    pub(super) fn apply(&self, event: &Event<DeserializeGuard<ConnectUser>>) {
        let mut maps = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => maps.relisted = Some(BTreeSet::new()),
            Event::InitApply(object) => {
                let key = key(object);
                if let Some(relisted) = &mut maps.relisted {
                    relisted.insert(Arc::clone(&key));
                }
                maps.put(key, object);
            }
            Event::InitDone => {
                if let Some(relisted) = maps.relisted.take() {
                    let gone: Vec<Key> = maps.objects.keys().filter(|key| !relisted.contains(*key)).cloned().collect();
                    for key in gone {
                        maps.remove(&key);
                    }
                }
            }
            Event::Apply(object) => maps.put(key(object), object),
            Event::Delete(object) => maps.remove(&key(object)),
        }
    }

    /// Objects that claim this username, in whatever instance.
    pub(super) fn by_username(&self, username: &str) -> Vec<(String, String)> {
        self.read(|maps| all(maps.by_username.get(username.to_lowercase().as_str())))
    }

    /// The object with this uid.
    pub(super) fn by_uid(&self, uid: &str) -> Option<(String, String)> {
        self.read(|maps| maps.by_uid.get(uid).map(|key| (**key).clone()))
    }

    /// Objects whose status names this user.
    pub(super) fn by_user(&self, id: &str) -> Vec<(String, String)> {
        self.read(|maps| all(maps.by_user.get(id)))
    }

    /// What any object calls its instance.
    pub(super) fn instances(&self) -> Vec<Named> {
        self.read(|maps| maps.by_instance.keys().cloned().collect())
    }

    /// Whether the status of any object names this user.
    pub(super) fn has_user(&self, id: &str) -> bool {
        self.read(|maps| maps.by_user.contains_key(id))
    }

    fn read<T>(&self, look: impl FnOnce(&Maps) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Maps {
    fn put(&mut self, key: Key, object: &DeserializeGuard<ConnectUser>) {
        let Ok(object) = &object.0 else { return self.remove(&key) };
        let instance = Named::of(&object.spec);
        // The one that the others have is shared.
        let shared = instance.as_ref().and_then(|named| self.by_instance.get_key_value(named));
        let claims = Claims {
            instance: shared.map(|(named, _)| named.clone()).or(instance),
            uid: object.uid().unwrap_or_default().into(),
            username: object.spec.username.to_lowercase().into(),
            user: object.status.as_ref().and_then(|status| status.user_id.as_deref()).map(Arc::from),
        };
        if self.objects.get(&key) == Some(&claims) {
            return;
        }
        self.remove(&key);
        give(&mut self.by_username, &claims.username, &key);
        self.by_uid.insert(Arc::clone(&claims.uid), Arc::clone(&key));
        if let Some(user) = &claims.user {
            give(&mut self.by_user, user, &key);
        }
        if let Some(named) = &claims.instance {
            *self.by_instance.entry(named.clone()).or_default() += 1;
        }
        self.objects.insert(key, claims);
    }

    fn remove(&mut self, key: &Key) {
        let Some(Claims { uid, username, user, instance }) = self.objects.remove(key) else { return };
        take(&mut self.by_username, &username, key);
        // Another object of the same name may have come in between.
        if self.by_uid.get(&uid) == Some(key) {
            self.by_uid.remove(&uid);
        }
        if let Some(user) = user {
            take(&mut self.by_user, &user, key);
        }
        if let Some(named) = instance
            && let Some(count) = self.by_instance.get_mut(&named)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_instance.remove(&named);
            }
        }
    }
}

fn give(map: &mut HashMap<Arc<str>, Keys>, what: &Arc<str>, key: &Key) {
    let keys = map.entry(Arc::clone(what)).or_insert_with(|| Vec::with_capacity(1));
    if let Err(place) = keys.binary_search(key) {
        keys.insert(place, Arc::clone(key));
    }
}

fn take(map: &mut HashMap<Arc<str>, Keys>, what: &str, key: &Key) {
    if let Some(keys) = map.get_mut(what) {
        keys.retain(|other| other != key);
        if keys.is_empty() {
            map.remove(what);
        }
    }
}

fn all(keys: Option<&Keys>) -> Vec<(String, String)> {
    keys.into_iter().flatten().map(|key| (**key).clone()).collect()
}

fn key(object: &DeserializeGuard<ConnectUser>) -> Key {
    Arc::new((object.namespace().unwrap_or_default(), object.name_any()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;

    fn object(name: &str, username: &str, user: Option<&str>) -> DeserializeGuard<ConnectUser> {
        let object = json!({
            "metadata": { "name": name, "namespace": "n", "uid": format!("uid-{name}") },
            "spec": { "username": username, "identityInfo": {}, "instanceArn": format!("of-{name}") },
            "status": { "userId": user },
        });
        serde_json::from_value(object).unwrap()
    }

    fn of(name: &str) -> Named {
        Named::Arn(format!("of-{name}").as_str().into())
    }

    fn names(found: Vec<(String, String)>) -> Vec<String> {
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn objects_are_found_by_what_they_claim_until_they_change_or_go() {
        let index = Index::default();
        index.apply(&Event::Apply(object("a", "Jane", None)));
        index.apply(&Event::Apply(object("b", "jane", Some("id"))));
        assert_eq!(names(index.by_username("JANE")), ["a", "b"]);
        assert_eq!(names(index.by_user("id")), ["b"]);
        assert_eq!(index.by_uid("uid-a").unwrap().1, "a");
        assert_eq!(index.instances().into_iter().collect::<HashSet<_>>(), HashSet::from([of("a"), of("b")]));
        index.apply(&Event::Apply(object("b", "jane", None)));
        assert!(!index.has_user("id"));
        index.apply(&Event::Delete(object("a", "jane", None)));
        assert_eq!(names(index.by_username("jane")), ["b"]);
        assert_eq!(index.by_uid("uid-a"), None);
        assert_eq!(index.instances(), [of("b")]);
    }

    #[test]
    fn a_new_listing_replaces_what_was_there_only_when_it_is_complete() {
        let index = Index::default();
        index.apply(&Event::Apply(object("a", "ann", Some("1"))));
        index.apply(&Event::Init);
        index.apply(&Event::InitApply(object("b", "bob", None)));
        assert!(index.has_user("1"));
        index.apply(&Event::InitDone);
        assert!(!index.has_user("1"));
        assert_eq!(names(index.by_username("bob")), ["b"]);
    }
}
