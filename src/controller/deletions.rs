//! The memory of the deletion brake: how many users went, by instance and minute. Kept in a ConfigMap
//! beside the operator, because a restart must not make the count begin anew, and because two operators
//! in a takeover must see one count.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::subject::PublishError;
use crate::policy::{Minutes, in_window};
use crate::resource::MANAGER;
use crate::user::ids::{Instance, UserId};

/// Name of the ConfigMap.
const NAME: &str = "connect-user-operator-deletions";
/// Minutes older than this are dropped; no window is longer.
const KEPT_MINUTES: i64 = 7 * 24 * 60;

/// Counts deletions.
pub(super) struct Deletions {
    maps: Api<ConfigMap>,
    /// When this process counted the deletion of a user, which is tried again where it failed. A restart
    /// forgets it and counts once more: rather too many than too few.
    counted: Mutex<HashMap<(Instance, UserId), Timestamp>>,
}

impl Deletions {
    /// Keeps the count in `namespace`, the operator's own.
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self { maps: Api::namespaced(client, namespace), counted: Mutex::default() }
    }

    /// How many other users of an instance than this one were deleted in the window that ends now.
    pub(super) async fn in_window(
        &self,
        instance: &Instance,
        user: &UserId,
        window: Duration,
        now: Timestamp,
    ) -> Result<u32, PublishError> {
        let map = self.maps.get_opt(NAME).await.map_err(failed("reading the count of deletions"))?;
        let count = in_window(&minutes(map.as_ref(), instance), now.as_second(), window);
        let is_itself_counted = self.lock().get(&(instance.clone(), user.clone())).is_some_and(|counted| {
            SignedDuration::try_from(window).is_ok_and(|window| now.duration_since(*counted) <= window)
        });
        Ok(count.saturating_sub(u32::from(is_itself_counted)))
    }

    /// Counts the deletion of a user, once however often it is tried.
    pub(super) async fn record(&self, instance: &Instance, user: &UserId, now: Timestamp) -> Result<(), PublishError> {
        let key = (instance.clone(), user.clone());
        if self.lock().contains_key(&key) {
            return Ok(());
        }
        self.add(instance, now).await?;
        let mut counted = self.lock();
        counted.retain(|_, at| now.duration_since(*at) < SignedDuration::from_mins(KEPT_MINUTES));
        counted.insert(key, now);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Instance, UserId), Timestamp>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn add(&self, instance: &Instance, now: Timestamp) -> Result<(), PublishError> {
        const WHAT: &str = "counting a deletion";
        const TRIES: usize = 8;
        let minute = now.as_second().div_euclid(60);
        for attempt in 1.. {
            let map = self.maps.get_opt(NAME).await.map_err(failed(WHAT))?;
            let mut minutes = minutes(map.as_ref(), instance);
            minutes.retain(|kept, _| minute - kept < KEPT_MINUTES);
            *minutes.entry(minute).or_default() += 1;
            let text = serde_json::to_string(&minutes).unwrap_or_default();
            let result = match &map {
                Some(map) => {
                    let version = &map.metadata.resource_version;
                    let patch = json!({ "metadata": { "resourceVersion": version }, "data": { key(instance): text } });
                    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
                    self.maps.patch(NAME, &params, &Patch::Merge(patch)).await
                }
                None => {
                    let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
                    let data = Some([(key(instance), text)].into());
                    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
                    self.maps.create(&params, &ConfigMap { metadata, data, ..ConfigMap::default() }).await
                }
            };
            match result {
                Ok(_) => break,
                // Another reconcile, or another operator, counted at the same time.
                Err(kube::Error::Api(status))
                    if attempt < TRIES && (status.is_conflict() || status.is_already_exists()) => {}
                Err(error) => return Err(failed(WHAT)(error)),
            }
        }
        Ok(())
    }
}

fn key(instance: &Instance) -> String {
    format!("{}.{}.{}", instance.region(), instance.account(), instance.id())
}

fn minutes(map: Option<&ConfigMap>, instance: &Instance) -> Minutes {
    let text = map.and_then(|map| map.data.as_ref()).and_then(|data| data.get(&key(instance)));
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn failed(what: &'static str) -> impl Fn(kube::Error) -> PublishError {
    move |source| PublishError::Api { what, object: format!("ConfigMap {NAME}"), source: Box::new(source) }
}
