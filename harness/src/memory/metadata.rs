//! What the server itself keeps in metadata, whatever a client sends.

use serde_json::{Map, Value};

/// Members that clients cannot change.
const KEPT: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
];

pub(super) fn text<'a>(object: &'a Value, member: &str) -> Option<&'a str> {
    object.get("metadata")?.get(member)?.as_str().filter(|text| !text.is_empty())
}

pub(super) fn is_terminating(object: &Value) -> bool {
    text(object, "deletionTimestamp").is_some()
}

pub(super) fn finalizers(object: &Value) -> Vec<&str> {
    let all = object.pointer("/metadata/finalizers").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) fn generation(object: &Value) -> i64 {
    object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or_default()
}

pub(super) fn set(object: &mut Value, member: &str, value: Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert(member.to_owned(), value);
    }
}

/// Puts back what clients cannot change, and drops what is empty, as the server's own types do.
pub(super) fn restore(object: &mut Value, before: &Value) {
    let (Some(metadata), Some(old)) =
        (object.get_mut("metadata").and_then(Value::as_object_mut), before.get("metadata").and_then(Value::as_object))
    else {
        return;
    };
    for member in KEPT {
        match old.get(member) {
            Some(value) => metadata.insert(member.to_owned(), value.clone()),
            None => metadata.remove(member),
        };
    }
    tidy(metadata);
}

/// Drops empty members and what this server does not keep.
pub(super) fn tidy(metadata: &mut Map<String, Value>) {
    metadata.remove("managedFields");
    metadata.remove("selfLink");
    metadata.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    });
}
