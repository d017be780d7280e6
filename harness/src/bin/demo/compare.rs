//! Whether a user in Connect is as a spec declares it.

use serde_json::Value;

/// What `user` (as the simulator keeps it) lacks of what `spec` declares. Names of profiles and groups
/// are not looked up: only their ARNs are compared.
pub(crate) fn missing(spec: &Value, user: &Value) -> Vec<String> {
    const NOT_IN_CONNECT: [&str; 11] = [
        "instanceArn",
        "instanceRef",
        "routingProfileName",
        "securityProfileNames",
        "hierarchyGroupPath",
        "passwordSecretRef",
        "deletionPolicy",
        "adoptionPolicy",
        "driftPolicy",
        "suspend",
        "directoryUserId",
    ];
    let mut found = Vec::new();
    for (field, declared) in spec.as_object().into_iter().flatten() {
        if NOT_IN_CONNECT.contains(&field.as_str()) {
            continue;
        }
        let seen = user.get(wire_name(field)).unwrap_or(&Value::Null);
        if !covers(declared, seen, field == "tags") {
            found.push(format!("{field}: declared {declared}, seen {seen}"));
        }
    }
    found
}

/// The member of a user that holds a field of the spec: `routingProfileArn` is `RoutingProfileId`.
fn wire_name(field: &str) -> String {
    let name = match field.strip_suffix("Arns") {
        Some(stem) => format!("{stem}Ids"),
        None => match field.strip_suffix("Arn") {
            Some(stem) => format!("{stem}Id"),
            None => field.to_owned(),
        },
    };
    let mut letters = name.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Whether everything declared is in what is seen. Further members and items are foreign and may be there.
fn covers(declared: &Value, seen: &Value, own_keys: bool) -> bool {
    match (declared, seen) {
        (Value::Object(declared), seen) => declared.iter().all(|(key, value)| {
            let name = if own_keys { key.clone() } else { wire_name(key) };
            seen.get(name).is_some_and(|seen| covers(value, seen, own_keys))
        }),
        (Value::Array(declared), Value::Array(seen)) => {
            declared.iter().all(|value| seen.iter().any(|seen| covers(value, seen, own_keys)))
        }
        (Value::Number(declared), Value::Number(seen)) => declared.as_f64() == seen.as_f64(),
        (Value::String(declared), Value::String(seen)) => {
            declared == seen || declared.starts_with("arn:") && id_of(declared) == seen
        }
        (declared, seen) => declared == seen,
    }
}

/// The last part of an ARN.
pub(crate) fn id_of(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_user_as_declared_lacks_nothing() {
        let spec = json!({
            "instanceArn": "arn:aws:connect:eu-west-1:1:instance/i",
            "username": "jane.doe",
            "routingProfileArn": "arn:aws:connect:eu-west-1:1:instance/i/routing-profile/r",
            "securityProfileArns": ["arn:aws:connect:eu-west-1:1:instance/i/security-profile/s"],
            "autoAcceptConfigs": [{ "channel": "VOICE", "autoAccept": true }],
            "userProficiencies": [{ "attributeName": "Language", "attributeValue": "German", "level": 4 }],
            "tags": { "team": "support" },
        });
        let user = json!({
            "Id": "u",
            "Username": "jane.doe",
            "RoutingProfileId": "r",
            "SecurityProfileIds": ["s"],
            "AutoAcceptConfigs": [{ "Channel": "VOICE", "AutoAccept": true, "AgentFirstCallbackAutoAccept": false }],
            "UserProficiencies": [{ "AttributeName": "Language", "AttributeValue": "German", "Level": 4.0 }],
            "Tags": { "team": "support", "contactops.dev/uid": "1" },
        });
        assert_eq!(missing(&spec, &user), Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named() {
        let spec = json!({
            "routingProfileArn": "arn:x/r",
            "securityProfileArns": ["arn:x/s"],
            "identityInfo": { "firstName": "Jane" },
            "tags": { "team": "support" },
        });
        let user = json!({
            "RoutingProfileId": "other",
            "SecurityProfileIds": [],
            "IdentityInfo": { "FirstName": "Janet" },
            "Tags": {},
        });
        let missing = missing(&spec, &user);
        assert_eq!(missing.len(), 4, "{missing:?}");
    }
}
