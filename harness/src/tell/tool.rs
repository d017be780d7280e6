//! kubectl and its like, run as the person at the keyboard would.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use super::story::{Failure, Story, shell};

/// A program that uses a kubeconfig, in the workspace's folder.
#[derive(Debug)]
pub struct Tool {
    /// As a person calls it.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What it gets in `KUBECONFIG`.
    pub kubeconfig: PathBuf,
    /// Further variables.
    pub variables: Vec<(&'static str, String)>,
    /// How long one command may take.
    pub within: Duration,
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    /// Whether it exited with 0.
    pub good: bool,
    /// stdout, then stderr.
    pub text: String,
}

impl Tool {
    /// kubectl.
    pub fn kubectl(path: PathBuf, kubeconfig: PathBuf) -> Self {
        Self { name: "kubectl", path, kubeconfig, variables: Vec::new(), within: Duration::from_secs(30) }
    }

    /// Runs it.
    pub async fn run(&self, args: &[&str]) -> Result<Answer, Failure> {
        let what = || format!("{} {}", self.name, args.join(" "));
        let output = tokio::process::Command::new(&self.path)
            .args(args)
            .current_dir(crate::workspace())
            .env("KUBECONFIG", &self.kubeconfig)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(self.within, output)
            .await
            .map_err(|_| Failure::new(what(), format!("no end within {} s", self.within.as_secs())))?
            .map_err(|error| Failure::new(what(), error))?;
        let text = [output.stdout, output.stderr].concat();
        Ok(Answer { good: output.status.success(), text: String::from_utf8_lossy(&text).trim_end().to_owned() })
    }

    /// Runs it and shows it, with its answer.
    pub async fn show(&self, story: &Story, args: &[&str]) -> Result<Answer, Failure> {
        story.command(&shell(&[&[self.name], args].concat()));
        let answer = self.run(args).await?;
        story.output(&answer.text);
        Ok(answer)
    }

    /// The same, where the command must succeed.
    pub async fn show_ok(&self, story: &Story, args: &[&str]) -> Result<String, Failure> {
        let answer = self.show(story, args).await?;
        match answer.good {
            true => Ok(answer.text),
            false => Err(Failure::new(format!("success of {} {}", self.name, args.join(" ")), answer.text)),
        }
    }
}
