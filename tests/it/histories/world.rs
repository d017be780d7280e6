//! The world of one history: the API server, Connect, operators and people.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, Lag, Mutation, Simulator, UserPatch};
use connect_user_operator::controller::{self, Clock, Intervals, Settings};
use connect_user_operator::lead::Lead;
use connect_user_operator::metrics::Metrics;
use connect_user_operator::pace::Pace;
use connect_user_operator::policy::{Brake, Tenancy};
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::user::{ConnectUser, ConnectUserSpec};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use harness::memory::{self, ApiServer};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, CustomResourceExt};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::audit::Audit;
use super::connect::{Wire, clients, hop};
use super::dice::Dice;
use super::step::{INSTANCES, Retag, SLOTS, Step};
use super::time;
use crate::fixpoint::specs::SKILLS;

const INTERVALS: Intervals = Intervals {
    sweep: Duration::from_secs(300),
    search: Duration::from_secs(3600),
    resync: Duration::from_secs(1800),
    first_retry: Duration::from_secs(1),
    slowest_retry: Duration::from_secs(450),
    grace: Duration::from_secs(60),
    patience: Duration::from_secs(120),
};

struct Operator {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

pub struct World {
    pub server: ApiServer,
    pub simulator: Simulator,
    pub audit: Arc<Mutex<Audit>>,
    dice: Arc<Mutex<Dice>>,
    client: Client,
    operators: Vec<Operator>,
    started: usize,
    intervals: Intervals,
}

/// The definitions, read once.
pub fn definitions() -> Vec<Value> {
    vec![json!(ConnectUser::crd()), json!(ConnectInstance::crd())]
}

impl World {
    pub async fn new(seed: u64, definitions: &[Value]) -> Self {
        time::begin();
        let server = ApiServer::new(definitions, Arc::new(time::now));
        let simulator = Simulator::default();
        let client = server.client("somebody", None);
        let audit = Arc::new(Mutex::new(Audit::new(server.clone(), INTERVALS.grace)));
        let dice = Arc::new(Mutex::new(Dice::new(!seed)));
        // In every other history the looks of their own are so rare that listing and index have to tell.
        let resync = if seed.is_multiple_of(2) { INTERVALS.resync } else { Duration::from_secs(12 * 3600) };
        let intervals = Intervals { resync, ..INTERVALS };
        let mut world = Self { server, simulator, audit, dice, client, operators: Vec::new(), started: 0, intervals };
        world.furnish().await;
        world.start();
        world
    }

    /// What every history finds.
    async fn furnish(&self) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        for name in ["a", "b", "operator"] {
            let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
            namespaces.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await.unwrap();
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "password" },
                "data": { "password": "U2VudGluZWwtUGFzc3cwcmQ=" },
            });
            let secrets: Api<Secret> = Api::namespaced(self.client.clone(), name);
            secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
        }
        let values = SKILLS.map(str::to_owned).to_vec();
        self.mutate(Mutation::SetPredefinedAttribute {
            instance_id: m::ID.to_owned(),
            name: "Skill".to_owned(),
            values,
        });
        let set = UserPatch { security_profile_ids: Some(vec![m::SECURITY_ADMIN.to_owned()]), ..UserPatch::default() };
        self.make("administrator", set);
    }

    fn mutate(&self, mutation: Mutation) {
        // Nobody of this name: then nothing happens.
        if let Ok(id) = self.simulator.mutate_at(mutation, time::now().into()) {
            self.audit.lock().unwrap().touch(&id);
        }
    }

    fn make(&self, username: &str, set: UserPatch) {
        let (instance_id, username) = (m::ID.to_owned(), username.to_owned());
        if self.simulator.user_by_name(m::ID, &username).is_none() {
            self.mutate(Mutation::CreateUser { instance_id, username, set: Box::new(set) });
        }
    }

    fn change(&self, username: &str, set: UserPatch) {
        let (instance_id, user) = (m::ID.to_owned(), username.to_owned());
        self.mutate(Mutation::UpdateUser { instance_id, user, set: Box::new(set) });
    }

    // === operators

    fn start(&mut self) {
        self.started += 1;
        let name = format!("operator-{}", self.started);
        let dice = Arc::clone(&self.dice);
        let latency: memory::Latency = Arc::new(move || hop(&dice));
        let wire = Wire {
            simulator: self.simulator.clone(),
            audit: Arc::clone(&self.audit),
            dice: Arc::clone(&self.dice),
            operator: name.clone(),
        };
        let settings = Settings {
            pace: Pace::unlimited(),
            client: self.server.client(&name, Some(latency)),
            clients: clients(wire),
            cluster: "test".to_owned(),
            intervals: self.intervals,
            namespaces: Vec::new(),
            selector: None,
            read_only: false,
            lead: Lead::alone(),
            own_namespace: "operator".to_owned(),
            tenancy: Tenancy::Open,
            brake: Brake { most: 100, window: Duration::from_secs(3600) },
            clock: Clock::new(time::now),
            metrics: Metrics::new(),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(controller::run(settings, stop.clone(), || {}));
        self.operators.push(Operator { task, stop });
    }

    /// Ends the last operator that was started.
    async fn end(&mut self, in_order: bool) {
        let Some(Operator { mut task, stop }) = self.operators.pop() else { return };
        if in_order {
            stop.cancel();
            // As long as the requests under way may take, and then some; whoever takes longer is killed.
            if tokio::time::timeout(Duration::from_secs(600), &mut task).await.is_err() {
                self.audit.lock().unwrap().violation("an operator that was told to stop does not".to_owned());
            }
        }
        task.abort();
    }

    /// What a panic of the controller itself would leave.
    pub fn operators_run(&self) -> bool {
        self.operators.iter().all(|operator| !operator.task.is_finished())
    }

    /// Whether only listing and index tell what somebody has changed.
    pub fn is_rarely_looked_at(&self) -> bool {
        self.intervals.resync > INTERVALS.resync
    }

    /// By when all has come to rest and everything has been looked at, one way or the other.
    pub fn quiet(&self) -> Duration {
        const REACTION: Duration = Duration::from_secs(300);
        let look =
            if self.is_rarely_looked_at() { self.intervals.search + self.intervals.sweep } else { INTERVALS.resync };
        look.mul_f64(1.1) + REACTION
    }

    /// By when a sweep has noticed what it can, and that is put right.
    pub fn sweep(&self) -> Duration {
        self.intervals.sweep.mul_f64(1.1) + Duration::from_secs(30)
    }

    /// Changes every user past the operator, in what the listing shows by its date.
    pub fn disturb(&self) {
        self.audit.lock().unwrap().note("# everybody is renamed");
        for user in self.simulator.users(m::ID) {
            let name = connect_simulator::user::IdentityInfo {
                first_name: Some("Nobody".to_owned()),
                ..user.identity_info.clone()
            };
            self.change(&user.username, UserPatch { identity_info: Some(name), ..UserPatch::default() });
        }
    }

    /// The same in what only the index shows.
    pub fn disturb_tags(&self) {
        self.audit.lock().unwrap().note("# everybody's tags are changed");
        for user in self.simulator.users(m::ID) {
            let mut tags = user.tags.clone();
            for (key, value) in tags.iter_mut().filter(|(key, _)| *key != OWNER_TAG && *key != UID_TAG) {
                value.push_str(key);
            }
            self.change(&user.username, UserPatch { tags: Some(tags), ..UserPatch::default() });
        }
    }

    // === steps

    fn users(&self, slot: usize) -> (Api<ConnectUser>, &'static str) {
        let (namespace, name) = SLOTS[slot];
        (Api::namespaced(self.client.clone(), namespace), name)
    }

    async fn edit(&self, slot: usize, change: impl FnOnce(&mut ConnectUserSpec)) {
        let (api, name) = self.users(slot);
        let Ok(mut object) = api.get(name).await else { return };
        change(&mut object.spec);
        // Refused where the object is gone meanwhile.
        api.replace(name, &PostParams::default(), &object).await.ok();
    }

    pub async fn take(&mut self, step: &Step) {
        if !matches!(step, Step::Wait { .. }) {
            self.audit.lock().unwrap().note(&format!("# {step:?}"));
        }
        match step {
            Step::Create { slot, spec } => {
                let (api, name) = self.users(*slot);
                api.create(&PostParams::default(), &ConnectUser::new(name, (**spec).clone())).await.ok();
            }
            Step::Edit { slot, spec, whole } => self.edit(*slot, |old| mix(old, spec, *whole)).await,
            Step::Deletion { slot, policy } => self.edit(*slot, |spec| spec.deletion_policy = *policy).await,
            Step::Adoption { slot, policy } => self.edit(*slot, |spec| spec.adoption_policy = *policy).await,
            Step::Drift { slot, policy } => self.edit(*slot, |spec| spec.drift_policy = *policy).await,
            Step::Suspend { slot, on } => self.edit(*slot, |spec| spec.suspend = *on).await,
            Step::Annotate { slot, key, value } => {
                let (api, name) = self.users(*slot);
                let patch = json!({ "metadata": { "annotations": { *key: value } } });
                api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.ok();
            }
            Step::Delete { slot } => {
                let (api, name) = self.users(*slot);
                api.delete(name, &DeleteParams::default()).await.ok();
            }
            Step::ForgetStatus { slot } => {
                let (api, name) = self.users(*slot);
                if let Ok(mut object) = api.get(name).await {
                    object.status = serde_json::from_value(json!({ "observedGeneration": -1 })).unwrap();
                    api.replace_status(name, &PostParams::default(), &object).await.ok();
                }
            }
            Step::Console { username, patch } => self.change(username, (**patch).clone()),
            Step::ConsoleRename { username, to } => {
                if self.simulator.user_by_name(m::ID, to).is_none() {
                    self.change(username, UserPatch { username: Some((*to).to_owned()), ..UserPatch::default() });
                }
            }
            Step::ConsoleDelete { username } => {
                self.mutate(Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: (*username).to_owned() });
            }
            Step::ConsoleCreate { username, patch } => self.make(username, (**patch).clone()),
            Step::Retag { username, how } => self.retag(username, *how),
            Step::Instance { index, freeze, namespaces, adoption, cleanup } => {
                let spec = json!({
                    "instanceArn": m::ARN, "freeze": freeze, "allowedNamespaces": namespaces, "adoption": adoption,
                    "quickConnectCleanup": cleanup,
                });
                self.instance(INSTANCES[*index], spec).await;
            }
            Step::InstanceDelete { index } => {
                let api: Api<ConnectInstance> = Api::all(self.client.clone());
                api.delete(INSTANCES[*index], &DeleteParams::default()).await.ok();
            }
            Step::ConnectFault { operation, kind, skip, times } => {
                let fault = Fault::new(kind.clone()).skip(*skip).times(*times);
                self.simulator.inject(operation.iter().fold(fault, |fault, operation| fault.on(operation)));
            }
            Step::Lag { millis } => {
                self.simulator.set_lag(Lag::uniform(*millis));
                let mut audit = self.audit.lock().unwrap();
                audit.lag = audit.lag.max(Duration::from_millis(*millis));
            }
            Step::ApiFault { harm, writes, plural, skip, times } => self.server.inject(memory::Fault {
                harm: *harm,
                writes: *writes,
                plural: plural.map(str::to_owned),
                // People are not struck: what they do is to happen.
                spares: Some("somebody".to_owned()),
                skip: *skip,
                times: *times,
            }),
            Step::DropWatches => self.server.drop_watches(),
            Step::Compact => self.server.compact(),
            Step::Hold => self.server.hold(),
            Step::Release => self.server.release(),
            Step::Restart => {
                self.end(false).await;
                self.start();
            }
            Step::Rollout => {
                self.end(true).await;
                self.start();
            }
            Step::Second { on: true } if self.operators.len() < 2 => self.start(),
            Step::Second { on: false } if self.operators.len() == 2 => self.end(false).await,
            Step::Second { .. } => {}
            Step::Wait { millis } => tokio::time::sleep(Duration::from_millis(*millis)).await,
        }
    }

    async fn instance(&self, name: &str, spec: Value) {
        let api: Api<ConnectInstance> = Api::all(self.client.clone());
        let spec: connect_user_operator::resource::instance::ConnectInstanceSpec =
            serde_json::from_value(spec).unwrap();
        match api.get_opt(name).await.unwrap() {
            Some(mut object) => {
                object.spec = spec;
                api.replace(name, &PostParams::default(), &object).await.ok();
            }
            None => {
                api.create(&PostParams::default(), &ConnectInstance::new(name, spec)).await.ok();
            }
        }
    }

    fn retag(&self, username: &str, how: Retag) {
        let Some(user) = self.simulator.user_by_name(m::ID, username) else { return };
        let mut tags = user.tags;
        match how {
            Retag::Foreign => {
                tags.insert(OWNER_TAG.to_owned(), "elsewhere/a/jane".to_owned());
                tags.insert(UID_TAG.to_owned(), "of-elsewhere".to_owned());
            }
            Retag::Stripped => tags.retain(|key, _| key != OWNER_TAG && key != UID_TAG),
            Retag::OldUid => {
                if tags.contains_key(UID_TAG) {
                    tags.insert(UID_TAG.to_owned(), "of-long-ago".to_owned());
                }
            }
        }
        self.change(username, UserPatch { tags: Some(tags), ..UserPatch::default() });
    }

    /// Nothing goes wrong any more, and one operator is left.
    pub async fn calm(&mut self) {
        self.audit.lock().unwrap().note("# calm");
        self.simulator.clear_faults();
        self.simulator.set_lag(Lag::default());
        self.server.clear_faults();
        self.server.release();
        if self.operators.len() == 2 {
            self.end(false).await;
        }
    }

    pub fn stop(&mut self) {
        for operator in self.operators.drain(..) {
            operator.task.abort();
        }
    }
}

/// What an edit makes of a spec: the whole of another, or some of its fields. Policies stay.
fn mix(old: &mut ConnectUserSpec, new: &ConnectUserSpec, whole: bool) {
    let take = |part: usize| whole || (json!(new).to_string().len() + part).is_multiple_of(3);
    if take(0) {
        old.identity_info.clone_from(&new.identity_info);
        old.tags.clone_from(&new.tags);
    }
    if take(1) {
        old.routing_profile_arn.clone_from(&new.routing_profile_arn);
        old.security_profile_arns.clone_from(&new.security_profile_arns);
        old.user_proficiencies.clone_from(&new.user_proficiencies);
    }
    if take(2) {
        old.hierarchy_group_arn.clone_from(&new.hierarchy_group_arn);
        old.phone_config.clone_from(&new.phone_config);
        old.auto_accept_configs.clone_from(&new.auto_accept_configs);
        old.after_contact_work_configs.clone_from(&new.after_contact_work_configs);
        old.phone_number_configs.clone_from(&new.phone_number_configs);
        old.persistent_connection_configs.clone_from(&new.persistent_connection_configs);
        old.voice_enhancement_configs.clone_from(&new.voice_enhancement_configs);
    }
}
