//! Properties of the sweep over the real adapter: it misses no change, under lag and pages that shift while
//! they are read, and never takes a change of our own for somebody else's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use connect_simulator::fixtures::{self, managed as m};
use connect_simulator::{Lag, Mutation, Simulator, Switches};
use connect_user_operator::connect::Connect;
use connect_user_operator::connect::aws::AwsConnect;
use connect_user_operator::inventory::sweep::Inventory;
use connect_user_operator::plan::call::Call;
use connect_user_operator::user::ids::{Instance, RoutingProfileId, UserId, Username};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::fixpoint::{holds, in_process};

/// What happens, and how many milliseconds later.
#[derive(Clone, Debug)]
enum Step {
    Console(usize),
    Delete(usize),
    Own(usize),
    Look(usize),
    /// A sweep, with a change in the console after each page.
    Sweep(Vec<usize>),
}

const USERS: usize = 7;
/// Changes by others so shortly after a write of our own are left to the search.
const SLACK: u64 = 2_000;

fn steps() -> impl Strategy<Value = Vec<(Step, u64)>> {
    let user = 0..USERS;
    let step = prop_oneof![
        4 => user.clone().prop_map(Step::Console),
        1 => user.clone().prop_map(Step::Delete),
        3 => user.clone().prop_map(Step::Own),
        3 => user.clone().prop_map(Step::Look),
        4 => prop::collection::vec(user, 0..3).prop_map(Step::Sweep),
    ];
    prop::collection::vec((step, prop_oneof![1u64..50, 500u64..6_000]), 1..40)
}

struct World {
    simulator: Simulator,
    instance: Instance,
    connect: AwsConnect,
    inventory: Inventory,
    clock: Arc<AtomicU64>,
    ids: Vec<UserId>,
    /// Changes by others since the last look at a user; a deletion, too.
    foreign: BTreeMap<usize, u64>,
    /// End of the last write of our own.
    own: BTreeMap<usize, u64>,
    deleted: BTreeSet<usize>,
}

fn at(millis: u64) -> SystemTime {
    fixtures::EPOCH.to_system_time() + Duration::from_millis(millis)
}

impl World {
    fn new(switches: Switches) -> Self {
        let simulator = Simulator::default();
        simulator.set_switches(switches);
        simulator.set_lag(Lag { list_after_create_ms: 3_000, list_after_delete_ms: 3_000, ..Lag::default() });
        let clock = Arc::new(AtomicU64::new(0));
        let hand = Arc::clone(&clock);
        // Pages of two, so that there is something between them.
        let small = |uri: String| uri.replace("maxResults=1000", "maxResults=2");
        let connect = in_process::connect_at(&simulator, move || at(hand.load(Ordering::Relaxed)), small);
        let ids = (0..USERS).map(|number| {
            let (instance_id, username) = (m::ID.to_owned(), format!("agent-{number}"));
            let mutation = Mutation::CreateUser { instance_id, username, set: Box::default() };
            UserId::new(&simulator.mutate_at(mutation, at(0)).unwrap())
        });
        let world = Self {
            ids: ids.collect(),
            instance: Instance::parse(m::ARN).unwrap(),
            inventory: Inventory::new(SignedDuration::from_secs(5)),
            connect,
            simulator,
            clock,
            foreign: BTreeMap::new(),
            own: BTreeMap::new(),
            deleted: BTreeSet::new(),
        };
        world.pass(10_000);
        world
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    fn pass(&self, millis: u64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::try_from(at(self.now())).unwrap()
    }

    fn console(&mut self, number: usize) {
        let instance_id = m::ID.to_owned();
        let mutation = Mutation::TouchUser { instance_id, user: format!("agent-{number}") };
        if self.simulator.mutate_at(mutation, at(self.now())).is_ok() {
            self.foreign.insert(number, self.now());
        }
    }

    fn delete(&mut self, number: usize) {
        let mutation = Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: format!("agent-{number}") };
        if self.simulator.mutate_at(mutation, at(self.now())).is_ok() {
            self.foreign.insert(number, self.now());
            self.deleted.insert(number);
        }
    }

    fn own(&mut self, runtime: &Runtime, number: usize) {
        let Self { connect, instance, inventory, ids, .. } = self;
        let routing_profile = RoutingProfileId::new(m::ROUTING_BASIC);
        let call = Call::UpdateUserRoutingProfile { routing_profile };
        let writing = inventory.writing(instance, &ids[number]);
        let written = runtime.block_on(connect.write(instance, Some(&ids[number]), &call));
        self.pass(80);
        if written.is_ok() {
            writing.acknowledged(self.timestamp());
            // A user has one time of the last change, and it is ours now.
            self.foreign.remove(&number);
            self.own.insert(number, self.now());
        }
    }

    fn look(&mut self, runtime: &Runtime, number: usize) {
        let Self { connect, instance, inventory, ids, .. } = self;
        if let Ok(user) = runtime.block_on(connect.describe_user(instance, &ids[number])) {
            inventory.looked_at(instance, &user, None);
            self.foreign.remove(&number);
        }
    }

    /// Checks what a sweep finds against what has happened.
    fn sweep(&mut self, runtime: &Runtime, between: Vec<usize>, shifts: bool) -> Result<(), TestCaseError> {
        let before = self.foreign.clone();
        let begun = self.now();
        for number in between {
            self.console(number);
            self.pass(30);
        }
        let Self { connect, instance, inventory, .. } = self;
        let now = Timestamp::try_from(at(self.clock.load(Ordering::Relaxed))).unwrap();
        let swept = runtime.block_on(inventory.sweep(connect, instance, now, |_| false)).unwrap();
        let suspects: BTreeSet<usize> =
            swept.suspects.iter().map(|id| self.ids.iter().position(|known| known == id).unwrap()).collect();
        for (number, changed) in &before {
            let hidden = self.own.get(number).is_some_and(|own| *changed <= own + SLACK);
            // A deletion is hidden by nothing but the lag of the listing.
            let is_certain = if self.deleted.contains(number) { changed + 3_000 <= begun } else { !hidden };
            prop_assert!(!is_certain || suspects.contains(number), "missed a change of agent-{number} at {changed}");
        }
        for number in &suspects {
            prop_assert!(shifts || self.foreign.contains_key(number), "agent-{number} was changed by nobody else");
        }
        Ok(())
    }
}

#[test]
fn the_sweep_misses_no_change_and_invents_none() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (switches, shifts) in [
        (Switches::default(), false),
        (Switches { pages_are_short: true, ..Switches::default() }, false),
        (Switches { pages_by_position: true, ..Switches::default() }, true),
    ] {
        holds(80, &steps(), |steps| {
            let mut world = World::new(switches);
            let mut last = world.simulator.calls().len();
            for number in 0..USERS {
                world.look(&runtime, number);
            }
            for (step, passes) in steps {
                match step {
                    Step::Console(number) => world.console(number),
                    Step::Delete(number) => world.delete(number),
                    Step::Own(number) => world.own(&runtime, number),
                    Step::Look(number) => world.look(&runtime, number),
                    Step::Sweep(between) => world.sweep(&runtime, between, shifts)?,
                }
                prop_assert!(world.simulator.calls().len() >= last);
                last = world.simulator.calls().len();
                world.pass(passes);
            }
            // Whatever has happened is seen once the listing has caught up and nobody writes any more.
            world.pass(10_000);
            world.sweep(&runtime, Vec::new(), shifts)
        });
    }
}

/// The name of a user that is not looked for by id.
#[test]
fn a_name_is_found_by_the_same_listing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let World { connect, instance, inventory, ids, .. } = World::new(Switches::default());
    let found =
        runtime.block_on(inventory.find(&connect, &instance, None, &Username::new("AGENT-3"), Timestamp::UNIX_EPOCH));
    assert_eq!(found.unwrap(), connect_user_operator::inventory::sweep::Listed::ByName(ids[3].clone()));
}
