//! One object under reconciliation: what was read of it, and the writes to the API server that it gets.
//!
//! Every write names uid and resourceVersion, so a write that was decided on a stale cache, or for an
//! earlier object of the same name, is refused instead of carried out.

use k8s_openapi::jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use kube::core::Status;
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use tracing::debug;

use super::Context;
use super::clock::Clock;
use crate::pace::paced::Work;
use crate::plan::report::{Outcome, Report, is_worth_writing, report};
use crate::resource::status::ConnectUserStatus;
use crate::resource::user::ConnectUser;
use crate::resource::{FINALIZER, MANAGER, RELEASE_ANNOTATION, SUSPEND_ANNOTATION};

/// Why the API server did not take a write.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    /// The object has changed since it was read.
    #[error("{what} of {object}: it has changed since it was read")]
    Stale {
        /// The write.
        what: &'static str,
        /// The object.
        object: String,
    },
    /// The object is gone.
    #[error("{what} of {object}: it is gone")]
    Gone {
        /// The write.
        what: &'static str,
        /// The object.
        object: String,
    },
    /// Anything else.
    #[error("{what} of {object} failed")]
    Api {
        /// The write.
        what: &'static str,
        /// The object.
        object: String,
        /// Cause.
        #[source]
        source: Box<kube::Error>,
    },
}

/// The object, with the status as the API server has it now.
pub(super) struct Subject<'a> {
    pub(super) object: &'a ConnectUser,
    pub(super) status: ConnectUserStatus,
    pub(super) generation: i64,
    pub(super) uid: String,
    pub(super) namespace: String,
    pub(super) name: String,
    /// As what calls for it are made.
    pub(super) work: Work,
    finalizers: Vec<String>,
    resource_version: String,
    api: Api<ConnectUser>,
    clock: Clock,
    /// Whether labels decide who looks after the object.
    is_by_label: bool,
}

impl<'a> Subject<'a> {
    pub(super) fn new(cx: &Context, object: &'a ConnectUser, work: Work) -> Self {
        let namespace = object.namespace().unwrap_or_default();
        Self {
            object,
            status: remembered(object, cx.clock.now()),
            generation: object.metadata.generation.unwrap_or_default(),
            uid: object.uid().unwrap_or_default(),
            name: object.name_any(),
            finalizers: object.finalizers().to_vec(),
            resource_version: object.resource_version().unwrap_or_default(),
            api: Api::namespaced(cx.client.clone(), &namespace),
            clock: cx.clock.clone(),
            is_by_label: cx.selector.is_some(),
            work,
            namespace,
        }
    }

    /// Whether our finalizer is there.
    pub(super) fn is_held(&self) -> bool {
        self.finalizers.iter().any(|finalizer| finalizer == FINALIZER)
    }

    /// The object's version after the last read or write.
    pub(super) fn resource_version(&self) -> &str {
        &self.resource_version
    }

    /// Adds our finalizer, so that the object cannot go before its user is dealt with.
    pub(super) async fn hold(&mut self) -> Result<(), PublishError> {
        if self.is_held() {
            return Ok(());
        }
        let mut finalizers = self.finalizers.clone();
        finalizers.push(FINALIZER.to_owned());
        self.patch_finalizers(finalizers, "adding the finalizer").await
    }

    /// Removes our finalizer, and no other. Reads the object again first: others, such as the garbage
    /// collector in a foreground deletion, change the list meanwhile.
    pub(super) async fn let_go(&mut self) -> Result<(), PublishError> {
        const WHAT: &str = "removing the finalizer";
        const TRIES: usize = 4;
        for attempt in 1.. {
            let finalizers = self.finalizers.iter().filter(|finalizer| *finalizer != FINALIZER).cloned().collect();
            match self.patch_finalizers(finalizers, WHAT).await {
                Ok(()) | Err(PublishError::Gone { .. }) => break,
                Err(PublishError::Stale { .. }) if attempt < TRIES => {
                    if self.read_again(WHAT).await? == Live::Gone {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes what came of a reconcile into the status, if that is new, and returns what else there is to tell.
    ///
    /// After calls to Connect the facts must not be lost, so on a conflict the object is read again and
    /// the same facts are added to what its status says by now, which may be more: a user that another operator has made
    /// or another object hands over. Before calls a conflict is an error, because the decision was made on a stale
    /// object (`on_stale`).
    pub(super) async fn publish(&mut self, mut outcome: Outcome, on_stale: OnStale) -> Result<Report, PublishError> {
        const WHAT: &str = "writing the status";
        const TRIES: usize = 4;
        for attempt in 1.. {
            let report = report(&self.status, self.generation, self.clock.now(), outcome.clone());
            if !is_worth_writing(&self.status, &report.status) {
                return Ok(report);
            }
            match self.patch_status(&report.status).await {
                Err(PublishError::Stale { .. }) if on_stale == OnStale::ReadAgain && attempt < TRIES => {
                    let Some(live) = self.fetch(WHAT).await? else { break };
                    let status = remembered(&live, self.clock.now());
                    outcome.facts.user_gone &= status.user_id == self.status.user_id;
                    self.status = status;
                }
                result => {
                    result?;
                    self.status.clone_from(&report.status);
                    return Ok(report);
                }
            }
        }
        Err(PublishError::Gone { what: WHAT, object: self.to_string() })
    }

    /// Writes down that a user may carry the marks of this object from now on, before another object hands its user
    /// over to it: this one may go before it has seen the user, and must not leave it behind.
    pub(super) async fn announce_user(&mut self) -> Result<(), PublishError> {
        if self.status.may_have_user() {
            return Ok(());
        }
        let status = ConnectUserStatus {
            // Or tools that follow kstatus would take it for seen.
            observed_generation: self.status.observed_generation.or(Some(-1)),
            may_have_user_since: Some(self.clock.now().to_string()),
            ..self.status.clone()
        };
        self.patch_status(&status).await
    }

    /// Reads the object from the API server. What is deleted or created in Connect is decided on this, not
    /// on a cache.
    pub(super) async fn read_again(&mut self, what: &'static str) -> Result<Live, PublishError> {
        let Some(live) = self.fetch(what).await? else { return Ok(Live::Gone) };
        let annotations = [SUSPEND_ANNOTATION, RELEASE_ANNOTATION];
        let status = live.status.clone().unwrap_or_default();
        // Another object may be about to hand its user over.
        let is_announced = status.may_have_user_since.is_some() && self.status.may_have_user_since.is_none();
        let is_same = live.metadata.generation == Some(self.generation)
            // A status that somebody has wiped does not own any more what is about to be written.
            && status.applied == self.status.applied
            // Another operator may have made the user.
            && status.user_id == self.status.user_id
            && !is_announced
            // By another label it may be another operator's.
            && (!self.is_by_label || live.labels() == self.object.labels())
            && annotations.iter().all(|key| live.annotations().get(*key) == self.object.annotations().get(*key));
        Ok(if live.metadata.deletion_timestamp.is_some() {
            Live::Terminating { is_same }
        } else {
            Live::Living { is_same }
        })
    }

    /// The object as the API server has it, unless it is gone or another one has its name. What is written next is
    /// written onto this version.
    async fn fetch(&mut self, what: &'static str) -> Result<Option<ConnectUser>, PublishError> {
        let live = self.api.get_opt(&self.name).await.map_err(|error| self.error(what, error))?;
        let live = live.filter(|live| live.uid().as_deref() == Some(&self.uid));
        if let Some(live) = &live {
            self.finalizers = live.finalizers().to_vec();
            self.resource_version = live.resource_version().unwrap_or_default();
        }
        Ok(live)
    }

    async fn patch_finalizers(&mut self, finalizers: Vec<String>, what: &'static str) -> Result<(), PublishError> {
        let patch = json!({ "metadata": {
            "uid": self.uid,
            "resourceVersion": self.resource_version,
            "finalizers": finalizers,
        }});
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self
            .api
            .patch_metadata(&self.name, &params, &Patch::Merge(patch))
            .await
            .map_err(|error| self.error(what, error))?;
        self.finalizers = finalizers;
        self.resource_version = patched.metadata.resource_version.unwrap_or_default();
        Ok(())
    }

    async fn patch_status(&mut self, status: &ConnectUserStatus) -> Result<(), PublishError> {
        let patch = json!({
            "apiVersion": ConnectUser::api_version(&()),
            "kind": ConnectUser::kind(&()),
            "metadata": { "uid": self.uid, "resourceVersion": self.resource_version },
            "status": status,
        });
        let params = PatchParams::apply(MANAGER).force();
        let patched = self
            .api
            .patch_status(&self.name, &params, &Patch::Apply(patch))
            .await
            .map_err(|error| self.error("writing the status", error))?;
        self.resource_version = patched.resource_version().unwrap_or_default();
        debug!(object = %self, "wrote status");
        Ok(())
    }

    fn error(&self, what: &'static str, error: kube::Error) -> PublishError {
        let object = self.to_string();
        match error {
            kube::Error::Api(status) if status.is_conflict() => PublishError::Stale { what, object },
            kube::Error::Api(status) if status.is_not_found() || is_about_uid(&status) => {
                PublishError::Gone { what, object }
            }
            source => PublishError::Api { what, object, source: Box::new(source) },
        }
    }
}

/// What the object's status says. One that was lost, as in a restored backup, says nothing of the user that there may be.
fn remembered(object: &ConnectUser, now: Timestamp) -> ConnectUserStatus {
    let mut status = object.status.clone().unwrap_or_default();
    if object.has_lost_status() {
        let since = object.metadata.deletion_timestamp.as_ref().map_or(now, |began| began.0);
        status.may_have_user_since.get_or_insert_with(|| since.to_string());
    }
    status
}

/// Whether a patch was refused because the object of this name is another one: its uid may not be changed.
fn is_about_uid(status: &Status) -> bool {
    status.code == 422 && status.message.contains("metadata.uid: ")
}

/// The object as the API server has it now, unless it is gone or another one has its name.
pub(super) async fn read(client: &Client, object: &ConnectUser) -> Result<Option<ConnectUser>, PublishError> {
    const WHAT: &str = "reading what the cache does not know yet";
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let api: Api<ConnectUser> = Api::namespaced(client.clone(), &namespace);
    let live = api.get_opt(&name).await.map_err(|error| {
        let object = format!("{namespace}/{name}");
        PublishError::Api { what: WHAT, object, source: Box::new(error) }
    })?;
    Ok(live.filter(|live| live.uid() == object.uid()))
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The object as the API server has it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Live {
    /// It is there and is to stay.
    Living {
        /// Whether spec and annotations are those that are being carried out.
        is_same: bool,
    },
    /// It is being deleted.
    Terminating {
        /// Whether spec and annotations are those that are being carried out.
        is_same: bool,
    },
    /// It is gone, or another one has its name.
    Gone,
}

/// What to do when the object has changed since it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnStale {
    /// Give up: the decision must be made anew.
    GiveUp,
    /// Write all the same: the facts are facts.
    ReadAgain,
}
