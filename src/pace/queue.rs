//! Who is next: by class, in turn between instances and namespaces inside a class, first come first served
//! inside those. Every step takes time that is logarithmic in those who wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Why a call is made, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A person has changed a spec or deleted an object.
    Edit,
    /// The same, many at once.
    Bulk,
    /// A change made elsewhere is undone.
    Drift,
    /// Looking whether all is well.
    Background,
}

impl Class {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Edit, Self::Bulk, Self::Drift, Self::Background];

    /// For metrics and the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Bulk => "bulk",
            Self::Drift => "drift",
            Self::Background => "background",
        }
    }

    /// The part of all turns that a class gets at least while it waits.
    fn floor(self) -> f64 {
        match self {
            Self::Edit => 0.0,
            Self::Bulk => 0.2,
            Self::Drift | Self::Background => 0.1,
        }
    }
}

/// Waiting in one place for this many means bulk: a person does not edit as many at once.
const SINGLE: usize = 20;

/// In a long line every so manieth turn is that of who came last: an edit that a person makes while a bulk change
/// is under way. Who came first waits a third longer by it at most.
const LATEST: u64 = 4;

/// A class that waited this long is next, whatever its share: where the rate is very low, a tenth of it is
/// too little.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose call it is: turns are taken between these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tenant {
    /// Id of the instance, or whatever else keeps things apart.
    pub instance: Arc<str>,
    /// Namespace of the object.
    pub namespace: Arc<str>,
}

/// A wish for a turn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// How urgent it is.
    pub class: Class,
    /// Whose it is.
    pub tenant: Tenant,
}

/// Those with the same ticket, in the order in which they came.
#[derive(Debug)]
struct Line {
    /// The class in which the line takes its turns: that of the tickets, or Bulk for a long line of edits.
    class: Class,
    turn: u64,
    /// How many of its waiters have had their turn.
    served: u64,
    waiters: BTreeMap<u64, u64>,
}

/// What is known of a class.
#[derive(Debug, Default)]
struct Standing {
    /// Lines by their turn, for each instance.
    rings: BTreeMap<Arc<str>, BTreeMap<u64, Ticket>>,
    waiting: usize,
    /// Parts of turns that it has been owed.
    credit: f64,
    /// When it was last served, or began to wait.
    since: Duration,
}

/// Those who wait.
#[derive(Debug, Default)]
pub struct Queue {
    places: BTreeMap<u64, (Ticket, u64)>,
    lines: BTreeMap<Ticket, Line>,
    edit: Standing,
    bulk: Standing,
    drift: Standing,
    background: Standing,
    /// Next number for a turn or a place.
    next: u64,
    /// Whether the last turn was that of a class while a more urgent one waited.
    was_favour: bool,
}

impl Standing {
    fn insert(&mut self, turn: u64, ticket: &Ticket) {
        let ring = self.rings.entry(Arc::clone(&ticket.tenant.instance)).or_default();
        ring.insert(turn, ticket.clone());
    }

    fn remove(&mut self, turn: u64, ticket: &Ticket) {
        if let Some(ring) = self.rings.get_mut(&ticket.tenant.instance) {
            ring.remove(&turn);
            if ring.is_empty() {
                self.rings.remove(&ticket.tenant.instance);
            }
        }
    }

    /// The line that is next: of the instances with the fewest at work, the one whose turn it is.
    fn next(&self, at_work: impl Fn(&str) -> usize) -> Option<(u64, Ticket)> {
        let firsts = self.rings.iter().filter_map(|(instance, ring)| Some((instance, ring.first_key_value()?)));
        let next = firsts.min_by_key(|(instance, (turn, _))| (at_work(instance), **turn));
        next.map(|(_, (turn, ticket))| (*turn, ticket.clone()))
    }

    /// All lines by their turn.
    fn lines(&self) -> BTreeMap<u64, &Ticket> {
        self.rings.values().flatten().map(|(turn, ticket)| (*turn, ticket)).collect()
    }
}

impl Queue {
    fn standing(&self, class: Class) -> &Standing {
        match class {
            Class::Edit => &self.edit,
            Class::Bulk => &self.bulk,
            Class::Drift => &self.drift,
            Class::Background => &self.background,
        }
    }

    fn standing_mut(&mut self, class: Class) -> &mut Standing {
        match class {
            Class::Edit => &mut self.edit,
            Class::Bulk => &mut self.bulk,
            Class::Drift => &mut self.drift,
            Class::Background => &mut self.background,
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many of a class wait.
    pub fn waiting(&self, class: Class) -> usize {
        self.standing(class).waiting
    }

    /// Queues up `id`, which must not be waiting.
    pub fn push(&mut self, id: u64, ticket: &Ticket, now: Duration) {
        let place = self.number();
        self.places.insert(id, (ticket.clone(), place));
        self.change(ticket, now, |waiters| waiters.insert(place, id));
    }

    /// Leaves the queue; whether `id` was in it.
    pub fn cancel(&mut self, id: u64, now: Duration) -> bool {
        let Some((ticket, place)) = self.places.remove(&id) else { return false };
        self.change(&ticket, now, |waiters| waiters.remove(&place));
        true
    }

    /// Changes who is in a line, and puts the line where it then belongs.
    fn change<R>(&mut self, ticket: &Ticket, now: Duration, act: impl FnOnce(&mut BTreeMap<u64, u64>) -> R) -> R {
        let line = self.lines.remove(ticket);
        let mut line = line.unwrap_or(Line { class: ticket.class, turn: 0, served: 0, waiters: BTreeMap::new() });
        let (class, before) = (line.class, line.waiters.len());
        let result = act(&mut line.waiters);
        let count = line.waiters.len();
        let standing = self.standing_mut(class);
        standing.waiting -= before;
        let wanted = if ticket.class == Class::Edit && count > SINGLE { Class::Bulk } else { ticket.class };
        if line.turn != 0 && (wanted != class || count == 0) {
            standing.remove(line.turn, ticket);
            line.turn = 0;
        }
        if standing.rings.is_empty() {
            standing.credit = 0.0;
        }
        if count > 0 {
            if line.turn == 0 {
                line.turn = self.number();
            }
            line.class = wanted;
            let turn = line.turn;
            let standing = self.standing_mut(wanted);
            if standing.rings.is_empty() {
                standing.since = now;
            }
            standing.waiting += count;
            standing.insert(turn, ticket);
            self.lines.insert(ticket.clone(), line);
        }
        result
    }

    /// Takes out who is next among the classes that `may` go: its id and the class in which it waited.
    pub fn pop(&mut self, now: Duration, may: impl Fn(Class) -> bool) -> Option<(u64, Class)> {
        self.pop_evenly(now, may, |_, _| 0).map(|(id, class, _)| (id, class))
    }

    /// The same where turns last: of those who wait in a class, one of the instance with the fewest `at_work` in it,
    /// which is told as well. Otherwise a slow one would come to hold every place, and set the pace of all.
    pub fn pop_evenly(
        &mut self,
        now: Duration,
        may: impl Fn(Class) -> bool,
        at_work: impl Fn(Class, &str) -> usize,
    ) -> Option<(u64, Class, Arc<str>)> {
        let class = self.choose(now, may)?;
        let (before, ticket) = self.standing(class).next(|instance| at_work(class, instance))?;
        let turn = self.number();
        let standing = self.standing_mut(class);
        standing.remove(before, &ticket);
        standing.insert(turn, &ticket);
        let line = self.lines.get_mut(&ticket)?;
        (line.turn, line.served) = (turn, line.served + 1);
        let is_latest = line.class != ticket.class && line.served % LATEST == 0;
        let take = if is_latest { BTreeMap::pop_last } else { BTreeMap::pop_first };
        let (_, id) = self.change(&ticket, now, take)?;
        self.places.remove(&id);
        Some((id, class, ticket.tenant.instance))
    }

    /// The most urgent class, but no more than every other turn one that has its floor or its patience to claim.
    fn choose(&mut self, now: Duration, may: impl Fn(Class) -> bool) -> Option<Class> {
        let mut candidates = Class::ALL.into_iter().filter(|class| self.waiting(*class) > 0 && may(*class));
        let first = candidates.next()?;
        let others: Vec<Class> = candidates.collect();
        for class in &others {
            let standing = self.standing_mut(*class);
            standing.credit = (standing.credit + class.floor()).min(2.0);
        }
        let waits_too_long = |class: &Class| now.saturating_sub(self.standing(*class).since) >= PATIENCE;
        // A hair of tolerance: ten tenths are one.
        let has_a_claim = |class: &&Class| self.standing(**class).credit >= 1.0 - 1e-9 || waits_too_long(class);
        let favoured = others.iter().filter(has_a_claim).min_by_key(|class| self.standing(**class).since).copied();
        let favoured = favoured.filter(|_| !self.was_favour);
        self.was_favour = favoured.is_some();
        let class = favoured.unwrap_or(first);
        let standing = self.standing_mut(class);
        standing.since = now;
        standing.credit = (standing.credit - 1.0).max(0.0);
        Some(class)
    }

    /// Those of a class in the order in which they will go, as far as nobody comes or leaves; roughly, since the
    /// latest of long lines and who has the fewest at work may go earlier.
    pub fn order(&self, class: Class) -> Vec<u64> {
        let turns = self.standing(class).lines();
        let lines = turns.values().filter_map(|ticket| self.lines.get(*ticket));
        let mut lines: Vec<_> = lines.map(|line| line.waiters.values()).collect();
        let mut order = Vec::with_capacity(self.waiting(class));
        while !lines.is_empty() {
            lines.retain_mut(|waiters| waiters.next().map(|id| order.push(*id)).is_some());
        }
        order
    }

    /// How many would go before somebody who came now with this ticket, roughly: floors are left out.
    pub fn ahead(&self, ticket: &Ticket) -> usize {
        let own = self.lines.get(ticket).map_or(0, |line| line.waiters.len());
        let class = if ticket.class == Class::Edit && own >= SINGLE { Class::Bulk } else { ticket.class };
        let before: usize =
            Class::ALL.into_iter().filter(|other| *other < class).map(|other| self.waiting(other)).sum();
        let lines = self.standing(class).rings.values().flat_map(BTreeMap::values).filter(|other| *other != ticket);
        let turns = lines.filter_map(|other| self.lines.get(other)).map(|line| line.waiters.len().min(own + 1));
        before + own + turns.sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
