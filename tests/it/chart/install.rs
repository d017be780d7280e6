//! Installing, upgrading and taking away, by Helm 3, by Helm 4, and by the one after the other.

use connect_user_operator::resource::FINALIZER;
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::user::ConnectUser;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::helm::{CHART, Helm, set};
use crate::support::{Cluster, managed};

const NAME: &str = "rel-connect-user-operator";
const WITH_MORE: [&str; 5] = [
    "networkPolicy.enabled=true,podDisruptionBudget.enabled=true",
    "rbac.generatePasswords=true,rbac.aggregateToView=true,rbac.aggregateToEdit=true",
    "json:topologySpreadConstraints=[{\"maxSkew\":1,\"topologyKey\":\"zone\",\"whenUnsatisfiable\":\"DoNotSchedule\"}]",
    "connectInstances.emea.instanceArn=arn:aws:connect:eu-west-1:111122223333:instance/11111111-1111-4111-8111-111111111111",
    "connectInstances.emea.allowedNamespaces={emea-*}",
];

/// A user that the operator holds.
async fn held_user(client: &Client) -> ConnectUser {
    let mut object = managed("jane", "jane");
    object["metadata"]["finalizers"] = json!([FINALIZER]);
    let users: Api<ConnectUser> = Api::namespaced(client.clone(), "default");
    users.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
}

async fn deployment(client: &Client) -> Option<Deployment> {
    Api::<Deployment>::namespaced(client.clone(), "connect").get_opt(NAME).await.unwrap()
}

async fn upgrades(cluster: &Cluster, helm: Helm) {
    let client = cluster.client().await;
    let upgrade = [vec!["upgrade", "rel", CHART, "--namespace", "connect"], set(&WITH_MORE)].concat();
    helm.run(&cluster.admin(), &upgrade).unwrap();
    let instances: Api<ConnectInstance> = Api::all(client.clone());
    assert_eq!(instances.get("emea").await.unwrap().spec.allowed_namespaces, ["emea-*"]);
    // A field of the status is the operator's: another upgrade must not fight for it.
    let status = json!({
        "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance", "status": { "observedGeneration": 1 },
    });
    instances.patch_status("emea", &PatchParams::apply("operator").force(), &Patch::Apply(status)).await.unwrap();
    helm.run(&cluster.admin(), &upgrade).unwrap();
    assert_eq!(instances.get("emea").await.unwrap().status.unwrap().observed_generation, Some(1));
}

async fn goes_and_leaves_definitions_and_users(cluster: &Cluster, helm: Helm, user: &ConnectUser) {
    let client = cluster.client().await;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let before = definitions.get("connectusers.contactops.dev").await.unwrap();
    helm.run(&cluster.admin(), &["uninstall", "rel", "--namespace", "connect"]).unwrap();
    assert!(deployment(&client).await.is_none());
    let after = definitions.get("connectusers.contactops.dev").await.expect("the definitions stay");
    assert_eq!((after.uid(), after.metadata.deletion_timestamp), (before.uid(), None));
    let users: Api<ConnectUser> = Api::namespaced(client, "default");
    let left = users.get("jane").await.unwrap();
    assert_eq!((left.uid(), left.spec, left.metadata.deletion_timestamp), (user.uid(), user.spec.clone(), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_installs_upgrades_and_goes_and_leaves_definitions_and_users() {
    // A control plane of its own, without our definitions: the chart brings them.
    let cluster = Cluster::bare("chart").await;
    let client = cluster.client().await;
    let install = ["install", "rel", CHART, "--namespace", "connect", "--create-namespace"];
    let mut user = None;
    // Who installs again takes the definitions that were left.
    for (installs, upgrades_it) in [(Helm::Three, Helm::Three), (Helm::Four, Helm::Four), (Helm::Three, Helm::Four)] {
        let said = installs.run(&cluster.admin(), &install).unwrap_or_else(|error| panic!("{installs:?}: {error}"));
        assert!(said.contains("Declare a user"), "{said}");
        let deployed = deployment(&client).await.unwrap();
        let pod = deployed.spec.unwrap().template.spec.unwrap();
        assert_eq!(pod.service_account_name.as_deref(), Some(NAME));
        if user.is_none() {
            user = Some(held_user(&client).await);
        }
        upgrades(&cluster, upgrades_it).await;
        assert_eq!(deployment(&client).await.unwrap().metadata.uid, deployed.metadata.uid);
        goes_and_leaves_definitions_and_users(&cluster, upgrades_it, user.as_ref().unwrap()).await;
    }
}
