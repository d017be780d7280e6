//! How the operator is installed: its workloads and rights, without what may be secret.

use serde_json::{Map, Value, json};

/// Variables of the environment whose values are shown.
const VARIABLES: [&str; 6] =
    ["CONNECT_USER_OPERATOR_", "RUST_LOG", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ROLE_ARN"];

/// A Deployment or a Pod.
pub(super) fn workload(object: &Value) -> Value {
    let mut shown = named(object);
    let spec = object.pointer("/spec/template/spec").or_else(|| object.get("spec")).unwrap_or(&Value::Null);
    shown.insert("replicas".to_owned(), object.pointer("/spec/replicas").cloned().unwrap_or_default());
    shown.insert("serviceAccountName".to_owned(), spec.get("serviceAccountName").cloned().unwrap_or_default());
    let containers = spec.get("containers").and_then(Value::as_array).into_iter().flatten().map(container);
    shown.insert("containers".to_owned(), containers.collect());
    let status = object.get("status").unwrap_or(&Value::Null);
    let told = ["phase", "conditions", "replicas", "readyReplicas", "observedGeneration"];
    let mut status: Map<_, _> = told
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), object.get("status")?.get(*key)?.clone())))
        .chain(restarts(status))
        .collect();
    shown.append(&mut Map::from_iter([("status".to_owned(), Value::Object(std::mem::take(&mut status)))]));
    Value::Object(shown)
}

fn restarts(status: &Value) -> Option<(String, Value)> {
    let containers = status.get("containerStatuses")?.as_array()?;
    let told = ["name", "ready", "restartCount", "state", "lastState", "image"];
    let containers = containers.iter().map(|container| {
        Value::Object(told.iter().filter_map(|key| Some(((*key).to_owned(), container.get(*key)?.clone()))).collect())
    });
    Some(("containerStatuses".to_owned(), containers.collect()))
}

fn container(container: &Value) -> Value {
    let told = ["name", "image", "args", "command", "ports", "resources"];
    let mut shown: Map<_, _> =
        told.iter().filter_map(|key| Some(((*key).to_owned(), container.get(*key)?.clone()))).collect();
    let variables = container.get("env").and_then(Value::as_array).into_iter().flatten().map(|variable| {
        let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
        let is_shown = VARIABLES.iter().any(|known| name.starts_with(known));
        let value = variable.get("value").filter(|_| is_shown).cloned().unwrap_or_else(|| json!("[redacted]"));
        json!({ "name": name, "value": value })
    });
    shown.insert("env".to_owned(), variables.collect());
    Value::Object(shown)
}

/// A role or a binding.
pub(super) fn right(object: &Value) -> Value {
    let mut shown = named(object);
    for key in ["rules", "roleRef"] {
        shown.extend(object.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    if let Some(subjects) = object.get("subjects").and_then(Value::as_array) {
        // Whoever else is bound may be a person.
        let is_account = |subject: &Value| subject.get("kind").is_some_and(|kind| kind == "ServiceAccount");
        let subjects =
            subjects.iter().map(|subject| if is_account(subject) { subject.clone() } else { json!("[redacted]") });
        shown.insert("subjects".to_owned(), subjects.collect());
    }
    Value::Object(shown)
}

/// Name, namespace and age.
pub(super) fn named(object: &Value) -> Map<String, Value> {
    let members = ["name", "namespace", "creationTimestamp", "generation"];
    let metadata = members.iter().filter_map(|key| {
        let value = object.get("metadata")?.get(*key)?;
        Some(((*key).to_owned(), value.clone()))
    });
    let mut shown = Map::from_iter([("metadata".to_owned(), Value::Object(metadata.collect()))]);
    shown.extend(object.get("kind").map(|kind| ("kind".to_owned(), kind.clone())));
    shown
}
