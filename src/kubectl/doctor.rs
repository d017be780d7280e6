//! `kubectl connect doctor`: whether everything that the operator and these commands need is there.

mod amazon;
mod finding;
mod kubernetes;
mod permissions;

use std::collections::BTreeSet;
use std::io::Write;

use clap::{Args, ValueEnum};

use self::amazon::Subject;
use self::finding::{Area, Finding, Verdict, render};
use super::aws::{Aws, AwsArguments};
use super::cluster::operator::Whereabouts;
use super::cluster::{Cluster, Scope};
use super::iam_policy::table::Feature;
use super::orphans::{credentials, instance, known_instances};
use super::status::{Format, json};
use super::terminal::progress::Progress;
use super::terminal::{Color, Screen};
use super::{Ended, Error};
use crate::causes::Causes;
use crate::cli::values;
use crate::connect::Credentials;
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;
use crate::user::ids::Instance;

const EXAMPLES: &str = "Examples:
  # Everything, for the instances that the cluster's objects name
  kubectl connect doctor -A

  # Only what concerns AWS, before anything is installed
  kubectl connect doctor --only aws --instance $ARN

  # Whether the operator's role may write, asked by somebody who may ask IAM
  kubectl connect doctor -A --only aws --principal $ROLE_ARN

  # In CI: findings only
  kubectl connect doctor -A -o json | jq '.[] | select(.verdict == \"found\")'

Each action that reads is tried by calling it once. Of actions that write IAM is asked (iam:SimulatePrincipalPolicy), \
since nothing may be written; policies of sessions and VPC endpoints are not part of its answer. AWS is asked with your own \
credentials, which may be others than the operator's: give its role as --principal, run it as that role, or see the \
conditions of ConnectInstances, for what the operator itself may do. The exit code is 2 if something was found.";

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The cluster.
    Kubernetes,
    /// AWS.
    Aws,
}

/// Check definitions, rights, identity, clock, quota and reachability, and say what to do about each finding.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only this part.
    #[arg(long, value_name = "PART")]
    only: Option<Part>,

    /// ARN of an instance to look at; repeat it. By default all that ConnectUsers and ConnectInstances name.
    #[arg(long, value_name = "ARN", value_parser = instance)]
    instance: Vec<Instance>,

    /// Service account of the operator.
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "connect/connect-user-operator")]
    service_account: String,

    /// Talk to each instance as the role that its ConnectInstance names, instead of as yourself.
    #[arg(long)]
    assume_role: bool,

    /// User or role of which IAM is asked what it may write; by default the role of --assume-role, or yourself.
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,

    /// What the operator is used for, separated by commas, as for iam-policy; by default everything but quick-connects
    /// and quotas.
    #[arg(long, value_name = "FEATURE", value_delimiter = ',', value_enum)]
    feature: Vec<Feature>,

    /// Name of the cluster in owner tags; by default the uid of namespace kube-system, which is read.
    #[arg(long, value_name = "NAME", value_parser = values::cluster_name)]
    cluster_name: Option<String>,

    /// Form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    scope: Scope,

    #[command(flatten)]
    place: Whereabouts,

    #[command(flatten)]
    aws: AwsArguments,
}

pub(super) async fn run(arguments: Arguments, color: Color) -> Result<Ended, Error> {
    let (screen, mut progress) = (Screen::stdout(color), Progress::new(Screen::stderr(color)));
    let mut findings = Vec::new();
    let (mut known, mut instances) = (arguments.instance.clone(), Vec::new());
    // The cluster also tells which instances there are.
    if arguments.only != Some(Part::Aws) || known.is_empty() {
        progress.tell("looking at the cluster");
        let mut all = Vec::new();
        (instances, known) = kubernetes(&arguments, known, &mut all).await;
        if arguments.only != Some(Part::Aws) || known.is_empty() {
            findings.append(&mut all);
        }
    }
    if arguments.only != Some(Part::Kubernetes) {
        let aws = Aws::new(&arguments.aws).await;
        let features = if arguments.feature.is_empty() { &Feature::USUAL[..] } else { &arguments.feature };
        let (cluster, users) = asked_of_cluster(&arguments).await;
        for instance in &known {
            progress.tell(&format!("looking at {instance}"));
            let credentials = credentials(&instances, instance, arguments.assume_role);
            let subject = Subject {
                cleans: instances.iter().any(|other| is_about(other, instance) && other.spec.quick_connect_cleanup),
                role: match &credentials {
                    Credentials::Own => None,
                    Credentials::Role { arn, external_id: _ } => Some(arn),
                },
                principal: arguments.principal.as_deref(),
                features,
                cluster: cluster.as_deref(),
                profiles: profiles(&users, instance),
            };
            let mut area = Area::new(&instance.to_string(), &mut findings);
            amazon::check(aws.writer(&credentials).as_ref(), instance, &subject, &mut area).await;
        }
        if known.is_empty() {
            Area::new("AWS", &mut findings).not_checked("instances", "no instance is known: give --instance");
        }
    }
    progress.clear();
    let text = match arguments.output {
        Format::Json => json(&findings)?,
        Format::Text => {
            let count = |verdict| findings.iter().filter(|finding: &&Finding| finding.verdict == verdict).count();
            format!(
                "{}\n{} ok, {} found, {} not checked\n",
                render(&findings, screen),
                count(Verdict::Ok),
                count(Verdict::Found),
                count(Verdict::NotChecked)
            )
        }
    };
    std::io::stdout().write_all(text.as_bytes())?;
    let is_well = findings.iter().all(|finding| finding.verdict != Verdict::Found);
    Ok(if is_well { Ended::Well } else { Ended::Found })
}

fn is_about(object: &ConnectInstance, instance: &Instance) -> bool {
    Instance::parse(&object.spec.instance_arn).is_ok_and(|other| other.is_same_for_connect(instance))
}

/// What IAM is asked with: the name in owner tags, and the users. Without a cluster less is asked.
async fn asked_of_cluster(arguments: &Arguments) -> (Option<String>, Vec<ConnectUser>) {
    let name = arguments.cluster_name.clone();
    let Ok(cluster) = Cluster::open(&arguments.scope.connection).await else { return (name, Vec::new()) };
    let users = cluster.users(&arguments.scope).await.map(|users| users.known).unwrap_or_default();
    match name {
        Some(name) => (Some(name), users),
        None => (cluster.uid().await.ok(), users),
    }
}

/// Security profiles of the instance that users name by ARN: as many as a policy could list.
fn profiles(users: &[ConnectUser], instance: &Instance) -> Vec<String> {
    const MOST: usize = 20;
    let named = users.iter().flat_map(|user| user.spec.security_profile_arns.iter().flatten());
    let within = format!("{instance}/");
    let distinct: BTreeSet<_> = named.filter(|arn| arn.starts_with(&within)).collect();
    distinct.into_iter().take(MOST).cloned().collect()
}

/// Looks at the cluster; returns its ConnectInstances, and the instances to look at.
async fn kubernetes(
    arguments: &Arguments,
    named: Vec<Instance>,
    findings: &mut Vec<Finding>,
) -> (Vec<ConnectInstance>, Vec<Instance>) {
    const REACH: &str = "see whether kubectl get namespaces works, and with which --kubeconfig and --context";
    let mut area = Area::new("Kubernetes", findings);
    let cluster = match Cluster::open(&arguments.scope.connection).await {
        Ok(cluster) => cluster,
        Err(error) => {
            area.found("API server", Causes(&error).to_string(), REACH);
            return (Vec::new(), named);
        }
    };
    match cluster.client.apiserver_version().await {
        Ok(version) => area.ok("API server", version.git_version),
        Err(error) => {
            area.found("API server", Causes(&error).to_string(), REACH);
            return (Vec::new(), named);
        }
    }
    kubernetes::definitions(&cluster, &mut area).await;
    kubernetes::own_rights(&cluster, &arguments.scope, &mut area).await;
    kubernetes::operator_rights(&cluster, &arguments.service_account, &arguments.scope, &arguments.place, &mut area)
        .await;
    // Whatever is wrong with listing was told above.
    let (instances, _) = cluster.instances_if_allowed().await.unwrap_or_default();
    let users = cluster.users(&arguments.scope).await.ok();
    kubernetes::operator(&cluster, (&arguments.place, &arguments.scope), users.as_ref(), &instances, &mut area).await;
    let known = if named.is_empty() { known_instances(&cluster, &instances).await.unwrap_or_default() } else { named };
    (instances, known)
}
