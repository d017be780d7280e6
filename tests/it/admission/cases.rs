//! What the API server must accept, and what it must refuse with which words.

pub(super) mod instance;
mod person;
mod phone;
mod reference;
mod rest;

use serde_json::{Value, json};

pub(super) const INSTANCE: &str =
    "arn:aws:connect:eu-west-1:111122223333:instance/11111111-2222-3333-4444-555555555555";
const FOREIGN: &str = "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-3333-4444-555555555555";

/// One attempt to write an object.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// The spec that is there already, if this is an update; a merge patch on that of [`base`].
    pub(super) before: Option<Value>,
    /// The spec to write; a merge patch on what is there, or on that of [`base`].
    pub(super) spec: Value,
    /// Field and words of every complaint; none if the object must be accepted.
    pub(super) refused: Vec<(&'static str, &'static str)>,
}

fn ok(name: &'static str, spec: Value) -> Case {
    Case { name, before: None, spec, refused: Vec::new() }
}

fn no(name: &'static str, spec: Value, refused: &[(&'static str, &'static str)]) -> Case {
    Case { name, before: None, spec, refused: refused.to_vec() }
}

fn update(case: Case, before: Value) -> Case {
    Case { before: Some(before), ..case }
}

/// The smallest valid spec.
pub(super) fn base() -> Value {
    json!({
        "instanceArn": INSTANCE,
        "username": "jane.doe",
        "routingProfileName": "Basic Routing Profile",
        "securityProfileNames": ["Agent"],
    })
}

fn arn(path: &str) -> String {
    format!("{INSTANCE}/{path}/0a1b2c3d")
}

fn foreign(path: &str) -> String {
    format!("{FOREIGN}/{path}/0a1b2c3d")
}

pub(super) fn all() -> Vec<Case> {
    [
        reference::instance(),
        reference::profiles(),
        reference::hierarchy(),
        person::username(),
        person::identity(),
        person::skills(),
        phone::phone(),
        phone::twins(),
        phone::channels(),
        rest::rest(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
