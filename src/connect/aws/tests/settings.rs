//! Phone settings and lists on the wire, where the SDK alone would lose `false` and 0.

use serde_json::json;

use super::writes::{created, sent};
use super::*;
use crate::resource::channel::{Channel, PhoneType, VoiceEnhancementMode};
use crate::user::settings::{PhoneConfig, Settings, Slot, Value};

/// One value for every slot that Connect has, each off, zero or none.
fn neutral_lists() -> Settings {
    let voice = Channel::Voice;
    let only_voice =
        |slot: Slot| !matches!(slot, Slot::AutoAccept(_) | Slot::AfterContactWork(_)) && slot.channel() != voice;
    Slot::all().filter(|slot| !only_voice(*slot)).map(|slot| (slot, slot.neutral())).collect()
}

#[tokio::test]
async fn a_new_user_has_a_phone_type_only_where_it_may() {
    let off =
        PhoneConfig { auto_accept: Some(false), after_contact_work_time_limit: Some(0), ..PhoneConfig::default() };
    let body = created(|user| user.phone_config = off.clone()).await;
    assert_eq!(
        body["PhoneConfig"],
        json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0 })
    );

    let number = [(Slot::PhoneType(Channel::Voice), Value::Phone(PhoneType::DeskPhone))];
    let body = created(|user| {
        user.phone_config = off;
        user.lists = number.into_iter().collect();
    })
    .await;
    assert_eq!(body["PhoneConfig"], json!({ "AutoAccept": false, "AfterContactWorkTimeLimit": 0 }));
    assert_eq!(body["PhoneNumberConfigs"], json!([{ "Channel": "VOICE", "PhoneType": "DESK_PHONE" }]));
}

#[tokio::test]
async fn a_phone_config_is_exactly_what_was_said() {
    let everything = PhoneConfig {
        phone_type: Some(PhoneType::DeskPhone),
        auto_accept: Some(false),
        after_contact_work_time_limit: Some(0),
        desk_phone_number: Some("+15550100".to_owned()),
        persistent_connection: Some(false),
    };
    for (phone_config, expected) in [
        (
            everything,
            json!({
                "PhoneType": "DESK_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0,
                "DeskPhoneNumber": "+15550100", "PersistentConnection": false,
            }),
        ),
        (
            PhoneConfig { auto_accept: Some(true), desk_phone_number: Some(String::new()), ..PhoneConfig::default() },
            json!({ "AutoAccept": true }),
        ),
        (
            PhoneConfig { after_contact_work_time_limit: Some(0), ..PhoneConfig::default() },
            json!({ "AfterContactWorkTimeLimit": 0 }),
        ),
    ] {
        let seen = sent(&Call::UpdateUserPhoneConfig { phone_config }).await;
        assert_eq!((seen.method.as_str(), seen.path()), ("POST", "/users/i-1/u-1/phone-config"));
        assert_eq!(seen.json(), json!({ "PhoneConfig": expected }));
    }
}

#[tokio::test]
async fn off_and_zero_reach_the_wire_in_every_list() {
    let expected = json!({
        "AutoAcceptConfigs": [
            { "Channel": "VOICE", "AutoAccept": false, "AgentFirstCallbackAutoAccept": false },
            { "Channel": "CHAT", "AutoAccept": false },
            { "Channel": "TASK", "AutoAccept": false },
            { "Channel": "EMAIL", "AutoAccept": false },
        ],
        "AfterContactWorkConfigs": [
            {
                "Channel": "VOICE",
                "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 0 },
                "AgentFirstCallbackAfterContactWorkConfig": { "AfterContactWorkTimeLimit": 0 },
            },
            { "Channel": "CHAT", "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 0 } },
            { "Channel": "TASK", "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 0 } },
            { "Channel": "EMAIL", "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 0 } },
        ],
        "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "SOFT_PHONE" }],
        "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": false }],
        "VoiceEnhancementConfigs": [{ "Channel": "VOICE", "VoiceEnhancementMode": "NONE" }],
    });
    let seen = sent(&Call::UpdateUserConfig { settings: neutral_lists() }).await;
    assert_eq!((seen.method.as_str(), seen.path()), ("POST", "/users/i-1/u-1/config"));
    assert_eq!(seen.json(), expected);

    let body = created(|user| user.lists = neutral_lists()).await;
    for (list, entries) in expected.as_object().unwrap() {
        assert_eq!(&body[list], entries);
    }
}

#[tokio::test]
async fn a_list_of_which_nothing_was_said_is_left_out_and_required_members_are_filled_in() {
    let settings: Settings = [
        (Slot::FirstCallbackAfterContactWork(Channel::Voice), Value::Seconds(30)),
        (Slot::FirstCallbackAutoAccept(Channel::Voice), Value::Flag(true)),
        (Slot::PhoneNumber(Channel::Voice), Value::Number("+15550100".to_owned())),
        (Slot::VoiceEnhancement(Channel::Voice), Value::Voice(VoiceEnhancementMode::VoiceIsolation)),
    ]
    .into_iter()
    .collect();
    let seen = sent(&Call::UpdateUserConfig { settings }).await;
    assert_eq!(
        seen.json(),
        json!({
            "AutoAcceptConfigs": [{ "Channel": "VOICE", "AutoAccept": false, "AgentFirstCallbackAutoAccept": true }],
            "AfterContactWorkConfigs": [{
                "Channel": "VOICE",
                "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 0 },
                "AgentFirstCallbackAfterContactWorkConfig": { "AfterContactWorkTimeLimit": 30 },
            }],
            "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "SOFT_PHONE", "PhoneNumber": "+15550100" }],
            "VoiceEnhancementConfigs": [{ "Channel": "VOICE", "VoiceEnhancementMode": "VOICE_ISOLATION" }],
        })
    );
}
