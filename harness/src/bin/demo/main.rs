//! The demo: the whole life of a few users, told as it happens and checked against the simulated
//! Amazon Connect. Run it with `make demo`; `KEEP=1` leaves everything running afterwards.

mod compare;
mod steps;
mod world;

use std::process::ExitCode;

use harness::tell::story::Story;
use world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let mut story = Story::new("demo");
    story.chapter("A cluster and Amazon Connect, on this machine");
    let mut world = match World::start(&mut story).await {
        Ok(world) => world,
        Err(failure) => {
            story.failure(&failure);
            story.end(false);
            return ExitCode::FAILURE;
        }
    };
    let told = steps::tell(&mut world, &mut story).await;
    if let Err(failure) = &told {
        story.failure(failure);
        if let Some(log) = world.operator_log() {
            story.line("    the end of the operator's log:");
            story.output(&log);
        }
    }
    story.end(told.is_ok());
    if std::env::var("KEEP").is_ok_and(|keep| !matches!(keep.as_str(), "" | "0")) {
        world.how_to_use(&story);
        let _ = tokio::signal::ctrl_c().await;
        story.line("");
    }
    world.stop(&story).await;
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
