//! Phone and channel settings.

use serde_json::json;

use super::{Case, no, ok};

pub(super) fn phone() -> Vec<Case> {
    let seconds = "must be a number of seconds from 0 to 2000000, where 0 means no limit";
    vec![
        ok(
            "all phone settings",
            json!({ "phoneConfig": {
                "phoneType": "DESK_PHONE", "autoAccept": false, "afterContactWorkTimeLimit": 0,
                "deskPhoneNumber": "+493012345678", "persistentConnection": false
            } }),
        ),
        ok("the longest after contact work", json!({ "phoneConfig": { "afterContactWorkTimeLimit": 2_000_000 } })),
        ok(
            "a desk phone number for later",
            json!({ "phoneConfig": { "phoneType": "SOFT_PHONE", "deskPhoneNumber": "+12" } }),
        ),
        no(
            "no phone settings",
            json!({ "phoneConfig": {} }),
            &[("spec.phoneConfig", "may not be empty: set at least one of phoneType, autoAccept")],
        ),
        no(
            "an unknown phone type",
            json!({ "phoneConfig": { "phoneType": "FAX" } }),
            &[("spec.phoneConfig.phoneType", "supported values: \"SOFT_PHONE\", \"DESK_PHONE\"")],
        ),
        no(
            "a desk phone number without +",
            json!({ "phoneConfig": { "phoneType": "DESK_PHONE", "deskPhoneNumber": "030 123456" } }),
            &[("spec.phoneConfig.deskPhoneNumber", "must be in E.164 form")],
        ),
        no(
            "too much after contact work",
            json!({ "phoneConfig": { "afterContactWorkTimeLimit": 2_000_001 } }),
            &[("spec.phoneConfig.afterContactWorkTimeLimit", seconds)],
        ),
        no(
            "more after contact work than an i32 holds",
            json!({ "phoneConfig": { "afterContactWorkTimeLimit": 3_000_000_000_u32 } }),
            &[
                ("spec.phoneConfig.afterContactWorkTimeLimit", seconds),
                ("<nil>", "of type integer with format int32 in spec.phoneConfig"),
            ],
        ),
        no(
            "negative after contact work",
            json!({ "phoneConfig": { "afterContactWorkTimeLimit": -1 } }),
            &[("spec.phoneConfig.afterContactWorkTimeLimit", seconds)],
        ),
        no(
            "half a second of after contact work",
            json!({ "phoneConfig": { "afterContactWorkTimeLimit": 0.5 } }),
            &[
                ("spec.phoneConfig.afterContactWorkTimeLimit", "must be of type int32"),
                ("<nil>", "of type integer with format int32 in spec.phoneConfig"),
            ],
        ),
    ]
}

pub(super) fn twins() -> Vec<Case> {
    let auto = json!([{ "channel": "VOICE", "autoAccept": true }]);
    let work = json!([{ "channel": "VOICE", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 30 } }]);
    let number = json!([{ "channel": "VOICE", "phoneType": "SOFT_PHONE" }]);
    let line = json!([{ "channel": "VOICE", "persistentConnection": true }]);
    vec![
        ok(
            "older and newer settings side by side",
            json!({ "phoneConfig": { "phoneType": "SOFT_PHONE" }, "autoAcceptConfigs": auto, "afterContactWorkConfigs": work }),
        ),
        no(
            "phoneType twice",
            json!({ "phoneConfig": { "phoneType": "SOFT_PHONE" }, "phoneNumberConfigs": number }),
            &[(
                "spec.phoneConfig.phoneType",
                "may not be set together with phoneNumberConfigs, which is the same setting per channel: keep one of the two",
            )],
        ),
        no(
            "the desk phone twice",
            json!({ "phoneConfig": { "deskPhoneNumber": "+493012345678" }, "phoneNumberConfigs": number }),
            &[("spec.phoneConfig.deskPhoneNumber", "may not be set together with phoneNumberConfigs, which")],
        ),
        no(
            "autoAccept twice",
            json!({ "phoneConfig": { "autoAccept": true }, "autoAcceptConfigs": auto }),
            &[("spec.phoneConfig.autoAccept", "may not be set together with autoAcceptConfigs, which")],
        ),
        no(
            "after contact work twice",
            json!({ "phoneConfig": { "afterContactWorkTimeLimit": 30 }, "afterContactWorkConfigs": work }),
            &[(
                "spec.phoneConfig.afterContactWorkTimeLimit",
                "may not be set together with afterContactWorkConfigs, which",
            )],
        ),
        no(
            "the persistent connection twice",
            json!({ "phoneConfig": { "persistentConnection": true }, "persistentConnectionConfigs": line }),
            &[(
                "spec.phoneConfig.persistentConnection",
                "may not be set together with persistentConnectionConfigs, which",
            )],
        ),
    ]
}

pub(super) fn channels() -> Vec<Case> {
    let empty = "may not be empty: leave it out instead";
    let voice = "must be VOICE: Amazon Connect has this setting for VOICE only; remove the entry of the other channel";
    let member = "may be set for channel VOICE only: remove it from the entry of the other channel";
    let seconds = "must be a number of seconds from 0 to 2000000, where 0 means no limit";
    let work = |seconds: i64| json!({ "afterContactWorkTimeLimit": seconds });
    vec![
        ok(
            "everything per channel",
            json!({
                "autoAcceptConfigs": [
                    { "channel": "VOICE", "autoAccept": true, "agentFirstCallbackAutoAccept": false },
                    { "channel": "CHAT", "autoAccept": true },
                    { "channel": "TASK", "autoAccept": false },
                    { "channel": "EMAIL", "autoAccept": true }
                ],
                "afterContactWorkConfigs": [
                    { "channel": "VOICE", "afterContactWorkConfig": work(0), "agentFirstCallbackAfterContactWorkConfig": work(2_000_000) },
                    { "channel": "CHAT", "afterContactWorkConfig": work(2_000_000) },
                    { "channel": "TASK", "afterContactWorkConfig": work(1) },
                    { "channel": "EMAIL", "afterContactWorkConfig": work(30) }
                ],
                "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+493012345678" }],
                "persistentConnectionConfigs": [{ "channel": "VOICE", "persistentConnection": true }],
                "voiceEnhancementConfigs": [{ "channel": "VOICE", "voiceEnhancementMode": "NOISE_SUPPRESSION" }]
            }),
        ),
        no("no auto-accept", json!({ "autoAcceptConfigs": [] }), &[("spec.autoAcceptConfigs", empty)]),
        no(
            "no after contact work",
            json!({ "afterContactWorkConfigs": [] }),
            &[("spec.afterContactWorkConfigs", empty)],
        ),
        no("no phone number", json!({ "phoneNumberConfigs": [] }), &[("spec.phoneNumberConfigs", empty)]),
        no(
            "no persistent connection",
            json!({ "persistentConnectionConfigs": [] }),
            &[("spec.persistentConnectionConfigs", empty)],
        ),
        no(
            "no voice enhancement",
            json!({ "voiceEnhancementConfigs": [] }),
            &[("spec.voiceEnhancementConfigs", empty)],
        ),
        no(
            "a channel twice",
            json!({ "autoAcceptConfigs": [{ "channel": "CHAT", "autoAccept": true }, { "channel": "CHAT", "autoAccept": false }] }),
            &[("spec.autoAcceptConfigs[1]", "Duplicate value: {\"channel\":\"CHAT\"}")],
        ),
        no(
            "a channel twice in after contact work",
            json!({ "afterContactWorkConfigs": [
                { "channel": "CHAT", "afterContactWorkConfig": work(1) }, { "channel": "CHAT", "afterContactWorkConfig": work(2) }
            ] }),
            &[("spec.afterContactWorkConfigs[1]", "Duplicate value: {\"channel\":\"CHAT\"}")],
        ),
        no(
            "an unknown channel",
            json!({ "autoAcceptConfigs": [{ "channel": "voice", "autoAccept": true }] }),
            &[("spec.autoAcceptConfigs[0].channel", "supported values: \"VOICE\", \"CHAT\", \"TASK\", \"EMAIL\"")],
        ),
        no(
            "an entry without its setting",
            json!({ "autoAcceptConfigs": [{ "channel": "VOICE" }] }),
            &[("spec.autoAcceptConfigs[0].autoAccept", "Required value")],
        ),
        no(
            "callbacks in chats",
            json!({ "autoAcceptConfigs": [{ "channel": "CHAT", "autoAccept": true, "agentFirstCallbackAutoAccept": true }] }),
            &[("spec.autoAcceptConfigs[0].agentFirstCallbackAutoAccept", member)],
        ),
        no(
            "callbacks in tasks",
            json!({ "afterContactWorkConfigs": [
                { "channel": "TASK", "afterContactWorkConfig": work(1), "agentFirstCallbackAfterContactWorkConfig": work(1) }
            ] }),
            &[("spec.afterContactWorkConfigs[0].agentFirstCallbackAfterContactWorkConfig", member)],
        ),
        no(
            "too much after contact work in a channel",
            json!({ "afterContactWorkConfigs": [
                { "channel": "VOICE", "afterContactWorkConfig": work(2_000_001), "agentFirstCallbackAfterContactWorkConfig": work(-1) }
            ] }),
            &[
                ("spec.afterContactWorkConfigs[0].afterContactWorkConfig.afterContactWorkTimeLimit", seconds),
                (
                    "spec.afterContactWorkConfigs[0].agentFirstCallbackAfterContactWorkConfig.afterContactWorkTimeLimit",
                    seconds,
                ),
            ],
        ),
        no(
            "a phone for chats",
            json!({ "phoneNumberConfigs": [{ "channel": "CHAT", "phoneType": "SOFT_PHONE" }] }),
            &[("spec.phoneNumberConfigs[0].channel", voice)],
        ),
        no(
            "a phone number in local form",
            json!({ "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "030123456" }] }),
            &[("spec.phoneNumberConfigs[0].phoneNumber", "must be in E.164 form")],
        ),
        no(
            "a persistent connection for e-mails",
            json!({ "persistentConnectionConfigs": [
                { "channel": "VOICE", "persistentConnection": true }, { "channel": "EMAIL", "persistentConnection": true }
            ] }),
            &[("spec.persistentConnectionConfigs[1].channel", voice)],
        ),
        no(
            "voice enhancement for tasks",
            json!({ "voiceEnhancementConfigs": [{ "channel": "TASK", "voiceEnhancementMode": "NONE" }] }),
            &[("spec.voiceEnhancementConfigs[0].channel", voice)],
        ),
        no(
            "an unknown voice enhancement",
            json!({ "voiceEnhancementConfigs": [{ "channel": "VOICE", "voiceEnhancementMode": "AUTOTUNE" }] }),
            &[(
                "spec.voiceEnhancementConfigs[0].voiceEnhancementMode",
                "supported values: \"VOICE_ISOLATION\", \"NOISE_SUPPRESSION\", \"NONE\"",
            )],
        ),
    ]
}
