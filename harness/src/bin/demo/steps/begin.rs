//! The operator is installed and started.

use std::time::{Duration, Instant};

use harness::Identity;

use crate::world::World;
use harness::tell::story::{Failure, Story};

pub(crate) async fn operator(world: &mut World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("The operator is installed, with the rights that it needs and no others");
    let since = Instant::now();
    world.kubectl_ok(story, &["apply", "-f", "crds/"]).await?;
    world.kubectl_ok(story, &["apply", "-f", "deploy/rbac.yaml"]).await?;
    let established = ["wait", "--for=condition=Established", "--timeout=20s", "crd", "connectusers.contactops.dev"];
    // Asked at once, kubectl takes conditions that are not there yet for a broken object and gives up.
    for _ in 0..20 {
        if world.kubectl(story, &established).await?.good {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    world.kubectl_ok(story, &established).await?;
    story.fact("the API server knows ConnectUsers", since);

    let since = Instant::now();
    let list = ["auth", "can-i", "list", "secrets", "--all-namespaces", "--as", Identity::OPERATOR];
    let answer = world.kubectl(story, &list).await?;
    if answer.good {
        return Err(Failure::new("the operator may not list Secrets", answer.text));
    }
    story.fact("it cannot go through other people's Secrets", since);
    world.start_operator(story).await
}
