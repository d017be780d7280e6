//! What the statuses say of all objects together: a value, from objects alone.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use super::quota::Quota;
use crate::kubectl::cluster::instance_arn;
use crate::resource::condition::{Reason, STALLED, is_ready, ready};
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;

/// In place of a reason: the operator has not told anything of this generation yet.
pub(super) const NOT_SEEN: &str = "NotSeen";

/// Everything at one glance.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    /// Namespace that was looked into; none means all.
    pub(super) namespace: Option<String>,
    /// Instances that objects or ConnectInstances speak of.
    pub(super) instances: Vec<InstanceView>,
    /// Objects that are not as declared, or are going; those that need a person first, then the longest.
    pub(super) waiting: Vec<ObjectView>,
    /// Objects whose user differs and is left so.
    pub(super) drifted: Vec<DriftView>,
    /// How fast the operator calls, if it could be asked.
    pub(super) quota: Option<Quota>,
    /// What could not be told, and why.
    pub(super) notes: Vec<String>,
}

/// An instance.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceView {
    /// ARN; empty for objects whose instance cannot be told.
    pub(super) instance_arn: String,
    /// ConnectInstances that speak of it.
    pub(super) connect_instances: Vec<String>,
    /// How the first of them is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// What it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    /// Who keeps the passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) identity_management_type: Option<String>,
    /// When all its users were last listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_sweep_time: Option<String>,
    /// Users that no object has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unmanaged: Option<i32>,
    /// Deletions that wait for a person.
    pub(super) held: usize,
    /// Objects of the scope.
    pub(super) objects: usize,
    /// The same by reason.
    pub(super) reasons: BTreeMap<String, ReasonView>,
}

/// Objects with one reason.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReasonView {
    /// How many.
    pub(super) objects: usize,
    /// Since when the first of them is like that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
}

/// An object that is not as declared.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectView {
    /// Namespace.
    pub(super) namespace: String,
    /// Name.
    pub(super) name: String,
    /// Login name.
    pub(super) username: String,
    /// ARN of its instance.
    pub(super) instance_arn: String,
    /// Why it is not.
    pub(super) reason: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
    /// What the operator says of it.
    pub(super) message: String,
    /// Whether it is being deleted.
    pub(super) is_deleting: bool,
    /// Whether nothing will get better without a person.
    pub(super) is_stalled: bool,
}

/// An object whose user differs from it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DriftView {
    /// Namespace.
    pub(super) namespace: String,
    /// Name.
    pub(super) name: String,
    /// Names of the fields.
    pub(super) fields: Vec<String>,
}

impl Overview {
    /// Of these objects.
    pub(super) fn of(users: &[ConnectUser], instances: &[ConnectInstance]) -> Self {
        let mut views: BTreeMap<String, InstanceView> = BTreeMap::new();
        for instance in instances {
            let view = views.entry(instance.spec.instance_arn.clone()).or_default();
            view.connect_instances.push(instance.name_any());
            let Some(status) = &instance.status else { continue };
            view.identity_management_type = status.identity_management_type.clone();
            view.last_sweep_time = status.last_sweep_time.clone();
            view.unmanaged = status.users.and_then(|users| users.unmanaged);
            if let Some(ready) = ready(&status.conditions) {
                view.reason = Some(ready.reason.clone());
                view.message = Some(ready.message.clone());
            }
        }
        let (mut waiting, mut drifted) = (Vec::new(), Vec::new());
        for user in users {
            let arn = instance_arn(user, instances).unwrap_or_default();
            let (reason, since) = standing(user);
            let view = views.entry(arn.clone()).or_default();
            view.objects += 1;
            view.held += usize::from(reason == Reason::DeletionHeld.as_str());
            let by_reason = view.reasons.entry(reason.clone()).or_default();
            by_reason.objects += 1;
            by_reason.since = [by_reason.since, since].into_iter().flatten().min();
            if !is_as_declared(user) {
                waiting.push(object(user, arn, reason, since));
            }
            let drift: Vec<_> = drift(user).map(str::to_owned).collect();
            if !drift.is_empty() {
                let (namespace, name) = (user.namespace().unwrap_or_default(), user.name_any());
                drifted.push(DriftView { namespace, name, fields: drift });
            }
        }
        waiting.sort_by(|a, b| {
            let key = |view: &ObjectView| (!view.is_stalled, view.since.is_none(), view.since);
            key(a).cmp(&key(b)).then_with(|| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)))
        });
        for (arn, view) in &mut views {
            view.instance_arn.clone_from(arn);
        }
        Self {
            namespace: None,
            instances: views.into_values().collect(),
            waiting,
            drifted,
            quota: None,
            notes: Vec::new(),
        }
    }
}

fn conditions(user: &ConnectUser) -> &[Condition] {
    user.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default()
}

fn drift(user: &ConnectUser) -> impl Iterator<Item = &str> {
    user.status.iter().flat_map(|status| &status.drift).map(|drift| drift.field.as_str())
}

fn is_as_declared(user: &ConnectUser) -> bool {
    let generation = user.metadata.generation.unwrap_or_default();
    user.metadata.deletion_timestamp.is_none() && is_ready(conditions(user), generation)
}

/// Its reason, and since when.
pub(super) fn standing(user: &ConnectUser) -> (String, Option<Timestamp>) {
    match ready(conditions(user)) {
        Some(ready) if ready.observed_generation == user.metadata.generation => {
            (ready.reason.clone(), Some(ready.last_transition_time.0))
        }
        // When it was edited is written nowhere.
        seen => {
            let meta = &user.metadata;
            let since = meta
                .deletion_timestamp
                .as_ref()
                .or_else(|| meta.creation_timestamp.as_ref().filter(|_| seen.is_none()));
            (NOT_SEEN.to_owned(), since.map(|time| time.0))
        }
    }
}

fn object(user: &ConnectUser, instance_arn: String, reason: String, since: Option<Timestamp>) -> ObjectView {
    let conditions = conditions(user);
    let message = match ready(conditions) {
        _ if reason == NOT_SEEN => format!(
            "the operator has not told anything of generation {} yet",
            user.metadata.generation.unwrap_or_default()
        ),
        ready => ready.map(|ready| ready.message.clone()).unwrap_or_default(),
    };
    ObjectView {
        namespace: user.namespace().unwrap_or_default(),
        name: user.name_any(),
        username: user.spec.username.clone(),
        instance_arn,
        reason,
        since,
        message,
        is_deleting: user.metadata.deletion_timestamp.is_some(),
        is_stalled: conditions.iter().any(|condition| condition.type_ == STALLED),
    }
}
