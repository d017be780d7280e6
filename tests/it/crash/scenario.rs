//! What happens in a scenario, as data: what is there, what people do, and how it must end.

use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, Lag, Switches, UserPatch};
use serde_json::{Value, json};

use super::trial::INTERVALS;

/// A story with one outcome, however often the operator dies on the way.
pub struct Scenario {
    pub name: &'static str,
    /// Users of Connect that others made.
    pub seed: Vec<(&'static str, UserPatch)>,
    /// Objects that are in order before it begins.
    pub given: Vec<Value>,
    /// What people do then, while no operator runs.
    pub acts: Vec<Act>,
    /// How each object ends.
    pub ends: Vec<(&'static str, End)>,
    /// What people do after the first life of the operator, whether it crashed or came to an end.
    pub then: Vec<Act>,
    /// Where there is something in `then`: how each object ends before it.
    pub meanwhile: Vec<(&'static str, End)>,
    /// What must hold of the users in Connect (a JSON pointer that begins with the username; null: nothing
    /// there), so that the run without a crash is judged, too.
    pub wants: Vec<(&'static str, Value)>,
    /// The Secret that the operator makes, if it is to make one.
    pub makes: Option<&'static str>,
    /// Rules of the instance, if it has any.
    pub rules: Option<Value>,
    /// How long Connect hides what was written, from the acts on.
    pub lag: Lag,
    /// How long the operator takes it for possible that Connect hides something.
    pub grace: Duration,
    /// What goes wrong with calls, from the acts on.
    pub faults: Vec<Fault>,
    /// Whether it waits for something on the way, so that how many steps it takes is a matter of time:
    /// only the first of them are tried.
    pub steps_vary: bool,
    /// What Connect does where nobody documents it.
    pub switches: Switches,
}

/// Something that a person does.
pub enum Act {
    Create(Value),
    /// A merge patch of an object's spec.
    Edit(&'static str, Value),
    Delete(&'static str),
    /// Lets a deletion pass the brake.
    Release(&'static str),
    /// Takes an object's status away, as a restore from a backup does.
    Forget(&'static str),
    /// A quick connect to a user of this name.
    QuickConnect(&'static str),
    /// Deletes a user in the console.
    Dismiss(&'static str),
    /// Lets so much time pass that nobody doubts what Connect shows.
    Wait,
}

/// How an object ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Ready,
    Gone,
    /// Being deleted, and held by the brake.
    Held,
}

impl Scenario {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            seed: Vec::new(),
            given: Vec::new(),
            acts: Vec::new(),
            ends: Vec::new(),
            then: Vec::new(),
            meanwhile: Vec::new(),
            wants: Vec::new(),
            lag: Lag::default(),
            grace: INTERVALS.grace,
            faults: Vec::new(),
            steps_vary: false,
            makes: None,
            rules: None,
            switches: Switches::default(),
        }
    }
}

/// A ConnectUser by names, with members of the spec over the usual ones; `null` takes one away.
pub fn object(name: &str, spec: Value) -> Value {
    let mut object = json!({
        "apiVersion": "contactops.dev/v1alpha1",
        "kind": "ConnectUser",
        "metadata": { "name": name },
        "spec": {
            "instanceArn": m::ARN,
            "username": "jane.doe",
            "identityInfo": { "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" },
            "routingProfileName": "Tier 1",
            "securityProfileNames": ["Agent"],
            "passwordSecretRef": { "name": "password", "key": "password" },
        },
    });
    for (member, value) in spec.as_object().unwrap() {
        object["spec"][member] = value.clone();
    }
    object["spec"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}
