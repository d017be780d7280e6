//! A real control plane, the simulator behind a socket, and the operator's binary under its shipped rights.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use connect_simulator::fixtures::managed;
use connect_simulator::{CallRecord, Mutation, Options, Quotas, Simulator, UserPatch};
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::user::ConnectUser;
use futures::{StreamExt, TryStreamExt, stream};
use harness::{ControlPlane, Identity, Launch, Process, Settings};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::observer::Observer;
use crate::objects;

/// The namespace of all agents.
const NAMESPACE: &str = "agents";
/// How many requests to the API server the driver makes at once.
const HANDS: usize = 16;

pub struct Stage {
    pub plane: ControlPlane,
    pub simulator: Simulator,
    pub observer: Observer,
    client: Client,
    endpoint: String,
    operator: Option<Process>,
    log: PathBuf,
}

impl Stage {
    /// A stage without an operator.
    pub async fn new(name: &str, quotas: Option<Quotas>) -> Self {
        let plane = ControlPlane::start(&Settings::new(&format!("bench-{name}"))).await.unwrap();
        let kubeconfig = plane.dir().join("admin.kubeconfig");
        plane.write_kubeconfig(&Identity::Admin, &kubeconfig).unwrap();
        for arguments in [["apply", "--server-side", "-f", "crds/"].as_slice(), &["apply", "-f", "deploy/rbac.yaml"]] {
            let kubectl = std::process::Command::new(plane.kubectl())
                .env("KUBECONFIG", &kubeconfig)
                .args(arguments)
                .current_dir(harness::workspace())
                .output()
                .unwrap();
            assert!(kubectl.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&kubectl.stderr));
        }
        let client = plane.client(&Identity::Admin).await.unwrap();
        let metadata = ObjectMeta { name: Some(NAMESPACE.to_owned()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let secret: Secret = serde_json::from_value(objects::secret()).unwrap();
        Api::namespaced(client.clone(), NAMESPACE).create(&PostParams::default(), &secret).await.unwrap();

        let simulator = Simulator::new(Options { quotas, users_quota: usize::MAX, ..Options::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(connect_simulator::serve(simulator.clone(), listener, std::future::pending()));
        let set =
            UserPatch { security_profile_ids: Some(vec![managed::SECURITY_ADMIN.to_owned()]), ..UserPatch::default() };
        let (instance_id, username) = (managed::ID.to_owned(), "administrator".to_owned());
        let administrator = Mutation::CreateUser { instance_id, username, set: Box::new(set) };
        simulator.mutate_at(administrator, SystemTime::now()).unwrap();

        let agents: Api<ConnectUser> = Api::namespaced(client.clone(), NAMESPACE);
        // As a platform team has it: with rules for the instance, and a status that tells how its users are doing.
        let governor = json!({
            "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance", "metadata": { "name": "bench" },
            "spec": { "instanceArn": managed::ARN, "allowedNamespaces": [NAMESPACE] },
        });
        let governor: ConnectInstance = serde_json::from_value(governor).unwrap();
        let served = Instant::now();
        while agents.list(&kube::api::ListParams::default()).await.is_err()
            || Api::all(client.clone()).create(&PostParams::default(), &governor).await.is_err()
        {
            assert!(served.elapsed() < Duration::from_secs(60), "the definitions are not served");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let observer = Observer::start(agents);
        let log = harness::target_dir().join("bench").join(format!("{name}.log"));
        let _ = std::fs::remove_file(&log);
        Self { plane, simulator, observer, client, endpoint, operator: None, log }
    }

    /// Starts the operator; how long it took until its cache was filled, which is when it says that it is ready.
    pub async fn start(&mut self, arguments: &[&str]) -> Duration {
        let kubeconfig = self.plane.dir().join("operator.kubeconfig");
        self.plane.write_kubeconfig(&Identity::Operator, &kubeconfig).unwrap();
        let begun = Instant::now();
        // Another build of the same sources, such as that of an image.
        let other = std::env::var("BENCH_OPERATOR").ok().filter(|program| !program.is_empty());
        let program = other.as_deref().unwrap_or(env!("CARGO_BIN_EXE_connect-user-operator"));
        let operator = Launch::new(program, &self.log)
            .args(["run", "--listen", "127.0.0.1:0", "--cluster-name", "bench", "--deletion-brake", "1000000/1h"])
            .args(arguments)
            .env_clear()
            .env("KUBECONFIG", &kubeconfig)
            .env("AWS_ENDPOINT_URL_CONNECT", &self.endpoint)
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .append()
            .spawn()
            .unwrap();
        operator.wait_for_line(|line| line.contains("cache is filled"), Duration::from_secs(120)).await.unwrap();
        self.operator = Some(operator);
        begun.elapsed()
    }

    /// Ends it in good order.
    pub async fn stop(&mut self) {
        let operator = self.operator.take().unwrap();
        let status = operator.terminate(Duration::from_secs(30)).await.unwrap();
        assert!(status.success(), "{status}: {}", operator.tail(20));
    }

    /// The operator's process id.
    pub fn pid(&self) -> u32 {
        self.operator.as_ref().unwrap().pid()
    }

    /// The operator.
    pub fn operator(&self) -> &Process {
        self.operator.as_ref().unwrap()
    }

    /// The sum of a metric of the operator over all labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let lines = self.operator().lines();
        let listening = lines.iter().find_map(|line| line.split_once("listening on http://")).unwrap().1;
        let address: String = listening.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let lines = answer.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// The ConnectUsers.
    pub fn agents(&self) -> Api<ConnectUser> {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Declares users.
    pub async fn create(&self, agents: impl Iterator<Item = ConnectUser>) {
        let api = self.agents();
        let made = stream::iter(agents).map(|agent| {
            let api = api.clone();
            async move { api.create(&PostParams::default(), &agent).await }
        });
        made.buffer_unordered(HANDS).try_for_each(async |_| Ok(())).await.unwrap();
    }

    /// Merge patches of specs.
    pub async fn edit(&self, names: impl Iterator<Item = String>, spec: Value) {
        let (api, patch) = (self.agents(), json!({ "spec": spec }));
        let patched = stream::iter(names).map(|name| {
            let (api, patch) = (api.clone(), patch.clone());
            async move { api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await }
        });
        patched.buffer_unordered(HANDS).try_for_each(async |_| Ok(())).await.unwrap();
    }

    /// Deletes objects.
    pub async fn delete(&self, names: impl Iterator<Item = String>) {
        let api = self.agents();
        let gone = stream::iter(names).map(|name| {
            let api = api.clone();
            async move { api.delete(&name, &DeleteParams::default()).await }
        });
        gone.buffer_unordered(HANDS).try_for_each(async |_| Ok(())).await.unwrap();
    }

    /// Somebody gives users another routing profile in the console.
    pub fn console(&self, numbers: impl Iterator<Item = usize>) {
        for number in numbers {
            let set = UserPatch { routing_profile_id: Some(managed::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
            let (instance_id, user) = (managed::ID.to_owned(), objects::username(number));
            let mutation = Mutation::UpdateUser { instance_id, user, set: Box::new(set) };
            self.simulator.mutate_at(mutation, SystemTime::now()).unwrap();
        }
    }

    /// The calls since this was last asked.
    pub fn take_calls(&self) -> Vec<CallRecord> {
        let calls = self.simulator.calls();
        self.simulator.clear_calls();
        calls
    }

    /// Waits until Connect has seen so many calls of an operation.
    pub async fn until_called(&self, operation: &str, count: usize, within: Duration) {
        let deadline = Instant::now() + within;
        let seen = || self.simulator.calls().iter().filter(|call| call.operation == operation).count();
        while seen() < count {
            assert!(Instant::now() < deadline, "{} of {count} {operation}", seen());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
