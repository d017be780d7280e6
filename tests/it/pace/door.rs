//! The gate as tasks wait at it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use connect_user_operator::pace::gate::{Entry, Gate};
use connect_user_operator::pace::queue::Ticket;
use tokio::sync::Notify;

/// Waits at a gate as the controller does: who is called asks again.
#[derive(Clone)]
pub struct Door {
    gate: Gate,
    waiting: Arc<Mutex<BTreeMap<String, Arc<Notify>>>>,
}

impl Door {
    pub fn of(gate: &Gate) -> Self {
        let waiting: Arc<Mutex<BTreeMap<String, Arc<Notify>>>> = Arc::default();
        let all = Arc::clone(&waiting);
        gate.on_call(move |object| all.lock().unwrap().get(object).map(|called| called.notify_one()).is_some());
        Self { gate: gate.clone(), waiting }
    }

    pub async fn enter(&self, object: &str, ticket: Ticket) -> Entry {
        /// Whoever stops waiting is gone.
        struct Leave<'a>(&'a Door, &'a str);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.waiting.lock().unwrap().remove(self.1);
                self.0.gate.leave(self.1);
            }
        }
        let called = Arc::new(Notify::new());
        self.waiting.lock().unwrap().insert(object.to_owned(), Arc::clone(&called));
        let _leave = Leave(self, object);
        loop {
            if let Some(entry) = self.gate.ask(object, &ticket).entry {
                return entry;
            }
            called.notified().await;
        }
    }
}
