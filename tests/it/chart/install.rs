//! Installing, upgrading and taking away, by Helm 3, by Helm 4, and by the one after the other.

use connect_user_operator::resource::FINALIZER;
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::user::ConnectUser;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use super::helm::{CHART, Helm, set, template};
use crate::support::{Cluster, cluster, managed};

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

/// Three steps, the last of which declares a user that the API server takes.
async fn takes_what_the_notes_say(cluster: &Cluster, notes: &str) {
    for step in ["1. ", "2. ", "3. "] {
        assert!(notes.lines().any(|line| line.starts_with(step)), "no step {step}in {notes}");
    }
    assert!(notes.contains("ServiceAccount rel-connect-user-operator in namespace connect"), "{notes}");
    let (_, manifest) = notes.split_once("<<EOF\n").unwrap();
    let (manifest, _) = manifest.split_once("EOF").unwrap();
    let user: Value = serde_saphyr::from_str(manifest).unwrap();
    takes(cluster, &user).await;
}

async fn takes(cluster: &Cluster, user: &Value) {
    let users: Api<DynamicObject> = Api::namespaced_with(
        cluster.client().await,
        user["metadata"]["namespace"].as_str().unwrap_or("default"),
        &ApiResource::erase::<ConnectUser>(&()),
    );
    let params = PatchParams { dry_run: true, ..PatchParams::apply("notes").validation_strict() };
    let name = user["metadata"]["name"].as_str().unwrap();
    users.patch(name, &params, &Patch::Apply(user)).await.unwrap_or_else(|error| panic!("{user}: {error}"));
}

/// What Artifact Hub shows.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_chart_are_valid_and_its_kinds_are_ours() {
    let text = std::fs::read_to_string(format!("{CHART}/Chart.yaml")).unwrap();
    let chart: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(
        (&chart["version"], &chart["appVersion"]),
        (&env!("CARGO_PKG_VERSION").into(), &env!("CARGO_PKG_VERSION").into())
    );
    let annotation = |name: &str| {
        let text = chart["annotations"][format!("artifacthub.io/{name}")].as_str().unwrap_or_default();
        serde_saphyr::from_str::<Vec<Value>>(text).unwrap()
    };
    let names: Vec<_> = annotation("crds").iter().map(|crd| crd["name"].as_str().unwrap().to_owned()).collect();
    let ours: Vec<_> = connect_user_operator::cli::crd::all().into_iter().map(|crd| crd.name_any()).collect();
    assert_eq!(names, ours);
    let examples = annotation("crdsExamples");
    assert_eq!(
        examples.iter().map(|example| example["kind"].clone()).collect::<Vec<_>>(),
        ["ConnectUser", "ConnectInstance"]
    );
    takes(cluster().await, &examples[0]).await;
    let instance = json!({ "emea": examples[1]["spec"] });
    template(&[&format!("json:connectInstances={instance}")]).unwrap();
    assert!(!annotation("changes").is_empty());
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
        takes_what_the_notes_say(&cluster, &said).await;
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
