//! The agent's settings, brought to one form: a value per slot.
//!
//! Connect has two doors to the same settings. The older PhoneConfig has one value for all channels;
//! the newer lists have one per channel. Whether a read mirrors one into the other is not documented.
//! So a PhoneConfig member is read as the slots that it stands for ([`PhoneConfig::settings`]), and
//! where a read shows both, the list's entry is the more precise and wins.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::resource::channel::{Channel, PhoneType, VoiceEnhancementMode};

/// Every channel, in the order in which they are written.
pub const CHANNELS: [Channel; 4] = [Channel::Voice, Channel::Chat, Channel::Task, Channel::Email];

/// One setting of one channel: the unit of ownership and comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Accept contacts automatically.
    AutoAccept(Channel),
    /// Accept the first callback to this agent automatically.
    FirstCallbackAutoAccept(Channel),
    /// Seconds after a contact; 0 is no limit.
    AfterContactWork(Channel),
    /// Seconds after the first callback to this agent; 0 is no limit.
    FirstCallbackAfterContactWork(Channel),
    /// Soft phone or desk phone.
    PhoneType(Channel),
    /// Number of the desk phone.
    PhoneNumber(Channel),
    /// Keep the line open between contacts.
    PersistentConnection(Channel),
    /// Voice enhancement.
    VoiceEnhancement(Channel),
}

/// What a slot holds.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// On or off.
    Flag(bool),
    /// Seconds.
    Seconds(i32),
    /// Kind of phone.
    Phone(PhoneType),
    /// Phone number in E.164 form, empty for none. Personal, so its Debug is redacted.
    Number(String),
    /// Voice enhancement.
    Voice(VoiceEnhancementMode),
}

impl Slot {
    /// The channel.
    pub fn channel(self) -> Channel {
        match self {
            Self::AutoAccept(channel)
            | Self::FirstCallbackAutoAccept(channel)
            | Self::AfterContactWork(channel)
            | Self::FirstCallbackAfterContactWork(channel)
            | Self::PhoneType(channel)
            | Self::PhoneNumber(channel)
            | Self::PersistentConnection(channel)
            | Self::VoiceEnhancement(channel) => channel,
        }
    }

    /// What Connect does where nothing was said; also what a slot is returned to.
    pub fn neutral(self) -> Value {
        match self {
            Self::AutoAccept(_) | Self::FirstCallbackAutoAccept(_) | Self::PersistentConnection(_) => {
                Value::Flag(false)
            }
            Self::AfterContactWork(_) | Self::FirstCallbackAfterContactWork(_) => Value::Seconds(0),
            Self::PhoneType(_) => Value::Phone(PhoneType::SoftPhone),
            Self::PhoneNumber(_) => Value::Number(String::new()),
            Self::VoiceEnhancement(_) => Value::Voice(VoiceEnhancementMode::None),
        }
    }

    /// The name of the list that it belongs to and of the member in it, as in the spec.
    pub fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::AutoAccept(_) => ("autoAcceptConfigs", "autoAccept"),
            Self::FirstCallbackAutoAccept(_) => ("autoAcceptConfigs", "agentFirstCallbackAutoAccept"),
            Self::AfterContactWork(_) => ("afterContactWorkConfigs", "afterContactWorkConfig"),
            Self::FirstCallbackAfterContactWork(_) => {
                ("afterContactWorkConfigs", "agentFirstCallbackAfterContactWorkConfig")
            }
            Self::PhoneType(_) => ("phoneNumberConfigs", "phoneType"),
            Self::PhoneNumber(_) => ("phoneNumberConfigs", "phoneNumber"),
            Self::PersistentConnection(_) => ("persistentConnectionConfigs", "persistentConnection"),
            Self::VoiceEnhancement(_) => ("voiceEnhancementConfigs", "voiceEnhancementMode"),
        }
    }

    /// Every slot there is.
    pub fn all() -> impl Iterator<Item = Self> {
        CHANNELS.into_iter().flat_map(|channel| {
            [
                Self::AutoAccept(channel),
                Self::FirstCallbackAutoAccept(channel),
                Self::AfterContactWork(channel),
                Self::FirstCallbackAfterContactWork(channel),
                Self::PhoneType(channel),
                Self::PhoneNumber(channel),
                Self::PersistentConnection(channel),
                Self::VoiceEnhancement(channel),
            ]
        })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (list, member) = self.path();
        write!(f, "{list}[{}].{member}", channel_name(self.channel()))
    }
}

/// The channel's name in Connect's API.
pub fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "VOICE",
        Channel::Chat => "CHAT",
        Channel::Task => "TASK",
        Channel::Email => "EMAIL",
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Seconds(seconds) => write!(f, "{seconds} s"),
            Self::Phone(phone) => write!(f, "{phone:?}"),
            Self::Number(_) => f.write_str("[redacted]"),
            Self::Voice(mode) => write!(f, "{mode:?}"),
        }
    }
}

/// Values by slot. A slot without a value was not said, which in an observation means neutral.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<Slot, Value>);

impl Settings {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says `value` for `slot`.
    pub fn set(&mut self, slot: Slot, value: Value) {
        self.0.insert(slot, value);
    }

    /// What is said for the slot.
    pub fn get(&self, slot: Slot) -> Option<&Value> {
        self.0.get(&slot)
    }

    /// What holds for the slot: the value said, or the neutral one.
    pub fn effective(&self, slot: Slot) -> Value {
        self.0.get(&slot).cloned().unwrap_or_else(|| slot.neutral())
    }

    /// The slots said, in order.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        self.0.keys().copied()
    }

    /// All that `self` says, and what `under` says where `self` is silent.
    #[must_use]
    pub fn over(self, under: Self) -> Self {
        let mut merged = under.0;
        merged.extend(self.0);
        Self(merged)
    }

    /// The channels for which one of the lists' members is said, in order.
    pub fn channels(&self, list: &str) -> Vec<Channel> {
        CHANNELS
            .into_iter()
            .filter(|channel| self.0.keys().any(|slot| slot.channel() == *channel && slot.path().0 == list))
            .collect()
    }

    /// A flag, if said.
    pub fn flag(&self, slot: Slot) -> Option<bool> {
        match self.0.get(&slot) {
            Some(Value::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// Seconds, if said.
    pub fn seconds(&self, slot: Slot) -> Option<i32> {
        match self.0.get(&slot) {
            Some(Value::Seconds(seconds)) => Some(*seconds),
            _ => None,
        }
    }

    /// The kind of phone, if said.
    pub fn phone_type(&self, channel: Channel) -> Option<PhoneType> {
        match self.0.get(&Slot::PhoneType(channel)) {
            Some(Value::Phone(phone)) => Some(*phone),
            _ => None,
        }
    }

    /// The phone number, if said and not empty.
    pub fn number(&self, channel: Channel) -> Option<&str> {
        match self.0.get(&Slot::PhoneNumber(channel)) {
            Some(Value::Number(number)) if !number.is_empty() => Some(number),
            _ => None,
        }
    }

    /// The voice enhancement, if said.
    pub fn voice_enhancement(&self, channel: Channel) -> Option<VoiceEnhancementMode> {
        match self.0.get(&Slot::VoiceEnhancement(channel)) {
            Some(Value::Voice(mode)) => Some(*mode),
            _ => None,
        }
    }
}

impl FromIterator<(Slot, Value)> for Settings {
    fn from_iter<T: IntoIterator<Item = (Slot, Value)>>(values: T) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Serialize for Settings {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(slot, value)| (slot.to_string(), value)))
    }
}

/// The older form: one value for all channels, each member present only where it was said.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneConfig {
    /// Soft phone or desk phone.
    pub phone_type: Option<PhoneType>,
    /// Accept contacts automatically.
    pub auto_accept: Option<bool>,
    /// After-contact-work limit in seconds; 0 is no limit.
    pub after_contact_work_time_limit: Option<i32>,
    /// E.164 number of the desk phone. Personal.
    pub desk_phone_number: Option<String>,
    /// Keep the line open between contacts.
    pub persistent_connection: Option<bool>,
}

impl PhoneConfig {
    /// The slots that it stands for: after contact work for every channel (documented), the rest for
    /// VOICE, the only channel with a phone.
    pub fn settings(&self) -> Settings {
        let Self { phone_type, auto_accept, after_contact_work_time_limit, desk_phone_number, persistent_connection } =
            self;
        let mut settings = Settings::default();
        if let Some(accept) = *auto_accept {
            settings.set(Slot::AutoAccept(Channel::Voice), Value::Flag(accept));
        }
        if let Some(seconds) = *after_contact_work_time_limit {
            for channel in CHANNELS {
                settings.set(Slot::AfterContactWork(channel), Value::Seconds(seconds));
            }
        }
        if let Some(phone_type) = *phone_type {
            settings.set(Slot::PhoneType(Channel::Voice), Value::Phone(phone_type));
        }
        if let Some(number) = desk_phone_number {
            settings.set(Slot::PhoneNumber(Channel::Voice), Value::Number(number.clone()));
        }
        if let Some(persistent) = *persistent_connection {
            settings.set(Slot::PersistentConnection(Channel::Voice), Value::Flag(persistent));
        }
        settings
    }

    /// The settings as a PhoneConfig, if it can say them all: one after-contact-work limit for every
    /// channel, nothing but VOICE elsewhere, none of the members that only the lists have.
    pub fn expressing(settings: &Settings) -> Option<Self> {
        let limit = settings.effective(Slot::AfterContactWork(Channel::Voice));
        for slot in Slot::all() {
            let expressible = match slot {
                Slot::AfterContactWork(_) => settings.effective(slot) == limit,
                Slot::AutoAccept(Channel::Voice)
                | Slot::PhoneType(Channel::Voice)
                | Slot::PhoneNumber(Channel::Voice)
                | Slot::PersistentConnection(Channel::Voice) => true,
                _ => settings.effective(slot) == slot.neutral(),
            };
            if !expressible {
                return None;
            }
        }
        let voice = Channel::Voice;
        Some(Self {
            phone_type: settings.phone_type(voice),
            auto_accept: settings.flag(Slot::AutoAccept(voice)),
            after_contact_work_time_limit: settings.seconds(Slot::AfterContactWork(voice)),
            desk_phone_number: settings.number(voice).map(str::to_owned),
            persistent_connection: settings.flag(Slot::PersistentConnection(voice)),
        })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_config_says_its_slots_and_can_be_told_from_them() {
        let phone = PhoneConfig {
            phone_type: Some(PhoneType::DeskPhone),
            auto_accept: Some(false),
            after_contact_work_time_limit: Some(0),
            desk_phone_number: Some("+15550100".to_owned()),
            persistent_connection: Some(true),
        };
        let settings = phone.settings();
        assert_eq!(settings.slots().count(), 8);
        assert_eq!(PhoneConfig::expressing(&settings), Some(phone));
    }

    #[test]
    fn per_channel_values_cannot_be_said_by_a_phone_config() {
        let limits: Settings = [(Slot::AfterContactWork(Channel::Chat), Value::Seconds(5))].into_iter().collect();
        assert_eq!(PhoneConfig::expressing(&limits), None);
        let voice: Settings =
            [(Slot::VoiceEnhancement(Channel::Voice), Value::Voice(VoiceEnhancementMode::VoiceIsolation))]
                .into_iter()
                .collect();
        assert_eq!(PhoneConfig::expressing(&voice), None);
    }

    #[test]
    fn a_phone_number_is_not_shown() {
        let settings: Settings =
            [(Slot::PhoneNumber(Channel::Voice), Value::Number("+15550100".to_owned()))].into_iter().collect();
        assert!(!format!("{settings:?}").contains("5550100"));
    }
}
