//! What the operator writes back: only what it saw or what Connect acknowledged.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct, with its `pub`, into a function")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{KubeSchema, ResourceExt};
use serde::{Deserialize, Serialize};

use super::FINALIZER;
use super::condition::ready;
use super::names::Names;
use super::user::{ConnectUser, schema};

/// What the operator saw or what Connect acknowledged. Written by the operator only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
// Without it, tools that follow kstatus take a new object, which has no status yet, for a finished one.
#[schemars(extend("default" = { "observedGeneration": -1 }))]
pub struct ConnectUserStatus {
    /// metadata.generation of the spec that this status speaks of; -1 until the operator has seen the
    /// object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// ARN of the user in Amazon Connect (UserArn of AWS::Connect::User).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub user_arn: Option<String>,
    /// Id of the user in Amazon Connect: the last part of userArn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub user_id: Option<String>,
    /// When Connect last changed the user, by Connect's own clock, as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_modified_time: Option<String>,
    /// When Connect last acknowledged a write of the operator to the user, by the operator's clock. A change
    /// that Connect dates later is somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_write_time: Option<String>,
    /// When the operator last set out to create the user. Written before CreateUser is called, so
    /// that a lost answer or a crash is recognised; a user may be invisible for minutes after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_create_attempt_time: Option<String>,
    /// Since when a user may carry the tags of this object although userId names none: the status was
    /// lost, as in a restored backup, or another object was about to hand its user over. Such a user is
    /// searched for by its tags before one is created, and before this object goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub may_have_user_since: Option<String>,
    /// The Secret that was read for the creation of the user. A later change of it is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret: Option<PasswordSecret>,
    /// What this object owns in the user: the fields, tags and proficiencies that it has set. Only
    /// these are put back to their default when they are removed from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// Fields in which the user differs from the spec, under driftPolicy Report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub drift: Vec<DriftedField>,
    /// The value of annotation contactops.dev/reconcile-requested-at that was last acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    // As much as the annotations of an object may hold: a shorter bound would refuse the whole status.
    #[schemars(length(max = 262_144))]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready says whether the user in Connect is as declared; it is Unknown while the operator is
    /// working. Reconciling (the operator will go on by itself) and Stalled (it needs a person) are
    /// there only while they are True.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

impl ConnectUserStatus {
    /// Whether anything says that there is, or may be, a user of this object.
    pub fn may_have_user(&self) -> bool {
        self.user_id.is_some() || self.last_create_attempt_time.is_some() || self.may_have_user_since.is_some()
    }
}

/// Whether a status was lost, as in a restored backup: the finalizer says that the operator has been here, and at
/// every look it leaves a condition.
pub fn is_lost(finalizers: &[String], conditions: &[Condition], has_user: bool) -> bool {
    finalizers.iter().any(|finalizer| finalizer == FINALIZER) && ready(conditions).is_none() && !has_user
}

impl ConnectUser {
    /// Whether the status was lost.
    pub fn has_lost_status(&self) -> bool {
        let (conditions, has_user) = self
            .status
            .as_ref()
            .map_or((&[][..], false), |status| (status.conditions.as_slice(), status.user_id.is_some()));
        is_lost(self.finalizers(), conditions, has_user)
    }
}

/// A version of a Secret: where it is and how the API server tells it from others, nothing of what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordSecret {
    /// Name of the Secret.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Key in it.
    #[schemars(length(max = 253))]
    pub key: String,
    /// metadata.uid of the Secret; absent while there is none of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub uid: Option<String>,
    /// metadata.resourceVersion of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub resource_version: Option<String>,
}

/// The ownership record, key by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// metadata.generation of the spec that was last applied in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub generation: Option<i64>,
    /// Fields of the user that this object has set, such as identityInfo.email or
    /// autoAcceptConfigs[VOICE].autoAccept.
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    #[schemars(with = "Vec<String>", length(max = 200), inner(length(max = 320)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub fields: Names,
    /// Keys of the tags that this object has set.
    #[serde(default, skip_serializing_if = "Names::is_empty")]
    #[schemars(with = "Vec<String>", length(max = 200), inner(length(max = 128)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub tag_keys: Names,
    /// Proficiencies that this object has set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub proficiencies: Vec<ProficiencyKey>,
}

/// Identity of a proficiency; its level is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProficiencyKey {
    /// Name of the predefined attribute.
    #[schemars(length(max = 100))]
    pub attribute_name: String,
    /// Value of the predefined attribute.
    #[schemars(length(max = 100))]
    pub attribute_value: String,
}

/// One difference between spec and user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftedField {
    /// Name of the field, such as identityInfo.email or tags[team].
    #[schemars(length(max = 320))]
    pub field: String,
    /// What the spec declares; absent where the value is personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub declared: Option<String>,
    /// What Connect has; absent where the value is personal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub observed: Option<String>,
}
