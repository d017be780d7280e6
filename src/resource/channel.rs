//! The settings of an agent that Amazon Connect keeps per channel.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct, with its `pub`, into a function")]

use std::fmt;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::user::rule;

/// A channel of Amazon Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Channel {
    /// Calls.
    Voice,
    /// Chats and messages.
    Chat,
    /// Tasks.
    Task,
    /// E-mails.
    Email,
}

/// What an agent answers calls with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PhoneType {
    /// The browser.
    #[default]
    SoftPhone,
    /// A telephone with a number of its own.
    DeskPhone,
}

/// Voice enhancement of the agent's microphone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VoiceEnhancementMode {
    /// Removes noise and other voices.
    VoiceIsolation,
    /// Removes noise.
    NoiseSuppression,
    /// Leaves the sound alone.
    #[default]
    None,
}

/// Phone settings in their older form, one for all channels.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::some_of(&[
        "phoneType", "autoAccept", "afterContactWorkTimeLimit", "deskPhoneNumber", "persistentConnection",
    ]),
    validation = rule::phone_number("deskPhoneNumber"),
)]
pub struct PhoneConfig {
    /// What the agent answers calls with: SOFT_PHONE is the browser, DESK_PHONE the telephone in
    /// deskPhoneNumber. Absent: not managed. May not be set together with
    /// phoneNumberConfigs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_type: Option<PhoneType>,
    /// Whether an available agent is connected to contacts without clicking to accept them. Absent:
    /// not managed. May not be set together with autoAcceptConfigs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_accept: Option<bool>,
    /// Seconds that the agent has for after contact work (ACW), 0 to 2000000. 0 means no limit: the
    /// agent ends it by hand. Applies to all channels. Absent: not managed. May not be set together
    /// with afterContactWorkConfigs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = rule::work_seconds())]
    pub after_contact_work_time_limit: Option<i32>,
    /// Number of the agent's desk phone in E.164 form, such as +493012345678. A DESK_PHONE needs it, a
    /// SOFT_PHONE makes no use of it. Absent: not managed. May not be set together with
    /// phoneNumberConfigs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub desk_phone_number: Option<String>,
    /// Whether the agent's line stays open after a call, so that the next call connects faster.
    /// Absent: not managed. May not be set together with persistentConnectionConfigs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_connection: Option<bool>,
}

impl fmt::Debug for PhoneConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phone_type, auto_accept, after_contact_work_time_limit, desk_phone_number, persistent_connection } =
            self;
        f.debug_struct("PhoneConfig")
            .field("phone_type", phone_type)
            .field("auto_accept", auto_accept)
            .field("after_contact_work_time_limit", after_contact_work_time_limit)
            .field("desk_phone_number", &desk_phone_number.as_ref().map(|_| "[redacted]"))
            .field("persistent_connection", persistent_connection)
            .finish()
    }
}

/// Auto-accept for one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::voice_only_member("agentFirstCallbackAutoAccept"))]
pub struct AutoAcceptConfig {
    /// The channel: VOICE, CHAT, TASK or EMAIL. At most one entry for each.
    pub channel: Channel,
    /// Whether an available agent is connected to contacts of this channel without clicking to
    /// accept them.
    pub auto_accept: bool,
    /// The same for agent-first callbacks; VOICE only. Absent: left to Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_first_callback_auto_accept: Option<bool>,
}

/// Time for after contact work (ACW).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AfterContactWorkConfig {
    /// Seconds that the agent has for after contact work, 0 to 2000000. 0 means no limit: the agent
    /// ends it by hand.
    #[x_kube(validation = rule::work_seconds())]
    pub after_contact_work_time_limit: i32,
}

/// Time for after contact work (ACW) in one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::voice_only_member("agentFirstCallbackAfterContactWorkConfig"))]
pub struct AfterContactWorkConfigPerChannel {
    /// The channel: VOICE, CHAT, TASK or EMAIL. At most one entry for each.
    pub channel: Channel,
    /// Time for after contact work in this channel.
    pub after_contact_work_config: AfterContactWorkConfig,
    /// Time for after contact work after agent-first callbacks; VOICE only. Absent: left to Connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_first_callback_after_contact_work_config: Option<AfterContactWorkConfig>,
}

/// What the agent answers the contacts of one channel with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::voice_only(), validation = rule::phone_number("phoneNumber"))]
pub struct PhoneNumberConfig {
    /// Must be VOICE; Connect has this setting for no other channel.
    pub channel: Channel,
    /// SOFT_PHONE is the browser, DESK_PHONE the telephone in phoneNumber.
    pub phone_type: PhoneType,
    /// Number of the agent's desk phone in E.164 form, such as +493012345678. A DESK_PHONE needs it, a
    /// SOFT_PHONE makes no use of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub phone_number: Option<String>,
}

impl fmt::Debug for PhoneNumberConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channel, phone_type, phone_number } = self;
        f.debug_struct("PhoneNumberConfig")
            .field("channel", channel)
            .field("phone_type", phone_type)
            .field("phone_number", &phone_number.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

/// Persistent connection in one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::voice_only())]
pub struct PersistentConnectionConfig {
    /// Must be VOICE; Connect has this setting for no other channel.
    pub channel: Channel,
    /// Whether the agent's line stays open after a call, so that the next call connects faster.
    pub persistent_connection: bool,
}

/// Voice enhancement in one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule::voice_only())]
pub struct VoiceEnhancementConfig {
    /// Must be VOICE; Connect has this setting for no other channel.
    pub channel: Channel,
    /// VOICE_ISOLATION removes noise and other people's voices from the agent's microphone,
    /// NOISE_SUPPRESSION removes noise only, NONE leaves the sound as it is.
    pub voice_enhancement_mode: VoiceEnhancementMode,
}
