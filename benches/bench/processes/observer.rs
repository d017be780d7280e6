//! Watches the objects as anybody could, and counts what is written to them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use connect_user_operator::resource::user::ConnectUser;
use futures::StreamExt;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::objects;

/// What was seen so far.
#[derive(Clone, Default)]
pub struct Observer(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    objects: HashMap<String, Object>,
    ready: usize,
    changes: usize,
    statuses: usize,
    last: Option<Instant>,
}

struct Object {
    version: Option<String>,
    status: String,
    is_ready: bool,
}

impl Observer {
    /// Begins to watch.
    pub fn start(api: Api<ConnectUser>) -> Self {
        let observer = Self::default();
        let seen = observer.clone();
        let events = watcher(api, watcher::Config::default()).default_backoff();
        tokio::spawn(events.for_each(move |event| {
            match event {
                Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => seen.applied(&object),
                Ok(watcher::Event::Delete(object)) => seen.deleted(&object),
                Ok(_) | Err(_) => {}
            }
            std::future::ready(())
        }));
        observer
    }

    fn applied(&self, object: &ConnectUser) {
        let value = json!({
            "status": object.status, "metadata": { "generation": object.metadata.generation },
        });
        let (version, is_ready) = (object.resource_version(), objects::is_ready(&value));
        let status = value["status"].to_string();
        let mut seen = self.0.lock().unwrap();
        seen.last = Some(Instant::now());
        let now = Object { version, status, is_ready };
        let before = seen.objects.insert(object.name_any(), now);
        seen.ready += usize::from(is_ready);
        if let Some(before) = before {
            seen.ready -= usize::from(before.is_ready);
            let after = &seen.objects[&object.name_any()];
            let (is_change, is_status) = (after.version != before.version, after.status != before.status);
            seen.changes += usize::from(is_change);
            seen.statuses += usize::from(is_status);
        }
    }

    fn deleted(&self, object: &ConnectUser) {
        let mut seen = self.0.lock().unwrap();
        seen.last = Some(Instant::now());
        if let Some(before) = seen.objects.remove(&object.name_any()) {
            seen.ready -= usize::from(before.is_ready);
        }
    }

    /// How many objects there are, and how many of them are ready.
    pub fn count(&self) -> (usize, usize) {
        let seen = self.0.lock().unwrap();
        (seen.objects.len(), seen.ready)
    }

    /// Writes to objects that were there, and those of them that changed a status, since this was last asked.
    pub fn take_changes(&self) -> (usize, usize) {
        let mut seen = self.0.lock().unwrap();
        (std::mem::take(&mut seen.changes), std::mem::take(&mut seen.statuses))
    }

    /// Waits until there are so many objects and all are ready; the moment of the last change.
    pub async fn until(&self, objects: usize, ready: usize, within: Duration) -> Instant {
        let deadline = Instant::now() + within;
        while self.count() != (objects, ready) {
            assert!(Instant::now() < deadline, "{:?} instead of {objects} objects, {ready} ready", self.count());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.0.lock().unwrap().last.unwrap_or_else(Instant::now)
    }
}
