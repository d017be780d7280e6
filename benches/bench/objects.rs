//! Invented agents.

use connect_simulator::fixtures::managed;
use connect_user_operator::resource::user::ConnectUser;
use serde_json::{Value, json};

/// The Secret with everybody's first password.
pub fn secret() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "password" },
        "data": { "password": "U2VudGluZWwtUGFzc3cwcmQ=" },
    })
}

/// Name of an object.
pub fn name(number: usize) -> String {
    format!("agent-{number:06}")
}

/// Name of its user.
pub fn username(number: usize) -> String {
    format!("agent.{number:06}")
}

/// An agent as a team would declare one: names, a profile, a group, phone settings and a tag.
pub fn agent(number: usize) -> ConnectUser {
    agent_of(managed::ARN, number)
}

/// The same in another instance.
pub fn agent_of(instance: &str, number: usize) -> ConnectUser {
    let object = json!({
        "apiVersion": "contactops.dev/v1alpha1",
        "kind": "ConnectUser",
        "metadata": { "name": name(number) },
        "spec": {
            "instanceArn": instance,
            "username": username(number),
            "identityInfo": {
                "firstName": "Agent", "lastName": format!("Number {number}"),
                "email": format!("agent.{number}@example.com"),
            },
            "routingProfileName": "Tier 1",
            "securityProfileNames": ["Agent"],
            "hierarchyGroupPath": ["EMEA", "Support", "Tier 1"],
            "phoneConfig": { "phoneType": "SOFT_PHONE", "autoAccept": true, "afterContactWorkTimeLimit": 30 },
            "passwordSecretRef": { "name": "password", "key": "password" },
            "tags": { "team": "support" },
        }
    });
    serde_json::from_value(object).unwrap()
}

/// The same with a proficiency, which is a call of its own.
pub fn skilled(number: usize) -> ConnectUser {
    let mut agent = agent(number);
    let skill = json!([{ "attributeName": "Language", "attributeValue": "German", "level": 4 }]);
    agent.spec.user_proficiencies = serde_json::from_value(skill).unwrap();
    agent
}

fn ready(object: &Value) -> Option<&Value> {
    object["status"]["conditions"].as_array()?.iter().find(|one| one["type"] == "Ready")
}

/// Whether Ready is True for the spec as it is.
pub fn is_ready(object: &Value) -> bool {
    ready(object).is_some_and(|ready| ready["status"] == "True")
        && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}

/// Whether the object was told that it waits for its turn.
pub fn waits(object: &Value) -> bool {
    ready(object).is_some_and(|ready| ready["message"].as_str().unwrap_or_default().starts_with("waits for its turn"))
}
