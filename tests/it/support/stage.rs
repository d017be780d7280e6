//! One test's stage.

mod amazon;
mod objects;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_simulator::Simulator;
use futures::StreamExt;
use harness::Process;
use kube::Client;
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use objects::condition;

use super::cluster::{Cluster, cluster};
use super::contract::violations;
use super::discretion::Said;
use super::release::{NAME, Release, merge};

/// How long anything may take; far more than it does, since machines that run tests are slow.
const DEADLINE: Duration = Duration::from_secs(30);
pub const SENTINEL_PASSWORD: &str = "Sentinel-Passw0rd";

pub struct Options {
    pub simulator: connect_simulator::Options,
    pub resync: &'static str,
    pub sweep: &'static str,
    pub search: &'static str,
    pub grace: &'static str,
    pub rust_log: &'static str,
    pub operator: bool,
    /// Whether the operator may write Secrets.
    pub generate_passwords: bool,
    /// Where roles are assumed; none by default.
    pub sts: Option<connect_simulator::sts::Sts>,
    /// Rate limits of the operator; none means AWS's defaults. The simulator throttles only where it is told to.
    pub rate_limit: Option<&'static str>,
    /// What it watches besides the test's namespace.
    pub further_namespaces: Vec<String>,
    /// Further values of the chart.
    pub values: Value,
    /// Further variables of its environment.
    pub environment: Vec<(String, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            simulator: connect_simulator::Options::default(),
            // Quiet by default: a test that wants a resync says so. After a start the looks are spread over the
            // whole interval, and in one of an hour some would fall into a test of many users now and then.
            resync: "168h",
            sweep: "1h",
            search: "1h",
            grace: "1500ms",
            rust_log: "info,connect_user_operator=trace,kube_runtime=warn",
            operator: true,
            generate_passwords: false,
            sts: None,
            rate_limit: Some("*=10000"),
            further_namespaces: Vec::new(),
            values: json!({}),
            environment: Vec::new(),
        }
    }
}

pub struct Stage {
    pub cluster: &'static Cluster,
    pub client: Client,
    pub namespace: String,
    pub simulator: Simulator,
    endpoint: String,
    sts_endpoint: Option<String>,
    options: Options,
    operator: Mutex<Option<Process>>,
    /// The chart as last installed, with the values that it was given, and a kubeconfig of its account.
    release: tokio::sync::Mutex<Option<(Value, Arc<Release>, PathBuf)>>,
    violations: Arc<Mutex<Vec<String>>>,
    said: Said,
    log: PathBuf,
}

impl Stage {
    pub async fn new(name: &str) -> Self {
        Self::with(name, Options::default()).await
    }

    pub async fn with(name: &str, options: Options) -> Self {
        Self::on(cluster().await, name, options).await
    }

    /// On a control plane of the test's own.
    pub async fn on(cluster: &'static Cluster, name: &str, options: Options) -> Self {
        let client = cluster.client().await;
        let namespace = cluster.namespace(name).await;
        let simulator = Simulator::new(options.simulator.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(connect_simulator::serve(simulator.clone(), listener, std::future::pending()));
        let mut sts_endpoint = None;
        if let Some(sts) = &options.sts {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            sts_endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
            tokio::spawn(connect_simulator::sts::serve(sts.clone(), listener));
        }
        let log = harness::target_dir().join("it-logs").join(format!("{namespace}.log"));
        // An earlier run had the same names, and an operator that is started again appends.
        let _ = std::fs::remove_file(&log);
        let stage = Self {
            cluster,
            client,
            namespace,
            simulator,
            endpoint,
            sts_endpoint,
            options,
            operator: Mutex::default(),
            release: tokio::sync::Mutex::default(),
            violations: Arc::default(),
            said: Said::default(),
            log,
        };
        stage.watch_contract();
        stage.said.watch_events(stage.client.clone(), &stage.namespace);
        stage.secret("password", "password", SENTINEL_PASSWORD).await;
        if stage.options.operator {
            stage.start_operator().await;
        }
        stage
    }

    // === the operator

    pub async fn start_operator(&self) {
        let process = self.spawn(NAME, &self.log, None, &json!({})).await;
        process.wait_for_line(|line| line.contains("cache is filled"), DEADLINE).await.unwrap();
        *self.operator.lock().unwrap() = Some(process);
    }

    /// An operator process of this stage in a Pod of this name, with a log of its own, after an upgrade to further values.
    pub async fn launch(&self, pod: &str, values: &Value) -> Process {
        self.launch_over(pod, &self.cluster.plane.url(), values).await
    }

    /// The same, with the API server at another address.
    pub async fn launch_over(&self, pod: &str, url: &str, values: &Value) -> Process {
        let log = harness::target_dir().join("it-logs").join(format!("{}-{pod}.log", self.namespace));
        let _ = std::fs::remove_file(&log);
        self.spawn(pod, &log, Some(url), values).await
    }

    async fn spawn(&self, pod: &str, log: &Path, url: Option<&str>, values: &Value) -> Process {
        let (release, mut kubeconfig) = self.upgrade(values).await;
        if let Some(url) = url {
            let text = std::fs::read_to_string(&kubeconfig).unwrap();
            let mut config: Value = serde_json::from_str(&text).unwrap();
            config["clusters"][0]["cluster"]["server"] = json!(url);
            kubeconfig = self.cluster.plane.dir().join(format!("{}-{pod}.kubeconfig", self.namespace));
            std::fs::write(&kubeconfig, config.to_string()).unwrap();
        }
        release.launch(pod, &kubeconfig, log).append().spawn().unwrap()
    }

    /// Installs the chart in the test's namespace, or upgrades it, with further values.
    pub async fn upgrade(&self, further: &Value) -> (Arc<Release>, PathBuf) {
        let mut values = self.values();
        merge(&mut values, further);
        let mut installed = self.release.lock().await;
        if let Some((known, release, kubeconfig)) = &*installed
            && *known == values
        {
            return (Arc::clone(release), kubeconfig.clone());
        }
        let file = self.cluster.plane.dir().join(format!("{}-values.json", self.namespace));
        let release = Arc::new(Release::rendered(&self.namespace, values.clone(), file).await);
        let kubeconfig = release.grant(self.cluster).await;
        *installed = Some((values, Arc::clone(&release), kubeconfig.clone()));
        (release, kubeconfig)
    }

    /// What this stage tells the chart.
    fn values(&self) -> Value {
        let Options { resync, sweep, search, grace, rust_log, rate_limit, generate_passwords, .. } = self.options;
        // Nothing listens there: a call that nobody expects must not leave this machine.
        let sts = self.sts_endpoint.as_deref().unwrap_or("http://127.0.0.1:9");
        let own = [
            ("AWS_ENDPOINT_URL_STS", sts),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let own = own.into_iter();
        let variables = own.chain(self.options.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let watched = [&[self.namespace.clone()][..], &self.options.further_namespaces].concat();
        let mut values = json!({
            "operator": {
                "clusterName": "test", "watchNamespaces": watched,
                "sweepInterval": sweep, "searchInterval": search, "resyncInterval": resync,
                "consistencyGrace": grace, "maxRetryInterval": "2s",
                "rateLimits": rate_limit.iter().flat_map(|limits| limits.split(',')).collect::<Vec<_>>(),
                "logFormat": "text", "logLevel": rust_log,
            },
            "rbac": { "generatePasswords": generate_passwords },
            "aws": { "endpointUrlConnect": self.endpoint },
            "extraEnv": variables.map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        });
        merge(&mut values, &self.options.values);
        values
    }

    /// SIGTERM; the exit code must be that of an orderly end.
    pub async fn stop_operator(&self) {
        let process = self.operator.lock().unwrap().take().unwrap();
        let status = process.terminate(DEADLINE).await.unwrap();
        assert!(status.success(), "{status}: {}", process.tail(20));
    }

    pub fn kill_operator(&self) {
        self.operator.lock().unwrap().take().unwrap().kill();
    }

    pub fn operator_pid(&self) -> u32 {
        self.operator.lock().unwrap().as_ref().unwrap().pid()
    }

    pub fn operator_log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// GET from the operator's own endpoint.
    pub async fn get_from_operator(&self, path: &str) -> String {
        Self::get_from(&self.operator_log(), path).await
    }

    /// GET from the endpoint of the process that wrote this log.
    pub async fn get_from(log: &str, path: &str) -> String {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let address = log.rsplit("listening on http://").next().unwrap().split_whitespace().next().unwrap().to_owned();
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Where the simulator listens.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    // === the contract

    fn watch_contract(&self) {
        let (found, said) = (Arc::clone(&self.violations), self.said.clone());
        let objects = watcher(self.api(), watcher::Config::default()).default_backoff().applied_objects();
        tokio::spawn(objects.for_each(move |object| {
            if let Ok(object) = object {
                found.lock().unwrap().extend(violations(&object));
                said.note(&object.status);
            }
            std::future::ready(())
        }));
    }

    fn tail(&self) -> String {
        let log = self.operator_log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let found = self.violations.lock().unwrap();
        if !std::thread::panicking() {
            assert!(found.is_empty(), "the status contract was broken:\n{}", found.join("\n"));
            let told = self.said.indiscretions(&self.operator_log(), &self.simulator.calls());
            assert!(told.is_empty(), "{} lines tell what is personal:\n{}", told.len(), told.join("\n"));
        }
    }
}
