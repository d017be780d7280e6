//! The scenarios. Another one is a function here and its name in [`ALL`].

use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::Proficiency;
use connect_simulator::{Fault, FaultKind, Lag, Switches, UserPatch};
use serde_json::{Value, json};

use super::scenario::{Act, End, Scenario, object};

/// Every scenario.
pub const ALL: &[fn() -> Scenario] = &[
    create,
    create_with_proficiencies,
    adopt,
    update,
    update_phone,
    removal_of_fields,
    delete,
    delete_with_quick_connects,
    retain,
    rename,
    vanished,
    change_of_mind,
    delete_after_create,
    delete_after_hidden_create,
    delete_after_lost_create,
    generated_password,
    adopt_with_generated_password,
    create_under_rules,
    delete_when_released,
    delete_forgotten,
];

pub fn create() -> Scenario {
    Scenario {
        acts: vec![Act::Create(object("jane", json!({})))],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/RoutingProfileId", json!(m::ROUTING_TIER_1)),
            ("/jane.doe/SecurityProfileIds", json!([m::SECURITY_AGENT])),
            ("/jane.doe/IdentityInfo/Email", json!("jane@example.com")),
            ("/jane.doe/Tags/contactops.dev~1uid", json!("UID of jane")),
        ],
        ..Scenario::new("create")
    }
}

pub fn create_with_proficiencies() -> Scenario {
    Scenario {
        acts: vec![Act::Create(object("jane", full()))],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/HierarchyGroupId", json!(m::GROUP_EMEA_SUPPORT_TIER_1)),
            ("/jane.doe/UserProficiencies/0/AttributeValue", json!("German")),
            ("/jane.doe/UserProficiencies/1/AttributeValue", json!("Billing")),
            ("/jane.doe/Tags/team", json!("support")),
            ("/jane.doe/AutoAcceptConfigs/0/AutoAccept", json!(true)),
        ],
        ..Scenario::new("create-full")
    }
}

pub fn adopt() -> Scenario {
    let by_hand = UserPatch {
        tags: Some([("cost".to_owned(), "42".to_owned()), ("team".to_owned(), "sales".to_owned())].into()),
        user_proficiencies: Some(vec![proficiency("Language", "French", 2.0), proficiency("Language", "German", 1.0)]),
        ..UserPatch::default()
    };
    Scenario {
        seed: vec![("jane.doe", by_hand)],
        acts: vec![Act::Create(object("jane", with(full(), json!({ "adoptionPolicy": "Adopt" }))))],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/Tags/cost", json!("42")),
            ("/jane.doe/Tags/team", json!("support")),
            ("/jane.doe/Tags/contactops.dev~1uid", json!("UID of jane")),
            (
                "/jane.doe/UserProficiencies/0",
                json!({ "AttributeName": "Language", "AttributeValue": "French", "Level": 2.0 }),
            ),
            (
                "/jane.doe/UserProficiencies/1",
                json!({ "AttributeName": "Language", "AttributeValue": "German", "Level": 4.0 }),
            ),
            ("/jane.doe/IdentityInfo/FirstName", json!("Jane")),
        ],
        ..Scenario::new("adopt")
    }
}

pub fn update() -> Scenario {
    let edit = json!({
        "identityInfo": { "firstName": "Janet", "lastName": "Roe", "email": "janet@example.com", "mobile": "+4930123456" },
        "routingProfileName": "Tier 2",
        "securityProfileNames": ["QualityAnalyst", "CallCenterManager"],
        "hierarchyGroupPath": ["APAC", "Support"],
        "autoAcceptConfigs": [{ "channel": "VOICE", "autoAccept": false }, { "channel": "CHAT", "autoAccept": true }],
        "afterContactWorkConfigs": [{ "channel": "VOICE", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 30 } }],
        "tags": { "team": "billing", "floor": "3" },
        "userProficiencies": [
            { "attributeName": "Language", "attributeValue": "German", "level": 5 },
            { "attributeName": "Language", "attributeValue": "English", "level": 3 },
        ],
    });
    Scenario {
        given: vec![object("jane", with(full(), json!({ "tags": { "team": "support", "old": "x" } })))],
        acts: vec![Act::Edit("jane", with(edit, json!({ "tags": { "team": "billing", "floor": "3", "old": null } })))],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/IdentityInfo/FirstName", json!("Janet")),
            ("/jane.doe/IdentityInfo/Mobile", json!("+4930123456")),
            ("/jane.doe/RoutingProfileId", json!(m::ROUTING_TIER_2)),
            ("/jane.doe/SecurityProfileIds", json!([m::SECURITY_MANAGER, m::SECURITY_QUALITY])),
            ("/jane.doe/HierarchyGroupId", json!(m::GROUP_APAC_SUPPORT)),
            ("/jane.doe/Tags/team", json!("billing")),
            ("/jane.doe/Tags/floor", json!("3")),
            ("/jane.doe/Tags/old", Value::Null),
            (
                "/jane.doe/UserProficiencies/0",
                json!({ "AttributeName": "Language", "AttributeValue": "German", "Level": 5.0 }),
            ),
            (
                "/jane.doe/UserProficiencies/1",
                json!({ "AttributeName": "Language", "AttributeValue": "English", "Level": 3.0 }),
            ),
            ("/jane.doe/UserProficiencies/2", Value::Null),
        ],
        ..Scenario::new("update")
    }
}

/// The older settings have a call of their own, where Connect does not mirror them into the lists.
pub fn update_phone() -> Scenario {
    let soft = json!({ "phoneType": "SOFT_PHONE", "autoAccept": true, "afterContactWorkTimeLimit": 30 });
    let desk = json!({ "phoneType": "DESK_PHONE", "deskPhoneNumber": "+4930123456", "autoAccept": false });
    Scenario {
        given: vec![object("jane", json!({ "phoneConfig": soft }))],
        acts: vec![Act::Edit("jane", json!({ "phoneConfig": desk }))],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/PhoneConfig/PhoneType", json!("DESK_PHONE")),
            ("/jane.doe/PhoneConfig/DeskPhoneNumber", json!("+4930123456")),
            ("/jane.doe/PhoneConfig/AfterContactWorkTimeLimit", json!(30)),
            ("/jane.doe/PhoneConfig/AutoAccept", json!(false)),
        ],
        switches: Switches { phone_config_mirrored: false, ..Switches::default() },
        ..Scenario::new("update-phone")
    }
}

pub fn removal_of_fields() -> Scenario {
    let reachable =
        json!({ "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com", "mobile": "+4930123456" });
    let edit = json!({
        "identityInfo": { "mobile": null }, "hierarchyGroupPath": null, "autoAcceptConfigs": null,
        "tags": null, "userProficiencies": null,
    });
    Scenario {
        given: vec![object("jane", with(full(), json!({ "identityInfo": reachable })))],
        acts: vec![Act::Edit("jane", edit)],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/IdentityInfo/FirstName", json!("Jane")),
            ("/jane.doe/IdentityInfo/Mobile", Value::Null),
            ("/jane.doe/HierarchyGroupId", Value::Null),
            ("/jane.doe/AutoAcceptConfigs/0/AutoAccept", json!(false)),
            ("/jane.doe/Tags/team", Value::Null),
            ("/jane.doe/UserProficiencies/0", Value::Null),
        ],
        ..Scenario::new("removal")
    }
}

pub fn delete() -> Scenario {
    Scenario {
        given: vec![object("jane", json!({})), object("john", json!({ "username": "john.doe" }))],
        acts: vec![Act::Delete("jane")],
        ends: vec![("jane", End::Gone), ("john", End::Ready)],
        wants: vec![("/jane.doe", Value::Null), ("/john.doe/Username", json!("john.doe"))],
        ..Scenario::new("delete")
    }
}

pub fn delete_with_quick_connects() -> Scenario {
    Scenario {
        given: vec![object("jane", json!({})), object("john", json!({ "username": "john.doe" }))],
        acts: vec![
            Act::QuickConnect("jane.doe"),
            Act::QuickConnect("john.doe"),
            Act::QuickConnect("jane.doe"),
            Act::Delete("jane"),
        ],
        ends: vec![("jane", End::Gone), ("john", End::Ready)],
        wants: vec![
            ("/jane.doe", Value::Null),
            ("/quick connects/0", json!("to john.doe")),
            ("/quick connects/1", Value::Null),
        ],
        rules: Some(json!({ "quickConnectCleanup": true })),
        ..Scenario::new("quick-connects")
    }
}

pub fn retain() -> Scenario {
    Scenario {
        given: vec![object("jane", with(full(), json!({ "deletionPolicy": "Retain" })))],
        acts: vec![Act::Delete("jane")],
        ends: vec![("jane", End::Gone)],
        wants: vec![
            ("/jane.doe/Tags", json!({ "team": "support" })),
            ("/jane.doe/RoutingProfileId", json!(m::ROUTING_TIER_1)),
        ],
        ..Scenario::new("retain")
    }
}

/// The same person under another name in Git.
pub fn rename() -> Scenario {
    Scenario {
        given: vec![object("jane", full())],
        acts: vec![
            Act::Create(object(
                "jane-doe",
                with(full(), json!({ "adoptionPolicy": "Adopt", "routingProfileName": "Tier 2" })),
            )),
            Act::Delete("jane"),
        ],
        ends: vec![("jane", End::Gone), ("jane-doe", End::Ready)],
        wants: vec![
            ("/jane.doe/Id", json!("first ID of jane.doe")),
            ("/jane.doe/Tags/contactops.dev~1uid", json!("UID of jane-doe")),
            ("/jane.doe/RoutingProfileId", json!(m::ROUTING_TIER_2)),
            ("/jane.doe/Tags/team", json!("support")),
        ],
        ..Scenario::new("rename")
    }
}

/// Somebody deletes the user by hand while the operator is away.
pub fn vanished() -> Scenario {
    Scenario {
        given: vec![object("jane", full())],
        acts: vec![Act::Dismiss("jane.doe"), Act::Wait],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/Id", json!("new ID of jane.doe")),
            ("/jane.doe/UserProficiencies/1/AttributeValue", json!("Billing")),
        ],
        ..Scenario::new("vanished")
    }
}

/// What an edit has set and the next takes back must go, even if the operator died in between and never said
/// that it was done.
pub fn change_of_mind() -> Scenario {
    let name = json!({ "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" });
    let more = json!({
        "identityInfo": { "mobile": "+4930123456" },
        "tags": { "floor": "3" },
        "userProficiencies": [{ "attributeName": "Skill", "attributeValue": "Billing", "level": 2 }],
        "hierarchyGroupPath": ["APAC"],
    });
    let less = json!({
        "identityInfo": { "mobile": null }, "tags": null, "userProficiencies": null, "hierarchyGroupPath": null,
    });
    Scenario {
        given: vec![object("jane", json!({ "identityInfo": name }))],
        acts: vec![Act::Edit("jane", more)],
        meanwhile: vec![("jane", End::Ready)],
        then: vec![Act::Edit("jane", less)],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/IdentityInfo", json!({ "FirstName": "Jane", "LastName": "Doe", "Email": "jane@example.com" })),
            ("/jane.doe/HierarchyGroupId", Value::Null),
            ("/jane.doe/Tags/floor", Value::Null),
            ("/jane.doe/UserProficiencies/0", Value::Null),
        ],
        ..Scenario::new("change-of-mind")
    }
}

pub fn delete_after_create() -> Scenario {
    Scenario {
        acts: vec![Act::Create(object("jane", full()))],
        meanwhile: vec![("jane", End::Ready)],
        then: vec![Act::Delete("jane")],
        ends: vec![("jane", End::Gone)],
        wants: vec![("/jane.doe", Value::Null)],
        ..Scenario::new("delete-after-create")
    }
}

/// The same where Connect hides the user for a while: that there may be one is known from the status alone.
pub fn delete_after_hidden_create() -> Scenario {
    // Longer than a restart takes, or it would be seen after it; and far less than the grace, which begins
    // when the attempt is written down and not when the call is made.
    let (lag, grace) = (Lag::uniform(3000), Duration::from_secs(6));
    Scenario { lag, grace, name: "delete-hidden", ..delete_after_create() }
}

/// And where nobody heard that it was made: a call without an answer may have had its effect.
pub fn delete_after_lost_create() -> Scenario {
    Scenario {
        faults: vec![Fault::new(FaultKind::LostAnswer).on("CreateUser").times(1)],
        steps_vary: true,
        name: "delete-lost",
        ..delete_after_hidden_create()
    }
}

/// The operator makes the password: once, before the user, whatever happens.
pub fn generated_password() -> Scenario {
    Scenario {
        acts: vec![Act::Create(object("jane", generates()))],
        ends: vec![("jane", End::Ready)],
        wants: vec![("/jane.doe/Tags/contactops.dev~1uid", json!("UID of jane"))],
        makes: Some("made"),
        ..Scenario::new("generated-password")
    }
}

/// The user is looked for first and keeps its password, so no Secret is made.
pub fn adopt_with_generated_password() -> Scenario {
    Scenario {
        seed: vec![("jane.doe", UserPatch::default())],
        acts: vec![Act::Create(object("jane", with(generates(), json!({ "adoptionPolicy": "Adopt" }))))],
        ends: vec![("jane", End::Ready)],
        wants: vec![
            ("/jane.doe/Id", json!("first ID of jane.doe")),
            ("/jane.doe/Tags/contactops.dev~1uid", json!("UID of jane")),
        ],
        ..Scenario::new("adopt-generated")
    }
}

/// The ConnectInstance is written, too: its finalizer and its status.
pub fn create_under_rules() -> Scenario {
    Scenario {
        acts: vec![Act::Create(object("jane", json!({})))],
        ends: vec![("jane", End::Ready)],
        wants: vec![("/jane.doe/Tags/contactops.dev~1uid", json!("UID of jane"))],
        rules: Some(json!({})),
        ..Scenario::new("create-under-rules")
    }
}

/// Two deletions are too many until a person lets them pass.
pub fn delete_when_released() -> Scenario {
    Scenario {
        given: vec![object("jane", json!({})), object("john", json!({ "username": "john.doe" }))],
        acts: vec![Act::Delete("jane"), Act::Delete("john"), Act::Release("jane")],
        meanwhile: vec![("jane", End::Gone), ("john", End::Held)],
        then: vec![Act::Release("john")],
        ends: vec![("jane", End::Gone), ("john", End::Gone)],
        wants: vec![("/jane.doe", Value::Null), ("/john.doe", Value::Null)],
        rules: Some(json!({ "deletionBrake": { "maxDeletions": 1, "windowSeconds": 3600 } })),
        ..Scenario::new("released")
    }
}

/// The user is found by its name, and once it is deleted nothing finds it: its quick connects go by its id.
pub fn delete_forgotten() -> Scenario {
    let mut scenario = Scenario { name: "forgotten", ..delete_with_quick_connects() };
    scenario.acts.insert(3, Act::Forget("jane"));
    scenario
}

fn generates() -> Value {
    json!({ "passwordSecretRef": { "name": "made", "key": "password", "generate": true } })
}

/// A spec in which every call has something to do.
fn full() -> Value {
    json!({
        "hierarchyGroupPath": ["EMEA", "Support", "Tier 1"],
        "autoAcceptConfigs": [{ "channel": "VOICE", "autoAccept": true }],
        "tags": { "team": "support" },
        "userProficiencies": [
            { "attributeName": "Language", "attributeValue": "German", "level": 4 },
            { "attributeName": "Skill", "attributeValue": "Billing", "level": 2 },
        ],
    })
}

fn with(mut spec: Value, more: Value) -> Value {
    for (member, value) in more.as_object().unwrap() {
        spec[member] = value.clone();
    }
    spec
}

fn proficiency(name: &str, value: &str, level: f64) -> Proficiency {
    Proficiency { attribute_name: name.to_owned(), attribute_value: value.to_owned(), level }
}
