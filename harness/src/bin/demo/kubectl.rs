//! kubectl, run as the person at the keyboard would.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use crate::story::Failure;

/// kubectl with a kubeconfig, in the workspace's folder.
pub(crate) struct Kubectl {
    pub(crate) path: PathBuf,
    pub(crate) kubeconfig: PathBuf,
}

/// What a command answered.
pub(crate) struct Answer {
    /// Whether it exited with 0.
    pub(crate) good: bool,
    /// stdout, then stderr.
    pub(crate) text: String,
}

impl Kubectl {
    /// Runs it.
    pub(crate) async fn run(&self, args: &[&str]) -> Result<Answer, Failure> {
        let what = || format!("kubectl {}", args.join(" "));
        let output = tokio::process::Command::new(&self.path)
            .args(args)
            .current_dir(harness::workspace())
            .env("KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(Duration::from_secs(30), output)
            .await
            .map_err(|_| Failure::new(what(), "no end within 30 s"))?
            .map_err(|error| Failure::new(what(), error))?;
        let text = [output.stdout, output.stderr].concat();
        Ok(Answer { good: output.status.success(), text: String::from_utf8_lossy(&text).trim_end().to_owned() })
    }
}
