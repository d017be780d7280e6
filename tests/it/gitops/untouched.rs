//! What somebody has applied stays as it was applied: no field of it is changed, added to or owned by the operator,
//! so neither Argo CD nor Flux ever sees a difference.

use std::path::PathBuf;
use std::process::Command;

use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::{FINALIZER, INSTANCE_FINALIZER, MANAGER};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::support::{Stage, managed};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    ClientSide,
    ServerSide,
}

impl Way {
    fn flags(self) -> &'static [&'static str] {
        match self {
            Self::ClientSide => &[],
            Self::ServerSide => &["--server-side", "--field-manager=argocd-controller"],
        }
    }
}

struct Applied<'a> {
    stage: &'a Stage,
    way: Way,
    manifest: Value,
    file: PathBuf,
}

impl Applied<'_> {
    fn kubectl(&self, command: &str) -> std::process::Output {
        std::fs::write(&self.file, self.manifest.to_string()).unwrap();
        Command::new(self.stage.cluster.plane.kubectl())
            .env("KUBECONFIG", self.stage.cluster.admin())
            .arg(command)
            .args(self.way.flags())
            .arg("-f")
            .arg(&self.file)
            .output()
            .unwrap()
    }

    fn name(&self) -> &str {
        self.manifest["metadata"]["name"].as_str().unwrap()
    }

    fn apply(&self) {
        let output = self.kubectl("apply");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn api(&self) -> Api<DynamicObject> {
        let kind = self.manifest["kind"].as_str().unwrap();
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("contactops.dev", "v1alpha1", kind));
        match self.manifest["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(self.stage.client.clone(), namespace, &resource),
            None => Api::all_with(self.stage.client.clone(), &resource),
        }
    }

    /// What the API server makes of the manifest by itself: with the defaults of the definition, before any operator.
    async fn as_applied(&self) -> DynamicObject {
        let mut fresh: DynamicObject = serde_json::from_value(self.manifest.clone()).unwrap();
        fresh.metadata.name = Some("never-stored".to_owned());
        let params = PostParams { dry_run: true, ..PostParams::default() };
        self.api().create(&params, &fresh).await.unwrap()
    }

    async fn does_not_differ(&self, finalizer: &str) {
        let (name, way) = (self.name(), self.way);
        let stored = self.api().get(name).await.unwrap();
        let applied = self.as_applied().await;
        assert_eq!(stored.data["spec"], applied.data["spec"], "{way:?} {name}: spec");
        assert_eq!(stored.labels(), applied.labels(), "{way:?} {name}: labels");
        let mut annotations = stored.annotations().clone();
        let last = annotations.remove(LAST_APPLIED);
        assert_eq!(last.is_some(), way == Way::ClientSide);
        assert_eq!(&annotations, applied.annotations(), "{way:?} {name}: annotations");
        assert_eq!(stored.finalizers(), [finalizer], "{way:?} {name}: finalizers");
        // Its exit code is 0 only if nothing differs.
        let diff = self.kubectl("diff");
        assert!(diff.status.success(), "{way:?} {name}: {}", String::from_utf8_lossy(&diff.stdout));
        owners(&stored, finalizer);
    }
}

fn paths(prefix: &str, fields: &Value, into: &mut Vec<String>) {
    for (key, below) in fields.as_object().into_iter().flatten().filter(|(key, _)| *key != ".") {
        let path = format!("{prefix}.{}", key.trim_start_matches("f:"));
        if below.as_object().is_none_or(|below| below.is_empty()) {
            into.push(path);
        } else {
            paths(&path, below, into);
        }
    }
}

fn fields(entry: &ManagedFieldsEntry) -> Vec<String> {
    let mut found = Vec::new();
    paths("", &entry.fields_v1.as_ref().unwrap().0, &mut found);
    found
}

/// The operator owns the status and its finalizer, and nobody else owns either.
fn owners(object: &DynamicObject, finalizer: &str) {
    let mine = |path: &String| {
        path.starts_with(".status")
            || path == ".metadata.finalizers"
            || path == &format!(".metadata.finalizers.v:\"{finalizer}\"")
    };
    let mut has_status = false;
    let mut others = Vec::new();
    for entry in object.managed_fields() {
        let fields = fields(entry);
        if entry.manager.as_deref() == Some(MANAGER) {
            assert!(fields.iter().all(mine), "the operator owns {fields:?}");
            has_status |= fields.iter().any(|path| path.starts_with(".status"));
        } else {
            assert!(!fields.iter().any(mine), "{:?} owns what is the operator's: {fields:?}", entry.manager);
            others.push(entry.manager.clone().unwrap_or_default());
        }
    }
    assert!(has_status, "the status is the operator's");
    assert_eq!(others.len(), 1, "one who applies and nobody else: {others:?}");
}

fn person(stage: &Stage, name: &str) -> Value {
    let mut object = managed(name, name);
    object["metadata"]["namespace"] = json!(stage.namespace);
    object["metadata"]["labels"] = json!({ "app.kubernetes.io/instance": "people", "team": "support" });
    object["metadata"]["annotations"] = json!({ "argocd.argoproj.io/tracking-id": "people:contactops.dev/ConnectUser:emea/x", "example.com/note": " as is " });
    // In an order that nobody would choose, and with members that have defaults in Connect.
    object["spec"]["tags"] = json!({ "zeta": "1", "alpha": "" });
    object["spec"]["phoneConfig"] = json!({ "phoneType": "SOFT_PHONE", "autoAccept": false });
    object["spec"]["userProficiencies"] = json!([
        { "attributeName": "Language", "attributeValue": "German", "level": 3 },
        { "attributeName": "Language", "attributeValue": "English", "level": 1 },
    ]);
    object
}

async fn ready(stage: &Stage, applied: &Applied<'_>) {
    stage.ready(applied.name()).await;
    stage.settled(applied.name()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_was_applied_never_differs() {
    let stage = Stage::new("untouched").await;
    let mut all = Vec::new();
    for (way, name) in [(Way::ClientSide, "jane"), (Way::ServerSide, "joe")] {
        let file = stage.cluster.plane.dir().join(format!("{}-{name}.json", stage.namespace));
        let mut applied = Applied { stage: &stage, way, manifest: person(&stage, name), file };
        applied.apply();
        ready(&stage, &applied).await;
        applied.does_not_differ(FINALIZER).await;

        // Edited: something new, something else and something less.
        applied.manifest["spec"]["identityInfo"]["lastName"] = json!("Roe");
        applied.manifest["spec"]["tags"] = json!({ "alpha": "2", "beta": "3" });
        applied.manifest["spec"].as_object_mut().unwrap().remove("userProficiencies");
        applied.manifest["metadata"]["labels"] = json!({ "team": "sales" });
        applied.apply();
        ready(&stage, &applied).await;
        assert_eq!(
            stage.user(name).unwrap().identity_info.last_name.as_deref(),
            Some("Roe"),
            "the edit was carried out"
        );
        applied.does_not_differ(FINALIZER).await;

        all.push(applied);
    }
    // One that cannot be carried out. It is tried again and again, so nothing settles any more.
    for mut applied in all {
        applied.manifest["spec"]["securityProfileArns"] = json!([format!("{}/security-profile/none", m::ARN)]);
        applied.apply();
        stage.reason(applied.name(), "ReferenceNotFound").await;
        applied.does_not_differ(FINALIZER).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_was_applied_never_differs() {
    let stage = Stage::new("untouched-instance").await;
    for (way, number) in [(Way::ClientSide, 811), (Way::ServerSide, 812)] {
        let id = format!("33333333-3333-4333-8333-{number:012}");
        let arn = stage.add_instance(&id);
        let name = format!("untouched-{number}");
        let manifest = json!({
            "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance",
            "metadata": { "name": name, "labels": { "team": "telephony" } },
            "spec": { "instanceArn": arn, "allowedNamespaces": [stage.namespace] },
        });
        let file = stage.cluster.plane.dir().join(format!("{name}.json"));
        let applied = Applied { stage: &stage, way, manifest, file };
        applied.apply();
        let mut user = managed(&name, &name);
        let spec = user["spec"].as_object_mut().unwrap();
        spec.remove("instanceArn");
        spec.insert("instanceRef".to_owned(), json!({ "name": name }));
        for (field, kind, of) in [
            ("routingProfileArn", "routing-profile", m::ROUTING_BASIC),
            ("securityProfileArns", "security-profile", m::SECURITY_AGENT),
        ] {
            let arn = json!(format!("{arn}/{kind}/{of}"));
            spec.insert(field.to_owned(), if field.ends_with('s') { json!([arn]) } else { arn });
        }
        stage.create(&user).await;
        stage.ready(&name).await;
        let held = stage.eventually(|| async {
            let object = applied.api().get(&name).await.unwrap();
            let status = object.data["status"].clone();
            let is_ready = status["conditions"][0]["status"] == "True";
            (is_ready && status["users"]["ready"] == 1 && !object.finalizers().is_empty()).then_some(())
        });
        assert!(held.await.is_some(), "{:?}", applied.api().get(&name).await.unwrap().data);
        applied.does_not_differ(INSTANCE_FINALIZER).await;
        // Let go of before the next one, and before other tests.
        stage.delete(&name).await;
        stage.gone(&name).await;
        applied.api().delete(&name, &kube::api::DeleteParams::default()).await.unwrap();
    }
}
