//! `connect-user-operator`.

use std::process::ExitCode;

// Thousands of objects come and go as many small pieces. The allocators of glibc and musl keep what is free
// between them; this one gives it back, also after a listing that has taken twice the room for a moment. How
// it is set up stands in .cargo/config.toml.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match connect_user_operator::cli::main().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            connect_user_operator::cli::complain("connect-user-operator", &error);
            ExitCode::FAILURE
        }
    }
}
