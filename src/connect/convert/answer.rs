//! What Connect answers, read from the SDK's structs.
//!
//! Their flaw, that an absent `AutoAccept` or limit cannot be told from off or 0, does no harm here,
//! since to Connect it means just that. Empty texts stand for nothing: Connect shows
//! `"DeskPhoneNumber": ""`, which nobody can send.

use aws_sdk_connect::primitives::{DateTime, DateTimeFormat};
use aws_sdk_connect::types as sdk;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};

use crate::connect::{Group, IdentityManagement, ListedUser, Named, QuickConnect};
use crate::resource::channel::Channel;
use crate::resource::status::ProficiencyKey;
use crate::user::identity::Identity;
use crate::user::ids::{HierarchyGroupId, Instance, RoutingProfileId, SecurityProfileId, UserId, Username};
use crate::user::observed::ObservedUser;
use crate::user::settings::{PhoneConfig, Settings, Slot, Value};

/// A proficiency as listed.
pub(in crate::connect) fn level(proficiency: sdk::UserProficiency) -> (ProficiencyKey, i32) {
    let sdk::UserProficiency { attribute_name, attribute_value, level, .. } = proficiency;
    (ProficiencyKey { attribute_name, attribute_value }, level.round() as i32)
}

/// A user as described; `None` where the answer lacks id or name.
pub(in crate::connect) fn observed(instance: &Instance, user: sdk::User) -> Option<ObservedUser> {
    let lists = observed_lists(
        Lists {
            auto_accept: user.auto_accept_configs(),
            after_contact_work: user.after_contact_work_configs(),
            phone_number: user.phone_number_configs(),
            persistent_connection: user.persistent_connection_configs(),
            voice_enhancement: user.voice_enhancement_configs(),
        },
        SECOND,
    );
    let id = UserId::new(&said(user.id)?);
    Some(ObservedUser {
        arn: said(user.arn).unwrap_or_else(|| instance.user_arn(&id)),
        id,
        username: Username::new(&said(user.username)?),
        identity: user.identity_info.map(observed_identity).unwrap_or_default(),
        directory_user_id: said(user.directory_user_id),
        routing_profile: said(user.routing_profile_id).map(|id| RoutingProfileId::new(&id)),
        security_profiles: user.security_profile_ids.iter().flatten().map(|id| SecurityProfileId::new(id)).collect(),
        hierarchy_group: said(user.hierarchy_group_id).map(|id| HierarchyGroupId::new(&id)),
        phone_config: user.phone_config.map(|config| observed_phone(config, SECOND)).unwrap_or_default(),
        lists,
        tags: user.tags.into_iter().flatten().collect(),
        last_modified_time: user.last_modified_time.as_ref().and_then(rfc3339),
        proficiencies: None,
    })
}

/// A user as the search index has it; `None` where the answer lacks id or name. The index has neither
/// addresses nor proficiencies nor the time of the last change, and tells limits in milliseconds.
pub(in crate::connect) fn found(instance: &Instance, user: sdk::UserSearchSummary) -> Option<ObservedUser> {
    let lists = observed_lists(
        Lists {
            auto_accept: user.auto_accept_configs(),
            after_contact_work: user.after_contact_work_configs(),
            phone_number: user.phone_number_configs(),
            persistent_connection: user.persistent_connection_configs(),
            voice_enhancement: user.voice_enhancement_configs(),
        },
        MILLISECOND,
    );
    let id = UserId::new(&said(user.id)?);
    let name = user.identity_info;
    let (first_name, last_name) = name.map_or((None, None), |name| (said(name.first_name), said(name.last_name)));
    Some(ObservedUser {
        arn: said(user.arn).unwrap_or_else(|| instance.user_arn(&id)),
        id,
        username: Username::new(&said(user.username)?),
        identity: Identity { first_name, last_name, ..Identity::default() },
        directory_user_id: said(user.directory_user_id),
        routing_profile: said(user.routing_profile_id).map(|id| RoutingProfileId::new(&id)),
        security_profiles: user.security_profile_ids.iter().flatten().map(|id| SecurityProfileId::new(id)).collect(),
        hierarchy_group: said(user.hierarchy_group_id).map(|id| HierarchyGroupId::new(&id)),
        phone_config: user.phone_config.map(|config| observed_phone(config, MILLISECOND)).unwrap_or_default(),
        lists,
        tags: user.tags.into_iter().flatten().collect(),
        last_modified_time: None,
        proficiencies: None,
    })
}

fn observed_identity(info: sdk::UserIdentityInfo) -> Identity {
    Identity {
        first_name: said(info.first_name),
        last_name: said(info.last_name),
        email: said(info.email),
        secondary_email: said(info.secondary_email),
        mobile: said(info.mobile),
    }
}

/// How many of the units in which limits are told make a second: DescribeUser tells seconds.
const SECOND: i32 = 1;
/// SearchUsers tells milliseconds.
const MILLISECOND: i32 = 1000;

fn observed_phone(config: sdk::UserPhoneConfig, unit: i32) -> PhoneConfig {
    PhoneConfig {
        phone_type: known(config.phone_type.as_str()),
        auto_accept: Some(config.auto_accept),
        after_contact_work_time_limit: Some(config.after_contact_work_time_limit / unit),
        desk_phone_number: said(config.desk_phone_number),
        persistent_connection: config.persistent_connection,
    }
}

/// The channel lists, which users come with wherever they come from.
#[derive(Clone, Copy)]
struct Lists<'a> {
    auto_accept: &'a [sdk::AutoAcceptConfig],
    after_contact_work: &'a [sdk::AfterContactWorkConfigPerChannel],
    phone_number: &'a [sdk::PhoneNumberConfig],
    persistent_connection: &'a [sdk::PersistentConnectionConfig],
    voice_enhancement: &'a [sdk::VoiceEnhancementConfig],
}

// Values that this version does not know are left out: nobody can have declared them.
fn observed_lists(lists: Lists<'_>, unit: i32) -> Settings {
    let Lists { auto_accept, after_contact_work, phone_number, persistent_connection, voice_enhancement } = lists;
    let mut settings = Settings::default();
    let mut say = |channel: &sdk::Channel, slot: fn(Channel) -> Slot, value: Option<Value>| {
        if let (Some(channel), Some(value)) = (known(channel.as_str()), value) {
            settings.set(slot(channel), value);
        }
    };
    for config in auto_accept {
        say(&config.channel, Slot::AutoAccept, Some(Value::Flag(config.auto_accept)));
        say(&config.channel, Slot::FirstCallbackAutoAccept, config.agent_first_callback_auto_accept.map(Value::Flag));
    }
    for config in after_contact_work {
        let seconds = |limit: &Option<sdk::AfterContactWorkConfig>| {
            limit.as_ref().map(|limit| Value::Seconds(limit.after_contact_work_time_limit / unit))
        };
        say(&config.channel, Slot::AfterContactWork, seconds(&config.after_contact_work_config));
        let first = seconds(&config.agent_first_callback_after_contact_work_config);
        say(&config.channel, Slot::FirstCallbackAfterContactWork, first);
    }
    for config in phone_number {
        say(&config.channel, Slot::PhoneType, known(config.phone_type.as_str()).map(Value::Phone));
        say(&config.channel, Slot::PhoneNumber, said(config.phone_number.clone()).map(Value::Number));
    }
    for config in persistent_connection {
        say(&config.channel, Slot::PersistentConnection, Some(Value::Flag(config.persistent_connection)));
    }
    for config in voice_enhancement {
        say(&config.channel, Slot::VoiceEnhancement, known(config.voice_enhancement_mode.as_str()).map(Value::Voice));
    }
    settings
}

/// A user as listed or found; `None` where the answer lacks id or name.
pub(in crate::connect) fn listed(
    id: Option<String>,
    username: Option<String>,
    changed: Option<&DateTime>,
) -> Option<ListedUser> {
    Some(ListedUser {
        id: UserId::new(&said(id)?),
        username: Username::new(&said(username)?),
        last_modified_time: changed.and_then(rfc3339),
    })
}

/// A profile as listed; `None` where it lacks id or name, since a spec cannot mean it then.
pub(in crate::connect) fn named(id: Option<String>, name: Option<String>) -> Option<Named> {
    Some(Named { id: said(id)?, name: said(name)? })
}

/// A hierarchy group with its path; `None` for the root of level 0, which is no group that a user can be in.
pub(in crate::connect) fn group(group: sdk::HierarchyGroup) -> Option<Group> {
    let (id, name) = (said(group.id)?, said(group.name)?);
    let path = group
        .hierarchy_path
        .map(|path| [path.level_one, path.level_two, path.level_three, path.level_four, path.level_five]);
    let steps: Vec<_> = path.into_iter().flatten().flatten().collect();
    let level = said(group.level_id);
    if level.as_deref() == Some("0") || (level.is_none() && steps.is_empty()) {
        return None;
    }
    // A group's path ends in the group itself; that this holds for every answer is not documented.
    let complete = steps.last().is_some_and(|last| last.id.as_deref() == Some(&id));
    let mut path: Vec<String> = steps.into_iter().filter_map(|step| step.name).collect();
    if !complete {
        path.push(name);
    }
    Some(Group { id, path })
}

/// Who keeps the passwords; `None` for what this version does not know.
pub(in crate::connect) fn identity_management(kind: &sdk::DirectoryType) -> Option<IdentityManagement> {
    match kind {
        sdk::DirectoryType::ConnectManaged => Some(IdentityManagement::ConnectManaged),
        sdk::DirectoryType::Saml => Some(IdentityManagement::Saml),
        sdk::DirectoryType::ExistingDirectory => Some(IdentityManagement::ExistingDirectory),
        _ => None,
    }
}

/// A text that says something.
pub(in crate::connect) fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

// Our enums are spelt on the wire as in the spec.
fn known<'a, T: Deserialize<'a>>(word: &'a str) -> Option<T> {
    let word: StrDeserializer<'a, WordError> = word.into_deserializer();
    T::deserialize(word).ok()
}

// Epoch seconds come as a float, so what is below a millisecond is noise; three digits always, so that
// equal times are equal texts.
fn rfc3339(time: &DateTime) -> Option<String> {
    let millis = time.as_nanos().checked_add(500_000)?.div_euclid(1_000_000);
    let seconds =
        DateTime::from_secs(i64::try_from(millis.div_euclid(1000)).ok()?).fmt(DateTimeFormat::DateTime).ok()?;
    Some(format!("{}.{:03}Z", seconds.strip_suffix('Z')?, millis.rem_euclid(1000)))
}

/// A quick connect with the user that it points to.
pub(crate) fn quick_connect(quick_connect: aws_sdk_connect::types::QuickConnect) -> Option<QuickConnect> {
    let user =
        quick_connect.quick_connect_config.and_then(|config| config.user_config).map(|user| UserId::new(&user.user_id));
    Some(QuickConnect { id: said(quick_connect.quick_connect_id)?, user })
}
