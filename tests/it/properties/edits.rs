//! A change of every single property of a user, one edit after the other: exactly the calls that it takes,
//! and nothing else moves. What others have put on the user stays throughout.

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{IdentityInfo, Proficiency};
use connect_simulator::{Switches, UserPatch};
use serde_json::{Value, json};

use super::{Act, Step, play, read, stage, step, write};
use crate::support::{Stage, managed};

fn identity(first: &str, last: &str, email: &str, secondary: Option<&str>) -> Value {
    let mut info = json!({ "FirstName": first, "LastName": last, "Email": email, "Mobile": "+4930999" });
    if let Some(secondary) = secondary {
        info["SecondaryEmail"] = json!(secondary);
    }
    json!({ "IdentityInfo": info })
}

fn after_reading(write: Act) -> Vec<Act> {
    vec![read("DescribeUser"), write]
}

fn level(name: &str, value: &str, level: f64) -> Value {
    json!({ "AttributeName": name, "AttributeValue": value, "Level": level })
}

/// What the console has put on the user: a mobile number, a tag and a proficiency.
fn by_others() -> UserPatch {
    UserPatch {
        identity_info: Some(IdentityInfo {
            first_name: Some("Jane".to_owned()),
            last_name: Some("Doe".to_owned()),
            email: Some("jane@example.com".to_owned()),
            secondary_email: None,
            mobile: Some("+4930999".to_owned()),
        }),
        user_proficiencies: Some(vec![Proficiency {
            attribute_name: "Language".to_owned(),
            attribute_value: "French".to_owned(),
            level: 2.0,
        }]),
        ..UserPatch::default()
    }
}

fn who_the_user_is() -> Vec<Step> {
    let update = |body| after_reading(write("UpdateUserIdentityInfo", body));
    vec![
        step(
            "first name",
            json!({ "identityInfo": { "firstName": "Janet" } }),
            json!({ "identity": { "firstName": "Janet" } }),
            update(identity("Janet", "Doe", "jane@example.com", None)),
        ),
        step(
            "last name",
            json!({ "identityInfo": { "lastName": "Roe" } }),
            json!({ "identity": { "lastName": "Roe" } }),
            update(identity("Janet", "Roe", "jane@example.com", None)),
        ),
        step(
            "e-mail",
            json!({ "identityInfo": { "email": "roe@example.com" } }),
            json!({ "identity": { "email": "roe@example.com" } }),
            update(identity("Janet", "Roe", "roe@example.com", None)),
        ),
        step(
            "second e-mail",
            json!({ "identityInfo": { "secondaryEmail": "a@example.org" } }),
            json!({ "identity": { "secondaryEmail": "a@example.org" } }),
            update(identity("Janet", "Roe", "roe@example.com", Some("a@example.org"))),
        ),
        step(
            "second e-mail, another",
            json!({ "identityInfo": { "secondaryEmail": "b@example.org" } }),
            json!({ "identity": { "secondaryEmail": "b@example.org" } }),
            update(identity("Janet", "Roe", "roe@example.com", Some("b@example.org"))),
        ),
        step(
            "second e-mail removed",
            json!({ "identityInfo": { "secondaryEmail": null } }),
            json!({ "identity": { "secondaryEmail": null } }),
            update(identity("Janet", "Roe", "roe@example.com", None)),
        )
        .impossible_when_flipped(),
    ]
}

fn what_the_user_may_do() -> Vec<Step> {
    let routing = |id: &str| write("UpdateUserRoutingProfile", json!({ "RoutingProfileId": id }));
    let security = |ids: &[&str]| write("UpdateUserSecurityProfiles", json!({ "SecurityProfileIds": ids }));
    let group = |id: &str| write("UpdateUserHierarchy", json!({ "HierarchyGroupId": id }));
    let arn = |kind: &str, id: &str| json!(format!("{}/{kind}/{id}", m::ARN));
    vec![
        step(
            "routing profile",
            json!({ "routingProfileArn": arn("routing-profile", m::ROUTING_TIER_1) }),
            json!({ "routing": m::ROUTING_TIER_1 }),
            after_reading(routing(m::ROUTING_TIER_1)),
        ),
        step(
            "routing profile by name instead of ARN",
            json!({ "routingProfileArn": null, "routingProfileName": "Tier 2" }),
            json!({ "routing": m::ROUTING_TIER_2 }),
            vec![read("ListRoutingProfiles"), read("DescribeUser"), routing(m::ROUTING_TIER_2)],
        ),
        step(
            "routing profile, another name",
            json!({ "routingProfileName": "Night Shift" }),
            json!({ "routing": m::ROUTING_NIGHT }),
            after_reading(routing(m::ROUTING_NIGHT)),
        ),
        step(
            "one security profile more",
            json!({ "securityProfileArns": [
                arn("security-profile", m::SECURITY_MANAGER),
                arn("security-profile", m::SECURITY_AGENT),
            ] }),
            json!({ "security": [m::SECURITY_AGENT, m::SECURITY_MANAGER] }),
            after_reading(security(&[m::SECURITY_AGENT, m::SECURITY_MANAGER])),
        ),
        step(
            "security profiles in another order",
            json!({ "securityProfileArns": [
                arn("security-profile", m::SECURITY_AGENT),
                arn("security-profile", m::SECURITY_MANAGER),
            ] }),
            json!({}),
            vec![read("DescribeUser")],
        ),
        step(
            "one security profile less",
            json!({ "securityProfileArns": [arn("security-profile", m::SECURITY_MANAGER)] }),
            json!({ "security": [m::SECURITY_MANAGER] }),
            after_reading(security(&[m::SECURITY_MANAGER])),
        ),
        step(
            "security profiles by name instead of ARN",
            json!({ "securityProfileArns": null, "securityProfileNames": ["QualityAnalyst", "Agent"] }),
            json!({ "security": [m::SECURITY_AGENT, m::SECURITY_QUALITY] }),
            vec![
                read("ListSecurityProfiles"),
                read("DescribeUser"),
                security(&[m::SECURITY_AGENT, m::SECURITY_QUALITY]),
            ],
        ),
        step(
            "hierarchy group",
            json!({ "hierarchyGroupArn": arn("agent-group", m::GROUP_APAC) }),
            json!({ "group": m::GROUP_APAC }),
            after_reading(group(m::GROUP_APAC)),
        ),
        step(
            "hierarchy group by path instead of ARN",
            json!({ "hierarchyGroupArn": null, "hierarchyGroupPath": ["EMEA", "Support", "Tier 1"] }),
            json!({ "group": m::GROUP_EMEA_SUPPORT_TIER_1 }),
            vec![read("SearchUserHierarchyGroups"), read("DescribeUser"), group(m::GROUP_EMEA_SUPPORT_TIER_1)],
        ),
        step(
            "hierarchy group, another path to a group of the same name",
            json!({ "hierarchyGroupPath": ["EMEA", "Sales", "Tier 1"] }),
            json!({ "group": m::GROUP_EMEA_SALES_TIER_1 }),
            after_reading(group(m::GROUP_EMEA_SALES_TIER_1)),
        ),
        step(
            "hierarchy group removed",
            json!({ "hierarchyGroupPath": null }),
            json!({ "group": null }),
            after_reading(write("UpdateUserHierarchy", json!({}))),
        )
        .impossible_when_flipped(),
    ]
}

fn what_the_user_carries() -> Vec<Step> {
    let tag = |tags: Value| write("TagResource", json!({ "tags": tags }));
    let untag = |keys: Value| write("UntagResource", keys);
    vec![
        step(
            "a tag",
            json!({ "tags": { "team": "support" } }),
            json!({ "tags": { "team": "support" } }),
            after_reading(tag(json!({ "team": "support" }))),
        ),
        step(
            "another value",
            json!({ "tags": { "team": "sales" } }),
            json!({ "tags": { "team": "sales" } }),
            after_reading(tag(json!({ "team": "sales" }))),
        ),
        step(
            "an empty value",
            json!({ "tags": { "team": "" } }),
            json!({ "tags": { "team": "" } }),
            after_reading(tag(json!({ "team": "" }))),
        ),
        step(
            "one tag for another",
            json!({ "tags": { "team": null, "site": "Berlin" } }),
            json!({ "tags": { "team": null, "site": "Berlin" } }),
            vec![read("DescribeUser"), tag(json!({ "site": "Berlin" })), untag(json!(["team"]))],
        ),
        step(
            "no tags",
            json!({ "tags": null }),
            json!({ "tags": { "site": null } }),
            after_reading(untag(json!(["site"]))),
        ),
    ]
}

fn what_the_user_is_good_at() -> Vec<Step> {
    let associate = |all: Value| write("AssociateUserProficiencies", json!({ "UserProficiencies": all }));
    let disassociate = |name: &str, value: &str| {
        let key = json!({ "AttributeName": name, "AttributeValue": value });
        write("DisassociateUserProficiencies", json!({ "UserProficiencies": [key] }))
    };
    let both = || [read("DescribeUser"), read("ListUserProficiencies")];
    let declared =
        |name: &str, value: &str, level: i32| json!({ "attributeName": name, "attributeValue": value, "level": level });
    vec![
        step(
            "proficiencies",
            json!({ "userProficiencies": [declared("Language", "German", 4), declared("Skill", "Returns", 1)] }),
            json!({ "proficiencies": { "Language=German": 4.0, "Skill=Returns": 1.0 } }),
            [
                both().to_vec(),
                vec![associate(json!([level("Language", "German", 4.0), level("Skill", "Returns", 1.0)]))],
            ]
            .concat(),
        ),
        step(
            "another level",
            json!({ "userProficiencies": [declared("Language", "German", 5), declared("Skill", "Returns", 1)] }),
            json!({ "proficiencies": { "Language=German": 5.0 } }),
            [
                both().to_vec(),
                vec![write(
                    "UpdateUserProficiencies",
                    json!({ "UserProficiencies": [level("Language", "German", 5.0)] }),
                )],
            ]
            .concat(),
        ),
        step(
            "one for another",
            json!({ "userProficiencies": [declared("Language", "German", 5), declared("Skill", "Billing", 3)] }),
            json!({ "proficiencies": { "Skill=Returns": null, "Skill=Billing": 3.0 } }),
            [
                both().to_vec(),
                vec![disassociate("Skill", "Returns"), associate(json!([level("Skill", "Billing", 3.0)]))],
            ]
            .concat(),
        ),
        step(
            "one less",
            json!({ "userProficiencies": [declared("Language", "German", 5)] }),
            json!({ "proficiencies": { "Skill=Billing": null } }),
            [both().to_vec(), vec![disassociate("Skill", "Billing")]].concat(),
        ),
        step(
            "no proficiencies",
            json!({ "userProficiencies": null }),
            json!({ "proficiencies": { "Language=German": null } }),
            [both().to_vec(), vec![disassociate("Language", "German")]].concat(),
        ),
    ]
}

/// What says how the operator treats the user and is nothing of the user's own. Proficiencies are not read
/// any more, now that none is this object's.
fn what_connect_never_hears_of() -> Vec<Step> {
    [
        ("deletion policy", json!({ "deletionPolicy": "Retain" })),
        ("adoption policy", json!({ "adoptionPolicy": "Adopt" })),
        ("drift policy", json!({ "driftPolicy": "Report" })),
        ("drift policy", json!({ "driftPolicy": "Correct" })),
        ("password", json!({ "passwordSecretRef": { "name": "other", "key": "other" } })),
        ("no password", json!({ "passwordSecretRef": null })),
    ]
    .into_iter()
    .map(|(what, edit)| step(what, edit, json!({}), vec![read("DescribeUser")]))
    .collect()
}

/// A mobile number that somebody else has entered stays until the spec declares one.
fn the_number_of_others_taken_over_and_removed() -> Vec<Step> {
    let update = |mobile: Option<&str>| {
        let mut body = identity("Janet", "Roe", "roe@example.com", None);
        match mobile {
            Some(mobile) => body["IdentityInfo"]["Mobile"] = json!(mobile),
            None => drop(body["IdentityInfo"].as_object_mut().unwrap().remove("Mobile")),
        }
        after_reading(write("UpdateUserIdentityInfo", body))
    };
    vec![
        step(
            "mobile",
            json!({ "identityInfo": { "mobile": "+4930111" } }),
            json!({ "identity": { "mobile": "+4930111" } }),
            update(Some("+4930111")),
        ),
        step(
            "mobile removed",
            json!({ "identityInfo": { "mobile": null } }),
            json!({ "identity": { "mobile": null } }),
            update(None),
        )
        .impossible_when_flipped(),
    ]
}

async fn every_edit(stage: &Stage) {
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    let mut tags = stage.user("jane.doe").unwrap().tags;
    tags.insert("backup".to_owned(), "nightly".to_owned());
    stage.console("jane.doe", UserPatch { tags: Some(tags), ..by_others() });
    let mut steps = who_the_user_is();
    // With flipped switches the removed second address stays and must go on staying.
    steps.extend(what_the_user_may_do());
    steps.extend(what_the_user_carries());
    steps.extend(what_the_user_is_good_at());
    steps.extend(what_connect_never_hears_of());
    steps.extend(the_number_of_others_taken_over_and_removed());
    play(stage, steps).await;
    let user = stage.user("jane.doe").unwrap();
    assert_eq!(user.tags.get("backup").map(String::as_str), Some("nightly"));
    assert_eq!(user.user_proficiencies.len(), 1);
    assert_eq!(stage.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edit_makes_exactly_the_calls_that_it_takes_and_moves_nothing_else() {
    every_edit(&Stage::new("edits").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edit_arrives_whatever_connect_does_differently() {
    every_edit(&stage("edits-flipped", Switches::all_flipped()).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_edits_at_once_are_written_in_one_go_and_in_order() {
    let stage = Stage::new("edits-at-once").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.edit("jane", json!({ "tags": { "old": "1" }, "userProficiencies": [{ "attributeName": "Skill", "attributeValue": "Billing", "level": 1 }, { "attributeName": "Skill", "attributeValue": "Returns", "level": 1 }] })).await;
    stage.ready("jane").await;
    stage.simulator.clear_calls();
    stage
        .edit(
            "jane",
            json!({
                "identityInfo": { "firstName": "Janet" },
                "routingProfileArn": format!("{}/routing-profile/{}", m::ARN, m::ROUTING_NIGHT),
                "securityProfileArns": [format!("{}/security-profile/{}", m::ARN, m::SECURITY_MANAGER)],
                "hierarchyGroupArn": format!("{}/agent-group/{}", m::ARN, m::GROUP_EMEA),
                "autoAcceptConfigs": [{ "channel": "TASK", "autoAccept": true }],
                "userProficiencies": [
                    { "attributeName": "Skill", "attributeValue": "Billing", "level": 2 },
                    { "attributeName": "Language", "attributeValue": "German", "level": 3 },
                ],
                "tags": { "old": null, "new": "2" },
            }),
        )
        .await;
    stage.ready("jane").await;
    assert_eq!(
        stage.operations(),
        [
            "DescribeUser",
            "ListUserProficiencies",
            "TagResource",
            "UpdateUserIdentityInfo",
            "UpdateUserSecurityProfiles",
            "UpdateUserRoutingProfile",
            "UpdateUserHierarchy",
            "UpdateUserConfig",
            "DisassociateUserProficiencies",
            "UpdateUserProficiencies",
            "AssociateUserProficiencies",
            "UntagResource",
        ]
    );
    let state = super::state(&stage.user("jane.doe").unwrap());
    assert_eq!(state["tags"], json!({ "new": "2" }));
    assert_eq!(state["proficiencies"], json!({ "Skill=Billing": 2.0, "Language=German": 3.0 }));
    assert_eq!(state["settings"], json!({ "TASK accept": true }));
    assert_eq!(state["routing"], m::ROUTING_NIGHT);
    stage.settled("jane").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_id_can_only_be_given_at_creation_and_that_is_told() {
    let stage = Stage::new("directory-id").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.edit("jane", json!({ "directoryUserId": "directory-7", "tags": { "team": "support" } })).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("spec.directoryUserId") && message.contains("create it again"), "{message}");
    let user = stage.user("jane.doe").unwrap();
    assert_eq!(user.directory_user_id, None);
    assert_eq!(user.tags.get("team").map(String::as_str), Some("support"), "the rest of the edit is carried out");
    assert_eq!(stage.written(), ["CreateUser", "TagResource"]);
}
