//! Where the control plane's binaries are.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Error;

/// The folder that holds etcd, kube-apiserver and kubectl.
///
/// `KUBEBUILDER_ASSETS`, if set; otherwise what `tools/build.sh` prints as its last line. The
/// script builds them once (minutes) and finds them afterwards (a fraction of a second). What it
/// has to say goes to our stderr.
pub fn assets() -> Result<PathBuf, Error> {
    let dir = match std::env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => build()?,
    };
    for tool in ["etcd", "kube-apiserver", "kubectl"] {
        if !dir.join(tool).is_file() {
            return Err(Error::Assets(format!("{} has no {tool}", dir.display())));
        }
    }
    Ok(dir)
}

fn build() -> Result<PathBuf, Error> {
    let script = crate::workspace().join("tools/build.sh");
    let output = Command::new(&script)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Error::Assets(format!("cannot run {}: {error}", script.display())))?;
    if !output.status.success() {
        return Err(Error::Assets(format!("{} failed ({})", script.display(), output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().last().map(str::trim).filter(|line| !line.is_empty()) {
        Some(line) => Ok(PathBuf::from(line)),
        None => Err(Error::Assets(format!("{} printed no folder", script.display()))),
    }
}
