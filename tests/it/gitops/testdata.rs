//! The objects that the scripts are tried on: as the API server had them after the operator wrote their status.

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::IdentityInfo;
use connect_simulator::{Fault, FaultKind, Mutation, UserPatch};
use connect_user_operator::resource::{RECONCILE_ANNOTATION, SUSPEND_ANNOTATION};
use kube::Api;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use regex::Regex;
use serde_json::{Value, json};

use super::customization;
use crate::support::{Cluster, Options, Stage, blessed, condition, managed};

/// Writes, or compares with what is there, an object as `kubectl get -o yaml` shows it.
async fn keep(stage: &Stage, kind: &str, name: &str, file: &str) {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("contactops.dev", "v1alpha1", kind));
    let api: Api<DynamicObject> = match kind {
        "ConnectUser" => Api::namespaced_with(stage.client.clone(), &stage.namespace, &resource),
        _ => Api::all_with(stage.client.clone(), &resource),
    };
    let mut object = api.get(name).await.unwrap();
    object.metadata.managed_fields = None;
    let object = fixed(serde_json::to_value(object).unwrap(), &stage.namespace);
    let folder = customization(kind);
    let text = serde_saphyr::to_string(&object).unwrap();
    blessed(&folder.join("testdata").join(file), &text);
    if kind == "ConnectUser" && ["healthy.yaml", "suspended.yaml", "suspended-in-git.yaml"].contains(&file) {
        blessed(&folder.join("actions/testdata").join(file), &text);
    }
}

/// The object without what is another at every run.
fn fixed(object: Value, namespace: &str) -> Value {
    let spec = object["spec"].to_string();
    let mut text = object.to_string().replace(namespace, "emea");
    let id = Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    let keep = |found: &regex::Captures<'_>| {
        let stays = spec.contains(&found[0]);
        if stays { found[0].to_owned() } else { "99999999-9999-4999-8999-999999999999".to_owned() }
    };
    text = id.replace_all(&text, keep).into_owned();
    let time = Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap();
    text = time.replace_all(&text, "2026-01-01T00:00:00Z").into_owned();
    let mut object: Value = serde_json::from_str(&text).unwrap();
    object["metadata"]["resourceVersion"] = json!("1000");
    if let Some(version) = object.pointer_mut("/status/passwordSecret/resourceVersion") {
        *version = json!("900");
    }
    object
}

fn taken(username: &str) -> Mutation {
    Mutation::CreateUser {
        instance_id: m::ID.to_owned(),
        username: username.to_owned(),
        set: Box::new(UserPatch {
            security_profile_ids: Some(vec![m::SECURITY_AGENT.to_owned()]),
            ..UserPatch::default()
        }),
    }
}

async fn users(stage: &Stage) {
    let keep = async |name: &str, file: &str| keep(stage, "ConnectUser", name, file).await;
    stage.create(&managed("jane", "jane")).await;
    keep("jane", "new.yaml").await;

    stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 5000 }).on("CreateUser").times(1));
    stage.start_operator().await;
    stage.until("jane", "Creating", |object| condition(object).is_some_and(|(_, reason)| reason == "Creating")).await;
    keep("jane", "creating.yaml").await;
    stage.ready("jane").await;
    keep("jane", "healthy.yaml").await;

    let mut missing = managed("joe", "joe");
    missing["spec"].as_object_mut().unwrap().remove("routingProfileArn");
    missing["spec"]["routingProfileName"] = json!("No Such Profile");
    stage.create(&missing).await;
    stage.reason("joe", "ReferenceNotFound").await;
    keep("joe", "retrying.yaml").await;

    stage.simulator.mutate(taken("ann")).unwrap();
    stage.create(&managed("ann", "ann")).await;
    stage.reason("ann", "UsernameTaken").await;
    keep("ann", "stalled.yaml").await;

    let mut reporting = managed("kim", "kim");
    reporting["spec"]["driftPolicy"] = json!("Report");
    stage.create(&reporting).await;
    stage.ready("kim").await;
    let other = IdentityInfo { last_name: Some("Other".to_owned()), ..IdentityInfo::default() };
    stage.console("kim", UserPatch { identity_info: Some(other), ..UserPatch::default() });
    stage.annotate("kim", RECONCILE_ANNOTATION, "2026-01-01T00:00:00Z").await;
    stage.reason("kim", "Drifted").await;
    keep("kim", "drifted.yaml").await;

    stage.annotate("jane", SUSPEND_ANNOTATION, "true").await;
    stage.reason("jane", "Suspended").await;
    keep("jane", "suspended.yaml").await;

    let mut suspended = managed("lee", "lee");
    suspended["spec"]["suspend"] = json!(true);
    stage.create(&suspended).await;
    stage.reason("lee", "Suspended").await;
    keep("lee", "suspended-in-git.yaml").await;

    stage.create(&managed("max", "max")).await;
    stage.ready("max").await;
    stage.stop_operator().await;
    stage.edit("max", json!({ "identityInfo": { "firstName": "Maxine" } })).await;
    keep("max", "edited.yaml").await;
    stage.start_operator().await;
}

async fn instances(stage: &Stage) {
    let keep = async |name: &str, file: &str| keep(stage, "ConnectInstance", name, file).await;
    let api = stage.instances();
    let create = async |name: &str, id: &str| {
        let rules = json!({ "instanceArn": m::ARN.replace(m::ID, id), "allowedNamespaces": [stage.namespace] });
        stage.govern(name, rules).await.unwrap();
    };
    let until = async |name: &str, reason: &str| {
        let found = stage.eventually(|| async {
            let status = api.get(name).await.unwrap().status.unwrap();
            status.conditions.into_iter().find(|found| found.type_ == "Ready" && found.reason == reason)
        });
        assert!(found.await.is_some(), "{name} is not {reason}: {:?}", api.get(name).await.unwrap().status);
    };
    let id = |number: u32| format!("33333333-3333-4333-8333-{number:012}");
    stage.stop_operator().await;
    stage.add_instance(&id(801));
    create("known", &id(801)).await;
    keep("known", "new.yaml").await;
    stage.start_operator().await;
    until("known", "InSync").await;
    keep("known", "healthy.yaml").await;
    create("unknown", &id(802)).await;
    until("unknown", "ReferenceNotFound").await;
    keep("unknown", "retrying.yaml").await;
    create("twin", &id(801)).await;
    until("twin", "NotAllowed").await;
    keep("twin", "stalled.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_objects_are_as_the_operator_leaves_them() {
    // Operators of other tests would report to the instances, too.
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start("gitops").await));
    let stage = Stage::on(cluster, "gitops", Options { operator: false, ..Options::default() }).await;
    users(&stage).await;
    instances(&stage).await;
}
