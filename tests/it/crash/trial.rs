//! One run of a scenario on a stage of its own, with as many lives of the operator as it takes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{QuickConnectConfig, UserQuickConnectConfig};
use connect_simulator::{CallRecord, Mutation, User, UserPatch};
use connect_user_operator::controller::Intervals;
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::{INSTANCE_FINALIZER, OWNER_TAG, RELEASE_ANNOTATION, UID_TAG};
use futures::FutureExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::scenario::{Act, End, Scenario};
use crate::support::{Crash, Gate, Habitat, Incarnation, Options, Stage, condition};

/// How long nothing may happen at the end: longer than the slowest retry with its jitter.
const SILENCE: Duration = Duration::from_millis(400);

/// Fast, and in proportion to what is used in production.
pub const INTERVALS: Intervals = Intervals {
    sweep: Duration::from_secs(3600),
    search: Duration::from_secs(3600),
    resync: Duration::from_secs(3600),
    first_retry: Duration::from_millis(25),
    slowest_retry: Duration::from_millis(250),
    grace: Duration::from_millis(500),
    patience: Duration::from_secs(120),
};

static INSTANCES: AtomicUsize = AtomicUsize::new(1);

/// Where a run is, for the one that never ends.
#[derive(Clone, Default)]
pub struct Place(Arc<Mutex<(String, Option<Arc<Gate>>)>>);

impl Place {
    fn note(&self, place: String, incarnation: Option<&Incarnation>) {
        *self.0.lock().unwrap() = (place, incarnation.map(|incarnation| Arc::clone(&incarnation.gate)));
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (place, gate) = &*self.0.lock().unwrap();
        let steps = gate.as_ref().map(|gate| (gate.has_fallen(), gate.steps()));
        write!(f, "{place}; gate fallen and steps: {steps:?}")
    }
}

/// A scenario on its stage, past its acts.
pub struct Trial {
    pub stage: Stage,
    pub habitat: Habitat,
    pub scenario: Scenario,
    /// Uid by name of every object that ever was.
    pub uids: BTreeMap<String, String>,
    /// Users of the instance before the operator first ran.
    pub strangers: Vec<User>,
    /// Id by username when people began to act.
    pub first_ids: BTreeMap<String, String>,
    /// How many statuses had been written when people began to act.
    pub told_before: usize,
    /// Calls of Connect before that.
    pub calls_before: u64,
    /// Whether the operator is a process of its own.
    pub is_real: bool,
    place: Place,
    lives: AtomicUsize,
    /// How each object is to end in the present life.
    ends: Vec<(&'static str, End)>,
}

/// How one life went.
pub struct Life {
    pub steps: Vec<String>,
    /// Whether it ended in the crash that was meant for it.
    pub crashed: bool,
}

impl Trial {
    /// Sets the stage: strangers, the objects that are in order, and then the acts.
    pub async fn begin(scenario: Scenario) -> Self {
        Self::begin_with(scenario, false, Place::default()).await
    }

    /// The same; with `real` nothing is in this process and the stage's own operator is used.
    pub async fn begin_with(scenario: Scenario, real: bool, place: Place) -> Self {
        place.note("setting the stage".to_owned(), None);
        let name = format!("crash-{}", scenario.name);
        let stage = Stage::with(&name, Options { operator: false, ..Options::default() }).await;
        let id = format!("66666666-6666-4666-8666-{:012}", INSTANCES.fetch_add(1, Ordering::Relaxed));
        let instance = Mutation::AddInstance {
            instance_id: id.clone(),
            region: m::REGION.to_owned(),
            account: m::ACCOUNT.to_owned(),
            identity_management_type: "CONNECT_MANAGED".to_owned(),
        };
        stage.simulator.mutate(instance).unwrap();
        stage.simulator.set_switches(scenario.switches);
        let habitat = Habitat {
            cluster: stage.cluster,
            simulator: stage.simulator.clone(),
            namespace: stage.namespace.clone(),
            instance_id: id,
            intervals: Intervals { grace: scenario.grace, ..INTERVALS },
            patience: Duration::from_secs(10),
            plane_faults: Arc::default(),
            trespasses: Default::default(),
            confidences: Default::default(),
            statuses: Arc::default(),
        };
        let mut trial = Self {
            stage,
            habitat,
            scenario,
            uids: BTreeMap::new(),
            strangers: Vec::new(),
            first_ids: BTreeMap::new(),
            told_before: 0,
            calls_before: 0,
            is_real: real,
            place,
            lives: AtomicUsize::new(0),
            ends: Vec::new(),
        };
        trial.people().await;
        trial.given(real).await;
        trial.first_ids = trial.users().into_iter().map(|user| (user.username, user.id)).collect();
        trial.told_before = trial.habitat.statuses.lock().unwrap().len();
        trial.calls_before = trial.stage.calls().last().map_or(0, |call| call.seq);
        trial.stage.simulator.set_lag(trial.scenario.lag);
        for fault in std::mem::take(&mut trial.scenario.faults) {
            trial.stage.simulator.inject(fault);
        }
        for act in std::mem::take(&mut trial.scenario.acts) {
            trial.act(act).await;
        }
        let Scenario { then, meanwhile, ends, .. } = &trial.scenario;
        trial.ends = if then.is_empty() { ends.clone() } else { meanwhile.clone() };
        trial
    }

    /// What people do after the first life; whether they do anything.
    pub async fn then(&mut self) -> bool {
        let acts = std::mem::take(&mut self.scenario.then);
        let any = !acts.is_empty();
        for act in acts {
            self.act(act).await;
        }
        self.ends.clone_from(&self.scenario.ends);
        any
    }

    /// Users that are nobody's business here, and those of the scenario.
    async fn people(&mut self) {
        let foreign = [(OWNER_TAG, "other/ns/someone"), (UID_TAG, "00000000-0000-4000-8000-000000000000")];
        let foreign = foreign.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        for (username, tags) in [("stranger", Some(foreign)), ("walk.in", None)] {
            self.user(username, UserPatch { tags, ..UserPatch::default() });
        }
        self.strangers = self.users();
        for (username, set) in std::mem::take(&mut self.scenario.seed) {
            self.user(username, set);
        }
        if let Some(rules) = &self.scenario.rules {
            let mut spec = rules.clone();
            spec["instanceArn"] = json!(m::ARN.replace(m::ID, &self.habitat.instance_id));
            spec["allowedNamespaces"] = json!([self.stage.namespace]);
            let object = json!({
                "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance",
                "metadata": { "name": self.stage.namespace }, "spec": spec,
            });
            let object = serde_json::from_value(object).unwrap();
            self.instances().create(&PostParams::default(), &object).await.unwrap();
        }
    }

    async fn given(&mut self, real: bool) {
        let objects = std::mem::take(&mut self.scenario.given);
        if objects.is_empty() {
            return;
        }
        for object in &objects {
            self.create(object).await;
        }
        let incarnation = (!real).then(|| self.habitat.start(None));
        if real {
            self.stage.start_operator().await;
        }
        for name in self.uids.keys() {
            self.stage.ready(name).await;
        }
        match incarnation {
            Some(incarnation) => {
                self.at("the end of the life that made what is given".to_owned(), Some(&incarnation));
                incarnation.stop().await;
            }
            None => self.stage.stop_operator().await,
        }
    }

    /// A person does something.
    pub async fn act(&mut self, act: Act) {
        match act {
            Act::Create(object) => self.create(&object).await,
            Act::Edit(name, spec) => drop(self.stage.edit(name, spec).await),
            Act::Delete(name) => self.stage.delete(name).await,
            Act::Release(name) => {
                let release = json!({ "metadata": { "annotations": { RELEASE_ANNOTATION: "delete" } } });
                self.stage.api().patch(name, &PatchParams::default(), &Patch::Merge(release)).await.unwrap();
            }
            Act::Forget(name) => {
                let nothing = Patch::Merge(json!({ "status": null }));
                self.stage.api().patch_status(name, &PatchParams::default(), &nothing).await.unwrap();
            }
            Act::Dismiss(username) => {
                let (instance_id, user) = (self.habitat.instance_id.clone(), username.to_owned());
                self.stage.simulator.mutate(Mutation::DeleteUser { instance_id, user }).unwrap();
            }
            Act::Wait => tokio::time::sleep(INTERVALS.grace + INTERVALS.grace / 5).await,
            Act::QuickConnect(username) => {
                let id = self.first_ids[username].clone();
                let config = QuickConnectConfig {
                    quick_connect_type: "USER".to_owned(),
                    user_config: Some(UserQuickConnectConfig {
                        user_id: id,
                        contact_flow_id: m::CONTACT_FLOW.to_owned(),
                    }),
                    queue_config: None,
                    phone_config: None,
                };
                let instance_id = self.habitat.instance_id.clone();
                let name = format!("to {username}");
                self.stage.simulator.mutate(Mutation::AddQuickConnect { instance_id, name, config }).unwrap();
            }
        }
    }

    async fn create(&mut self, object: &Value) {
        let here = object.to_string().replace(m::ID, &self.habitat.instance_id);
        let made = self.stage.create(&serde_json::from_str(&here).unwrap()).await;
        self.uids.insert(made.name_any(), made.uid().unwrap());
    }

    fn user(&self, username: &str, set: UserPatch) {
        let (instance_id, username) = (self.habitat.instance_id.clone(), username.to_owned());
        self.stage.simulator.mutate(Mutation::CreateUser { instance_id, username, set: Box::new(set) }).unwrap();
    }

    pub fn users(&self) -> Vec<User> {
        self.stage.simulator.users(&self.habitat.instance_id)
    }

    /// Calls of Connect since people began to act.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.stage.simulator.calls_since(self.calls_before)
    }

    fn instances(&self) -> Api<ConnectInstance> {
        Api::all(self.stage.client.clone())
    }

    /// One life of the operator: until it crashes, or until all is done and it has fallen silent.
    pub async fn live(&self, crash: Option<Crash>) -> Life {
        let life = self.lives.fetch_add(1, Ordering::Relaxed) + 1;
        let incarnation = self.habitat.start(crash);
        self.at(format!("life {life}, which has not come to its end"), Some(&incarnation));
        let mut crashed = tokio::select! {
            () = incarnation.gate.fallen() => true,
            () = self.come_to_the_end(&incarnation) => false,
        };
        self.at(format!("the end of life {life} (crashed: {crashed})"), Some(&incarnation));
        assert!(
            incarnation
                .metrics
                .text()
                .contains("controller_runtime_reconcile_panics_total{controller=\"connectuser\"} 0\n")
        );
        let gate = Arc::clone(&incarnation.gate);
        if crashed {
            incarnation.kill().await;
        } else {
            crashed = incarnation.end().await;
        }
        let steps = gate.steps();
        self.at(format!("after life {life}"), None);
        Life { steps, crashed }
    }

    /// How many lives there were after people began to act.
    pub fn lives(&self) -> usize {
        self.lives.load(Ordering::Relaxed)
    }

    /// Notes where the run is.
    fn at(&self, place: String, incarnation: Option<&Incarnation>) {
        self.place.note(place, incarnation);
    }

    /// Waits until all is done, and then for silence.
    pub async fn come_to_the_end(&self, incarnation: &Incarnation) {
        self.reach_the_end(incarnation).await;
        if !self.is_at_its_end().await {
            // What the instance answered to an earlier life stood until it was asked again, and did not answer.
            self.reach_the_end(incarnation).await;
            assert!(self.is_at_its_end().await, "what had come to its end left it again");
        }
    }

    async fn reach_the_end(&self, incarnation: &Incarnation) {
        if self.stage.eventually(|| self.is_at_its_end().map(|at_end| at_end.then_some(()))).await.is_none() {
            self.give_up(&incarnation.gate.steps()).await;
        }
        // The words of one that is held count the others, which may still be going.
        let tries = if self.ends.iter().any(|(_, end)| *end == End::Held) { 5 } else { 1 };
        let (mut before, mut after) = (self.pulse().await, None);
        for _ in 0..tries {
            before = after.unwrap_or(before);
            tokio::time::sleep(SILENCE).await;
            let now = self.pulse().await;
            let is_silent = now == before;
            after = Some(now);
            if is_silent {
                break;
            }
        }
        let after = after.unwrap();
        assert_eq!(before, after, "it does not fall silent: {}", last(&self.stage.operations()));
    }

    /// Whether every object is where it is to end.
    pub async fn is_at_its_end(&self) -> bool {
        for (name, end) in &self.ends {
            let object = self.stage.api().get_opt(name).await.unwrap();
            let is_there = match (&object, end) {
                (None, End::Gone) => true,
                (Some(object), End::Ready) => {
                    let observed = object.status.as_ref().and_then(|status| status.observed_generation);
                    let id = object.status.as_ref().and_then(|status| status.user_id.as_ref());
                    condition(object).is_some_and(|(status, _)| status == "True")
                        && observed == object.metadata.generation
                        && self.users().iter().any(|user| Some(&user.id) == id)
                }
                (Some(object), End::Held) => {
                    object.metadata.deletion_timestamp.is_some()
                        && condition(object).is_some_and(|(_, reason)| reason == "DeletionHeld")
                }
                _ => false,
            };
            if !is_there {
                return false;
            }
        }
        self.scenario.rules.is_none() || self.instance_is_in_order().await
    }

    /// Whether the object of the rules is held and tells that its instance answers.
    async fn instance_is_in_order(&self) -> bool {
        let object = self.instances().get(&self.stage.namespace).await.unwrap();
        let conditions = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        // Once nobody uses it any more it may go, but need not at once.
        let is_used = self.ends.iter().any(|(_, end)| *end != End::Gone);
        (!is_used || object.finalizers().iter().any(|finalizer| finalizer == INSTANCE_FINALIZER))
            && conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
    }

    /// What moves with every write to Connect or to an object.
    async fn pulse(&self) -> (usize, Vec<Option<String>>) {
        let mut versions = Vec::new();
        for (name, _) in &self.ends {
            versions.push(self.stage.api().get_opt(name).await.unwrap().and_then(|object| object.resource_version()));
        }
        (self.stage.writes().len(), versions)
    }

    async fn give_up(&self, steps: &[String]) {
        let mut objects = Vec::new();
        for (name, end) in &self.ends {
            let object = self.stage.api().get_opt(name).await.unwrap();
            let object = object.map(|object| (object.metadata.deletion_timestamp, object.status));
            objects.push(format!("{name} should be {end:?} and is {}", serde_json::to_string(&object).unwrap()));
        }
        panic!(
            "it did not come to its end:\n{}\nsteps of the last life: {}\ncalls: {}",
            objects.join("\n"),
            last(steps),
            last(&self.stage.operations()),
        );
    }

    /// Takes away what is not in the namespace.
    pub async fn clear(&self) {
        if self.scenario.rules.is_some() {
            let name = &self.stage.namespace;
            self.instances().delete(name, &DeleteParams::default()).await.unwrap();
            let release = Patch::Merge(json!({ "metadata": { "finalizers": [] } }));
            drop(self.instances().patch(name, &PatchParams::default(), &release).await);
        }
    }
}

/// The end of a long story.
fn last(steps: &[String]) -> String {
    steps[steps.len().saturating_sub(40)..].join(", ")
}
