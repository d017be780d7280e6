//! `kubectl connect orphans`: users with our tags whose object is gone.

mod act;
mod find;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::{ArgGroup, Args};
use serde::Serialize;

use self::act::{Act, Became};
use self::find::{Living, Orphan, Whose};
use super::aws::{Aws, AwsArguments};
use super::cluster::{Cluster, Connection, Scope, instance_arn};
use super::status::{Format, json};
use super::terminal::confirm::confirm;
use super::terminal::progress::Progress;
use super::terminal::table::{Column, Table};
use super::terminal::text::{clean, count, wrap};
use super::terminal::{Color, Screen, Style};
use super::{Ended, Error};
use crate::cli::values::cluster_name;
use crate::connect::{ConnectError, Credentials, all_pages};
use crate::resource::instance::ConnectInstance;
use crate::user::ids::Instance;
use crate::user::observed::ObservedUser;

const EXAMPLES: &str = "Examples:
  # Which users of the instances that this cluster knows have lost their object?
  kubectl connect orphans

  # Of one instance, by an operator that runs with --cluster-name=emea-prod
  kubectl connect orphans --instance $ARN --cluster-name emea-prod

  # Take the tags off them, so that nobody manages them any more (they can be adopted then)
  kubectl connect orphans --release

Orphans come from objects that were let go with the annotation contactops.dev/release-deletion=retain, from finalizers \
that were removed by hand, and from clusters that were rebuilt. Users of other clusters are never listed. Right before \
each write the user is read again, and left alone if its tags have changed or its object is back; a user that a living \
object declares is released at most. The exit code is 2 if there are orphans, or some were left alone.

IAM: connect:SearchUsers; connect:DescribeUser with connect:DeleteUser or connect:UntagResource to change something.";

/// Find users with the operator's tags whose object is gone.
#[derive(Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("act").args(["delete", "release"]))]
pub(super) struct Arguments {
    /// ARN of an instance to look at; repeat it. By default all that ConnectUsers and ConnectInstances name.
    #[arg(long, value_name = "ARN", value_parser = instance)]
    instance: Vec<Instance>,

    /// Name of this cluster in owner tags, if the operator has one; by default the uid of namespace kube-system.
    #[arg(long, value_name = "NAME", value_parser = cluster_name)]
    cluster_name: Option<String>,

    /// Delete them in Amazon Connect, for good.
    #[arg(long)]
    delete: bool,

    /// Take the operator's two tags off them; they stay.
    #[arg(long)]
    release: bool,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,

    /// Talk to each instance as the role that its ConnectInstance names, instead of as yourself.
    #[arg(long)]
    assume_role: bool,

    /// Form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    aws: AwsArguments,
}

/// Reads an instance from an argument.
pub(super) fn instance(text: &str) -> Result<Instance, String> {
    Instance::parse(text).map_err(|error| error.to_string())
}

/// Why it did not end well.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Reading users.
    #[error("the users of instance {instance} cannot be read")]
    Users {
        /// Which.
        instance: String,
        /// Cause.
        #[source]
        source: Box<ConnectError>,
    },
    /// Nothing to look at.
    #[error("no instance is known in this cluster: give --instance")]
    NoInstance,
    /// Writing.
    #[error("{0} could not be changed")]
    NotChanged(String),
}

/// The result as a program reads it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    cluster_name: &'a str,
    orphans: &'a [Orphan],
    /// Users by the name of the cluster in their owner tag.
    other_clusters: BTreeMap<&'a str, usize>,
}

pub(super) async fn run(arguments: Arguments, color: Color) -> Result<Ended, Error> {
    let (screen, mut progress) = (Screen::stdout(color), Progress::new(Screen::stderr(color)));
    let cluster = Cluster::open(&arguments.connection).await?;
    let aws = Aws::new(&arguments.aws).await;
    let name = match &arguments.cluster_name {
        Some(name) => name.clone(),
        None => cluster.uid().await?,
    };
    let (instances, _) = cluster.instances_if_allowed().await?;
    let mut seen: Vec<(Instance, Vec<ObservedUser>)> = Vec::new();
    for instance in looked_at(&cluster, &arguments, &instances).await? {
        progress.tell(&format!("reading the users of {instance}"));
        let reader = aws.reader(&credentials(&instances, &instance, arguments.assume_role));
        let users = all_pages(|token| reader.search_users(&instance, token)).await;
        let users = users.map_err(|error| Failed::Users { instance: instance.to_string(), source: Box::new(error) })?;
        seen.push((instance, users));
    }
    // After the users, or the user of an object that came in between would have none.
    let living = living(&cluster, &instances).await?;
    let orphans = orphans(&living, &seen, &name);
    progress.clear();
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, users) in &seen {
        for user in users {
            if let Whose::Elsewhere(cluster) = living.judge(&user.tags, &name) {
                *others.entry(cluster).or_default() += 1;
            }
        }
    }
    let mut out = std::io::stdout();
    match arguments.output {
        Format::Json => {
            let found = Found { cluster_name: &name, orphans: &orphans, other_clusters: others };
            out.write_all(json(&found)?.as_bytes())?;
        }
        Format::Text => out.write_all(render(&orphans, &others, &name, screen).as_bytes())?,
    }
    let act = match (arguments.delete, arguments.release) {
        (true, _) => Act::Delete,
        (_, true) => Act::Release,
        _ => return Ok(if orphans.is_empty() { Ended::Well } else { Ended::Found }),
    };
    if orphans.is_empty() {
        return Ok(Ended::Well);
    }
    if !arguments.yes {
        let users = count(orphans.len(), "user");
        confirm(&match act {
            Act::Delete => format!("delete {users} in Amazon Connect for good"),
            Act::Release => format!("take the tags off {users}"),
        })?;
    }
    // A person may have thought for an hour.
    let orphans = self::orphans(&self::living(&cluster, &instances).await?, &seen, &name);
    let (mut left, mut failed) = (0, 0);
    for (at, orphan) in orphans.iter().enumerate() {
        progress.tell(&format!("{at} of {} done", count(orphans.len(), "user")));
        let writer = aws.writer(&credentials(&instances, &orphan.instance, arguments.assume_role));
        let (style, what) = match act::act(&cluster, writer.as_ref(), orphan, act).await {
            Became::Done if act == Act::Delete => (Style::Good, "deleted".to_owned()),
            Became::Done => (Style::Good, "let go".to_owned()),
            Became::Left(why) => {
                left += 1;
                (Style::Wait, format!("left alone: {why}"))
            }
            Became::Failed(error) => {
                failed += 1;
                (Style::Bad, error.to_string())
            }
        };
        // The answers of a program are not mixed with words.
        let line = screen.paint(style, &clean(&format!("{}: {what}", orphan.username)));
        match arguments.output {
            Format::Text => {
                progress.clear();
                writeln!(out, "{line}")?;
            }
            Format::Json => progress.say(&line),
        }
    }
    match (failed, left) {
        (0, 0) => Ok(Ended::Well),
        (0, _) => Ok(Ended::Found),
        _ => Err(Failed::NotChanged(count(failed, "user")).into()),
    }
}

async fn living(cluster: &Cluster, instances: &[ConnectInstance]) -> Result<Living, Error> {
    let everywhere = Scope { all_namespaces: true, ..Scope::default() };
    Ok(Living::of(&cluster.users(&everywhere).await?, instances))
}

fn orphans(living: &Living, seen: &[(Instance, Vec<ObservedUser>)], name: &str) -> Vec<Orphan> {
    let users = seen.iter().flat_map(|(instance, users)| users.iter().map(move |user| (instance, user)));
    let mut orphans: Vec<_> = users.filter_map(|(instance, user)| living.orphan(instance, user, name)).collect();
    orphans.sort_by(|a, b| (&a.instance_arn, &a.username).cmp(&(&b.instance_arn, &b.username)));
    orphans
}

/// The instances that are named, or those that the cluster knows.
async fn looked_at(
    cluster: &Cluster,
    arguments: &Arguments,
    instances: &[ConnectInstance],
) -> Result<Vec<Instance>, Error> {
    if !arguments.instance.is_empty() {
        return Ok(arguments.instance.clone());
    }
    let known = known_instances(cluster, instances).await?;
    if known.is_empty() { Err(Failed::NoInstance.into()) } else { Ok(known) }
}

/// All instances that objects of the cluster name.
pub(super) async fn known_instances(cluster: &Cluster, instances: &[ConnectInstance]) -> Result<Vec<Instance>, Error> {
    let everywhere = Scope { all_namespaces: true, ..Scope::default() };
    let users = cluster.users(&everywhere).await?.known;
    let arns = users.iter().filter_map(|user| instance_arn(user, instances));
    let arns = arns.chain(instances.iter().map(|instance| instance.spec.instance_arn.clone()));
    let unique: BTreeSet<Instance> = arns.filter_map(|arn| Instance::parse(&arn).ok()).collect();
    Ok(unique.into_iter().collect())
}

/// As whom to talk to an instance.
pub(super) fn credentials(instances: &[ConnectInstance], instance: &Instance, assume_role: bool) -> Credentials {
    let is_meant = |other: &&ConnectInstance| {
        Instance::parse(&other.spec.instance_arn).is_ok_and(|other| other.is_same_for_connect(instance))
    };
    let role = instances.iter().find(is_meant).and_then(|found| found.spec.assume_role.as_ref());
    match role.filter(|_| assume_role) {
        Some(role) => Credentials::Role { arn: role.role_arn.clone(), external_id: role.external_id.clone() },
        None => Credentials::Own,
    }
}

fn render(orphans: &[Orphan], others: &BTreeMap<&str, usize>, name: &str, screen: Screen) -> String {
    let mut text = String::new();
    if orphans.is_empty() {
        text.push_str(&format!("No orphans of cluster {name}.\n"));
    } else {
        let mut table = Table::new([
            Column::text("USERNAME", 12),
            Column::text("OBJECT THAT IS GONE", 20),
            Column::text("DECLARED BY", 11),
            Column::text("ID", 36).optional(),
        ]);
        for orphan in orphans {
            table.row([
                orphan.username.as_str().into(),
                format!("{}/{}", orphan.namespace, orphan.name).into(),
                orphan.claimed_by.as_deref().unwrap_or("-").into(),
                orphan.user.id.as_str().into(),
            ]);
        }
        text.push_str(&table.render(screen));
    }
    if !others.is_empty() {
        let list: Vec<_> = others.iter().map(|(cluster, users)| format!("{cluster} ({users})")).collect();
        let note = format!(
            "Note: users of clusters with another name are not looked at: {}. If one of these is this cluster, give --cluster-name.",
            list.join(", ")
        );
        for line in wrap(&clean(&note), screen.width) {
            text.push_str(&format!("{}\n", screen.paint(Style::Faint, &line)));
        }
    }
    text
}
