//! Manifests: read with the place of every part, and validated offline as the API server would do it.

mod path;
mod read;
mod rules;
mod schema;
mod yaml;

use std::sync::LazyLock;

use serde_json::Value;

use crate::cli::crd;
pub use path::{Path, Step};
pub use read::Unreadable;
pub(super) use read::{Found, Manifest, read};
pub use yaml::Place;

/// What kind of mistake a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A field that the definition does not know.
    Unknown,
    /// A field that must be there.
    Required,
    /// A value of another type.
    Type,
    /// A text that is too long.
    TooLong,
    /// A list or map with too much in it.
    TooMany,
    /// A value out of its bounds, not of its words, or repeated.
    Value,
    /// A rule that does not hold.
    Rule,
}

/// Something that the API server would refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What it is about.
    pub path: Path,
    /// What kind of mistake.
    pub kind: Kind,
    /// In words, without the value.
    pub message: String,
}

/// Kind and schema of our definitions.
static SCHEMAS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let schemas = crd::all().into_iter().filter_map(|definition| {
        let kind = definition.spec.names.kind;
        let version = definition.spec.versions.into_iter().next()?;
        Some((kind, serde_json::to_value(version.schema?.open_api_v3_schema?).ok()?))
    });
    schemas.collect()
});

/// What the API server would have against an object of one of our kinds; `old` is the object as it is there now.
///
/// Strict, as kubectl asks for: unknown fields are mistakes. The status is left out, since nobody but the operator
/// writes it.
pub fn complaints(object: &Value, old: Option<&Value>) -> Vec<Complaint> {
    let mut found = Vec::new();
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Some((_, schema)) = SCHEMAS.iter().find(|(known, _)| known == kind) else { return found };
    let root = Path::default();
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.remove("status");
        for name in members.keys() {
            if !["apiVersion", "kind", "metadata", "spec"].contains(&name.as_str()) {
                found.push(Complaint {
                    path: root.member(name),
                    kind: Kind::Unknown,
                    message: "unknown field".to_owned(),
                });
            }
        }
    }
    metadata(&object, &mut found);
    let known = |name: &str| schema.get("properties").and_then(|properties| properties.get(name));
    match (known("spec"), object.get("spec")) {
        (Some(schema), Some(spec)) => schema::check(schema, spec, &root.member("spec"), &mut found),
        _ => found.push(Complaint {
            path: root.member("spec"),
            kind: Kind::Required,
            message: "Required value".to_owned(),
        }),
    }
    // As in the API server, whose rules are only run on what has the right shape.
    if found.iter().all(|complaint| complaint.kind == Kind::Value) {
        rules::check(schema, &object, old, &root, &mut found);
    }
    found
}

fn metadata(object: &Value, found: &mut Vec<Complaint>) {
    let path = Path::default().member("metadata");
    let mut complain =
        |path: Path, kind, message: &str| found.push(Complaint { path, kind, message: message.to_owned() });
    let Some(Value::Object(metadata)) = object.get("metadata") else {
        return complain(path, Kind::Required, "Required value");
    };
    // What people write; the rest is the API server's.
    const KNOWN: [&str; 14] = [
        "name",
        "generateName",
        "namespace",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    for name in metadata.keys().filter(|name| !KNOWN.contains(&name.as_str()) && *name != "selfLink") {
        complain(path.member(name), Kind::Unknown, "unknown field");
    }
    for map in ["labels", "annotations"] {
        for (key, value) in metadata.get(map).and_then(Value::as_object).into_iter().flatten() {
            if !value.is_string() {
                complain(path.member(map).member(key), Kind::Type, "must be of type string (put it in quotes)");
            }
        }
    }
    match metadata.get("name") {
        Some(Value::String(name)) if is_subdomain(name) => {}
        Some(Value::String(_)) => complain(
            path.member("name"),
            Kind::Value,
            "must be lower case letters, digits, - and ., beginning and ending with a letter or digit",
        ),
        Some(_) => complain(path.member("name"), Kind::Type, "must be of type string (put it in quotes)"),
        None if metadata.contains_key("generateName") => {}
        None => complain(path.member("name"), Kind::Required, "Required value"),
    }
}

/// Whether a text is a name that Kubernetes takes (RFC 1123).
pub(super) fn is_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        label.starts_with(inner) && label.ends_with(inner) && label.chars().all(|c| inner(c) || c == '-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// The documents of a YAML text, as kubectl would read them.
#[cfg(test)]
pub(super) fn parse(text: &str) -> Option<Vec<Value>> {
    yaml::parse(text).ok().map(|documents| documents.iter().map(yaml::Node::value).collect())
}
