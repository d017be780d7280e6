//! deploy/optional/tenancy-policy.yaml on the real API server, with a tenant who has no rights but those bound here.

use connect_user_operator::resource::user::ConnectUser;
use harness::Identity;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::support::{Cluster, Options, Stage, cluster, managed};

fn apply_policy(cluster: &Cluster) {
    let output = std::process::Command::new(cluster.plane.kubectl())
        .env("KUBECONFIG", cluster.plane.dir().join("admin.kubeconfig"))
        .args(["apply", "--server-side", "-f", "deploy/optional/tenancy-policy.yaml"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn by_ref(name: &str, instance: &str) -> ConnectUser {
    let mut object = managed(name, name);
    let spec = object["spec"].as_object_mut().unwrap();
    spec.remove("instanceArn");
    spec.insert("instanceRef".to_owned(), json!({ "name": instance }));
    serde_json::from_value(object).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_needs_the_verb_use_on_the_instance_that_it_names() {
    let cluster = cluster().await;
    apply_policy(cluster);
    let stage = Stage::with("attack-policy", Options { operator: false, ..Options::default() }).await;
    let namespace = stage.namespace.clone();
    let label = Patch::Merge(json!({ "metadata": { "labels": { "contactops.dev/tenancy": "enforced" } } }));
    let namespaces: Api<Namespace> = Api::all(stage.client.clone());
    namespaces.patch(&namespace, &PatchParams::default(), &label).await.unwrap();
    let role = json!({
        "metadata": { "name": format!("{namespace}-write") },
        "rules": [{ "apiGroups": ["contactops.dev"], "resources": ["connectusers"], "verbs": ["*"] }],
    });
    let role: ClusterRole = serde_json::from_value(role).unwrap();
    Api::all(stage.client.clone()).create(&PostParams::default(), &role).await.unwrap();
    let binding = |role: &str| -> Value {
        json!({
            "metadata": { "name": format!("{namespace}-tenant") },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "tenant-a" }],
        })
    };
    let write: RoleBinding = serde_json::from_value(binding(&format!("{namespace}-write"))).unwrap();
    Api::namespaced(stage.client.clone(), &namespace).create(&PostParams::default(), &write).await.unwrap();

    let tenant = cluster.plane.client(&Identity::Named("tenant-a".to_owned())).await.unwrap();
    let users: Api<ConnectUser> = Api::namespaced(tenant, &namespace);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let refusal = |object: ConnectUser| {
        let (users, dry_run) = (&users, &dry_run);
        async move { users.create(dry_run, &object).await.err().map(|error| error.to_string()) }
    };
    // A policy takes effect a moment after it was accepted, and so does a binding.
    let told = |object: ConnectUser, words: &'static str| {
        let stage = &stage;
        async move {
            let told = || async { refusal(object.clone()).await.filter(|message| message.contains(words)) };
            stage.eventually(told).await.unwrap_or_else(|| panic!("not refused with {words}"))
        }
    };
    let message = told(by_ref("jane", "emea"), "may not use ConnectInstance emea").await;
    assert!(message.contains("tenant-a") && message.contains("have the verb use on it granted"), "{message}");
    let by_arn: ConnectUser = serde_json::from_value(managed("jane", "jane")).unwrap();
    told(by_arn.clone(), "may not name an instance by its ARN here").await;

    // With the right it is accepted, for that instance and no other, and still not by ARN.
    let right: ClusterRoleBinding = serde_json::from_value(binding("use-connectinstance-emea")).unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(stage.client.clone());
    bindings.create(&PostParams::default(), &right).await.unwrap();
    let jane = by_ref("jane", "emea");
    let made = stage.eventually(|| async { users.create(&PostParams::default(), &jane).await.ok() }).await;
    assert!(made.is_some());
    let message = refusal(by_ref("john", "apac")).await.unwrap();
    assert!(message.contains("may not use ConnectInstance apac"), "{message}");
    let message = refusal(by_arn).await.unwrap();
    assert!(message.contains("use spec.instanceRef"), "{message}");
    let suspend = |on: bool| Patch::Merge(json!({ "spec": { "suspend": on } }));
    users.patch("jane", &PatchParams::default(), &suspend(true)).await.unwrap();

    // The operator has no right to use an instance, and needs none for what it does.
    let operator = cluster.plane.client(&Identity::Operator).await.unwrap();
    let operators: Api<ConnectUser> = Api::namespaced(operator, &namespace);
    let finalizers = Patch::Merge(json!({ "metadata": { "finalizers": ["contactops.dev/connect-user"] } }));
    operators.patch_metadata("jane", &PatchParams::default(), &finalizers).await.unwrap();
    let status = Patch::Merge(json!({ "status": { "observedGeneration": -1 } }));
    let refused = operators.patch_status("jane", &PatchParams::default(), &status).await.err();
    assert!(refused.is_none(), "{refused:?}");
    let error = operators.patch("jane", &PatchParams::default(), &suspend(false)).await.unwrap_err();
    assert!(error.to_string().contains("may not use ConnectInstance emea"), "{error}");

    // Without the right again, the object can be annotated and deleted, but its spec stays.
    bindings.delete(&right.metadata.name.unwrap(), &DeleteParams::default()).await.unwrap();
    let tries = std::sync::atomic::AtomicUsize::new(0);
    let edit = || async {
        let number = tries.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let edited = Patch::Merge(json!({ "spec": { "tags": { "try": number.to_string() } } }));
        users.patch("jane", &PatchParams::default(), &edited).await.err()
    };
    let error = stage.eventually(edit).await.unwrap();
    assert!(error.to_string().contains("may not use ConnectInstance emea"), "{error}");
    let annotate = Patch::Merge(json!({ "metadata": { "annotations": { "example.com/x": "y" }, "finalizers": null } }));
    users.patch("jane", &PatchParams::default(), &annotate).await.unwrap();
    users.delete("jane", &DeleteParams::default()).await.unwrap();
}
