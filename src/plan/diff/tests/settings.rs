//! Phone settings and channel lists: which of the two calls, with what in it.

use super::*;

const VOICE: Channel = Channel::Voice;
const CHAT: Channel = Channel::Chat;
const TASK: Channel = Channel::Task;
const EMAIL: Channel = Channel::Email;

fn lists(settings: Settings) -> Call {
    Call::UpdateUserConfig { settings }
}

/// The settings of [`everything`] with one other value.
fn all_but(slot: Slot, value: Value) -> Call {
    lists(settings_of([(slot, value)]).over(all_settings()))
}

fn limit(channel: Channel, seconds: i32) -> (Slot, Value) {
    (Slot::AfterContactWork(channel), Value::Seconds(seconds))
}

/// A pointer into [`everything`], what it gets, and the one slot that this concerns.
fn rows() -> Vec<(&'static str, Json, Slot, Value)> {
    let seconds = |seconds: i32| json!({ "afterContactWorkTimeLimit": seconds });
    vec![
        ("/autoAcceptConfigs/0/autoAccept", json!(false), Slot::AutoAccept(VOICE), Value::Flag(false)),
        ("/autoAcceptConfigs/1/autoAccept", json!(false), Slot::AutoAccept(CHAT), Value::Flag(false)),
        (
            "/autoAcceptConfigs/0/agentFirstCallbackAutoAccept",
            json!(false),
            Slot::FirstCallbackAutoAccept(VOICE),
            Value::Flag(false),
        ),
        // Terraform sends a body without the 0.
        (
            "/afterContactWorkConfigs/0/afterContactWorkConfig",
            seconds(0),
            Slot::AfterContactWork(VOICE),
            Value::Seconds(0),
        ),
        (
            "/afterContactWorkConfigs/1/afterContactWorkConfig",
            seconds(2_000_000),
            Slot::AfterContactWork(CHAT),
            Value::Seconds(2_000_000),
        ),
        (
            "/afterContactWorkConfigs/0/agentFirstCallbackAfterContactWorkConfig",
            seconds(0),
            Slot::FirstCallbackAfterContactWork(VOICE),
            Value::Seconds(0),
        ),
        (
            "/phoneNumberConfigs/0/phoneType",
            json!("SOFT_PHONE"),
            Slot::PhoneType(VOICE),
            Value::Phone(PhoneType::SoftPhone),
        ),
        (
            "/phoneNumberConfigs/0/phoneNumber",
            json!("+15550100"),
            Slot::PhoneNumber(VOICE),
            Value::Number("+15550100".to_owned()),
        ),
        (
            "/persistentConnectionConfigs/0/persistentConnection",
            json!(false),
            Slot::PersistentConnection(VOICE),
            Value::Flag(false),
        ),
        (
            "/voiceEnhancementConfigs/0/voiceEnhancementMode",
            json!("VOICE_ISOLATION"),
            Slot::VoiceEnhancement(VOICE),
            Value::Voice(VoiceEnhancementMode::VoiceIsolation),
        ),
    ]
}

#[test]
fn each_setting_is_written_with_the_whole_lists() {
    for (pointer, value, slot, written) in rows() {
        let field = slot.to_string();
        leads_to(pointer, &after_edit(&everything(), pointer, value), [all_but(slot, written.clone())], &field);
        let drifted = after_drift(&everything(), |user| user.lists.set(slot, written));
        leads_to(pointer, &drifted, [lists(all_settings())], &field);
    }
}

#[test]
fn each_setting_that_is_no_longer_declared_is_written_as_neutral() {
    let neutral = |slots: &[Slot]| -> Call {
        lists(slots.iter().map(|slot| (*slot, slot.neutral())).collect::<Settings>().over(all_settings()))
    };
    for (pointer, slots) in [
        ("/autoAcceptConfigs/1", vec![Slot::AutoAccept(CHAT)]),
        (
            "/autoAcceptConfigs",
            vec![Slot::AutoAccept(VOICE), Slot::AutoAccept(CHAT), Slot::FirstCallbackAutoAccept(VOICE)],
        ),
        ("/autoAcceptConfigs/0/agentFirstCallbackAutoAccept", vec![Slot::FirstCallbackAutoAccept(VOICE)]),
        ("/afterContactWorkConfigs/1", vec![Slot::AfterContactWork(CHAT)]),
        (
            "/afterContactWorkConfigs",
            vec![
                Slot::AfterContactWork(VOICE),
                Slot::AfterContactWork(CHAT),
                Slot::FirstCallbackAfterContactWork(VOICE),
            ],
        ),
        (
            "/afterContactWorkConfigs/0/agentFirstCallbackAfterContactWorkConfig",
            vec![Slot::FirstCallbackAfterContactWork(VOICE)],
        ),
        ("/phoneNumberConfigs", vec![Slot::PhoneType(VOICE), Slot::PhoneNumber(VOICE)]),
        ("/phoneNumberConfigs/0/phoneNumber", vec![Slot::PhoneNumber(VOICE)]),
        ("/persistentConnectionConfigs", vec![Slot::PersistentConnection(VOICE)]),
        ("/voiceEnhancementConfigs", vec![Slot::VoiceEnhancement(VOICE)]),
    ] {
        let fields = slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        leads_to(pointer, &after_edit(&everything(), pointer, Json::Null), [neutral(&slots)], &fields);
    }
}

#[test]
fn what_another_hand_set_for_other_channels_is_sent_again() {
    let spec = edited(
        edited(phone_only(), "/phoneConfig", Json::Null),
        "/afterContactWorkConfigs",
        json!([{ "channel": "VOICE", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 0 } }]),
    );
    let plan = after_drift(&spec, |user| {
        user.lists = settings_of([
            limit(VOICE, 20),
            limit(TASK, 45),
            (Slot::FirstCallbackAfterContactWork(VOICE), Value::Seconds(7)),
            (Slot::AutoAccept(EMAIL), Value::Flag(true)),
            (Slot::PersistentConnection(VOICE), Value::Flag(false)),
        ]);
    });
    let expected = settings_of([
        limit(VOICE, 0),
        limit(TASK, 45),
        (Slot::FirstCallbackAfterContactWork(VOICE), Value::Seconds(7)),
        (Slot::AutoAccept(EMAIL), Value::Flag(true)),
    ]);
    leads_to("foreign channels", &plan, [lists(expected)], "afterContactWorkConfigs[VOICE].afterContactWorkConfig");
}

/// A declaration of one list, with a value that differs from that of the user.
fn voice_enhancement_only() -> Json {
    let mode = json!([{ "channel": "VOICE", "voiceEnhancementMode": "VOICE_ISOLATION" }]);
    edited(edited(phone_only(), "/phoneConfig", Json::Null), "/voiceEnhancementConfigs", mode)
}

#[test]
fn a_foreign_list_that_hides_other_phone_settings_is_sent_again_though_it_is_neutral() {
    let isolation = (Slot::VoiceEnhancement(VOICE), Value::Voice(VoiceEnhancementMode::VoiceIsolation));
    let soft = (Slot::PhoneType(VOICE), Value::Phone(PhoneType::SoftPhone));
    let off = (Slot::PersistentConnection(VOICE), Value::Flag(false));
    // If it were left out, and Connect emptied it for that, the number and the connection would come back.
    let plan = after_drift(&voice_enhancement_only(), |user| {
        user.phone_config = PhoneConfig {
            desk_phone_number: Some("+15550100".to_owned()),
            persistent_connection: Some(true),
            ..PhoneConfig::default()
        };
        user.lists = settings_of([soft.clone(), off.clone()]);
    });
    let field = isolation.0.to_string();
    leads_to("hidden", &plan, [lists(settings_of([isolation.clone(), soft, off]))], &field);
    let plan = after_drift(&voice_enhancement_only(), |user| {
        user.lists = settings_of([(Slot::PersistentConnection(VOICE), Value::Flag(false))]);
    });
    leads_to("nothing behind", &plan, [lists(settings_of([isolation]))], &field);
}

#[test]
fn a_phone_config_speaks_for_all_channels_only_while_there_is_no_list() {
    let spec = |channels: &[&str]| {
        let entry =
            |channel| json!({ "channel": channel, "afterContactWorkConfig": { "afterContactWorkTimeLimit": 20 } });
        let entries: Vec<Json> = channels.iter().map(entry).collect();
        edited(edited(phone_only(), "/phoneConfig", Json::Null), "/afterContactWorkConfigs", json!(entries))
    };
    let mirrored = |user: &mut ObservedUser| {
        user.lists = settings_of([limit(VOICE, 20)]);
        user.phone_config.after_contact_work_time_limit = Some(20);
    };
    // Connect repeats in the PhoneConfig what the list says about VOICE: that is not the limit of TASK.
    let plan = after_drift(&spec(&["VOICE", "TASK"]), mirrored);
    let field = "afterContactWorkConfigs[TASK].afterContactWorkConfig";
    leads_to("another channel", &plan, [lists(settings_of([limit(VOICE, 20), limit(TASK, 20)]))], field);
    // And it is not written for channels that nobody spoke of.
    let plan = after_drift(&spec(&["VOICE"]), |user| {
        mirrored(user);
        user.lists.set(Slot::AfterContactWork(VOICE), Value::Seconds(5));
    });
    let field = "afterContactWorkConfigs[VOICE].afterContactWorkConfig";
    leads_to("the same channel", &plan, [lists(settings_of([limit(VOICE, 20)]))], field);
    // Where the list is silent about VOICE, the PhoneConfig is all there is.
    let plan = after_drift(&spec(&["VOICE"]), |user| {
        user.lists = settings_of([limit(CHAT, 5)]);
        user.phone_config.after_contact_work_time_limit = Some(20);
    });
    leads_to("as the PhoneConfig says", &plan, [], "");
    // Without any list it counts for every channel, and what it says is carried over into the list.
    let plan = after_drift(&spec(&["CHAT"]), |user| {
        user.lists = Settings::default();
        user.phone_config.after_contact_work_time_limit = Some(45);
    });
    let expected = settings_of([limit(VOICE, 45), limit(CHAT, 20), limit(TASK, 45), limit(EMAIL, 45)]);
    leads_to("all channels", &plan, [lists(expected)], "afterContactWorkConfigs[CHAT].afterContactWorkConfig");
}

#[test]
fn the_older_call_is_not_used_to_take_a_number_away() {
    let spec = edited(
        edited(phone_only(), "/phoneConfig/phoneType", json!("SOFT_PHONE")),
        "/phoneConfig/autoAccept",
        Json::Null,
    );
    let plan = after_edit(&spec, "/phoneConfig/deskPhoneNumber", Json::Null);
    let expected = settings_of([
        limit(VOICE, 20),
        limit(CHAT, 20),
        limit(TASK, 20),
        limit(EMAIL, 20),
        (Slot::PhoneType(VOICE), Value::Phone(PhoneType::SoftPhone)),
        (Slot::PhoneNumber(VOICE), Value::Number(String::new())),
        (Slot::PersistentConnection(VOICE), Value::Flag(true)),
    ]);
    leads_to("a number", &plan, [lists(expected)], "phoneNumberConfigs[VOICE].phoneNumber");
}

#[test]
fn what_another_hand_set_is_no_difference() {
    let spec = edited(phone_only(), "/phoneConfig", Json::Null);
    let foreign = after_drift(&spec, |user| {
        user.lists = all_settings();
        user.phone_config = all_phone();
    });
    leads_to("nothing declared", &foreign, [], "");
}

#[test]
fn without_any_list_the_older_call_is_used_and_says_off_and_zero() {
    let phone = |change: fn(&mut PhoneConfig)| {
        let mut phone_config = all_phone();
        change(&mut phone_config);
        Call::UpdateUserPhoneConfig { phone_config }
    };
    let every_limit = || {
        let slot = |channel| Slot::AfterContactWork(channel).to_string();
        [VOICE, CHAT, TASK, EMAIL].map(slot).join(", ")
    };
    for (pointer, value, call, fields) in [
        (
            "/phoneConfig/phoneType",
            json!("SOFT_PHONE"),
            phone(|phone| phone.phone_type = Some(PhoneType::SoftPhone)),
            Slot::PhoneType(VOICE).to_string(),
        ),
        (
            "/phoneConfig/autoAccept",
            json!(false),
            phone(|phone| phone.auto_accept = Some(false)),
            Slot::AutoAccept(VOICE).to_string(),
        ),
        (
            "/phoneConfig/afterContactWorkTimeLimit",
            json!(0),
            phone(|phone| phone.after_contact_work_time_limit = Some(0)),
            every_limit(),
        ),
        (
            "/phoneConfig/deskPhoneNumber",
            json!("+15550100"),
            phone(|phone| phone.desk_phone_number = Some("+15550100".to_owned())),
            Slot::PhoneNumber(VOICE).to_string(),
        ),
        (
            "/phoneConfig/persistentConnection",
            json!(false),
            phone(|phone| phone.persistent_connection = Some(false)),
            Slot::PersistentConnection(VOICE).to_string(),
        ),
        // Removed: back to what Connect does where nothing was said.
        (
            "/phoneConfig/autoAccept",
            Json::Null,
            phone(|phone| phone.auto_accept = Some(false)),
            Slot::AutoAccept(VOICE).to_string(),
        ),
        (
            "/phoneConfig/afterContactWorkTimeLimit",
            Json::Null,
            phone(|phone| phone.after_contact_work_time_limit = Some(0)),
            every_limit(),
        ),
        (
            "/phoneConfig/persistentConnection",
            Json::Null,
            phone(|phone| phone.persistent_connection = Some(false)),
            Slot::PersistentConnection(VOICE).to_string(),
        ),
    ] {
        leads_to(pointer, &after_edit(&phone_only(), pointer, value), [call], &fields);
    }
    let plan = after_drift(&phone_only(), |user| user.phone_config.after_contact_work_time_limit = Some(5));
    leads_to("drift", &plan, [phone(|_| ())], &every_limit());
}

#[test]
fn members_of_the_older_block_that_were_never_declared_are_sent_again() {
    let spec = edited(phone_only(), "/phoneConfig", json!({ "autoAccept": true }));
    let plan = after_drift(&spec, |user| {
        user.phone_config = PhoneConfig { auto_accept: Some(false), ..all_phone() };
    });
    leads_to(
        "foreign members",
        &plan,
        [Call::UpdateUserPhoneConfig { phone_config: all_phone() }],
        "autoAcceptConfigs[VOICE].autoAccept",
    );
    let nothing = after_drift(&spec, |user| user.phone_config = PhoneConfig::default());
    let phone_config = PhoneConfig {
        phone_type: Some(PhoneType::SoftPhone),
        auto_accept: Some(true),
        after_contact_work_time_limit: Some(0),
        ..PhoneConfig::default()
    };
    let call = Call::UpdateUserPhoneConfig { phone_config };
    leads_to("no phone settings yet", &nothing, [call], "autoAcceptConfigs[VOICE].autoAccept");
}

#[test]
fn where_the_user_has_lists_the_older_form_is_written_as_lists() {
    // As Connect shows it where it mirrors the two forms into each other.
    let mirrored = settings_of([
        limit(VOICE, 20),
        limit(CHAT, 20),
        limit(TASK, 20),
        limit(EMAIL, 20),
        (Slot::AutoAccept(VOICE), Value::Flag(true)),
        (Slot::PhoneType(VOICE), Value::Phone(PhoneType::DeskPhone)),
        (Slot::PhoneNumber(VOICE), Value::Number("+493012345678".to_owned())),
        (Slot::PersistentConnection(VOICE), Value::Flag(true)),
    ]);
    leads_to("in sync", &after_drift(&phone_only(), |user| user.lists = mirrored.clone()), [], "");
    // A limit that somebody gave to one channel: the older call would do as well, but not for what follows.
    let plan = after_drift(&phone_only(), |user| user.lists = settings_of([limit(CHAT, 5)]).over(mirrored.clone()));
    leads_to("one channel", &plan, [lists(mirrored.clone())], "afterContactWorkConfigs[CHAT].afterContactWorkConfig");
    let isolation = (Slot::VoiceEnhancement(VOICE), Value::Voice(VoiceEnhancementMode::VoiceIsolation));
    let plan = after_drift(&phone_only(), |user| {
        user.lists =
            settings_of([isolation.clone(), (Slot::AutoAccept(VOICE), Value::Flag(false))]).over(mirrored.clone());
    });
    let expected = settings_of([isolation]).over(mirrored);
    leads_to("foreign list", &plan, [lists(expected)], "autoAcceptConfigs[VOICE].autoAccept");
}

#[test]
fn from_one_form_to_the_other_nothing_is_lost() {
    let mut spec = phone_only();
    edit(&mut spec, "/phoneConfig", Json::Null);
    edit(
        &mut spec,
        "/afterContactWorkConfigs",
        json!([{ "channel": "VOICE", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 20 } }]),
    );
    edit(
        &mut spec,
        "/phoneNumberConfigs",
        json!([{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+493012345678" }]),
    );
    let before = desired(&phone_only());
    let plan = update(&desired(&spec), &observed(&before), &Owned::by(&before), &owner());
    let expected = settings_of([
        limit(VOICE, 20),
        limit(CHAT, 0),
        limit(TASK, 0),
        limit(EMAIL, 0),
        (Slot::AutoAccept(VOICE), Value::Flag(false)),
        (Slot::PhoneType(VOICE), Value::Phone(PhoneType::DeskPhone)),
        (Slot::PhoneNumber(VOICE), Value::Number("+493012345678".to_owned())),
        (Slot::PersistentConnection(VOICE), Value::Flag(false)),
    ]);
    assert_eq!(plan.calls, [lists(expected)]);
}
