//! Child processes: their output, their end, and that they never outlive us.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Error, Launch, Process};

const SOON: Duration = Duration::from_secs(5);

fn log(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.log"))
}

fn sh(name: &str, script: &str) -> Process {
    Launch::new("sh", log(name)).args(["-c", script]).spawn().unwrap()
}

fn exists(pid: u32) -> bool {
    // `pid (name) state …`; a zombie is as good as gone.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}

async fn gone(pid: u32) -> bool {
    let deadline = Instant::now() + SOON;
    while exists(pid) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    !exists(pid)
}

#[tokio::test]
async fn output_is_seen_in_order_and_logged() {
    let process = sh("order", "echo one; echo two >&2; echo three; exit 7");
    let status = process.wait(SOON).await.unwrap();
    assert_eq!(status.code(), Some(7));
    let mut lines = process.lines();
    lines.sort();
    assert_eq!(lines, ["one", "three", "two"]);
    let mut logged: Vec<_> = std::fs::read_to_string(process.log()).unwrap().lines().map(str::to_owned).collect();
    logged.sort();
    assert_eq!(logged, lines);
}

#[tokio::test]
async fn a_line_is_waited_for() {
    let process = sh("line", "sleep 0.2; echo listening on 80; sleep 1000");
    let line = process.wait_for_line(|line| line.starts_with("listening"), SOON).await.unwrap();
    assert_eq!(line, "listening on 80");
    let mark = process.mark();
    let error = process.wait_for_line_after(mark, |_| true, Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::TooLate { .. }), "{error}");
    assert!(error.to_string().contains("listening on 80"), "the end of the log is shown: {error}");
}

#[tokio::test]
async fn an_early_end_is_told_with_its_reason() {
    let process = sh("early", "echo no such option >&2; exit 2");
    let error = process.wait_for_line(|line| line == "ready", SOON).await.unwrap_err();
    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains("no such option"), "{error}");
}

#[tokio::test]
async fn a_program_that_does_not_exist_says_so() {
    let process = Launch::new("/no/such/program", log("none")).spawn().unwrap();
    let error = process.wait_for_line(|_| false, SOON).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/program"), "{error}");
}

#[tokio::test]
async fn signals_reach_the_real_process() {
    let script = "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    let process = sh("term", script);
    process.wait_for_line(|line| line == "ready", SOON).await.unwrap();
    assert!(exists(process.pid()));
    let status = process.terminate(SOON).await.unwrap();
    assert_eq!(status.code(), Some(3));
    assert_eq!(process.lines().last().map(String::as_str), Some("bye"));
    assert!(!exists(process.pid()));

    let process = sh("kill", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
    process.wait_for_line(|line| line == "ready", SOON).await.unwrap();
    let error = process.terminate(Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error, Error::TooLate { .. }), "{error}");
    assert_eq!(process.status().and_then(|status| status.signal()), Some(9));
}

#[tokio::test]
async fn the_environment_can_be_cleared() {
    let process = Launch::new("env", log("env")).env_clear().env("A", "b c").spawn().unwrap();
    process.wait(SOON).await.unwrap();
    let names: Vec<_> = process.lines().iter().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    assert!(names.contains(&"A".to_owned()) && names.contains(&"PATH".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("CARGO")), "{names:?}");
}

#[tokio::test]
async fn dropping_kills_and_cleans_up() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("to-be-removed");
    std::fs::create_dir_all(dir.join("inner")).unwrap();
    let process = Launch::new("sleep", log("drop")).arg("1000").clean(&dir).spawn().unwrap();
    let pid = process.pid();
    assert!(exists(pid));
    drop(process);
    assert!(!exists(pid));
    assert!(!dir.exists());
}

/// Not a test: what the next one starts and kills.
#[test]
#[ignore = "a helper of nothing_survives_sigkill"]
fn holder() {
    let process = sh("holder", "trap '' TERM; echo ready; while :; do sleep 0.05; done");
    while process.mark() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("\npid {}", process.pid());
    std::thread::sleep(Duration::from_secs(60));
}

#[tokio::test]
async fn nothing_survives_sigkill() {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holder", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let pid = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("pid ")?.parse().ok()).unwrap();
    assert!(exists(pid));
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(gone(pid).await, "the child ignores SIGTERM, so it takes three seconds, but then it must be gone");
}
