//! How many reconciles are at work at one time, and who begins next.
//!
//! Reconciles mostly wait for quota, and each holds memory and connections meanwhile. So most of them wait
//! here, as a few bytes, before they begin: where there is no place for an object it is called once there is, and
//! asks again. It does not wait as a future, because kube looks through all reconciles that it has begun whenever
//! one of them moves. Part of the room is kept for the urgent, so that an edit never waits for an import or a round
//! of looks to make room. Inside a class places are shared out evenly between the instances and kinds of work that
//! wait: creations that wait for their quota leave half of it to changes, which have another.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::queue::{Class, Queue, Ticket};

/// Reconciles at work at one time, by default.
pub const ROOM: usize = 64;

/// Who was called and does not come for so long has lost the place, and may ask again. Whoever is there comes at
/// once; this keeps an object that vanished in between from taking room for good.
const KEPT: Duration = Duration::from_secs(30);

/// Has an object ask again; whether it is there.
type Caller = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The way in. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    begun: Instant,
    room: usize,
    inside: Mutex<Inside>,
    caller: Mutex<Option<Caller>>,
}

#[derive(Default)]
struct Inside {
    queue: Queue,
    waiting: BTreeMap<u64, Waiter>,
    by_object: HashMap<Arc<str>, (u64, Class)>,
    /// Places that are kept for objects which were called.
    called: BTreeMap<Arc<str>, Called>,
    /// By class and what keeps tickets apart; none is zero.
    at_work: BTreeMap<Class, BTreeMap<Arc<str>, usize>>,
    next: u64,
    admitted: BTreeMap<Class, u64>,
    done: u64,
}

struct Waiter {
    object: Arc<str>,
    since: Duration,
}

struct Called {
    place: At,
    waited: Duration,
    at: Duration,
}

/// A place at work.
struct At {
    class: Class,
    instance: Arc<str>,
}

/// What became of asking for a place.
pub struct Asked {
    /// The place; without one the object is called once there is one.
    pub entry: Option<Entry>,
    /// Whether the object had not asked before.
    pub is_new: bool,
}

/// One that waits at the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Who.
    pub object: Arc<str>,
    /// How urgent it is.
    pub class: Class,
    /// How many of its class will go before it.
    pub ahead: usize,
}

impl Gate {
    /// A gate to a room for so many.
    pub fn new(room: usize) -> Self {
        let (inside, caller) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Shared { begun: Instant::now(), room: room.max(1), inside, caller }))
    }

    /// Says how an object is called that waits: `call` has it ask again, or tells that it is not there any more.
    pub fn on_call(&self, call: impl Fn(&str) -> bool + Send + Sync + 'static) {
        *self.0.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(call));
    }

    /// Asks for a place. One who waits already waits on, as urgently as the more urgent of the two tickets.
    pub fn ask(&self, object: &str, ticket: &Ticket) -> Asked {
        let is_new = {
            let (mut inside, now) = (self.0.lock(), self.0.begun.elapsed());
            if let Some(Called { place, waited, at: _ }) = inside.called.remove(object) {
                return Asked { entry: Some(Entry { gate: self.clone(), place, waited }), is_new: false };
            }
            let is_new = !inside.by_object.contains_key(object);
            if is_new {
                inside.push(object.into(), ticket, now);
            } else {
                inside.hurry(object, ticket, now);
            }
            is_new
        };
        Asked { entry: self.admit(Some(object)), is_new }
    }

    /// An object is gone: it does not wait any more, and needs no place.
    pub fn leave(&self, object: &str) {
        {
            let (mut inside, now) = (self.0.lock(), self.0.begun.elapsed());
            if let Some((id, _)) = inside.by_object.remove(object) {
                inside.queue.cancel(id, now);
                inside.waiting.remove(&id);
            }
            if let Some(Called { place, .. }) = inside.called.remove(object) {
                inside.free(&place);
            }
        }
        self.admit(None);
    }

    /// How many wait.
    pub fn waiting(&self, class: Class) -> usize {
        self.0.lock().queue.waiting(class)
    }

    /// Whether an object waits.
    pub fn is_waiting(&self, object: &str) -> bool {
        self.0.lock().by_object.contains_key(object)
    }

    /// Those of a class who have waited for so long, the next first.
    pub fn waits(&self, class: Class, patience: Duration) -> Vec<Wait> {
        let (inside, now) = (self.0.lock(), self.0.begun.elapsed());
        let order = inside.queue.order(class).into_iter().enumerate();
        let waits = order.filter_map(|(ahead, id)| {
            let waiter = inside.waiting.get(&id).filter(|waiter| now.saturating_sub(waiter.since) >= patience)?;
            Some(Wait { object: Arc::clone(&waiter.object), class, ahead })
        });
        waits.collect()
    }

    /// How many of a class have been let in.
    pub fn admitted(&self, class: Class) -> u64 {
        self.0.lock().admitted.get(&class).copied().unwrap_or_default()
    }

    /// How many have been at work and ended.
    pub fn done(&self) -> u64 {
        self.0.lock().done
    }

    /// Gives places to whoever is next. The one who asks gets it at once, the others are called.
    fn admit(&self, asking: Option<&str>) -> Option<Entry> {
        let mut own = None;
        loop {
            let mut calls: Vec<Arc<str>> = Vec::new();
            {
                let (mut inside, now) = (self.0.lock(), self.0.begun.elapsed());
                inside.take_back(now);
                while let Some((object, place, waited)) = inside.next(self.0.room, now) {
                    if asking == Some(&*object) {
                        own = Some(Entry { gate: self.clone(), place, waited });
                    } else {
                        inside.called.insert(Arc::clone(&object), Called { place, waited, at: now });
                        calls.push(object);
                    }
                }
            }
            // Outside of the lock, since who is called may ask at once.
            let caller = self.0.caller.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(caller) = caller else { return own };
            calls.retain(|object| !caller(object));
            if calls.is_empty() {
                return own;
            }
            let mut inside = self.0.lock();
            for object in calls {
                if let Some(Called { place, .. }) = inside.called.remove(&object) {
                    inside.free(&place);
                }
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        // Every change is whole before anything that could panic.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of the room that is kept for a class.
fn reserve(class: Class, room: usize) -> usize {
    match class {
        Class::Edit => room / 4,
        Class::Bulk | Class::Background => room / 8,
        Class::Drift => 0,
    }
}

impl Inside {
    fn push(&mut self, object: Arc<str>, ticket: &Ticket, now: Duration) {
        self.next += 1;
        self.by_object.insert(Arc::clone(&object), (self.next, ticket.class));
        self.waiting.insert(self.next, Waiter { object, since: now });
        self.queue.push(self.next, ticket, now);
    }

    /// One that waits may have become more urgent.
    fn hurry(&mut self, object: &str, ticket: &Ticket, now: Duration) {
        let Some((id, class)) = self.by_object.get_mut(object).filter(|(_, class)| *class > ticket.class) else {
            return;
        };
        *class = ticket.class;
        let id = *id;
        self.queue.cancel(id, now);
        self.queue.push(id, ticket, now);
    }

    /// Takes out who is next, and gives it a place.
    fn next(&mut self, room: usize, now: Duration) -> Option<(Arc<str>, At, Duration)> {
        let at_work = &self.at_work;
        let working = |class: Class| at_work.get(&class).map_or(0, |all| all.values().sum::<usize>());
        let total: usize = Class::ALL.into_iter().map(working).sum();
        let kept_for_others = |class: Class| -> usize {
            let others = Class::ALL.into_iter().filter(|other| *other != class);
            others.map(|other| reserve(other, room).saturating_sub(working(other))).sum()
        };
        let has_room = |class| total + kept_for_others(class) < room;
        let of = |class, instance: &str| at_work.get(&class)?.get(instance).copied();
        let at_work = |class, instance: &str| of(class, instance).unwrap_or_default();
        let (id, class, instance) = self.queue.pop_evenly(now, has_room, at_work)?;
        let Waiter { object, since } = self.waiting.remove(&id)?;
        self.by_object.remove(&object);
        *self.at_work.entry(class).or_default().entry(Arc::clone(&instance)).or_default() += 1;
        *self.admitted.entry(class).or_default() += 1;
        Some((object, At { class, instance }, now.saturating_sub(since)))
    }

    /// Frees the places of those who do not come.
    fn take_back(&mut self, now: Duration) {
        let lost = self.called.extract_if(.., |_, called| now.saturating_sub(called.at) > KEPT);
        let lost: Vec<Called> = lost.map(|(_, called)| called).collect();
        for Called { place, .. } in lost {
            self.free(&place);
        }
    }

    fn free(&mut self, At { class, instance }: &At) {
        if let Some(all) = self.at_work.get_mut(class) {
            let left = all.remove(instance).unwrap_or_default().saturating_sub(1);
            if left > 0 {
                all.insert(Arc::clone(instance), left);
            }
        }
    }
}

/// A place at work; it is free again when this is dropped.
pub struct Entry {
    gate: Gate,
    place: At,
    waited: Duration,
}

impl Entry {
    /// The class in which it was admitted.
    pub fn class(&self) -> Class {
        self.place.class
    }

    /// How long the object waited for it.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        {
            let mut inside = self.gate.0.lock();
            inside.free(&self.place);
            inside.done += 1;
        }
        self.gate.admit(None);
    }
}
