//! Users are declared, and what people look at tells how they are.

use std::time::Instant;

use harness::tell::story::{Failure, Story};
use serde_json::{Value, json};

use crate::world::{NAMESPACE, RELEASE, USERS, World, is_true, until};

/// Manifests of the examples and the users that they declare, by object.
const DECLARED: [(&str, &str); 3] =
    [("jane-doe", "jane.doe"), ("lena-vogt", "lena.vogt"), ("amara-okafor", "amara.okafor@example.com")];

pub(super) async fn are_made(world: &World, story: &mut Story) -> Result<(), Failure> {
    story.chapter("ConnectUsers become Ready");
    let since = Instant::now();
    let mark = world.mark().await?;
    let examples = ["00-namespace", "voice-agent-complete", "by-names", "saml-user"];
    for example in examples {
        world.kubectl.show_ok(story, &["apply", "-f", &format!("examples/{example}.yaml")]).await?;
    }
    for (object, username) in DECLARED {
        until(&format!("{object} is Ready"), 90, async || {
            let found = world.users().get(object).await.map_err(|error| error.to_string())?;
            let found = serde_json::to_value(found).map_err(|error| error.to_string())?;
            let status = found.get("status").unwrap_or(&Value::Null);
            if is_true(&found, "Ready") { Ok(()) } else { Err(status.to_string()) }
        })
        .await?;
        let user = world.amazon.user(username).await;
        user.map_err(|seen| Failure::new(format!("a user {username} in Amazon Connect"), seen))?;
    }
    story.fact("three users are in Amazon Connect, in two instances, as their objects say", since);
    let callers = world.callers_in_turn(mark).await?;
    let leader = world.leader().await.map_err(|seen| Failure::new("a leader", seen))?;
    if !matches!(&callers[..], [caller] if leader.ends_with(caller)) {
        return Err(Failure::new(format!("calls of {leader} alone"), format!("{callers:?}")));
    }
    story.fact("every call was the leader's", since);
    tools_reach_the_pods(world, story).await
}

/// What `kubectl connect` asks the operator itself goes through the API server to its Pods.
async fn tools_reach_the_pods(world: &World, story: &mut Story) -> Result<(), Failure> {
    let since = Instant::now();
    world.connect.show_ok(story, &["status", "-n", USERS]).await?;
    let answer = world.connect.run(&["status", "-n", USERS, "-o", "json"]).await?;
    let status: Value = serde_json::from_str(&answer.text)
        .map_err(|error| Failure::new("JSON from kubectl-connect status", format!("{error}: {}", answer.text)))?;
    if status.get("notes") != Some(&json!([])) || status.get("quota").is_none_or(Value::is_null) {
        return Err(Failure::new("the quota from the metrics of the Pods, and no notes", answer.text));
    }
    story.fact("`kubectl connect status` has the quota from the Pods' metrics", since);

    let since = Instant::now();
    let account = format!("{NAMESPACE}/{RELEASE}");
    let doctor = ["doctor", "-n", USERS, "--only", "kubernetes", "--service-account", &account];
    world.connect.show_ok(story, &doctor).await?;
    story.fact("`kubectl connect doctor` finds nothing to do in the cluster", since);
    Ok(())
}
