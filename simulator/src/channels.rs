//! Phone and channel settings: their constraints, and how the older and the newer settings mirror each other.

use crate::error::Refusal;
use crate::switches::Switches;
use crate::user::{
    AfterContactWorkConfig, AfterContactWorkConfigPerChannel, AutoAcceptConfig, Channel, ChannelConfigs,
    PersistentConnectionConfig, PhoneConfig, PhoneNumberConfig, PhoneType, User, VoiceEnhancementConfig,
};
use crate::validate::{Valid, ensure, is_e164};

/// An entry of one of the five lists.
pub(crate) trait PerChannel: Clone {
    const LIST: &'static str;
    fn channel(&self) -> Channel;
    fn check(&self, switches: Switches) -> Valid;
    /// Completes the entry of a request with what is stored for the channel.
    fn complete(&mut self, _stored: Option<&Self>, _switches: Switches) {}
}

fn voice_only(channel: Channel, what: &str) -> Valid {
    ensure(channel == Channel::Voice, format!("{what} is supported for the VOICE channel only."))
}

impl PerChannel for AutoAcceptConfig {
    const LIST: &'static str = "AutoAcceptConfigs";

    fn channel(&self) -> Channel {
        self.channel
    }

    fn check(&self, _: Switches) -> Valid {
        if self.agent_first_callback_auto_accept.is_none() {
            return Ok(());
        }
        voice_only(self.channel, "AgentFirstCallbackAutoAccept")
    }
}

impl PerChannel for AfterContactWorkConfigPerChannel {
    const LIST: &'static str = "AfterContactWorkConfigs";

    fn channel(&self) -> Channel {
        self.channel
    }

    fn check(&self, switches: Switches) -> Valid {
        if self.agent_first_callback_after_contact_work_config.is_some() {
            voice_only(self.channel, "AgentFirstCallbackAfterContactWorkConfig")?;
        }
        let blocks =
            [Some(&self.after_contact_work_config), self.agent_first_callback_after_contact_work_config.as_ref()];
        for block in blocks.into_iter().flatten() {
            let limit = block.after_contact_work_time_limit;
            ensure(limit.is_some() || !switches.acw_without_limit_refused, "AfterContactWorkTimeLimit is required.")?;
            acw(limit)?;
        }
        Ok(())
    }

    fn complete(&mut self, stored: Option<&Self>, switches: Switches) {
        let stored = stored.filter(|_| switches.acw_without_limit_keeps);
        let kept = stored.and_then(|stored| stored.after_contact_work_config.after_contact_work_time_limit);
        let limit = &mut self.after_contact_work_config.after_contact_work_time_limit;
        *limit = limit.or(kept).or(Some(0));
        if let Some(block) = &mut self.agent_first_callback_after_contact_work_config {
            let kept = stored.and_then(|stored| stored.agent_first_callback_after_contact_work_config.as_ref());
            let kept = kept.and_then(|kept| kept.after_contact_work_time_limit);
            block.after_contact_work_time_limit = block.after_contact_work_time_limit.or(kept).or(Some(0));
        }
    }
}

impl PerChannel for PhoneNumberConfig {
    const LIST: &'static str = "PhoneNumberConfigs";

    fn channel(&self) -> Channel {
        self.channel
    }

    fn check(&self, _: Switches) -> Valid {
        voice_only(self.channel, "PhoneNumberConfigs")?;
        phone(self.phone_type, self.phone_number.as_deref(), "PhoneNumber")
    }
}

impl PerChannel for PersistentConnectionConfig {
    const LIST: &'static str = "PersistentConnectionConfigs";

    fn channel(&self) -> Channel {
        self.channel
    }

    fn check(&self, _: Switches) -> Valid {
        voice_only(self.channel, "PersistentConnectionConfigs")
    }
}

impl PerChannel for VoiceEnhancementConfig {
    const LIST: &'static str = "VoiceEnhancementConfigs";

    fn channel(&self) -> Channel {
        self.channel
    }

    fn check(&self, _: Switches) -> Valid {
        voice_only(self.channel, "VoiceEnhancementConfigs")
    }
}

/// Constraints of one list of a request.
pub(crate) fn list<T: PerChannel>(entries: &[T], switches: Switches) -> Valid {
    for (index, entry) in entries.iter().enumerate() {
        entry.check(switches)?;
        let twice = entries.iter().take(index).any(|other| other.channel() == entry.channel());
        ensure(!twice, format!("{} names channel {:?} twice.", T::LIST, entry.channel()))?;
    }
    Ok(())
}

fn acw(limit: Option<i64>) -> Valid {
    let fits = limit.is_none_or(|limit| (0..=2_000_000).contains(&limit));
    ensure(fits, "AfterContactWorkTimeLimit must be between 0 and 2000000 seconds.")
}

fn phone(phone_type: PhoneType, number: Option<&str>, what: &str) -> Valid {
    ensure(number.is_none_or(is_e164), format!("{what} is not a phone number in E.164 format."))?;
    ensure(phone_type == PhoneType::SoftPhone || number.is_some(), format!("{what} is required for DESK_PHONE."))
}

/// Constraints of a PhoneConfig of a request.
pub(crate) fn phone_config(config: &PhoneConfig) -> Valid {
    acw(config.after_contact_work_time_limit)?;
    let phone_type = config.phone_type.unwrap_or(PhoneType::SoftPhone);
    phone(phone_type, config.desk_phone_number.as_deref(), "DeskPhoneNumber")
}

/// CreateUser refuses a setting that is given in both ways.
pub(crate) fn twins(phone: &PhoneConfig, lists: [bool; 4]) -> Result<(), Refusal> {
    let [auto_accept, acw, number, persistent] = lists;
    let twins = [
        (phone.auto_accept.is_some() && auto_accept, "PhoneConfig.AutoAccept", "AutoAcceptConfigs"),
        (
            phone.after_contact_work_time_limit.is_some() && acw,
            "PhoneConfig.AfterContactWorkTimeLimit",
            "AfterContactWorkConfigs",
        ),
        (phone.phone_type.is_some() && number, "PhoneConfig.PhoneType", "PhoneNumberConfigs"),
        (phone.desk_phone_number.is_some() && number, "PhoneConfig.DeskPhoneNumber", "PhoneNumberConfigs"),
        (
            phone.persistent_connection.is_some() && persistent,
            "PhoneConfig.PersistentConnection",
            "PersistentConnectionConfigs",
        ),
    ];
    twins.into_iter().try_for_each(|(both, one, other)| ensure(!both, format!("{one} conflicts with {other}.")))
}

/// Stores a PhoneConfig. It sets the same after-contact work on all channels.
pub(crate) fn store_phone(user: &mut User, asked: &PhoneConfig, switches: Switches) {
    let keeps = switches.phone_config_absent_keeps;
    let old = user.phone_config.take().filter(|_| keeps).unwrap_or_default();
    let new = PhoneConfig {
        phone_type: asked.phone_type.or(old.phone_type).or(Some(PhoneType::SoftPhone)),
        auto_accept: asked.auto_accept.or(old.auto_accept).or(Some(false)),
        after_contact_work_time_limit: asked
            .after_contact_work_time_limit
            .or(old.after_contact_work_time_limit)
            .or(Some(0)),
        desk_phone_number: asked.desk_phone_number.clone().or(old.desk_phone_number),
        persistent_connection: asked.persistent_connection.or(old.persistent_connection).or(Some(false)),
    };
    let limit = new.after_contact_work_time_limit;
    if asked.after_contact_work_time_limit.is_some() || !keeps {
        let all = [Channel::Voice, Channel::Chat, Channel::Task, Channel::Email].into_iter();
        let same = all.filter(|_| switches.phone_config_mirrored).map(|channel| AfterContactWorkConfigPerChannel {
            channel,
            after_contact_work_config: AfterContactWorkConfig { after_contact_work_time_limit: limit },
            agent_first_callback_after_contact_work_config: None,
        });
        user.channels.after_contact_work_configs = same.collect();
    }
    if switches.phone_config_mirrored {
        let channel = Channel::Voice;
        let lists = &mut user.channels;
        let (auto_accept, persistent_connection) =
            (new.auto_accept == Some(true), new.persistent_connection == Some(true));
        put(
            &mut lists.auto_accept_configs,
            AutoAcceptConfig { channel, auto_accept, agent_first_callback_auto_accept: None },
        );
        put(&mut lists.persistent_connection_configs, PersistentConnectionConfig { channel, persistent_connection });
        let phone_type = new.phone_type.unwrap_or(PhoneType::SoftPhone);
        let phone_number = new.desk_phone_number.clone();
        put(&mut lists.phone_number_configs, PhoneNumberConfig { channel, phone_type, phone_number });
    }
    user.phone_config = Some(new);
}

/// Stores an entry in place of the one for its channel.
pub(crate) fn put<T: PerChannel>(list: &mut Vec<T>, entry: T) {
    match list.iter_mut().find(|other| other.channel() == entry.channel()) {
        Some(other) => *other = entry,
        None => list.push(entry),
    }
}

fn voice<T: PerChannel>(list: &[T]) -> Option<&T> {
    list.iter().find(|entry| entry.channel() == Channel::Voice)
}

/// Makes PhoneConfig show what the VOICE entries of the lists say.
pub(crate) fn mirror_lists(user: &mut User, switches: Switches) {
    if !switches.phone_config_mirrored || (user.channels == ChannelConfigs::default() && user.phone_config.is_none()) {
        return;
    }
    let lists = &user.channels;
    let number = voice(&lists.phone_number_configs);
    user.phone_config = Some(PhoneConfig {
        phone_type: Some(number.map_or(PhoneType::SoftPhone, |entry| entry.phone_type)),
        auto_accept: Some(voice(&lists.auto_accept_configs).is_some_and(|entry| entry.auto_accept)),
        after_contact_work_time_limit: voice(&lists.after_contact_work_configs)
            .map_or(Some(0), |entry| entry.after_contact_work_config.after_contact_work_time_limit),
        desk_phone_number: number.and_then(|entry| entry.phone_number.clone()),
        persistent_connection: Some(
            voice(&lists.persistent_connection_configs).is_some_and(|entry| entry.persistent_connection),
        ),
    });
}
