//! The guard: an uninstallation is refused while objects need the operator. There is no kubelet here, so the
//! test is one: it runs what the Job says, with a token of the Job's own account, and tells how that ended.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::user::ConnectUser;
use connect_user_operator::resource::{FINALIZER, INSTANCE_FINALIZER};
use harness::{Launch, Process};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::helm::{CHART, Helm};
use crate::support::{Cluster, cluster, managed};

const NAME: &str = "rel-connect-user-operator-guard";
const ROOM: Duration = Duration::from_secs(60);

fn users(client: &Client, namespace: &str) -> Api<ConnectUser> {
    Api::namespaced(client.clone(), namespace)
}

async fn create_user(client: &Client, namespace: &str, name: &str) {
    let mut object = managed(name, name);
    object["metadata"]["finalizers"] = json!([FINALIZER]);
    let object = serde_json::from_value(object).unwrap();
    users(client, namespace).create(&PostParams::default(), &object).await.unwrap();
}

async fn release_user(client: &Client, namespace: &str, name: &str) {
    let none = json!({ "metadata": { "finalizers": null } });
    users(client, namespace).patch(name, &PatchParams::default(), &Patch::Merge(none)).await.unwrap();
}

/// Waits for the Job of the hook, runs it, and tells the API server how it ended. What it said.
async fn be_the_kubelet(cluster: &Cluster, meanwhile: impl AsyncFnOnce(&Process)) -> String {
    let client = cluster.client().await;
    let jobs: Api<Job> = Api::namespaced(client, "connect");
    let found = async {
        loop {
            match jobs.get_opt(NAME).await.unwrap() {
                Some(job) if job.status.as_ref().is_none_or(|status| status.conditions.is_none()) => break job,
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    let job = tokio::time::timeout(ROOM, found).await.expect("the hook makes its Job");
    let pod = job.spec.unwrap().template.spec.unwrap();
    let kubeconfig = cluster.kubeconfig_of("connect", pod.service_account_name.as_deref().unwrap()).await;
    let process = Launch::new(env!("CARGO_BIN_EXE_connect-user-operator"), cluster.plane.dir().join("guard.log"))
        .args(pod.containers[0].args.as_ref().unwrap())
        .env("KUBECONFIG", kubeconfig)
        .spawn()
        .unwrap();
    meanwhile(&process).await;
    let ended = process.wait(ROOM).await.unwrap();
    let now = "2026-01-01T00:00:00Z";
    let is = |type_: &str| json!({ "type": type_, "status": "True", "lastTransitionTime": now, "lastProbeTime": now });
    let status = if ended.success() {
        json!({ "startTime": now, "completionTime": now, "succeeded": 1, "uncountedTerminatedPods": {},
                "conditions": [is("SuccessCriteriaMet"), is("Complete")] })
    } else {
        json!({ "startTime": now, "failed": 1, "uncountedTerminatedPods": {},
                "conditions": [is("FailureTarget"), is("Failed")] })
    };
    let patch = Patch::Merge(json!({ "status": status }));
    jobs.patch_status(NAME, &PatchParams::default(), &patch).await.unwrap();
    process.lines().join("\n")
}

/// `helm uninstall`, and what the guard said meanwhile.
async fn uninstall(
    cluster: &Cluster,
    helm: Helm,
    meanwhile: impl AsyncFnOnce(&Process),
) -> (Result<String, String>, String) {
    let kubeconfig = cluster.admin();
    let helm = tokio::task::spawn_blocking(move || {
        helm.run(&kubeconfig, &["uninstall", "rel", "--namespace", "connect", "--timeout", "60s"])
    });
    let said = be_the_kubelet(cluster, meanwhile).await;
    (helm.await.unwrap(), said)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn leaves_nothing_of_its_own(client: &Client) {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "connect");
    assert!(accounts.get_opt(NAME).await.unwrap().is_none(), "the account of the guard is gone");
    let roles = Api::<ClusterRole>::all(client.clone()).list(&ListParams::default()).await.unwrap();
    let left: Vec<_> = roles.items.into_iter().filter_map(|role| role.metadata.name).collect();
    assert!(!left.iter().any(|name| name.ends_with("-guard")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uninstallation_is_refused_while_objects_need_the_operator() {
    let cluster = Cluster::bare("chart-guard").await;
    let client = cluster.client().await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "connect");
    let install = [
        "install",
        "rel",
        CHART,
        "--namespace",
        "connect",
        "--create-namespace",
        "--set",
        "uninstallGuard.enabled=true,uninstallGuard.within=20s",
    ];
    for helm in Helm::BOTH {
        helm.run(&cluster.admin(), &install).unwrap();
        create_user(&client, "default", "jane").await;
        let (ended, said) = uninstall(&cluster, helm, async |_| ()).await;
        assert!(said.contains("1 ConnectUser (default/jane)") && said.contains("--no-hooks"), "{said}");
        ended.expect_err("uninstalled in spite of the guard");
        assert!(deployments.get_opt("rel-connect-user-operator").await.unwrap().is_some(), "{helm:?}");
        leaves_nothing_of_its_own(&client).await;

        // One that is going is waited for, and so is an instance that nobody has let go of yet.
        let instances: Api<ConnectInstance> = Api::all(client.clone());
        let instance = json!({
            "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance",
            "metadata": { "name": "emea", "finalizers": [INSTANCE_FINALIZER] },
            "spec": { "instanceArn": "arn:aws:connect:eu-west-1:111122223333:instance/11111111-1111-4111-8111-111111111111" },
        });
        instances.create(&PostParams::default(), &serde_json::from_value(instance).unwrap()).await.unwrap();
        users(&client, "default").delete("jane", &DeleteParams::default()).await.unwrap();
        let (ended, said) = uninstall(&cluster, helm, async |guard| {
            guard.wait_for_line(|line| line.contains("waiting for 1 ConnectUser (default/jane)"), ROOM).await.unwrap();
            release_user(&client, "default", "jane").await;
            // The instance alone holds it now: longer than the guard takes between two looks.
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert!(guard.is_running(), "{}", guard.tail(5));
            let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
            instances.patch("emea", &PatchParams::default(), &none).await.unwrap();
        })
        .await;
        assert!(said.contains("no object needs"), "{said}");
        ended.unwrap_or_else(|error| panic!("{helm:?}: {error}"));
        assert!(deployments.get_opt("rel-connect-user-operator").await.unwrap().is_none());
        leaves_nothing_of_its_own(&client).await;
        instances.delete("emea", &DeleteParams::default()).await.unwrap();
    }
}

/// Runs the guard as somebody who has exactly the rights of the hook.
fn guard(kubeconfig: &PathBuf, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_connect-user-operator"))
        .args([&["guard", "--within", "1s"], arguments].concat())
        .env("KUBECONFIG", kubeconfig)
        .output()
        .unwrap()
}

/// A guard that does not understand its arguments would refuse for ever.
#[test]
fn the_program_takes_the_arguments_of_the_job() {
    let rendered = super::helm::template(&[&format!("file:{CHART}/ci/everything-values.yaml")]).unwrap();
    let job = super::helm::of_kind(&rendered, "Job")[0];
    let arguments = job["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
    let arguments: Vec<&str> = arguments.iter().filter_map(Value::as_str).collect();
    assert!(arguments.len() >= 4, "{arguments:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_connect-user-operator"))
        .args(&arguments)
        .env("KUBECONFIG", "/nonexistent")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .output()
        .unwrap();
    let said = text(&output.stderr);
    // It comes as far as to look for a cluster.
    assert!(said.contains("no way to the Kubernetes API"), "{arguments:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_looks_where_the_operator_looks_and_nowhere_else() {
    let cluster = cluster().await;
    let client = cluster.client().await;
    let (inside, outside) = (cluster.namespace("guard").await, cluster.namespace("guard").await);
    let values = format!("operator.watchNamespaces={{{inside}}}");
    let rendered = super::helm::template(&["uninstallGuard.enabled=true", &values]).unwrap();
    let hook: Vec<&Value> = rendered.iter().filter(|object| object["metadata"]["name"] == NAME).collect();
    assert_eq!(hook.len(), 4, "account, Role, RoleBinding and Job, and nothing for the cluster: {hook:?}");
    for object in hook.iter().filter(|object| object["kind"] != "Job") {
        let path = cluster.plane.dir().join("hook.json");
        std::fs::write(&path, object.to_string()).unwrap();
        let applied = Command::new(cluster.plane.kubectl())
            .env("KUBECONFIG", cluster.admin())
            .arg("apply")
            .arg("-f")
            .arg(&path)
            .status();
        assert!(applied.unwrap().success());
    }
    let kubeconfig = cluster.kubeconfig_of("connect", NAME).await;
    for at in 0..7 {
        create_user(&client, &outside, &format!("outside-{at}")).await;
    }
    let watched = ["--watch-namespaces", inside.as_str()];
    let fine = guard(&kubeconfig, &watched);
    assert!(fine.status.success(), "{}", text(&fine.stderr));
    for at in 0..7 {
        create_user(&client, &inside, &format!("inside-{at}")).await;
    }
    let refused = guard(&kubeconfig, &watched);
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("7 ConnectUsers (") && said.contains("and 2 more"), "{said}");
    assert!(!said.contains("outside"), "{said}");
    // Of a shard: what has other labels is another operator's.
    let shard = [watched[0], watched[1], "--watch-selector", "shard=a"];
    assert!(guard(&kubeconfig, &shard).status.success());
    let label = Patch::Merge(json!({ "metadata": { "labels": { "shard": "a" } } }));
    users(&client, &inside).patch("inside-3", &PatchParams::default(), &label).await.unwrap();
    let said = text(&guard(&kubeconfig, &shard).stderr);
    assert!(said.contains(&format!("1 ConnectUser ({inside}/inside-3)")), "{said}");
    // What it may not see it does not take for nothing.
    let blind = guard(&kubeconfig, &[]);
    let said = text(&blind.stderr);
    assert!(!blind.status.success() && said.contains("cannot list ConnectUsers"), "{said}");
    for at in 0..7 {
        release_user(&client, &inside, &format!("inside-{at}")).await;
    }
    assert!(guard(&kubeconfig, &watched).status.success());
}
