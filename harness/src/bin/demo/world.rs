//! Everything that the demo starts, and how to look at it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::{ControlPlane, Identity, Launch, Process, Settings};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

use harness::tell::amazon::Amazon;
use harness::tell::http::{Http, address_in};
use harness::tell::story::{Failure, Story, shell};
use harness::tell::tool::{Answer, Tool};

/// Where the examples live.
pub(crate) const NAMESPACE: &str = "emea-support";

/// A cluster, Amazon Connect and the operator. The fields go in this order.
pub(crate) struct World {
    operator: Option<Process>,
    simulator: Process,
    pub(crate) amazon: Amazon,
    pub(crate) kubectl: Tool,
    users: Api<DynamicObject>,
    plane: ControlPlane,
}

/// Logs and kubeconfigs of the demo.
pub(crate) fn folder() -> PathBuf {
    harness::workspace().join(".demo")
}

impl World {
    /// Starts the cluster and the simulator.
    pub(crate) async fn start(story: &mut Story) -> Result<Self, Failure> {
        let simulator = binary("DEMO_SIMULATOR", "connect-simulator")?;
        binary("DEMO_OPERATOR", "connect-user-operator")?;

        let since = Instant::now();
        let mut settings = Settings::new("demo");
        settings.logs = folder();
        let plane = ControlPlane::start(&settings)
            .await
            .map_err(|error| Failure::new("etcd and kube-apiserver start", error))?;
        story.fact(&format!("etcd and a real kube-apiserver at {}", plane.url()), since);

        let args = ["--listen", "127.0.0.1:0", "--quotas", "default"];
        story.command(&format!("connect-simulator {} &", shell(&args)));
        let since = Instant::now();
        let broken = |error: harness::Error| Failure::new("the simulator starts", error);
        let simulator =
            Launch::new(simulator, folder().join("simulator.log")).args(args).env_clear().spawn().map_err(broken)?;
        let url = address_of(&simulator).await.map_err(broken)?;
        let amazon = Amazon::new(&url).map_err(|error| Failure::new("a client for the simulator", error))?;
        story.fact(&format!("a simulated Amazon Connect at {url}, with the quotas of a new account"), since);

        let kubeconfig = folder().join("admin.kubeconfig");
        let broken = |error: harness::Error| Failure::new("credentials for the cluster", error);
        plane.write_kubeconfig(&Identity::Admin, &kubeconfig).map_err(broken)?;
        plane.write_kubeconfig(&Identity::Operator, &folder().join("operator.kubeconfig")).map_err(broken)?;
        let client = plane.client(&Identity::Admin).await.map_err(broken)?;
        let kind = GroupVersionKind::gvk("contactops.dev", "v1alpha1", "ConnectUser");
        let resource = ApiResource::from_gvk_with_plural(&kind, "connectusers");
        Ok(Self {
            operator: None,
            simulator,
            amazon,
            kubectl: Tool::kubectl(plane.kubectl(), kubeconfig),
            users: Api::namespaced_with(client, NAMESPACE, &resource),
            plane,
        })
    }

    /// Starts the operator, with the rights of its own role only, and waits until it says it is ready.
    pub(crate) async fn start_operator(&mut self, story: &mut Story) -> Result<(), Failure> {
        let args = [
            ["run", "--listen", "127.0.0.1:0"].as_slice(),
            // Minutes in real life; the demo is for people.
            &["--resync-interval", "3s", "--max-retry-interval", "4s", "--consistency-grace", "2s"],
        ]
        .concat();
        let url = self.amazon.url();
        story.command(&format!("export AWS_ENDPOINT_URL_CONNECT={url}"));
        story.command(&format!("connect-user-operator {} &", shell(&args)));
        let since = Instant::now();
        let broken = |error: harness::Error| Failure::new("the operator starts", error);
        let operator = Launch::new(binary("DEMO_OPERATOR", "connect-user-operator")?, folder().join("operator.log"))
            .args(args)
            .env_clear()
            .env("KUBECONFIG", folder().join("operator.kubeconfig"))
            .env("AWS_ENDPOINT_URL_CONNECT", url)
            .env("AWS_ACCESS_KEY_ID", "AKIADEMO")
            .env("AWS_SECRET_ACCESS_KEY", "demo")
            .env("AWS_REGION", "eu-west-1")
            // No look at other sources of credentials, which cost seconds where there are none.
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("RUST_BACKTRACE", "1")
            .spawn()
            .map_err(broken)?;
        let operator = self.operator.insert(operator);
        let url = address_of(operator).await.map_err(broken)?;
        let http = Http::new(&url).map_err(|error| Failure::new("a client for the operator", error))?;
        self.until("the operator's /readyz answers 200", 20, async || http.get("/readyz").await).await?;
        story.fact(&format!("the operator is ready ({url}/readyz), as its ServiceAccount"), since);
        Ok(())
    }

    /// Looks again and again until `look` finds what is expected.
    pub(crate) async fn until<T>(
        &self,
        expected: &str,
        seconds: u64,
        mut look: impl AsyncFnMut() -> Result<T, String>,
    ) -> Result<T, Failure> {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let seen = match look().await {
                Ok(found) => return Ok(found),
                Err(seen) => seen,
            };
            if let Some(status) = self.operator.as_ref().and_then(Process::status) {
                return Err(Failure::new(expected, format!("the operator ended: {status}")));
            }
            if Instant::now() > deadline {
                return Err(Failure::new(format!("{expected}, within {seconds} s"), seen));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs kubectl and shows it, with its answer.
    pub(crate) async fn kubectl(&self, story: &Story, args: &[&str]) -> Result<Answer, Failure> {
        self.kubectl.show(story, args).await
    }

    /// The same, where the command must succeed.
    pub(crate) async fn kubectl_ok(&self, story: &Story, args: &[&str]) -> Result<String, Failure> {
        self.kubectl.show_ok(story, args).await
    }

    /// A `ConnectUser` as it stands.
    pub(crate) async fn object(&self, name: &str) -> Result<Value, String> {
        match self.users.get_opt(name).await {
            Ok(Some(object)) => serde_json::to_value(object).map_err(|error| error.to_string()),
            Ok(None) => Err(format!("there is no ConnectUser {name}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A `ConnectUser`, if its newest spec is Ready.
    pub(crate) async fn ready(&self, name: &str) -> Result<Value, String> {
        let object = self.object(name).await?;
        let (generation, ready) = (object.pointer("/metadata/generation"), condition(&object, "Ready"));
        let done = ready.get("status") == Some(&Value::from("True"))
            && generation.is_some()
            && ready.get("observedGeneration") == generation
            && object.pointer("/status/observedGeneration") == generation;
        if done { Ok(object) } else { Err(format!("ConnectUser {name} is not Ready: {ready}")) }
    }

    /// How many calls Amazon Connect has seen, for [`World::writes_since`].
    pub(crate) async fn mark(&self) -> Result<u64, Failure> {
        self.amazon.call_count().await.map_err(|seen| Failure::new("the number of calls", seen))
    }

    /// Shows what the operator has written to Amazon Connect since `mark`.
    pub(crate) async fn writes_since(&self, mark: u64, story: &Story) -> Result<usize, Failure> {
        let calls = self.amazon.calls(mark).await.map_err(|seen| Failure::new("the list of calls", seen))?;
        let writes: Vec<_> = calls.iter().filter(|call| call.write).map(ToString::to_string).collect();
        if !writes.is_empty() {
            story.say(&format!("Calls that changed something: {}", writes.join(", ")));
        }
        Ok(writes.len())
    }

    /// The end of the operator's log.
    pub(crate) fn operator_log(&self) -> Option<String> {
        Some(self.operator.as_ref()?.tail(30))
    }

    /// How to go on with what is running.
    pub(crate) fn how_to_use(&self, story: &Story) {
        let show = |path: &Path| shell(&[&path.to_string_lossy()]);
        story.line("\nEverything is still running (KEEP=1). In another terminal:");
        story.command(&format!("export KUBECONFIG={}", show(&self.kubectl.kubeconfig)));
        if let Some(dir) = self.kubectl.path.parent() {
            story.command(&format!("export PATH={}:$PATH", show(dir)));
        }
        story.command("kubectl get connectusers -A");
        story.command(&format!("curl -s {}/_simulator/state", self.amazon.url()));
        story.line(&format!("  Cluster:  {}", self.plane.url()));
        story.line(&format!("  Logs:     {}", self.simulator.log().display()));
        if let Some(operator) = &self.operator {
            story.line(&format!("            {}", operator.log().display()));
        }
        story.line("Ctrl-C ends it all.");
    }

    /// Stops everything, the operator in good order.
    pub(crate) async fn stop(mut self, story: &Story) {
        let Some(operator) = self.operator.take() else {
            return;
        };
        if let Err(error) = operator.terminate(Duration::from_secs(10)).await {
            story.line(&format!("The operator had to be killed: {error}"));
        }
    }
}

/// A condition of an object; Null if it is not there.
pub(crate) fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    conditions
        .find(|condition| condition.get("type").and_then(Value::as_str) == Some(kind))
        .cloned()
        .unwrap_or_default()
}

async fn address_of(process: &Process) -> Result<String, harness::Error> {
    let listening = |line: &str| line.to_lowercase().contains("listening") && address_in(line).is_some();
    let line = process.wait_for_line(listening, Duration::from_secs(15)).await?;
    Ok(address_in(&line).unwrap_or_default())
}

/// A program of the workspace: named by `variable`, or beside the demo itself.
fn binary(variable: &str, name: &str) -> Result<PathBuf, Failure> {
    let named = std::env::var_os(variable).filter(|path| !path.is_empty());
    let beside = || std::env::current_exe().unwrap_or_default().with_file_name(name);
    let path = named.map_or_else(beside, PathBuf::from);
    if path.is_file() {
        return Ok(path);
    }
    let remedy = format!("{} is not there: run `make demo`, or name the binary in {variable}", path.display());
    Err(Failure::new(format!("the program {name}"), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_condition_is_found_by_its_type() {
        let object = json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        assert_eq!(condition(&object, "Ready").get("status"), Some(&json!("True")));
        assert_eq!(condition(&object, "Stalled"), Value::Null);
        assert_eq!(condition(&json!({}), "Ready"), Value::Null);
    }
}
