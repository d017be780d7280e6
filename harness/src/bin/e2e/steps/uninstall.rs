//! The release is uninstalled.

use std::time::Instant;

use harness::tell::story::{Failure, Story};

use super::upgrade::uids;
use crate::world::{NAMESPACE, RELEASE, World, until};

pub(super) async fn leaves_everything(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("The release is uninstalled");
    let since = Instant::now();
    let objects = uids(world).await?;
    let refused = world.helm.show(story, &["uninstall", RELEASE, "-n", NAMESPACE]).await?;
    if refused.good {
        return Err(Failure::new("a guard that refuses while ConnectUsers need the operator", refused.text));
    }
    world.ready_pods(2).await.map_err(|seen| Failure::new("an operator that goes on", seen))?;
    story.fact("the guard refused: ConnectUsers still need the operator, which goes on", since);

    let since = Instant::now();
    let users = world.amazon.usernames().await.map_err(|seen| Failure::new("the users in Amazon Connect", seen))?;
    let mark = world.mark().await?;
    let uninstall = ["uninstall", RELEASE, "-n", NAMESPACE, "--no-hooks", "--wait"];
    world.helm.show_ok(story, &uninstall).await?;
    until("no Pod is left", 60, async || world.ready_pods(0).await).await?;
    story.fact("past the guard it is uninstalled, and no Pod is left", since);

    world
        .kubectl
        .show_ok(story, &["get", "crd", "connectusers.contactops.dev", "connectinstances.contactops.dev"])
        .await?;
    world.kubectl.show_ok(story, &["get", "connectusers", "-A"]).await?;
    let left = uids(world).await?;
    if left != objects {
        return Err(Failure::new(format!("the same objects: {objects:?}"), format!("{left:?}")));
    }
    story.fact("the definitions and every ConnectUser are there", since);

    let still = world.amazon.usernames().await.map_err(|seen| Failure::new("the users in Amazon Connect", seen))?;
    let calls = world.amazon.calls(mark).await.map_err(|seen| Failure::new("the list of calls", seen))?;
    let writes: Vec<_> = calls.iter().filter(|call| call.write).map(ToString::to_string).collect();
    if still != users || !writes.is_empty() {
        return Err(Failure::new(
            format!("the users {users:?} as they were"),
            format!("{still:?}, written by {writes:?}"),
        ));
    }
    story.fact(&format!("Amazon Connect has the same {} users, and none was written", users.len()), since);
    Ok(())
}
