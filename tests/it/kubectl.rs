//! `kubectl connect`: the real binary, against the simulator and the real API server.

mod import;
mod lint;
mod people;
mod plan;
mod round_trip;
mod screens;
mod doctor;
mod iam_policy;
mod operate;
mod orphans;
mod pages;
mod report;
mod terminal;
mod views;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::Stage;

/// How a command ended, and what it said.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.err, self.out);
        self
    }
}

/// The command, with the way to the stage's simulator and cluster, and no terminal.
fn command(stage: &Stage, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-connect"));
    command
        .args(arguments)
        .env("KUBECONFIG", stage.cluster.plane.dir().join("admin.kubeconfig"))
        .env("AWS_ENDPOINT_URL_CONNECT", stage.endpoint())
        .env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "example")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn run(stage: &Stage, arguments: &[&str]) -> Ran {
    finish(command(stage, arguments)).await
}

async fn finish(mut command: Command) -> Ran {
    let output = tokio::time::timeout(Duration::from_secs(240), command.output()).await;
    ran(output.expect("it ends").unwrap())
}

/// The command with something on its standard input.
async fn run_with(stage: &Stage, arguments: &[&str], input: &str) -> Ran {
    let mut command = command(stage, arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    ran(child.wait_with_output().await.unwrap())
}

fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// An empty directory of a test's own.
fn directory(name: &str) -> PathBuf {
    let directory = harness::target_dir().join("it-kubectl").join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// How a screen differs from the one that is kept, if it does; REWRITE_SCREENS=1 keeps it.
fn differs(name: &str, width: &str, color: &str, Ran { code, out, err }: &Ran) -> Option<String> {
    let screen = format!("{out}--- standard error\n{err}--- exit code {}\n", code.unwrap());
    let plain = if color == "always" { ".color" } else { "" };
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/kubectl/screens");
    let file = kept.join(format!("{name}.{width}{plain}.txt"));
    if std::env::var_os("REWRITE_SCREENS").is_some() {
        std::fs::create_dir_all(&kept).unwrap();
        std::fs::write(&file, &screen).unwrap();
    }
    let is_same = std::fs::read_to_string(&file).is_ok_and(|kept| kept == screen);
    (!is_same).then(|| format!("{}:\n{screen}", file.display()))
}

/// The real kubectl, as administrator.
fn kubectl(stage: &Stage, arguments: &[&str]) {
    let output = std::process::Command::new(stage.cluster.plane.kubectl())
        .env("KUBECONFIG", stage.cluster.plane.dir().join("admin.kubeconfig"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// No quota to speak of, on neither side.
const FAST: [&str; 4] = ["--rate-limit", "*=10000", "--quota-share", "1"];
