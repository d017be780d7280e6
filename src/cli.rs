//! The only place that reads arguments and the environment.

pub mod crd;
mod election;
mod guard;
mod probe;
pub(crate) mod run;
mod traces;
pub(crate) mod values;

use clap::{Parser, Subcommand};

use crate::causes::Causes;

/// Keeps Amazon Connect users as declared in ConnectUser objects of Kubernetes.
#[derive(Parser)]
#[command(name = "connect-user-operator", version, about, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator: watch ConnectUser objects and reconcile each with Amazon Connect.
    ///
    /// Needs a kubeconfig (KUBECONFIG or ~/.kube/config) or a Pod's service account, and AWS credentials
    /// from the usual places: environment, profile, web identity, container or instance role.
    Run(Box<run::RunArguments>),
    /// Print the custom resource definitions as YAML, for `kubectl apply --server-side -f -`.
    Crd,
    /// Ask addresses over HTTP until all answer with 200, and fail if they do not in time.
    ///
    /// For `helm test` and scripts, in an image that has no shell and no curl.
    Probe(probe::ProbeArguments),
    /// Fail while ConnectUser or ConnectInstance objects have the operator's finalizer.
    ///
    /// For a hook that runs before the operator is uninstalled: without it nobody could delete them.
    Guard(guard::GuardArguments),
}

/// Why the program ends with a failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Running the operator.
    #[error(transparent)]
    Run(#[from] run::Error),
    /// Printing the definitions.
    #[error(transparent)]
    Crd(#[from] crd::Error),
    /// Asking addresses.
    #[error(transparent)]
    Probe(#[from] probe::Error),
    /// Guarding objects.
    #[error(transparent)]
    Guard(#[from] guard::Error),
    /// Writing to standard output.
    #[error("writing to standard output failed")]
    Output(#[from] std::io::Error),
}

/// Says on standard error why a program failed, with all causes on one line.
pub fn complain(program: &str, error: &(dyn std::error::Error + 'static)) {
    eprintln!("{program}: {}", Causes(error));
}

/// Does what the arguments say.
///
/// # Errors
/// If it cannot be done; the message is for a person.
pub async fn main() -> Result<(), Error> {
    match Arguments::parse().command {
        Command::Run(arguments) => Ok(run::run(*arguments).await?),
        Command::Crd => {
            use std::io::Write;
            std::io::stdout().write_all(crd::yaml()?.as_bytes())?;
            Ok(())
        }
        Command::Probe(arguments) => probe::run(arguments, &mut std::io::stdout()).await,
        Command::Guard(arguments) => guard::run(arguments, &mut std::io::stdout()).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_flag_has_its_twin_in_the_environment() {
        let mut command = Arguments::command();
        command.build();
        let run = command.find_subcommand("run").unwrap();
        for argument in
            run.get_arguments().filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        {
            let twin =
                format!("CONNECT_USER_OPERATOR_{}", argument.get_long().unwrap().replace('-', "_").to_uppercase());
            assert_eq!(argument.get_env().unwrap().to_str().unwrap(), twin);
            assert!(argument.get_help().is_some(), "{twin}");
        }
    }
}
