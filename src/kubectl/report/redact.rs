//! Objects without what is personal: everything is taken out but what is known to be harmless.
//!
//! What an object declares of a person is also taken out of what is said about it, in its conditions and events.

use serde_json::{Map, Value, json};

use crate::connect::error::without_personal_data;
use crate::controller::redact::Redactor;

/// In place of a value.
const MARK: &str = "[redacted]";

/// Fields of a ConnectUser's spec whose values are shown.
const USER: [&str; 23] = [
    "instanceArn",
    "instanceRef",
    "username",
    "routingProfileName",
    "routingProfileArn",
    "securityProfileNames",
    "securityProfileArns",
    "hierarchyGroupPath",
    "hierarchyGroupArn",
    "phoneConfig.phoneType",
    "phoneConfig.autoAccept",
    "phoneConfig.afterContactWorkTimeLimit",
    "phoneConfig.persistentConnection",
    "phoneNumberConfigs.channel",
    "phoneNumberConfigs.phoneType",
    "autoAcceptConfigs",
    "afterContactWorkConfigs",
    "persistentConnectionConfigs",
    "voiceEnhancementConfigs",
    "userProficiencies",
    "passwordSecretRef.generate",
    "deletionPolicy",
    "adoptionPolicy",
];
const MORE_USER: [&str; 2] = ["driftPolicy", "suspend"];

/// The same of a ConnectInstance.
const INSTANCE: [&str; 9] = [
    "instanceArn",
    "assumeRole.roleArn",
    "allowedNamespaces",
    "allowedSecurityProfiles",
    "adoption",
    "adoptAdmins",
    "deletionBrake",
    "freeze",
    "quickConnectCleanup",
];

/// Annotations and labels whose values are shown.
const KEYS: [&str; 4] = ["contactops.dev/", "app.kubernetes.io/", "helm.sh/", "meta.helm.sh/"];

/// What is said of one object, without what it declares of a person.
pub(super) struct Discreet {
    redactor: Redactor,
    /// Usernames and the like may be shown, even if they contain a person's name.
    shown: Vec<String>,
}

impl Discreet {
    /// For texts about an object.
    pub(super) fn about(object: &Value) -> Self {
        let mut personal = Vec::new();
        hidden(object.get("spec").unwrap_or(&Value::Null), "", allowed(object), &mut personal);
        let shown = ["/spec/username", "/metadata/name", "/metadata/namespace"];
        let shown = shown.iter().filter_map(|path| object.pointer(path)?.as_str()).filter(|text| text.len() > 1);
        let mut shown: Vec<_> = shown.map(str::to_owned).collect();
        shown.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self { redactor: Redactor::of(personal), shown }
    }

    /// The text without them.
    pub(super) fn text(&self, text: &str) -> String {
        self.outside(text, &self.shown)
    }

    /// The text, with what may be shown left in one piece.
    fn outside(&self, text: &str, shown: &[String]) -> String {
        let Some((first, rest)) = shown.split_first() else {
            return without_personal_data(&self.redactor.text(text));
        };
        // A name that is a word of its own only: a username `a` is not to protect everything that has an `a` in it.
        let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let (mut out, mut from, mut search) = (String::new(), 0, 0);
        while let Some(at) = text.get(search..).and_then(|tail| tail.find(first.as_str())).map(|at| search + at) {
            let end = at + first.len();
            let before = text.get(..at).and_then(|head| head.chars().next_back());
            let after = text.get(end..).and_then(|tail| tail.chars().next());
            if !is_inside(before) && !is_inside(after) {
                out.push_str(&self.outside(text.get(from..at).unwrap_or_default(), rest));
                out.push_str(first);
                from = end;
            }
            search = end;
        }
        out.push_str(&self.outside(text.get(from..).unwrap_or_default(), rest));
        out
    }

    /// Every text of a value without them.
    pub(super) fn value(&self, value: &Value) -> Value {
        texts(value, &|text| self.text(text))
    }
}

/// The value with every text changed; keys stay.
pub(super) fn texts(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => json!(change(text)),
        Value::Array(items) => items.iter().map(|item| texts(item, change)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), texts(value, change))).collect())
        }
        other => other.clone(),
    }
}

/// The object as it may be shown.
pub(super) fn object(object: &Value) -> Value {
    let discreet = Discreet::about(object);
    let mut shown = Map::new();
    for key in ["apiVersion", "kind"] {
        shown.extend(object.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    shown.insert("metadata".to_owned(), metadata(object.get("metadata").unwrap_or(&Value::Null), &discreet));
    shown.insert("spec".to_owned(), spec(object.get("spec").unwrap_or(&Value::Null), "", allowed(object)));
    if let Some(status) = object.get("status") {
        let mut status = discreet.value(status);
        for drift in status.pointer_mut("/drift").and_then(Value::as_array_mut).into_iter().flatten() {
            let is_tag = drift.get("field").and_then(Value::as_str).is_some_and(|field| field.starts_with("tags["));
            if let Value::Object(members) = drift
                && is_tag
            {
                members.iter_mut().filter(|(key, _)| *key != "field").for_each(|(_, value)| *value = json!(MARK));
            }
        }
        shown.insert("status".to_owned(), status);
    }
    Value::Object(shown)
}

fn allowed(object: &Value) -> &'static [&'static [&'static str]] {
    match object.get("kind").and_then(Value::as_str) {
        Some("ConnectInstance") => &[&INSTANCE],
        _ => &[&USER, &MORE_USER],
    }
}

fn is_allowed(path: &str, allowed: &[&[&str]]) -> bool {
    allowed.iter().copied().flatten().any(|known| *known == path)
}

/// The shape of the spec, with the values of fields that are known to be harmless.
fn spec(value: &Value, path: &str, known: &[&[&str]]) -> Value {
    if is_allowed(path, known) {
        return value.clone();
    }
    match value {
        Value::Object(members) => {
            let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            let members = members.iter().map(|(key, value)| (key.clone(), spec(value, &below(key), known)));
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(|item| spec(item, path, known)).collect(),
        _ => json!(MARK),
    }
}

/// The texts that [`spec`] takes out.
fn hidden(value: &Value, path: &str, known: &[&[&str]], into: &mut Vec<String>) {
    if is_allowed(path, known) {
        return;
    }
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            hidden(value, &below, known, into);
        }),
        Value::Array(items) => items.iter().for_each(|item| hidden(item, path, known, into)),
        // One letter would be found everywhere and tells nothing.
        Value::String(text) if text.chars().count() > 1 => into.push(text.clone()),
        _ => {}
    }
}

fn metadata(value: &Value, discreet: &Discreet) -> Value {
    let mut shown = Map::new();
    let whole = [
        "name",
        "namespace",
        "uid",
        "generation",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "finalizers",
    ];
    for key in whole {
        shown.extend(value.get(key).map(|value| (key.to_owned(), value.clone())));
    }
    for key in ["annotations", "labels"] {
        let Some(Value::Object(members)) = value.get(key) else { continue };
        let members = members.iter().map(|(key, value)| {
            let is_known = KEYS.iter().any(|known| key.starts_with(known));
            let text = value.as_str().filter(|_| is_known).map_or_else(|| MARK.to_owned(), |text| discreet.text(text));
            (key.clone(), json!(text))
        });
        shown.insert(key.to_owned(), Value::Object(members.collect()));
    }
    let managers = value.get("managedFields").and_then(Value::as_array).into_iter().flatten().map(|entry| {
        let members = ["manager", "operation", "subresource", "time"];
        Value::Object(members.iter().filter_map(|key| Some(((*key).to_owned(), entry.get(*key)?.clone()))).collect())
    });
    shown.insert("managers".to_owned(), managers.collect());
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> Value {
        json!({
            "kind": "ConnectUser",
            "metadata": {
                "name": "jane-doe", "namespace": "emea",
                "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "{\"email\":\"jane@example.com\"}",
                    "contactops.dev/suspend": "true",
                },
            },
            "spec": {
                "username": "jane.doe", "identityInfo": { "firstName": "Jane", "mobile": "+4930123456" },
                "phoneConfig": { "phoneType": "DESK_PHONE", "deskPhoneNumber": "+4930999999" },
                "phoneNumberConfigs": [{ "channel": "VOICE", "phoneNumber": "+4930888888" }],
                "passwordSecretRef": { "name": "Passw0rd", "key": "Passw0rd", "generate": true },
                "tags": { "team": "support" }, "unknown": { "deep": ["Hidden"] },
            },
            "status": { "conditions": [{ "message": "Jane, user jane.doe, at jane@example.com: Passw0rd" }] },
        })
    }

    #[test]
    fn what_is_not_known_to_be_harmless_is_taken_out() {
        let shown = object(&jane());
        let text = shown.to_string();
        for personal in ["Jane", "+4930", "Passw0rd", "Hidden", "support", "example.com"] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
        assert_eq!(shown.pointer("/spec/username"), Some(&json!("jane.doe")));
        assert_eq!(shown.pointer("/spec/phoneConfig/phoneType"), Some(&json!("DESK_PHONE")));
        assert_eq!(shown.pointer("/spec/identityInfo/firstName"), Some(&json!(MARK)));
        assert_eq!(shown.pointer("/spec/unknown/deep/0"), Some(&json!(MARK)));
        assert_eq!(shown.pointer("/metadata/annotations/contactops.dev~1suspend"), Some(&json!("true")));
        let said = shown.pointer("/status/conditions/0/message").and_then(Value::as_str).unwrap();
        assert_eq!(said, "[redacted], user jane.doe, at [redacted] [redacted]");
    }
}
