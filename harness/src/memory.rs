//! An API server in memory, for tests that need thousands of them or need time to stand still: a
//! [`tower_service::Service`] that [`kube::Client::new`] takes, without sockets, threads or a clock of its own.
//!
//! It does what the operator and its tests ask of an API server, as the real one does it (a differential test
//! compares the two), and refuses everything else with 501 rather than guess. What it leaves out: admission
//! (schemas default and prune but do not validate), authorisation, managedFields in objects (ownership is kept
//! beside them), selectors, and server-side apply other than a forced one of the status subresource.

mod answer;
mod faults;
mod kinds;
mod metadata;
mod ownership;
mod request;
mod schema;
mod store;
mod watch;
mod writes;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::Value;

use self::answer::Reply;
pub use self::faults::{Fault, Harm};
use self::store::Store;
pub use self::store::{Change, Record};

/// What time it is.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// How long a request takes on its way there, and the answer on its way back.
pub type Latency = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The server; clones share their state.
#[derive(Clone)]
pub struct ApiServer {
    store: Arc<Mutex<Store>>,
}

impl ApiServer {
    /// A server that knows Secrets, ConfigMaps, Events, Namespaces and the kinds of these
    /// CustomResourceDefinitions, with namespace `default` and nothing else.
    pub fn new(definitions: &[Value], now: Now) -> Self {
        Self { store: Arc::new(Mutex::new(Store::new(definitions, now))) }
    }

    /// A client, known to the server by `name`, whose requests take as long as `latency` says.
    pub fn client(&self, name: &str, latency: Option<Latency>) -> Client {
        Client::new(Connection { store: Arc::clone(&self.store), name: name.into(), latency }, "default")
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    /// Everything that was ever written, in order.
    pub fn records_since(&self, version: u64) -> Vec<Record> {
        self.store().records.iter().filter(|record| record.version > version).cloned().collect()
    }

    /// The same since this was last asked, which is then forgotten but for the latest: for runs that write
    /// millions. Watches cannot go on from what is forgotten.
    pub fn take_records(&self) -> Vec<Record> {
        self.store().take_records()
    }

    /// The resourceVersion of the latest write.
    pub fn version(&self) -> u64 {
        self.store().version
    }

    /// All objects of a kind, by its plural, as they are now.
    pub fn objects(&self, plural: &str) -> Vec<Arc<Value>> {
        self.store()
            .objects
            .iter()
            .filter(|(key, _)| key.plural == plural)
            .map(|(_, stored)| Arc::clone(&stored.value))
            .collect()
    }

    /// The resourceVersion up to which `client` has been shown changes of a kind, by listing or watching.
    pub fn shown(&self, client: &str, plural: &str) -> u64 {
        self.store().shown.get(&(client.to_owned(), plural.to_owned())).copied().unwrap_or_default()
    }

    /// Adds a fault behind those there are.
    pub fn inject(&self, fault: Fault) {
        self.store().faults.push(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.store().faults.clear();
    }

    /// Ends all watches, as a server that restarts does.
    pub fn drop_watches(&self) {
        self.store().end_watches(false);
    }

    /// Forgets the history: watches get 410, and so does whoever wants to go on from before.
    pub fn compact(&self) {
        self.store().end_watches(true);
    }

    /// From now on watches, and lists that take any version, show the past: what a server shows that lags
    /// behind. Writes and other reads are not affected.
    pub fn hold(&self) {
        self.store().hold();
    }

    /// Watches catch up.
    pub fn release(&self) {
        self.store().release();
    }
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client's way to the server.
struct Connection {
    store: Arc<Mutex<Store>>,
    name: Arc<str>,
    latency: Option<Latency>,
}

/// The connection broke.
#[derive(Debug, thiserror::Error)]
#[error("connection to the api server in memory closed, as a fault asked")]
struct Broken;

impl tower_service::Service<Request<Body>> for Connection {
    type Response = Response<Reply>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (store, name, latency) = (Arc::clone(&self.store), Arc::clone(&self.name), self.latency.clone());
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await?;
            pause(latency.as_ref()).await;
            let response = request::handle(&store, &name, &parts, &body);
            pause(latency.as_ref()).await;
            response.ok_or_else(|| Broken.into())
        })
    }
}

async fn pause(latency: Option<&Latency>) {
    let Some(latency) = latency else { return };
    let pause = latency();
    if pause > Duration::ZERO {
        tokio::time::sleep(pause).await;
    }
}

/// Bodies of answers never fail.
type Never = Infallible;
