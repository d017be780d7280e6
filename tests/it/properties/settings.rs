//! The settings of an agent, in both forms: each on its own, with zero and off, and back to the default.

use connect_simulator::user::{Channel, VoiceEnhancementConfig, VoiceEnhancementMode};
use connect_simulator::{Switches, UserPatch};
use serde_json::{Value, json};

use super::{Step, play, read, stage, state, step, write};
use crate::support::{Stage, managed};

fn config(body: Value) -> Vec<super::Act> {
    vec![read("DescribeUser"), write("UpdateUserConfig", body)]
}

fn accept(channel: &str, accept: bool) -> Value {
    json!({ "Channel": channel, "AutoAccept": accept })
}

fn work(channel: &str, seconds: i32) -> Value {
    json!({ "Channel": channel, "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": seconds } })
}

fn voice_work(seconds: i32, first: i32) -> Value {
    let mut entry = work("VOICE", seconds);
    entry["AgentFirstCallbackAfterContactWorkConfig"] = json!({ "AfterContactWorkTimeLimit": first });
    entry
}

fn voice_accept(on: bool, first: bool) -> Value {
    let mut entry = accept("VOICE", on);
    entry["AgentFirstCallbackAutoAccept"] = json!(first);
    entry
}

/// The five lists. Somebody else has set the voice enhancement, so it is sent along and stays until the
/// spec declares one.
fn the_five_lists() -> Vec<Step> {
    // What the body holds besides the list that the edit is about.
    let with_voice = |mut body: Value| {
        body["VoiceEnhancementConfigs"] = json!([{ "Channel": "VOICE", "VoiceEnhancementMode": "NOISE_SUPPRESSION" }]);
        config(body)
    };
    let voice = |mode: &str| {
        config(json!({ "VoiceEnhancementConfigs": [{ "Channel": "VOICE", "VoiceEnhancementMode": mode }] }))
    };
    let limit = |seconds: i32| json!({ "afterContactWorkTimeLimit": seconds });
    vec![
        step(
            "auto-accept",
            json!({ "autoAcceptConfigs": [
                { "channel": "VOICE", "autoAccept": true, "agentFirstCallbackAutoAccept": true },
                { "channel": "CHAT", "autoAccept": true },
            ] }),
            json!({ "settings": { "VOICE accept": true, "VOICE first accept": true, "CHAT accept": true } }),
            with_voice(json!({ "AutoAcceptConfigs": [voice_accept(true, true), accept("CHAT", true)] })),
        ),
        step(
            "auto-accept off for one channel",
            json!({ "autoAcceptConfigs": [
                { "channel": "VOICE", "autoAccept": false, "agentFirstCallbackAutoAccept": true },
                { "channel": "CHAT", "autoAccept": true },
            ] }),
            json!({ "settings": { "VOICE accept": null } }),
            with_voice(json!({ "AutoAcceptConfigs": [voice_accept(false, true), accept("CHAT", true)] })),
        ),
        step(
            "one channel less",
            json!({ "autoAcceptConfigs": [{ "channel": "VOICE", "autoAccept": false, "agentFirstCallbackAutoAccept": true }] }),
            json!({ "settings": { "CHAT accept": null } }),
            with_voice(json!({ "AutoAcceptConfigs": [voice_accept(false, true), accept("CHAT", false)] })),
        ),
        step(
            "a member less",
            json!({ "autoAcceptConfigs": [{ "channel": "VOICE", "autoAccept": false }] }),
            json!({ "settings": { "VOICE first accept": null } }),
            with_voice(json!({ "AutoAcceptConfigs": [voice_accept(false, false), accept("CHAT", false)] })),
        ),
        step(
            "auto-accept on again",
            json!({ "autoAcceptConfigs": [{ "channel": "VOICE", "autoAccept": true }] }),
            json!({ "settings": { "VOICE accept": true } }),
            with_voice(json!({ "AutoAcceptConfigs": [voice_accept(true, false), accept("CHAT", false)] })),
        ),
        step(
            "auto-accept removed",
            json!({ "autoAcceptConfigs": null }),
            json!({ "settings": { "VOICE accept": null } }),
            with_voice(json!({ "AutoAcceptConfigs": [voice_accept(false, false), accept("CHAT", false)] })),
        ),
        step(
            "after contact work",
            json!({ "afterContactWorkConfigs": [
                { "channel": "VOICE", "afterContactWorkConfig": limit(30), "agentFirstCallbackAfterContactWorkConfig": limit(15) },
                { "channel": "TASK", "afterContactWorkConfig": limit(60) },
            ] }),
            json!({ "settings": { "VOICE work": 30, "VOICE first work": 15, "TASK work": 60 } }),
            with_voice(
                json!({ "AfterContactWorkConfigs": [voice_work(30, 15), work("CHAT", 0), work("TASK", 60), work("EMAIL", 0)] }),
            ),
        ),
        step(
            "no limit",
            json!({ "afterContactWorkConfigs": [
                { "channel": "VOICE", "afterContactWorkConfig": limit(0), "agentFirstCallbackAfterContactWorkConfig": limit(0) },
                { "channel": "TASK", "afterContactWorkConfig": limit(60) },
            ] }),
            json!({ "settings": { "VOICE work": null, "VOICE first work": null } }),
            with_voice(
                json!({ "AfterContactWorkConfigs": [voice_work(0, 0), work("CHAT", 0), work("TASK", 60), work("EMAIL", 0)] }),
            ),
        ),
        step(
            "after contact work removed",
            json!({ "afterContactWorkConfigs": null }),
            json!({ "settings": { "TASK work": null } }),
            with_voice(
                json!({ "AfterContactWorkConfigs": [voice_work(0, 0), work("CHAT", 0), work("TASK", 0), work("EMAIL", 0)] }),
            ),
        ),
        step(
            "desk phone",
            json!({ "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+4930111" }] }),
            json!({ "settings": { "VOICE phone": "DESK_PHONE", "VOICE number": "+4930111" } }),
            with_voice(
                json!({ "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": "+4930111" }] }),
            ),
        ),
        step(
            "another number",
            json!({ "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+4930222" }] }),
            json!({ "settings": { "VOICE number": "+4930222" } }),
            with_voice(
                json!({ "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": "+4930222" }] }),
            ),
        ),
        step(
            "soft phone and no number",
            json!({ "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "SOFT_PHONE" }] }),
            json!({ "settings": { "VOICE phone": null, "VOICE number": null } }),
            with_voice(json!({ "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "SOFT_PHONE" }] })),
        ),
        step(
            "soft phone with a number",
            json!({ "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "SOFT_PHONE", "phoneNumber": "+4930333" }] }),
            json!({ "settings": { "VOICE number": "+4930333" } }),
            with_voice(
                json!({ "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "SOFT_PHONE", "PhoneNumber": "+4930333" }] }),
            ),
        ),
        step(
            "phone removed",
            json!({ "phoneNumberConfigs": null }),
            json!({ "settings": { "VOICE number": null } }),
            with_voice(json!({ "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "SOFT_PHONE" }] })),
        ),
        step(
            "persistent connection",
            json!({ "persistentConnectionConfigs": [{ "channel": "VOICE", "persistentConnection": true }] }),
            json!({ "settings": { "VOICE persistent": true } }),
            with_voice(
                json!({ "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": true }] }),
            ),
        ),
        step(
            "persistent connection off",
            json!({ "persistentConnectionConfigs": [{ "channel": "VOICE", "persistentConnection": false }] }),
            json!({ "settings": { "VOICE persistent": null } }),
            with_voice(
                json!({ "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": false }] }),
            ),
        ),
        step(
            "what is neutral already is let go without a call",
            json!({ "persistentConnectionConfigs": null }),
            json!({}),
            vec![read("DescribeUser")],
        ),
        step(
            "persistent connection on again",
            json!({ "persistentConnectionConfigs": [{ "channel": "VOICE", "persistentConnection": true }] }),
            json!({ "settings": { "VOICE persistent": true } }),
            with_voice(
                json!({ "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": true }] }),
            ),
        ),
        step(
            "persistent connection removed",
            json!({ "persistentConnectionConfigs": null }),
            json!({ "settings": { "VOICE persistent": null } }),
            with_voice(
                json!({ "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": false }] }),
            ),
        ),
        step(
            "voice enhancement, taken over",
            json!({ "voiceEnhancementConfigs": [{ "channel": "VOICE", "voiceEnhancementMode": "VOICE_ISOLATION" }] }),
            json!({ "settings": { "VOICE enhancement": "VOICE_ISOLATION" } }),
            voice("VOICE_ISOLATION"),
        ),
        step(
            "voice enhancement none",
            json!({ "voiceEnhancementConfigs": [{ "channel": "VOICE", "voiceEnhancementMode": "NONE" }] }),
            json!({ "settings": { "VOICE enhancement": null } }),
            voice("NONE"),
        ),
        step(
            "voice enhancement, another",
            json!({ "voiceEnhancementConfigs": [{ "channel": "VOICE", "voiceEnhancementMode": "NOISE_SUPPRESSION" }] }),
            json!({ "settings": { "VOICE enhancement": "NOISE_SUPPRESSION" } }),
            voice("NOISE_SUPPRESSION"),
        ),
        step(
            "voice enhancement removed",
            json!({ "voiceEnhancementConfigs": null }),
            json!({ "settings": { "VOICE enhancement": null } }),
            voice("NONE"),
        ),
    ]
}

async fn every_list(stage: &Stage) {
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    let enhancement = VoiceEnhancementConfig {
        channel: Channel::Voice,
        voice_enhancement_mode: VoiceEnhancementMode::NoiseSuppression,
    };
    stage.console("jane.doe", UserPatch { voice_enhancement_configs: Some(vec![enhancement]), ..UserPatch::default() });
    play(stage, the_five_lists()).await;
    assert_eq!(state(&stage.user("jane.doe").unwrap())["settings"], json!({}), "nothing is left of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_the_channel_lists_is_set_changed_and_returned_to_its_default() {
    every_list(&Stage::new("lists").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_the_channel_lists_arrives_whatever_connect_does_differently() {
    every_list(&stage("lists-flipped", Switches::all_flipped()).await).await;
}

/// The older block. `older` makes the expected calls: with the block itself, or with lists in its place
/// where Connect mirrors the one into the other.
fn the_older_block(older: impl Fn(Value, Value) -> Vec<super::Act>) -> Vec<Step> {
    let works = |seconds: i32| ["VOICE", "CHAT", "TASK", "EMAIL"].map(|channel| work(channel, seconds));
    let phone = |type_: &str, number: Option<&str>| match number {
        Some(number) => json!([{ "Channel": "VOICE", "PhoneType": type_, "PhoneNumber": number }]),
        None => json!([{ "Channel": "VOICE", "PhoneType": type_ }]),
    };
    let persistent = |on: bool| json!([{ "Channel": "VOICE", "PersistentConnection": on }]);
    vec![
        // Nobody has written any setting yet, so here the block is written as a block in any case.
        step(
            "auto-accept",
            json!({ "phoneConfig": { "autoAccept": true } }),
            json!({ "settings": { "VOICE accept": true } }),
            vec![
                read("DescribeUser"),
                write(
                    "UpdateUserPhoneConfig",
                    json!({ "PhoneConfig": {
                    "PhoneType": "SOFT_PHONE", "AutoAccept": true, "AfterContactWorkTimeLimit": 0,
                } }),
                ),
            ],
        ),
        step(
            "auto-accept off",
            json!({ "phoneConfig": { "autoAccept": false } }),
            json!({ "settings": { "VOICE accept": null } }),
            older(
                json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0, "PersistentConnection": false }),
                json!({ "AutoAcceptConfigs": [accept("VOICE", false)] }),
            ),
        ),
        step(
            "after contact work",
            json!({ "phoneConfig": { "autoAccept": null, "afterContactWorkTimeLimit": 30 } }),
            json!({ "settings": { "VOICE work": 30, "CHAT work": 30, "TASK work": 30, "EMAIL work": 30 } }),
            older(
                json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 30, "PersistentConnection": false }),
                json!({ "AutoAcceptConfigs": [accept("VOICE", false)], "AfterContactWorkConfigs": works(30) }),
            ),
        ),
        step(
            "no limit",
            json!({ "phoneConfig": { "afterContactWorkTimeLimit": 0 } }),
            json!({ "settings": { "VOICE work": null, "CHAT work": null, "TASK work": null, "EMAIL work": null } }),
            older(
                json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0, "PersistentConnection": false }),
                json!({ "AfterContactWorkConfigs": works(0) }),
            ),
        ),
        step(
            "persistent connection",
            json!({ "phoneConfig": { "persistentConnection": true } }),
            json!({ "settings": { "VOICE persistent": true } }),
            older(
                json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0, "PersistentConnection": true }),
                json!({ "AfterContactWorkConfigs": works(0), "PersistentConnectionConfigs": persistent(true) }),
            ),
        ),
        step(
            "desk phone",
            json!({ "phoneConfig": { "phoneType": "DESK_PHONE", "deskPhoneNumber": "+4930111" } }),
            json!({ "settings": { "VOICE phone": "DESK_PHONE", "VOICE number": "+4930111" } }),
            older(
                json!({
                    "PhoneType": "DESK_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0,
                    "DeskPhoneNumber": "+4930111", "PersistentConnection": true,
                }),
                json!({
                    "AfterContactWorkConfigs": works(0),
                    "PhoneNumberConfigs": phone("DESK_PHONE", Some("+4930111")),
                    "PersistentConnectionConfigs": persistent(true),
                }),
            ),
        ),
        step(
            "another number, persistent connection off",
            json!({ "phoneConfig": { "deskPhoneNumber": "+4930222", "persistentConnection": false } }),
            json!({ "settings": { "VOICE number": "+4930222", "VOICE persistent": null } }),
            older(
                json!({
                    "PhoneType": "DESK_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0,
                    "DeskPhoneNumber": "+4930222", "PersistentConnection": false,
                }),
                json!({
                    "AfterContactWorkConfigs": works(0),
                    "PhoneNumberConfigs": phone("DESK_PHONE", Some("+4930222")),
                    "PersistentConnectionConfigs": persistent(false),
                }),
            ),
        ),
        step(
            "desk phone removed",
            json!({ "phoneConfig": { "phoneType": null, "deskPhoneNumber": null } }),
            json!({ "settings": { "VOICE phone": null, "VOICE number": null } }),
            older(
                json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0, "PersistentConnection": false }),
                json!({
                    "AfterContactWorkConfigs": works(0),
                    "PhoneNumberConfigs": phone("SOFT_PHONE", None),
                    "PersistentConnectionConfigs": persistent(false),
                }),
            ),
        ),
        step(
            "all on",
            json!({ "phoneConfig": { "autoAccept": true, "afterContactWorkTimeLimit": 45, "persistentConnection": true } }),
            json!({ "settings": {
                "VOICE accept": true, "VOICE work": 45, "CHAT work": 45, "TASK work": 45, "EMAIL work": 45, "VOICE persistent": true,
            } }),
            older(
                json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": true, "AfterContactWorkTimeLimit": 45, "PersistentConnection": true }),
                json!({
                    "AutoAcceptConfigs": [accept("VOICE", true)],
                    "AfterContactWorkConfigs": works(45),
                    "PersistentConnectionConfigs": persistent(true),
                }),
            ),
        ),
        step(
            "the whole block removed",
            json!({ "phoneConfig": null }),
            json!({ "settings": {
                "VOICE accept": null, "VOICE work": null, "CHAT work": null, "TASK work": null, "EMAIL work": null, "VOICE persistent": null,
            } }),
            older(
                json!({ "PhoneType": "SOFT_PHONE", "AutoAccept": false, "AfterContactWorkTimeLimit": 0, "PersistentConnection": false }),
                json!({
                    "AutoAcceptConfigs": [accept("VOICE", false)],
                    "AfterContactWorkConfigs": works(0),
                    "PersistentConnectionConfigs": persistent(false),
                }),
            ),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_phone_config_is_set_changed_and_returned_to_its_default() {
    let stage = Stage::new("phone").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    play(&stage, the_older_block(|_, lists| config(lists))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_phone_config_goes_through_the_older_call_where_no_list_is_shown() {
    let stage = stage("phone-older", Switches { phone_config_mirrored: false, ..Switches::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    let older = |block, _| vec![read("DescribeUser"), write("UpdateUserPhoneConfig", json!({ "PhoneConfig": block }))];
    // The older call has no certain way to take a number away, so from there on it is the lists.
    let steps = the_older_block(older).into_iter().take_while(|step| step.what != "desk phone removed");
    play(&stage, steps.collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_phone_config_arrives_whatever_connect_does_differently() {
    let stage = stage("phone-flipped", Switches::all_flipped()).await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    play(&stage, the_older_block(|_, _| Vec::new())).await;
}

/// Connect shows in PhoneConfig what VOICE has; that says nothing about the other channels.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_declared_for_voice_stays_with_voice() {
    let stage = Stage::new("voice-only").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["afterContactWorkConfigs"] =
        json!([{ "channel": "VOICE", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 30 } }]);
    stage.create(&object).await;
    stage.ready("jane").await;
    assert_eq!(state(&stage.user("jane.doe").unwrap())["settings"], json!({ "VOICE work": 30 }));
    stage
        .edit(
            "jane",
            json!({ "afterContactWorkConfigs": [
            { "channel": "VOICE", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 40 } },
        ] }),
        )
        .await;
    stage.ready("jane").await;
    assert_eq!(state(&stage.user("jane.doe").unwrap())["settings"], json!({ "VOICE work": 40 }));
    stage.edit("jane", json!({ "afterContactWorkConfigs": null })).await;
    stage.ready("jane").await;
    assert_eq!(state(&stage.user("jane.doe").unwrap())["settings"], json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_older_form_to_lists_and_back_is_a_change_of_spelling_and_costs_no_write() {
    let stage = Stage::new("spelling").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["phoneConfig"] = json!({ "autoAccept": true, "phoneType": "DESK_PHONE", "deskPhoneNumber": "+4930111", "persistentConnection": true });
    stage.create(&object).await;
    stage.ready("jane").await;
    let lists = json!({
        "autoAcceptConfigs": [{ "channel": "VOICE", "autoAccept": true }],
        "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+4930111" }],
        "persistentConnectionConfigs": [{ "channel": "VOICE", "persistentConnection": true }],
    });
    let mut to_lists = lists.clone();
    to_lists["phoneConfig"] = json!(null);
    stage.edit("jane", to_lists).await;
    stage.ready("jane").await;
    stage
        .edit(
            "jane",
            json!({
                "autoAcceptConfigs": null,
                "phoneNumberConfigs": null,
                "persistentConnectionConfigs": null,
                "phoneConfig": object["spec"]["phoneConfig"],
            }),
        )
        .await;
    stage.ready("jane").await;
    assert_eq!(stage.operations(), ["DescribeInstance", "CreateUser", "DescribeUser", "DescribeUser"]);
    let user = stage.user("jane.doe").unwrap();
    assert_eq!(
        state(&user)["settings"],
        json!({
            "VOICE accept": true, "VOICE phone": "DESK_PHONE", "VOICE number": "+4930111", "VOICE persistent": true,
        })
    );
    assert_eq!(stage.count(), 1);
}
