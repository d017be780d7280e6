//! What every status must satisfy, whoever wrote it for whatever reason: kstatus and Flux's invariants.

use connect_user_operator::resource::user::ConnectUser;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// What is wrong with the object's status, if anything.
pub fn violations(object: &ConnectUser) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |holds: bool, rule: &str| {
        if !holds {
            wrong.push(format!("{rule}: {}", serde_json::to_string(&object.status).unwrap()));
        }
    };
    let generation = object.metadata.generation.unwrap();
    let Some(status) = &object.status else {
        check(false, "a fresh object has a status by default");
        return wrong;
    };
    let observed = status.observed_generation.unwrap_or(i64::MIN);
    if observed == -1 {
        check(status.conditions.is_empty(), "no conditions before the object was seen");
        return wrong;
    }
    let get = |type_: &str| status.conditions.iter().find(|condition| condition.type_ == type_);
    let is = |type_: &str, value: &str| get(type_).is_some_and(|condition| condition.status == value);
    check(get("Ready").is_some(), "FAIL0002: Ready is always present");
    check(
        !(is("Ready", "True") && (is("Reconciling", "True") || is("Stalled", "True"))),
        "FAIL0001, 0003, 0004: neither Reconciling nor Stalled beside Ready=True",
    );
    check(!is("Stalled", "True") || is("Ready", "False"), "FAIL0004: Stalled implies Ready=False");
    check(
        !(is("Reconciling", "True") && is("Stalled", "True")),
        "FAIL0005: Reconciling and Stalled exclude each other",
    );
    check(observed <= generation, "FAIL0006: observedGeneration is at most generation");
    for condition in &status.conditions {
        let Condition { type_, status, reason, message, observed_generation, last_transition_time: _ } = condition;
        check(
            ["Ready", "Reconciling", "Stalled"].contains(&type_.as_str()),
            "only the three conditions of the contract",
        );
        check(type_ == "Ready" || status == "True", "Reconciling and Stalled are present only while true");
        check(
            reason.chars().next().is_some_and(char::is_uppercase) && reason.chars().all(char::is_alphanumeric),
            "reasons are words",
        );
        check(!message.is_empty() && message.len() < 2000, "messages say something, at bearable length");
        check(*observed_generation == Some(observed), "conditions carry the status's observedGeneration");
    }
    if is("Ready", "True") {
        check(status.user_arn.is_some() && status.user_id.is_some(), "a ready object has its user's ARN and id");
    }
    wrong
}
