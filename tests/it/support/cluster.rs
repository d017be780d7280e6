//! One control plane for the test binary. It ends with the process, however that ends.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{ControlPlane, Identity, Settings};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::OnceCell;

pub struct Cluster {
    pub plane: ControlPlane,
}

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static NAMESPACES: AtomicUsize = AtomicUsize::new(0);

/// The control plane, with our definitions and deploy/rbac.yaml applied. Operators bring rights of their own, by the chart.
pub async fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| Cluster::start("it")).await
}

impl Cluster {
    /// A control plane with nothing of ours in it but the administrator's kubeconfig.
    pub async fn bare(name: &str) -> Self {
        Self::with(&Settings::new(name)).await
    }

    /// The same with settings of the test's own.
    pub async fn with(settings: &Settings) -> Self {
        let plane = ControlPlane::start(settings).await.unwrap_or_else(|error| panic!("{error}"));
        plane.write_kubeconfig(&Identity::Admin, &plane.dir().join("admin.kubeconfig")).unwrap();
        Self { plane }
    }

    /// The administrator's kubeconfig.
    pub fn admin(&self) -> PathBuf {
        self.plane.dir().join("admin.kubeconfig")
    }

    /// A kubeconfig with a token that the API server has issued for a ServiceAccount, as a Pod gets it; for a day, since
    /// nobody renews it.
    pub async fn kubeconfig_of(&self, namespace: &str, account: &str) -> PathBuf {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client().await, namespace);
        let mut request = TokenRequest::default();
        request.spec.expiration_seconds = Some(86_400);
        let token = accounts.create_token_request(account, &PostParams::default(), &request).await.unwrap();
        let token = token.status.unwrap().token;
        let mut kubeconfig: serde_json::Value =
            serde_json::from_str(&self.plane.kubeconfig(&Identity::Admin).unwrap()).unwrap();
        kubeconfig["users"][0]["user"] = serde_json::json!({ "token": token });
        kubeconfig["contexts"][0]["context"]["namespace"] = namespace.into();
        let path = self.plane.dir().join(format!("{namespace}-{account}.kubeconfig"));
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        path
    }

    /// Another control plane of the same kind, for a test that changes what all others share.
    pub async fn start(name: &str) -> Self {
        let Self { plane } = Self::bare(name).await;
        let kubeconfig = plane.dir().join("admin.kubeconfig");
        let try_kubectl = |arguments: &[&str]| {
            let output = std::process::Command::new(plane.kubectl())
                .env("KUBECONFIG", &kubeconfig)
                .args(arguments)
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .output()
                .unwrap();
            let said = format!("kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
            output.status.success().then_some(()).ok_or(said)
        };
        let kubectl = |arguments: &[&str]| try_kubectl(arguments).unwrap_or_else(|said| panic!("{said}"));
        kubectl(&["apply", "--server-side", "-f", "crds/"]);
        // Asked at once, kubectl takes conditions that are not there yet for a broken object and gives up.
        for attempt in 1.. {
            match try_kubectl(&["wait", "--for=condition=Established", "-f", "crds/", "--timeout=30s"]) {
                Ok(()) => break,
                Err(said) if attempt == 20 => panic!("{said}"),
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            }
        }
        kubectl(&["apply", "-f", "deploy/rbac.yaml"]);
        Self { plane }
    }

    /// A client that may do everything. Each test has a runtime of its own, and a client belongs to one.
    pub async fn client(&self) -> Client {
        self.plane.client(&Identity::Admin).await.unwrap()
    }

    /// A namespace of its own for a test.
    pub async fn namespace(&self, prefix: &str) -> String {
        let name = format!("{prefix}-{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
        let namespace =
            Namespace { metadata: ObjectMeta { name: Some(name.clone()), ..Default::default() }, ..Default::default() };
        Api::<Namespace>::all(self.client().await).create(&PostParams::default(), &namespace).await.unwrap();
        name
    }
}
