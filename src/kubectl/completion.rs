//! `kubectl connect completion`: scripts for shells, and the answers that kubectl asks for.

use std::ffi::OsString;
use std::io::Write;

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::engine;

use super::{Ended, Error};

const EXAMPLES: &str = "Examples:
  # kubectl-connect ..., in bash: this line in ~/.bashrc
  source <(kubectl-connect completion bash)

  # The same in zsh, in a folder of $fpath, and in fish
  kubectl-connect completion zsh > \"${fpath[1]}/_kubectl-connect\"
  kubectl-connect completion fish > ~/.config/fish/completions/kubectl-connect.fish

  # kubectl connect ..., in whichever shell kubectl itself completes: a program of this name, anywhere in PATH
  kubectl connect completion kubectl > ~/.local/bin/kubectl_complete-connect
  chmod +x ~/.local/bin/kubectl_complete-connect";

/// For what to complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum For {
    /// Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// PowerShell.
    Powershell,
    /// Zsh.
    Zsh,
    /// The completion of kubectl, in any shell: it asks a program `kubectl_complete-connect`.
    Kubectl,
}

/// Print a script that completes commands and flags in a shell.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The shell.
    shell: For,
}

/// Tell kubectl what could come next.
#[derive(Args)]
pub(super) struct Next {
    /// What was typed after `kubectl connect`; the last word may be empty.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(super) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Ended, Error> {
    use clap_complete::Shell;
    let shell = match arguments.shell {
        For::Bash => Shell::Bash,
        For::Elvish => Shell::Elvish,
        For::Fish => Shell::Fish,
        For::Powershell => Shell::PowerShell,
        For::Zsh => Shell::Zsh,
        For::Kubectl => {
            out.write_all(b"#!/bin/sh\nexec kubectl-connect next -- \"$@\"\n")?;
            return Ok(Ended::Well);
        }
    };
    // Into memory first: the generator panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "kubectl-connect", &mut script);
    out.write_all(&script)?;
    Ok(Ended::Well)
}

/// A line for each candidate, with its help after a tab, then what the shell shall do: nothing of its own (4). This is
/// what kubectl takes from the completion of plugins (`kubectl completion --help`).
pub(super) fn next(next: &Next, out: &mut impl Write) -> Result<Ended, Error> {
    let Next { words } = next;
    let line: Vec<_> = std::iter::once(OsString::from("kubectl-connect")).chain(words.iter().cloned()).collect();
    for candidate in engine::complete(&mut command(), line, words.len(), None)? {
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        writeln!(out, "{}\t{help}", candidate.get_value().to_string_lossy())?;
    }
    writeln!(out, ":4")?;
    Ok(Ended::Well)
}

/// The commands without those that nobody types; the generators would tell them all.
fn command() -> clap::Command {
    let whole = super::Arguments::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    clap::Command::new("kubectl-connect").args(whole.get_arguments().cloned()).subcommands(shown)
}
