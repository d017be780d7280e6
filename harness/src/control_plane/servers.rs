//! The two servers: their ports, their files, their flags.

use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::access::{Tokens, config, random_hex, write_private};
use super::settings::{Identity, Settings};
use crate::{Error, Launch, Process};

/// Everything that the servers are started with. The directory goes when this is dropped.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) dir: PathBuf,
    pub(super) assets: PathBuf,
    pub(super) tokens: Tokens,
    settings: Settings,
    etcd: u16,
    etcd_peer: u16,
    apiserver: u16,
}

impl Layout {
    /// Free ports, and a directory with the files that the servers read.
    pub(super) fn new(settings: &Settings, assets: PathBuf) -> Result<Self, Error> {
        let dir = std::env::temp_dir().join(format!("control-plane-{}", random_hex()?));
        let [etcd, etcd_peer, apiserver] = free_ports()?;
        let layout = Self {
            dir,
            assets,
            tokens: Tokens::new(settings)?,
            settings: settings.clone(),
            etcd,
            etcd_peer,
            apiserver,
        };
        for dir in [&layout.dir, &layout.certs()] {
            std::fs::DirBuilder::new().mode(0o700).create(dir).map_err(Error::path("create", dir))?;
        }
        write_private(&layout.dir.join("tokens.csv"), &layout.tokens.csv())?;
        let key = rcgen::KeyPair::generate().map_err(|error| Error::Credentials(error.to_string()))?;
        write_private(&layout.dir.join("service-account.key"), &key.serialize_pem())?;
        write_private(&layout.dir.join("service-account.pub"), &key.public_key_pem())?;
        if let Some(audit) = &settings.audit {
            write_private(&layout.dir.join("audit-policy.yaml"), &audit.policy)?;
        }
        Ok(layout)
    }

    fn certs(&self) -> PathBuf {
        self.dir.join("certs")
    }

    pub(super) fn url(&self) -> String {
        format!("https://{}:{}", self.settings.address, self.apiserver)
    }

    /// The API server's certificate and its CA's; it writes them when it first starts.
    pub(super) fn ca(&self) -> Result<String, Error> {
        let path = self.certs().join("apiserver.crt");
        std::fs::read_to_string(&path).map_err(Error::path("read", &path))
    }

    /// Starts etcd and waits until it serves.
    pub(super) async fn start_etcd(&self) -> Result<Process, Error> {
        let client = format!("http://127.0.0.1:{}", self.etcd);
        let peer = format!("http://127.0.0.1:{}", self.etcd_peer);
        let process = Launch::new(self.assets.join("etcd"), self.settings.logs.join("etcd.log"))
            .arg(flag("--data-dir", self.dir.join("etcd")))
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--initial-cluster=default={peer}"))
            // The data dies with the test: nothing needs to reach the disk.
            .arg("--unsafe-no-fsync=true")
            .clean(&self.dir)
            .spawn()?;
        // Not over HTTP: on a port that was taken meanwhile somebody else's etcd would answer.
        let ready = |line: &str| line.contains("ready to serve client requests");
        process.wait_for_line(ready, self.settings.ready_within).await?;
        Ok(process)
    }

    /// Starts the API server, for the first time or again, and waits until it is ready.
    pub(super) async fn start_apiserver(&self, again: bool) -> Result<Process, Error> {
        let file = |name: &str| self.dir.join(name);
        let mut launch = Launch::new(self.assets.join("kube-apiserver"), self.settings.logs.join("kube-apiserver.log"))
            .arg(format!("--etcd-servers=http://127.0.0.1:{}", self.etcd))
            .arg(flag("--cert-dir", self.certs()))
            .arg(format!("--bind-address={}", self.settings.address))
            .arg(format!("--secure-port={}", self.apiserver))
            .arg("--service-cluster-ip-range=10.0.0.0/24")
            .arg("--allow-privileged=true")
            .arg("--authorization-mode=RBAC")
            .arg(flag("--token-auth-file", file("tokens.csv")))
            .arg(format!("--service-account-issuer={}", self.url()))
            .arg(flag("--service-account-key-file", file("service-account.pub")))
            .arg(flag("--service-account-signing-key-file", file("service-account.key")))
            .arg("--enable-priority-and-fairness=false")
            .arg("--profiling=false");
        if !self.settings.has_controllers {
            launch = launch.arg("--disable-admission-plugins=ServiceAccount");
        }
        if let Some(audit) = &self.settings.audit {
            launch = launch
                .arg(flag("--audit-policy-file", file("audit-policy.yaml")))
                .arg(flag("--audit-log-path", &audit.log));
        }
        if again {
            launch = launch.append();
        }
        let process = launch.args(&self.settings.apiserver_args).spawn()?;
        self.wait_until_ready(&process).await?;
        Ok(process)
    }

    /// Ready means: /readyz says so to the admin, over a connection that trusts only our certificate.
    async fn wait_until_ready(&self, process: &Process) -> Result<(), Error> {
        let deadline = Instant::now() + self.settings.ready_within;
        while Instant::now() < deadline {
            if process.status().is_some() {
                // Its last words may still be on their way.
                let status = process.wait(Duration::from_secs(1)).await?;
                return Err(process.exited(status));
            }
            let probe = tokio::time::timeout(Duration::from_secs(2), self.probe());
            if matches!(probe.await, Ok(Ok(()))) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(process.too_late("/readyz", self.settings.ready_within))
    }

    async fn probe(&self) -> Result<(), Error> {
        let admin = Identity::Admin;
        let config = config(&self.url(), &self.ca()?, &admin, &self.tokens.of(&admin)?)?;
        let request = http::Request::get("/readyz").body(Vec::new()).map_err(kube::Error::HttpError)?;
        kube::Client::try_from(config)?.request_text(request).await?;
        Ok(())
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn flag(name: &str, path: impl AsRef<Path>) -> String {
    format!("{name}={}", path.as_ref().display())
}

/// Three ports that nobody listens on at this moment.
fn free_ports() -> Result<[u16; 3], Error> {
    let listen = || TcpListener::bind(("127.0.0.1", 0)).map_err(Error::io("cannot find a free port"));
    let port =
        |socket: &TcpListener| socket.local_addr().map(|at| at.port()).map_err(Error::io("cannot find a free port"));
    let sockets = [listen()?, listen()?, listen()?];
    let [a, b, c] = &sockets;
    Ok([port(a)?, port(b)?, port(c)?])
}
