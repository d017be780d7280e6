//! Who has set which field, as server-side apply counts it: by leaf, where a leaf is a scalar, an atomic list
//! or an empty object, and entries of map-lists are told apart by their keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::schema::Schema;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Field(String),
    /// The entry of a map-list with these values of its keys.
    Entry(Vec<(String, String)>),
}

type Path = Vec<Step>;
type Leaves = BTreeMap<Path, Value>;

/// Fields by manager. Appliers and updaters of one name are two managers.
#[derive(Clone, Debug, Default)]
pub(super) struct Owners(BTreeMap<(String, bool), BTreeSet<Path>>);

impl Owners {
    /// `manager` has changed the object otherwise than by applying: what differs is its own alone.
    pub(super) fn updated(&mut self, manager: &str, schema: &Schema, before: &Value, after: &Value) {
        let (before, after) = (leaves(schema, before), leaves(schema, after));
        let changed: BTreeSet<Path> = after
            .iter()
            .filter(|(path, value)| before.get(*path) != Some(value))
            .map(|(path, _)| path.clone())
            .collect();
        for paths in self.0.values_mut() {
            paths.retain(|path| after.contains_key(path) && !changed.contains(path));
        }
        self.0.entry((manager.to_owned(), false)).or_default().extend(changed);
        self.0.retain(|_, paths| !paths.is_empty());
    }

    /// `manager` applies a status by force: it gets what it says, and what it said before and nobody else
    /// says goes. Returns the new status.
    pub(super) fn applied(&mut self, manager: &str, schema: &Schema, live: &Value, said: &Value) -> Value {
        let (live, said) = (leaves(schema, live), leaves(schema, said));
        let own = (manager.to_owned(), true);
        let before = self.0.remove(&own).unwrap_or_default();
        let is_others = |path: &Path| self.0.values().any(|paths| paths.contains(path));
        let mut result = live.clone();
        for path in before.iter().filter(|path| !said.contains_key(*path) && !is_others(path)) {
            result.remove(path);
        }
        for (path, value) in &said {
            if live.get(path) != Some(value) {
                self.0.values_mut().for_each(|paths| {
                    paths.remove(path);
                });
            }
            // A leaf that becomes a parent, or the other way round.
            result.retain(|other, _| {
                !(other.len() != path.len() && (other.starts_with(path) || path.starts_with(other)))
            });
            result.insert(path.clone(), value.clone());
        }
        self.0.insert(own, said.into_keys().collect());
        self.0.retain(|_, paths| !paths.is_empty());
        grow(result)
    }
}

fn leaves(schema: &Schema, status: &Value) -> Leaves {
    let mut leaves = Leaves::new();
    collect(schema, &mut vec!["status"], &mut Vec::new(), status, &mut leaves);
    leaves
}

fn collect<'a>(schema: &Schema, fields: &mut Vec<&'a str>, path: &mut Path, value: &'a Value, leaves: &mut Leaves) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                fields.push(name);
                path.push(Step::Field(name.clone()));
                collect(schema, fields, path, member, leaves);
                path.pop();
                fields.pop();
            }
        }
        Value::Array(items) => match schema.list_keys(fields) {
            Some(keys) => {
                for item in items {
                    let key = |key: &String| (key.clone(), item.get(key).map(Value::to_string).unwrap_or_default());
                    path.push(Step::Entry(keys.iter().map(key).collect()));
                    collect(schema, fields, path, item, leaves);
                    path.pop();
                }
            }
            None => {
                leaves.insert(path.clone(), value.clone());
            }
        },
        _ => {
            leaves.insert(path.clone(), value.clone());
        }
    }
}

/// The value that has these leaves. Entries of map-lists come in the order of their keys.
fn grow(leaves: Leaves) -> Value {
    let mut root = Value::Object(Map::new());
    for (path, value) in leaves {
        plant(&mut root, &path, value);
    }
    root
}

fn plant(at: &mut Value, path: &[Step], value: Value) {
    match path {
        [] => *at = value,
        [Step::Field(name), rest @ ..] => {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            if let Value::Object(members) = at {
                plant(members.entry(name.clone()).or_insert(Value::Null), rest, value);
            }
        }
        [Step::Entry(keys), rest @ ..] => {
            if !at.is_array() {
                *at = Value::Array(Vec::new());
            }
            let Value::Array(items) = at else { return };
            let is_it = |item: &Value| {
                let has = |key: &str, value: &str| item.get(key).is_some_and(|found| *found.to_string() == *value);
                keys.iter().all(|(key, value)| has(key, value))
            };
            if !items.iter().any(is_it) {
                let read = |(key, value): &(String, String)| Some((key.clone(), serde_json::from_str(value).ok()?));
                items.push(Value::Object(keys.iter().filter_map(read).collect()));
            }
            if let Some(item) = items.iter_mut().find(|item| is_it(item)) {
                plant(item, rest, value);
            }
        }
    }
}
