//! A report holds what helps and nothing that is personal.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::events::v1::Event;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::{Ran, directory, run};
use crate::support::{Options, Stage, managed};

/// Each in a place of its own.
const SENTINELS: [&str; 14] = [
    "Sentinelfirst",
    "Sentinellast",
    "sentinel-mail@example.com",
    "sentinel-second@example.com",
    "+4930000001",
    "+4930000002",
    "sentinel-secret",
    "sentinel-key",
    "sentinel-tag",
    "sentinel-label",
    "sentinel-annotation",
    "sentinel-variable",
    "sentinel-external-id",
    crate::support::SENTINEL_PASSWORD,
];

fn member<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path} in {value}"))
}

async fn stage(name: &str) -> Stage {
    let stage = Stage::with(name, Options { operator: false, ..Options::default() }).await;
    let mut jane = managed("jane-sample", "jane.sample");
    jane["metadata"]["labels"] = json!({ "employee": "sentinel-label", "app.kubernetes.io/part-of": "centre" });
    jane["metadata"]["annotations"] = json!({
        "kubectl.kubernetes.io/last-applied-configuration": "{\"email\":\"sentinel-mail@example.com\"}",
        "example.com/note": "sentinel-annotation",
        "contactops.dev/suspend": "true",
    });
    jane["spec"]["identityInfo"] = json!({
        "firstName": "Sentinelfirst", "lastName": "Sentinellast", "email": "sentinel-mail@example.com",
        "secondaryEmail": "sentinel-second@example.com", "mobile": "+4930000001",
    });
    jane["spec"]["phoneConfig"] = json!({ "phoneType": "DESK_PHONE", "deskPhoneNumber": "+4930000002" });
    jane["spec"]["passwordSecretRef"] = json!({ "name": "sentinel-secret", "key": "sentinel-key" });
    jane["spec"]["tags"] = json!({ "person": "sentinel-tag" });
    let jane = stage.create(&jane).await;
    let mut status = json!({ "observedGeneration": 1, "drift": [
        { "field": "tags[person]", "declared": "sentinel-tag", "observed": "x" },
        { "field": "routingProfile", "declared": "a", "observed": "b" },
    ] });
    status["userId"] = json!("u");
    stage.force_status("jane-sample", status).await;
    let said = "Sentinelfirst SENTINELLAST, user jane.sample, sentinel-mail@example.com +4930000001 sentinel-tag";
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": { "name": "jane-sample.1", "namespace": stage.namespace },
        "regarding": {
            "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectUser", "name": "jane-sample",
            "namespace": stage.namespace, "uid": jane.uid(),
        },
        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "connect-user-operator",
        "reportingInstance": "x", "action": "CreateUser", "reason": "UserCreated", "type": "Normal", "note": said,
    });
    let events: Api<Event> = Api::namespaced(stage.client.clone(), &stage.namespace);
    events.create(&PostParams::default(), &serde_json::from_value(event).unwrap()).await.unwrap();
    let labels = json!({ "app.kubernetes.io/name": "connect-user-operator" });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "operator", "namespace": stage.namespace, "labels": labels },
        "spec": { "selector": { "matchLabels": labels }, "template": {
            "metadata": { "labels": labels },
            "spec": { "containers": [{
                "name": "operator", "image": "example.com/operator:1", "args": ["run", "--tenancy=open"],
                "env": [
                    { "name": "AWS_SECRET_ACCESS_KEY", "value": "sentinel-variable" },
                    { "name": "RUST_LOG", "value": "info" },
                ],
            }] },
        } },
    });
    let deployments: Api<Deployment> = Api::namespaced(stage.client.clone(), &stage.namespace);
    deployments.create(&PostParams::default(), &serde_json::from_value(deployment).unwrap()).await.unwrap();
    let rules = json!({
        "instanceArn": format!("arn:aws:connect:eu-west-1:111122223333:instance/7777{:04}-7777-4777-8777-777777777777", name.len()),
        "assumeRole": { "roleArn": "arn:aws:iam::111122223333:role/x", "externalId": "sentinel-external-id" },
    });
    stage.govern(name, rules).await.unwrap();
    stage
}

async fn report(stage: &Stage, path: &Path, arguments: &[&str]) -> Ran {
    let output = path.to_str().unwrap();
    let (namespace, own) = (stage.namespace.as_str(), stage.namespace.as_str());
    let all = [&["report", "--output", output, "-n", namespace, "--operator-namespace", own], arguments].concat();
    run(stage, &all).await
}

fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()));
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let (path, mut text) = (entry.path().unwrap().to_string_lossy().into_owned(), String::new());
        entry.read_to_string(&mut text).unwrap();
        (path.strip_prefix("connect-report/").unwrap().to_owned(), text)
    });
    files.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_has_everything_but_what_is_personal() {
    let stage = stage("kreport").await;
    let folder = directory("report");
    let archive = folder.join("report.tar.gz");
    let ran = report(&stage, &archive, &[]).await.expect(0);
    assert_eq!(ran.out.trim(), archive.to_str().unwrap());
    let files = unpacked(&archive);
    for sentinel in SENTINELS {
        for (name, text) in &files {
            let found = text.to_lowercase().contains(&sentinel.to_lowercase());
            assert!(!found, "{sentinel} is in {name}");
        }
    }
    let read = |name: &str| -> Value { serde_json::from_str(&files[name]).unwrap() };
    let jane = &read("connectusers.json")[0];
    assert_eq!(member(jane, "/spec/username"), "jane.sample");
    assert_eq!(member(jane, "/spec/identityInfo/firstName"), "[redacted]");
    assert_eq!(member(jane, "/spec/phoneConfig/phoneType"), "DESK_PHONE");
    assert_eq!(member(jane, "/metadata/annotations/contactops.dev~1suspend"), "true");
    assert_eq!(member(jane, "/metadata/labels/app.kubernetes.io~1part-of"), "centre");
    assert_eq!(member(jane, "/status/conditions/0/reason"), "Forged");
    assert_eq!(member(jane, "/status/drift/1/declared"), "a");
    let event = &read("events.json")[0];
    assert_eq!(member(event, "/action"), "CreateUser");
    assert!(member(event, "/note").contains("user jane.sample,"), "{event}");
    let container = &read("deployments.json")[0]["containers"][0];
    assert_eq!(container["args"], json!(["run", "--tenancy=open"]));
    assert_eq!(container["env"][1], json!({ "name": "RUST_LOG", "value": "info" }));
    assert!(files["clusterroles.json"].contains("connectusers/status"));
    assert!(files["definitions.json"].contains("connectinstances.contactops.dev"));
    assert!(files["connectinstances.json"].contains("role/x"));
    assert!(files["README.txt"].contains("metrics: no running Pod"), "and says what is not in it");

    let again = report(&stage, &archive, &[]).await.expect(1);
    assert!(again.err.contains("nothing that exists is written over"), "{}", again.err);
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_pseudonyms_nobody_is_named_and_what_belongs_together_can_be_told() {
    let stage = stage("kreport-pseudonyms").await;
    let folder = directory("report-pseudonyms").join("bundle");
    report(&stage, &folder, &["--pseudonyms"]).await.expect(0);
    let files: BTreeMap<String, String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    for (name, text) in &files {
        for person in SENTINELS.into_iter().chain(["jane.sample", "jane-sample"]) {
            assert!(!text.contains(person), "{person} is in {name}");
        }
    }
    let read = |name: &str| -> Value { serde_json::from_str(&files[name]).unwrap() };
    assert_eq!(member(&read("connectusers.json")[0], "/spec/username"), "user-0001");
    assert_eq!(member(&read("connectusers.json")[0], "/metadata/name"), "object-0001");
    assert_eq!(member(&read("events.json")[0], "/regarding/name"), "object-0001");
    assert!(member(&read("events.json")[0], "/note").contains("user user-0001,"));
}
