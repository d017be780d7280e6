//! The Helm chart: it installs with the real Helm, 4 and 3, into the real API server, brings the rights and
//! definitions that the tests run under and no others, and refuses values that would do something else than meant.

mod guard;
pub mod helm;
mod install;
mod matrix;
mod releases;
mod values;

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;

use self::helm::{Helm, of_kind, template};
use crate::support::release::{Right, given, rights};

/// What a file of deploy/ gives, in the form of what the chart gives.
fn deployed(file: &str) -> BTreeSet<Right> {
    let text = std::fs::read_to_string(format!("{}/deploy/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    given(&text.split("\n---\n").map(|text| serde_saphyr::from_str(text).unwrap()).collect::<Vec<_>>())
}

/// The tests run under those of the chart.
#[test]
fn its_rights_are_those_of_deploy() {
    let rendered = |values: &[&str]| {
        // Of the same name as there.
        given(&Helm::Four.render("connect-user-operator", "connect", values).unwrap())
    };
    let base = rendered(&["leaderElection.enabled=true"]);
    assert!(base.len() >= 16, "{base:#?}");
    assert_eq!(base, deployed("rbac.yaml"));
    let further = rendered(&["leaderElection.enabled=true", "rbac.generatePasswords=true"]);
    let further: BTreeSet<Right> = further.difference(&base).cloned().collect();
    assert_eq!(further, deployed("generate-passwords.yaml"));
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
