//! The server, driven by a client that nobody here wrote: boto3.

use connect_simulator::OPERATIONS;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The boto3 that the test is known to pass with.
const BOTO3: &str = "boto3==1.44.5";

/// A running `connect-simulator` that ends with its standard input.
struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    fn start() -> Result<Self, String> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_connect-simulator"))
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let endpoint = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        Ok(Self { child, endpoint })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

/// A Python with boto3: the one that the environment names, or a cached venv.
fn python() -> Result<PathBuf, String> {
    if let Some(python) = std::env::var_os("CONNECT_SIMULATOR_PYTHON") {
        return Ok(python.into());
    }
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).ok_or("no cache directory")?;
    let venv = cache.join("connect-user-operator").join("boto3").join(BOTO3);
    let python = venv.join("bin").join("python");
    if !Command::new(&python).args(["-c", "import boto3"]).status().is_ok_and(|status| status.success()) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", BOTO3]))?;
    }
    Ok(python)
}

#[test]
fn boto3_drives_every_operation() -> Result<(), String> {
    let python = match python() {
        Ok(python) => python,
        Err(error) if std::env::var_os("CI").is_some() => return Err(error),
        Err(error) => {
            println!("skipped: no Python with boto3 ({error})");
            return Ok(());
        }
    };
    let server = Server::start()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("boto3_drive.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&server.endpoint)
        .args(OPERATIONS)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_PROFILE")
        .output()
        .map_err(|error| error.to_string())?;
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let all = format!("{0} of {0} operations driven", OPERATIONS.len());
    if output.status.success() && stdout.trim_end().ends_with(&all) {
        println!("{stdout}");
        return Ok(());
    }
    Err(format!("{}\n{stdout}\n{stderr}", output.status))
}
