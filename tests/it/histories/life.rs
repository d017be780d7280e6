//! The lives of objects, as the API server wrote them down.

use std::collections::BTreeMap;
use std::time::Duration;

use connect_user_operator::resource::user::{ConnectUser, ConnectUserSpec};
use harness::memory::{ApiServer, Change, Record};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde_json::Value;

use crate::support::contract::violations;

/// One object as it was from a moment on.
pub struct Version {
    pub number: u64,
    pub since: Timestamp,
    pub object: ConnectUser,
}

impl Version {
    pub fn spec(&self) -> &ConnectUserSpec {
        &self.object.spec
    }

    pub fn is_terminating(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    pub fn is_suspended(&self) -> bool {
        self.spec().suspend
    }
}

/// One object from its creation to its end.
pub struct Life {
    pub path: String,
    pub versions: Vec<Version>,
    pub gone: Option<Timestamp>,
}

impl Life {
    /// What it was at some time within `window` before `now`.
    pub fn recent(&self, now: Timestamp, window: Duration) -> impl Iterator<Item = &Version> {
        let from = now - SignedDuration::try_from(window).unwrap();
        let first = self.versions.iter().rposition(|version| version.since <= from).unwrap_or_default();
        self.versions[first..].iter()
    }

    pub fn last(&self) -> &Version {
        self.versions.last().unwrap()
    }

    /// Whether it is there, or was within `window`.
    pub fn was_there(&self, now: Timestamp, window: Duration) -> bool {
        self.gone.is_none_or(|gone| now.duration_since(gone) <= SignedDuration::try_from(window).unwrap())
    }
}

/// A ConnectInstance whose status tells of another one, or of another generation than it says.
fn wrong_instance(object: &Value) -> Option<String> {
    let status = &object["status"];
    let ready = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Ready")?;
    let is_current = status["observedGeneration"] == object["metadata"]["generation"];
    let is_frozen = object["spec"]["freeze"] == true;
    let says_frozen = match ready["reason"].as_str()? {
        "Frozen" => true,
        "InSync" => false,
        _ => return None,
    };
    (is_current && is_frozen != says_frozen).then(|| format!("a ConnectInstance tells of another one: {object}"))
}

/// All lives, by uid.
pub struct Lives {
    server: ApiServer,
    seen: u64,
    pub by_uid: BTreeMap<String, Life>,
    /// ConnectInstances as they were written: when, and under which resourceVersion.
    pub instances: Vec<Record>,
}

impl Lives {
    pub fn new(server: ApiServer) -> Self {
        Self { server, seen: 0, by_uid: BTreeMap::new(), instances: Vec::new() }
    }

    /// Reads on. What is wrong with the statuses that were written meanwhile.
    pub fn read_on(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for record in self.server.records_since(self.seen) {
            self.seen = record.version;
            if record.plural == "connectinstances" {
                wrong.extend(wrong_instance(&record.object));
                self.instances.push(record);
                continue;
            }
            if record.plural != "connectusers" {
                continue;
            }
            let object: ConnectUser = serde_json::from_value((*record.object).clone()).unwrap();
            wrong.extend(violations(&object));
            let path = format!("test/{}/{}", object.namespace().unwrap(), object.name_any());
            let life = self.by_uid.entry(object.uid().unwrap()).or_insert_with(|| Life {
                path,
                versions: Vec::new(),
                gone: None,
            });
            if record.change == Change::Deleted {
                life.gone = Some(record.time);
            }
            life.versions.push(Version { number: record.version, since: record.time, object });
        }
        wrong
    }

    /// The objects that are there.
    pub fn living(&self) -> impl Iterator<Item = (&String, &Life)> {
        self.by_uid.iter().filter(|(_, life)| life.gone.is_none())
    }

    /// The last object of this path that was there within `window`.
    pub fn at_path(&self, path: &str, now: Timestamp, window: Duration) -> Option<(&String, &Life)> {
        self.by_uid
            .iter()
            .filter(|(_, life)| life.path == path && life.was_there(now, window))
            .max_by_key(|(_, life)| life.last().number)
    }
}
