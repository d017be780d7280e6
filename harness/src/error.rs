//! What can go wrong around a control plane.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What can go wrong around a control plane and the processes beside it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file, a pipe or a process could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What we were doing.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The folder with etcd, kube-apiserver and kubectl could not be found or built.
    #[error("no control plane binaries: {0}; run tools/build.sh, or set KUBEBUILDER_ASSETS to a folder that has them")]
    Assets(String),
    /// A process ended although it should have gone on.
    #[error("{name} ended early ({status}); log: {log}\n{tail}", log = .log.display())]
    Exited {
        /// The program's name.
        name: String,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// Where its output was written.
        log: PathBuf,
        /// The end of its output.
        tail: String,
    },
    /// Something did not happen in time.
    #[error("{name}: {what} did not happen within {within:?}; log: {log}\n{tail}", log = .log.display())]
    TooLate {
        /// The program's name.
        name: String,
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
        /// Where its output was written.
        log: PathBuf,
        /// The end of its output.
        tail: String,
    },
    /// This identity has no token in this control plane.
    #[error("nobody is called {0:?} here: add a User to Settings::users")]
    UnknownIdentity(String),
    /// The API server's certificate or the kubeconfig made from it cannot be used.
    #[error("the control plane's credentials cannot be used: {0}")]
    Credentials(String),
    /// The Kubernetes client failed.
    #[error(transparent)]
    Kube(Box<kube::Error>),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn path(verb: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        Self::io(format!("cannot {verb} {}", path.display()))
    }

    /// Whether a port that was free a moment ago had been taken by somebody else.
    pub(crate) fn is_port_taken(&self) -> bool {
        matches!(self, Self::Exited { tail, .. } if tail.contains("address already in use"))
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Kube(Box::new(error))
    }
}
