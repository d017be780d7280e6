//! What people declare, and what they do behind the operator's back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::IdentityInfo;
use connect_simulator::{Mutation, User, UserPatch};
use kube::api::{DeleteParams, ListParams};
use serde_json::json;

use super::BOUND;
use crate::histories::dice::Dice;
use crate::support::{Stage, condition, managed};

/// What is declared of one user.
#[derive(Clone, Debug)]
struct Declared {
    first_name: String,
    team: String,
}

pub struct People<'a> {
    stage: &'a Stage,
    declared: BTreeMap<String, Declared>,
    /// Being deleted, to be declared again when they are gone.
    going: BTreeSet<String>,
    /// Since when a user is not as declared.
    amiss: BTreeMap<String, Instant>,
    next: usize,
    changes: BTreeMap<&'static str, usize>,
    slowest: Duration,
}

impl<'a> People<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        Self {
            stage,
            declared: BTreeMap::new(),
            going: BTreeSet::new(),
            amiss: BTreeMap::new(),
            next: 0,
            changes: BTreeMap::new(),
            slowest: Duration::ZERO,
        }
    }

    fn count(&mut self, what: &'static str) -> usize {
        *self.changes.entry(what).or_default() += 1;
        self.next += 1;
        self.next
    }

    pub async fn declare(&mut self, count: usize) {
        for number in 0..count {
            self.declare_one(&format!("user-{number}")).await;
        }
    }

    async fn declare_one(&mut self, name: &str) {
        let number = self.count("declared");
        let declared = Declared { first_name: format!("Jane{number}"), team: format!("team-{number}") };
        let mut object = managed(name, name);
        object["spec"]["identityInfo"]["firstName"] = json!(declared.first_name);
        object["spec"]["tags"] = json!({ "team": declared.team });
        self.stage.create(&object).await;
        self.declared.insert(name.to_owned(), declared);
    }

    /// One that is there and is to stay.
    fn pick(&self, dice: &mut Dice) -> String {
        loop {
            let name = format!("user-{}", dice.below(self.declared.len() + self.going.len()));
            if self.declared.contains_key(&name) {
                return name;
            }
        }
    }

    pub async fn edit(&mut self, dice: &mut Dice) {
        let (name, number) = (self.pick(dice), self.count("edits"));
        let declared = self.declared.get_mut(&name).unwrap();
        let spec = if dice.one_in(2) {
            declared.first_name = format!("Jane{number}");
            json!({ "identityInfo": { "firstName": declared.first_name } })
        } else {
            declared.team = format!("team-{number}");
            json!({ "tags": { "team": declared.team } })
        };
        self.stage.edit(&name, spec).await;
    }

    pub fn change_elsewhere(&mut self, dice: &mut Dice) {
        let (name, number) = (self.pick(dice), self.count("changes elsewhere"));
        let Some(user) = self.stage.simulator.user_by_name(m::ID, &name) else { return };
        let set = match dice.below(3) {
            0 => {
                let first_name = Some(format!("Else{number}"));
                let identity_info = Some(IdentityInfo { first_name, ..user.identity_info });
                UserPatch { identity_info, ..UserPatch::default() }
            }
            1 => UserPatch { routing_profile_id: Some(m::ROUTING_TIER_1.to_owned()), ..UserPatch::default() },
            _ => {
                let mut tags = user.tags;
                tags.insert("team".to_owned(), format!("else-{number}"));
                UserPatch { tags: Some(tags), ..UserPatch::default() }
            }
        };
        self.stage.console(&name, set);
    }

    pub fn delete_elsewhere(&mut self, dice: &mut Dice) {
        let name = self.pick(dice);
        self.count("deletions elsewhere");
        let mutation = Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: name };
        // It may be gone from the last time.
        self.stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).ok();
    }

    pub async fn delete(&mut self, dice: &mut Dice) {
        let name = self.pick(dice);
        self.count("deletions");
        self.declared.remove(&name);
        self.amiss.remove(&name);
        self.stage.api().delete(&name, &DeleteParams::default()).await.unwrap();
        self.going.insert(name);
    }

    /// Declares those anew that are gone.
    pub async fn declare_again(&mut self) {
        for name in self.going.clone() {
            if self.stage.api().get_metadata_opt(&name).await.unwrap().is_none() {
                self.going.remove(&name);
                self.declare_one(&name).await;
            }
        }
    }

    /// No user is other than declared for longer than the bound.
    pub fn check(&mut self) {
        let users = self.users();
        for (name, declared) in &self.declared {
            if is_as_declared(users.get(name), declared) {
                if let Some(since) = self.amiss.remove(name) {
                    self.slowest = self.slowest.max(since.elapsed());
                }
                continue;
            }
            let since = *self.amiss.entry(name.clone()).or_insert_with(Instant::now);
            assert!(since.elapsed() < BOUND, "{name} is not put right: {declared:?}, {:?}", users.get(name));
        }
    }

    fn users(&self) -> BTreeMap<String, User> {
        let users = self.stage.simulator.users(m::ID).into_iter();
        users.map(|user| (user.username.clone(), user)).collect()
    }

    /// Waits until everything is as declared and said to be, and nobody is there besides.
    pub async fn all_as_declared(&mut self, patience: Duration) {
        let begun = Instant::now();
        loop {
            self.declare_again().await;
            let wrong = self.wrong().await;
            let Some(first) = wrong.first() else { return };
            assert!(begun.elapsed() < patience, "{} are not as declared, such as {first}", wrong.len());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn wrong(&self) -> Vec<String> {
        let users = self.users();
        let objects = self.stage.api().list(&ListParams::default()).await.unwrap().items;
        let is_ready: BTreeMap<String, bool> = objects
            .iter()
            .map(|object| {
                let observed = object.status.as_ref().and_then(|status| status.observed_generation);
                let ready = condition(object).is_some_and(|(status, _)| status == "True");
                (object.metadata.name.clone().unwrap(), ready && observed == object.metadata.generation)
            })
            .collect();
        let mut wrong: Vec<String> = self.going.iter().map(|name| format!("{name}: it is going")).collect();
        for (name, declared) in &self.declared {
            if !is_as_declared(users.get(name), declared) {
                wrong.push(format!("{name}: {declared:?}, {:?}", users.get(name)));
            } else if is_ready.get(name) != Some(&true) {
                wrong.push(format!("{name}: its object is not Ready"));
            }
        }
        let strangers = users.keys().filter(|name| !self.declared.contains_key(*name) && *name != "administrator");
        wrong.extend(strangers.map(|name| format!("{name}: nobody declares it")));
        wrong
    }

    pub fn told(&self) -> String {
        format!("{:?}, the slowest was put right after {:.0} s", self.changes, self.slowest.as_secs_f64())
    }
}

fn is_as_declared(user: Option<&User>, declared: &Declared) -> bool {
    user.is_some_and(|user| {
        user.identity_info.first_name.as_ref() == Some(&declared.first_name)
            && user.tags.get("team") == Some(&declared.team)
            && user.routing_profile_id == m::ROUTING_BASIC
    })
}
