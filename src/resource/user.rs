//! The `ConnectUser` custom resource.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct, with its `pub`, into a function")]
#![allow(clippy::duplicated_attributes, reason = "each printcolumn has a type")]

mod identity_info;
mod password_secret_ref;
mod policy;
pub(crate) mod rule;
pub(crate) mod schema;

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::channel::{
    AfterContactWorkConfigPerChannel, AutoAcceptConfig, PersistentConnectionConfig, PhoneConfig, PhoneNumberConfig,
    VoiceEnhancementConfig,
};
use super::status::ConnectUserStatus;
use super::tags::Tags;
pub use identity_info::IdentityInfo;
pub use password_secret_ref::PasswordSecretRef;
pub use policy::{AdoptionPolicy, DeletionPolicy, DriftPolicy};

/// The user as it shall be. The names are those of AWS::Connect::User in lower camel case. A field
/// that is absent and was never set by this object is not managed: whatever the user has in Connect
/// stays. A field that this object has set and that is removed from the spec goes back to Connect's
/// default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "contactops.dev",
    version = "v1alpha1",
    kind = "ConnectUser",
    plural = "connectusers",
    shortname = "cuser",
    category = "connect",
    namespaced,
    doc = "One user of an Amazon Connect instance, as declared and as observed.",
    schema = "manual",
    status = "ConnectUserStatus",
    derive = "PartialEq",
    selectable = ".spec.username",
    printcolumn(
        name = "Username",
        type_ = "string",
        json_path = ".spec.username",
        description = "Name that the user signs in with."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether the user in Connect is as declared."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why Ready is what it is, in one word."
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Age of the object."
    ),
    printcolumn(
        name = "Instance",
        type_ = "string",
        json_path = ".spec.instanceArn",
        priority = 1,
        description = "ARN of the Amazon Connect instance."
    ),
    printcolumn(
        name = "User-ARN",
        type_ = "string",
        json_path = ".status.userArn",
        priority = 1,
        description = "ARN of the user."
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1,
        description = "Why Ready is what it is, and what to do next."
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::instance_arn_required(),
    validation = rule::not_both("instanceArn", "instanceRef"),
    validation = rule::immutable_once_set(
        "instanceRef",
        "may not change or be removed, since a user cannot move to another instance: create a new ConnectUser for \
         the other instance and delete this one",
    ),
    validation = rule::immutable_once_set(
        "instanceArn",
        "may not change or be removed, since a user cannot move to another instance: create a new ConnectUser for \
         the other instance and delete this one",
    ),
    validation = rule::immutable_once_set(
        "directoryUserId",
        "may not change or be removed once set, since Amazon Connect has no call for it: set it back, or create a \
         new ConnectUser and delete this one",
    ),
    validation = rule::either("routingProfileName", "routingProfileArn", "the routing profile"),
    validation = rule::not_both("routingProfileName", "routingProfileArn"),
    validation = rule::arn_of_instance("routingProfileArn", "routing-profile"),
    validation = rule::either("securityProfileNames", "securityProfileArns", "the security profiles"),
    validation = rule::not_both("securityProfileNames", "securityProfileArns"),
    validation = rule::arns_of_instance("securityProfileArns", "security-profile"),
    validation = rule::not_both("hierarchyGroupPath", "hierarchyGroupArn"),
    validation = rule::arn_of_instance("hierarchyGroupArn", "agent-group"),
    validation = rule::not_with_twin("phoneType", "phoneNumberConfigs"),
    validation = rule::not_with_twin("autoAccept", "autoAcceptConfigs"),
    validation = rule::not_with_twin("afterContactWorkTimeLimit", "afterContactWorkConfigs"),
    validation = rule::not_with_twin("deskPhoneNumber", "phoneNumberConfigs"),
    validation = rule::not_with_twin("persistentConnection", "persistentConnectionConfigs"),
)]
pub struct ConnectUserSpec {
    /// ARN of the Amazon Connect instance that the user belongs to, such as
    /// arn:aws:connect:eu-west-1:111122223333:instance/11111111-2222-3333-4444-555555555555. It also
    /// says which Region and account to talk to. Exactly one of instanceArn and instanceRef must be
    /// set. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rule::instance_arn())]
    pub instance_arn: Option<String>,
    /// ConnectInstance that speaks of the instance. Exactly one of instanceArn and instanceRef must be
    /// set. Immutable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = StructMerge::Atomic)]
    pub instance_ref: Option<InstanceRef>,
    /// Name that the user signs in with, such as jane.doe. Unique in the instance without regard to
    /// case. Letters a-z and A-Z, digits and _ . - are allowed, and @ in the form of an e-mail
    /// address. Connect allows 20 characters, or 64 where the instance uses SAML; with SAML it must
    /// be exactly what the identity provider sends. Immutable: Connect cannot rename a user.
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(
        validation = rule::matches(
            "^[a-zA-Z0-9_.@-]*$",
            "may hold only the letters a-z and A-Z, the digits, and _ . - @",
        ),
        validation = rule::matches(
            r"^([^@]*|[^@]+@[^@]+\.[^@.]+)$",
            "may hold @ only in the form of an e-mail address, such as jane.doe@example.com",
        ),
        validation = rule::immutable(
            "may not change, since Amazon Connect cannot rename a user: create a new ConnectUser with the new name \
             and delete this one",
        ),
    )]
    pub username: String,
    /// Who the user is. Absent: not managed. Where the users come from an existing directory, Connect
    /// takes firstName, lastName and email from the directory and refuses them here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_info: Option<IdentityInfo>,
    /// Name of the user's routing profile, such as Basic Routing Profile; looked up in the instance,
    /// exactly as written. Exactly one of routingProfileName and routingProfileArn must be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 127))]
    #[x_kube(validation = rule::not_empty())]
    pub routing_profile_name: Option<String>,
    /// ARN of the user's routing profile: the ARN of the instance, then /routing-profile/ and the id
    /// of the profile. Exactly one of routingProfileName and routingProfileArn must be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rule::arn("routing-profile", "a routing profile", "routingProfileName"))]
    pub routing_profile_arn: Option<String>,
    /// Names of the user's security profiles, 1 to 10, such as Agent; looked up in the instance,
    /// exactly as written. Their order is of no account. The user gets these and loses all others.
    /// Exactly one of securityProfileNames and securityProfileArns must be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10), inner(length(min = 1, max = 127)))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Set)]
    pub security_profile_names: Option<Vec<String>>,
    /// ARNs of the user's security profiles, 1 to 10: the ARN of the instance, then
    /// /security-profile/ and the id of the profile. Their order is of no account. The user gets
    /// these and loses all others. Exactly one of securityProfileNames and securityProfileArns must
    /// be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10), inner(length(max = 256)))]
    #[x_kube(
        validation = rule::not_empty(),
        validation = rule::arns("security-profile", "a security profile", "securityProfileNames"),
        merge_strategy = ListMerge::Set
    )]
    pub security_profile_arns: Option<Vec<String>>,
    /// Place of the user in the agent hierarchy: the names of the groups from the top down, 1 to 5,
    /// such as [EMEA, Support, Tier 1]; the user belongs to the last one. Absent, with
    /// hierarchyGroupArn absent as well: not managed. Removed: the user leaves its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5), inner(length(min = 1, max = 100)))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Atomic)]
    pub hierarchy_group_path: Option<Vec<String>>,
    /// ARN of the user's group in the agent hierarchy: the ARN of the instance, then /agent-group/
    /// and the id of the group. May not be set together with hierarchyGroupPath. Removed: the user
    /// leaves its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rule::arn("agent-group", "a hierarchy group", "hierarchyGroupPath"))]
    pub hierarchy_group_arn: Option<String>,
    /// Phone settings in their older form, one for all channels. Each member has a newer twin per
    /// channel (autoAcceptConfigs, afterContactWorkConfigs, phoneNumberConfigs,
    /// persistentConnectionConfigs) and may not be set together with it. Absent: not managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_config: Option<PhoneConfig>,
    /// Auto-accept per channel, at most one entry for each. Absent: not managed. May not be set
    /// together with phoneConfig.autoAccept. Example: [{channel: VOICE, autoAccept: true}]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Map(vec!["channel".into()]))]
    pub auto_accept_configs: Option<Vec<AutoAcceptConfig>>,
    /// Time for after contact work (ACW) per channel, at most one entry for each. Absent: not
    /// managed. May not be set together with phoneConfig.afterContactWorkTimeLimit. Example:
    /// [{channel: CHAT, afterContactWorkConfig: {afterContactWorkTimeLimit: 30}}]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Map(vec!["channel".into()]))]
    pub after_contact_work_configs: Option<Vec<AfterContactWorkConfigPerChannel>>,
    /// Phone type and number per channel; Connect has it for VOICE only. Absent: not managed. May not
    /// be set together with phoneConfig.phoneType and phoneConfig.deskPhoneNumber. Example:
    /// [{channel: VOICE, phoneType: DESK_PHONE, phoneNumber: "+493012345678"}]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Map(vec!["channel".into()]))]
    pub phone_number_configs: Option<Vec<PhoneNumberConfig>>,
    /// Persistent connection per channel; Connect has it for VOICE only. Absent: not managed. May not
    /// be set together with phoneConfig.persistentConnection. Example:
    /// [{channel: VOICE, persistentConnection: true}]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Map(vec!["channel".into()]))]
    pub persistent_connection_configs: Option<Vec<PersistentConnectionConfig>>,
    /// Voice enhancement per channel; Connect has it for VOICE only. Absent: not managed. Example:
    /// [{channel: VOICE, voiceEnhancementMode: NOISE_SUPPRESSION}]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Map(vec!["channel".into()]))]
    pub voice_enhancement_configs: Option<Vec<VoiceEnhancementConfig>>,
    /// What the user is good at, for routing: at most 10 entries, at most one for each pair of
    /// attributeName and attributeValue. Proficiencies that somebody else gave to the user stay; one
    /// that is removed here is taken from the user. Absent: not managed. Example:
    /// [{attributeName: Language, attributeValue: German, level: 4}]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 10))]
    #[x_kube(
        validation = rule::not_empty(),
        merge_strategy = ListMerge::Map(vec!["attributeName".into(), "attributeValue".into()])
    )]
    pub user_proficiencies: Option<Vec<UserProficiency>>,
    /// Id of the user in the existing directory that the instance uses, where Connect has no access
    /// to that directory itself. Connect refuses it on SAML instances. Immutable once set: no call of
    /// Connect changes it, so setting it on a user that was created without it is reported as
    /// InvalidSpec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rule::not_empty())]
    pub directory_user_id: Option<String>,
    /// The Secret that holds the user's first password, in the namespace of this object. Needed where
    /// Connect itself keeps the passwords (identity management CONNECT_MANAGED), refused by Connect
    /// elsewhere. Used once, when the user is created: no call of Connect changes a password, so a
    /// later change of the Secret has no effect (and is told by one event). The password must have 8 to 64 characters with a
    /// lower case letter, an upper case letter and a digit, and no spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = StructMerge::Atomic)]
    pub password_secret_ref: Option<PasswordSecretRef>,
    /// AWS tags of the user, at most 48. Tags that somebody else has put on the user stay; one that
    /// is removed here is removed from the user. Keys have 1 to 128 characters and may not begin with
    /// aws: or contactops.dev/; values have at most 256. Absent: not managed. Example:
    /// {team: support}
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    #[schemars(extend("maxProperties" = 48, "additionalProperties" = { "type": "string", "maxLength": 256 }))]
    #[x_kube(
        validation = rule::not_empty(),
        validation = rule::keys("key.size() >= 1 && key.size() <= 128", "must have keys of 1 to 128 characters"),
        validation = rule::keys(
            r"key.matches(r'^[\p{L}\p{Z}\p{N}_.:/=+@-]*$')",
            "may have only letters, digits, spaces and _ . : / = + - @ in its keys",
        ),
        validation = rule::keys(
            // IAM compares the keys of tags without regard to case.
            "!key.matches('^(?i)contactops[.]dev/')",
            "may not have keys that begin with contactops.dev/ in any case, which the operator keeps for its own tags: \
             choose another key",
        ),
        validation = rule::keys(
            "!key.matches('^(?i)aws:')",
            "may not have keys that begin with aws:, which AWS keeps for itself: choose another key",
        ),
    )]
    pub tags: Option<Tags>,
    /// What happens to the user in Connect when this object is deleted: Delete (default) deletes it
    /// for good, Retain lets it stay and takes the operator's tags off it. Only a user that carries
    /// the tags of this object is ever deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// What happens if a user with this username exists in the instance already: Refuse (default)
    /// leaves it alone and reports UsernameTaken, Adopt takes it over and brings it into the declared
    /// state. A user that belongs to another ConnectUser is never taken over.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,
    /// What happens if somebody changes the user past this object, for example in the console:
    /// Correct (default) changes it back, Report lists the differing fields in status.drift, reports
    /// Drifted and changes nothing. Changes of the spec are applied either way.
    #[serde(default)]
    pub drift_policy: DriftPolicy,
    /// True forbids every write to Connect for this object; a deletion waits, too. Default false. The
    /// annotation contactops.dev/suspend with value "true" does the same.
    #[serde(default)]
    pub suspend: bool,
}

/// Names a ConnectInstance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstanceRef {
    /// Name of the ConnectInstance.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// One thing that the user is good at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserProficiency {
    /// Name of a predefined attribute of the instance, such as Language.
    #[schemars(length(min = 1, max = 100))]
    pub attribute_name: String,
    /// One of the values of the predefined attribute, such as German.
    #[schemars(length(min = 1, max = 100))]
    pub attribute_value: String,
    /// How good, from 1 (least) to 5 (most).
    #[schemars(range(min = 1, max = 5))]
    pub level: i32,
}
