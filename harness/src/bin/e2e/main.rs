//! The end-to-end run: the operator's image and chart on two nodes that this machine plays, told as it happens and
//! checked against the simulated Amazon Connect. `make e2e` starts it, in namespaces of its own (`tools/e2e`); `KEEP=1`
//! leaves everything running afterwards.

mod cluster;
mod edits;
mod names;
mod node;
mod place;
mod steps;
mod world;

use std::process::ExitCode;

use harness::tell::story::Story;
use place::Place;
use world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let mut story = Story::new("end-to-end run");
    story.chapter("A cluster of two nodes and Amazon Connect, on this machine");
    let world = match Place::from_env() {
        Ok(place) => World::start(place, &mut story).await,
        Err(failure) => Err(failure),
    };
    let world = match world {
        Ok(world) => world,
        Err(failure) => {
            story.failure(&failure);
            story.end(false);
            return ExitCode::FAILURE;
        }
    };
    let told = steps::tell(&world, &mut story).await;
    if let Err(failure) = &told {
        story.failure(failure);
        world.show_what_there_is(&story).await;
    }
    story.end(told.is_ok());
    if std::env::var("KEEP").is_ok_and(|keep| !matches!(keep.as_str(), "" | "0")) {
        world.how_to_use(&story);
        let _ = tokio::signal::ctrl_c().await;
    }
    if told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
