//! People change things in the console of Amazon Connect.

use std::time::Instant;

use serde_json::{Value, json};

use crate::world::World;
use harness::tell::amazon::{ADMIN, AGENT, INSTANCE, text};
use harness::tell::story::{Failure, Story};

pub(crate) async fn change_is_repaired(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("A change in the console is put right");
    let mark = world.mark().await?;
    story.say("Somebody gives jane.doe the security profile Admin in the console of Amazon Connect.");
    let since = Instant::now();
    let change = json!({
        "updateUser": { "instanceId": INSTANCE, "user": "jane.doe", "set": { "SecurityProfileIds": [ADMIN, AGENT] } },
    });
    world.amazon.change_in_console(&change).await?;
    world
        .until("jane.doe loses the security profile Admin", 20, async || {
            let user = world.amazon.user("jane.doe").await?;
            match user.get("SecurityProfileIds").and_then(Value::as_array) {
                Some(ids) if ids.len() == 1 && ids.contains(&json!(AGENT)) => Ok(()),
                other => Err(format!("jane.doe has the security profiles {other:?}")),
            }
        })
        .await?;
    story.fact("jane.doe is an Agent again, and nothing else", since);
    world.writes_since(mark, story).await.map(|_| ())
}

pub(crate) async fn deleted_user_comes_back(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("A user that was deleted by hand comes back");
    let mark = world.mark().await?;
    story.say("Somebody deletes jane.doe in the console of Amazon Connect.");
    let since = Instant::now();
    let user = world.amazon.user("jane.doe").await.map_err(|seen| Failure::new("a user jane.doe", seen))?;
    let old = text(&user, "/Arn").to_owned();
    let change = json!({ "deleteUser": { "instanceId": INSTANCE, "user": "jane.doe" } });
    world.amazon.change_in_console(&change).await?;
    let new = world
        .until("jane.doe is made anew", 30, async || {
            let user = world.amazon.user("jane.doe").await?;
            match text(&user, "/Arn") {
                arn if arn == old => Err(format!("jane.doe is still {arn}")),
                arn => Ok(arn.to_owned()),
            }
        })
        .await?;
    world
        .until("jane-doe is Ready with the new ARN", 10, async || {
            let object = world.ready("jane-doe").await?;
            match text(&object, "/status/userArn") {
                arn if arn == new => Ok(()),
                arn => Err(format!("status.userArn is {arn}, and the user's ARN {new}")),
            }
        })
        .await?;
    story.fact("jane.doe is back, and jane-doe knows the new ARN", since);
    world.writes_since(mark, story).await.map(|_| ())
}
