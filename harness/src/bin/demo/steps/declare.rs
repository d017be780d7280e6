//! Users are declared, and changed, in Kubernetes.

use std::time::Instant;

use serde_json::Value;

use crate::compare::missing;
use crate::world::{NAMESPACE, World, condition};
use harness::tell::amazon::{AGENT, EMEA_SUPPORT_TIER_1, TIER_1, TIER_2, text};
use harness::tell::story::{Failure, Story};

/// Objects and usernames of the examples that are right.
const GOOD: [(&str, &str); 4] = [
    ("jane-doe", "jane.doe"),
    ("amara-okafor", "amara.okafor@example.com"),
    ("lena-vogt", "lena.vogt"),
    ("nina-costa", "nina.costa"),
];

pub(crate) async fn apply(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("Users are declared as objects, and are made in Amazon Connect");
    let mark = world.mark().await?;
    let since = Instant::now();
    world.kubectl_ok(story, &["apply", "-f", "examples/"]).await?;
    for (name, username) in GOOD {
        let object = world.until(&format!("{name} becomes Ready"), 25, async || world.ready(name).await).await?;
        let user =
            world.amazon.user(username).await.map_err(|seen| Failure::new(format!("a user {username}"), seen))?;
        let missing = missing(object.get("spec").unwrap_or(&Value::Null), &user);
        if !missing.is_empty() {
            return Err(Failure::new(format!("{username} in Connect as {name} declares it"), missing.join("\n")));
        }
        let (known, real) = (text(&object, "/status/userArn"), text(&user, "/Arn"));
        if known != real || real.is_empty() {
            return Err(Failure::new(format!("status.userArn of {name} is {real}"), known));
        }
        story.fact(&format!("{username} exists, with all that {name} declares"), since);
    }
    names_became_ids(world, story).await?;
    // The one with a mistake, so that the table below shows it; more on that later.
    let judged = async || match condition(&world.object("sam-reed").await?, "Ready") {
        ready if text(&ready, "/status") == "False" => Ok(()),
        other => Err(format!("the condition Ready of sam-reed is {other}")),
    };
    world.until("sam-reed is judged", 10, judged).await?;
    world.writes_since(mark, story).await?;
    world.kubectl_ok(story, &["get", "connectusers", "--all-namespaces"]).await.map(|_| ())
}

/// `lena-vogt` names what Connect knows by ids.
async fn names_became_ids(world: &World, story: &mut Story) -> Result<(), Failure> {
    let since = Instant::now();
    let user = world.amazon.user("lena.vogt").await.map_err(|seen| Failure::new("a user lena.vogt", seen))?;
    for (pointer, id, name) in [
        ("/RoutingProfileId", TIER_1, "routing profile Tier 1"),
        ("/SecurityProfileIds/0", AGENT, "security profile Agent"),
        ("/HierarchyGroupId", EMEA_SUPPORT_TIER_1, "hierarchy group EMEA > Support > Tier 1"),
    ] {
        if text(&user, pointer) != id {
            return Err(Failure::new(format!("lena.vogt has the {name} ({id})"), user));
        }
    }
    story.fact("lena-vogt says names and a path; Connect got the right ids", since);
    Ok(())
}

pub(crate) async fn edit(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("An edit reaches Amazon Connect");
    let mark = world.mark().await?;
    let since = Instant::now();
    let patch = r#"{"spec":{"routingProfileName":"Tier 2"}}"#;
    world.kubectl_ok(story, &["patch", "cuser", "lena-vogt", "-n", NAMESPACE, "--type=merge", "-p", patch]).await?;
    world
        .until("lena.vogt gets the routing profile Tier 2", 10, async || {
            let user = world.amazon.user("lena.vogt").await?;
            match text(&user, "/RoutingProfileId") {
                TIER_2 => Ok(()),
                other => Err(format!("lena.vogt has the routing profile {other}")),
            }
        })
        .await?;
    story.fact("lena.vogt is routed as Tier 2", since);
    world.until("lena-vogt becomes Ready", 10, async || world.ready("lena-vogt").await).await?;
    story.fact("lena-vogt says so: Ready for its new generation", since);
    world.writes_since(mark, story).await.map(|_| ())
}
