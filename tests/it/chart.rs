//! The Helm chart: it installs with the real Helm into the real API server, brings the rights and definitions
//! that the tests run under and no others, and refuses values that would do something else than meant.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use connect_user_operator::resource::instance::ConnectInstance;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::{Cluster, cluster};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/connect-user-operator");

fn helm(cluster: &Cluster, kubeconfig: &PathBuf, arguments: &[&str]) -> Result<String, String> {
    let helm = cluster.plane.kubectl().with_file_name("helm");
    let output = Command::new(helm).env("KUBECONFIG", kubeconfig).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

async fn template(values: &[&str]) -> Result<Vec<Value>, String> {
    let cluster = cluster().await;
    let mut arguments = vec!["template", "rel", CHART, "--namespace", "connect"];
    for value in values {
        arguments.extend(match value.strip_prefix("json:") {
            Some(value) => ["--set-json", value],
            None => ["--set", value],
        });
    }
    let text = helm(cluster, &cluster.plane.dir().join("admin.kubeconfig"), &arguments)?;
    let documents = text.split("\n---\n").filter(|text| text.lines().any(|line| line.starts_with("kind:")));
    Ok(documents.map(|text| serde_saphyr::from_str(text).unwrap()).collect())
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

/// Rules as a set of (group, resource, name, verb).
fn rights(rules: &[PolicyRule]) -> BTreeSet<(String, String, String, String)> {
    let mut rights = BTreeSet::new();
    for rule in rules {
        let names = rule.resource_names.clone().unwrap_or_else(|| vec![String::new()]);
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for name in &names {
                    for verb in &rule.verbs {
                        rights.insert((group.clone(), resource.clone(), name.clone(), verb.clone()));
                    }
                }
            }
        }
    }
    rights
}

fn shipped(kind: &str) -> Vec<PolicyRule> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/rbac.yaml")).unwrap();
    let documents = text.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    let rules = documents.filter(|document| document["kind"] == kind).map(|document| document["rules"].clone());
    rules.flat_map(|rules| serde_json::from_value::<Vec<PolicyRule>>(rules).unwrap()).collect()
}

#[tokio::test]
async fn its_rights_are_those_that_the_tests_run_under() {
    let documents =
        template(&["leaderElection.enabled=true", "leaderElection.leaseName=connect-user-operator"]).await.unwrap();
    let role: ClusterRole = serde_json::from_value(of_kind(&documents, "ClusterRole")[0].clone()).unwrap();
    assert_eq!(rights(&role.rules.unwrap()), rights(&shipped("ClusterRole")));
    let role: Role = serde_json::from_value(of_kind(&documents, "Role")[0].clone()).unwrap();
    assert_eq!(rights(&role.rules.unwrap()), rights(&shipped("Role")));
}

#[tokio::test]
async fn without_a_feature_its_rights_are_not_there_and_namespaces_bound_them() {
    let documents =
        template(&["rbac.readSecrets=false", "operator.clusterName=prod", "operator.watchNamespaces={emea,apac}"])
            .await
            .unwrap();
    let role: ClusterRole = serde_json::from_value(of_kind(&documents, "ClusterRole")[0].clone()).unwrap();
    let resources: BTreeSet<String> =
        rights(&role.rules.unwrap()).into_iter().map(|(_, resource, ..)| resource).collect();
    assert_eq!(resources, ["connectinstances", "connectinstances/status", "events"].map(str::to_owned).into());
    let roles = of_kind(&documents, "Role");
    let namespaces: Vec<&str> = roles.iter().filter_map(|role| role["metadata"]["namespace"].as_str()).collect();
    assert_eq!(namespaces, ["emea", "apac", "connect"]);
    for role in roles {
        let rules: Vec<PolicyRule> = serde_json::from_value(role["rules"].clone()).unwrap();
        assert!(rights(&rules).iter().all(|(_, resource, ..)| !["secrets", "leases"].contains(&resource.as_str())));
    }
}

#[tokio::test]
async fn its_definitions_are_the_generated_ones_and_stay_when_it_goes() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(
        read("charts/connect-user-operator/files/crds.yaml"),
        read("crds/contactops.dev.yaml"),
        "run `make crds`"
    );
    let documents = template(&[]).await.unwrap();
    let text = read("crds/contactops.dev.yaml");
    let generated: Vec<CustomResourceDefinition> =
        text.split("\n---\n").map(|text| serde_saphyr::from_str(text).unwrap()).collect();
    let brought = of_kind(&documents, "CustomResourceDefinition");
    assert_eq!(brought.len(), generated.len());
    for (brought, generated) in brought.into_iter().zip(&generated) {
        // Helm writes 5.0 as 5; to the API server they are one.
        let brought: CustomResourceDefinition = serde_json::from_value(brought.clone()).unwrap();
        assert_eq!(brought.spec, generated.spec);
        assert_eq!(brought.metadata.annotations.unwrap()["helm.sh/resource-policy"], "keep");
    }
}

#[tokio::test]
async fn mistakes_in_values_are_refused() {
    for (values, said) in [
        (vec!["operator.clusterNam=prod"], "clusterNam"),
        (vec!["operator.tenancy=closed"], "tenancy"),
        (vec!["operator.sweepInterval=5 minutes"], "sweepInterval"),
        (vec!["image.digest=latest"], "digest"),
        (vec!["replicas=2"], "leaderElection.enabled"),
        (vec!["leaderElection.retryPeriod=often"], "retryPeriod"),
        (vec!["extraEnv[0].name=RUST_LOG", "extraEnv[0].value=trace"], "operator.logLevel"),
        (vec!["rbac.generatePasswords=true", "rbac.readSecrets=false"], "readSecrets"),
        (vec!["serviceAccount.create=false"], "serviceAccount.name"),
        (vec!["metrics.serviceMonitor.enabled=true", "metrics.service.enabled=false"], "podMonitor"),
    ] {
        let error = template(&values).await.expect_err(&values.join(" "));
        assert!(error.contains(said), "{values:?}: {error}");
    }
}

/// Its container must take the arguments that the chart gives.
#[tokio::test]
async fn the_program_takes_the_arguments() {
    let documents = template(&[
        "operator.clusterName=prod",
        "operator.watchNamespaces={emea,apac}",
        "operator.rateLimits={CreateUser=4/10,*=2}",
        "json:operator.quotaShare=0.5",
        "json:operator.watchSelector=\"shard in (a, b)\"",
        "operator.readOnly=true",
        "leaderElection.enabled=true",
        "replicas=2",
    ])
    .await
    .unwrap();
    let deployment: Deployment = serde_json::from_value(of_kind(&documents, "Deployment")[0].clone()).unwrap();
    let spec = deployment.spec.unwrap();
    assert_eq!((spec.replicas, spec.strategy.unwrap().type_.as_deref()), (Some(2), Some("RollingUpdate")));
    let pod = spec.template.spec.unwrap();
    let arguments = pod.containers[0].args.clone().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_connect-user-operator"))
        .args(&arguments)
        .env("KUBECONFIG", "/nonexistent")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    // It comes as far as to look for a cluster.
    assert!(!said.contains("Usage:") && !said.contains("error: "), "{arguments:?}: {said}");
    assert!(said.contains("starting"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_installs_upgrades_and_goes_and_leaves_the_definitions() {
    // A control plane of its own, without our definitions: the chart brings them.
    let cluster = Cluster::bare("chart").await;
    let kubeconfig = cluster.plane.dir().join("admin.kubeconfig");
    let install = ["install", "rel", CHART, "--namespace", "connect", "--create-namespace"];
    let said = helm(&cluster, &kubeconfig, &install).unwrap();
    assert!(said.contains("Declare a user"), "{said}");
    let client = cluster.client().await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "connect");
    let deployment = deployments.get("rel-connect-user-operator").await.unwrap();
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    assert_eq!(pod.service_account_name.as_deref(), Some("rel-connect-user-operator"));

    let upgrade = [
        "upgrade",
        "rel",
        CHART,
        "--namespace",
        "connect",
        "--set",
        "networkPolicy.enabled=true",
        "--set",
        "rbac.generatePasswords=true,rbac.aggregateToView=true,rbac.aggregateToEdit=true",
        "--set",
        "connectInstances.emea.instanceArn=arn:aws:connect:eu-west-1:111122223333:instance/11111111-1111-4111-8111-111111111111",
        "--set",
        "connectInstances.emea.allowedNamespaces={emea-*}",
    ];
    helm(&cluster, &kubeconfig, &upgrade).unwrap();
    let instances: Api<ConnectInstance> = Api::all(client.clone());
    assert_eq!(instances.get("emea").await.unwrap().spec.allowed_namespaces, ["emea-*"]);
    // A field of the status is the operator's: another upgrade must not fight for it.
    let status = json!({
        "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance", "status": { "observedGeneration": 1 },
    });
    instances.patch_status("emea", &PatchParams::apply("operator").force(), &Patch::Apply(status)).await.unwrap();
    helm(&cluster, &kubeconfig, &upgrade).unwrap();

    helm(&cluster, &kubeconfig, &["uninstall", "rel", "--namespace", "connect"]).unwrap();
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    definitions.get("connectusers.contactops.dev").await.expect("the definitions stay");
    assert!(deployments.get_opt("rel-connect-user-operator").await.unwrap().is_none());
}
