//! An operator with several replicas, as the chart installs it in the namespace of its test: every test has a Lease of its
//! own.

use std::collections::BTreeSet;
use std::ops::Range;

use connect_simulator::CallRecord;
use harness::Process;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::support::{Options, Stage, managed};

/// Times that a slow machine can still keep.
pub const QUICK: [(&str, &str); 3] = [("leaseDuration", "6s"), ("renewDeadline", "4s"), ("retryPeriod", "500ms")];

pub struct House {
    pub stage: Stage,
}

impl House {
    pub async fn new(name: &str, options: Options) -> Self {
        Self { stage: Stage::with(name, Options { operator: false, ..options }).await }
    }

    /// A process that takes part in the election, by these times instead of those that the chart gives.
    pub async fn replica(&self, name: &str, times: &[(&str, &str)]) -> Process {
        self.replica_over(name, &self.stage.cluster.plane.url(), times).await
    }

    /// The same, with the API server at another address.
    pub async fn replica_over(&self, name: &str, url: &str, times: &[(&str, &str)]) -> Process {
        let mut election = json!({ "enabled": true });
        for (time, value) in times {
            election[time] = json!(value);
        }
        self.stage.launch_over(name, url, &json!({ "leaderElection": election })).await
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
