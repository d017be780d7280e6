//! The release is upgraded.

use std::time::Instant;

use harness::tell::story::{Failure, Story};
use kube::ResourceExt;

use super::install::{CHART, names};
use super::without_a_gap;
use crate::edits::Edits;
use crate::world::{NAMESPACE, RELEASE, World, until};

pub(super) async fn rolls(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("The release is upgraded while somebody edits a user all the time");
    let since = Instant::now();
    let mark = world.mark().await?;
    let before = world.ready_pods(2).await.map_err(|seen| Failure::new("two Pods that are Ready", seen))?;
    let objects = uids(world).await?;
    let edits = Edits::begin(world)?;
    let values = ["--reuse-values", "--set", "operator.logLevel=debug"];
    let arguments = [&["upgrade", RELEASE, "-n", NAMESPACE], &CHART[..], &values].concat();
    world.helm.show_ok(story, &arguments).await?;
    let after = until("two other Pods are Ready", 60, async || {
        let pods = world.ready_pods(2).await?;
        if pods.iter().any(|(pod, _)| before.iter().any(|(old, _)| old == pod)) { Err(names(&pods)) } else { Ok(pods) }
    })
    .await?;
    let seen = edits.end().await?;
    story.fact(&format!("both Pods are new: {}", names(&after)), since);
    story.fact(&without_a_gap(&seen)?, since);
    world.callers_in_turn(mark).await?;
    story.fact("no two of them called Amazon Connect at the same time", since);
    let kept = uids(world).await?;
    if kept != objects {
        return Err(Failure::new(format!("the same objects: {objects:?}"), format!("{kept:?}")));
    }
    story.fact("every ConnectUser is the object that it was", since);
    Ok(())
}

/// The ConnectUsers, by name and uid.
pub(super) async fn uids(world: &World) -> Result<Vec<(String, String)>, Failure> {
    let users =
        world.users().list(&Default::default()).await.map_err(|error| Failure::new("the ConnectUsers", error))?;
    let mut uids: Vec<_> = users.items.iter().map(|user| (user.name_any(), user.uid().unwrap_or_default())).collect();
    uids.sort();
    Ok(uids)
}
