//! `kubectl connect iam-policy`: the policy document that allows what is needed and no more.

pub(super) mod table;

use std::io::Write;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use self::table::{Feature, If, On, QUOTAS, STATEMENTS, Statement};
use super::cluster::{Cluster, Connection};
use super::orphans::instance;
use super::terminal::progress::Progress;
use super::terminal::{Color, Screen};
use super::{Ended, Error};
use crate::cli::values::cluster_name;
use crate::resource::OWNER_TAG;
use crate::user::ids::Instance;

/// Characters that a managed policy may have, white space not counted.
const LONGEST: usize = 6_144;

const EXAMPLES: &str = "Examples:
  # For an operator that runs with --cluster-name=emea-prod and may give two security profiles
  kubectl connect iam-policy --instance $ARN --cluster-name emea-prod \\
    --security-profile $ARN/security-profile/$AGENT \\
    --security-profile $ARN/security-profile/$MANAGER

  # Only ARNs in specs, nobody is adopted, nothing is deleted
  kubectl connect iam-policy --instance $ARN --cluster-name emea-prod --feature identity,phone,retain

  # For a person who uses import, plan and doctor
  kubectl connect iam-policy --instance $ARN --read-only

A user may be created only with this cluster's owner tag, and changed and deleted only if it carries that tag; reads are \
not narrowed, since the operator has to see what is not its own. AWS's data lists no tag condition for proficiencies. \
Passwords need no action: they go into CreateUser. docs/iam.md explains the statements and lists what is not verified on \
a real account.";

/// Print the IAM policy that an instance and a choice of features need.
///
/// The document goes to standard output, warnings to standard error. Nothing is called in AWS.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// ARN of an instance; repeat it.
    #[arg(long, value_name = "ARN", required = true, value_parser = instance)]
    instance: Vec<Instance>,

    /// Name of the cluster in owner tags; by default the uid of namespace kube-system, which is read.
    #[arg(long, value_name = "NAME", value_parser = cluster_name)]
    cluster_name: Option<String>,

    /// ARN of a security profile that the operator may give; repeat it. By default all of the instances.
    #[arg(long, value_name = "ARN")]
    security_profile: Vec<String>,

    /// What the operator is used for, separated by commas; by default everything but quick-connects and quotas.
    #[arg(long, value_name = "FEATURE", value_delimiter = ',', value_enum)]
    feature: Vec<Feature>,

    /// Only what reads.
    #[arg(long)]
    read_only: bool,

    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(arguments: Arguments, color: Color) -> Result<Ended, Error> {
    let mut progress = Progress::new(Screen::stderr(color));
    let name = match &arguments.cluster_name {
        Some(name) => name.clone(),
        // A document that reads only names no owner.
        None if arguments.read_only => String::new(),
        None => Cluster::open(&arguments.connection).await?.uid().await?,
    };
    let features = if arguments.feature.is_empty() { Feature::USUAL.to_vec() } else { arguments.feature.clone() };
    let policy = policy(&arguments, &features, &name);
    let text = serde_json::to_string_pretty(&policy).map_err(|error| Error::Output(error.into()))?;
    let characters = text.chars().filter(|c| !c.is_whitespace()).count();
    if characters > LONGEST {
        progress.say(&format!(
            "warning: the document has {characters} characters, and a managed policy at most {LONGEST}: make one for each instance"
        ));
    }
    if arguments.security_profile.is_empty() && !arguments.read_only {
        progress.say("warning: every security profile may be given, Admin included: name those that are meant by --security-profile");
    }
    writeln!(std::io::stdout(), "{text}")?;
    Ok(Ended::Well)
}

/// A policy, with its members in the order in which people write them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    version: &'static str,
    statement: Vec<Allowed>,
}

/// One of its statements.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Allowed {
    sid: &'static str,
    effect: &'static str,
    action: Value,
    resource: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

fn policy(arguments: &Arguments, features: &[Feature], cluster: &str) -> Policy {
    let quotas = features.contains(&Feature::Quotas).then_some(&QUOTAS);
    let statements = STATEMENTS.iter().chain(quotas);
    let statement = statements.filter_map(|statement| allowed(statement, arguments, features, cluster));
    Policy { version: "2012-10-17", statement: statement.collect() }
}

fn allowed(statement: &Statement, arguments: &Arguments, features: &[Feature], cluster: &str) -> Option<Allowed> {
    let Statement { sid, on, condition, actions } = statement;
    let needed = actions.iter().filter(|action| action.is_needed(features));
    let needed = needed.filter(|action| !arguments.read_only || action.reads());
    let actions: Vec<_> = needed.map(table::Action::full_name).collect();
    let tag = match condition {
        If::Always => None,
        If::Claims => Some("aws:RequestTag"),
        If::Own => Some("aws:ResourceTag"),
    };
    let condition = tag.map(|tag| json!({ "StringLike": { format!("{tag}/{OWNER_TAG}"): format!("{cluster}/*") } }));
    let resource = one_or_all(resources(*on, arguments));
    let action = (!actions.is_empty()).then(|| one_or_all(actions))?;
    Some(Allowed { sid, effect: "Allow", action, resource, condition })
}

fn resources(on: On, arguments: &Arguments) -> Vec<String> {
    let suffixes: &[&str] = match on {
        On::InstanceAndAll => &["", "/*"],
        On::InstanceAndUsers => &["", "/agent/*"],
        On::InstanceAndQuickConnects => &["", "/transfer-destination/*"],
        On::Users => &["/agent/*"],
        On::QuickConnects => &["/transfer-destination/*"],
        On::Profiles if !arguments.security_profile.is_empty() => return arguments.security_profile.clone(),
        On::Profiles => &["/security-profile/*"],
        On::RoutingAndGroups => &["/routing-profile/*", "/agent-group/*"],
        On::Everything => return vec!["*".to_owned()],
    };
    let instances = arguments.instance.iter();
    instances.flat_map(|instance| suffixes.iter().map(move |suffix| format!("{instance}{suffix}"))).collect()
}

/// One as a string, as people write it.
fn one_or_all(mut values: Vec<String>) -> Value {
    match values.len() {
        1 => json!(values.pop()),
        _ => json!(values),
    }
}
