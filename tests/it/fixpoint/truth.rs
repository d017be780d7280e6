//! What a user of the simulator amounts to, read here once more and on its own: were it read by the code
//! under test, a mistake in reading would hide itself.

use std::collections::BTreeMap;

use connect_simulator::user as sim;
use connect_user_operator::resource::channel::Channel;
use connect_user_operator::resource::user::ConnectUserSpec;

/// Everything that an agent would notice, one entry each; what is neutral is left out.
pub type Facts = BTreeMap<String, String>;

/// The facts of a user.
pub fn facts(user: &sim::User) -> Facts {
    let mut facts = Facts::new();
    let mut say = |name: String, value: Option<String>| {
        if let Some(value) = value {
            facts.insert(name, value);
        }
    };
    let sim::IdentityInfo { first_name, last_name, email, secondary_email, mobile } = user.identity_info.clone();
    say("identityInfo.firstName".into(), first_name);
    say("identityInfo.lastName".into(), last_name);
    say("identityInfo.email".into(), email);
    say("identityInfo.secondaryEmail".into(), secondary_email);
    say("identityInfo.mobile".into(), mobile);
    say("routingProfile".into(), Some(user.routing_profile_id.clone()));
    let mut profiles = user.security_profile_ids.clone();
    profiles.sort();
    say("securityProfiles".into(), Some(profiles.join(" ")));
    say("hierarchyGroup".into(), user.hierarchy_group_id.clone());
    say("directoryUserId".into(), user.directory_user_id.clone());
    for (key, value) in &user.tags {
        say(format!("tags[{key}]"), Some(value.clone()));
    }
    for one in &user.user_proficiencies {
        say(format!("userProficiencies[{}]", one.attribute_value), Some(one.level.to_string()));
    }
    for (name, value) in settings(user) {
        say(name, Some(value));
    }
    facts
}

/// Settings by the names that the ownership record has for them. An entry of a list is the last word on its
/// channel. A user's PhoneConfig speaks for VOICE where the list is silent about it, and about after contact
/// work for the other channels only while there is no list of it at all: where Connect mirrors the forms into
/// each other, PhoneConfig repeats what the list says about VOICE, which says nothing about the others.
fn settings(user: &sim::User) -> Facts {
    use sim::Channel::{Chat, Email, Task, Voice};
    let phone = user.phone_config.clone().unwrap_or_default();
    let lists = &user.channels;
    let mut facts = Facts::new();
    let mut say = |list: &str, channel: sim::Channel, member: &str, value: String| {
        if !["false", "0", "SoftPhone", "None", ""].contains(&value.as_str()) {
            let channel = format!("{channel:?}").to_uppercase();
            facts.insert(format!("{list}[{channel}].{member}"), value);
        }
    };
    let limit = |config: &sim::AfterContactWorkConfig| config.after_contact_work_time_limit.unwrap_or_default();
    for channel in [Voice, Chat, Task, Email] {
        let voice = channel == Voice;

        let list = "autoAcceptConfigs";
        let entry = lists.auto_accept_configs.iter().find(|entry| entry.channel == channel);
        let older = voice && phone.auto_accept == Some(true);
        let accept = entry.map_or(older, |entry| entry.auto_accept);
        say(list, channel, "autoAccept", accept.to_string());
        let first = entry.and_then(|entry| entry.agent_first_callback_auto_accept).unwrap_or_default();
        say(list, channel, "agentFirstCallbackAutoAccept", first.to_string());

        let list = "afterContactWorkConfigs";
        let entry = lists.after_contact_work_configs.iter().find(|entry| entry.channel == channel);
        let older = if voice || lists.after_contact_work_configs.is_empty() {
            phone.after_contact_work_time_limit.unwrap_or_default()
        } else {
            0
        };
        let work = entry.map_or(older, |entry| limit(&entry.after_contact_work_config));
        say(list, channel, "afterContactWorkConfig", work.to_string());
        let first = entry.and_then(|entry| entry.agent_first_callback_after_contact_work_config.as_ref());
        say(
            list,
            channel,
            "agentFirstCallbackAfterContactWorkConfig",
            first.map(limit).unwrap_or_default().to_string(),
        );

        let list = "phoneNumberConfigs";
        let entry = lists.phone_number_configs.iter().find(|entry| entry.channel == channel);
        let older = sim::PhoneNumberConfig {
            channel,
            phone_type: phone.phone_type.filter(|_| voice).unwrap_or(sim::PhoneType::SoftPhone),
            phone_number: phone.desk_phone_number.clone().filter(|_| voice),
        };
        let entry = entry.unwrap_or(&older);
        say(list, channel, "phoneType", format!("{:?}", entry.phone_type));
        say(list, channel, "phoneNumber", entry.phone_number.clone().unwrap_or_default());

        let list = "persistentConnectionConfigs";
        let entry = lists.persistent_connection_configs.iter().find(|entry| entry.channel == channel);
        let older = voice && phone.persistent_connection == Some(true);
        say(
            list,
            channel,
            "persistentConnection",
            entry.map_or(older, |entry| entry.persistent_connection).to_string(),
        );

        let list = "voiceEnhancementConfigs";
        let entry = lists.voice_enhancement_configs.iter().find(|entry| entry.channel == channel);
        let mode = entry.map_or(sim::VoiceEnhancementMode::None, |entry| entry.voice_enhancement_mode);
        say(list, channel, "voiceEnhancementMode", format!("{mode:?}"));
    }
    facts
}

/// What a spec declares, by the same names; `None` is neutral.
pub fn declared(spec: &ConnectUserSpec) -> BTreeMap<String, Option<String>> {
    let mut declared = BTreeMap::new();
    let mut say = |name: String, value: String| {
        let neutral = ["false", "0", "SoftPhone", "None"].contains(&value.as_str()) && name.contains("Configs[");
        declared.insert(name, (!neutral).then_some(value));
    };
    let id = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    if let Some(identity) = &spec.identity_info {
        for (member, value) in [
            ("firstName", &identity.first_name),
            ("lastName", &identity.last_name),
            ("email", &identity.email),
            ("secondaryEmail", &identity.secondary_email),
            ("mobile", &identity.mobile),
        ] {
            value.iter().for_each(|value| say(format!("identityInfo.{member}"), value.clone()));
        }
    }
    say("routingProfile".into(), id(spec.routing_profile_arn.as_deref().unwrap()));
    let mut profiles: Vec<_> = spec.security_profile_arns.iter().flatten().map(|arn| id(arn)).collect();
    profiles.sort();
    say("securityProfiles".into(), profiles.join(" "));
    spec.hierarchy_group_arn.iter().for_each(|arn| say("hierarchyGroup".into(), id(arn)));
    spec.directory_user_id.iter().for_each(|id| say("directoryUserId".into(), id.clone()));
    for (key, value) in spec.tags.iter().flatten() {
        say(format!("tags[{key}]"), value.clone());
    }
    for one in spec.user_proficiencies.iter().flatten() {
        say(format!("userProficiencies[{}]", one.attribute_value), one.level.to_string());
    }
    if let Some(phone) = &spec.phone_config {
        let mut voice = |list: &str, member: &str, value: Option<String>| {
            value.into_iter().for_each(|value| say(format!("{list}[VOICE].{member}"), value));
        };
        voice("autoAcceptConfigs", "autoAccept", phone.auto_accept.map(|on| on.to_string()));
        voice("phoneNumberConfigs", "phoneType", phone.phone_type.map(|kind| format!("{kind:?}")));
        voice("phoneNumberConfigs", "phoneNumber", phone.desk_phone_number.clone());
        let persistent = phone.persistent_connection.map(|on| on.to_string());
        voice("persistentConnectionConfigs", "persistentConnection", persistent);
        for channel in ["VOICE", "CHAT", "TASK", "EMAIL"] {
            let limit = phone.after_contact_work_time_limit.iter();
            let name = format!("afterContactWorkConfigs[{channel}].afterContactWorkConfig");
            limit.for_each(|limit| say(name.clone(), limit.to_string()));
        }
    }
    let in_list = |list: &str, channel: Channel, member: &str| {
        format!("{list}[{}].{member}", format!("{channel:?}").to_uppercase())
    };
    for entry in spec.auto_accept_configs.iter().flatten() {
        let name = |member| in_list("autoAcceptConfigs", entry.channel, member);
        say(name("autoAccept"), entry.auto_accept.to_string());
        let first = entry.agent_first_callback_auto_accept.iter();
        first.for_each(|first| say(name("agentFirstCallbackAutoAccept"), first.to_string()));
    }
    for entry in spec.after_contact_work_configs.iter().flatten() {
        let name = |member| in_list("afterContactWorkConfigs", entry.channel, member);
        let limit = entry.after_contact_work_config.after_contact_work_time_limit;
        say(name("afterContactWorkConfig"), limit.to_string());
        let first = entry.agent_first_callback_after_contact_work_config.iter();
        first.for_each(|first| {
            let limit = first.after_contact_work_time_limit;
            say(name("agentFirstCallbackAfterContactWorkConfig"), limit.to_string());
        });
    }
    for entry in spec.phone_number_configs.iter().flatten() {
        let name = |member| in_list("phoneNumberConfigs", entry.channel, member);
        say(name("phoneType"), format!("{:?}", entry.phone_type));
        entry.phone_number.iter().for_each(|number| say(name("phoneNumber"), number.clone()));
    }
    for entry in spec.persistent_connection_configs.iter().flatten() {
        let name = in_list("persistentConnectionConfigs", entry.channel, "persistentConnection");
        say(name, entry.persistent_connection.to_string());
    }
    for entry in spec.voice_enhancement_configs.iter().flatten() {
        let name = in_list("voiceEnhancementConfigs", entry.channel, "voiceEnhancementMode");
        say(name, format!("{:?}", entry.voice_enhancement_mode));
    }
    declared
}
