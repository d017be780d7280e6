//! `kubectl connect pages`: a page of documentation for each command, from the same words as `--help`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Arg, Args, Command, CommandFactory};

use super::{Ended, Error};

/// Write the pages in docs/kubectl-connect.
#[derive(Args)]
pub(super) struct Arguments {
    /// Folder; it must exist. What is in it stays, unless a page has its name.
    folder: PathBuf,
}

pub(super) fn run(arguments: &Arguments, out: &mut impl Write) -> Result<Ended, Error> {
    for (name, text) in pages() {
        let path = arguments.folder.join(name);
        std::fs::write(&path, text)?;
        writeln!(out, "{}", path.display())?;
    }
    Ok(Ended::Well)
}

/// Name and text of each page.
fn pages() -> Vec<(String, String)> {
    let mut command = super::Arguments::command();
    command.build();
    let commands: Vec<_> =
        command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help").collect();
    let mut pages = vec![("README.md".to_owned(), index(&commands))];
    pages.extend(commands.iter().map(|command| (format!("{}.md", command.get_name()), page(command))));
    pages
}

fn index(commands: &[&Command]) -> String {
    let mut text = "# kubectl connect\n\nWhat people do with users that are declared in Kubernetes, from a command line. The binary `kubectl-connect`, \
                    somewhere in PATH, works by its own name and as `kubectl connect`. The pages are made from the program's own help \
                    (`make pages`).\n\n| Command | What it does |\n|---|---|\n"
        .to_owned();
    for command in commands {
        let name = command.get_name();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("| [{name}]({name}.md) | {} |\n", escaped(&about)));
    }
    text.push_str(
        "\nCompletion: see [completion](completion.md), for bash, zsh and fish, and for `kubectl connect` itself.\n\n\
         Exit codes: 0 is well, 1 is a failure, whose message is on standard error, and 2 means that a command has found \
         something, as its page says.\n",
    );
    text
}

fn page(command: &Command) -> String {
    let mut command = command.clone();
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut text =
        format!("# kubectl connect {}\n\n{}\n\n```console\n{usage}\n```\n", command.get_name(), paragraphs(&about));
    let mut headings: Vec<&str> = Vec::new();
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str()))
        .collect();
    for argument in &arguments {
        let heading = heading(argument);
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for title in headings {
        text.push_str(&format!("\n## {title}\n\n| Argument | Meaning |\n|---|---|\n"));
        for argument in arguments.iter().filter(|argument| heading(argument) == title) {
            text.push_str(&format!("| `{}` | {} |\n", written(argument), meaning(argument)));
        }
    }
    if let Some(after) = command.get_after_help() {
        let after = after.to_string();
        let (examples, words) = match after.strip_prefix("Examples:\n") {
            // The examples are indented, and what follows them is not.
            Some(rest) => {
                let end = rest.lines().take_while(|line| line.is_empty() || line.starts_with("  ")).count();
                let examples: Vec<_> =
                    rest.lines().take(end).map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
                (examples.join("\n").trim_end().to_owned(), rest.lines().skip(end).collect::<Vec<_>>().join("\n"))
            }
            None => (String::new(), after),
        };
        if !examples.is_empty() {
            text.push_str(&format!("\n## Examples\n\n```console\n{examples}\n```\n"));
        }
        if !words.trim().is_empty() {
            text.push_str(&format!("\n{}\n", paragraphs(&words)));
        }
    }
    text
}

fn heading(argument: &Arg) -> &str {
    match argument.get_help_heading() {
        Some(heading) => heading,
        None if argument.is_positional() => "Arguments",
        None => "Options",
    }
}

/// As it is written on a command line.
fn written(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>"));
    let takes = argument.get_num_args().is_some_and(|range| range.takes_values());
    let value = if takes { names.collect::<Vec<_>>().join(" ") } else { String::new() };
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    let separator = if argument.is_require_equals_set() { "=" } else { " " };
    match (names.is_empty(), value.is_empty()) {
        (true, _) => value,
        (false, true) => names.join(", "),
        (false, false) => format!("{}{separator}{value}", names.join(", ")),
    }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut meaning = escaped(&help);
    let takes = argument.get_num_args().is_some_and(|range| range.takes_values());
    let possible: Vec<_> =
        argument.get_possible_values().into_iter().filter(|_| takes).filter(|value| !value.is_hide_set()).collect();
    let told = possible.iter().map(|value| match value.get_help() {
        Some(help) => format!("`{}`: {}", value.get_name(), escaped(&help.to_string())),
        None => format!("`{}`", value.get_name()),
    });
    let told: Vec<_> = told.collect();
    if !told.is_empty() {
        meaning.push_str(&format!("{} One of {}", stop(&meaning), told.join("; ")));
    }
    let defaults: Vec<_> =
        argument.get_default_values().iter().filter(|_| takes).map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() {
        meaning.push_str(&format!("{} Default: `{}`.", stop(&meaning), defaults.join(",")));
    }
    meaning
}

/// What ends the sentence so far.
fn stop(sentence: &str) -> &'static str {
    if sentence.ends_with('.') { "" } else { "." }
}

/// In one line of a table, and without what Markdown would take for a tag.
fn escaped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|").replace('<', "&lt;")
}

/// Paragraphs, each in one line.
fn paragraphs(text: &str) -> String {
    let paragraphs = text.trim().split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    paragraphs.collect::<Vec<_>>().join("\n\n").replace('<', "&lt;")
}
