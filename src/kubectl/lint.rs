//! `kubectl connect lint`: what is wrong with manifests, without a cluster and without AWS.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;

use super::manifests::{self, Found, Manifest, Path, Place, complaints};
use super::terminal::{Screen, Style};
use super::{Ended, Error};
use crate::resource::{RECONCILE_ANNOTATION, RELEASE_ANNOTATION, SUSPEND_ANNOTATION};
use crate::user::ids::Username;

const EXAMPLES: &str = "Examples:
  # Everything below a folder, before a commit
  kubectl connect lint users/

  # In GitHub Actions, with annotations, and warnings as findings
  kubectl connect lint users/ -o github --strict

  # What a template gives
  helm template users/ | kubectl connect lint -";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files, directories with all that is below them, or `-` for standard input.
    #[arg(default_value = ".", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Form of the findings: `github` makes annotations of a pull request in GitHub Actions.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM")]
    output: Form,

    /// Warnings are findings, too: what is meant for the command line and not for manifests, or on its way out.
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Form {
    /// `file:line:column: error: field: message`
    #[default]
    Text,
    /// A list of objects.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Error,
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Finding {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) column: usize,
    severity: Severity,
    /// `kind namespace/name` of the object; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) field: String,
    pub(super) message: String,
}

pub(super) fn run(arguments: &Arguments, screen: Screen, out: &mut impl Write) -> Result<Ended, Error> {
    let Arguments { files, output, strict } = arguments;
    let found = manifests::read(files)?;
    let findings = findings(&found);
    match output {
        Form::Text => text(&findings, screen, out)?,
        Form::Json => {
            serde_json::to_writer_pretty(&mut *out, &findings).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Form::Github => github(&findings, out)?,
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    let summary = format!(
        "{} in {}: {}, {}",
        count(found.manifests.len(), "object"),
        count(found.files, "file"),
        count(errors, "error"),
        count(warnings, "warning"),
    );
    writeln!(std::io::stderr(), "{summary}").ok();
    Ok(if errors > 0 || (*strict && warnings > 0) { Ended::Found } else { Ended::Well })
}

/// A number with its noun.
pub(super) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn findings(found: &Found) -> Vec<Finding> {
    let Found { manifests, flaws, files: _ } = found;
    let mut findings: Vec<Finding> = flaws
        .iter()
        .map(|(source, Place { line, column }, message)| Finding {
            file: source.to_string(),
            line: *line,
            column: *column,
            severity: Severity::Error,
            object: None,
            field: String::new(),
            message: message.clone(),
        })
        .collect();
    for manifest in manifests {
        let of_object = complaints(&manifest.value, None).into_iter();
        findings
            .extend(of_object.map(|complaint| finding(manifest, Severity::Error, &complaint.path, complaint.message)));
        findings.extend(warnings(manifest));
    }
    findings.extend(twins(manifests));
    findings.sort();
    findings
}

fn finding(manifest: &Manifest, severity: Severity, path: &Path, message: String) -> Finding {
    let Place { line, column } = manifest.locate(path);
    let field = path.to_string();
    Finding { file: manifest.source.to_string(), line, column, severity, object: Some(name(manifest)), field, message }
}

fn name(manifest: &Manifest) -> String {
    let name = manifest.metadata("name").unwrap_or("without a name");
    match manifest.metadata("namespace") {
        Some(namespace) => format!("{} {namespace}/{name}", manifest.kind()),
        None => format!("{} {name}", manifest.kind()),
    }
}

/// What works and should not be in a manifest all the same.
fn warnings(manifest: &Manifest) -> Vec<Finding> {
    let value = |steps: &[&str]| steps.iter().try_fold(&manifest.value, |value, step| value.get(step));
    let mut found = Vec::new();
    let annotations = Path::default().member("metadata").member("annotations");
    for (key, message) in [
        (SUSPEND_ANNOTATION, "is for the command line: in a manifest write spec.suspend: true"),
        (
            RECONCILE_ANNOTATION,
            "is for the command line: in a manifest it does nothing, or undoes what kubectl connect reconcile wrote",
        ),
        (RELEASE_ANNOTATION, "is for the command line: in a manifest it lets go of every later deletion, too"),
    ] {
        if value(&["metadata", "annotations", key]).is_some() {
            found.push(finding(manifest, Severity::Warning, &annotations.member(key), message.to_owned()));
        }
    }
    let status = Path::default().member("status");
    if value(&["status"]).is_some() {
        let message = "is written by the operator: what a manifest says here is dropped".to_owned();
        found.push(finding(manifest, Severity::Warning, &status, message));
    }
    found
}

/// Objects that claim one name, or one user.
pub(super) fn twins(manifests: &[Manifest]) -> Vec<Finding> {
    let mut found = Vec::new();
    let metadata = Path::default().member("metadata").member("name");
    let username = Path::default().member("spec").member("username");
    let mut names: BTreeMap<(String, String, String), &Manifest> = BTreeMap::new();
    let mut users: BTreeMap<(String, String), &Manifest> = BTreeMap::new();
    for manifest in manifests {
        let text = |name: &str| manifest.metadata(name).unwrap_or_default().to_owned();
        if manifest.metadata("name").is_some() {
            let key = (manifest.kind().to_owned(), text("namespace"), text("name"));
            if let Some(first) = names.get(&key) {
                let message = format!("is the same object as in {}: one of the two would win", place(first, &metadata));
                found.push(finding(manifest, Severity::Error, &metadata, message));
                continue;
            }
            names.insert(key, manifest);
        }
        let Some(key) = user(manifest) else { continue };
        if let Some(first) = users.get(&key) {
            let message = format!(
                "is the user of {} in {}, too (the case of letters is of no account): keep one of the two",
                name(first),
                place(first, &username)
            );
            found.push(finding(manifest, Severity::Error, &username, message));
        } else {
            users.insert(key, manifest);
        }
    }
    found
}

/// Instance and folded username of a ConnectUser.
fn user(manifest: &Manifest) -> Option<(String, String)> {
    let spec = manifest.value.get("spec").filter(|_| manifest.kind() == "ConnectUser")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let arn = spec.get("instanceArn").and_then(text).map(|arn| arn.to_lowercase());
    let reference = || Some(format!("ConnectInstance {}", spec.get("instanceRef")?.get("name").and_then(text)?));
    Some((arn.or_else(reference)?, Username::new(spec.get("username")?.as_str()?).folded()))
}

fn place(manifest: &Manifest, path: &Path) -> String {
    let Place { line, .. } = manifest.locate(path);
    format!("{}:{line}", manifest.source)
}

fn text(findings: &[Finding], screen: Screen, out: &mut impl Write) -> std::io::Result<()> {
    for Finding { file, line, column, severity, object: _, field, message } in findings {
        let place = screen.paint(Style::Strong, &format!("{file}:{line}:{column}:"));
        let severity = match severity {
            Severity::Error => screen.paint(Style::Bad, "error:"),
            Severity::Warning => screen.paint(Style::Wait, "warning:"),
        };
        let separator = if field.is_empty() { "" } else { ": " };
        // In one line, whatever its width: editors and people search for it.
        writeln!(out, "{place} {severity} {field}{separator}{message}")?;
    }
    Ok(())
}

fn github(findings: &[Finding], out: &mut impl Write) -> std::io::Result<()> {
    let escaped = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    for Finding { file, line, column, severity, object: _, field, message } in findings {
        let severity = if *severity == Severity::Error { "error" } else { "warning" };
        let file = escaped(file).replace(':', "%3A").replace(',', "%2C");
        let separator = if field.is_empty() { "" } else { ": " };
        let message = escaped(&format!("{field}{separator}{message}"));
        writeln!(out, "::{severity} file={file},line={line},col={column}::{message}")?;
    }
    Ok(())
}
