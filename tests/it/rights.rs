//! The operator as the chart installs it: the arguments and the environment of its Deployment, and a token of its
//! ServiceAccount. Whatever it asks of the API server is allowed, and whatever it is allowed it asks for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use harness::{Audit, Process, Settings};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::DeleteParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::chart::helm::{CHART, Helm, of_kind, template};
use crate::support::release::{Right, given, launch};
use crate::support::{Cluster, Options, Stage, managed};

const NAME: &str = "rel-connect-user-operator";
const ACCOUNT: &str = "system:serviceaccount:connect:rel-connect-user-operator";
const ROOM: Duration = Duration::from_secs(60);

/// Everything that needs a right is switched on.
fn values(stage: &Stage, file: &Path, operator: Value) {
    let mut values = json!({
        "operator": {
            "consistencyGrace": "1500ms", "maxRetryInterval": "2s", "rateLimits": ["*=10000"], "discoverQuotas": false,
            "logFormat": "text", "logLevel": "info,connect_user_operator=debug",
        },
        "leaderElection": { "enabled": true },
        "rbac": { "generatePasswords": true },
        "aws": { "region": m::REGION, "endpointUrlConnect": stage.endpoint() },
        "extraEnv": [
            { "name": "AWS_ACCESS_KEY_ID", "value": "AKIAEXAMPLE" },
            { "name": "AWS_SECRET_ACCESS_KEY", "value": "example" },
            { "name": "AWS_EC2_METADATA_DISABLED", "value": "true" },
            { "name": "AWS_ENDPOINT_URL_STS", "value": "http://127.0.0.1:9" },
        ],
    });
    values["operator"].as_object_mut().unwrap().extend(operator.as_object().unwrap().clone());
    std::fs::write(file, values.to_string()).unwrap();
}

/// What the kubelet would start, on a port of this machine.
async fn start(cluster: &Cluster) -> Process {
    let client = cluster.client().await;
    let deployment = Api::<Deployment>::namespaced(client, "connect").get(NAME).await.unwrap();
    let pod = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
    let kubeconfig = cluster.kubeconfig_of("connect", pod.service_account_name.as_deref().unwrap()).await;
    let log = harness::target_dir().join("it-logs").join("rights.log");
    let process = launch(&deployment, "rel-0", &kubeconfig, &log).spawn().unwrap();
    process.wait_for_line(|line| line.contains("cache is filled"), ROOM).await.unwrap();
    process
}

/// `helm test`, by the arguments of its Pod, on the port of this machine.
fn probe(operator: &Process) {
    let lines = operator.lines();
    let address = lines.iter().find_map(|line| line.split("listening on ").nth(1)).unwrap();
    let objects = template(&[]).unwrap();
    let pod = of_kind(&objects, "Pod")[0];
    let arguments = pod["spec"]["containers"][0]["args"].as_array().unwrap();
    let service = format!("http://{NAME}-metrics.connect.svc:8080");
    let arguments: Vec<String> =
        arguments.iter().map(|argument| argument.as_str().unwrap().replace(&service, address)).collect();
    assert_eq!(arguments.len(), 3, "{arguments:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_connect-user-operator")).args(&arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("/readyz answers") && said.contains("/metrics answers"), "{said}");
}

/// What an operator does in its life: creates, changes and deletes users, makes and completes passwords, keeps an
/// instance while it is used, counts deletions, and tells it all.
async fn life(stage: &Stage, number: u32) {
    let id = &format!("33333333-3333-4333-8333-{number:012}");
    let arn = stage.add_instance(id);
    let instances = stage.instances();
    stage.govern("emea", json!({ "instanceArn": arn, "allowedNamespaces": [stage.namespace] })).await.unwrap();

    stage.create(&managed("jane", "jane")).await;
    stage.secret("half", "other", "something").await;
    for (name, secret) in [("joe", "half"), ("kim", "none")] {
        let mut object = managed(name, name);
        object["spec"]["passwordSecretRef"] = json!({ "name": secret, "key": "password", "generate": true });
        stage.create(&object).await;
    }
    let mut governed: Value = serde_json::from_str(&managed("lee", "lee").to_string().replace(m::ID, id)).unwrap();
    governed["spec"].as_object_mut().unwrap().remove("instanceArn");
    governed["spec"]["instanceRef"] = json!({ "name": "emea" });
    stage.create(&governed).await;
    for name in ["jane", "joe", "kim", "lee"] {
        stage.ready(name).await;
    }
    // Twice: the second event is added to the first.
    for last_name in ["Roe", "Poe"] {
        stage.edit("jane", json!({ "identityInfo": { "lastName": last_name } })).await;
        stage.ready("jane").await;
    }
    // The instance is held, and goes when its last user has gone.
    let held =
        stage.eventually(|| async { (!instances.get("emea").await.unwrap().finalizers().is_empty()).then_some(()) });
    assert!(held.await.is_some());
    instances.delete("emea", &DeleteParams::default()).await.unwrap();
    for name in ["lee", "joe", "kim", "jane"] {
        stage.delete(name).await;
        stage.gone(name).await;
    }
    let gone = stage.eventually(|| async { instances.get_opt("emea").await.unwrap().is_none().then_some(()) });
    assert!(gone.await.is_some(), "the instance is let go of");
}

/// What the account has asked for since so many lines, and what of it was refused; and how many lines there are.
fn asked(log: &Path, since: usize) -> (BTreeSet<Right>, Vec<String>, usize) {
    let (mut asked, mut refused) = (BTreeSet::new(), Vec::new());
    let text = std::fs::read_to_string(log).unwrap();
    for line in text.lines().skip(since) {
        let event: Value = serde_json::from_str(line).unwrap();
        let Some(object) = event.get("objectRef").filter(|_| event["user"]["username"] == ACCOUNT) else { continue };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resource = match object["subresource"].as_str() {
            Some(subresource) => format!("{}/{subresource}", text(&object["resource"])),
            None => text(&object["resource"]),
        };
        let request = (text(&object["apiGroup"]), resource, text(&object["name"]), text(&event["verb"]));
        if event["annotations"]["authorization.k8s.io/decision"] != "allow" {
            refused.push(format!("{request:?} in {}", object["namespace"]));
        }
        // To get a namespace is a request in it, for the API server, and of the cluster, for whoever gives rights.
        let namespace = if request.1 == "namespaces" { String::new() } else { text(&object["namespace"]) };
        asked.insert((namespace, request));
    }
    (asked, refused, text.lines().count())
}

/// What is given and was not asked for.
fn unused(given: BTreeSet<Right>, asked: &BTreeSet<Right>) -> Vec<Right> {
    let is_used = |(namespace, (group, resource, name, verb)): &Right| {
        asked.iter().any(|(place, used)| {
            (&used.0, &used.1, &used.3) == (group, resource, verb)
                && (name.is_empty() || *name == used.2)
                && (namespace.is_empty() || namespace == place)
        })
    };
    given.into_iter().filter(|right| !is_used(right)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_and_nothing_is_more_than_it_needs() {
    let mut settings = Settings::new("rights");
    let log: PathBuf = settings.logs.join("audit.log");
    let _ = std::fs::remove_file(&log);
    settings.audit = Some(Audit::metadata(&log));
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::with(&settings).await));
    let file = cluster.plane.dir().join("values.json");
    let install = |values: &[&str]| {
        let base = ["upgrade", "--install", "rel", CHART, "--namespace", "connect", "--create-namespace"];
        Helm::Four.run(&cluster.admin(), &[&base, values].concat()).unwrap();
    };
    // The definitions first: the stage watches its objects from the beginning.
    install(&[]);
    let mut lines = 0;
    for (number, everywhere) in [(821, true), (822, false)] {
        let stage = Stage::on(cluster, "rights", Options { operator: false, ..Options::default() }).await;
        let operator = match everywhere {
            true => json!({}),
            // With less to do, it has fewer rights.
            false => json!({ "watchNamespaces": [stage.namespace], "clusterName": "prod" }),
        };
        values(&stage, &file, operator);
        install(&["--values", file.to_str().unwrap()]);
        let operator = start(cluster).await;
        probe(&operator);
        life(&stage, number).await;
        assert!(operator.terminate(ROOM).await.unwrap().success(), "{}", operator.tail(20));

        let (asked, refused, so_far) = asked(&log, lines);
        lines = so_far;
        assert!(asked.len() > 10, "{asked:?}");
        assert!(refused.is_empty(), "refused: {refused:#?}");
        let given = given(&template(&[&format!("file:{}", file.display())]).unwrap());
        // The count of deletions and the Lease are made once and for all.
        let is_made = |(place, (_, resource, _, verb)): &Right| {
            place == "connect" && ["configmaps", "leases"].contains(&resource.as_str()) && verb == "create"
        };
        let unused: Vec<Right> =
            unused(given, &asked).into_iter().filter(|right| everywhere || !is_made(right)).collect();
        assert!(unused.is_empty(), "given and not used: {unused:#?}");
    }
}
