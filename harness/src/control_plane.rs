//! etcd and kube-apiserver on loopback.

mod access;
mod servers;
mod settings;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use servers::Layout;
pub use settings::{Audit, Identity, Settings, User, target_dir, workspace};

use crate::{Error, Process};

/// How often a start is tried again with other ports when one of ours was taken meanwhile.
const TRIES: usize = 3;

/// A running etcd with a kube-apiserver. Both end when this is dropped, and also when our process
/// ends in any other way.
///
/// Nothing in here belongs to a runtime: one control plane may serve many `#[tokio::test]`s, as
/// long as each makes its own client.
#[derive(Debug)]
pub struct ControlPlane {
    // In this order: the API server must not see its etcd and its files go first.
    apiserver: Mutex<Option<Process>>,
    etcd: Process,
    ca: String,
    layout: Layout,
}

impl ControlPlane {
    /// Starts both servers and waits until the API server is ready (about five seconds).
    pub async fn start(settings: &Settings) -> Result<Self, Error> {
        // Fails only if somebody else has installed one, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let assets = match &settings.assets {
            Some(dir) => dir.clone(),
            None => {
                tokio::task::spawn_blocking(crate::assets).await.map_err(|error| Error::Assets(error.to_string()))??
            }
        };
        let mut tries = 1;
        loop {
            match Self::start_once(settings, assets.clone()).await {
                Err(error) if error.is_port_taken() && tries < TRIES => tries += 1,
                result => return result,
            }
        }
    }

    async fn start_once(settings: &Settings, assets: PathBuf) -> Result<Self, Error> {
        let layout = Layout::new(settings, assets)?;
        let etcd = layout.start_etcd().await?;
        let apiserver = Mutex::new(Some(layout.start_apiserver(false).await?));
        Ok(Self { apiserver, etcd, ca: layout.ca()?, layout })
    }

    /// Where the API server listens: `https://127.0.0.1:…`.
    pub fn url(&self) -> String {
        self.layout.url()
    }

    /// The certificates that vouch for the API server, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// A client for this identity, for use in the current runtime (hence `async`: without one it would panic).
    pub async fn client(&self, identity: &Identity) -> Result<kube::Client, Error> {
        Ok(kube::Client::try_from(self.config(identity)?)?)
    }

    /// A client configuration for this identity: no hidden retries, connecting times out.
    pub fn config(&self, identity: &Identity) -> Result<kube::Config, Error> {
        access::config(&self.url(), &self.ca, identity, &self.layout.tokens.of(identity)?)
    }

    /// A kubeconfig for this identity.
    pub fn kubeconfig(&self, identity: &Identity) -> Result<String, Error> {
        access::kubeconfig(&self.url(), &self.ca, identity, &self.layout.tokens.of(identity)?)
    }

    /// Writes a kubeconfig for this identity to a file.
    pub fn write_kubeconfig(&self, identity: &Identity, path: &Path) -> Result<(), Error> {
        access::write_private(path, &self.kubeconfig(identity)?)
    }

    /// The path of kubectl.
    pub fn kubectl(&self) -> PathBuf {
        self.layout.assets.join("kubectl")
    }

    /// The temporary directory with data, certificates and tokens.
    pub fn dir(&self) -> &Path {
        &self.layout.dir
    }

    /// The pids of the running servers.
    pub fn pids(&self) -> Vec<u32> {
        let apiserver = self.lock().as_ref().map(Process::pid);
        std::iter::once(self.etcd.pid()).chain(apiserver).collect()
    }

    /// Kills the API server: connections break and nobody listens, until it is started again.
    pub fn stop_apiserver(&self) {
        let process = self.lock().take();
        drop(process);
    }

    /// Starts the API server again on its port, over the same data.
    pub async fn start_apiserver(&self) -> Result<(), Error> {
        self.stop_apiserver();
        let process = self.layout.start_apiserver(true).await?;
        *self.lock() = Some(process);
        Ok(())
    }

    /// Stops the API server in good order, as an upgrade does, and starts it again.
    pub async fn restart_apiserver(&self) -> Result<(), Error> {
        let process = self.lock().take();
        if let Some(process) = process {
            // Open watches hold it back; a client must live with either end.
            let _ = process.terminate(Duration::from_secs(5)).await;
        }
        self.start_apiserver().await
    }

    /// Sends the API server a signal: `STOP` makes it hang, `CONT` wakes it.
    pub fn signal_apiserver(&self, signal: &str) -> Result<(), Error> {
        match self.lock().as_ref() {
            Some(process) => process.signal(signal),
            None => Ok(()),
        }
    }

    /// Stops everything and removes the data. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Process>> {
        self.apiserver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
