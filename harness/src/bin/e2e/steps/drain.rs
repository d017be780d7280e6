//! Nodes are drained, against the PodDisruptionBudget.

use std::time::Instant;

use harness::tell::story::{Failure, Story};

use super::install::names;
use super::without_a_gap;
use crate::edits::Edits;
use crate::world::{World, until};

pub(super) async fn both_nodes(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("Nodes are drained");
    // So that both replicas are on one node.
    drain(world, story, "node-2", "node-1").await?;
    world.kubectl.show_ok(story, &["uncordon", "node-2"]).await?;

    let since = Instant::now();
    let mark = world.mark().await?;
    let edits = Edits::begin(world)?;
    let told = drain(world, story, "node-1", "node-2").await?;
    let seen = edits.end().await?;
    let refused = "would violate the pod's disruption budget";
    if !told.contains(refused) {
        return Err(Failure::new(format!("an eviction that {refused}"), told));
    }
    story.fact("the budget held the second eviction back until the first Pod's successor was Ready", since);
    story.fact(&without_a_gap(&seen)?, since);
    world.callers_in_turn(mark).await?;
    story.fact("no two of them called Amazon Connect at the same time", since);
    world.kubectl.show_ok(story, &["uncordon", "node-1"]).await?;
    Ok(())
}

async fn drain(world: &World, story: &mut Story, node: &str, other: &str) -> Result<String, Failure> {
    let since = Instant::now();
    let told = world.kubectl.show_ok(story, &["drain", node, "--timeout=180s"]).await?;
    let pods = until(&format!("both Pods are Ready on {other}"), 90, async || {
        let pods = world.ready_pods(2).await?;
        if pods.iter().all(|(_, node)| node == other) { Ok(pods) } else { Err(names(&pods)) }
    })
    .await?;
    story.fact(&format!("{node} is empty; {}", names(&pods)), since);
    Ok(told)
}
