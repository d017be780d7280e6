//! The screens of status, orphans, doctor and the like as they are, at two widths, with and without colours.
//!
//! `REWRITE_SCREENS=1 cargo test --test it kubectl::views` writes them anew; look at the difference.

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Mutation, UserPatch};
use connect_user_operator::resource::user::ConnectUser;
use connect_user_operator::resource::{FINALIZER, OWNER_TAG, UID_TAG};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{FAST, command, differs, finish};
use crate::support::{Cluster, Options, Stage, managed};

const NAMESPACE: &str = "emea-support";
const NOW: &str = "2026-01-01T12:00:00Z";

const METRICS: &str = "\
# TYPE connect_user_operator_aws_calls counter
connect_user_operator_aws_calls_total{operation=\"CreateUser\",result=\"ok\"} 1980
connect_user_operator_aws_calls_total{operation=\"CreateUser\",result=\"throttled\"} 12
connect_user_operator_aws_calls_total{operation=\"DescribeUser\",result=\"ok\"} 120
connect_user_operator_aws_calls_total{operation=\"DescribeUser\",result=\"access_denied\"} 3
connect_user_operator_rate{account=\"111122223333\",region=\"eu-west-1\",operation=\"CreateUser\"} 1.7
connect_user_operator_rate{account=\"111122223333\",region=\"eu-west-1\",operation=\"DescribeUser\"} 10.0
connect_user_operator_waiting{class=\"edit\"} 2
connect_user_operator_waiting{class=\"bulk\"} 310
connect_user_operator_waiting{class=\"drift\"} 0
# EOF
";

/// Tells the same to everybody.
async fn metrics() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{METRICS}").as_bytes()).await;
        }
    });
    url
}

struct Scene {
    stage: Stage,
    users: Api<ConnectUser>,
}

impl Scene {
    /// A namespace with one object of each kind, on a control plane of its own, where no operator runs.
    async fn new() -> Self {
        let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start("kviews").await));
        let stage = Stage::on(cluster, "kviews", Options { operator: false, ..Options::default() }).await;
        let namespace = json!({ "metadata": { "name": NAMESPACE } });
        let namespaces: Api<Namespace> = Api::all(stage.client.clone());
        namespaces.create(&PostParams::default(), &serde_json::from_value(namespace).unwrap()).await.unwrap();
        let users = Api::namespaced(stage.client.clone(), NAMESPACE);
        let scene = Self { stage, users };
        scene.instance().await;
        for name in ["ann", "bob", "cleo"] {
            scene.user(name, name, "True", "InSync", "2026-01-01T02:00:00Z", "the user is as declared").await;
        }
        let message = "routing profile `Nigth Shift` does not exist in instance 11111111-1111-4111-8111-111111111111: \
                       correct routingProfileName, or create the profile";
        scene.user("jane-doe", "jane.doe", "False", "ReferenceNotFound", "2026-01-01T11:48:00Z", message).await;
        let long = "maximiliana-wilhelmina-von-hohenstein-der-zweiten";
        let message = "waits for its turn, since calls to Amazon Connect are bounded: about 300 are before it";
        scene.user(long, "maximiliana.v", "Unknown", "Creating", "2026-01-01T11:57:30Z", message).await;
        scene.drifted().await;
        scene.held().await;
        // Nobody has looked at this one.
        scene.create("new-comer", "new.comer").await;
        scene.events().await;
        scene.orphans();
        scene
    }

    async fn create(&self, name: &str, username: &str) -> ConnectUser {
        let object = serde_json::from_value(managed(name, username)).unwrap();
        self.users.create(&PostParams::default(), &object).await.unwrap()
    }

    async fn user(&self, name: &str, username: &str, status: &str, reason: &str, since: &str, message: &str) {
        self.create(name, username).await;
        let mut conditions = vec![condition("Ready", status, reason, since, message)];
        if status != "True" {
            conditions.push(condition("Reconciling", "True", reason, since, message));
        }
        let arn = format!("{}/agent/5e000000-0000-4000-8000-000000000001", m::ARN);
        let status = json!({
            "observedGeneration": 1, "conditions": conditions, "userArn": arn,
            "lastWriteTime": "2026-01-01T11:40:00Z",
        });
        self.status(name, status).await;
    }

    async fn status(&self, name: &str, status: Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        self.users.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    async fn drifted(&self) {
        self.user("dora", "dora", "False", "Drifted", "2026-01-01T09:00:00Z", "2 fields differ").await;
        let drift = json!([
            { "field": "identityInfo.email" },
            { "field": "routingProfile", "declared": m::ROUTING_BASIC, "observed": m::ROUTING_NIGHT },
            { "field": "tags[team]", "declared": "support", "observed": "sales" },
        ]);
        self.status("dora", json!({ "drift": drift })).await;
    }

    async fn held(&self) {
        self.create("old-hand", "old.hand").await;
        let finalizers = Patch::Merge(json!({ "metadata": { "finalizers": [FINALIZER] } }));
        self.users.patch("old-hand", &PatchParams::default(), &finalizers).await.unwrap();
        self.users.delete("old-hand", &DeleteParams::default()).await.unwrap();
        let generation = self.users.get("old-hand").await.unwrap().metadata.generation;
        let message = "user old.hand is not deleted yet: 120 users are going or have gone within 3600 s, and \
                       --deletion-brake of the operator allows 100";
        let mut conditions = vec![condition("Ready", "False", "DeletionHeld", "2026-01-01T08:00:00Z", message)];
        conditions.push(condition("Stalled", "True", "DeletionHeld", "2026-01-01T08:00:00Z", message));
        for condition in &mut conditions {
            condition["observedGeneration"] = json!(generation);
        }
        self.status("old-hand", json!({ "observedGeneration": generation, "conditions": conditions })).await;
    }

    async fn instance(&self) {
        self.stage.govern("emea", json!({ "instanceArn": m::ARN, "allowedNamespaces": ["emea-*"] })).await.unwrap();
        let status = json!({ "status": {
            "observedGeneration": 1, "identityManagementType": "CONNECT_MANAGED",
            "users": { "declared": 7, "ready": 3, "waiting": 4, "held": 1, "unmanaged": 12 },
            "lastSweepTime": "2026-01-01T11:56:00Z",
            "conditions": [condition("Ready", "True", "InSync", "2026-01-01T02:00:00Z", "the instance answers")],
        } });
        self.stage.instances().patch_status("emea", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    }

    async fn events(&self) {
        let jane = self.users.get("jane-doe").await.unwrap();
        let api: Api<Event> = Api::namespaced(self.stage.client.clone(), NAMESPACE);
        for (at, (time, type_, reason, action, note)) in [
            ("2026-01-01T11:40:00.000000Z", "Normal", "UserUpdated", "UpdateUserIdentityInfo,UpdateUserHierarchy",
             "updated user jane.doe: identityInfo.email, hierarchyGroup"),
            ("2026-01-01T11:48:00.000000Z", "Warning", "ReferenceNotFound", "Reconcile",
             "routing profile `Nigth Shift` does not exist in instance 11111111-1111-4111-8111-111111111111: correct \
              routingProfileName, or create the profile"),
        ].into_iter().enumerate() {
            let event = json!({
                "apiVersion": "events.k8s.io/v1", "kind": "Event",
                "metadata": { "name": format!("jane-doe.{at}"), "namespace": NAMESPACE },
                "regarding": {
                    "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectUser", "name": "jane-doe",
                    "namespace": NAMESPACE, "uid": jane.uid(),
                },
                "eventTime": time, "reportingController": "connect-user-operator", "reportingInstance": "x",
                "action": action, "reason": reason, "type": type_, "note": note,
                "series": (at == 1).then(|| json!({ "count": 4, "lastObservedTime": "2026-01-01T11:58:00.000000Z" })),
            });
            api.create(&PostParams::default(), &serde_json::from_value(event).unwrap()).await.unwrap();
        }
    }

    fn orphans(&self) {
        for (at, (username, owner)) in [
            ("gone.agent", format!("test/{NAMESPACE}/gone-agent")),
            ("jane.doe", format!("test/{NAMESPACE}/jane-before-she-was-renamed-in-the-repository")),
            ("other", "apac-prod/apac/other".to_owned()),
        ]
        .into_iter()
        .enumerate()
        {
            let tags = [(OWNER_TAG.to_owned(), owner), (UID_TAG.to_owned(), format!("u-{at}"))].into();
            let set = UserPatch { tags: Some(tags), ..UserPatch::default() };
            let mutation = Mutation::CreateUser {
                instance_id: m::ID.to_owned(),
                username: username.to_owned(),
                set: Box::new(set),
            };
            self.stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap();
        }
    }
}

fn condition(type_: &str, status: &str, reason: &str, since: &str, message: &str) -> Value {
    json!({
        "type": type_, "status": status, "reason": reason, "message": message, "observedGeneration": 1,
        "lastTransitionTime": since,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn screens_are_as_they_were() {
    let scene = Scene::new().await;
    let url = metrics().await;
    let sts = connect_simulator::sts::Sts::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sts_endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(connect_simulator::sts::serve(sts, listener));
    let here = ["-n", NAMESPACE];
    let orphans = [&["orphans", "--instance", m::ARN, "--cluster-name", "test"][..], &FAST].concat();
    let doctor = [&["doctor", "--instance", m::ARN, "-A"][..], &FAST].concat();
    let mut screens: Vec<(&str, Vec<&str>)> = vec![
        ("status", [&["status", "--now", NOW, "--metrics-url", &url][..], &here].concat()),
        ("status-without-metrics", [&["status", "--now", NOW][..], &here].concat()),
        ("status-object", [&["status", "jane-doe", "--now", NOW][..], &here].concat()),
        ("status-drifted", [&["status", "dora", "--now", NOW][..], &here].concat()),
        ("status-nothing", vec!["status", "--now", NOW, "--no-metrics", "-n", "default"]),
        ("reconcile-mixed", [&["reconcile", "ann", "old-hand", "--wait=false"][..], &here].concat()),
        ("release-living", [&["release", "ann", "--retain"][..], &here].concat()),
        ("release-delete-unasked", [&["release", "old-hand", "--delete"][..], &here].concat()),
        ("orphans", orphans),
        ("doctor", doctor),
        ("doctor-found", vec!["doctor", "--only", "kubernetes", "--kubeconfig", "/nonexistent"]),
    ];
    for (name, command) in [
        ("help-status", "status"),
        ("help-reconcile", "reconcile"),
        ("help-suspend", "suspend"),
        ("help-resume", "resume"),
        ("help-release", "release"),
        ("help-orphans", "orphans"),
        ("help-iam-policy", "iam-policy"),
        ("help-doctor", "doctor"),
        ("help-report", "report"),
    ] {
        screens.push((name, vec![command, "--help"]));
    }
    let mut different = Vec::new();
    for (name, arguments) in screens {
        for width in ["80", "140"] {
            for color in ["never", "always"] {
                let mut command = command(&scene.stage, &[&arguments[..], &["--color", color]].concat());
                command.env("COLUMNS", width).env("AWS_ENDPOINT_URL_STS", &sts_endpoint);
                let ran = finish(command).await;
                different.extend(differs(name, width, color, &ran));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_for_programs_says_the_same_as_the_screen() {
    let stage = Stage::with("kviews-json", Options { operator: false, ..Options::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    let arguments = ["status", "-o", "json", "--no-metrics", "-n", &stage.namespace];
    let ran = finish(command(&stage, &arguments)).await.expect(0);
    let status: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(status["instances"][0]["instanceArn"], m::ARN);
    assert_eq!(status["instances"][0]["reasons"]["NotSeen"]["objects"], 1);
    assert_eq!(status["waiting"][0]["username"], "jane.doe");
    let ran = finish(command(&stage, &["status", "nobody", "-n", &stage.namespace])).await.expect(1);
    assert!(ran.err.contains("reading ConnectUser nobody failed"), "{}", ran.err);
}
