//! The pages are those of the program; the scripts for shells are accepted by them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use super::directory;

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries.map(|path| (named(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

fn program(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-connect")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_pages_are_those_of_the_program() {
    let folder = directory("pages");
    program(&["pages", folder.to_str().unwrap()]);
    let kept = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/kubectl-connect"));
    let made = files(&folder);
    assert_eq!(kept.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>(), "run `make pages`");
    for (name, text) in made {
        assert_eq!(kept[&name], text, "docs/kubectl-connect/{name} is another: run `make pages`");
    }
}

#[test]
fn every_command_has_a_page_that_teaches() {
    let help = program(&["--help"]);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let commands: Vec<_> =
        listed.filter(|line| !line.starts_with("   ")).map(|line| line.trim().split(' ').next().unwrap()).collect();
    assert!(commands.len() >= 10, "{help}");
    let pages = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/kubectl-connect"));
    for command in commands.into_iter().filter(|command| !["help"].contains(command)) {
        let page = &pages[&format!("{command}.md")];
        assert!(pages["README.md"].contains(&format!("({command}.md)")));
        assert!(page.contains("## Examples") && page.contains(&format!("kubectl connect {command} ")), "{page}");
    }
}

/// Whether a shell takes the script; nothing where the shell is not installed.
fn is_accepted(shell: &str, arguments: &[&str], script: &str) -> Option<bool> {
    let file = directory(&format!("completion-{shell}")).join("script");
    std::fs::write(&file, script).unwrap();
    let status =
        Command::new(shell).args(arguments).arg(&file).stdin(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    Some(status.success())
}

#[test]
fn shells_accept_their_scripts() {
    for (shell, arguments) in [("bash", ["-n"]), ("zsh", ["-n"]), ("fish", ["--no-execute"])] {
        let script = program(&["completion", shell]);
        for word in ["orphans", "--operator-namespace", "iam-policy", "--retain"] {
            let word = if shell == "fish" { word.trim_start_matches("--") } else { word };
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        assert!(!script.contains("pages"), "{shell} tells what nobody types");
        assert_ne!(is_accepted(shell, &arguments, &script), Some(false), "{shell}");
    }
    assert_eq!(is_accepted("bash", &["-n"], "if then"), Some(false), "and would refuse another");
}

/// The real kubectl finds the plugin's own program for completion in PATH, and takes its answers.
#[tokio::test(flavor = "multi_thread")]
async fn kubectl_completes_what_follows_connect() {
    use std::os::unix::fs::PermissionsExt;
    let folder = directory("completion-kubectl");
    let script = folder.join("kubectl_complete-connect");
    std::fs::write(&script, program(&["completion", "kubectl"])).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let ours = Path::new(env!("CARGO_BIN_EXE_kubectl-connect")).parent().unwrap();
    let path = format!("{}:{}:{}", folder.display(), ours.display(), std::env::var("PATH").unwrap());
    let kubectl = crate::support::cluster().await.plane.kubectl();
    let asked = |words: &[&str]| {
        let mut command = Command::new(&kubectl);
        command.arg("__complete").arg("connect").args(words).env("PATH", &path).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(asked(&["st"]), ["status", ":4"]);
    assert_eq!(asked(&["plan", "--out"]), ["--output", ":4"]);
    assert_eq!(asked(&["plan", "--output", "m"]), ["markdown", ":4"]);
    let all = asked(&[""]);
    assert!(all.contains(&"import".to_owned()) && !all.contains(&"next".to_owned()), "{all:?}");
    assert!(!all.contains(&"pages".to_owned()), "{all:?}");
}
