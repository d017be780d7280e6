//! A wire-compatible stand-in for the users part of Amazon Connect, for tests, demos and benchmarks.
//!
//! [`Simulator::handle`] is the whole of it: a request and a time in, a reply out; no socket, no clock, no chance.
//! [`serve`] puts a socket in front. What AWS does not document is a [`Switches`] field, and what goes wrong a
//! [`Fault`]. The instances that it starts with are in [`fixtures`].

mod admin;
mod call;
mod calls;
mod channels;
mod error;
mod faults;
pub mod fixtures;
mod handle;
mod http;
pub mod iam;
mod instance;
mod lag;
mod modified;
mod mutation;
mod ops;
mod options;
mod page;
mod query;
mod quota;
mod references;
mod replica;
mod route;
pub mod sts;
mod switches;
mod timestamp;
pub mod user;
mod validate;
mod wire;
mod world;

pub use calls::CallRecord;
pub use faults::{Fault, FaultKind};
pub use http::serve;
pub use lag::Lag;
pub use mutation::{Mutation, UserPatch};
pub use options::Options;
pub use quota::{Quotas, Rate};
pub use route::OPERATIONS;
pub use switches::Switches;
pub use timestamp::Timestamp;
pub use user::User;
pub use wire::Reply;

use bytes::Bytes;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use world::World;

/// The simulated service; clones share their state.
#[derive(Clone, Debug)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Simulator {
    /// A simulator with the two instances of [`fixtures`] and no users.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { world: Arc::new(Mutex::new(World::new(options))) }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request, of the Connect API or under `/_simulator/`, as of `now`.
    #[allow(clippy::needless_pass_by_value)]
    pub fn handle(&self, request: ::http::Request<Bytes>, now: SystemTime) -> Reply {
        let mut world = self.world();
        if request.uri().path().starts_with(admin::PREFIX) {
            admin::handle(&mut world, &request, now.into())
        } else {
            world.handle(&request, now.into())
        }
    }

    /// All calls of the Connect API since the start or the last `clear_calls`, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        self.world().calls.clone()
    }

    /// Calls with a higher `seq`.
    #[must_use]
    pub fn calls_since(&self, seq: u64) -> Vec<CallRecord> {
        self.world().calls.iter().filter(|call| call.seq > seq).cloned().collect()
    }

    /// Forgets the calls so far; `seq` goes on.
    pub fn clear_calls(&self) {
        self.world().calls.clear();
    }

    /// All users of an instance as they really are, in order of creation.
    #[must_use]
    pub fn users(&self, instance_id: &str) -> Vec<User> {
        let world = self.world();
        let users = world.instances.get(instance_id).map(instance::Instance::users);
        users.into_iter().flatten().cloned().collect()
    }

    /// A user as it really is, by username without regard to case.
    #[must_use]
    pub fn user_by_name(&self, instance_id: &str, username: &str) -> Option<User> {
        self.world().instances.get(instance_id).and_then(|instance| instance.by_name(username, true)).cloned()
    }

    /// Changes something out of band, as of the latest `now` that a call brought.
    ///
    /// # Errors
    /// If what the mutation names does not exist.
    pub fn mutate(&self, mutation: Mutation) -> Result<String, String> {
        let mut world = self.world();
        let now = world.now;
        world.mutate(mutation, now)
    }

    /// Changes something out of band at a given time.
    ///
    /// # Errors
    /// If what the mutation names does not exist.
    pub fn mutate_at(&self, mutation: Mutation, now: SystemTime) -> Result<String, String> {
        self.world().mutate(mutation, now.into())
    }

    /// Adds a fault behind those there are.
    pub fn inject(&self, fault: Fault) {
        self.world().faults.push(fault);
    }

    /// The faults that may still strike.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.world().faults.clone()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.world().faults.clear();
    }

    /// The undocumented behaviours at present.
    #[must_use]
    pub fn switches(&self) -> Switches {
        self.world().switches
    }

    /// Changes the undocumented behaviours; what is stored stays as it is.
    pub fn set_switches(&self, switches: Switches) {
        self.world().switches = switches;
    }

    /// How far reads lag.
    #[must_use]
    pub fn lag(&self) -> Lag {
        self.world().lag
    }

    /// Changes how far reads lag, for writes from now on.
    pub fn set_lag(&self, lag: Lag) {
        self.world().lag = lag;
    }

    /// Changes the quotas; buckets keep their levels.
    pub fn set_quotas(&self, quotas: Option<Quotas>) {
        self.world().quotas = quotas;
    }

    /// What `GET /_simulator/state` answers.
    #[must_use]
    pub fn state(&self) -> Value {
        admin::state(&self.world())
    }

    /// Back to the start: no users, calls or faults; switches, quotas and lag of the options.
    pub fn reset(&self) {
        self.world().reset();
    }
}
