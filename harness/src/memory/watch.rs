//! Watches: each reads the history from where it is.

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::answer::Failure;
use super::store::{Change, Store};

pub(super) struct Watch {
    client: String,
    plural: String,
    /// Empty for all.
    namespace: String,
    seen: u64,
    bookmarks: bool,
    events: UnboundedSender<Bytes>,
}

impl Store {
    /// Begins a watch after `from`. If that is forgotten it is told so by an event and ends, as the real one
    /// does it; a watcher of kube would ask for ever if it were refused.
    pub(super) fn watch(
        &mut self,
        client: &str,
        plural: &str,
        namespace: &str,
        from: u64,
        bookmarks: bool,
    ) -> UnboundedReceiver<Bytes> {
        let (events, receiver) = unbounded_channel();
        if from < self.compacted {
            let message = format!("too old resource version: {from} ({})", self.compacted);
            let expired = Failure::new(410, "Expired", message);
            // Whoever asked is there to take it.
            events.send(line(&json!({ "type": "ERROR", "object": expired.to_value() }))).ok();
            return receiver;
        }
        self.watches.push(Watch {
            client: client.to_owned(),
            plural: plural.to_owned(),
            namespace: namespace.to_owned(),
            seen: from,
            bookmarks,
            events,
        });
        self.show();
        receiver
    }

    /// Sends every watch what it has not seen and may see.
    pub(super) fn show(&mut self) {
        let (visible, mut shown) = (self.visible(), Vec::new());
        let records = &self.records;
        self.watches.retain_mut(|watch| {
            let first = records.partition_point(|record| record.version <= watch.seen);
            for record in records.iter().skip(first).take_while(|record| record.version <= visible) {
                let namespace =
                    record.object.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
                let concerns =
                    record.plural == watch.plural && (watch.namespace.is_empty() || watch.namespace == namespace);
                if !concerns {
                    continue;
                }
                let kind = match record.change {
                    Change::Added => "ADDED",
                    Change::Modified => "MODIFIED",
                    Change::Deleted => "DELETED",
                };
                if watch.events.send(line(&json!({ "type": kind, "object": *record.object }))).is_err() {
                    return false;
                }
            }
            watch.seen = watch.seen.max(visible);
            shown.push((watch.client.clone(), watch.plural.clone(), watch.seen));
            !watch.events.is_closed()
        });
        for (client, plural, version) in shown {
            self.note_shown(&client, &plural, version);
        }
    }

    /// Ends all watches; with 410 if the history is to be forgotten.
    pub(super) fn end_watches(&mut self, expired: bool) {
        let kinds = &self.kinds;
        for watch in self.watches.drain(..) {
            let event = if expired {
                let expired = Failure::new(410, "Expired", "too old resource version");
                json!({ "type": "ERROR", "object": expired.to_value() })
            } else if watch.bookmarks {
                let Some(kind) = kinds.get(&watch.plural) else { continue };
                let metadata = json!({ "resourceVersion": watch.seen.to_string() });
                let object = json!({ "apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata });
                json!({ "type": "BOOKMARK", "object": object })
            } else {
                continue;
            };
            // A client that is gone needs no farewell.
            watch.events.send(line(&event)).ok();
        }
        if expired {
            self.compacted = self.visible();
        }
    }
}

fn line(event: &Value) -> Bytes {
    let mut line = event.to_string().into_bytes();
    line.push(b'\n');
    line.into()
}
