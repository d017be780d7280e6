//! Flux's health checks: by the expressions that we give, and by kstatus alone.

use std::collections::BTreeMap;

use cel::{Context, Program, Value as Cel};
use serde_json::Value;

use super::{customization, gitops, names, read, yaml};

/// Flux's word for an object, in the order in which it asks.
fn verdict(expressions: &Value, object: &Value) -> &'static str {
    if object["status"].get("observedGeneration").is_some_and(|seen| *seen != object["metadata"]["generation"]) {
        return "InProgress";
    }
    let mut context = Context::default();
    for (name, value) in object.as_object().unwrap() {
        context.add_variable(name.as_str(), value.clone()).unwrap();
    }
    let holds = |name: &str| {
        let Some(text) = expressions[name].as_str() else { return false };
        let program = Program::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        match program.execute(&context) {
            Ok(Cel::Bool(holds)) => holds,
            other => panic!("{text} on {}: {other:?}", object["metadata"]["name"]),
        }
    };
    let order = [("inProgress", "InProgress"), ("failed", "Failed"), ("current", "Current")];
    order.into_iter().find(|(name, _)| holds(name)).map_or("InProgress", |(_, verdict)| verdict)
}

/// kstatus's word for an object: Helm 4, Flux without expressions and `kubectl wait` in scripts go by it.
fn kstatus(object: &Value) -> &'static str {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let is = |type_: &str, status: &str| {
        conditions.iter().any(|condition| condition["type"] == type_ && condition["status"] == status)
    };
    if object["metadata"].get("deletionTimestamp").is_some() {
        "Terminating"
    } else if object["status"].get("observedGeneration").is_some_and(|seen| *seen != object["metadata"]["generation"])
        || is("Reconciling", "True")
    {
        "InProgress"
    } else if is("Stalled", "True") {
        "Failed"
    } else if is("Ready", "False") || is("Ready", "Unknown") {
        "InProgress"
    } else {
        "Current"
    }
}

/// The expressions for each kind, as the example has them.
fn expressions() -> BTreeMap<String, Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&read(gitops().join("examples/flux/users.yaml"))).unwrap();
    let kustomization = documents.iter().find(|document| document["kind"] == "Kustomization").unwrap();
    let all = kustomization["spec"]["healthCheckExprs"].as_array().unwrap();
    all.iter()
        .map(|one| {
            assert_eq!(one["apiVersion"], "contactops.dev/v1alpha1");
            (one["kind"].as_str().unwrap().to_owned(), one.clone())
        })
        .collect()
}

/// For each object of a kind: by Flux's expressions, and by kstatus.
pub fn verdicts(kind: &str) -> BTreeMap<String, (&'static str, &'static str)> {
    let expressions = &expressions()[kind];
    let folder = customization(kind).join("testdata");
    names(&folder)
        .into_iter()
        .map(|name| {
            let object = yaml(folder.join(&name));
            (name.trim_end_matches(".yaml").to_owned(), (verdict(expressions, &object), kstatus(&object)))
        })
        .collect()
}

#[test]
fn a_release_goes_on_when_users_are_ready_and_fails_early_where_a_person_is_needed() {
    let of = |kind: &str| verdicts(kind).into_iter().map(|(name, (flux, _))| (name, flux)).collect::<Vec<_>>();
    let wanted = [
        ("creating", "InProgress"),
        ("drifted", "Failed"),
        ("edited", "InProgress"),
        ("healthy", "Current"),
        ("new", "InProgress"),
        ("retrying", "InProgress"),
        ("stalled", "Failed"),
        ("suspended", "Current"),
        ("suspended-in-git", "Current"),
    ];
    assert_eq!(of("ConnectUser"), wanted.map(|(name, flux)| (name.to_owned(), flux)));
    let wanted = [("healthy", "Current"), ("new", "InProgress"), ("retrying", "InProgress"), ("stalled", "Failed")];
    assert_eq!(of("ConnectInstance"), wanted.map(|(name, flux)| (name.to_owned(), flux)));
}

/// Nobody has to configure anything to be told neither too early nor in vain.
#[test]
fn kstatus_alone_never_takes_an_object_for_done_that_is_not() {
    for kind in ["ConnectUser", "ConnectInstance"] {
        for (name, (flux, kstatus)) in verdicts(kind) {
            let done = kstatus == "Current";
            assert!(!done || flux == "Current", "{kind} {name}: {kstatus}, {flux}");
            assert!(kstatus != "Failed" || flux == "Failed", "{kind} {name}: {kstatus}, {flux}");
        }
    }
}
