//! The spec that declares a user just as it was observed: what an import writes.

use std::collections::BTreeMap;

use super::desired::is_reserved;
use super::identity::Identity;
use super::ids::Instance;
use super::observed::ObservedUser;
use super::settings::{CHANNELS, Settings, Slot};
use crate::resource::channel::{
    AfterContactWorkConfig, AfterContactWorkConfigPerChannel, AutoAcceptConfig, Channel, PersistentConnectionConfig,
    PhoneConfig, PhoneNumberConfig, VoiceEnhancementConfig,
};
use crate::resource::user::{
    AdoptionPolicy, ConnectUserSpec, DeletionPolicy, DriftPolicy, IdentityInfo, UserProficiency,
};

/// Declares everything that was observed, with profiles and group by ARN, and adopts the user.
///
/// A setting is declared in the form in which Connect has it: as lists where there is a list of that setting, else
/// as member of the older PhoneConfig. Tags that are the operator's or AWS's own are left out.
pub fn declare(instance: &Instance, user: &ObservedUser) -> ConnectUserSpec {
    let arn = |kind: &str, id: &str| format!("{instance}/{kind}/{id}");
    let settings = user.settings();
    let lists = Lists { has: &user.lists, all: &settings };
    let tags: BTreeMap<String, String> = user
        .tags
        .iter()
        .filter(|(key, _)| !is_reserved(key) && !key.to_lowercase().starts_with("aws:"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let proficiencies: Vec<UserProficiency> = user
        .proficiencies
        .iter()
        .flatten()
        .map(|(key, level)| UserProficiency {
            attribute_name: key.attribute_name.clone(),
            attribute_value: key.attribute_value.clone(),
            level: *level,
        })
        .collect();
    let auto_accept_configs = lists.auto_accept();
    let after_contact_work_configs = lists.after_contact_work();
    let phone_number_configs = lists.phone_number();
    let persistent_connection_configs = lists.persistent_connection();
    let older = &user.phone_config;
    let phone_config = PhoneConfig {
        phone_type: older.phone_type.filter(|_| phone_number_configs.is_none()),
        auto_accept: older.auto_accept.filter(|_| auto_accept_configs.is_none()),
        after_contact_work_time_limit: older
            .after_contact_work_time_limit
            .filter(|_| after_contact_work_configs.is_none()),
        desk_phone_number: older.desk_phone_number.clone().filter(|_| phone_number_configs.is_none()),
        persistent_connection: older.persistent_connection.filter(|_| persistent_connection_configs.is_none()),
    };
    let nothing = PhoneConfig {
        phone_type: None,
        auto_accept: None,
        after_contact_work_time_limit: None,
        desk_phone_number: None,
        persistent_connection: None,
    };
    ConnectUserSpec {
        instance_arn: Some(instance.to_string()),
        instance_ref: None,
        username: user.username.as_str().to_owned(),
        identity_info: identity(&user.identity),
        routing_profile_name: None,
        routing_profile_arn: user.routing_profile.as_ref().map(|id| arn("routing-profile", id.as_str())),
        security_profile_names: None,
        security_profile_arns: some(
            user.security_profiles.iter().map(|id| arn("security-profile", id.as_str())).collect(),
        ),
        hierarchy_group_path: None,
        hierarchy_group_arn: user.hierarchy_group.as_ref().map(|id| arn("agent-group", id.as_str())),
        phone_config: (phone_config != nothing).then_some(phone_config),
        auto_accept_configs,
        after_contact_work_configs,
        phone_number_configs,
        persistent_connection_configs,
        voice_enhancement_configs: lists.voice_enhancement(),
        user_proficiencies: some(proficiencies),
        directory_user_id: user.directory_user_id.clone(),
        password_secret_ref: None,
        tags: (!tags.is_empty()).then(|| tags.into()),
        deletion_policy: DeletionPolicy::default(),
        adoption_policy: AdoptionPolicy::Adopt,
        drift_policy: DriftPolicy::default(),
        suspend: false,
    }
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn identity(identity: &Identity) -> Option<IdentityInfo> {
    let Identity { first_name, last_name, email, secondary_email, mobile } = identity.clone();
    let info = IdentityInfo { first_name, last_name, email, secondary_email, mobile };
    (info != IdentityInfo::default()).then_some(info)
}

/// The lists that a user has, with what holds for their channels.
struct Lists<'a> {
    /// What the lists themselves say.
    has: &'a Settings,
    /// The same, and what the older form says where they are silent.
    all: &'a Settings,
}

impl Lists<'_> {
    /// The entries of the list that `slot` belongs to, if there is such a list.
    fn entries<T>(&self, slot: Slot, entry: impl Fn(Channel) -> T) -> Option<Vec<T>> {
        let list = slot.path().0;
        let says = |settings: &Settings, channel: Option<Channel>| {
            let mut slots = settings.slots().filter(|slot| slot.path().0 == list);
            slots.any(|slot| channel.is_none_or(|channel| slot.channel() == channel))
        };
        let channels = CHANNELS.into_iter().filter(|channel| says(self.all, Some(*channel)));
        says(self.has, None).then(|| channels.map(entry).collect()).filter(|entries: &Vec<T>| !entries.is_empty())
    }

    fn auto_accept(&self) -> Option<Vec<AutoAcceptConfig>> {
        self.entries(Slot::AutoAccept(Channel::Voice), |channel| AutoAcceptConfig {
            channel,
            auto_accept: self.all.flag(Slot::AutoAccept(channel)).unwrap_or_default(),
            agent_first_callback_auto_accept: self.all.flag(Slot::FirstCallbackAutoAccept(channel)),
        })
    }

    fn after_contact_work(&self) -> Option<Vec<AfterContactWorkConfigPerChannel>> {
        let config = |seconds: i32| AfterContactWorkConfig { after_contact_work_time_limit: seconds };
        self.entries(Slot::AfterContactWork(Channel::Voice), |channel| AfterContactWorkConfigPerChannel {
            channel,
            after_contact_work_config: config(self.all.seconds(Slot::AfterContactWork(channel)).unwrap_or_default()),
            agent_first_callback_after_contact_work_config: self
                .all
                .seconds(Slot::FirstCallbackAfterContactWork(channel))
                .map(config),
        })
    }

    fn phone_number(&self) -> Option<Vec<PhoneNumberConfig>> {
        self.entries(Slot::PhoneType(Channel::Voice), |channel| PhoneNumberConfig {
            channel,
            phone_type: self.all.phone_type(channel).unwrap_or_default(),
            phone_number: self.all.number(channel).map(str::to_owned),
        })
    }

    fn persistent_connection(&self) -> Option<Vec<PersistentConnectionConfig>> {
        let slot = Slot::PersistentConnection;
        self.entries(slot(Channel::Voice), |channel| PersistentConnectionConfig {
            channel,
            persistent_connection: self.all.flag(slot(channel)).unwrap_or_default(),
        })
    }

    fn voice_enhancement(&self) -> Option<Vec<VoiceEnhancementConfig>> {
        self.entries(Slot::VoiceEnhancement(Channel::Voice), |channel| VoiceEnhancementConfig {
            channel,
            voice_enhancement_mode: self.all.voice_enhancement(channel).unwrap_or_default(),
        })
    }
}
