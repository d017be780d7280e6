//! Argo CD's scripts for our kinds, on statuses that the operator wrote.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lua::run;
use super::{customization, gitops, names, read, yaml};
use crate::support::blessed;

const KINDS: [&str; 2] = ["ConnectUser", "ConnectInstance"];
const ACTIONS: [&str; 3] = ["reconcile", "suspend", "resume"];

/// Argo CD's word for the health of each object in the folder of a kind.
pub fn healths(kind: &str) -> BTreeMap<String, String> {
    let folder = customization(kind);
    let script = read(folder.join("health.lua"));
    let health = |name: &String| run(&script, &yaml(folder.join("testdata").join(name)))["status"].clone();
    names(&folder.join("testdata"))
        .into_iter()
        .map(|name| (name.trim_end_matches(".yaml").to_owned(), health(&name).as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn health_is_as_the_test_files_say_for_every_object() {
    for kind in KINDS {
        let folder = customization(kind);
        let script = read(folder.join("health.lua"));
        let tests = yaml(folder.join("health_test.yaml"));
        let mut tried = Vec::new();
        for test in tests["tests"].as_array().unwrap() {
            let path = test["inputPath"].as_str().unwrap();
            assert_eq!(run(&script, &yaml(folder.join(path))), test["healthStatus"], "{kind} {path}");
            tried.push(path.trim_start_matches("testdata/").to_owned());
        }
        tried.sort();
        assert_eq!(tried, names(&folder.join("testdata")), "every object of {kind} is tried");
    }
}

#[test]
fn every_health_of_the_contract_is_among_them() {
    let of_users: Vec<String> = healths("ConnectUser").into_values().collect();
    for health in ["Progressing", "Healthy", "Degraded", "Suspended"] {
        assert!(of_users.iter().any(|found| found == health), "no ConnectUser is {health}");
    }
    let of_instances: Vec<String> = healths("ConnectInstance").into_values().collect();
    for health in ["Progressing", "Healthy", "Degraded"] {
        assert!(of_instances.iter().any(|found| found == health), "no ConnectInstance is {health}");
    }
}

/// A script must take whatever may be stored, also what no operator has written.
#[test]
fn an_object_with_less_is_in_progress() {
    for kind in KINDS {
        let script = read(customization(kind).join("health.lua"));
        for object in [
            json!({ "metadata": { "generation": 1 }, "spec": {} }),
            json!({ "metadata": { "generation": 1 }, "spec": {}, "status": {} }),
            json!({ "metadata": { "generation": 1 }, "spec": {}, "status": { "observedGeneration": 1 } }),
            json!({ "metadata": { "generation": 1 }, "spec": {}, "status": { "observedGeneration": 1, "conditions": [] } }),
        ] {
            assert_eq!(run(&script, &object)["status"], "Progressing", "{kind} {object}");
        }
    }
}

#[test]
fn actions_are_offered_and_do_what_the_test_files_say() {
    let folder = customization("ConnectUser").join("actions");
    let tests = yaml(folder.join("action_test.yaml"));
    let discovery = read(folder.join("discovery.lua"));
    for test in tests["discoveryTests"].as_array().unwrap() {
        let path = test["inputPath"].as_str().unwrap();
        let offered = run(&discovery, &yaml(folder.join(path)));
        let wanted: serde_json::Map<String, Value> = test["result"]
            .as_array()
            .unwrap()
            .iter()
            .map(|action| (action["name"].as_str().unwrap().to_owned(), json!({ "disabled": action["disabled"] })))
            .collect();
        assert_eq!(offered, Value::Object(wanted), "{path}");
    }
    let mut tried = Vec::new();
    for test in tests["actionTests"].as_array().unwrap() {
        let path = |name: &str| folder.join(test[name].as_str().unwrap());
        let action = test["action"].as_str().unwrap();
        let script = read(folder.join(action).join("action.lua"));
        let before = yaml(path("inputPath"));
        let after = run(&script, &before);
        blessed(&path("expectedOutputPath"), &serde_saphyr::to_string(&after).unwrap());
        assert_eq!(after["spec"], before["spec"], "what Git says is not changed by {action}");
        assert_ne!(after, before, "{action} does something");
        tried.push(action.to_owned());
    }
    assert_eq!(tried, ACTIONS, "every action is tried");
}

/// Users of Argo CD have our scripts from this ConfigMap, as long as Argo CD itself does not bring them.
#[test]
fn the_config_map_has_the_same_scripts() {
    let mut data = BTreeMap::new();
    for kind in KINDS {
        let health = read(customization(kind).join("health.lua"));
        data.insert(format!("resource.customizations.health.contactops.dev_{kind}"), health);
    }
    let actions = customization("ConnectUser").join("actions");
    let definitions: Vec<Value> =
        ACTIONS.map(|name| json!({ "name": name, "action.lua": read(actions.join(name).join("action.lua")) })).into();
    let actions = json!({ "discovery.lua": read(actions.join("discovery.lua")), "definitions": definitions });
    data.insert(
        "resource.customizations.actions.contactops.dev_ConnectUser".to_owned(),
        serde_saphyr::to_string(&actions).unwrap(),
    );
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "argocd-cm", "namespace": "argocd", "labels": { "app.kubernetes.io/part-of": "argocd" } },
        "data": data,
    });
    let text = format!(
        "# Made from resource_customizations/. Add the data to your argocd-cm, such as by\n\
         # kubectl -n argocd patch configmap argocd-cm --patch-file argocd-cm.yaml\n{}",
        serde_saphyr::to_string(&config_map).unwrap()
    );
    blessed(&gitops().join("argo-cd/argocd-cm.yaml"), &text);
}
