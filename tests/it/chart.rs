//! The Helm chart: it installs with the real Helm, 4 and 3, into the real API server, brings the rights and
//! definitions that the tests run under and no others, and refuses values that would do something else than meant.

mod guard;
pub mod helm;
mod install;
mod matrix;
mod releases;
mod values;

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;

use self::helm::{of_kind, template};

/// Rules as a set of (group, resource, name, verb).
pub fn rights(rules: &[PolicyRule]) -> BTreeSet<(String, String, String, String)> {
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

#[test]
fn its_rights_are_those_that_the_tests_run_under() {
    let documents =
        template(&["leaderElection.enabled=true", "leaderElection.leaseName=connect-user-operator"]).unwrap();
    let role: ClusterRole = serde_json::from_value(of_kind(&documents, "ClusterRole")[0].clone()).unwrap();
    assert_eq!(rights(&role.rules.unwrap()), rights(&shipped("ClusterRole")));
    let role: Role = serde_json::from_value(of_kind(&documents, "Role")[0].clone()).unwrap();
    assert_eq!(rights(&role.rules.unwrap()), rights(&shipped("Role")));
}

#[test]
fn without_a_feature_its_rights_are_not_there_and_namespaces_bound_them() {
    let documents =
        template(&["rbac.readSecrets=false", "operator.clusterName=prod", "operator.watchNamespaces={emea,apac}"])
            .unwrap();
    let role: ClusterRole = serde_json::from_value(of_kind(&documents, "ClusterRole")[0].clone()).unwrap();
    let resources: BTreeSet<String> =
        rights(&role.rules.unwrap()).into_iter().map(|(_, resource, ..)| resource).collect();
    assert_eq!(resources, ["connectinstances", "connectinstances/status"].map(str::to_owned).into());
    let roles = of_kind(&documents, "Role");
    let namespaces: Vec<&str> = roles.iter().filter_map(|role| role["metadata"]["namespace"].as_str()).collect();
    assert_eq!(namespaces, ["emea", "apac", "connect"]);
    for role in roles {
        let rules: Vec<PolicyRule> = serde_json::from_value(role["rules"].clone()).unwrap();
        assert!(rights(&rules).iter().all(|(_, resource, ..)| !["secrets", "leases"].contains(&resource.as_str())));
    }
}

#[test]
fn its_definitions_are_the_generated_ones_and_stay_when_it_goes() {
    let read = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    assert_eq!(
        read("charts/connect-user-operator/files/crds.yaml"),
        read("crds/contactops.dev.yaml"),
        "run `make crds`"
    );
    let documents = template(&[]).unwrap();
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
