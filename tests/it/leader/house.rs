//! An operator with several replicas, installed in the namespace of its test, so that every test has a Lease of
//! its own under the rights that are shipped.

use std::collections::BTreeSet;
use std::ops::Range;

use connect_simulator::CallRecord;
use harness::{Identity, Process};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::support::{Options, Stage, managed};

/// Times that a slow machine can still keep.
pub const QUICK: [&str; 6] = ["--lease-duration", "6s", "--renew-deadline", "4s", "--retry-period", "500ms"];

pub struct House {
    pub stage: Stage,
}

impl House {
    pub async fn new(name: &str, options: Options) -> Self {
        let stage = Stage::with(name, Options { operator: false, ..options }).await;
        // The Role of deploy/rbac.yaml, as if the operator had been installed here.
        let shipped = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/rbac.yaml")).unwrap();
        let documents = shipped.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
        for mut document in documents {
            document["metadata"]["namespace"] = json!(stage.namespace);
            let (client, params) = (stage.client.clone(), PostParams::default());
            if document["kind"] == "Role" {
                let roles: Api<Role> = Api::namespaced(client, &stage.namespace);
                roles.create(&params, &serde_json::from_value(document).unwrap()).await.unwrap();
            } else if document["kind"] == "RoleBinding" {
                let bindings: Api<RoleBinding> = Api::namespaced(client, &stage.namespace);
                bindings.create(&params, &serde_json::from_value(document).unwrap()).await.unwrap();
            }
        }
        Self { stage }
    }

    /// A process that takes part in the election.
    pub fn replica(&self, name: &str, further: &[&str]) -> Process {
        self.replica_over(name, &self.stage.cluster.plane.url(), further)
    }

    /// The same, with the API server at another address.
    pub fn replica_over(&self, name: &str, url: &str, further: &[&str]) -> Process {
        let (plane, namespace) = (&self.stage.cluster.plane, &self.stage.namespace);
        let mut config: Value = serde_json::from_str(&plane.kubeconfig(&Identity::Operator).unwrap()).unwrap();
        config["contexts"][0]["context"]["namespace"] = json!(namespace);
        config["clusters"][0]["cluster"]["server"] = json!(url);
        let kubeconfig = plane.dir().join(format!("{namespace}-{name}.kubeconfig"));
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        let log = harness::target_dir().join("it-logs").join(format!("{namespace}-{name}.log"));
        let _ = std::fs::remove_file(&log);
        let further = [&["--leader-elect", "true", "--identity", name], further].concat();
        self.stage.launch(&log, &kubeconfig, &further)
    }

    /// Declares people.
    pub async fn hire(&self, people: Range<usize>) {
        for number in people {
            self.stage.create(&managed(&person(number), &person(number))).await;
        }
    }

    /// How many users there are.
    pub fn count(&self) -> usize {
        self.stage.count()
    }

    /// Waits until there are so many users.
    pub async fn made(&self, count: usize) {
        let made = self.stage.eventually(|| async { (self.count() >= count).then_some(()) }).await;
        assert!(made.is_some(), "{} users, not {count}", self.count());
    }

    pub async fn all_ready(&self, people: Range<usize>) {
        for number in people {
            self.stage.ready(&person(number)).await;
        }
    }

    /// Fails unless these have called Amazon Connect, each from its first call to its last without another in
    /// between, and in this order.
    #[track_caller]
    pub fn callers_were(&self, expected: &[&str]) {
        let calls = self.stage.calls();
        let mut callers: Vec<String> = calls.iter().map(caller).collect();
        callers.dedup();
        assert_eq!(callers, expected, "calls of one between those of another");
        let writers: BTreeSet<String> = calls.iter().filter(|call| call.write).map(caller).collect();
        assert_eq!(writers.len(), expected.len(), "not all of them have written: {writers:?}");
    }

    /// A Lease that somebody else has written.
    pub async fn lease(&self, holder: &str, seconds: i32, time: &str) {
        let lease = json!({
            "metadata": { "name": "connect-user-operator" },
            "spec": {
                "holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 3,
                "acquireTime": time, "renewTime": time,
            },
        });
        let leases: Api<Lease> = Api::namespaced(self.stage.client.clone(), &self.stage.namespace);
        leases.create(&PostParams::default(), &serde_json::from_value(lease).unwrap()).await.unwrap();
    }
}

fn person(number: usize) -> String {
    format!("person-{number:02}")
}

/// Who made a call, by its User-Agent.
fn caller(call: &CallRecord) -> String {
    let name = call.user_agent.split("app/connect-user-operator.").nth(1);
    let name = name.unwrap_or_else(|| panic!("{} does not say who calls", call.user_agent));
    name.split_whitespace().next().unwrap().to_owned()
}
