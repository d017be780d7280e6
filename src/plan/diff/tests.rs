//! Tables: one change of the declaration or of the user, and exactly the calls that it leads to.

mod members;
mod settings;
mod whole;

use serde_json::{Value as Json, json};

use super::*;
use crate::resource::channel::{Channel, PhoneType, VoiceEnhancementMode};
use crate::resource::user::ConnectUserSpec;
use crate::resource::{OWNER_TAG, UID_TAG};
use crate::user::desired::References;
use crate::user::identity::Identity;
use crate::user::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId, UserId, Username};

const ARN: &str = "arn:aws:connect:eu-west-1:111122223333:instance/i-1";

/// A spec that declares everything there is, in the newer form.
fn everything() -> Json {
    json!({
        "instanceArn": ARN,
        "username": "jane.doe",
        "identityInfo": {
            "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com",
            "secondaryEmail": "jane@example.org", "mobile": "+4915112345678",
        },
        "routingProfileArn": format!("{ARN}/routing-profile/r-1"),
        "securityProfileArns": [format!("{ARN}/security-profile/s-1"), format!("{ARN}/security-profile/s-2")],
        "hierarchyGroupArn": format!("{ARN}/agent-group/g-1"),
        "autoAcceptConfigs": [
            { "channel": "VOICE", "autoAccept": true, "agentFirstCallbackAutoAccept": true },
            { "channel": "CHAT", "autoAccept": true },
        ],
        "afterContactWorkConfigs": [
            {
                "channel": "VOICE",
                "afterContactWorkConfig": { "afterContactWorkTimeLimit": 20 },
                "agentFirstCallbackAfterContactWorkConfig": { "afterContactWorkTimeLimit": 10 },
            },
            { "channel": "CHAT", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 30 } },
        ],
        "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+493012345678" }],
        "persistentConnectionConfigs": [{ "channel": "VOICE", "persistentConnection": true }],
        "voiceEnhancementConfigs": [{ "channel": "VOICE", "voiceEnhancementMode": "NOISE_SUPPRESSION" }],
        "userProficiencies": [
            { "attributeName": "Language", "attributeValue": "German", "level": 4 },
            { "attributeName": "Skill", "attributeValue": "Billing", "level": 2 },
        ],
        "directoryUserId": "d-1",
        "tags": { "team": "support", "site": "berlin" },
    })
}

/// A spec that declares what must be declared, and the older phone settings.
fn phone_only() -> Json {
    json!({
        "instanceArn": ARN,
        "username": "jane.doe",
        "routingProfileArn": format!("{ARN}/routing-profile/r-1"),
        "securityProfileArns": [format!("{ARN}/security-profile/s-1")],
        "phoneConfig": {
            "phoneType": "DESK_PHONE", "autoAccept": true, "afterContactWorkTimeLimit": 20,
            "deskPhoneNumber": "+493012345678", "persistentConnection": true,
        },
    })
}

/// The settings of [`everything`].
fn all_settings() -> Settings {
    let (voice, chat) = (Channel::Voice, Channel::Chat);
    settings_of([
        (Slot::AutoAccept(voice), Value::Flag(true)),
        (Slot::FirstCallbackAutoAccept(voice), Value::Flag(true)),
        (Slot::AutoAccept(chat), Value::Flag(true)),
        (Slot::AfterContactWork(voice), Value::Seconds(20)),
        (Slot::FirstCallbackAfterContactWork(voice), Value::Seconds(10)),
        (Slot::AfterContactWork(chat), Value::Seconds(30)),
        (Slot::PhoneType(voice), Value::Phone(PhoneType::DeskPhone)),
        (Slot::PhoneNumber(voice), Value::Number("+493012345678".to_owned())),
        (Slot::PersistentConnection(voice), Value::Flag(true)),
        (Slot::VoiceEnhancement(voice), Value::Voice(VoiceEnhancementMode::NoiseSuppression)),
    ])
}

/// The phone settings of [`phone_only`].
fn all_phone() -> PhoneConfig {
    PhoneConfig {
        phone_type: Some(PhoneType::DeskPhone),
        auto_accept: Some(true),
        after_contact_work_time_limit: Some(20),
        desk_phone_number: Some("+493012345678".to_owned()),
        persistent_connection: Some(true),
    }
}

fn settings_of(values: impl IntoIterator<Item = (Slot, Value)>) -> Settings {
    values.into_iter().collect()
}

fn owner() -> Owner {
    Owner { path: "prod/emea/jane-doe".to_owned(), uid: "uid-1".to_owned() }
}

fn key(name: &str, value: &str) -> ProficiencyKey {
    ProficiencyKey { attribute_name: name.to_owned(), attribute_value: value.to_owned() }
}

fn tags_of<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// The declaration in a spec; its ARNs are taken for what they name.
fn desired(spec: &Json) -> DesiredUser {
    let spec: ConnectUserSpec = serde_json::from_value(spec.clone()).unwrap();
    let references = References {
        routing_profile: RoutingProfileId::new(spec.routing_profile_arn.as_deref().unwrap()),
        security_profiles: spec.security_profile_arns.iter().flatten().map(|arn| SecurityProfileId::new(arn)).collect(),
        hierarchy_group: spec.hierarchy_group_arn.as_deref().map(HierarchyGroupId::new),
    };
    DesiredUser::new(&spec, references)
}

/// A user that is just as declared, in bare ids as Connect answers them, and has nothing else.
fn observed(desired: &DesiredUser) -> ObservedUser {
    let mut tags = desired.tags.clone();
    tags.extend(owner().tags());
    ObservedUser {
        id: UserId::new("u-1"),
        arn: format!("{ARN}/agent/u-1"),
        username: desired.username.clone(),
        identity: desired.identity.clone(),
        directory_user_id: desired.directory_user_id.clone(),
        routing_profile: Some(desired.routing_profile.clone()),
        security_profiles: desired.security_profiles.clone(),
        hierarchy_group: desired.hierarchy_group.clone(),
        phone_config: desired.phone_config.clone(),
        lists: desired.lists.clone(),
        tags,
        last_modified_time: None,
        proficiencies: Some(desired.proficiencies.clone()),
    }
}

/// Edits a spec: `pointer` gets `value`, or is removed where that is null.
fn edit(spec: &mut Json, pointer: &str, value: Json) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match spec.pointer_mut(parent).unwrap() {
        Json::Object(members) if value.is_null() => drop(members.remove(last).unwrap()),
        Json::Object(members) => drop(members.insert(last.to_owned(), value)),
        Json::Array(items) if value.is_null() => drop(items.remove(last.parse().unwrap())),
        Json::Array(items) if last == "-" => items.push(value),
        Json::Array(items) => items[last.parse::<usize>().unwrap()] = value,
        other => panic!("{pointer} leads into {other}"),
    }
}

fn edited(mut spec: Json, pointer: &str, value: Json) -> Json {
    edit(&mut spec, pointer, value);
    spec
}

/// What an edit of a spec leads to, where the user is as the spec was before and all of that is owned.
fn after_edit(spec: &Json, pointer: &str, value: Json) -> Plan {
    let before = desired(spec);
    update(&desired(&edited(spec.clone(), pointer, value)), &observed(&before), &Owned::by(&before), &owner())
}

/// What a change of the user past the operator leads to.
fn after_drift(spec: &Json, drift: impl FnOnce(&mut ObservedUser)) -> Plan {
    let desired = desired(spec);
    let mut observed = observed(&desired);
    drift(&mut observed);
    update(&desired, &observed, &Owned::by(&desired), &owner())
}

/// The calls and the names of the fields that differ; nothing else.
#[track_caller]
#[allow(clippy::needless_pass_by_value, reason = "reads better at the many callers")]
fn leads_to<const N: usize>(what: &str, plan: &Plan, calls: [Call; N], fields: &str) {
    assert_eq!(plan.calls, calls, "{what}");
    assert_eq!(plan.fields(), fields, "{what}");
}
