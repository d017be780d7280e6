//! The controller as it is, over an API server in memory and the simulator, by a clock that only moves when
//! nobody has anything to do. What goes to Amazon Connect is made by the real SDK and read by the simulator.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use connect_simulator::fixtures::managed;
use connect_simulator::{CallRecord, Mutation, Options, Quotas, Simulator, UserPatch};
use connect_user_operator::controller::{self, Clock, Intervals, Settings};
use connect_user_operator::lead::Lead;
use connect_user_operator::metrics::Metrics;
use connect_user_operator::pace::limits::Limits;
use connect_user_operator::pace::{Pace, gate};
use connect_user_operator::policy::{Brake, Tenancy};
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::user::ConnectUser;
use harness::memory::{ApiServer, Latency};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, CustomResourceExt};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::wire;
use crate::objects;

/// The first second.
const FIRST: i64 = 1_767_225_600;
/// One way to the API server.
const TO_THE_API_SERVER: Duration = Duration::from_millis(2);
/// The namespace of all agents.
const NAMESPACE: &str = "agents";

/// Everything there is.
pub struct World {
    pub simulator: Simulator,
    pub intervals: Intervals,
    server: ApiServer,
    client: Client,
    began: Instant,
    operator: Option<(JoinHandle<()>, CancellationToken)>,
    writes: Writes,
}

/// What the operator wrote to the API server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Writes that changed a status, but for those that tell a wait.
    pub status: usize,
    /// Writes that told an object how long it waits.
    pub told: usize,
    /// Any others.
    pub other: usize,
}

#[derive(Default)]
struct Writes {
    statuses: HashMap<String, u64>,
    count: Count,
}

/// Runs a story in virtual time.
pub fn play<T>(story: impl AsyncFnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(story())
}

impl World {
    /// A world with an instance that has an administrator, and an operator.
    pub async fn new(quotas: Quotas) -> Self {
        let began = Instant::now();
        let definitions = [json!(ConnectUser::crd()), json!(ConnectInstance::crd())];
        let server = ApiServer::new(&definitions, Arc::new(move || calendar(began)));
        let options = Options { quotas: Some(quotas), users_quota: usize::MAX, ..Options::default() };
        let simulator = Simulator::new(options);
        let client = server.client("somebody", None);
        let mut world = Self {
            simulator,
            intervals: Intervals::default(),
            server,
            client,
            began,
            operator: None,
            writes: Writes::default(),
        };
        let set =
            UserPatch { security_profile_ids: Some(vec![managed::SECURITY_ADMIN.to_owned()]), ..UserPatch::default() };
        let (instance_id, username) = (managed::ID.to_owned(), "administrator".to_owned());
        world.mutate(Mutation::CreateUser { instance_id, username, set: Box::new(set) });
        let metadata = ObjectMeta { name: Some(NAMESPACE.to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(world.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let secret: Secret = serde_json::from_value(objects::secret()).unwrap();
        Api::namespaced(world.client.clone(), NAMESPACE).create(&PostParams::default(), &secret).await.unwrap();
        world.start();
        world
    }

    /// Starts the operator.
    pub fn start(&mut self) {
        let began = self.began;
        let latency: Latency = Arc::new(|| TO_THE_API_SERVER);
        let settings = Settings {
            pace: Pace::new(Limits::default(), gate::ROOM, Arc::new(|_, _| ())),
            client: self.server.client("operator", Some(latency)),
            clients: wire::clients(&self.simulator, move || calendar(began).into()),
            cluster: "bench".to_owned(),
            intervals: self.intervals,
            namespaces: Vec::new(),
            selector: None,
            read_only: false,
            lead: Lead::alone(),
            own_namespace: NAMESPACE.to_owned(),
            tenancy: Tenancy::Open,
            brake: Brake { most: 1_000_000, window: Duration::from_secs(3600) },
            clock: Clock::new(move || calendar(began)),
            metrics: Metrics::new(),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(controller::run(settings, stop.clone(), || {}));
        self.operator = Some((task, stop));
    }

    /// Ends it in good order.
    pub async fn stop(&mut self) {
        let (task, stop) = self.operator.take().expect("an operator");
        stop.cancel();
        task.await.expect("an orderly end");
    }

    /// What the calendar says.
    pub fn now(&self) -> SystemTime {
        calendar(self.began).into()
    }

    /// The calendar, to take along.
    pub fn clock(&self) -> impl Fn() -> SystemTime + Send + 'static {
        let began = self.began;
        move || calendar(began).into()
    }

    /// Something happens in Connect.
    pub fn mutate(&self, mutation: Mutation) {
        self.simulator.mutate_at(mutation, self.now()).unwrap();
    }

    /// The ConnectUsers.
    pub fn agents(&self) -> Api<ConnectUser> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Declares a user.
    pub async fn create(&self, agent: &ConnectUser) {
        self.agents().create(&PostParams::default(), agent).await.unwrap();
    }

    /// A merge patch of a spec.
    pub async fn edit(&self, name: &str, spec: Value) {
        self.agents().patch(name, &PatchParams::default(), &Patch::Merge(json!({ "spec": spec }))).await.unwrap();
    }

    /// Deletes an object.
    pub async fn delete(&self, name: &str) {
        self.agents().delete(name, &DeleteParams::default()).await.unwrap();
    }

    /// Waits until everything is as declared and nothing is left to be deleted: first this long without looking.
    pub async fn settled(&mut self, first: Duration) {
        let mut left = first;
        while left > Duration::ZERO {
            let step = left.min(Duration::from_secs(600));
            tokio::time::sleep(step).await;
            left -= step;
            self.count_writes();
        }
        for _ in 0..10_000 {
            self.count_writes();
            let all = self.server.objects("connectusers");
            let rests = |object: &Value| objects::is_ready(object) && object["metadata"]["deletionTimestamp"].is_null();
            if all.iter().all(|object| rests(object)) {
                return;
            }
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let all = self.server.objects("connectusers");
        let unready = all.iter().map(|object| &**object).find(|object| !objects::is_ready(object));
        panic!("objects do not become ready, such as {}", serde_json::to_string_pretty(&unready).unwrap());
    }

    /// The calls since this was last asked.
    pub fn take_calls(&self) -> Vec<CallRecord> {
        let calls = self.simulator.calls();
        self.simulator.clear_calls();
        calls
    }

    /// The operator's writes to the API server since this was last asked.
    pub fn take_writes(&mut self) -> Count {
        self.count_writes();
        std::mem::take(&mut self.writes.count)
    }

    fn count_writes(&mut self) {
        for record in self.server.take_records() {
            let object = &record.object;
            let name = format!("{} {}", record.plural, object["metadata"]["name"]);
            let mut hasher = std::hash::DefaultHasher::new();
            object["status"].to_string().hash(&mut hasher);
            let is_new = self.writes.statuses.insert(name, hasher.finish()) != Some(hasher.finish());
            // Events and the like are not of the object.
            if &*record.client == "operator" && record.plural == "connectusers" {
                let count = &mut self.writes.count;
                let field = match (is_new, objects::waits(object)) {
                    (false, _) => &mut count.other,
                    (true, false) => &mut count.status,
                    (true, true) => &mut count.told,
                };
                *field += 1;
            }
        }
    }
}

fn calendar(began: Instant) -> Timestamp {
    Timestamp::from_second(FIRST).unwrap() + began.elapsed()
}
