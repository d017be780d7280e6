//! `kubectl-connect`: as `kubectl connect …` or by its own name.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    connect_user_operator::kubectl::main().await
}
