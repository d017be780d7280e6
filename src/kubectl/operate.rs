//! `kubectl connect reconcile`, `suspend`, `resume` and `release`: asking the operator for something, by the
//! annotations that it heeds.
//!
//! Only these annotations are patched, under a field manager of our own, so that whoever applies the objects
//! keeps all that is theirs.

mod action;
mod wait;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::{ArgAction, ArgGroup, Args};
use futures::{StreamExt, stream};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::Value;

use self::action::{Action, Step};
use self::wait::Came;
use super::cluster::{self, Cluster, Scope, full_name};
use super::terminal::confirm::confirm;
use super::terminal::progress::Progress;
use super::terminal::text::{clean, count};
use super::terminal::{Color, Screen, Style};
use super::{Ended, Error};
use crate::causes::Causes;
use crate::cli::values::duration;
use crate::resource::condition::Reason;
use crate::resource::user::ConnectUser;

/// Owner of what these commands write, in the objects' managedFields.
pub(super) const FIELD_MANAGER: &str = "kubectl-connect";
/// More than these are not changed without asking.
const MANY: usize = 10;
/// Patches at a time.
const AT_ONCE: usize = 8;

/// Which objects, and how to go about it.
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(false).args(["names", "selector", "all"]))]
pub(super) struct Arguments {
    /// Names of ConnectUsers.
    #[arg(value_name = "NAME", conflicts_with = "all_namespaces")]
    names: Vec<String>,

    /// All objects of the namespace, or of all namespaces with -A.
    #[arg(long)]
    all: bool,

    /// Wait until the operator has done it.
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, default_missing_value = "true",
        require_equals = true, action = ArgAction::Set)]
    wait: bool,

    /// How long to wait.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,

    /// Do not ask, however many objects there are.
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    scope: Scope,
}

const RECONCILE: &str = "Examples:
  # Look at one user now, and say how it is
  kubectl connect reconcile jane-doe -n emea-support

  # All of a team, in all namespaces
  kubectl connect reconcile -A -l team=support

The exit code is 2 if a user is not as declared afterwards, and 1 if the operator has not come to all in time.";

/// Have users looked at now, and say how they are.
///
/// The operator reads each user and brings it to what is declared, without waiting for the next sweep. Users that are as
/// declared cost one call each.
#[derive(Args)]
#[command(after_help = RECONCILE)]
pub(super) struct Reconcile {
    #[command(flatten)]
    common: Arguments,
}

const SUSPEND: &str = "Examples:
  # Leave one user alone while somebody tries something in the console
  kubectl connect suspend jane-doe -n emea-support

  # A whole namespace, without being asked
  kubectl connect suspend --all -n emea-support --yes

An object that is deleted while it is suspended waits (DeletionHeld) until it is resumed.";

/// Forbid all writes to Amazon Connect for some users.
///
/// Sets the annotation contactops.dev/suspend, which does the same as spec.suspend and does not disturb whoever applies
/// the objects. Waits until the operator has said so: after that it writes nothing any more.
#[derive(Args)]
#[command(after_help = SUSPEND)]
pub(super) struct Suspend {
    #[command(flatten)]
    common: Arguments,
}

const RESUME: &str = "Examples:
  kubectl connect resume jane-doe -n emea-support
  kubectl connect resume --all -A

Objects that are suspended by spec.suspend are named and left so: that is for whoever declares them. The exit code is 2 \
if there is one.";

/// Allow writes again for users that were suspended.
#[derive(Args)]
#[command(after_help = RESUME)]
pub(super) struct Resume {
    #[command(flatten)]
    common: Arguments,
}

const RELEASE: &str = "Examples:
  # A deletion that the brake holds back was meant: let it go on
  kubectl connect release jane-doe -n emea-support --delete

  # A folder was removed by mistake: let the objects go, keep the people
  kubectl connect release --all -n emea-support --retain

With --retain nothing is called in Amazon Connect, so it is also the way out where AWS or its rights are gone. The users \
keep their tags: an object of the same name has its user again, and `kubectl connect orphans` finds the others.";

/// Let held deletions end: with the users, or without them.
///
/// Only objects that are being deleted are touched. Whether the people go or stay has to be said.
#[derive(Args)]
#[command(after_help = RELEASE, group = ArgGroup::new("users").required(true).args(["retain", "delete"]))]
pub(super) struct Release {
    /// Let the objects go and keep the users in Amazon Connect.
    #[arg(long)]
    retain: bool,

    /// Go on with deletions that the brake holds back: the users are deleted for good.
    #[arg(long)]
    delete: bool,

    #[command(flatten)]
    common: Arguments,
}

/// Why not all was done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// The operator did not come to all.
    #[error(
        "the operator has not come to {0} within the time: see `kubectl connect status`, or give a longer --timeout"
    )]
    TimedOut(String),
    /// Patches were refused.
    #[error("{0} could not be patched")]
    NotPatched(String),
}

pub(super) async fn reconcile(arguments: Reconcile, color: Color) -> Result<Ended, Error> {
    // New each time, which is all that the operator looks at.
    run(arguments.common, Action::Reconcile(Timestamp::now().to_string()), color).await
}

pub(super) async fn suspend(arguments: Suspend, color: Color) -> Result<Ended, Error> {
    run(arguments.common, Action::Suspend, color).await
}

pub(super) async fn resume(arguments: Resume, color: Color) -> Result<Ended, Error> {
    run(arguments.common, Action::Resume, color).await
}

pub(super) async fn release(arguments: Release, color: Color) -> Result<Ended, Error> {
    let action = if arguments.retain { Action::ReleaseAndRetain } else { Action::ReleaseAndDelete };
    run(arguments.common, action, color).await
}

async fn run(arguments: Arguments, action: Action, color: Color) -> Result<Ended, Error> {
    let cluster = Cluster::open(&arguments.scope.connection).await?;
    let (screen, mut progress) = (Screen::stdout(color), Progress::new(Screen::stderr(color)));
    let mut ended = Ended::Well;
    let users = targets(&cluster, &arguments, &action, &mut ended).await?;
    let mut patches = Vec::new();
    let mut lines = Vec::new();
    for user in users {
        let name = full_name(&user.metadata);
        match action.step(&user) {
            Step::Patch(patch) => patches.push((user, patch)),
            Step::Already(how) => lines.push((Style::Plain, format!("{name}: {how}"))),
            Step::Cannot(why) => {
                ended = Ended::Found;
                lines.push((Style::Bad, format!("{name}: {why}")));
            }
        }
    }
    if !arguments.yes && (patches.len() > MANY || (action.is_final() && !patches.is_empty())) {
        let what = format!("{} {}", action.verb(), count(patches.len(), "ConnectUser"));
        confirm(&what)?;
    }
    print(&lines, screen)?;
    let (asked, refused) = patch(&cluster, patches, &mut progress).await;
    for (name, error) in &refused {
        progress.say(&clean(&format!("{name}: {}", Causes(error))));
    }
    let late = if arguments.wait && !asked.is_empty() {
        let api = cluster.api(&arguments.scope);
        let (mut came, late) = wait::wait(api, &action, asked, arguments.timeout, &mut progress).await;
        came.sort_by(|a, b| a.name.cmp(&b.name));
        let told: Vec<_> = came.iter().map(|came| outcome(&action, came)).collect();
        if told.iter().any(|(style, _)| *style == Style::Bad) {
            ended = Ended::Found;
        }
        print(&told, screen)?;
        late
    } else {
        let told: Vec<_> = asked.values().map(|name| (Style::Plain, format!("{name}: {}", action.asked()))).collect();
        print(&told, screen)?;
        Vec::new()
    };
    if !late.is_empty() {
        return Err(Failed::TimedOut(late.join(", ")).into());
    }
    match refused.len() {
        0 => Ok(ended),
        refused => Err(Failed::NotPatched(count(refused, "object")).into()),
    }
}

/// The objects that are meant. Those that a selector finds and that an action has nothing to do with are none.
async fn targets(
    cluster: &Cluster,
    arguments: &Arguments,
    action: &Action,
    ended: &mut Ended,
) -> Result<Vec<ConnectUser>, Error> {
    if arguments.names.is_empty() {
        let found = cluster.users(&arguments.scope).await?;
        for name in found.unknown {
            *ended = Ended::Found;
            eprintln!("{}", clean(&format!("{name}: is not understood by this version, and left alone")));
        }
        let concerned = |user: &ConnectUser| user.metadata.deletion_timestamp.is_some() == action.is_release();
        return Ok(found.known.into_iter().filter(|user| concerned(user)).collect());
    }
    let api: Api<ConnectUser> = cluster.api(&arguments.scope);
    let mut users = Vec::new();
    for name in &arguments.names {
        users.push(api.get(name).await.map_err(cluster::Error::of(format!("reading ConnectUser {name}")))?);
    }
    Ok(users)
}

/// Patches, and returns names by uid, and what went wrong by name.
async fn patch(
    cluster: &Cluster,
    patches: Vec<(ConnectUser, Value)>,
    progress: &mut Progress,
) -> (BTreeMap<String, String>, Vec<(String, kube::Error)>) {
    let all = patches.len();
    let (mut asked, mut refused) = (BTreeMap::new(), Vec::new());
    let mut answers = stream::iter(patches.into_iter().map(|(user, patch)| async move {
        let api: Api<ConnectUser> =
            Api::namespaced(cluster.client.clone(), user.metadata.namespace.as_deref().unwrap_or_default());
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let answer = api.patch_metadata(&user.name_any(), &params, &Patch::Merge(patch)).await;
        (user, answer.map(drop))
    }))
    .buffer_unordered(AT_ONCE);
    while let Some((user, answer)) = answers.next().await {
        let name = full_name(&user.metadata);
        match answer {
            Ok(()) => drop(asked.insert(user.metadata.uid.unwrap_or_default(), name)),
            Err(error) => refused.push((name, error)),
        }
        if all > MANY {
            progress.tell(&format!("{} of {} asked", asked.len() + refused.len(), count(all, "object")));
        }
    }
    (asked, refused)
}

fn outcome(action: &Action, came: &Came) -> (Style, String) {
    let Came { name, reason, message, is_ready } = came;
    match (action, reason) {
        (Action::Reconcile(_), None) | (Action::Suspend | Action::Resume, None) => {
            (Style::Bad, format!("{name}: is gone"))
        }
        (_, None) => (Style::Good, format!("{name}: {}", action.done())),
        (Action::Suspend, Some(_)) => (Style::Good, format!("{name}: {}", action.done())),
        (_, Some(reason)) if *is_ready || reason == Reason::Suspended.as_str() => {
            (Style::Good, format!("{name}: {}, {reason}", action.done()))
        }
        // What is under way is no failure of this command.
        (Action::Resume, Some(reason)) => (Style::Wait, format!("{name}: {}, {reason}: {message}", action.done())),
        (_, Some(reason)) => (Style::Bad, format!("{name}: {reason}: {message}")),
    }
}

fn print(lines: &[(Style, String)], screen: Screen) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    for (style, line) in lines {
        writeln!(out, "{}", screen.paint(*style, &clean(line)))?;
    }
    out.flush()?;
    Ok(())
}
