//! Who is next: by class, in turn between instances and namespaces inside a class, first come first served
//! inside those. Every step takes logarithmic time.

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
    waiters: BTreeMap<u64, u64>,
}

/// What is known of a class.
#[derive(Debug, Default)]
struct Standing {
    /// Lines by their turn.
    ring: BTreeMap<u64, Ticket>,
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
        let mut line = line.unwrap_or(Line { class: ticket.class, turn: 0, waiters: BTreeMap::new() });
        let (class, before) = (line.class, line.waiters.len());
        let result = act(&mut line.waiters);
        let count = line.waiters.len();
        let standing = self.standing_mut(class);
        standing.waiting -= before;
        let wanted = if ticket.class == Class::Edit && count > SINGLE { Class::Bulk } else { ticket.class };
        if line.turn != 0 && (wanted != class || count == 0) {
            standing.ring.remove(&line.turn);
            line.turn = 0;
        }
        if standing.ring.is_empty() {
            standing.credit = 0.0;
        }
        if count > 0 {
            if line.turn == 0 {
                line.turn = self.number();
            }
            line.class = wanted;
            let turn = line.turn;
            let standing = self.standing_mut(wanted);
            if standing.ring.is_empty() {
                standing.since = now;
            }
            standing.waiting += count;
            standing.ring.insert(turn, ticket.clone());
            self.lines.insert(ticket.clone(), line);
        }
        result
    }

    /// Takes out who is next among the classes that `may` go: its id and the class in which it waited.
    pub fn pop(&mut self, now: Duration, may: impl Fn(Class) -> bool) -> Option<(u64, Class)> {
        let class = self.choose(now, may)?;
        let (_, ticket) = self.standing_mut(class).ring.pop_first()?;
        let turn = self.number();
        if let Some(line) = self.lines.get_mut(&ticket) {
            line.turn = turn;
        }
        self.standing_mut(class).ring.insert(turn, ticket.clone());
        let (_, id) = self.change(&ticket, now, BTreeMap::pop_first)?;
        self.places.remove(&id);
        Some((id, class))
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

    /// Those of a class in the order in which they will go, as far as nobody comes or leaves.
    pub fn order(&self, class: Class) -> Vec<u64> {
        let lines = self.standing(class).ring.values().filter_map(|ticket| self.lines.get(ticket));
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
        let lines = self.standing(class).ring.values().filter(|other| *other != ticket);
        let turns = lines.filter_map(|other| self.lines.get(other)).map(|line| line.waiters.len().min(own + 1));
        before + own + turns.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: fn(Class) -> bool = |_| true;

    fn ticket(class: Class, namespace: &str) -> Ticket {
        Ticket { class, tenant: Tenant { instance: "i".into(), namespace: namespace.into() } }
    }

    fn order(queue: &mut Queue, count: usize) -> Vec<u64> {
        (0..count).filter_map(|_| queue.pop(Duration::ZERO, ANY)).map(|(id, _)| id).collect()
    }

    #[test]
    fn the_urgent_go_first_and_inside_a_line_who_came_first() {
        let mut queue = Queue::default();
        for (id, class) in [(1, Class::Background), (2, Class::Drift), (3, Class::Edit), (4, Class::Edit)] {
            queue.push(id, &ticket(class, "a"), Duration::ZERO);
        }
        assert_eq!(order(&mut queue, 5), [3, 4, 2, 1]);
        assert!(queue.is_empty());
    }

    #[test]
    fn namespaces_take_turns_however_many_each_has() {
        let mut queue = Queue::default();
        for id in 0..10 {
            queue.push(id, &ticket(Class::Background, "a"), Duration::ZERO);
        }
        queue.push(100, &ticket(Class::Background, "b"), Duration::ZERO);
        queue.push(101, &ticket(Class::Background, "b"), Duration::ZERO);
        assert_eq!(queue.order(Class::Background)[..6], [0, 100, 1, 101, 2, 3]);
        assert_eq!(queue.order(Class::Background).len(), 12);
        assert_eq!(order(&mut queue, 6), [0, 100, 1, 101, 2, 3]);
        assert_eq!(queue.order(Class::Background), [4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn many_edits_of_one_namespace_are_bulk_and_a_single_one_elsewhere_is_next() {
        let mut queue = Queue::default();
        for id in 0..10_000 {
            queue.push(id, &ticket(Class::Edit, "import"), Duration::ZERO);
        }
        assert_eq!((queue.waiting(Class::Edit), queue.waiting(Class::Bulk)), (0, 10_000));
        assert_eq!(queue.ahead(&ticket(Class::Edit, "a")), 0);
        assert_eq!(queue.ahead(&ticket(Class::Edit, "import")), 10_000);
        assert_eq!(queue.ahead(&ticket(Class::Background, "a")), 10_000);
        queue.push(10_001, &ticket(Class::Edit, "a"), Duration::ZERO);
        assert_eq!(queue.pop(Duration::ZERO, ANY), Some((10_001, Class::Edit)));
        assert_eq!(queue.pop(Duration::ZERO, ANY), Some((0, Class::Bulk)));
    }

    #[test]
    fn every_class_has_its_floor_under_endless_edits() {
        let mut queue = Queue::default();
        let mut served: BTreeMap<Class, i32> = BTreeMap::new();
        for class in Class::ALL.into_iter().skip(1) {
            for id in 0..1000 {
                queue.push(1_000_000 * class as u64 + id, &ticket(class, "a"), Duration::ZERO);
            }
        }
        for id in 0..1000 {
            if queue.waiting(Class::Edit) < 10 {
                queue.push(id, &ticket(Class::Edit, "edits"), Duration::ZERO);
            }
            let (_, class) = queue.pop(Duration::ZERO, ANY).unwrap();
            *served.entry(class).or_insert(0) += 1;
        }
        // One less where the last claim is still to be honoured.
        for (class, least) in [(Class::Bulk, 199), (Class::Drift, 99), (Class::Background, 99), (Class::Edit, 600)] {
            assert!(served[&class] >= least, "{served:?}");
        }
    }

    #[test]
    fn patience_ends_after_half_a_minute_however_low_the_rate() {
        let mut queue = Queue::default();
        queue.push(1, &ticket(Class::Background, "a"), Duration::ZERO);
        for id in 10..20 {
            queue.push(id, &ticket(Class::Edit, "edits"), Duration::ZERO);
        }
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(queue.pop(at(20), ANY), Some((10, Class::Edit)));
        assert_eq!(queue.pop(at(31), ANY), Some((1, Class::Background)));
        // Not two in a row.
        queue.push(2, &ticket(Class::Background, "a"), at(31));
        queue.push(3, &ticket(Class::Drift, "a"), at(31));
        assert_eq!(queue.pop(at(90), ANY), Some((11, Class::Edit)));
        assert!(queue.pop(at(90), ANY).is_some_and(|(_, class)| class != Class::Edit));
        assert_eq!(queue.pop(at(90), ANY), Some((12, Class::Edit)));
    }

    #[test]
    fn who_leaves_is_never_served_and_leaves_no_trace() {
        let mut queue = Queue::default();
        for id in 0..30 {
            queue.push(id, &ticket(Class::Edit, "a"), Duration::ZERO);
        }
        assert_eq!(queue.waiting(Class::Bulk), 30);
        for id in 0..30 {
            assert!(queue.cancel(id, Duration::ZERO));
            assert!(!queue.cancel(id, Duration::ZERO));
        }
        assert_eq!((queue.len(), queue.waiting(Class::Bulk), queue.waiting(Class::Edit)), (0, 0, 0));
        assert!(queue.lines.is_empty() && queue.edit.ring.is_empty() && queue.bulk.ring.is_empty());
        assert_eq!(queue.pop(Duration::ZERO, ANY), None);
    }

    #[test]
    fn a_class_that_may_not_go_is_passed_over() {
        let mut queue = Queue::default();
        queue.push(1, &ticket(Class::Background, "a"), Duration::ZERO);
        assert_eq!(queue.pop(Duration::ZERO, |class| class == Class::Edit), None);
        queue.push(2, &ticket(Class::Edit, "a"), Duration::ZERO);
        assert_eq!(queue.pop(Duration::ZERO, |class| class != Class::Edit), Some((1, Class::Background)));
    }
}
