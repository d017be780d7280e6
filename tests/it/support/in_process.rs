//! The operator in this process: `controller::run` against the real API server and the real SDK, one
//! incarnation after the other, each with a gate at which it can crash.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_connect::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use connect_user_operator::connect::aws::AwsClients;
use connect_user_operator::controller::{self, Clock, Intervals, Settings};
use connect_user_operator::lead::Lead;
use connect_user_operator::metrics::Metrics;
use connect_user_operator::pace::Pace;
use connect_user_operator::policy::{Brake, Tenancy};
use harness::Identity;
use kube::client::ClientBuilder;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cluster::Cluster;
use super::gate::{Crash, Gate};
use super::plane::{OnPlane, OnStatus, Plane};
use super::wire::{Trespasses, Wire};

/// Where the incarnations of one stage live, and what outlives each of them.
#[derive(Clone)]
pub struct Habitat {
    pub cluster: &'static Cluster,
    pub simulator: connect_simulator::Simulator,
    pub namespace: String,
    pub instance_id: String,
    pub intervals: Intervals,
    /// How long a call of Connect may take.
    pub patience: Duration,
    pub plane_faults: Arc<Mutex<Vec<OnPlane>>>,
    pub trespasses: Trespasses,
    /// What passed of passwords.
    pub confidences: Confidences,
    /// Every status written, by object, with all users of the instance as they were when it left.
    pub statuses: Arc<Mutex<Vec<Told>>>,
}

/// A status on its way to the API server.
#[derive(Clone, Debug)]
pub struct Told {
    pub object: String,
    pub status: Value,
    pub users: Vec<connect_simulator::User>,
}

/// Passwords of the stage's invented users: what was sent to Connect, and which writes of Secrets took effect.
#[derive(Clone, Default)]
pub struct Confidences {
    pub sent: Arc<Mutex<Vec<String>>>,
    pub written: Arc<Mutex<Vec<String>>>,
}

/// One life of the operator.
pub struct Incarnation {
    pub gate: Arc<Gate>,
    pub metrics: Metrics,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The cluster's name in owner tags.
pub const CLUSTER: &str = "test";

impl Habitat {
    /// Begins a life with empty memory and caches.
    pub fn start(&self, crash: Option<Crash>) -> Incarnation {
        self.start_at(crash, Pace::unlimited())
    }

    /// The same, at this pace.
    pub fn start_at(&self, crash: Option<Crash>, pace: Pace) -> Incarnation {
        let gate = Arc::new(Gate::new(crash));
        let metrics = Metrics::new();
        let settings = Settings {
            pace,
            client: self.kube(&gate),
            clients: Arc::new(AwsClients::new(self.sdk(&gate), Box::new(|client| Arc::new(client)))),
            cluster: CLUSTER.to_owned(),
            intervals: self.intervals,
            namespaces: vec![self.namespace.clone()],
            selector: None,
            read_only: false,
            lead: Lead::alone(),
            own_namespace: self.namespace.clone(),
            tenancy: Tenancy::Open,
            brake: Brake { most: 100, window: Duration::from_secs(3600) },
            clock: Clock::default(),
            metrics: metrics.clone(),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(controller::run(settings, stop.clone(), || {}));
        Incarnation { gate, metrics, stop, task }
    }

    fn kube(&self, gate: &Arc<Gate>) -> kube::Client {
        let (statuses, simulator, id) = (Arc::clone(&self.statuses), self.simulator.clone(), self.instance_id.clone());
        let on_status: OnStatus = Arc::new(move |object, body| {
            let told = Told {
                object: object.to_owned(),
                status: body.get("status").cloned().unwrap_or_default(),
                users: simulator.users(&id),
            };
            statuses.lock().unwrap().push(told);
        });
        let plane = Plane {
            gate: Arc::clone(gate),
            faults: Arc::clone(&self.plane_faults),
            confidences: self.confidences.clone(),
            on_status,
        };
        let config = self.cluster.plane.config(&Identity::Admin).unwrap();
        ClientBuilder::try_from(config).unwrap().with_layer(&plane).build()
    }

    fn sdk(&self, gate: &Arc<Gate>) -> SdkConfig {
        let connector = SharedHttpConnector::new(Wire {
            gate: Arc::clone(gate),
            simulator: self.simulator.clone(),
            instance_id: self.instance_id.clone(),
            home: format!("{CLUSTER}/{}/", self.namespace),
            trespasses: self.trespasses.clone(),
            confidences: self.confidences.clone(),
        });
        let keys = Credentials::new("AKIAEXAMPLE", "example", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .timeout_config(TimeoutConfig::builder().operation_timeout(self.patience).build())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }
}

impl Incarnation {
    /// Ends without a last word: nothing passes any more, and the task is dropped where it stands.
    pub async fn kill(self) {
        self.gate.fall();
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()), "the operator ended by itself");
    }

    /// Ends in good order.
    pub async fn stop(self) {
        assert!(!self.end().await, "the operator crashed when it was to end");
    }

    /// Ends in good order unless it crashes on the way, as by an answer that was late; whether it did.
    pub async fn end(mut self) -> bool {
        self.stop.cancel();
        tokio::select! {
            ended = tokio::time::timeout(Duration::from_secs(30), &mut self.task) => {
                ended.unwrap_or_else(|_| panic!("the operator does not end in good order: {:#?}", self.gate.steps())).unwrap();
                return false;
            }
            () = self.gate.fallen() => {}
        }
        self.task.abort();
        // It may have ended in good order all the same.
        assert!(!self.task.await.is_err_and(|error| error.is_panic()), "the operator panicked when it was to end");
        true
    }
}
