//! A node: containerd and a kubelet, beside others on the same machine.

use std::path::PathBuf;
use std::time::Duration;

use harness::tell::story::Failure;
use harness::{Launch, Process};
use serde_json::{Value, json};

use crate::place::Place;

const DOMAIN: &str = "cluster.local";

/// The two processes of a node, in the order in which they go.
#[derive(Debug)]
pub(crate) struct Node {
    _kubelet: Process,
    _containerd: Process,
}

/// What a node has for itself.
struct Layout<'a> {
    place: &'a Place,
    name: &'a str,
    number: u8,
    dir: PathBuf,
}

impl Node {
    /// Starts it and gives it the images. It registers by itself.
    pub(crate) async fn start(place: &Place, number: u8, kubeconfig: &str) -> Result<Self, Failure> {
        let name = format!("node-{number}");
        let failed = |error: harness::Error| Failure::new(format!("{name} starts"), error);
        let layout = Layout { place, name: &name, number, dir: place.scratch.join(&name) };
        layout.write().map_err(|error| Failure::new(format!("the configuration of {name}"), error))?;
        let containerd = layout.start_containerd().await.map_err(failed)?;
        for image in [&place.operator_image, &place.pause_image] {
            layout.import(&image.to_string_lossy()).await?;
        }
        let kubelet = layout.start_kubelet(kubeconfig).map_err(failed)?;
        Ok(Self { _kubelet: kubelet, _containerd: containerd })
    }
}

impl Layout<'_> {
    fn file(&self, name: &str) -> String {
        self.dir.join(name).to_string_lossy().into_owned()
    }

    fn log(&self, program: &str) -> PathBuf {
        self.place.logs.join(format!("{}-{program}.log", self.name))
    }

    fn write(&self) -> std::io::Result<()> {
        std::fs::create_dir_all(self.dir.join("cni"))?;
        std::fs::write(self.dir.join("containerd.toml"), self.containerd())?;
        std::fs::write(self.dir.join("cni/10-bridge.conflist"), self.network().to_string())?;
        std::fs::write(self.dir.join("kubelet.json"), self.kubelet().to_string())
    }

    /// Everything that containerd would put elsewhere on the machine is below our folder.
    fn containerd(&self) -> String {
        let (root, state, socket) = (self.file("images"), self.file("state"), self.file("containerd.sock"));
        let (cni, conf) = (self.place.cni.display(), self.file("cni"));
        format!(
            r#"version = 3
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
address = "{socket}"
[ttrpc]
address = "{socket}.ttrpc"
[plugins."io.containerd.cri.v1.runtime"]
# Not everybody may make itself less likely to be killed than its parent.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{cni}"]
conf_dir = "{conf}"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "localhost/pause:e2e"
"#
        )
    }

    /// All nodes share one bridge, and each gives out addresses of its own.
    fn network(&self) -> Value {
        let address = |host: u8| self.place.address(host).to_string();
        let first = 50 * self.number;
        json!({
            "cniVersion": "1.0.0",
            "name": "e2e",
            "plugins": [{
                "type": "bridge",
                "bridge": "e2e0",
                "hairpinMode": true,
                "ipam": {
                    "type": "host-local",
                    "dataDir": self.file("addresses"),
                    "ranges": [[{
                        "subnet": format!("{}/24", address(0)),
                        "rangeStart": address(first),
                        "rangeEnd": address(first + 49),
                        "gateway": address(1),
                    }]],
                    "routes": [{ "dst": "0.0.0.0/0" }],
                },
            }],
        })
    }

    fn kubelet(&self) -> Value {
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self.place.address(self.number),
            "healthzPort": 0,
            // Nobody else is in this network.
            "authentication": { "anonymous": { "enabled": true }, "webhook": { "enabled": false } },
            "authorization": { "mode": "AlwaysAllow" },
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": format!("{}/{}", self.place.cgroup, self.name),
            "containerRuntimeEndpoint": format!("unix://{}", self.file("containerd.sock")),
            "clusterDNS": [self.place.address(1)],
            "clusterDomain": DOMAIN,
            "resolvConf": "",
            "podLogsDir": format!("/var/log/pods-{}", self.name),
            "failCgroupV1": false,
            "failSwapOn": false,
            "makeIPTablesUtilChains": false,
            "oomScoreAdj": 0,
            // The machine's disk is not ours.
            "evictionHard": {
                "memory.available": "1Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
                "imagefs.available": "0%", "imagefs.inodesFree": "0%",
            },
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "logging": { "verbosity": 2 },
        })
    }

    async fn start_containerd(&self) -> Result<Process, harness::Error> {
        let path = std::env::var("PATH").unwrap_or_default();
        let containerd = Launch::new(self.place.node.join("containerd"), self.log("containerd"))
            .args(["--config", &self.file("containerd.toml")])
            // Where it looks for its shim and for runc.
            .env("PATH", format!("{}:{path}", self.place.node.display()))
            .spawn()?;
        let ready = |line: &str| line.contains("containerd successfully booted");
        containerd.wait_for_line(ready, Duration::from_secs(60)).await?;
        Ok(containerd)
    }

    async fn import(&self, image: &str) -> Result<(), Failure> {
        let socket = self.file("containerd.sock");
        let arguments = ["--address", &socket, "--namespace", "k8s.io", "images", "import", "--local", image];
        let what = || format!("ctr {}", arguments.join(" "));
        let output = tokio::process::Command::new(self.place.node.join("ctr")).args(arguments).output().await;
        let output = output.map_err(|error| Failure::new(what(), error))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Failure::new(what(), String::from_utf8_lossy(&output.stderr))),
        }
    }

    fn start_kubelet(&self, kubeconfig: &str) -> Result<Process, harness::Error> {
        Launch::new(self.place.node.join("kubelet"), self.log("kubelet"))
            .args(["--config", &self.file("kubelet.json"), "--kubeconfig", kubeconfig])
            .args(["--root-dir", &self.file("kubelet"), "--cert-dir", &self.file("certificates")])
            .args(["--hostname-override", self.name, "--node-ip", &self.place.address(self.number).to_string()])
            .spawn()
    }
}
