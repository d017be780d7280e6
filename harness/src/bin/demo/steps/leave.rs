//! Users leave, and the bill.

use std::time::Instant;

use serde_json::Value;

use crate::world::{NAMESPACE, World};
use harness::tell::story::{Failure, Story};

pub(crate) async fn delete(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("Who is deleted in Kubernetes is deleted in Amazon Connect");
    let mark = world.mark().await?;
    let since = Instant::now();
    remove(world, story, "lena-vogt").await?;
    match world.amazon.find("lena.vogt").await {
        Ok(None) => story.fact("lena.vogt is gone, and the object went last", since),
        other => {
            return Err(Failure::new("no user lena.vogt once the object is gone", format!("{other:?}")));
        }
    }
    world.writes_since(mark, story).await.map(|_| ())
}

pub(crate) async fn retain(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("With deletionPolicy Retain the object goes and the user stays");
    let mark = world.mark().await?;
    let since = Instant::now();
    remove(world, story, "nina-costa").await?;
    let user = world.amazon.user("nina.costa").await.map_err(|seen| Failure::new("nina.costa stays", seen))?;
    let tags = user.get("Tags").and_then(Value::as_object).cloned().unwrap_or_default();
    if tags.keys().any(|key| key.starts_with("contactops.dev/")) {
        return Err(Failure::new("nina.costa without tags of ours", format!("{tags:?}")));
    }
    story.fact("nina.costa is still there, without the tags that made her ours", since);
    world.writes_since(mark, story).await.map(|_| ())
}

async fn remove(world: &World, story: &Story, name: &str) -> Result<(), Failure> {
    world.kubectl_ok(story, &["delete", "cuser", name, "-n", NAMESPACE, "--timeout=20s"]).await.map(|_| ())
}

/// How many calls it took; the quota is what everything else is about.
pub(crate) async fn count(world: &World, story: &Story) -> Result<(), Failure> {
    let calls = world.amazon.calls(0).await.map_err(|seen| Failure::new("the list of calls", seen))?;
    let writes = calls.iter().filter(|call| call.write).count();
    let throttled = calls.iter().filter(|call| call.throttled).count();
    let all = calls.len();
    story.line(&format!(
        "\n  All this took {all} calls of Amazon Connect, {writes} of them writes; {throttled} were throttled."
    ));
    Ok(())
}
