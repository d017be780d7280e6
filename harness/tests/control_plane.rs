//! A real etcd and kube-apiserver: who may do what, and that nothing is left behind.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use harness::{Audit, ControlPlane, Error, Identity, Settings};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, ListParams, PostParams};

fn namespace(name: &str) -> Namespace {
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some(name.to_owned());
    namespace
}

fn exists(pid: u32) -> bool {
    // `pid (name) state …`; a zombie is as good as gone.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}

async fn is_ready(client: &kube::Client) -> bool {
    let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
    matches!(client.request_text(request).await.as_deref(), Ok("ok"))
}

/// One test, because a control plane costs seconds and hundreds of megabytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_serves_and_leaves_nothing_behind() {
    let mut settings = Settings::new("harness-tests");
    let audit_log = settings.logs.join("audit.log");
    let _ = std::fs::remove_file(&audit_log);
    settings.audit = Some(Audit::metadata(&audit_log));
    let plane = ControlPlane::start(&settings).await.unwrap();

    let admin = plane.client(&Identity::Admin).await.unwrap();
    assert!(is_ready(&admin).await);
    let namespaces = Api::<Namespace>::all(admin.clone());
    namespaces.create(&PostParams::default(), &namespace("made-by-admin")).await.unwrap();

    everybody_else_may_do_nothing(&plane).await;
    kubectl_works(&plane);

    let audit = std::fs::read_to_string(&audit_log).unwrap();
    assert!(audit.contains("made-by-admin") && audit.contains(Identity::OPERATOR), "{audit}");

    // A new start of the API server keeps port, certificate, tokens and data.
    plane.restart_apiserver().await.unwrap();
    assert!(is_ready(&admin).await);
    namespaces.get("made-by-admin").await.unwrap();

    plane.stop_apiserver();
    let outage = namespaces.get("made-by-admin").await.unwrap_err();
    assert!(!matches!(outage, kube::Error::Api(_)), "no answer at all: {outage}");
    plane.start_apiserver().await.unwrap();
    namespaces.get("made-by-admin").await.unwrap();

    let (address, pids, dir) = (plane.url().replace("https://", ""), plane.pids(), plane.dir().to_owned());
    assert_eq!(pids.len(), 2);
    assert!(dir.exists() && TcpStream::connect(&address).is_ok());
    plane.stop();
    assert!(TcpStream::connect(&address).is_err(), "the port is closed");
    assert!(!pids.iter().any(|pid| exists(*pid)), "no process is left");
    assert!(!dir.exists(), "no file is left");
}

async fn everybody_else_may_do_nothing(plane: &ControlPlane) {
    for (identity, name) in [
        (Identity::Operator, Identity::OPERATOR),
        (Identity::Named("tenant-a".to_owned()), "tenant-a"),
        (Identity::Named("tenant-b".to_owned()), "tenant-b"),
    ] {
        let client = plane.client(&identity).await.unwrap();
        assert!(is_ready(&client).await, "{name} is known");
        let secrets = Api::<Secret>::namespaced(client, "default");
        match secrets.list(&ListParams::default()).await {
            Err(kube::Error::Api(status)) => {
                assert!(status.is_forbidden() && status.message.contains(name), "{status:?}");
            }
            other => panic!("{name} must not list secrets: {other:?}"),
        }
    }
    let nobody = plane.config(&Identity::Named("nobody".to_owned()));
    assert!(matches!(nobody, Err(Error::UnknownIdentity(_))));
}

fn kubectl_works(plane: &ControlPlane) {
    let path = plane.dir().join("admin.kubeconfig");
    plane.write_kubeconfig(&Identity::Admin, &path).unwrap();
    let output = Command::new(plane.kubectl())
        .env("KUBECONFIG", &path)
        .args(["get", "namespace", "made-by-admin", "-o", "name"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "namespace/made-by-admin\n", "{output:?}");
}

#[tokio::test]
async fn a_server_that_refuses_its_flags_is_told_with_its_own_words() {
    let mut settings = Settings::new("harness-tests-refusing");
    settings.apiserver_args = vec!["--no-such-flag".to_owned()];
    settings.ready_within = Duration::from_secs(30);
    let error = ControlPlane::start(&settings).await.unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains("no-such-flag"), "{error}");
}
