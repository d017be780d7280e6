//! What doctor finds, what it advises, and that it writes nothing.

use std::time::Duration;

use connect_simulator::Fault;
use connect_simulator::fixtures::managed as m;
use connect_simulator::iam::Iam;
use connect_simulator::sts::Sts;
use harness::Identity;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{FAST, Ran, command, finish, run};
use crate::support::{Cluster, Options, Stage, managed};

/// An STS for the command.
async fn sts() -> (Sts, String) {
    let sts = Sts::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(connect_simulator::sts::serve(sts.clone(), listener));
    (sts, endpoint)
}

async fn doctor(stage: &Stage, sts: &str, arguments: &[&str]) -> Ran {
    let all = [&["doctor", "-o", "json", "--instance", m::ARN], arguments, &FAST].concat();
    let mut command = command(stage, &all);
    command.env("AWS_ENDPOINT_URL_STS", sts);
    finish(command).await
}

/// Verdict, and what was seen and advised, of one check.
fn of(ran: &Ran, check: &str) -> (String, String) {
    let all: Vec<Value> =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err));
    let found =
        all.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("no {check} in {}", ran.out));
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("verdict"), format!("{} {}", text("seen"), text("advice")))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_is_wrong_in_aws_is_found_and_nothing_is_written() {
    let stage = Stage::with("kdoctor-aws", Options { operator: false, ..Options::default() }).await;
    stage.administrator();
    let (sts, endpoint) = sts().await;
    let aws = ["--only", "aws"];
    let well = doctor(&stage, &endpoint, &aws).await.expect(0);
    for check in
        ["identity", "clock", "DescribeInstance", "DescribeUser", "ListUsers", "SearchUsers", "ListSecurityProfiles"]
    {
        assert_eq!(of(&well, check).0, "ok", "{check}: {}", well.out);
    }
    for check in ["CreateUser", "DeleteUser", "TagResource", "UpdateUserConfig", "SearchQuickConnects", "quota"] {
        assert_eq!(of(&well, check).0, "notChecked", "{check}: {}", well.out);
    }

    stage.simulator.inject(Fault::error_before(403, "AccessDeniedException").on("ListSecurityProfiles"));
    let ran = doctor(&stage, &endpoint, &aws).await.expect(2);
    let (verdict, text) = of(&ran, "ListSecurityProfiles");
    assert!(verdict == "found" && text.contains("AccessDenied") && text.contains("iam-policy"), "{text}");
    assert_eq!(of(&ran, "ListRoutingProfiles").0, "ok");
    stage.simulator.clear_faults();

    sts.set_ahead(Duration::from_secs(600));
    let ran = doctor(&stage, &endpoint, &aws).await.expect(2);
    let (verdict, text) = of(&ran, "clock");
    assert!(verdict == "found" && text.contains("behind AWS's"), "{text}");
    sts.set_ahead(Duration::ZERO);

    sts.set_caller("arn:aws:iam::999999999999:user/stranger");
    let ran = doctor(&stage, &endpoint, &aws).await.expect(2);
    let (verdict, text) = of(&ran, "identity");
    assert!(verdict == "found" && text.contains("999999999999") && text.contains(m::ACCOUNT), "{text}");
    sts.set_caller("arn:aws:iam::111122223333:user/operator");

    let mut unreachable = command(&stage, &["doctor", "-o", "json", "--only", "aws", "--instance", m::ARN]);
    unreachable.env("AWS_ENDPOINT_URL_CONNECT", "http://127.0.0.1:9").env("AWS_ENDPOINT_URL_STS", &endpoint);
    let ran = finish(unreachable).await.expect(2);
    let (verdict, text) = of(&ran, "DescribeInstance");
    assert!(verdict == "found" && text.contains("endpoint"), "{text}");
    assert_eq!(of(&ran, "other actions").0, "notChecked");

    let mut nobody = command(&stage, &["doctor", "-o", "json", "--only", "aws", "--instance", m::ARN]);
    nobody.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env("HOME", "/nonexistent");
    let ran = finish(nobody).await.expect(2);
    assert_eq!(of(&ran, "identity").0, "found", "{}", ran.out);
    assert_eq!(stage.written(), [""; 0]);
}

/// IAM is asked what the operator's role may write, and the policy that iam-policy prints is enough for all of it.
#[tokio::test(flavor = "multi_thread")]
async fn iam_says_which_writes_the_printed_policy_allows() {
    const ROLE: &str = "arn:aws:iam::111122223333:role/connect/operator";
    let stage = Stage::with("kdoctor-iam", Options { operator: false, ..Options::default() }).await;
    stage.create(&managed("jane", "jane")).await;
    let (sts, endpoint) = sts().await;
    sts.set_caller("arn:aws:sts::111122223333:assumed-role/operator/session");
    let iam = Iam::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(connect_simulator::iam::serve(iam.clone(), listener));
    let look = async |arguments: &[&str], code: i32| {
        let all = ["doctor", "-o", "json", "--only", "aws", "--instance", m::ARN, "-n", &stage.namespace];
        let mut command = command(&stage, &[&all, arguments].concat());
        command.env("AWS_ENDPOINT_URL_STS", &endpoint).env("AWS_ENDPOINT_URL_IAM", &at);
        finish(command).await.expect(code)
    };
    let printed = async |arguments: &[&str]| -> Value {
        let ran = run(&stage, &[&["iam-policy", "--instance", m::ARN], arguments].concat()).await.expect(0);
        serde_json::from_str(&ran.out).unwrap()
    };
    let whole = printed(&[]).await;
    iam.attach(ROLE, whole.clone());
    let ran = look(&[], 0).await;
    let needed = [
        "CreateUser",
        "DeleteUser",
        "TagResource",
        "UntagResource",
        "UpdateUserConfig",
        "UpdateUserHierarchy",
        "UpdateUserIdentityInfo",
        "UpdateUserPhoneConfig",
        "UpdateUserRoutingProfile",
        "UpdateUserSecurityProfiles",
        "AssociateUserProficiencies",
        "DisassociateUserProficiencies",
        "UpdateUserProficiencies",
    ];
    for action in needed {
        assert_eq!(of(&ran, action), ("ok".to_owned(), "by IAM ".to_owned()));
    }
    let (verdict, text) = of(&ran, "DeleteQuickConnect");
    assert!(verdict == "notChecked" && text.contains("--feature"), "{text}");
    let agent = format!("{}/security-profile/{}", m::ARN, m::SECURITY_AGENT);
    assert!(iam.asked().contains(&("connect:CreateUser".to_owned(), agent.clone())), "the profile of jane");

    // Without each statement that allows to write, something is missed.
    let statements = whole["Statement"].as_array().unwrap();
    let writes =
        statements.iter().filter(|statement| !["Look", "LookUpNames"].contains(&statement["Sid"].as_str().unwrap()));
    assert!(writes.clone().count() >= 6);
    for without in writes {
        let rest: Vec<_> = statements.iter().filter(|statement| *statement != without).collect();
        iam.attach(ROLE, json!({ "Statement": rest }));
        let ran = look(&[], 2).await;
        let missed: Vec<_> = needed.iter().filter(|action| of(&ran, action).0 == "found").collect();
        let named = without["Action"].to_string();
        assert!(!missed.is_empty() && missed.iter().all(|action| named.contains(**action)), "{named}: {missed:?}");
        let (_, text) = of(&ran, missed[0]);
        assert!(
            text.contains(&format!("not allowed for {ROLE} on {}", m::ARN)) && text.contains("iam-policy"),
            "{text}"
        );
    }

    // A policy that lists other profiles, another cluster's, and one for less than is asked for.
    iam.attach(ROLE, printed(&["--security-profile", &agent.replace(m::SECURITY_AGENT, m::ID)]).await);
    let (verdict, text) = of(&look(&[], 2).await, "CreateUser");
    assert!(verdict == "found" && text.contains(&agent), "{text}");
    iam.attach(ROLE, printed(&["--cluster-name", "other"]).await);
    let ran = look(&[], 2).await;
    assert_eq!((of(&ran, "CreateUser").0, of(&ran, "DeleteUser").0), ("found".to_owned(), "found".to_owned()));
    look(&["--cluster-name", "other"], 0).await;
    iam.attach(ROLE, printed(&["--feature", "names,phone"]).await);
    assert_eq!(of(&look(&[], 2).await, "DeleteUser").0, "found");
    assert_eq!(of(&look(&["--feature", "names,phone"], 0).await, "DeleteUser").0, "notChecked");

    // Somebody else, and nobody who may ask.
    let stranger = "arn:aws:iam::111122223333:user/stranger";
    iam.attach(stranger, json!({ "Statement": [] }));
    let (verdict, text) = of(&look(&["--principal", stranger], 2).await, "TagResource");
    assert!(verdict == "found" && text.contains(stranger), "{text}");
    iam.set_forbidden(true);
    let (verdict, text) = of(&look(&[], 0).await, "CreateUser");
    assert!(verdict == "notChecked" && text.contains("iam:SimulatePrincipalPolicy"), "{text}");
    assert_eq!(stage.written(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_and_rights_that_are_not_this_versions_are_found() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start("kdoctor").await));
    let stage = Stage::on(cluster, "kdoctor", Options { operator: false, ..Options::default() }).await;
    let kubernetes = ["--only", "kubernetes", "-A"];
    let well = doctor(&stage, "http://127.0.0.1:9", &kubernetes).await.expect(0);
    for check in [
        "definition connectusers",
        "definition connectinstances",
        "operator may get secrets",
        "operator may patch connectusers/status",
        "you may patch connectusers",
    ] {
        assert_eq!(of(&well, check).0, "ok", "{check}: {}", well.out);
    }
    assert_eq!(of(&well, "operator runs").0, "notChecked");
    assert_eq!(stage.operations(), [""; 0], "AWS is not asked");

    let definitions: Api<CustomResourceDefinition> = Api::all(stage.client.clone());
    let patch = json!([{ "op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/suspend" }]);
    let patch: Patch<()> = Patch::Json(serde_json::from_value(patch).unwrap());
    definitions.patch("connectusers.contactops.dev", &PatchParams::default(), &patch).await.unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(stage.client.clone());
    bindings.delete("connect-user-operator", &DeleteParams::default()).await.unwrap();
    // The API server's authorizer learns of it a moment later.
    let found = stage.eventually(|| async {
        let ran = doctor(&stage, "http://127.0.0.1:9", &kubernetes).await.expect(2);
        (of(&ran, "operator may get secrets").0 == "found").then_some(ran)
    });
    let ran = found.await.expect("the missing right is found");
    let (verdict, text) = of(&ran, "definition connectusers");
    assert!(verdict == "found" && text.contains("properties/suspend") && text.contains("kubectl apply"), "{text}");
    assert_eq!(of(&ran, "definition connectinstances").0, "ok");
    assert!(of(&ran, "operator may get secrets").1.contains("deploy/rbac.yaml"));
    assert_eq!(of(&ran, "operator may create configmaps").0, "ok", "by the Role that is left");

    // Somebody who may do nothing of this.
    let kubeconfig = cluster.plane.dir().join("nobody.kubeconfig");
    cluster.plane.write_kubeconfig(&Identity::Operator, &kubeconfig).unwrap();
    let arguments = ["doctor", "-o", "json", "--only", "kubernetes", "-A"];
    let mut nobody = command(&stage, &arguments);
    nobody.env("KUBECONFIG", &kubeconfig);
    let ran = finish(nobody).await.expect(2);
    assert_eq!(of(&ran, "you may list connectusers").0, "found");
    assert_eq!(of(&ran, "operator may get secrets").0, "notChecked");
    assert_eq!(of(&ran, "definition connectusers").0, "notChecked");
}

/// The chart gives no right that its values make needless.
#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_the_running_operator_does_not_need_is_not_missed() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start("kdoctor-rights").await));
    let stage = Stage::on(cluster, "kdoctor-rights", Options { operator: false, ..Options::default() }).await;
    let roles: Api<ClusterRole> = Api::all(stage.client.clone());
    let mut role = roles.get("connect-user-operator").await.unwrap();
    role.rules.as_mut().unwrap().retain(|rule| rule.resources != Some(vec!["namespaces".to_owned()]));
    roles.replace("connect-user-operator", &PostParams::default(), &role).await.unwrap();
    let kubernetes = ["--only", "kubernetes", "-A"];
    let checks = |ran: &Ran| serde_json::from_str::<Vec<Value>>(&ran.out).unwrap();
    let about = |ran: &Ran, right: &str| checks(ran).iter().filter(|one| one["check"] == right).count();
    let found = stage.eventually(|| async {
        let ran = doctor(&stage, "http://127.0.0.1:9", &kubernetes).await;
        (of(&ran, "operator may get namespaces").0 == "found").then_some(ran)
    });
    let ran = found.await.expect("the missing right is found where no operator runs");
    assert_eq!(about(&ran, "operator may get leases"), 1);

    run_pod(&stage, "unnamed", &["run", "--leader-elect=true"]).await;
    let ran = doctor(&stage, "http://127.0.0.1:9", &kubernetes).await.expect(2);
    assert_eq!(of(&ran, "operator may get namespaces").0, "found");
    assert_eq!(of(&ran, "operator may get leases").0, "ok");

    let pods: Api<Pod> = Api::namespaced(stage.client.clone(), "connect");
    pods.delete("unnamed", &DeleteParams::default().grace_period(0)).await.unwrap();
    run_pod(&stage, "named", &["run", "--cluster-name=emea"]).await;
    let ran = doctor(&stage, "http://127.0.0.1:9", &kubernetes).await.expect(0);
    assert_eq!(about(&ran, "operator may get namespaces"), 0, "{}", ran.out);
    assert_eq!(about(&ran, "operator may get leases"), 0, "{}", ran.out);
    assert_eq!(of(&ran, "operator runs").0, "ok");
}

/// A Pod of the operator, as a kubelet would tell of it.
async fn run_pod(stage: &Stage, name: &str, args: &[&str]) {
    let pods: Api<Pod> = Api::namespaced(stage.client.clone(), "connect");
    let pod = json!({
        "metadata": { "name": name, "labels": { "app.kubernetes.io/name": "connect-user-operator" } },
        "spec": { "containers": [{ "name": "operator", "image": "operator", "args": args }] },
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let status = json!({ "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] } });
    pods.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_is_a_finding_and_no_failure() {
    let stage = Stage::with("kdoctor-none", Options { operator: false, ..Options::default() }).await;
    let mut command = command(&stage, &["doctor", "-o", "json", "--only", "kubernetes"]);
    command.env("KUBECONFIG", "/nonexistent/kubeconfig");
    let ran = finish(command).await.expect(2);
    let (verdict, text) = of(&ran, "API server");
    assert!(verdict == "found" && text.contains("--kubeconfig"), "{text}");
}
