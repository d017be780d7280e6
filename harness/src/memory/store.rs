//! What the server holds: objects, the history of their changes, and who watches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::Now;
use super::faults::Fault;
use super::kinds::{self, Kind};
use super::ownership::Owners;
use super::watch::Watch;

/// Where an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) plural: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Made an object.
    Added,
    /// Changed one.
    Modified,
    /// It is gone.
    Deleted,
}

/// One write that had an effect.
#[derive(Clone, Debug)]
pub struct Record {
    /// The resourceVersion that it made.
    pub version: u64,
    /// When.
    pub time: Timestamp,
    /// The client, by name.
    pub client: Arc<str>,
    /// The kind, by its plural.
    pub plural: String,
    /// What it did.
    pub change: Change,
    /// The object afterwards; for one that is gone, as it was last.
    pub object: Arc<Value>,
}

#[derive(Clone)]
pub(super) struct Stored {
    pub(super) value: Arc<Value>,
    pub(super) owners: Owners,
}

pub(super) struct Store {
    pub(super) kinds: BTreeMap<String, Kind>,
    pub(super) now: Now,
    pub(super) version: u64,
    pub(super) uids: u64,
    pub(super) objects: BTreeMap<Key, Stored>,
    pub(super) records: Vec<Record>,
    /// Records up to this version were taken.
    pub(super) taken: u64,
    /// Changes up to this version are forgotten by watches.
    pub(super) compacted: u64,
    pub(super) watches: Vec<Watch>,
    /// While lagging: the version and the objects that are shown.
    pub(super) held: Option<(u64, BTreeMap<Key, Stored>)>,
    pub(super) shown: BTreeMap<(String, String), u64>,
    pub(super) faults: Vec<Fault>,
}

impl Store {
    pub(super) fn new(definitions: &[Value], now: Now) -> Self {
        let mut store = Self {
            kinds: kinds::all(definitions),
            now,
            version: 1,
            uids: 0,
            objects: BTreeMap::new(),
            records: Vec::new(),
            taken: 0,
            compacted: 0,
            watches: Vec::new(),
            held: None,
            shown: BTreeMap::new(),
            faults: Vec::new(),
        };
        let metadata = json!({ "name": "default", "uid": store.new_uid(), "resourceVersion": "1" });
        let value = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        let key = Key { plural: "namespaces".to_owned(), namespace: String::new(), name: "default".to_owned() };
        store.objects.insert(key, Stored { value: Arc::new(value), owners: Owners::default() });
        store
    }

    pub(super) fn new_uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-4000-8000-{:012}", self.uids)
    }

    /// Writes down a change, under the next resourceVersion, and tells whoever watches. The object as written.
    pub(super) fn commit(
        &mut self,
        client: &str,
        key: &Key,
        change: Change,
        mut object: Value,
        owners: Owners,
    ) -> Arc<Value> {
        self.version += 1;
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), json!(self.version.to_string()));
        }
        let object = Arc::new(object);
        if change == Change::Deleted {
            self.objects.remove(key);
        } else {
            self.objects.insert(key.clone(), Stored { value: Arc::clone(&object), owners });
        }
        self.records.push(Record {
            version: self.version,
            time: (self.now)(),
            client: client.into(),
            plural: key.plural.clone(),
            change,
            object: Arc::clone(&object),
        });
        self.show();
        object
    }

    /// Records that were not taken before. A few of the latest stay, for watches that begin anew.
    pub(super) fn take_records(&mut self) -> Vec<Record> {
        const KEPT: usize = 1000;
        let first = self.records.partition_point(|record| record.version <= self.taken);
        let new = self.records.get(first..).map(<[Record]>::to_vec).unwrap_or_default();
        self.taken = self.version;
        let old = self.records.len().saturating_sub(KEPT);
        if let Some(last) = self.records.drain(..old).next_back() {
            self.compacted = self.compacted.max(last.version);
        }
        new
    }

    /// The version that watches are shown.
    pub(super) fn visible(&self) -> u64 {
        self.held.as_ref().map_or(self.version, |(version, _)| *version)
    }

    pub(super) fn hold(&mut self) {
        if self.held.is_none() {
            self.held = Some((self.version, self.objects.clone()));
        }
    }

    pub(super) fn release(&mut self) {
        self.held = None;
        self.show();
    }

    pub(super) fn note_shown(&mut self, client: &str, plural: &str, version: u64) {
        let shown = self.shown.entry((client.to_owned(), plural.to_owned())).or_default();
        *shown = version.max(*shown);
    }
}
