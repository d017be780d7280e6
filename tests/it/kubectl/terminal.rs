//! At a real terminal: a person is asked, progress is written over, and a watch redraws its screen.
//!
//! By `script` of util-linux, which gives the command a terminal of its own.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::command;
use serde_json::json;

use crate::support::{Options, Stage, managed};

/// What a terminal would have got, and the exit code; nothing is left running.
async fn at_terminal(stage: &Stage, arguments: &[&str], typed: &str, patience: Duration) -> (String, Option<i32>) {
    let inner = command(stage, arguments);
    let inner = inner.as_std();
    let words = std::iter::once(inner.get_program()).chain(inner.get_args()).map(|word| word.to_str().unwrap());
    let line = words.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let mut script = Command::new("script");
    script
        .args(["-qec", &format!("exec {line}"), "/dev/null"])
        .env("TERM", "xterm")
        .env("COLUMNS", "80")
        .env_remove("NO_COLOR");
    for (name, value) in inner.get_envs().filter(|(name, _)| *name != "COLUMNS") {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    let mut child =
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(typed.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    let mut stdout = child.stdout.take().unwrap();
    let read = tokio::time::timeout(patience, tokio::io::AsyncReadExt::read_to_end(&mut stdout, &mut out)).await;
    drop(stdin);
    let code = match read {
        Ok(_) => child.wait().await.unwrap().code(),
        Err(_) => {
            child.kill().await.unwrap();
            None
        }
    };
    (String::from_utf8(out).unwrap(), code)
}

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_and_only_yes_means_yes() {
    let values = json!({ "operator": { "deletionBrake": "0/1h" } });
    let stage = Stage::with("kterminal", Options { values, ..Options::default() }).await;
    stage.administrator();
    stage.create(&managed("goes", "goes")).await;
    stage.ready("goes").await;
    stage.delete("goes").await;
    stage.reason_while_deleting("goes", "DeletionHeld").await;
    let release = ["release", "goes", "--delete", "-n", &stage.namespace];
    for no in ["n\n", "\n", "yess\n"] {
        let (out, code) = at_terminal(&stage, &release, no, PATIENCE).await;
        assert!(out.contains("go on with the deletion of 1 ConnectUser? [y/N]"), "{out:?}");
        assert!(code == Some(1) && out.contains("nothing was done, as you said"), "{code:?} {out:?}");
    }
    assert!(stage.user("goes").is_some());
    let (out, code) = at_terminal(&stage, &release, "y\n", PATIENCE).await;
    assert_eq!(code, Some(0), "{out:?}");
    assert!(out.contains(&format!("\x1b[32m{}/goes: gone\x1b[0m", stage.namespace)), "in colour: {out:?}");
    assert!(stage.user("goes").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_draws_over_its_screen_and_progress_leaves_no_trace() {
    let stage = Stage::with("kterminal-watch", Options { operator: false, ..Options::default() }).await;
    stage.create(&managed("jane", "jane")).await;
    let watch = ["status", "-n", &stage.namespace, "--no-metrics", "--watch", "--interval", "200ms"];
    let (out, _) = at_terminal(&stage, &watch, "", Duration::from_secs(8)).await;
    let screens: Vec<_> = out.split("\x1b[H").skip(1).collect();
    assert!(screens.len() > 2, "{out:?}");
    for screen in &screens[..screens.len() - 1] {
        assert!(screen.ends_with("\x1b[J"), "what is below is taken away: {screen:?}");
        assert!(screen.lines().all(|line| line.ends_with("\x1b[K") || line == "\x1b[J"), "{screen:?}");
    }
    let orphans = ["orphans", "--instance", connect_simulator::fixtures::managed::ARN, "--cluster-name", "nobody"];
    let (out, code) = at_terminal(&stage, &orphans, "", PATIENCE).await;
    assert_eq!(code, Some(0), "{out:?}");
    let (progress, result) = out.split_once("\r\x1b[KNo orphans").unwrap_or_else(|| panic!("{out:?}"));
    assert!(
        progress.starts_with("\r\x1b[Kreading the users of") && result.starts_with(" of cluster nobody"),
        "{out:?}"
    );
    assert!(progress.trim_start_matches("\r\x1b[K").chars().count() < 80, "it fits into a line: {progress:?}");
}
