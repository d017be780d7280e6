//! What of a watch has to be looked at, and when: changes that concern us, once the cache has them.
//!
//! A new listing, which follows an interrupted watch, replaces the cache only when it is complete. Whoever
//! is looked at before that is looked at as it was, and what has changed in it goes unnoticed for good.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt};

use super::Guarded;
use crate::resource::{RECONCILE_ANNOTATION, RELEASE_ANNOTATION, SUSPEND_ANNOTATION};

/// What is known of the objects of one watch.
#[derive(Default)]
pub(super) struct News {
    /// By uid, what concerns us of each object.
    seen: HashMap<Arc<str>, u64>,
    /// Whether there has been a complete listing. Nothing is looked at before the first anyway.
    is_filled: bool,
    /// The objects of a new listing that is not complete yet.
    listed: HashSet<Arc<str>>,
    /// Those of them that have to be looked at when it is.
    waiting: Vec<Guarded>,
}

impl News {
    /// Takes in an event; the objects that have to be looked at now.
    pub(super) fn take(&mut self, event: Event<Guarded>) -> Vec<Guarded> {
        match event {
            Event::Init => {
                self.listed.clear();
                Vec::new()
            }
            Event::InitApply(object) => {
                let (uid, is_news) = self.note(&object);
                self.listed.insert(uid);
                if !is_news {
                    return Vec::new();
                }
                if !self.is_filled {
                    return vec![object];
                }
                self.waiting.push(object);
                Vec::new()
            }
            Event::InitDone => {
                self.is_filled = true;
                let listed = std::mem::take(&mut self.listed);
                self.seen.retain(|uid, _| listed.contains(uid));
                std::mem::take(&mut self.waiting)
            }
            Event::Apply(object) => {
                let (_, is_news) = self.note(&object);
                if is_news { vec![object] } else { Vec::new() }
            }
            Event::Delete(object) => {
                self.seen.remove(uid(&object).as_ref());
                Vec::new()
            }
        }
    }

    fn note(&mut self, object: &Guarded) -> (Arc<str>, bool) {
        let (uid, concern) = (uid(object), what_concerns_us(object));
        let is_news = self.seen.insert(Arc::clone(&uid), concern) != Some(concern);
        (uid, is_news)
    }
}

fn uid(object: &Guarded) -> Arc<str> {
    object.meta().uid.as_deref().unwrap_or_default().into()
}

/// Changes of an object that matter here: not our own writes of status and finalizer.
fn what_concerns_us(object: &Guarded) -> u64 {
    let meta = object.meta();
    let annotations =
        [SUSPEND_ANNOTATION, RECONCILE_ANNOTATION, RELEASE_ANNOTATION].map(|key| object.annotations().get(key));
    let mut hasher = std::hash::DefaultHasher::new();
    let deletion = meta.deletion_timestamp.as_ref().map(|time| time.0);
    (meta.generation, deletion, annotations).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, generation: i64) -> Guarded {
        let object = json!({
            "metadata": { "name": name, "namespace": "n", "uid": name, "generation": generation },
            "spec": { "username": name, "identityInfo": {} },
        });
        serde_json::from_value(object).unwrap()
    }

    fn told(news: &mut News, event: Event<Guarded>) -> Vec<String> {
        news.take(event).iter().map(ResourceExt::name_any).collect()
    }

    fn filled() -> News {
        let mut news = News::default();
        told(&mut news, Event::Init);
        assert_eq!(told(&mut news, Event::InitApply(object("a", 1))), ["a"]);
        assert_eq!(told(&mut news, Event::InitApply(object("b", 1))), ["b"]);
        assert_eq!(told(&mut news, Event::InitDone), [""; 0]);
        news
    }

    #[test]
    fn only_what_concerns_us_is_told_and_an_object_made_anew_is_new() {
        let mut news = filled();
        assert_eq!(told(&mut news, Event::Apply(object("a", 1))), [""; 0]);
        assert_eq!(told(&mut news, Event::Apply(object("a", 2))), ["a"]);
        assert_eq!(told(&mut news, Event::Delete(object("a", 2))), [""; 0]);
        assert_eq!(told(&mut news, Event::Apply(object("a", 2))), ["a"]);
    }

    #[test]
    fn what_a_new_listing_shows_is_told_when_the_cache_has_it_even_if_it_takes_two() {
        let mut news = filled();
        told(&mut news, Event::Init);
        assert_eq!(told(&mut news, Event::InitApply(object("a", 2))), [""; 0]);
        // It broke off.
        told(&mut news, Event::Init);
        assert_eq!(told(&mut news, Event::InitApply(object("a", 2))), [""; 0]);
        assert_eq!(told(&mut news, Event::InitDone), ["a"]);
        assert_eq!(news.seen.len(), 1, "b is gone");
        assert_eq!(told(&mut news, Event::Apply(object("b", 1))), ["b"]);
    }
}
