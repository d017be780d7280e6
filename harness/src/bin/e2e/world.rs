//! The cluster, Amazon Connect, and how to look at them.

use std::time::{Duration, Instant};

use harness::tell::amazon::Amazon;
use harness::tell::story::{Failure, Story, shell};
use harness::tell::tool::Tool;
use harness::{Identity, Launch, Process};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, ResourceExt};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::place::Place;

/// Where the operator is installed, as the README has it.
pub(crate) const NAMESPACE: &str = "connect";
/// Name of the release, and so of everything in it.
pub(crate) const RELEASE: &str = "connect-user-operator";
/// Where the examples live.
pub(crate) const USERS: &str = "emea-support";
/// Port of the simulator: this network is ours alone.
const PORT: u16 = 7777;

/// Everything that runs. The fields go in this order.
pub(crate) struct World {
    _simulator: Process,
    pub(crate) amazon: Amazon,
    pub(crate) kubectl: Tool,
    pub(crate) connect: Tool,
    pub(crate) helm: Tool,
    pub(crate) client: Client,
    cluster: Cluster,
}

impl World {
    pub(crate) async fn start(place: Place, story: &mut Story) -> Result<Self, Failure> {
        let since = Instant::now();
        let cluster = Cluster::start(&place).await?;
        let failed = |error: harness::Error| Failure::new("credentials for the cluster", error);
        let client = cluster.plane.client(&Identity::Admin).await.map_err(failed)?;
        let nodes: Api<Node> = Api::all(client.clone());
        until("two nodes are Ready", 120, async || {
            let nodes = nodes.list(&ListParams::default()).await.map_err(|error| error.to_string())?.items;
            let ready: Vec<_> = nodes.iter().filter(|node| is_ready(node)).map(ResourceExt::name_any).collect();
            if ready.len() == usize::from(crate::cluster::NODES) { Ok(()) } else { Err(format!("Ready are {ready:?}")) }
        })
        .await?;
        story.fact("etcd, kube-apiserver, its controllers, and two nodes with containerd and a kubelet", since);

        let since = Instant::now();
        let beside = |name: &str| std::env::current_exe().unwrap_or_default().with_file_name(name);
        let listen = format!("{}:{PORT}", place.address(1));
        let simulator = Launch::new(beside("connect-simulator"), place.logs.join("simulator.log"))
            .args(["--listen", &listen, "--quotas", "default"])
            .env_clear()
            .spawn();
        let simulator = simulator.map_err(|error| Failure::new("the simulator starts", error))?;
        let url = format!("http://{listen}");
        let amazon = Amazon::new(&url).map_err(|error| Failure::new("a client for the simulator", error))?;
        until("the simulator answers", 30, async || amazon.call_count().await).await?;
        story.fact(&format!("a simulated Amazon Connect at {url}, with the quotas of a new account"), since);

        let tool = |name, path| Tool {
            name,
            within: Duration::from_secs(240),
            // Helm keeps what it knows below the home directory.
            variables: vec![("HOME", place.scratch.to_string_lossy().into_owned())],
            ..Tool::kubectl(path, cluster.kubeconfig.clone())
        };
        Ok(Self {
            _simulator: simulator,
            amazon,
            kubectl: tool("kubectl", place.kube.join("kubectl")),
            connect: tool("kubectl-connect", beside("kubectl-connect")),
            helm: tool("helm", place.kube.join("helm")),
            client,
            cluster,
        })
    }

    /// The ConnectUsers of the examples' namespace.
    pub(crate) fn users(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("contactops.dev", "v1alpha1", "ConnectUser");
        let resource = ApiResource::from_gvk_with_plural(&kind, "connectusers");
        Api::namespaced_with(self.client.clone(), USERS, &resource)
    }

    /// The Pods of the operator that are not going.
    pub(crate) async fn pods(&self) -> Result<Vec<Pod>, String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), NAMESPACE);
        let labels = ListParams::default().labels("app.kubernetes.io/name=connect-user-operator");
        let mut pods = pods.list(&labels).await.map_err(|error| error.to_string())?.items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        Ok(pods)
    }

    /// The names and nodes of the operator's Pods, if there are `count` and all are Ready.
    pub(crate) async fn ready_pods(&self, count: usize) -> Result<Vec<(String, String)>, String> {
        let pods = self.pods().await?;
        let told = pods.iter().map(|pod| {
            let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
            (pod.name_any(), node, pod_is_ready(pod))
        });
        let told: Vec<_> = told.collect();
        match told.len() == count && told.iter().all(|(_, _, ready)| *ready) {
            true => Ok(told.into_iter().map(|(name, node, _)| (name, node)).collect()),
            false => Err(format!("Pods, their nodes, and whether they are Ready: {told:?}")),
        }
    }

    /// The Pod that leads, as the Lease has it.
    pub(crate) async fn leader(&self) -> Result<String, String> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), NAMESPACE);
        let lease = leases.get(RELEASE).await.map_err(|error| error.to_string())?;
        let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
        let pods = self.pods().await?.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
        // Behind the name of the Pod are a few characters that no other process has.
        let leader = pods.iter().find(|pod| holder.starts_with(*pod));
        leader.cloned().ok_or_else(|| format!("the Lease has {holder:?}, and the Pods are {pods:?}"))
    }

    /// How many calls Amazon Connect has seen.
    pub(crate) async fn mark(&self) -> Result<u64, Failure> {
        self.amazon.call_count().await.map_err(|seen| Failure::new("the number of calls", seen))
    }

    /// Who has called since `mark`, one after the other. Somebody who calls again after another has begun is two
    /// operators at once.
    pub(crate) async fn callers_in_turn(&self, mark: u64) -> Result<Vec<String>, Failure> {
        let calls = self.amazon.calls(mark).await.map_err(|seen| Failure::new("the list of calls", seen))?;
        let callers = calls.into_iter().map(|call| call.caller).collect();
        let turns = in_turn(callers);
        turns.map_err(|seen| Failure::new("operators that call in turn, each until it has ended", format!("{seen:?}")))
    }

    /// What helps to see why something did not happen.
    pub(crate) async fn show_what_there_is(&self, story: &Story) {
        for args in [
            &["get", "nodes,pods,leases,pdb", "-A", "-o", "wide"][..],
            &["get", "connectusers", "-A"],
            &["get", "events", "-A", "--sort-by=.lastTimestamp"],
            &["logs", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=connect-user-operator", "--tail=15", "--prefix"],
        ] {
            let _ = self.kubectl.show(story, args).await;
        }
        story.line(&format!("    The logs are in {}.", harness::target_dir().join("e2e").display()));
    }

    /// How to go on with what is running.
    pub(crate) fn how_to_use(&self, story: &Story) {
        story.line("\nEverything is still running (KEEP=1). In another terminal, as root:");
        story.command("nsenter --target $(pgrep -n -x e2e) --mount --net --pid");
        story.command(&format!("export KUBECONFIG={}", shell(&[&self.cluster.kubeconfig.to_string_lossy()])));
        story.command(&format!("{} get pods -A", shell(&[&self.kubectl.path.to_string_lossy()])));
        story.line("Ctrl-C ends it all.");
    }
}

/// Callers one after the other, if nobody calls again after another has begun.
fn in_turn(mut callers: Vec<String>) -> Result<Vec<String>, Vec<String>> {
    callers.dedup();
    let mut names = callers.clone();
    names.sort();
    names.dedup();
    if names.len() == callers.len() { Ok(callers) } else { Err(callers) }
}

/// Looks again and again until `look` finds what is expected.
pub(crate) async fn until<T>(
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
        if Instant::now() > deadline {
            return Err(Failure::new(format!("{expected}, within {seconds} s"), seen));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn pod_is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// A condition of a custom object is True for the generation that it has.
pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    let generation = object.pointer("/metadata/generation");
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition.get("type").and_then(Value::as_str) == Some(kind)
            && condition.get("status").and_then(Value::as_str) == Some("True")
            && condition.get("observedGeneration") == generation
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_calls_again_after_another_has_begun_is_found() {
        let turns = |calls: &str| in_turn(calls.chars().map(String::from).collect()).map(|turns| turns.concat());
        assert_eq!(turns("aaabbc"), Ok("abc".to_owned()));
        assert_eq!(turns(""), Ok(String::new()));
        assert!(turns("aababb").is_err());
    }

    #[test]
    fn a_condition_of_an_older_generation_is_not_true() {
        let object = |observed: u32, status: &str| {
            let ready = json!({ "type": "Ready", "status": status, "observedGeneration": observed });
            json!({ "metadata": { "generation": 2 }, "status": { "conditions": [ready] } })
        };
        assert!(is_true(&object(2, "True"), "Ready"));
        assert!(!is_true(&object(1, "True"), "Ready") && !is_true(&object(2, "False"), "Ready"));
        assert!(!is_true(&object(2, "True"), "Stalled"));
    }
}
