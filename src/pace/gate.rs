//! How many reconciles are at work at one time, and who begins next.
//!
//! Reconciles mostly wait for quota, and each holds memory and connections meanwhile. So most of them wait
//! here, as a few bytes, before they begin. Part of the room is kept for the urgent, so that an edit never
//! waits for an import or a round of looks to make room. Inside a class places are shared out evenly between the
//! instances and kinds of work that wait: creations that wait for their quota leave half of it to changes, which
//! have another.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::queue::{Class, Queue, Ticket};

/// Reconciles at work at one time, by default.
pub const ROOM: usize = 64;

/// The way in. Cheap to clone.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    begun: Instant,
    room: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    queue: Queue,
    waiting: BTreeMap<u64, Waiter>,
    by_object: BTreeMap<Arc<str>, (u64, Class)>,
    /// By class and what keeps tickets apart; none is zero.
    at_work: BTreeMap<Class, BTreeMap<Arc<str>, usize>>,
    next: u64,
    admitted: BTreeMap<Class, u64>,
    done: u64,
}

struct Waiter {
    way: oneshot::Sender<Entry>,
    object: Arc<str>,
    since: Duration,
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
        Self(Arc::new(Shared { begun: Instant::now(), room: room.max(1), inside: Mutex::default() }))
    }

    /// Waits until there is room. `object` is waited for once at a time; to stop waiting is to leave.
    pub async fn enter(&self, object: &str, ticket: Ticket) -> Entry {
        let object: Arc<str> = object.into();
        loop {
            let (way, in_turn) = oneshot::channel();
            let id = {
                let (mut inside, now) = (self.0.lock(), self.0.begun.elapsed());
                inside.next += 1;
                let id = inside.next;
                inside.by_object.insert(Arc::clone(&object), (id, ticket.class));
                inside.waiting.insert(id, Waiter { way, object: Arc::clone(&object), since: now });
                inside.queue.push(id, &ticket, now);
                id
            };
            let _leave = Leave { gate: self, id };
            self.admit();
            if let Ok(entry) = in_turn.await {
                return entry;
            }
        }
    }

    /// An object that waits has become more urgent.
    pub fn hurry(&self, object: &str, ticket: &Ticket) {
        {
            let (mut inside, now) = (self.0.lock(), self.0.begun.elapsed());
            let Some((id, class)) = inside.by_object.get_mut(object) else { return };
            if *class <= ticket.class {
                return;
            }
            *class = ticket.class;
            let id = *id;
            inside.queue.cancel(id, now);
            inside.queue.push(id, ticket, now);
        }
        self.admit();
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

    fn admit(&self) {
        let mut admitted = Vec::new();
        {
            let (mut inside, now) = (self.0.lock(), self.0.begun.elapsed());
            while let Some((way, class, instance)) = inside.next(self.0.room, now) {
                *inside.at_work.entry(class).or_default().entry(Arc::clone(&instance)).or_default() += 1;
                *inside.admitted.entry(class).or_default() += 1;
                admitted.push((way, Entry { gate: self.clone(), class, instance }));
            }
        }
        // Outside of the lock, since an entry that nobody takes makes room again.
        for (way, entry) in admitted {
            way.send(entry).ok();
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
    fn next(&mut self, room: usize, now: Duration) -> Option<(oneshot::Sender<Entry>, Class, Arc<str>)> {
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
        let Waiter { way, object, since: _ } = self.waiting.remove(&id)?;
        self.by_object.remove(&object);
        Some((way, class, instance))
    }
}

/// Leaves the queue when nobody waits for the turn any more.
struct Leave<'a> {
    gate: &'a Gate,
    id: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.0.lock();
        if inside.queue.cancel(self.id, self.gate.0.begun.elapsed())
            && let Some(Waiter { object, .. }) = inside.waiting.remove(&self.id)
        {
            inside.by_object.remove(&object);
        }
    }
}

/// A place at work; it is free again when this is dropped.
pub struct Entry {
    gate: Gate,
    class: Class,
    instance: Arc<str>,
}

impl Entry {
    /// The class in which it was admitted.
    pub fn class(&self) -> Class {
        self.class
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        {
            let mut inside = self.gate.0.lock();
            if let Some(all) = inside.at_work.get_mut(&self.class) {
                let left = all.remove(&self.instance).unwrap_or_default().saturating_sub(1);
                if left > 0 {
                    all.insert(Arc::clone(&self.instance), left);
                }
            }
            inside.done += 1;
        }
        self.gate.admit();
    }
}
