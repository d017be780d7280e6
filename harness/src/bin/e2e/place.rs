//! What `tools/e2e/run.sh` has prepared, by environment variables.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use harness::tell::story::Failure;

/// Where everything is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// etcd, kube-apiserver, kubectl and helm.
    pub(crate) kube: PathBuf,
    /// kubelet, containerd and the controllers.
    pub(crate) node: PathBuf,
    /// The CNI plugins.
    pub(crate) cni: PathBuf,
    /// The operator's image.
    pub(crate) operator_image: PathBuf,
    /// The image that holds a Pod's namespaces.
    pub(crate) pause_image: PathBuf,
    /// Control group of the nodes.
    pub(crate) cgroup: String,
    /// For sockets and state; gone with the namespace.
    pub(crate) scratch: PathBuf,
    /// For logs, which stay.
    pub(crate) logs: PathBuf,
    /// First three numbers of the Pods' network.
    network: [u8; 3],
}

impl Place {
    pub(crate) fn from_env() -> Result<Self, Failure> {
        Ok(Self {
            kube: variable("KUBE_BIN")?.into(),
            node: variable("NODE_BIN")?.into(),
            cni: variable("CNI_BIN")?.into(),
            operator_image: variable("OPERATOR_IMAGE")?.into(),
            pause_image: variable("PAUSE_IMAGE")?.into(),
            cgroup: variable("CGROUP")?,
            scratch: variable("TMPDIR")?.into(),
            logs: harness::target_dir().join("e2e"),
            network: network(&variable("NETWORK")?)?,
        })
    }

    /// An address in the Pods' network. 1 is the first node, where the control plane listens too, and 2 the second.
    pub(crate) fn address(&self, host: u8) -> IpAddr {
        let [a, b, c] = self.network;
        Ipv4Addr::new(a, b, c, host).into()
    }
}

fn variable(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| Failure::new(format!("a value in {name}"), "there is none: run `make e2e`"))
}

fn network(text: &str) -> Result<[u8; 3], Failure> {
    let numbers: Vec<u8> = text.split('.').filter_map(|part| part.parse().ok()).collect();
    numbers.try_into().map_err(|_| Failure::new("three numbers in NETWORK, such as 10.77.0", text))
}
