//! What a control plane should be like, and who may talk to it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How to start a [`ControlPlane`](crate::ControlPlane).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The folder with the binaries; found or built if absent, see [`assets`](crate::assets).
    pub assets: Option<PathBuf>,
    /// Where the logs of etcd and the API server go.
    pub logs: PathBuf,
    /// An audit log, if wanted.
    pub audit: Option<Audit>,
    /// People besides [`Identity::Admin`] and [`Identity::Operator`]. By default `tenant-a` and
    /// `tenant-b`, who may do nothing until somebody binds a role to them.
    pub users: Vec<User>,
    /// Where the API server listens. Pods in a network of their own cannot reach the default, 127.0.0.1.
    pub address: IpAddr,
    /// Whether a controller-manager is started beside it, which makes the ServiceAccounts and their tokens that Pods
    /// get: without one every Pod would be refused, so their admission is off.
    pub has_controllers: bool,
    /// Further flags for the API server; the last one of a kind wins.
    pub apiserver_args: Vec<String>,
    /// How long each of the two servers may take to become ready.
    pub ready_within: Duration,
}

impl Settings {
    /// The usual settings, with logs in `target/control-plane/<name>/`.
    pub fn new(name: &str) -> Self {
        Self {
            assets: None,
            logs: target_dir().join("control-plane").join(name),
            audit: None,
            users: vec![User::new("tenant-a"), User::new("tenant-b")],
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            has_controllers: false,
            apiserver_args: Vec::new(),
            ready_within: Duration::from_secs(90),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new("default")
    }
}

/// The root of the workspace that this crate was built in.
pub fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, or `target` in the workspace.
pub fn target_dir() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty());
    // A relative CARGO_TARGET_DIR is meant from the workspace: tests run in their crate's folder.
    workspace().join(target.unwrap_or_else(|| "target".into()))
}

/// An audit log of the API server.
#[derive(Debug, Clone)]
pub struct Audit {
    /// The file that the events go to, one JSON object a line.
    pub log: PathBuf,
    /// The audit policy, as YAML or JSON.
    pub policy: String,
}

impl Audit {
    /// Who did what to which object, without bodies, for every request once it is answered.
    pub fn metadata(log: impl Into<PathBuf>) -> Self {
        let policy =
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n";
        Self { log: log.into(), policy: policy.to_owned() }
    }
}

/// Somebody with a token.
#[derive(Debug, Clone)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// The groups besides `system:authenticated`.
    pub groups: Vec<String>,
}

impl User {
    /// A user without groups.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), groups: Vec::new() }
    }
}

/// As whom to talk to the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// `system:masters`: may do everything.
    Admin,
    /// The operator's ServiceAccount, `system:serviceaccount:connect:connect-user-operator`: may do
    /// what its role says, once that is applied.
    Operator,
    /// One of [`Settings::users`].
    Named(String),
}

impl Identity {
    /// The operator's user name in RBAC.
    pub const OPERATOR: &'static str = "system:serviceaccount:connect:connect-user-operator";

    /// The namespace that a client has where none is said: for the operator its own, as in a Pod.
    pub(crate) fn namespace(&self) -> &str {
        match self {
            Self::Operator => "connect",
            _ => "default",
        }
    }

    /// The user name that the API server knows.
    pub fn name(&self) -> &str {
        match self {
            Self::Admin => "admin",
            Self::Operator => Self::OPERATOR,
            Self::Named(name) => name,
        }
    }
}
