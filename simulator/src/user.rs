//! Shapes of a user as they travel on the wire; member names are those of the Connect model.

use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// A user, with everything that Connect keeps of it except the password.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct User {
    pub id: String,
    pub arn: String,
    pub username: String,
    pub identity_info: IdentityInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_config: Option<PhoneConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_user_id: Option<String>,
    pub security_profile_ids: Vec<String>,
    pub routing_profile_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hierarchy_group_id: Option<String>,
    pub tags: Tags,
    #[serde(flatten)]
    pub channels: ChannelConfigs,
    pub last_modified_time: Timestamp,
    pub last_modified_region: String,
    /// Not part of DescribeUser: ListUserProficiencies shows them.
    pub user_proficiencies: Vec<Proficiency>,
    /// Their own time, not the user's.
    pub proficiencies_last_modified_time: Timestamp,
}

/// Name and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct IdentityInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
}

/// The older phone settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PhoneConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_type: Option<PhoneType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_accept: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_contact_work_time_limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desk_phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent_connection: Option<bool>,
}

/// The five lists of settings by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[allow(missing_docs)]
pub struct ChannelConfigs {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auto_accept_configs: Vec<AutoAcceptConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after_contact_work_configs: Vec<AfterContactWorkConfigPerChannel>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phone_number_configs: Vec<PhoneNumberConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub persistent_connection_configs: Vec<PersistentConnectionConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub voice_enhancement_configs: Vec<VoiceEnhancementConfig>,
}

/// A kind of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Channel {
    Voice,
    Chat,
    Task,
    Email,
}

/// Soft phone or desk phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum PhoneType {
    SoftPhone,
    DeskPhone,
}

/// Audio enhancement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum VoiceEnhancementMode {
    VoiceIsolation,
    NoiseSuppression,
    None,
}

/// Auto-accept of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AutoAcceptConfig {
    pub channel: Channel,
    pub auto_accept: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_first_callback_auto_accept: Option<bool>,
}

/// After-contact work of one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AfterContactWorkConfigPerChannel {
    pub channel: Channel,
    pub after_contact_work_config: AfterContactWorkConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_first_callback_after_contact_work_config: Option<AfterContactWorkConfig>,
}

/// The limit in seconds (milliseconds in a SearchUsers answer).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct AfterContactWorkConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_contact_work_time_limit: Option<i64>,
}

/// Phone of the VOICE channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PhoneNumberConfig {
    pub channel: Channel,
    pub phone_type: PhoneType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
}

/// Persistent connection of the VOICE channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PersistentConnectionConfig {
    pub channel: Channel,
    pub persistent_connection: bool,
}

/// Audio enhancement of the VOICE channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct VoiceEnhancementConfig {
    pub channel: Channel,
    pub voice_enhancement_mode: VoiceEnhancementMode,
}

/// One proficiency; (AttributeName, AttributeValue) is the key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Proficiency {
    pub attribute_name: String,
    pub attribute_value: String,
    pub level: f64,
}

/// Where a quick connect leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct QuickConnectConfig {
    pub quick_connect_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_config: Option<UserQuickConnectConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_config: Option<QueueQuickConnectConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_config: Option<PhoneNumberQuickConnectConfig>,
}

/// Target of a USER quick connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UserQuickConnectConfig {
    pub user_id: String,
    pub contact_flow_id: String,
}

/// Target of a QUEUE quick connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct QueueQuickConnectConfig {
    pub queue_id: String,
    pub contact_flow_id: String,
}

/// Target of a PHONE_NUMBER quick connect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub struct PhoneNumberQuickConnectConfig {
    pub phone_number: String,
}

impl QuickConnectConfig {
    /// A quick connect to a user.
    #[must_use]
    pub fn user(user_id: &str, contact_flow_id: &str) -> Self {
        let config = UserQuickConnectConfig { user_id: user_id.into(), contact_flow_id: contact_flow_id.into() };
        Self { quick_connect_type: "USER".into(), user_config: Some(config), queue_config: None, phone_config: None }
    }

    /// A quick connect to a queue.
    #[must_use]
    pub fn queue(queue_id: &str, contact_flow_id: &str) -> Self {
        let config = QueueQuickConnectConfig { queue_id: queue_id.into(), contact_flow_id: contact_flow_id.into() };
        Self { quick_connect_type: "QUEUE".into(), user_config: None, queue_config: Some(config), phone_config: None }
    }
}
