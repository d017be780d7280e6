//! The commands that people use: `kubectl connect …`, on the same library as the operator.
//!
//! A command is a module here with its arguments, a `run`, and nothing that prints by itself but through
//! what it is given: standard output is for the result, standard error for progress and words.

mod aws;
mod cluster;
mod completion;
mod import;
mod lint;
pub mod manifests;
mod plan;
mod doctor;
mod iam_policy;
mod operate;
mod orphans;
mod pages;
mod report;
mod status;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::terminal::{Color, Screen};

/// Manages Amazon Connect users that are declared in Kubernetes.
#[derive(Parser)]
#[command(name = "kubectl-connect", bin_name = "kubectl connect", version, propagate_version = true)]
struct Arguments {
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t)]
    color: Color,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Completion(completion::Arguments),
    #[command(hide = true)]
    Next(completion::Next),
    /// Write ConnectUser objects for the users that an instance has, so that the operator takes them over.
    ///
    /// Everything that a user has is declared as it is, with adoptionPolicy Adopt: to apply the result changes nothing
    /// but two tags on each user. Users that belong to an object already are skipped. 500 users cost one SearchUsers
    /// call, and each user a DescribeUser and a ListUserProficiencies call, or none with --fast. Objects go to standard
    /// output or into files, everything else to standard error.
    Import(Box<import::Arguments>),
    /// Tell what the operator would do: whom it would create, adopt or change, in which fields, and what that costs.
    ///
    /// Manifests are checked as the API server would, names are looked up, users are read. Nothing is written. The
    /// exit code is 0 if there is nothing to do, 2 if there are changes, and 1 for a mistake, an object that the operator
    /// would refuse, or a failure.
    Plan(Box<plan::Arguments>),
    /// Check manifests without a cluster and without AWS: schema, rules, users that are declared twice.
    ///
    /// Made for pre-commit and CI: findings go to standard output as file:line:column, the exit code is 0 without
    /// errors, 2 with errors, and 1 if something could not be read.
    Lint(lint::Arguments),
    Status(Box<status::Arguments>),
    Reconcile(Box<operate::Reconcile>),
    Suspend(Box<operate::Suspend>),
    Resume(Box<operate::Resume>),
    Release(Box<operate::Release>),
    Orphans(Box<orphans::Arguments>),
    IamPolicy(Box<iam_policy::Arguments>),
    Doctor(Box<doctor::Arguments>),
    Report(Box<report::Arguments>),
    #[command(hide = true)]
    Pages(pages::Arguments),
}

/// Why a command ends with a failure.
#[derive(Debug, thiserror::Error)]
enum Error {
    /// Writing to standard output.
    #[error("writing to standard output failed")]
    Output(#[from] std::io::Error),
    /// Planning.
    #[error(transparent)]
    Plan(Box<plan::Failed>),
    /// Importing.
    #[error(transparent)]
    Import(Box<import::Failed>),
    /// Reading manifests.
    #[error(transparent)]
    Manifests(#[from] manifests::Unreadable),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// A person who was not asked, or said no.
    #[error(transparent)]
    Unconfirmed(#[from] terminal::confirm::Unconfirmed),
    /// Asking the operator for something.
    #[error(transparent)]
    Operate(#[from] operate::Failed),
    /// Orphans.
    #[error(transparent)]
    Orphans(#[from] orphans::Failed),
    /// A report.
    #[error(transparent)]
    Report(#[from] report::NotWritten),
}

impl From<plan::Failed> for Error {
    fn from(error: plan::Failed) -> Self {
        Self::Plan(Box::new(error))
    }
}

impl From<import::Failed> for Error {
    fn from(error: import::Failed) -> Self {
        Self::Import(Box::new(error))
    }
}

/// How a command ended that did not fail, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// All is as it should be: 0.
    Well,
    /// Something was found: 2.
    Found,
    /// It tells of mistakes: 1.
    Wrong,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Well => Self::SUCCESS,
            Ended::Found => Self::from(2),
            Ended::Wrong => Self::FAILURE,
        }
    }
}

/// Does what the arguments say. The exit code is 1 for a failure, whose message is on standard error, and 2
/// where a command has found something, as its help says.
pub async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(ended) => ended.into(),
        // Whoever closes the pipe, such as head, has seen enough.
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            crate::cli::complain("kubectl connect", &error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Ended, Error> {
    let color = arguments.color;
    match arguments.command {
        Command::Status(arguments) => status::run(*arguments, color).await,
        Command::Reconcile(arguments) => operate::reconcile(*arguments, color).await,
        Command::Suspend(arguments) => operate::suspend(*arguments, color).await,
        Command::Resume(arguments) => operate::resume(*arguments, color).await,
        Command::Release(arguments) => operate::release(*arguments, color).await,
        Command::Orphans(arguments) => orphans::run(*arguments, color).await,
        Command::IamPolicy(arguments) => iam_policy::run(*arguments, color).await,
        Command::Doctor(arguments) => doctor::run(*arguments, color).await,
        Command::Report(arguments) => report::run(*arguments, color).await,
        Command::Pages(arguments) => pages::run(&arguments, &mut std::io::stdout()),
        Command::Completion(arguments) => completion::run(&arguments, &mut std::io::stdout()),
        Command::Next(arguments) => completion::next(&arguments, &mut std::io::stdout()),
        Command::Import(arguments) => import::run(&arguments, Screen::stderr(color), &mut std::io::stdout()).await,
        Command::Plan(arguments) => {
            plan::run(&arguments, (Screen::stdout(color), Screen::stderr(color)), &mut std::io::stdout()).await
        }
        Command::Lint(arguments) => lint::run(&arguments, Screen::stdout(color), &mut std::io::stdout()),
    }
}
