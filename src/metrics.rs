//! What the process tells of itself in numbers, by subject: its reconciles, its calls to Amazon Connect, the
//! users that it keeps, its requests to the API server, and the process itself. `docs/metrics.md` has the list.
//!
//! Labels are bounded: operations, kinds of failure, reasons, and a limited number of instances and
//! accounts ([`bounded`]); never names of objects or users.

mod bounded;
mod calls;
mod process;
mod reconciles;
mod requests;
mod users;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::connect::ConnectError;
use crate::pace::Pace;
use crate::pace::queue::Class;
use crate::resource::condition::Reason;
use crate::user::ids::Instance;
pub use reconciles::{AtWork, End};
pub use requests::CountRequests;
pub use users::{Instances, UNKNOWN, View};

/// The metrics of one process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reconciles: reconciles::Reconciles,
    calls: calls::Calls,
    users: users::Users,
    requests: CountRequests,
    process: process::Process,
    /// Held while gauges are brought up to date and told.
    telling: Arc<Mutex<()>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics at zero.
    pub fn new() -> Self {
        let mut registry = Registry::default();
        Self {
            reconciles: reconciles::Reconciles::register(&mut registry),
            calls: calls::Calls::register(&mut registry),
            users: users::Users::register(&mut registry),
            requests: CountRequests::register(&mut registry),
            process: process::Process::register(&mut registry),
            registry: Arc::new(registry),
            telling: Arc::default(),
        }
    }

    /// A reconcile of a ConnectUser begins, which has waited for so long.
    pub fn begin(&self, waited: Duration) -> AtWork {
        self.reconciles.begin(reconciles::USERS, Some(waited))
    }

    /// A reconcile of a ConnectInstance begins.
    pub fn begin_instance(&self) -> AtWork {
        self.reconciles.begin(reconciles::INSTANCES, None)
    }

    /// A ConnectUser is to be looked at.
    pub fn queued(&self) {
        self.reconciles.queued();
    }

    /// Counts what a reconcile came to.
    pub fn came_to(&self, reason: Reason) {
        self.reconciles.came_to(reason);
    }

    /// Counts a call to Amazon Connect.
    pub fn called(
        &self,
        instance: &Instance,
        operation: &'static str,
        failure: Option<&ConnectError>,
        duration: Duration,
    ) {
        self.calls.called(instance, operation, failure, duration);
    }

    /// Counts a turn that was waited for.
    pub fn waited(&self, class: Class, time: Duration) {
        self.calls.waited(class, time);
    }

    /// Shows from now on how this pace stands.
    pub fn watch(&self, pace: &Pace) {
        self.calls.watch(pace);
    }

    /// Counts fields that drifted, by their paths; `is_corrected` or else only reported.
    pub fn drifted<'a>(&self, fields: impl Iterator<Item = &'a str>, is_corrected: bool) {
        self.users.drifted(fields, is_corrected);
    }

    /// Shows from now on how instances are doing. They are looked at whenever the metrics are told.
    pub fn watch_instances(&self, look: Instances) {
        self.users.watch(look);
    }

    /// Counts users that have to be looked at.
    pub fn suspected(&self, instance: &str, count: usize) {
        self.users.suspected(instance, count);
    }

    /// Counts an event that was told of an object, by the id of its instance.
    pub fn told(&self, instance: Option<&str>, reason: &'static str) {
        self.users.told(instance, reason);
    }

    /// Says whether this process may write. A process without an election always leads.
    pub fn lead(&self, leads: bool) {
        self.process.lead(leads);
    }

    /// Counts requests to the API server, as a layer of the client.
    pub fn requests(&self) -> CountRequests {
        self.requests.clone()
    }

    /// The exposition in OpenMetrics text.
    pub fn text(&self) -> String {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.reconciles.look(self.calls.pace());
        self.calls.look();
        self.users.look();
        self.process.look();
        let mut text = String::new();
        // Writing to a String cannot fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}
