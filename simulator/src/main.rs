//! The `connect-simulator` binary.

use clap::Parser;
use connect_simulator::{Lag, Options, Quotas, Simulator, Switches, serve};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A stand-in for the users part of Amazon Connect.
#[derive(Parser, Debug)]
#[command(version)]
struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", env = "CONNECT_SIMULATOR_LISTEN")]
    listen: SocketAddr,
    /// Throttle every operation to this many calls a second
    #[arg(long, conflicts_with = "quotas")]
    quota_rate: Option<f64>,
    /// With --quota-rate: calls at once
    #[arg(long, default_value_t = 5.0, requires = "quota_rate")]
    quota_burst: f64,
    /// Throttle as a new AWS account does
    #[arg(long, value_parser = ["default"])]
    quotas: Option<String>,
    /// Reads lag this many milliseconds behind writes
    #[arg(long, default_value_t = 0)]
    lag_ms: u64,
    /// Users that an instance may have
    #[arg(long, default_value_t = 500)]
    users_quota: usize,
    /// Every undocumented behaviour the other way round
    #[arg(long)]
    flip_all: bool,
    /// Stop when standard input closes
    #[arg(long)]
    exit_with_stdin: bool,
}

impl Arguments {
    fn options(&self) -> Options {
        let table = self.quotas.as_ref().map(|_| Quotas::default_table());
        let uniform = self.quota_rate.map(|rate| Quotas::uniform(rate, self.quota_burst));
        Options {
            switches: if self.flip_all { Switches::all_flipped() } else { Switches::default() },
            quotas: uniform.or(table),
            lag: Lag::uniform(self.lag_ms),
            users_quota: self.users_quota,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("connect-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> std::io::Result<()> {
    let listener = TcpListener::bind(arguments.listen).await?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let (closed, stdin) = oneshot::channel::<()>();
    if arguments.exit_with_stdin {
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            drop(closed);
        });
    } else {
        // Kept open for ever: only a signal ends the program.
        std::mem::forget(closed);
    }
    writeln!(std::io::stdout(), "connect-simulator listening on http://{}", listener.local_addr()?)?;
    std::io::stdout().flush()?;
    let stop = async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
            _ = stdin => {}
        }
    };
    serve(Simulator::new(arguments.options()), listener, stop).await
}
