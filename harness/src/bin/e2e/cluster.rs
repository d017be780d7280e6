//! The control plane with all of its parts, and the nodes.

use std::path::PathBuf;

use harness::tell::story::Failure;
use harness::{ControlPlane, Identity, Launch, Process, Settings};

use crate::names::Names;
use crate::node::Node;
use crate::place::Place;

/// Number of nodes, so that one can be drained.
pub(crate) const NODES: u8 = 2;

/// A whole cluster. The fields go in this order.
#[derive(Debug)]
pub(crate) struct Cluster {
    _nodes: Vec<Node>,
    _names: Names,
    _controllers: Vec<Process>,
    pub(crate) plane: ControlPlane,
    pub(crate) kubeconfig: PathBuf,
}

impl Cluster {
    pub(crate) async fn start(place: &Place) -> Result<Self, Failure> {
        let failed = |error: harness::Error| Failure::new("the control plane starts", error);
        let mut settings = Settings::new("e2e");
        settings.logs.clone_from(&place.logs);
        settings.assets = Some(place.kube.clone());
        settings.address = place.address(1);
        settings.has_controllers = true;
        settings.apiserver_args = vec!["--kubelet-preferred-address-types=InternalIP".to_owned()];
        let plane = ControlPlane::start(&settings).await.map_err(failed)?;
        let kubeconfig = place.logs.join("admin.kubeconfig");
        plane.write_kubeconfig(&Identity::Admin, &kubeconfig).map_err(failed)?;
        let client = plane.client(&Identity::Admin).await.map_err(failed)?;
        let controllers = controllers(place, &plane, &kubeconfig).map_err(failed)?;
        let names = Names::serve(place.address(1), client).await?;
        let mut nodes = Vec::new();
        for number in 1..=NODES {
            nodes.push(Node::start(place, number, &kubeconfig.to_string_lossy()).await?);
        }
        Ok(Self { _nodes: nodes, _names: names, _controllers: controllers, plane, kubeconfig })
    }
}

/// What makes Pods of Deployments, gives them nodes, and finds them behind the addresses of Services.
fn controllers(place: &Place, plane: &ControlPlane, kubeconfig: &PathBuf) -> Result<Vec<Process>, harness::Error> {
    let file = |name: &str| plane.dir().join(name);
    let launch = |name: &str| Launch::new(place.node.join(name), place.logs.join(format!("{name}.log")));
    let authority = file("certs/apiserver.crt");
    let manager = launch("kube-controller-manager")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--service-account-private-key-file")
        .arg(file("service-account.key"))
        .arg("--root-ca-file")
        .arg(authority)
        .args(["--bind-address=127.0.0.1", "--leader-elect=false"]);
    let scheduler = launch("kube-scheduler")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--bind-address=127.0.0.1", "--leader-elect=false"]);
    let proxy = launch("kube-proxy")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--proxy-mode=nftables", "--hostname-override=node-1", "--masquerade-all"])
        // Limits of connections are the machine's.
        .args(["--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s"])
        .arg("--conntrack-tcp-timeout-close-wait=0s");
    [manager, scheduler, proxy].into_iter().map(Launch::spawn).collect()
}
