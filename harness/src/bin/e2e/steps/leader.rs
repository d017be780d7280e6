//! The Pod that leads is deleted.

use std::time::Instant;

use harness::tell::story::{Failure, Story};

use super::without_a_gap;
use crate::edits::Edits;
use crate::world::{NAMESPACE, World, until};

pub(super) async fn is_deleted(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("The leader's Pod is deleted, and the other takes over");
    let since = Instant::now();
    let mark = world.mark().await?;
    let old = world.leader().await.map_err(|seen| Failure::new("a leader", seen))?;
    let edits = Edits::begin(world)?;
    world.kubectl.show_ok(story, &["delete", "pod", "-n", NAMESPACE, &old, "--wait=false"]).await?;
    let new = until("another leads", 40, async || match world.leader().await? {
        leader if leader == old => Err(format!("{leader} still leads")),
        leader => Ok(leader),
    })
    .await?;
    story.fact(&format!("{new} leads"), since);
    until("two Pods are Ready again", 60, async || world.ready_pods(2).await).await?;
    let seen = edits.end().await?;
    story.fact(&without_a_gap(&seen)?, since);
    let callers = world.callers_in_turn(mark).await?;
    match &callers[..] {
        [first, second] if old.ends_with(first) && new.ends_with(second) => {}
        _ => return Err(Failure::new(format!("calls of {old}, then of {new}"), format!("{callers:?}"))),
    }
    story.fact("the new one called only after the last call of the old one", since);
    Ok(())
}
