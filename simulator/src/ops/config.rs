//! UpdateUserPhoneConfig and UpdateUserConfig.

use super::{Answer, existing_user};
use crate::call::Call;
use crate::channels::{self, PerChannel};
use crate::modified::Change;
use crate::ops::update::change;
use crate::switches::Switches;
use crate::user::{
    AfterContactWorkConfigPerChannel, AutoAcceptConfig, PersistentConnectionConfig, PhoneConfig, PhoneNumberConfig,
    VoiceEnhancementConfig,
};
use crate::world::World;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PhoneRequest {
    phone_config: PhoneConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ConfigRequest {
    auto_accept_configs: Option<Vec<AutoAcceptConfig>>,
    after_contact_work_configs: Option<Vec<AfterContactWorkConfigPerChannel>>,
    phone_number_configs: Option<Vec<PhoneNumberConfig>>,
    persistent_connection_configs: Option<Vec<PersistentConnectionConfig>>,
    voice_enhancement_configs: Option<Vec<VoiceEnhancementConfig>>,
}

pub(crate) fn phone_config(world: &mut World, call: &Call) -> Answer {
    let switches = world.switches;
    existing_user(world.instance(call)?, call)?;
    let asked = call.shape::<PhoneRequest>()?.phone_config;
    channels::phone_config(&asked)?;
    change(world, call, Change::Attributes, |user| channels::store_phone(user, &asked, switches))
}

pub(crate) fn config(world: &mut World, call: &Call) -> Answer {
    let switches = world.switches;
    existing_user(world.instance(call)?, call)?;
    let asked: ConfigRequest = call.shape()?;
    channels::list(asked.auto_accept_configs.as_deref().unwrap_or_default(), switches)?;
    channels::list(asked.after_contact_work_configs.as_deref().unwrap_or_default(), switches)?;
    channels::list(asked.phone_number_configs.as_deref().unwrap_or_default(), switches)?;
    channels::list(asked.persistent_connection_configs.as_deref().unwrap_or_default(), switches)?;
    channels::list(asked.voice_enhancement_configs.as_deref().unwrap_or_default(), switches)?;
    change(world, call, Change::Attributes, |user| {
        let stored = &mut user.channels;
        store(&mut stored.auto_accept_configs, asked.auto_accept_configs, switches);
        store(&mut stored.after_contact_work_configs, asked.after_contact_work_configs, switches);
        store(&mut stored.phone_number_configs, asked.phone_number_configs, switches);
        store(&mut stored.persistent_connection_configs, asked.persistent_connection_configs, switches);
        store(&mut stored.voice_enhancement_configs, asked.voice_enhancement_configs, switches);
        channels::mirror_lists(user, switches);
    })
}

/// What an absent, an empty and a filled list do to the stored one.
fn store<T: PerChannel>(stored: &mut Vec<T>, asked: Option<Vec<T>>, switches: Switches) {
    match asked {
        None if switches.config_absent_list_clears => stored.clear(),
        None => {}
        Some(list) if list.is_empty() && switches.config_empty_list_clears => stored.clear(),
        Some(list) if list.is_empty() => {}
        Some(mut list) => {
            for entry in &mut list {
                let old = stored.iter().find(|old| old.channel() == entry.channel());
                entry.complete(old, switches);
            }
            if switches.config_list_replaces {
                *stored = list;
            } else {
                list.into_iter().for_each(|entry| channels::put(stored, entry));
            }
        }
    }
}
