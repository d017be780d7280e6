//! Who may call Amazon Connect next.
//!
//! [`limits`] knows what Connect allows, [`budget`] when a call may begin, [`queue`] whose it is; all three
//! decide without a clock. This file lets tasks wait for their turn, [`gate`] bounds how many reconciles
//! are at work, [`paced`] is the port with every call taking its turn, and [`watch`] tells how it goes.

pub mod budget;
pub mod gate;
pub mod limits;
pub mod paced;
pub mod queue;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use budget::{Budget, Ready, Verdict};
use gate::Gate;
use limits::{Limits, Override, Place, Rate};
use queue::{Class, Queue, Ticket};

/// One budget: an operation in an account and Region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Whose.
    pub place: Place,
    /// Name of the operation.
    pub operation: &'static str,
}

/// Told of each turn: the class and how long it was waited for.
pub type Meter = Arc<dyn Fn(Class, Duration) + Send + Sync>;

/// The pace of one process. Cheap to clone.
#[derive(Clone)]
pub struct Pace {
    shared: Arc<Shared>,
    gate: Gate,
}

struct Shared {
    begun: Instant,
    meter: Meter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    limits: Limits,
    operations: BTreeMap<Key, Operation>,
    next: u64,
}

struct Operation {
    budget: Budget,
    queue: Queue,
    waiting: BTreeMap<u64, oneshot::Sender<(Turn, Class)>>,
    /// Whether a task hands out turns; it ends when nobody waits.
    is_served: bool,
    /// Wakes that task when there may be a turn before it expects one.
    bell: Arc<Notify>,
}

/// What is to be seen of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Which.
    pub key: Key,
    /// Waiting calls by class.
    pub waiting: BTreeMap<Class, usize>,
    /// Learnt rate.
    pub rate: f64,
    /// The rate where nobody throttles.
    pub limit: f64,
    /// Throttled calls so far.
    pub throttled: u64,
}

/// How long a call that came now would wait, roughly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Calls before it.
    pub ahead: usize,
    /// Time until its turn.
    pub wait: Duration,
}

impl Pace {
    /// A pace with these limits, and room for so many reconciles at work.
    pub fn new(limits: Limits, room: usize, meter: Meter) -> Self {
        let state = Mutex::new(State { limits, ..State::default() });
        Self { shared: Arc::new(Shared { begun: Instant::now(), meter, state }), gate: Gate::new(room) }
    }

    /// A pace that holds nobody back, for an Amazon Connect without quotas.
    pub fn unlimited() -> Self {
        let rate = Rate { per_second: 100_000.0, burst: 100_000.0 };
        let all = Override { operation: "*".to_owned(), rate };
        Self::new(Limits::new([all], 1.0), gate::ROOM, Arc::new(|_, _| ()))
    }

    /// Where reconciles wait before they begin.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Waits for a turn and takes it. To stop waiting is to leave the queue.
    pub async fn acquire(&self, key: &Key, ticket: &Ticket) -> Permit {
        self.turn(key, ticket).await.begin()
    }

    /// Waits for a turn, which is given back if it is not taken. To stop waiting is to leave the queue.
    pub async fn turn(&self, key: &Key, ticket: &Ticket) -> Turn {
        let came = Instant::now();
        loop {
            let (id, turn) = self.shared.enqueue(key, ticket);
            let _leave = Leave { shared: &self.shared, key, id };
            // A turn is only ever lost with the runtime that serves it.
            if let Ok((turn, class)) = turn.await {
                (self.shared.meter)(class, came.elapsed());
                return turn;
            }
        }
    }

    /// What a call that came now would have to expect.
    pub fn outlook(&self, key: &Key, ticket: &Ticket) -> Outlook {
        let mut state = self.shared.lock();
        let now = self.shared.now();
        let operation = state.operation(key, now);
        let ahead = operation.queue.ahead(ticket);
        let wait = Duration::try_from_secs_f64(ahead as f64 / operation.budget.rate()).unwrap_or(Duration::MAX);
        Outlook { ahead, wait }
    }

    /// Takes over what an account was found to have.
    pub fn found(&self, place: &Place, operation: &'static str, per_second: f64) {
        let mut state = self.shared.lock();
        state.limits.found(place, operation, per_second);
        let key = Key { place: place.clone(), operation };
        let limit = state.limits.rate(place, operation);
        if let Some(operation) = state.operations.get_mut(&key) {
            operation.budget.limit(limit, self.shared.now());
            operation.bell.notify_one();
        }
    }

    /// Everything that was called so far.
    pub fn view(&self) -> Vec<View> {
        let mut state = self.shared.lock();
        let now = self.shared.now();
        let view = |(key, operation): (&Key, &mut Operation)| {
            operation.budget.ready(now);
            View {
                key: key.clone(),
                waiting: Class::ALL.into_iter().map(|class| (class, operation.queue.waiting(class))).collect(),
                rate: operation.budget.rate(),
                limit: operation.budget.most(),
                throttled: operation.budget.throttled(),
            }
        };
        state.operations.iter_mut().map(view).collect()
    }
}

impl State {
    fn operation(&mut self, key: &Key, now: Duration) -> &mut Operation {
        let Self { limits, operations, .. } = self;
        operations.entry(key.clone()).or_insert_with(|| {
            let mut budget = Budget::new(limits.rate(&key.place, key.operation), Duration::ZERO);
            budget.ready(now);
            Operation {
                budget,
                queue: Queue::default(),
                waiting: BTreeMap::new(),
                is_served: false,
                bell: Arc::default(),
            }
        })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    fn enqueue(self: &Arc<Self>, key: &Key, ticket: &Ticket) -> (u64, oneshot::Receiver<(Turn, Class)>) {
        let (turn, waits) = oneshot::channel();
        let (id, is_served) = {
            let (mut state, now) = (self.lock(), self.now());
            state.next += 1;
            let id = state.next;
            let operation = state.operation(key, now);
            operation.queue.push(id, ticket, now);
            operation.waiting.insert(id, turn);
            (id, std::mem::replace(&mut operation.is_served, true))
        };
        // One task for each operation with somebody waiting. The first is served at once.
        if !is_served && let Some(next) = self.serve(key) {
            let (shared, key) = (Arc::clone(self), key.clone());
            tokio::spawn(async move { shared.keep_serving(&key, next).await });
        }
        (id, waits)
    }

    /// Hands out the turns that there are; when there may be the next, or `None` when nobody waits any more.
    fn serve(self: &Arc<Self>, key: &Key) -> Option<(Ready, Arc<Notify>)> {
        let mut turns = Vec::new();
        let next = {
            let (mut state, now) = (self.lock(), self.now());
            let operation = state.operation(key, now);
            while !operation.queue.is_empty() && operation.budget.take(now) {
                let Some((id, class)) = operation.queue.pop(now, |_| true) else { break };
                let turn = Turn {
                    permit: Permit { shared: Arc::clone(self), key: key.clone(), at: now, phase: Phase::Given },
                };
                turns.push((operation.waiting.remove(&id), turn, class));
            }
            operation.is_served = !operation.queue.is_empty();
            operation.is_served.then(|| (operation.budget.ready(now), Arc::clone(&operation.bell)))
        };
        // Outside of the lock, since a turn that nobody takes gives itself back.
        for (waiter, turn, class) in turns {
            if let Some(waiter) = waiter {
                waiter.send((turn, class)).ok();
            }
        }
        next
    }

    async fn keep_serving(self: Arc<Self>, key: &Key, mut next: (Ready, Arc<Notify>)) {
        loop {
            let (ready, bell) = next;
            match ready {
                Ready::Now => {}
                Ready::AfterAnAnswer => bell.notified().await,
                Ready::At(time) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(self.begun + time) => {}
                        () = bell.notified() => {}
                    }
                }
            }
            match self.serve(key) {
                Some(following) => next = following,
                None => return,
            }
        }
    }

    fn settle(&self, key: &Key, act: impl FnOnce(&mut Budget, Duration)) {
        let (mut state, now) = (self.lock(), self.now());
        let operation = state.operation(key, now);
        act(&mut operation.budget, now);
        if operation.is_served {
            operation.bell.notify_one();
        }
    }
}

/// Leaves the queue when nobody waits for the turn any more.
struct Leave<'a> {
    shared: &'a Shared,
    key: &'a Key,
    id: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let turn = {
            let (mut state, now) = (self.shared.lock(), self.shared.now());
            let operation = state.operation(self.key, now);
            operation.queue.cancel(self.id, now);
            operation.waiting.remove(&self.id)
        };
        drop(turn);
    }
}

/// A turn that has come and is given back if it is not taken.
pub struct Turn {
    permit: Permit,
}

impl Turn {
    /// Of which budget.
    pub fn key(&self) -> &Key {
        &self.permit.key
    }

    /// Takes it: the call is made now.
    pub fn begin(mut self) -> Permit {
        let now = self.permit.shared.now();
        (self.permit.phase, self.permit.at) = (Phase::Sent, now);
        self.permit
    }
}

/// Leave to make one call.
pub struct Permit {
    shared: Arc<Shared>,
    key: Key,
    at: Duration,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not taken yet; whoever waited may have gone meanwhile.
    Given,
    /// Taken; the call may have been made.
    Sent,
    /// The answer is known.
    Told,
}

impl Permit {
    /// Tells what came of the call.
    pub fn told(mut self, verdict: Verdict) {
        self.phase = Phase::Told;
        let at = self.at;
        self.shared.settle(&self.key, |budget, now| budget.answered(at, verdict, now));
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let at = self.at;
        match self.phase {
            Phase::Given => self.shared.settle(&self.key, Budget::give_back),
            // Broken off under way: it may well have arrived.
            Phase::Sent => {
                self.shared.settle(&self.key, |budget, now| budget.answered(at, Verdict::Counted, now));
            }
            Phase::Told => {}
        }
    }
}
