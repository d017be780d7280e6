//! Every rule of the CRD on the real API server: what it must accept, and what it must refuse with
//! which words.

mod cases;
mod coverage;

use connect_user_operator::kubectl::manifests;
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::user::ConnectUser;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::ApiResource;
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support;
use cases::Case;
use coverage::{Complaint, Shown, fields, not_shown};

fn users(client: Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client, namespace, &ApiResource::erase::<ConnectUser>(&()))
}

fn object(name: &str, spec: &Value) -> DynamicObject {
    object_of::<ConnectUser>(name, spec)
}

fn object_of<K: Resource<DynamicType = ()>>(name: &str, spec: &Value) -> DynamicObject {
    let object = json!({
        "apiVersion": "contactops.dev/v1alpha1",
        "kind": K::kind(&()),
        "metadata": { "name": name },
        "spec": spec,
    });
    serde_json::from_value(object).expect("an object")
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Value::Object(target) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn complaints(error: kube::Error) -> Vec<Complaint> {
    let kube::Error::Api(status) = error else { panic!("not an answer of the API server: {error}") };
    assert_eq!(status.code, 422, "not a validation error: {}", status.message);
    let causes = status.details.map(|details| details.causes).unwrap_or_default();
    let mut complaints: Vec<_> =
        causes.into_iter().map(|cause| Complaint { field: cause.field, message: cause.message }).collect();
    complaints.retain(|complaint| !complaint.message.contains("some validation rules were not checked"));
    complaints.sort();
    complaints
}

/// What `kubectl connect lint` and `plan` say without a cluster must be what the API server says: the same fields, and
/// the same words where they are a rule's.
fn offline(object: &Value, before: Option<&Value>, answer: &Result<DynamicObject, kube::Error>) -> Result<(), String> {
    let mut theirs = match answer {
        Ok(_) => Vec::new(),
        Err(kube::Error::Api(status)) => {
            let causes = status.details.iter().flat_map(|details| &details.causes);
            // What has no field repeats what is said of one.
            let said = causes.filter(|cause| {
                !cause.message.contains("some validation rules were not checked") && cause.field != "<nil>"
            });
            said.map(|cause| (cause.field.clone(), cause.message.clone())).collect()
        }
        Err(error) => return Err(format!("not an answer of the API server: {error}")),
    };
    let ours = manifests::complaints(object, before);
    let said = format!("offline {ours:#?}, API server {theirs:#?}");
    for complaint in ours {
        let field = complaint.path.to_string();
        let is_said = |(other, words): &(String, String)| {
            *other == field && (complaint.kind != manifests::Kind::Rule || words.contains(&complaint.message))
        };
        let Some(at) = theirs.iter().position(is_said) else { return Err(said) };
        theirs.remove(at);
    }
    if theirs.is_empty() { Ok(()) } else { Err(said) }
}

/// Tries one case, and notes what it has shown.
async fn attempt<K: Resource<DynamicType = ()> + Serialize + DeserializeOwned>(
    users: &Api<DynamicObject>,
    name: &str,
    base: &Value,
    case: &Case,
    shown: &mut Shown,
) -> Result<(), String> {
    let object = |name, spec: &Value| object_of::<K>(name, spec);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let mut spec = base.clone();
    let mut earlier = None;
    let answer = match &case.before {
        None => {
            merge(&mut spec, &case.spec);
            users.create(&dry_run, &object(name, &spec)).await
        }
        Some(before) => {
            merge(&mut spec, before);
            let there = users.create(&PostParams::default(), &object(name, &spec)).await;
            let there = there.map_err(|error| format!("cannot prepare: {error}"))?;
            earlier = Some(serde_json::to_value(&there).expect("JSON"));
            merge(&mut spec, &case.spec);
            let mut object = object(name, &spec);
            object.metadata.resource_version = there.resource_version();
            users.replace(name, &dry_run, &object).await
        }
    };
    offline(&serde_json::to_value(object(name, &spec)).expect("JSON"), earlier.as_ref(), &answer)?;
    match answer {
        Ok(stored) if case.refused.is_empty() => {
            let value = serde_json::to_value(&stored).expect("JSON");
            fields("", &value, if case.before.is_some() { &mut shown.updated } else { &mut shown.accepted });
            // What the API server lets in is what the program understands, to the last member.
            let parsed: K = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
            let again = serde_json::to_value(&parsed).map_err(|error| error.to_string())?;
            if again.get("spec") == value.get("spec") { Ok(()) } else { Err(format!("read as {again}")) }
        }
        Ok(_) => Err("accepted".into()),
        Err(error) if case.refused.is_empty() => Err(format!("refused: {error}")),
        Err(error) => {
            let complaints = complaints(error);
            let mut expected: Vec<_> = case.refused.iter().collect();
            let as_expected = complaints.len() == expected.len()
                && complaints.iter().all(|complaint| {
                    let known = expected
                        .iter()
                        .position(|(field, words)| complaint.field == *field && complaint.message.contains(words));
                    known.map(|position| expected.remove(position)).is_some()
                });
            let result = if as_expected { Ok(()) } else { Err(format!("other complaints: {complaints:#?}")) };
            shown.refused.extend(complaints);
            result
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_the_crd() {
    let cluster = support::cluster().await;
    let users = users(cluster.client().await, &cluster.namespace("admission").await);
    let mut shown = Shown::default();
    let mut failed = Vec::new();
    let base = cases::base();
    for (number, case) in cases::all().iter().enumerate() {
        if let Err(error) = attempt::<ConnectUser>(&users, &format!("case-{number}"), &base, case, &mut shown).await {
            failed.push(format!("{}: {error}", case.name));
        }
    }
    // The name is not part of the spec, so it is not in the table.
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let longest = users.create(&dry_run, &object(&"n".repeat(150), &cases::base())).await;
    assert!(longest.is_ok(), "a name of 150 characters: {longest:?}");
    let longer = users.create(&dry_run, &object(&"n".repeat(151), &cases::base())).await;
    shown.refused.extend(complaints(longer.expect_err("a name of 151 characters")));

    failed.extend(not_shown("ConnectUser", &shown));
    assert!(failed.is_empty(), "{} failures:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_connect_instance() {
    let client = support::cluster().await.client().await;
    let instances: Api<DynamicObject> = Api::all_with(client, &ApiResource::erase::<ConnectInstance>(&()));
    let (mut shown, mut failed) = (Shown::default(), Vec::new());
    let base = cases::instance::base();
    for (number, case) in cases::instance::all().iter().enumerate() {
        let name = format!("admission-{number}");
        if let Err(error) = attempt::<ConnectInstance>(&instances, &name, &base, case, &mut shown).await {
            failed.push(format!("{}: {error}", case.name));
        }
        if case.before.is_some() {
            // Cluster-scoped, and two for one instance stop each other.
            instances.delete(&name, &Default::default()).await.expect("deleted");
        }
    }
    failed.extend(not_shown("ConnectInstance", &shown));
    assert!(failed.is_empty(), "{} failures:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_object_is_not_observed_yet_and_has_its_defaults() {
    let cluster = support::cluster().await;
    let users = users(cluster.client().await, &cluster.namespace("admission").await);
    let created = users.create(&PostParams::default(), &object("fresh", &cases::base())).await.expect("created");
    let read = users.get("fresh").await.expect("read");
    for object in [created, read] {
        assert_eq!(object.data.get("status"), Some(&json!({ "observedGeneration": -1 })));
        let mut spec = cases::base();
        let defaults = json!({ "deletionPolicy": "Delete", "adoptionPolicy": "Refuse", "driftPolicy": "Correct", "suspend": false });
        merge(&mut spec, &defaults);
        assert_eq!(object.data.get("spec"), Some(&spec));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_are_not_repeated() {
    let cluster = support::cluster().await;
    let users = users(cluster.client().await, &cluster.namespace("admission").await);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let wrong = |member: &str, value: Value| json!({ "identityInfo": { (member): value } });
    let mut specs = vec![
        json!({ "phoneConfig": { "deskPhoneNumber": "SECRET" } }),
        json!({ "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "SECRET" }] }),
        json!({ "passwordSecretRef": { "name": "SECRET!", "key": "SECRET!" } }),
    ];
    for member in ["email", "secondaryEmail", "mobile"] {
        specs.push(wrong(member, json!("SECRET")));
    }
    for member in ["firstName", "lastName", "email", "secondaryEmail", "mobile"] {
        specs.push(wrong(member, json!("SECRET".repeat(100))));
        specs.push(wrong(member, json!({ "SECRET": "SECRET" })));
        specs.push(wrong(member, json!(7_350_927)));
    }
    for patch in specs {
        let mut spec = cases::base();
        merge(&mut spec, &patch);
        let error = users.create(&dry_run, &object("personal", &spec)).await.expect_err("refused");
        let kube::Error::Api(status) = error else { panic!("not an answer of the API server") };
        let answer = format!("{status:?}");
        assert!(!answer.contains("SECRET") && !answer.contains("7350927"), "{patch}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_can_be_selected_by_username() {
    let cluster = support::cluster().await;
    let users = users(cluster.client().await, &cluster.namespace("admission").await);
    for name in ["anna", "berta"] {
        let mut spec = cases::base();
        merge(&mut spec, &json!({ "username": name }));
        users.create(&PostParams::default(), &object(name, &spec)).await.expect("created");
    }
    let found = users.list(&ListParams::default().fields("spec.username=berta")).await.expect("listed");
    assert_eq!(found.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["berta"]);
}

/// A status write that is refused would stop an object for ever, so the largest one must pass: while
/// everything is replaced, the record holds the old and the new.
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_status_fits() {
    let cluster = support::cluster().await;
    let users = users(cluster.client().await, &cluster.namespace("admission").await);
    users.create(&PostParams::default(), &object("large", &cases::base())).await.expect("created");
    let pad = |n: usize, length: usize| format!("{n:0>length$}");
    let condition = |name: &str, status: &str| {
        json!({
            "type": name, "status": status, "observedGeneration": 1, "reason": "ReferenceNotFound",
            "message": "m".repeat(32_768), "lastTransitionTime": "2026-11-23T10:00:00Z"
        })
    };
    let status = json!({
        "observedGeneration": 1,
        "userArn": format!("{}/agent/0a1b2c3d", cases::INSTANCE),
        "userId": "0a1b2c3d",
        "lastModifiedTime": "2026-11-23T10:00:00.123Z",
        "lastCreateAttemptTime": "2026-11-23T10:00:00Z",
        "lastHandledReconcileAt": "x".repeat(262_144),
        "applied": {
            "generation": 1,
            "fields": (0..200).map(|n| pad(n, 320)).collect::<Vec<_>>(),
            "tagKeys": (0..96).map(|n| pad(n, 128)).collect::<Vec<_>>(),
            "proficiencies": (0..20).map(|n| json!({ "attributeName": pad(n, 100), "attributeValue": pad(n, 100) })).collect::<Vec<_>>()
        },
        "drift": (0..200).map(|n| json!({ "field": pad(n, 320), "declared": pad(n, 256), "observed": pad(n, 2560) })).collect::<Vec<_>>(),
        "conditions": [condition("Ready", "False"), condition("Stalled", "True"), condition("Reconciling", "True")]
    });
    let patch = json!({ "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectUser", "status": status });
    let params = PatchParams::apply("test").force();
    let stored = users.patch_status("large", &params, &Patch::Apply(&patch)).await.expect("the status is accepted");
    assert_eq!(stored.data.get("status"), Some(&status));
    let parsed: ConnectUser =
        serde_json::from_value(serde_json::to_value(stored).expect("JSON")).expect("a ConnectUser");
    assert_eq!(parsed.status.and_then(|status| status.applied).map(|applied| applied.tag_keys.len()), Some(96));
}
