//! `kubectl connect import`: the users of an instance as ConnectUser objects that adopt them.

mod document;
mod layout;
mod object_names;
pub(super) mod read;
mod select;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use self::document::{Document, Form, document, yaml};
use self::layout::{Layout, Piece};
use self::object_names::choose;
use self::read::Read;
use self::select::Selection;
use self::state::State;
use super::aws::{Aws, AwsArguments, Catalogue};
use super::cluster::{self, Cluster, Connection};
use super::lint::count;
use super::terminal::Screen;
use super::terminal::progress::Progress;
use super::{Ended, Error};
use crate::connect::{ConnectError, Credentials};
use crate::resource::OWNER_TAG;
use crate::resource::user::{ConnectUserSpec, DeletionPolicy};
use crate::user::declared::declare;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;
use crate::user::ownership::is_ours;

const EXAMPLES: &str = "Examples:
  # Everybody of an instance, a file for each, for a repository
  kubectl connect import --instance $ARN -n emea-support -d users/

  # One team to standard output, in seconds: without addresses and proficiencies
  kubectl connect import --instance $ARN --hierarchy-group EMEA/Support --fast > team.yaml

  # Go on after an interruption
  kubectl connect import --instance $ARN -n emea-support -d users/ --resume

docs/import.md tells how to take over an instance step by step.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,

    #[command(flatten)]
    selection: Selection,

    /// Directory for the files; by default everything goes to standard output.
    #[arg(short = 'd', long, value_name = "DIRECTORY", help_heading = "Output")]
    output_dir: Option<PathBuf>,

    /// How the objects are spread over files of the directory.
    #[arg(
        long,
        value_enum,
        default_value = "user",
        value_name = "LAYOUT",
        requires = "output_dir",
        help_heading = "Output"
    )]
    layout: Layout,

    /// Overwrite files of the directory that hold something else.
    #[arg(long, requires = "output_dir", help_heading = "Output")]
    overwrite: bool,

    /// Namespace to write into the objects; by default none, so that kubectl says it.
    #[arg(short, long, value_name = "NAMESPACE", help_heading = "Output")]
    namespace: Option<String>,

    /// How profiles and hierarchy groups are referred to. What has no name of its own goes by ARN all the same.
    #[arg(long, value_enum, default_value = "names", value_name = "FORM", help_heading = "Output")]
    references: References,

    /// What is to happen to the users when the objects are deleted.
    #[arg(long, value_enum, default_value = "delete", value_name = "POLICY", help_heading = "Output")]
    deletion_policy: Deletion,

    /// Read the search index only, one call for 500 users: without e-mail addresses, mobile numbers and
    /// proficiencies, which stay as they are and unmanaged.
    #[arg(long, help_heading = "Reading")]
    fast: bool,

    /// Go on with an import that was interrupted: what it has read is not read again.
    #[arg(long, conflicts_with = "fast", help_heading = "Reading")]
    resume: bool,

    /// File for what was read so far; by default .kubectl-connect-import in the output directory, and none without
    /// one. It holds names and addresses, and is removed when the import is complete.
    #[arg(long, value_name = "FILE", conflicts_with = "fast", help_heading = "Reading")]
    state: Option<PathBuf>,

    #[command(flatten)]
    connection: Connection,

    #[command(flatten)]
    aws: AwsArguments,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// ARN of the instance.
    #[arg(long, value_name = "ARN")]
    instance: Option<String>,

    /// Name of a ConnectInstance in the cluster: its ARN and role are used, and the objects refer to it.
    #[arg(long, value_name = "NAME")]
    instance_ref: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum References {
    /// By name and path.
    Names,
    /// By ARN.
    Arns,
}

#[derive(Clone, Copy, ValueEnum)]
enum Deletion {
    /// They are deleted in Amazon Connect.
    Delete,
    /// They stay.
    Retain,
}

/// Why an import failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error(transparent)]
    Arn(#[from] crate::user::ids::InvalidArn),
    #[error("there is no ConnectInstance `{0}` in the cluster")]
    NoInstance(String),
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    #[error("{}{}", .0, super::aws::hint(.0))]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Read(#[from] read::Error),
    #[error(transparent)]
    State(#[from] state::Error),
    #[error("{0}")]
    Selection(String),
    #[error(transparent)]
    Files(#[from] layout::Error),
    #[error("--resume needs the state of the import that was interrupted: give --output-dir or --state")]
    NoState,
    #[error("interrupted{0}")]
    Interrupted(&'static str),
}

/// Name of the state file in an output directory. Hidden, so that no other tool takes it for a manifest.
const STATE: &str = ".kubectl-connect-import";

pub(super) async fn run(arguments: &Arguments, screen: Screen, out: &mut impl Write) -> Result<Ended, Error> {
    let path = arguments.state.clone().or_else(|| Some(arguments.output_dir.as_ref()?.join(STATE)));
    let hint = match path.as_ref().filter(|_| !arguments.fast) {
        Some(_) => ": give --resume to go on from here",
        None => "",
    };
    let (texts, state) = tokio::select! {
        done = import(arguments, path, screen) => done?,
        _ = tokio::signal::ctrl_c() => return Err(Failed::Interrupted(hint).into()),
    };
    out.write_all(texts.as_bytes())?;
    if let Some(state) = state {
        state.remove().map_err(Failed::from)?;
    }
    Ok(Ended::Well)
}

/// Imports, and returns what is for standard output, and the state, which is not needed once that is written.
async fn import(
    arguments: &Arguments,
    state: Option<PathBuf>,
    screen: Screen,
) -> Result<(String, Option<State>), Failed> {
    let Arguments { which, selection, namespace, fast, resume, .. } = arguments;
    let mut progress = Progress::new(screen);
    let aws = Aws::new(&arguments.aws).await;
    let (instance, credentials) = instance(which, &arguments.connection).await?;
    let connect = aws.reader(&credentials);
    if *resume && state.is_none() {
        return Err(Failed::NoState);
    }
    let state = match state.filter(|_| !fast) {
        Some(path) => Some(State::open(&path, &instance, *resume)?),
        None => None,
    };
    let names = Catalogue::read(connect.as_ref(), &instance).await?;
    selection.check(&names).map_err(Failed::Selection)?;
    let users = read::index(connect.as_ref(), &instance, &mut progress).await?;
    let Chosen { wanted, taken, managed, twins } = choose_users(users, selection, &names, namespace.as_deref());

    let (state, read) = match state {
        None if *fast => (None, from_index(&instance, &wanted)),
        None => {
            let nothing = BTreeMap::new();
            (None, read::each(connect.as_ref(), &instance, &wanted, nothing, None, &mut progress).await?)
        }
        Some((mut state, known)) => {
            let known = read::unchanged(connect.as_ref(), &instance, known).await?;
            let read = read::each(connect.as_ref(), &instance, &wanted, known, Some(&mut state), &mut progress).await?;
            (Some(state), read)
        }
    };
    progress.clear();

    let mut words = Words { progress: &mut progress };
    words.managed(managed);
    words.list("skipped", twins.iter().map(|name| format!("{name}: another user has this name but for its case")));
    words.list("skipped", read.gone.iter().map(|id| format!("user {id} was deleted in the meantime")));
    let pieces = pieces(arguments, &wanted, &taken, &read, &names, &mut words);
    words.admins(&wanted, &names);
    if *fast {
        words.say("--fast: e-mail addresses, mobile numbers and proficiencies were not read and are not declared");
    }
    let written = count(pieces.len(), "user");
    let text = match &arguments.output_dir {
        None => pieces.into_iter().map(|piece| piece.yaml).collect(),
        Some(directory) => {
            let files = layout::files(&pieces, arguments.layout);
            layout::write(directory, &files, arguments.overwrite)?;
            words.say(&format!("wrote {} to {}", count(files.len(), "file"), directory.display()));
            String::new()
        }
    };
    let before = if read.known > 0 { format!(", {} of them read before", read.known) } else { String::new() };
    words.say(&format!("imported {written} of instance {}{before}", instance.id()));
    let calls = aws.counts().into_iter().map(|(operation, count)| match count.throttled {
        0 => format!("{} {operation}", count.calls),
        throttled => format!("{} {operation} ({throttled} throttled)", count.calls),
    });
    words.say(&format!("calls: {}", calls.collect::<Vec<_>>().join(", ")));
    Ok((text, state))
}

async fn instance(which: &Which, connection: &Connection) -> Result<(Instance, Credentials), Failed> {
    match (&which.instance, &which.instance_ref) {
        (_, Some(name)) => {
            let instances = Cluster::open(connection).await?.instances().await?.known;
            let found = instances.into_iter().find(|instance| instance.metadata.name.as_ref() == Some(name));
            let spec = found.ok_or_else(|| Failed::NoInstance(name.clone()))?.spec;
            let credentials = match spec.assume_role {
                Some(role) => Credentials::Role { arn: role.role_arn, external_id: role.external_id },
                None => Credentials::Own,
            };
            Ok((Instance::parse(&spec.instance_arn)?, credentials))
        }
        (arn, None) => Ok((Instance::parse(arn.as_deref().unwrap_or_default())?, Credentials::Own)),
    }
}

/// Which users are imported, and why others are not.
struct Chosen {
    wanted: Vec<ObservedUser>,
    /// Names of objects that users belong to already.
    taken: BTreeSet<String>,
    managed: usize,
    twins: Vec<Username>,
}

fn choose_users(users: Vec<ObservedUser>, selection: &Selection, names: &Catalogue, namespace: Option<&str>) -> Chosen {
    let mut chosen = Chosen { wanted: Vec::new(), taken: BTreeSet::new(), managed: 0, twins: Vec::new() };
    let mut seen = BTreeSet::new();
    for user in users {
        let owner = user.tags.get(OWNER_TAG).map(|owner| owner.split('/').rev());
        if let Some((name, of)) = owner.and_then(|mut owner| Some((owner.next()?, owner.next()?)))
            && namespace.is_none_or(|namespace| namespace == of)
        {
            chosen.taken.insert(name.to_owned());
        }
        if !selection.matches(&user, names) {
            continue;
        }
        if user.tags.keys().any(|key| is_ours(key)) {
            chosen.managed += 1;
        } else if !seen.insert(user.username.folded()) {
            chosen.twins.push(user.username);
        } else {
            chosen.wanted.push(user);
        }
    }
    chosen
}

fn from_index(instance: &Instance, users: &[ObservedUser]) -> Read {
    let specs: BTreeMap<UserId, ConnectUserSpec> =
        users.iter().map(|user| (user.id.clone(), declare(instance, user))).collect();
    Read { specs, ..Read::default() }
}

/// The objects, in the order of the usernames.
fn pieces(
    arguments: &Arguments,
    users: &[ObservedUser],
    taken: &BTreeSet<String>,
    read: &Read,
    names: &Catalogue,
    words: &mut Words<'_>,
) -> Vec<Piece> {
    let form = Form {
        by_arn: arguments.references == References::Arns,
        namespace: arguments.namespace.clone(),
        instance_ref: arguments.which.instance_ref.clone(),
        deletion_policy: match arguments.deletion_policy {
            Deletion::Delete => DeletionPolicy::Delete,
            Deletion::Retain => DeletionPolicy::Retain,
        },
    };
    let usernames: Vec<&str> = users.iter().map(|user| user.username.as_str()).collect();
    let (mut pieces, mut renamed, mut left_out, mut impossible) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (user, chosen) in users.iter().zip(choose(&usernames, taken)) {
        let Some(spec) = read.specs.get(&user.id) else { continue };
        let username = &user.username;
        let document = document(spec, &chosen.name, &form, names)
            .and_then(|document| Ok((yaml(&document.value).map_err(|error| error.to_string())?, document)));
        match document {
            Ok((yaml, Document { value: _, left_out: fields })) => {
                if let Some(other) = chosen.instead_of {
                    renamed.push(format!("{username} is {}, since {other} would not be unique", chosen.name));
                }
                left_out.extend(fields.into_iter().map(|field| format!("{username}: {field}")));
                let group = user.hierarchy_group.as_ref().map(|id| names.hierarchy_groups.show(id.as_str()));
                pieces.push(Piece { object: chosen.name, group, yaml });
            }
            Err(complaint) => impossible.push(format!("{username}: {complaint}")),
        }
    }
    words.list("named", renamed.into_iter());
    words.list("not declared", left_out.into_iter());
    words.list("skipped", impossible.into_iter());
    pieces
}

/// What is told on standard error.
struct Words<'a> {
    progress: &'a mut Progress,
}

impl Words<'_> {
    fn say(&mut self, text: &str) {
        self.progress.say(&super::terminal::text::clean(text));
    }

    /// The first of many, so that a person can read them.
    fn list(&mut self, what: &str, items: impl ExactSizeIterator<Item = String>) {
        const SHOWN: usize = 50;
        let more = items.len().saturating_sub(SHOWN);
        for item in items.take(SHOWN) {
            self.say(&format!("{what}: {item}"));
        }
        if more > 0 {
            self.say(&format!("{what}: and {more} more"));
        }
    }

    fn managed(&mut self, managed: usize) {
        if managed > 0 {
            self.say(&format!("skipped: {} managed already, by {OWNER_TAG}", count(managed, "user")));
        }
    }

    /// Those that the operator will not adopt by itself.
    fn admins(&mut self, users: &[ObservedUser], names: &Catalogue) {
        let is_admin = |user: &&ObservedUser| {
            user.security_profiles.iter().any(|id| names.security_profiles.is_called(id.as_str(), "Admin"))
        };
        let admins: Vec<String> = users.iter().filter(is_admin).map(|user| user.username.to_string()).collect();
        let why = "holds the security profile Admin, and is adopted only if a ConnectInstance has spec.adoptAdmins";
        self.list("note", admins.into_iter().map(|name| format!("{name} {why}")));
    }
}
