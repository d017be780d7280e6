//! Which rules of the CRD the table has seen hold and fail.

use std::collections::BTreeSet;

use connect_user_operator::cli::crd;
use serde_json::Value;

/// A complaint of the API server about one field.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Complaint {
    pub(super) field: String,
    pub(super) message: String,
}

/// A rule of the CRD with the field that it points at, list items as `[]`.
#[derive(Debug)]
struct Rule {
    field: String,
    cel: String,
    message: String,
}

/// What the table has shown about the rules.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) refused: Vec<Complaint>,
    /// Fields of accepted objects.
    pub(super) accepted: BTreeSet<String>,
    /// Fields of objects that an accepted update has left in place.
    pub(super) updated: BTreeSet<String>,
}

/// `spec.tags[0].x` as `spec.tags[].x`.
fn without_indices(field: &str) -> String {
    let mut parts = field.split('[');
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once(']').map_or(part, |(_, rest)| rest);
        result.push_str("[]");
        result.push_str(rest);
    }
    result
}

/// The paths of everything in a value.
pub(super) fn fields(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| fields(&join(path, key), value, found)),
        Value::Array(items) => items.iter().for_each(|item| fields(&format!("{path}[]"), item, found)),
        _ => {}
    }
}

fn join(path: &str, member: &str) -> String {
    if path.is_empty() { member.to_owned() } else { format!("{path}.{member}") }
}

fn rules(path: &str, schema: &Value, found: &mut Vec<Rule>) {
    for rule in schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let field = format!("{path}{}", text("fieldPath"));
        found.push(Rule {
            field: field.trim_start_matches('.').to_owned(),
            cel: text("rule"),
            message: text("message"),
        });
    }
    for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        rules(&join(path, name), schema, found);
    }
    if let Some(items) = schema.get("items") {
        rules(&format!("{path}[]"), items, found);
    }
}

fn all_rules(kind: &str) -> Vec<Rule> {
    let mut found = Vec::new();
    for crd in crd::all().into_iter().filter(|crd| crd.spec.names.kind == kind) {
        let crd = serde_json::to_value(crd).expect("JSON");
        for version in crd.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten() {
            rules("", version.pointer("/schema/openAPIV3Schema").expect("a schema"), &mut found);
        }
    }
    assert!(!found.is_empty(), "{kind} has no rules");
    found
}

/// The rules that no case has seen fail, and those that no case has seen hold.
pub(super) fn not_shown(kind: &str, shown: &Shown) -> Vec<String> {
    let mut missing = Vec::new();
    for rule in all_rules(kind) {
        let refused = shown.refused.iter().any(|complaint| {
            without_indices(&complaint.field) == rule.field && complaint.message.ends_with(&rule.message)
        });
        if !refused {
            missing.push(format!("no case breaks: {}: {}", rule.field, rule.message));
        }
        let forbids_the_field = rule.cel == format!("!has(self.{})", rule.field.trim_start_matches("spec."));
        let held = if forbids_the_field {
            !shown.accepted.contains(&rule.field)
        } else if rule.cel.contains("oldSelf") {
            shown.updated.contains(&rule.field)
        } else {
            shown.accepted.contains(&rule.field)
        };
        if !held {
            missing.push(format!("no accepted case has: {}: {}", rule.field, rule.message));
        }
    }
    missing
}
