//! Instances of Amazon Connect beside the one that each simulator begins with, and the ConnectInstances that govern
//! them. ConnectInstances are cluster-scoped: a test has names and instance ids of its own.

use connect_simulator::Mutation;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::instance::ConnectInstance;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::Stage;

impl Stage {
    /// An instance in Amazon Connect that keeps passwords itself, with profiles of the usual names. Its ARN.
    pub fn add_instance(&self, id: &str) -> String {
        let instance = Mutation::AddInstance {
            instance_id: id.to_owned(),
            region: m::REGION.to_owned(),
            account: m::ACCOUNT.to_owned(),
            identity_management_type: "CONNECT_MANAGED".to_owned(),
        };
        self.simulator.mutate(instance).unwrap();
        m::ARN.replace(m::ID, id)
    }

    pub fn instances(&self) -> Api<ConnectInstance> {
        Api::all(self.client.clone())
    }

    pub async fn govern(&self, name: &str, spec: Value) -> kube::Result<ConnectInstance> {
        let object = json!({
            "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance",
            "metadata": { "name": name }, "spec": spec,
        });
        self.instances().create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await
    }

    /// A merge patch of the rules.
    pub async fn edit_rules(&self, name: &str, spec: Value) {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.instances().patch(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// Waits until the operator goes by these rules. ConnectUsers come by a watch of their own, so one that is made
    /// just after a ConnectInstance may be looked at without it: read from Connect then, though not written.
    pub async fn observed(&self, name: &str) {
        let look = || async {
            let object = self.instances().get(name).await.unwrap();
            (object.status?.observed_generation == object.metadata.generation).then_some(())
        };
        if self.eventually(look).await.is_none() {
            panic!("ConnectInstance {name} is not looked at: {:?}", self.instances().get(name).await.unwrap().status);
        }
    }
}
