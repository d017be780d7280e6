//! Whatever a test is about: nothing personal that the operator sent to Connect is said anywhere else.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use connect_simulator::CallRecord;
use futures::StreamExt;
use k8s_openapi::api::events::v1::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::Value;

use super::SENTINEL_PASSWORD;

/// Everything that was told in statuses and events.
#[derive(Clone, Default)]
pub struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    pub fn note(&self, what: &impl serde::Serialize) {
        self.0.lock().unwrap().push(serde_json::to_string(what).unwrap());
    }

    pub fn watch_events(&self, client: Client, namespace: &str) {
        let (said, api) = (self.clone(), Api::<Event>::namespaced(client, namespace));
        let events = watcher(api, watcher::Config::default()).default_backoff().applied_objects();
        tokio::spawn(events.for_each(move |event| {
            if let Ok(event) = event {
                said.note(&event);
            }
            std::future::ready(())
        }));
    }

    /// What is personal in these calls and was told, here or in the log.
    pub fn indiscretions(&self, log: &str, calls: &[CallRecord]) -> Vec<String> {
        let (secrets, mut found) = (personal(calls), Vec::new());
        let told = self.0.lock().unwrap();
        for line in log.lines().chain(told.iter().map(String::as_str)) {
            if let Some(secret) = secrets.iter().find(|secret| line.contains(secret.as_str())) {
                found.push(format!("{secret} is told in: {line}"));
            }
        }
        found
    }
}

/// Addresses, numbers and the password. Names are left out, since those of tests are also in names of objects, and so
/// is what is somebody's username, which is told.
fn personal(calls: &[CallRecord]) -> BTreeSet<String> {
    /// What is shorter may be part of anything.
    const SHORTEST: usize = 8;
    let mut found = BTreeSet::from([SENTINEL_PASSWORD.to_owned()]);
    for call in calls {
        let at = |pointer: &str| call.body.pointer(pointer).and_then(Value::as_str);
        let fields = ["/IdentityInfo/Email", "/IdentityInfo/SecondaryEmail", "/IdentityInfo/Mobile"];
        found.extend(fields.into_iter().chain(["/PhoneConfig/DeskPhoneNumber"]).filter_map(at).map(str::to_owned));
        let numbers = call.body["PhoneNumberConfigs"].as_array().into_iter().flatten();
        found.extend(numbers.filter_map(|number| number["PhoneNumber"].as_str()).map(str::to_owned));
    }
    let usernames: BTreeSet<_> =
        calls.iter().filter_map(|call| call.username.as_deref()).map(str::to_lowercase).collect();
    found.retain(|value| value.len() >= SHORTEST && !usernames.contains(&value.to_lowercase()));
    found
}
