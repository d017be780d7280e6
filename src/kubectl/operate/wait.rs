//! Waiting until objects are as they were asked to be, by a watch.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use kube::core::DeserializeGuard;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource};

use super::action::{Action, reason};
use crate::kubectl::cluster::full_name;
use crate::kubectl::terminal::progress::Progress;
use crate::kubectl::terminal::text::count;
use crate::resource::condition::{is_ready, ready};
use crate::resource::user::ConnectUser;

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Came {
    /// `<namespace>/<name>`.
    pub(super) name: String,
    /// The reason of its summary; none if it is gone.
    pub(super) reason: Option<String>,
    /// What it says.
    pub(super) message: String,
    /// Whether its user is as declared.
    pub(super) is_ready: bool,
}

/// Waits for all of these, by uid. What is left after the time is returned as names.
pub(super) async fn wait(
    api: Api<DeserializeGuard<ConnectUser>>,
    action: &Action,
    mut pending: BTreeMap<String, String>,
    timeout: Duration,
    progress: &mut Progress,
) -> (Vec<Came>, Vec<String>) {
    let (all, mut came) = (pending.len(), Vec::new());
    let deadline = tokio::time::Instant::now() + timeout;
    let mut events = pin!(watcher(api, watcher::Config::default()).default_backoff());
    let mut listed: Vec<String> = Vec::new();
    while !pending.is_empty() {
        let event = match tokio::time::timeout_at(deadline.min(tokio::time::Instant::now() + TICK), events.next()).await
        {
            Ok(Some(Ok(event))) => event,
            // The watch is begun again.
            Ok(Some(Err(_))) => continue,
            Ok(None) => break,
            Err(_) if tokio::time::Instant::now() >= deadline => break,
            Err(_) => {
                progress.tell(&format!("{} of {} done", all - pending.len(), count(all, "object")));
                continue;
            }
        };
        match event {
            watcher::Event::Init => listed.clear(),
            watcher::Event::InitApply(object) => {
                listed.extend(object.meta().uid.clone());
                settle(&object, action, &mut pending, &mut came);
            }
            watcher::Event::Apply(object) => settle(&object, action, &mut pending, &mut came),
            watcher::Event::Delete(object) => {
                came.extend(object.meta().uid.as_ref().and_then(|uid| pending.remove(uid)).map(gone));
            }
            watcher::Event::InitDone => {
                let missing: Vec<_> = pending.keys().filter(|uid| !listed.contains(uid)).cloned().collect();
                came.extend(missing.iter().filter_map(|uid| pending.remove(uid)).map(gone));
            }
        }
    }
    progress.clear();
    (came, pending.into_values().collect())
}

/// Whoever waits longer than this wants to know how far it is.
const TICK: Duration = Duration::from_secs(1);

fn settle(
    object: &DeserializeGuard<ConnectUser>,
    action: &Action,
    pending: &mut BTreeMap<String, String>,
    came: &mut Vec<Came>,
) {
    let Ok(user) = &object.0 else { return };
    let Some(uid) = &user.metadata.uid else { return };
    if !action.is_done(user) {
        return;
    }
    let Some(name) = pending.remove(uid) else { return };
    debug_assert_eq!(name, full_name(&user.metadata));
    let conditions = user.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    came.push(Came {
        name,
        reason: Some(reason(user).to_owned()),
        message: ready(conditions).map(|ready| ready.message.clone()).unwrap_or_default(),
        is_ready: is_ready(conditions, user.metadata.generation.unwrap_or_default()),
    });
}

fn gone(name: String) -> Came {
    Came { name, reason: None, message: String::new(), is_ready: false }
}
