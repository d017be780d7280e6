//! The structural part of validation, as the API server does it: types, bounds, enumerations, unknown fields
//! and repeated items.
//!
//! Values are never repeated, since they may be personal; the keys of lists and the words of enumerations are not.

use regex::Regex;
use serde_json::{Map, Value};

use super::path::Path;
use super::{Complaint, Kind};

/// Checks a value against its schema.
pub(super) fn check(schema: &Value, value: &Value, path: &Path, found: &mut Vec<Complaint>) {
    let expected = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let fits = match (expected, value) {
        ("object", Value::Object(_))
        | ("array", Value::Array(_))
        | ("string", Value::String(_))
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("", _) => true,
        ("integer", Value::Number(number)) => {
            number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        _ => false,
    };
    if !fits {
        let mut message = format!("must be of type {expected}: \"{}\"", type_of(value));
        if expected == "string" && matches!(value, Value::Number(_) | Value::Bool(_)) {
            message.push_str(" (put it in quotes)");
        }
        found.push(Complaint { path: path.clone(), kind: Kind::Type, message });
        return;
    }
    match value {
        Value::Object(members) => object(schema, members, path, found),
        Value::Array(items) => array(schema, items, path, found),
        Value::String(text) => string(schema, text, path, found),
        Value::Number(number) => {
            let bound = |key: &str| schema.get(key).and_then(Value::as_f64).zip(number.as_f64());
            if let Some((least, _)) = bound("minimum").filter(|(least, number)| number < least) {
                complain(found, path, Kind::Value, format!("should be greater than or equal to {least}"));
            }
            if let Some((most, _)) = bound("maximum").filter(|(most, number)| number > most) {
                complain(found, path, Kind::Value, format!("should be less than or equal to {most}"));
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
    if let Some(Value::Array(words)) = schema.get("enum")
        && !words.contains(value)
    {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        complain(found, path, Kind::Value, format!("Unsupported value: supported values: {}", words.join(", ")));
    }
}

fn object(schema: &Value, members: &Map<String, Value>, path: &Path, found: &mut Vec<Complaint>) {
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            complain(found, &path.member(name), Kind::Required, "Required value".to_owned());
        }
    }
    let most = schema.get("maxProperties").and_then(Value::as_u64);
    if let Some(most) = most.filter(|most| members.len() as u64 > *most) {
        let count = members.len();
        complain(found, path, Kind::TooMany, format!("Too many: {count}: must have at most {most} items"));
    }
    for (name, value) in members {
        let known = schema.get("properties").and_then(|properties| properties.get(name));
        match known.or_else(|| schema.get("additionalProperties")) {
            // The API server puts the default in its place.
            Some(schema) if value.is_null() && schema.get("default").is_some() => {}
            Some(schema) => check(schema, value, &path.member(name), found),
            None => complain(found, &path.member(name), Kind::Unknown, unknown(schema, name)),
        }
    }
}

/// That a field is unknown, and which one may have been meant.
fn unknown(schema: &Value, name: &str) -> String {
    let known = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let nearest = known.map(|other| (distance(name, other), other)).min();
    match nearest.filter(|(distance, other)| *distance <= 2.max(other.len() / 4)) {
        Some((_, other)) => format!("unknown field: did you mean {other}?"),
        None => "unknown field".to_owned(),
    }
}

/// Letters to change, add or take away (Levenshtein), without regard to case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, a) in one.to_lowercase().chars().enumerate() {
        let mut next = vec![at + 1];
        for (b, pair) in other.iter().zip(row.windows(2)) {
            let [diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(a != *b)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fn array(schema: &Value, items: &[Value], path: &Path, found: &mut Vec<Complaint>) {
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    let count = items.len();
    if let Some(most) = bound("maxItems").filter(|most| count as u64 > *most) {
        complain(found, path, Kind::TooMany, format!("Too many: {count}: must have at most {most} items"));
    }
    if let Some(least) = bound("minItems").filter(|least| (count as u64) < *least) {
        complain(found, path, Kind::Value, format!("should have at least {least} items"));
    }
    if let Some(schema) = schema.get("items") {
        for (at, item) in items.iter().enumerate() {
            check(schema, item, &path.item(at), found);
        }
    }
    let key = |item: &Value| match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => Some(item.clone()),
        Some("map") => {
            let names = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
            let pair = |name: &str| Some((name.to_owned(), item.get(name)?.clone()));
            Some(Value::Object(names.filter_map(Value::as_str).filter_map(pair).collect()))
        }
        _ => None,
    };
    let keys: Vec<Option<Value>> = items.iter().map(key).collect();
    for (at, key) in keys.iter().enumerate() {
        let Some(key) = key else { continue };
        let twins = |others: &[Option<Value>]| others.iter().flatten().filter(|other| *other == key).count();
        // Told once, at the second.
        if keys.get(..at).is_some_and(|before| twins(before) == 1) {
            complain(found, &path.item(at), Kind::Value, format!("Duplicate value: {key}"));
        }
    }
}

fn string(schema: &Value, text: &str, path: &Path, found: &mut Vec<Complaint>) {
    let count = text.chars().count() as u64;
    let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
    if let Some(most) = bound("maxLength").filter(|most| count > *most) {
        complain(found, path, Kind::TooLong, format!("Too long: may not be more than {most} characters"));
    }
    if let Some(least) = bound("minLength").filter(|least| count < *least) {
        complain(found, path, Kind::Value, format!("should be at least {least} chars long"));
    }
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
    {
        complain(found, path, Kind::Value, format!("should match '{pattern}'"));
    }
}

fn complain(found: &mut Vec<Complaint>, path: &Path, kind: Kind, message: String) {
    found.push(Complaint { path: path.clone(), kind, message });
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
