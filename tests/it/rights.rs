//! The operator as the chart installs it: the arguments and the environment of its Deployment, and a token of its
//! ServiceAccount. Whatever it asks of the API server is allowed, and whatever it is allowed it asks for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use connect_simulator::Mutation;
use connect_simulator::fixtures::managed as m;
use harness::{Audit, Launch, Process, Settings};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::chart::helm::{CHART, Helm, of_kind, template};
use crate::chart::rights;
use crate::support::{Cluster, Options, Stage, condition, managed};

const NAME: &str = "rel-connect-user-operator";
const ACCOUNT: &str = "system:serviceaccount:connect:rel-connect-user-operator";
const ROOM: Duration = Duration::from_secs(60);

/// A request: group, resource with its subresource, name, verb.
type Right = (String, String, String, String);

/// Everything that needs a right is switched on.
fn values(stage: &Stage, file: &Path) {
    let values = json!({
        "operator": {
            "consistencyGrace": "1500ms", "maxRetryInterval": "2s", "rateLimits": ["*=10000"], "discoverQuotas": false,
            "logFormat": "text", "logLevel": "info,connect_user_operator=debug",
        },
        "rbac": { "generatePasswords": true },
        "aws": { "region": m::REGION, "endpointUrlConnect": stage.endpoint() },
        "extraEnv": [
            { "name": "AWS_ACCESS_KEY_ID", "value": "AKIAEXAMPLE" },
            { "name": "AWS_SECRET_ACCESS_KEY", "value": "example" },
            { "name": "AWS_EC2_METADATA_DISABLED", "value": "true" },
            { "name": "AWS_ENDPOINT_URL_STS", "value": "http://127.0.0.1:9" },
        ],
    });
    std::fs::write(file, values.to_string()).unwrap();
}

/// What the kubelet would start, on a port of this machine.
async fn start(cluster: &Cluster) -> Process {
    let client = cluster.client().await;
    let deployment = Api::<Deployment>::namespaced(client, "connect").get(NAME).await.unwrap();
    let pod = deployment.spec.unwrap().template.spec.unwrap();
    let container = &pod.containers[0];
    let kubeconfig = cluster.kubeconfig_of("connect", pod.service_account_name.as_deref().unwrap()).await;
    let listen = |argument: &String| {
        if argument.starts_with("--listen=") { "--listen=127.0.0.1:0".to_owned() } else { argument.clone() }
    };
    let log = harness::target_dir().join("it-logs").join("rights.log");
    let mut launch = Launch::new(env!("CARGO_BIN_EXE_connect-user-operator"), log)
        .env_clear()
        .args(container.args.as_ref().unwrap().iter().map(listen))
        .env("KUBECONFIG", kubeconfig);
    for variable in container.env.iter().flatten() {
        launch = launch.env(&variable.name, variable.value.as_deref().unwrap_or_default());
    }
    let process = launch.spawn().unwrap();
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
async fn life(stage: &Stage) {
    let id = "33333333-3333-4333-8333-000000000821";
    let known = Mutation::AddInstance {
        instance_id: id.to_owned(),
        region: m::REGION.to_owned(),
        account: m::ACCOUNT.to_owned(),
        identity_management_type: "CONNECT_MANAGED".to_owned(),
    };
    stage.simulator.mutate(known).unwrap();
    let arn = m::ARN.replace(m::ID, id);
    let instance = json!({
        "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectInstance", "metadata": { "name": "emea" },
        "spec": { "instanceArn": arn, "allowedNamespaces": [stage.namespace] },
    });
    let instances: Api<connect_user_operator::resource::instance::ConnectInstance> = Api::all(stage.client.clone());
    instances.create(&PostParams::default(), &serde_json::from_value(instance).unwrap()).await.unwrap();

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

/// What the account asked for, and what of it was refused.
fn asked(log: &Path) -> (BTreeSet<Right>, Vec<String>) {
    let (mut asked, mut refused) = (BTreeSet::new(), Vec::new());
    for line in std::fs::read_to_string(log).unwrap().lines() {
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
        asked.insert(request);
    }
    (asked, refused)
}

/// What the rules of the chart give, for every namespace and for its own.
fn given(rendered: &[Value]) -> BTreeSet<Right> {
    let mut given = BTreeSet::new();
    for role in of_kind(rendered, "ClusterRole") {
        let role: ClusterRole = serde_json::from_value(role.clone()).unwrap();
        given.extend(rights(&role.rules.unwrap_or_default()));
    }
    for role in of_kind(rendered, "Role") {
        let role: Role = serde_json::from_value(role.clone()).unwrap();
        let rules: Vec<PolicyRule> = role.rules.unwrap_or_default();
        given.extend(rights(&rules));
    }
    given
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missing_and_nothing_is_more_than_it_needs() {
    let mut settings = Settings::new("rights");
    let log: PathBuf = settings.logs.join("audit.log");
    let _ = std::fs::remove_file(&log);
    settings.audit = Some(Audit::metadata(&log));
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::with(&settings).await));
    // The chart brings the definitions, before the stage is set on which they are watched.
    let file = cluster.plane.dir().join("values.json");
    let file = file.to_str().unwrap();
    let install = |values: &[&str]| {
        let base = ["upgrade", "--install", "rel", CHART, "--namespace", "connect", "--create-namespace"];
        Helm::Four.run(&cluster.admin(), &[&base, values].concat()).unwrap();
    };
    install(&[]);
    let stage = Stage::on(cluster, "rights", Options { operator: false, ..Options::default() }).await;
    values(&stage, Path::new(file));
    install(&["--values", file]);

    let operator = start(cluster).await;
    probe(&operator);
    life(&stage).await;
    assert!(operator.terminate(ROOM).await.unwrap().success(), "{}", operator.tail(20));
    // Once more: what was counted is read again.
    let operator = start(cluster).await;
    stage.create(&managed("max", "max")).await;
    stage.until("max", "ready", |object| condition(object).is_some_and(|(status, _)| status == "True")).await;
    stage.delete("max").await;
    stage.gone("max").await;
    assert!(operator.terminate(ROOM).await.unwrap().success(), "{}", operator.tail(20));

    let (asked, refused) = asked(&log);
    assert!(asked.len() > 10, "{asked:?}");
    assert!(refused.is_empty(), "refused: {refused:#?}");
    let rendered = template(&[&format!("file:{file}")]).unwrap();
    let is_used = |(group, resource, name, verb): &Right| {
        asked
            .iter()
            .any(|used| (&used.0, &used.1, &used.3) == (group, resource, verb) && (name.is_empty() || *name == used.2))
    };
    let unused: Vec<Right> = given(&rendered).into_iter().filter(|right| !is_used(right)).collect();
    assert!(unused.is_empty(), "given and not used: {unused:#?}");
}
