//! Creation with everything there is.

use connect_simulator::Switches;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::status::ProficiencyKey;
use serde_json::{Value, json};

use super::{acts, looked_at_again, read, stage, state, write};
use crate::support::{Stage, managed};

fn everything_by_name() -> Value {
    json!({
        "apiVersion": "contactops.dev/v1alpha1",
        "kind": "ConnectUser",
        "metadata": { "name": "jane" },
        "spec": {
            "instanceArn": m::ARN,
            "username": "jane.doe",
            "identityInfo": {
                "firstName": "Jané",
                "lastName": "Doe",
                "email": "jane@example.com",
                "secondaryEmail": "jane@example.org",
                "mobile": "+4915112345678",
            },
            "routingProfileName": "Night Shift",
            "securityProfileNames": ["QualityAnalyst", "Agent"],
            "hierarchyGroupPath": ["EMEA", "Sales", "Tier 1"],
            "autoAcceptConfigs": [
                { "channel": "VOICE", "autoAccept": false, "agentFirstCallbackAutoAccept": true },
                { "channel": "CHAT", "autoAccept": true },
            ],
            "afterContactWorkConfigs": [
                {
                    "channel": "VOICE",
                    "afterContactWorkConfig": { "afterContactWorkTimeLimit": 0 },
                    "agentFirstCallbackAfterContactWorkConfig": { "afterContactWorkTimeLimit": 15 },
                },
                { "channel": "EMAIL", "afterContactWorkConfig": { "afterContactWorkTimeLimit": 2_000_000 } },
            ],
            "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+493012345678" }],
            "persistentConnectionConfigs": [{ "channel": "VOICE", "persistentConnection": true }],
            "voiceEnhancementConfigs": [{ "channel": "VOICE", "voiceEnhancementMode": "VOICE_ISOLATION" }],
            "userProficiencies": [
                { "attributeName": "Language", "attributeValue": "German", "level": 5 },
                { "attributeName": "Skill", "attributeValue": "Billing", "level": 1 },
            ],
            "directoryUserId": "directory-7",
            "passwordSecretRef": { "name": "password", "key": "password" },
            "tags": { "team": "support", "cost centre": "" },
            "deletionPolicy": "Retain",
            "adoptionPolicy": "Adopt",
            "driftPolicy": "Report",
            "suspend": false,
        }
    })
}

fn lists_as_state() -> Value {
    json!({
        "VOICE first accept": true,
        "CHAT accept": true,
        "VOICE first work": 15,
        "EMAIL work": 2_000_000,
        "VOICE phone": "DESK_PHONE",
        "VOICE number": "+493012345678",
        "VOICE persistent": true,
        "VOICE enhancement": "VOICE_ISOLATION",
    })
}

async fn expected_state(stage: &Stage) -> Value {
    json!({
        "username": "jane.doe",
        "identity": {
            "firstName": "Jané",
            "lastName": "Doe",
            "email": "jane@example.com",
            "secondaryEmail": "jane@example.org",
            "mobile": "+4915112345678",
        },
        "directoryUserId": "directory-7",
        "routing": m::ROUTING_NIGHT,
        "security": [m::SECURITY_AGENT, m::SECURITY_QUALITY],
        "group": m::GROUP_EMEA_SALES_TIER_1,
        "settings": lists_as_state(),
        "tags": { "team": "support", "cost centre": "" },
        "proficiencies": { "Language=German": 5.0, "Skill=Billing": 1.0 },
        "owner": format!("test/{}/jane", stage.namespace),
        "uid": stage.get("jane").await.metadata.uid,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_declared_by_name_and_per_channel_reaches_connect_at_creation() {
    let stage = Stage::new("create-all").await;
    stage.create(&everything_by_name()).await;
    let object = stage.ready("jane").await;
    let user = stage.user("jane.doe").unwrap();
    assert_eq!(state(&user), expected_state(&stage).await);

    let uid = object.metadata.uid.clone();
    let expected = vec![
        read("ListRoutingProfiles"),
        read("ListSecurityProfiles"),
        read("SearchUserHierarchyGroups"),
        // It would adopt a user of that name.
        read("ListUsers"),
        read("DescribeInstance"),
        write(
            "CreateUser",
            json!({
                "Username": "jane.doe",
                "Password": true,
                "IdentityInfo": {
                    "FirstName": "Jané",
                    "LastName": "Doe",
                    "Email": "jane@example.com",
                    "SecondaryEmail": "jane@example.org",
                    "Mobile": "+4915112345678",
                },
                "DirectoryUserId": "directory-7",
                "RoutingProfileId": m::ROUTING_NIGHT,
                "SecurityProfileIds": [m::SECURITY_AGENT, m::SECURITY_QUALITY],
                "HierarchyGroupId": m::GROUP_EMEA_SALES_TIER_1,
                "AutoAcceptConfigs": [
                    { "Channel": "VOICE", "AutoAccept": false, "AgentFirstCallbackAutoAccept": true },
                    { "Channel": "CHAT", "AutoAccept": true },
                ],
                "AfterContactWorkConfigs": [
                    {
                        "Channel": "VOICE",
                        "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 0 },
                        "AgentFirstCallbackAfterContactWorkConfig": { "AfterContactWorkTimeLimit": 15 },
                    },
                    { "Channel": "EMAIL", "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 2_000_000 } },
                ],
                "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": "+493012345678" }],
                "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": true }],
                "VoiceEnhancementConfigs": [{ "Channel": "VOICE", "VoiceEnhancementMode": "VOICE_ISOLATION" }],
                "Tags": {
                    "team": "support",
                    "cost centre": "",
                    "contactops.dev/owner": format!("test/{}/jane", stage.namespace),
                    "contactops.dev/uid": uid,
                },
            }),
        ),
        write(
            "AssociateUserProficiencies",
            json!({ "UserProficiencies": [
            { "AttributeName": "Language", "AttributeValue": "German", "Level": 5.0 },
            { "AttributeName": "Skill", "AttributeValue": "Billing", "Level": 1.0 },
        ] }),
        ),
    ];
    assert_eq!(acts(&stage.calls()), expected);

    let status = object.status.unwrap();
    assert_eq!(status.user_id.as_deref(), Some(user.id.as_str()));
    assert_eq!(status.user_arn.as_deref(), Some(user.arn.as_str()));
    let applied = status.applied.unwrap();
    assert_eq!(applied.generation, Some(1));
    assert_eq!(applied.tag_keys.to_vec(), ["cost centre", "team"]);
    let key =
        |name: &str, value: &str| ProficiencyKey { attribute_name: name.to_owned(), attribute_value: value.to_owned() };
    assert_eq!(applied.proficiencies, [key("Language", "German"), key("Skill", "Billing")]);
    for field in [
        "identityInfo.mobile",
        "hierarchyGroup",
        "directoryUserId",
        "voiceEnhancementConfigs[VOICE].voiceEnhancementMode",
    ] {
        assert!(applied.fields.iter().any(|owned| owned == field), "{field}: {:?}", applied.fields);
    }

    stage.settled("jane").await;
    // A look at what was made finds it as declared.
    assert_eq!(looked_at_again(&stage).await, ["DescribeUser", "ListUserProficiencies"]);
    assert_eq!(stage.ready("jane").await.status.unwrap().drift, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_declared_by_arn_and_in_the_older_form_reaches_connect_at_creation() {
    let stage = Stage::new("create-arns").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["hierarchyGroupArn"] = json!(format!("{}/agent-group/{}", m::ARN, m::GROUP_APAC_SUPPORT));
    object["spec"]["phoneConfig"] = json!({
        "phoneType": "DESK_PHONE",
        "autoAccept": false,
        "afterContactWorkTimeLimit": 0,
        "deskPhoneNumber": "+493012345678",
        "persistentConnection": false,
    });
    stage.create(&object).await;
    let object = stage.ready("jane").await;
    assert_eq!(
        state(&stage.user("jane.doe").unwrap()),
        json!({
            "username": "jane.doe",
            "identity": { "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" },
            "routing": m::ROUTING_BASIC,
            "security": [m::SECURITY_AGENT],
            "group": m::GROUP_APAC_SUPPORT,
            "settings": { "VOICE phone": "DESK_PHONE", "VOICE number": "+493012345678" },
            "tags": {},
            "proficiencies": {},
            "owner": format!("test/{}/jane", stage.namespace),
            "uid": object.metadata.uid,
        })
    );
    let expected = vec![
        read("DescribeInstance"),
        write(
            "CreateUser",
            json!({
                "Username": "jane.doe",
                "Password": true,
                "IdentityInfo": { "FirstName": "Jane", "LastName": "Doe", "Email": "jane@example.com" },
                "RoutingProfileId": m::ROUTING_BASIC,
                "SecurityProfileIds": [m::SECURITY_AGENT],
                "HierarchyGroupId": m::GROUP_APAC_SUPPORT,
                "PhoneConfig": {
                    "PhoneType": "DESK_PHONE",
                    "AutoAccept": false,
                    "AfterContactWorkTimeLimit": 0,
                    "DeskPhoneNumber": "+493012345678",
                    "PersistentConnection": false,
                },
                "Tags": {
                    "contactops.dev/owner": format!("test/{}/jane", stage.namespace),
                    "contactops.dev/uid": object.metadata.uid,
                },
            }),
        ),
    ];
    assert_eq!(acts(&stage.calls()), expected);
    stage.settled("jane").await;
    assert_eq!(
        looked_at_again(&stage).await,
        ["DescribeUser"],
        "proficiencies are nobody's here, so they are not read"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_reaches_connect_at_creation_whatever_connect_does_differently() {
    let stage = stage("create-flipped", Switches::all_flipped()).await;
    stage.create(&everything_by_name()).await;
    stage.ready("jane").await;
    assert_eq!(state(&stage.user("jane.doe").unwrap()), expected_state(&stage).await);
    assert_eq!(stage.written(), ["CreateUser", "AssociateUserProficiencies"]);
    looked_at_again(&stage).await;
    assert_eq!(stage.written(), [""; 0], "a look finds it as declared");
    stage.ready("jane").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_forms_of_settings_go_together_where_they_say_different_things() {
    let stage = Stage::new("create-both").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["phoneConfig"] = json!({ "autoAccept": true, "afterContactWorkTimeLimit": 30 });
    object["spec"]["phoneNumberConfigs"] =
        json!([{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+493012345678" }]);
    stage.create(&object).await;
    stage.ready("jane").await;
    let body = &stage.writes()[0].body;
    assert_eq!(body["PhoneConfig"], json!({ "AutoAccept": true, "AfterContactWorkTimeLimit": 30 }));
    assert_eq!(
        body["PhoneNumberConfigs"],
        json!([{ "Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": "+493012345678" }])
    );
    assert_eq!(
        state(&stage.user("jane.doe").unwrap())["settings"],
        json!({
            "VOICE accept": true,
            "VOICE work": 30,
            "CHAT work": 30,
            "TASK work": 30,
            "EMAIL work": 30,
            "VOICE phone": "DESK_PHONE",
            "VOICE number": "+493012345678",
        })
    );
    looked_at_again(&stage).await;
    assert_eq!(stage.written(), [""; 0]);
}
