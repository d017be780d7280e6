//! What is sent to Connect.
//!
//! Settings are written as JSON of our own: the SDK's structs leave out `false` and 0, cannot leave out
//! `PhoneType`, and so cannot say what a user declared. Identity, tags and proficiencies go through the SDK.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_connect::error::BuildError;
use aws_sdk_connect::types as sdk;
use serde_json::{Map, Value as Json, json};

use crate::plan::call::NewUser;
use crate::resource::channel::{Channel, PhoneType};
use crate::resource::status::ProficiencyKey;
use crate::user::identity::Identity;
use crate::user::settings::{PhoneConfig, Settings, Slot};

/// Members of a request's body.
pub(in crate::connect) type Members = Map<String, Json>;

/// Makes a channel's entry of a list.
type Entry = fn(&Settings, Channel) -> Json;

/// The five lists by their names on the wire and in the spec, with what makes an entry of each.
const LISTS: [(&str, &str, Entry); 5] = [
    ("AutoAcceptConfigs", "autoAcceptConfigs", auto_accept),
    ("AfterContactWorkConfigs", "afterContactWorkConfigs", after_contact_work),
    ("PhoneNumberConfigs", "phoneNumberConfigs", phone_number),
    ("PersistentConnectionConfigs", "persistentConnectionConfigs", persistent_connection),
    ("VoiceEnhancementConfigs", "voiceEnhancementConfigs", voice_enhancement),
];

/// The lists that have a value. One that has none is left out and never sent empty, since it is not
/// documented whether an empty list clears or keeps.
pub(in crate::connect) fn lists(settings: &Settings) -> Members {
    LISTS
        .into_iter()
        .filter_map(|(member, list, entry)| {
            let entries: Vec<Json> =
                settings.channels(list).into_iter().map(|channel| entry(settings, channel)).collect();
            (!entries.is_empty()).then(|| (member.to_owned(), entries.into()))
        })
        .collect()
}

fn auto_accept(settings: &Settings, channel: Channel) -> Json {
    let mut entry = json!({ "Channel": channel, "AutoAccept": settings.effective(Slot::AutoAccept(channel)) });
    if let Some(accept) = settings.flag(Slot::FirstCallbackAutoAccept(channel)) {
        add(&mut entry, "AgentFirstCallbackAutoAccept", json!(accept));
    }
    entry
}

fn after_contact_work(settings: &Settings, channel: Channel) -> Json {
    let limit = |value: Json| json!({ "AfterContactWorkTimeLimit": value });
    let work = settings.effective(Slot::AfterContactWork(channel));
    let mut entry = json!({ "Channel": channel, "AfterContactWorkConfig": limit(json!(work)) });
    if let Some(seconds) = settings.seconds(Slot::FirstCallbackAfterContactWork(channel)) {
        add(&mut entry, "AgentFirstCallbackAfterContactWorkConfig", limit(json!(seconds)));
    }
    entry
}

fn phone_number(settings: &Settings, channel: Channel) -> Json {
    let mut entry = json!({ "Channel": channel, "PhoneType": settings.effective(Slot::PhoneType(channel)) });
    if let Some(number) = settings.number(channel) {
        add(&mut entry, "PhoneNumber", json!(number));
    }
    entry
}

fn persistent_connection(settings: &Settings, channel: Channel) -> Json {
    json!({ "Channel": channel, "PersistentConnection": settings.effective(Slot::PersistentConnection(channel)) })
}

fn voice_enhancement(settings: &Settings, channel: Channel) -> Json {
    json!({ "Channel": channel, "VoiceEnhancementMode": settings.effective(Slot::VoiceEnhancement(channel)) })
}

fn add(entry: &mut Json, member: &str, value: Json) {
    if let Some(members) = entry.as_object_mut() {
        members.insert(member.to_owned(), value);
    }
}

/// The older block: exactly the members said.
pub(in crate::connect) fn phone_config(config: &PhoneConfig) -> Members {
    let PhoneConfig {
        phone_type,
        auto_accept,
        after_contact_work_time_limit,
        desk_phone_number,
        persistent_connection,
    } = config;
    [
        ("PhoneType", phone_type.map(|phone| json!(phone))),
        ("AutoAccept", auto_accept.map(|accept| json!(accept))),
        ("AfterContactWorkTimeLimit", after_contact_work_time_limit.map(|limit| json!(limit))),
        ("DeskPhoneNumber", desk_phone_number.as_ref().filter(|number| !number.is_empty()).map(|number| json!(number))),
        ("PersistentConnection", persistent_connection.map(|persistent| json!(persistent))),
    ]
    .into_iter()
    .filter_map(|(member, value)| Some((member.to_owned(), value?)))
    .collect()
}

/// The settings of a new user.
pub(in crate::connect) fn new_settings(user: &NewUser) -> Members {
    let mut members = lists(&user.lists);
    if user.phone_config != PhoneConfig::default() {
        let mut config = phone_config(&user.phone_config);
        // Older versions of the API require PhoneType, newer ones refuse it beside PhoneNumberConfigs.
        if !config.contains_key("PhoneType") && !members.contains_key("PhoneNumberConfigs") {
            config.insert("PhoneType".to_owned(), json!(PhoneType::SoftPhone));
        }
        members.insert("PhoneConfig".to_owned(), config.into());
    }
    members
}

/// Names and addresses: exactly the members said.
pub(in crate::connect) fn identity_info(identity: &Identity) -> sdk::UserIdentityInfo {
    let Identity { first_name, last_name, email, secondary_email, mobile } = identity.clone();
    sdk::UserIdentityInfo::builder()
        .set_first_name(first_name)
        .set_last_name(last_name)
        .set_email(email)
        .set_secondary_email(secondary_email)
        .set_mobile(mobile)
        .build()
}

/// Tags; none at all rather than an empty map, which Connect refuses.
pub(in crate::connect) fn tag_map(tags: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!tags.is_empty()).then(|| tags.clone().into_iter().collect())
}

/// Levels, which are floats on the wire and whole numbers everywhere else.
pub(in crate::connect) fn proficiencies(
    levels: &BTreeMap<ProficiencyKey, i32>,
) -> Result<Vec<sdk::UserProficiency>, BuildError> {
    let proficiency = |(key, level): (&ProficiencyKey, &i32)| {
        sdk::UserProficiency::builder()
            .attribute_name(&key.attribute_name)
            .attribute_value(&key.attribute_value)
            .level(*level as f32)
            .build()
    };
    levels.iter().map(proficiency).collect()
}
