//! `connect-user-operator`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match connect_user_operator::cli::main().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("connect-user-operator: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}
