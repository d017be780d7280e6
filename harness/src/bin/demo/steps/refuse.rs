//! Mistakes: some are refused by the API server, others are explained in the status.

use std::time::Instant;

use serde_json::json;

use crate::world::{NAMESPACE, World, condition};
use harness::tell::amazon::{INSTANCE, text};
use harness::tell::story::{Failure, Story};

pub(crate) async fn at_admission(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("A mistake that can be seen without AWS is refused at once");
    let since = Instant::now();
    let before = world.object("jane-doe").await.map_err(|seen| Failure::new("an object jane-doe", seen))?;
    let patch =
        r#"{"spec":{"username":"jane.roe","routingProfileName":"Tier 1","identityInfo":{"mobile":"0171 5550100"}}}"#;
    let answer =
        world.kubectl(story, &["patch", "cuser", "jane-doe", "-n", NAMESPACE, "--type=merge", "-p", patch]).await?;
    let after = world.object("jane-doe").await.map_err(|seen| Failure::new("an object jane-doe", seen))?;
    if answer.good || !answer.text.contains("is invalid") || before.get("spec") != after.get("spec") {
        return Err(Failure::new("the API server refuses it as invalid", answer.text));
    }
    story.fact("the API server says what is wrong and what to do; nothing has changed", since);
    Ok(())
}

pub(crate) async fn with_a_remedy(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("A mistake that only Amazon Connect can know is explained, and heals");
    let mark = world.mark().await?;
    let since = Instant::now();
    let message = world
        .until("sam-reed is Ready=False, reason ReferenceNotFound", 10, async || {
            let ready = condition(&world.object("sam-reed").await?, "Ready");
            match (text(&ready, "/status"), text(&ready, "/reason")) {
                ("False", "ReferenceNotFound") => Ok(text(&ready, "/message").to_owned()),
                _ => Err(format!("its condition Ready is {ready}")),
            }
        })
        .await?;
    let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].message}"#;
    world.kubectl_ok(story, &["get", "cuser", "sam-reed", "-n", NAMESPACE, "-o", path]).await?;
    let spoken = ["Tier 3", "routing profile"].iter().all(|word| message.to_lowercase().contains(&word.to_lowercase()));
    if !spoken {
        return Err(Failure::new("a message that names the routing profile Tier 3", message));
    }
    story.fact("sam-reed is not Ready, and says why and what to do", since);

    story.say("Somebody makes the routing profile Tier 3 in the console of Amazon Connect.");
    let since = Instant::now();
    let change = json!({ "addRoutingProfile": { "instanceId": INSTANCE, "name": "Tier 3" } });
    world.amazon.change_in_console(&change).await?;
    world.until("sam-reed becomes Ready by itself", 15, async || world.ready("sam-reed").await).await?;
    world.amazon.user("sam.reed").await.map_err(|seen| Failure::new("a user sam.reed", seen))?;
    story.fact("sam.reed exists, and sam-reed is Ready", since);
    world.writes_since(mark, story).await.map(|_| ())
}
