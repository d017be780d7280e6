//! `kubectl connect plan`: what the operator would do, without doing it.

mod decide;
mod objects;
mod observe;
mod prune;
mod show;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::decide::{Action, Decision};
use self::objects::{Object, Objects};
use self::observe::Observer;
use self::prune::Pruning;
use super::aws::{Aws, AwsArguments};
use super::cluster::{self, Scope};
use super::manifests::{self, Complaint, Manifest, Place, complaints};
use super::terminal::Screen;
use super::terminal::progress::Progress;
use super::{Ended, Error};
use crate::cli::values::{brake, cluster_name};
use crate::policy::{Brake, Tenancy};
use crate::user::ids::Instance;

const EXAMPLES: &str = "Examples:
  # What would happen if this folder were applied?
  kubectl connect plan -f users/ -n emea-support

  # And who would go, because the folder does not have them any more?
  kubectl connect plan -f users/ -n emea-support --prune

  # For the comment of a pull request, without a way to the cluster
  kubectl connect plan -f users/ --no-cluster -o markdown > comment.md

docs/import.md tells what a plan knows and what it does not.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files, directories with all that is below them, or `-` for standard input; by default the ConnectUsers in the
    /// cluster.
    #[arg(short, long, value_name = "FILE")]
    filename: Vec<PathBuf>,

    #[command(flatten)]
    scope: Scope,

    /// Also plan what becomes of the users of objects that the cluster has and the files have not, as Argo CD with pruning
    /// and kubectl apply --prune would delete them: those in the namespace, with --selector only such, with -A all.
    #[arg(long, requires = "filename", conflicts_with = "no_cluster", help_heading = "Kubernetes")]
    prune: bool,

    /// Brake of the operator's --deletion-brake, for instances that have none of their own.
    #[arg(long, default_value = "100/1h", value_name = "BRAKE", value_parser = brake, help_heading = "Kubernetes")]
    deletion_brake: Brake,

    /// Do not ask the cluster: manifests alone are planned. What an object has set before, and is removed from its
    /// manifest, is not known then.
    #[arg(long, requires = "filename", help_heading = "Kubernetes")]
    no_cluster: bool,

    /// Name of the cluster in owner tags, as the operator's --cluster-name; by default the uid of the namespace
    /// kube-system.
    #[arg(long, value_name = "NAME", value_parser = cluster_name, help_heading = "Kubernetes")]
    cluster_name: Option<String>,

    /// Form of the plan; markdown is for the comment of a pull request.
    #[arg(short, long, value_enum, default_value_t, value_name = "FORM", help_heading = "Output")]
    output: Form,

    /// Show names, e-mail addresses and phone numbers that change. Passwords are never shown.
    #[arg(long, help_heading = "Output")]
    show_personal: bool,

    /// The operator runs with --tenancy=restricted.
    #[arg(long, help_heading = "Kubernetes")]
    restricted: bool,

    #[command(flatten)]
    aws: AwsArguments,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a terminal.
    #[default]
    Text,
    /// One object.
    Json,
    /// The same as YAML.
    Yaml,
    /// A comment of a pull request.
    Markdown,
}

/// Why a plan failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    #[error("{}{}", .0, super::aws::hint(.0))]
    Connect(#[from] crate::connect::ConnectError),
    #[error("the plan cannot be written as YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

/// One object with what would happen.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// `namespace/name`.
    object: String,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    username: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(flatten)]
    decision: Decision,
}

/// Something that keeps an object from being planned.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Mistake {
    file: String,
    line: usize,
    column: usize,
    message: String,
}

/// What the changes cost.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Cost {
    /// Write calls by operation.
    calls: BTreeMap<&'static str, u64>,
    /// Seconds at least, since the calls of one operation come one after the other at the account's quota.
    seconds: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    users: Vec<Entry>,
    mistakes: Vec<Mistake>,
    /// Users by what would happen to them.
    summary: BTreeMap<Action, usize>,
    cost: Cost,
    /// What else is to be known.
    notes: Vec<String>,
}

pub(super) async fn run(
    arguments: &Arguments,
    screens: (Screen, Screen),
    out: &mut impl Write,
) -> Result<Ended, Error> {
    let (screen, words) = screens;
    let found = manifests::read(&arguments.filename)?;
    let report = plan(arguments, found, words).await?;
    match arguments.output {
        Form::Text => out.write_all(show::text(&report, screen).as_bytes())?,
        Form::Markdown => out.write_all(show::markdown(&report).as_bytes())?,
        Form::Json => {
            serde_json::to_writer_pretty(&mut *out, &report).map_err(std::io::Error::from)?;
            writeln!(out)?;
        }
        Form::Yaml => {
            out.write_all(serde_saphyr::to_string(&report).map_err(Failed::from)?.as_bytes())?;
        }
    }
    let has = |action| report.summary.contains_key(&action);
    Ok(if !report.mistakes.is_empty() || has(Action::Refuse) {
        Ended::Wrong
    } else if [Action::Create, Action::Adopt, Action::Update, Action::Delete, Action::Release].into_iter().any(has) {
        Ended::Found
    } else {
        Ended::Well
    })
}

async fn plan(arguments: &Arguments, found: manifests::Found, words: Screen) -> Result<Report, Failed> {
    let mut progress = Progress::new(words);
    let mut mistakes: Vec<Mistake> = found
        .flaws
        .iter()
        .map(|(source, Place { line, column }, message)| Mistake {
            file: source.to_string(),
            line: *line,
            column: *column,
            message: message.clone(),
        })
        .collect();
    for manifest in found.manifests.iter().filter(|manifest| manifest.kind() == "ConnectInstance") {
        mistakes.extend(mistakes_of(manifest, complaints(&manifest.value, None)));
    }
    mistakes.extend(super::lint::twins(&found.manifests).into_iter().map(
        |super::lint::Finding { file, line, column, field, message, .. }| {
            let message = format!("{field}: {message}");
            Mistake { file, line, column, message }
        },
    ));
    let is_whole = found.flaws.is_empty();
    let Objects { objects, mut gone, instances, cluster, mut notes } = objects::gather(arguments, found).await?;
    if !is_whole && arguments.prune {
        gone.clear();
        notes.push("whose objects would go is not told, since not all files could be read".to_owned());
    }
    let mut valid = Vec::new();
    for object in objects {
        let before = mistakes.len();
        mistakes.extend(mistakes_of(&object.manifest, complaints(&object.manifest.value, object.old.as_ref())));
        if mistakes.len() == before {
            valid.push(object);
        }
    }
    mistakes.sort();
    let aws = Aws::new(&arguments.aws).await;
    let tenancy = if arguments.restricted { Tenancy::Restricted } else { Tenancy::Open };
    let observer = Observer::new(&aws, &instances, tenancy, cluster, arguments.show_personal);
    let (mut users, mut rates) = observer.decide_all(&valid, &mut progress).await?;
    let pruning = Pruning {
        gone: &gone,
        instances: &instances,
        tenancy,
        brake: arguments.deletion_brake,
        planned: &users,
        adopters: valid.iter().filter(|object| object.adopts()).map(Object::full_name).collect(),
    };
    let (going, of_instances, held) = pruning.decide_all();
    prune::let_heirs_in(&mut users, &going);
    users.extend(going);
    rates.extend(of_instances);
    notes.extend(held);
    progress.clear();
    let mut summary = BTreeMap::new();
    for entry in &users {
        *summary.entry(entry.decision.action).or_default() += 1;
    }
    let cost = cost(&aws, &users, &rates);
    Ok(Report { users, mistakes, summary, cost, notes })
}

fn mistakes_of(manifest: &Manifest, found: Vec<Complaint>) -> impl Iterator<Item = Mistake> {
    found.into_iter().map(|complaint| {
        let Place { line, column } = manifest.locate(&complaint.path);
        let message = format!("{}: {}", complaint.path, complaint.message);
        Mistake { file: manifest.source.to_string(), line, column, message }
    })
}

/// Each operation has a quota of its own in every account and Region, so the slowest one decides.
fn cost(aws: &Aws, users: &[Entry], instances: &[Instance]) -> Cost {
    let mut cost = Cost::default();
    let mut places: BTreeMap<(&str, &str, &'static str), (u64, &Instance)> = BTreeMap::new();
    for entry in users {
        for operation in &entry.decision.calls {
            *cost.calls.entry(operation).or_default() += 1;
            let instance = instances.iter().find(|other| Some(other.to_string()) == entry.instance);
            if let Some(instance) = instance {
                places.entry((instance.account(), instance.region(), operation)).or_insert((0, instance)).0 += 1;
            }
        }
    }
    let seconds = places.into_iter().map(|((_, _, operation), (calls, instance))| {
        let rate = aws.quota(instance, operation);
        ((calls as f64 - rate.burst).max(0.0) / rate.per_second).ceil() as u64
    });
    cost.seconds = seconds.max().unwrap_or_default();
    cost
}

impl Object {
    /// `namespace/name`.
    fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    fn adopts(&self) -> bool {
        self.manifest.value.pointer("/spec/adoptionPolicy").is_some_and(|policy| policy == "Adopt")
    }
}
