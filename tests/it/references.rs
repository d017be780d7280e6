//! Names and ARNs in a spec, and what becomes of an object that names something which is not there.

use std::time::{Duration, Instant};

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, FaultKind, Mutation, Switches};
use connect_user_operator::resource::user::ConnectUser;
use serde_json::{Value, json};

use crate::support::{Options, Stage, condition, managed};

/// How often at most an unknown name may cause a listing: a fifth of the stage's slowest retry of 2 s.
const REFRESH: Duration = Duration::from_millis(400);

#[allow(clippy::needless_pass_by_value, reason = "a literal at every call")]
fn with(name: &str, username: &str, spec: Value) -> Value {
    let mut object = managed(name, username);
    for (field, value) in spec.as_object().unwrap() {
        match (field.as_str(), value) {
            (field, Value::Null) => drop(object["spec"].as_object_mut().unwrap().remove(field)),
            (field, value) => object["spec"][field] = value.clone(),
        }
    }
    object
}

fn add_routing_profile(stage: &Stage, name: &str) -> String {
    stage
        .simulator
        .mutate(Mutation::AddRoutingProfile { instance_id: m::ID.to_owned(), name: name.to_owned() })
        .unwrap()
}

fn rename(stage: &Stage, id: &str, name: &str) {
    stage
        .simulator
        .mutate(Mutation::Rename { instance_id: m::ID.to_owned(), id: id.to_owned(), name: name.to_owned() })
        .unwrap();
}

fn delete(stage: &Stage, id: &str) {
    stage.simulator.mutate(Mutation::Delete { instance_id: m::ID.to_owned(), id: id.to_owned() }).unwrap();
}

fn count(stage: &Stage, operation: &str) -> usize {
    stage.operations().iter().filter(|called| *called == operation).count()
}

async fn switched(name: &str, switches: Switches) -> Stage {
    let simulator = connect_simulator::Options { switches, ..Default::default() };
    Stage::with(name, Options { simulator, ..Options::default() }).await
}

/// Whether the conditions say that the operator goes on by itself.
fn is_reconciling(object: &ConnectUser) -> bool {
    object.status.as_ref().unwrap().conditions.iter().any(|condition| condition.type_ == "Reconciling")
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_looked_up_once_for_all_objects() {
    let stage = Stage::new("names").await;
    let spec = |path: &[&str]| {
        json!({
            "routingProfileArn": null,
            "routingProfileName": "Tier 1",
            "securityProfileArns": null,
            "securityProfileNames": ["CallCenterManager", "Agent"],
            "hierarchyGroupPath": path,
        })
    };
    stage.create(&with("jane", "jane.doe", spec(&["EMEA", "Sales", "Tier 1"]))).await;
    stage.ready("jane").await;
    assert_eq!(
        stage.operations(),
        ["ListRoutingProfiles", "ListSecurityProfiles", "SearchUserHierarchyGroups", "DescribeInstance", "CreateUser",]
    );
    stage.simulator.clear_calls();
    stage.create(&with("john", "john.roe", spec(&["EMEA", "Support", "Tier 1"]))).await;
    stage.create(&with("june", "june.poe", spec(&["APAC"]))).await;
    for name in ["john", "june"] {
        stage.ready(name).await;
    }
    assert_eq!(stage.operations(), ["CreateUser", "CreateUser"]);
    for (username, group) in [
        ("jane.doe", m::GROUP_EMEA_SALES_TIER_1),
        ("john.roe", m::GROUP_EMEA_SUPPORT_TIER_1),
        ("june.poe", m::GROUP_APAC),
    ] {
        let user = stage.user(username).unwrap();
        assert_eq!(user.hierarchy_group_id.as_deref(), Some(group));
        assert_eq!(user.routing_profile_id, m::ROUTING_TIER_1);
        assert_eq!(user.security_profile_ids, [m::SECURITY_AGENT, m::SECURITY_MANAGER]);
    }
    stage.settled("jane").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_is_told_with_its_field_and_with_what_there_is() {
    let stage = Stage::new("wrong-names").await;
    let cases = [
        (
            "routing",
            json!({ "routingProfileArn": null, "routingProfileName": "Tier 9" }),
            ["spec.routingProfileName", "`Tier 9`", "Basic Routing Profile, Night Shift, Tier 1, Tier 2"],
        ),
        (
            "case",
            json!({ "routingProfileArn": null, "routingProfileName": "tier 1" }),
            ["spec.routingProfileName", "`tier 1`", "Tier 1"],
        ),
        (
            "security",
            json!({ "securityProfileArns": null, "securityProfileNames": ["Agent", "Agnet"] }),
            ["spec.securityProfileNames", "`Agnet`", "Admin, Agent, CallCenterManager, QualityAnalyst"],
        ),
        (
            "group",
            json!({ "hierarchyGroupPath": ["EMEA", "Marketing"] }),
            ["spec.hierarchyGroupPath", "`EMEA / Marketing`", "APAC / Support"],
        ),
        // A group of this name exists, but not at this place.
        ("path", json!({ "hierarchyGroupPath": ["Tier 1"] }), ["spec.hierarchyGroupPath", "`Tier 1`", "APAC"]),
    ];
    for (name, spec, _) in &cases {
        stage.create(&with(name, name, spec.clone())).await;
    }
    for (name, _, told) in &cases {
        let message = stage.reason(name, "ReferenceNotFound").await;
        assert!(told.iter().all(|told| message.contains(told)), "{name}: {message}");
        assert!(message.contains(m::ARN), "{message}");
        let object = stage.get(name).await;
        assert_eq!(condition(&object), Some(("False", "ReferenceNotFound")));
        assert!(is_reconciling(&object), "it goes on by itself");
        stage.event(name, "ReferenceNotFound").await;
    }
    assert_eq!(stage.written(), [""; 0]);
    assert_eq!(stage.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_heals_by_itself_when_what_it_names_is_made() {
    let stage = Stage::new("heal").await;
    stage.create(&with("jane", "jane.doe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 9" }))).await;
    stage
        .create(&with(
            "john",
            "john.roe",
            json!({ "securityProfileArns": null, "securityProfileNames": ["Supervisor"] }),
        ))
        .await;
    stage.create(&with("june", "june.poe", json!({ "hierarchyGroupPath": ["APAC", "Support", "Tier 1"] }))).await;
    for name in ["jane", "john", "june"] {
        stage.reason(name, "ReferenceNotFound").await;
    }
    let id = m::ID.to_owned();
    let routing = add_routing_profile(&stage, "Tier 9");
    let security = stage
        .simulator
        .mutate(Mutation::AddSecurityProfile { instance_id: id.clone(), name: "Supervisor".to_owned() })
        .unwrap();
    let parent_id = Some(m::GROUP_APAC_SUPPORT.to_owned());
    let group = stage
        .simulator
        .mutate(Mutation::AddHierarchyGroup { instance_id: id, name: "Tier 1".to_owned(), parent_id })
        .unwrap();
    for name in ["jane", "john", "june"] {
        stage.ready(name).await;
    }
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, routing);
    assert_eq!(stage.user("john.roe").unwrap().security_profile_ids, [security]);
    assert_eq!(stage.user("june.poe").unwrap().hierarchy_group_id, Some(group));
    assert_eq!(stage.written(), ["CreateUser", "CreateUser", "CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_in_an_edit_leaves_the_user_as_it_is() {
    let stage = Stage::new("wrong-edit").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage
        .edit(
            "jane",
            json!({ "routingProfileArn": null, "routingProfileName": "Tier 9", "tags": { "team": "support" } }),
        )
        .await;
    stage.reason("jane", "ReferenceNotFound").await;
    assert_eq!(stage.written(), ["CreateUser"]);
    let status = stage.get("jane").await.status.unwrap();
    assert_eq!(status.user_id, Some(stage.user("jane.doe").unwrap().id));
    stage.edit("jane", json!({ "routingProfileName": "Tier 1" })).await;
    stage.ready("jane").await;
    assert_eq!(stage.written(), ["CreateUser", "TagResource", "UpdateUserRoutingProfile"]);
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_TIER_1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_profile_keeps_its_user_and_the_new_name_costs_no_write() {
    let stage = Stage::new("renamed").await;
    stage.create(&with("jane", "jane.doe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" }))).await;
    stage.ready("jane").await;
    rename(&stage, m::ROUTING_TIER_1, "First Line");
    stage.settled("jane").await;
    stage.simulator.clear_calls();
    stage.edit("jane", json!({ "routingProfileName": "First Line" })).await;
    stage.ready("jane").await;
    assert_eq!(stage.operations(), ["ListRoutingProfiles", "DescribeUser"]);
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_TIER_1);
    // The old name is free for another profile.
    let successor = add_routing_profile(&stage, "Tier 1");
    stage.settled("jane").await;
    stage.create(&with("john", "john.roe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" }))).await;
    stage.ready("john").await;
    assert_eq!(stage.user("john.roe").unwrap().routing_profile_id, successor);
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_TIER_1);
}

/// The catalogue knows an id that is no more: it must be read again, whatever Connect calls the failure.
async fn a_profile_is_made_anew(stage: Stage) {
    stage.create(&with("jane", "jane.doe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" }))).await;
    stage.ready("jane").await;
    delete(&stage, m::ROUTING_TIER_1);
    let successor = add_routing_profile(&stage, "Tier 1");
    stage.create(&with("john", "john.roe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" }))).await;
    stage.ready("john").await;
    assert_eq!(stage.user("john.roe").unwrap().routing_profile_id, successor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_was_deleted_and_made_anew_under_its_name_is_found() {
    a_profile_is_made_anew(Stage::new("anew").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_was_made_anew_is_found_also_where_connect_calls_the_old_id_invalid() {
    let switches = Switches { missing_reference_is_invalid_parameter: true, ..Switches::default() };
    a_profile_is_made_anew(switched("anew-invalid", switches).await).await;
}

async fn arns_of_what_does_not_exist(stage: Stage) {
    let missing = "99999999-0000-4000-8000-000000000000";
    let arn = |kind: &str| format!("{}/{kind}/{missing}", m::ARN);
    stage.create(&with("jane", "jane.doe", json!({ "routingProfileArn": arn("routing-profile") }))).await;
    stage.create(&with("john", "john.roe", json!({ "securityProfileArns": [arn("security-profile")] }))).await;
    stage.create(&with("june", "june.poe", json!({ "hierarchyGroupArn": arn("agent-group") }))).await;
    for name in ["jane", "john", "june"] {
        let message = stage.reason(name, "ReferenceNotFound").await;
        assert!(
            message.contains(missing) && message.contains("CreateUser") && message.contains("request id"),
            "{message}"
        );
        assert!(is_reconciling(&stage.get(name).await));
    }
    assert_eq!(stage.count(), 0);
    let good = json!({
        "routingProfileArn": format!("{}/routing-profile/{}", m::ARN, m::ROUTING_BASIC),
        "securityProfileArns": [format!("{}/security-profile/{}", m::ARN, m::SECURITY_AGENT)],
        "hierarchyGroupArn": format!("{}/agent-group/{}", m::ARN, m::GROUP_APAC),
    });
    for name in ["jane", "john", "june"] {
        stage.edit(name, good.clone()).await;
        stage.ready(name).await;
    }
    // The same in an edit.
    stage.edit("jane", json!({ "routingProfileArn": arn("routing-profile") })).await;
    let message = stage.reason("jane", "ReferenceNotFound").await;
    assert!(message.contains("UpdateUserRoutingProfile"), "{message}");
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_BASIC);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arn_of_what_does_not_exist_is_reference_not_found() {
    arns_of_what_does_not_exist(Stage::new("arns").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arn_of_what_does_not_exist_is_reference_not_found_also_where_connect_calls_it_invalid() {
    let switches = Switches { missing_reference_is_invalid_parameter: true, ..Switches::default() };
    arns_of_what_does_not_exist(switched("arns-invalid", switches).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_creation_half_failed_leaves_one_user_and_no_second() {
    let switches = Switches { create_leaves_user_behind: true, ..Switches::default() };
    let stage = switched("half", switches).await;
    let missing = format!("{}/agent-group/99999999-0000-4000-8000-000000000000", m::ARN);
    let mut object = with("jane", "jane.doe", json!({ "hierarchyGroupArn": missing }));
    object["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&object).await;
    stage.reason("jane", "ReferenceNotFound").await;
    assert_eq!(stage.count(), 1);
    stage.edit("jane", json!({ "hierarchyGroupArn": format!("{}/agent-group/{}", m::ARN, m::GROUP_APAC) })).await;
    stage.ready("jane").await;
    assert_eq!(stage.count(), 1);
    assert_eq!(stage.user("jane.doe").unwrap().hierarchy_group_id.as_deref(), Some(m::GROUP_APAC));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_on_every_page_of_a_listing() {
    for (name, switches) in [
        ("pages", Switches::default()),
        ("pages-short", Switches { pages_are_short: true, ..Switches::default() }),
        ("pages-cut", Switches { pages_by_position: true, ..Switches::default() }),
    ] {
        let stage = switched(name, switches).await;
        let id = || m::ID.to_owned();
        let mut routing: Vec<_> =
            (0..1000).map(|n| (add_routing_profile(&stage, &format!("Queue {n}")), format!("Queue {n}"))).collect();
        let mut security: Vec<_> = (0..1000)
            .map(|n| {
                let name = format!("Role {n}");
                (
                    stage
                        .simulator
                        .mutate(Mutation::AddSecurityProfile { instance_id: id(), name: name.clone() })
                        .unwrap(),
                    name,
                )
            })
            .collect();
        let mut groups: Vec<_> = (0..150)
            .map(|n| {
                let name = format!("Group {n}");
                let parent_id = Some(m::GROUP_EMEA.to_owned());
                (
                    stage
                        .simulator
                        .mutate(Mutation::AddHierarchyGroup { instance_id: id(), name: name.clone(), parent_id })
                        .unwrap(),
                    name,
                )
            })
            .collect();
        // Pages are cut in the order of the ids: the last ones are on the last page.
        for all in [&mut routing, &mut security, &mut groups] {
            all.sort();
        }
        let last = |all: &[(String, String)]| all.last().unwrap().clone();
        let (routing, security, group) = (last(&routing), last(&security), last(&groups));
        stage
            .create(&with(
                "jane",
                "jane.doe",
                json!({
                    "routingProfileArn": null,
                    "routingProfileName": routing.1,
                    "securityProfileArns": null,
                    "securityProfileNames": [security.1],
                    "hierarchyGroupPath": ["EMEA", group.1],
                }),
            ))
            .await;
        stage.ready("jane").await;
        let user = stage.user("jane.doe").unwrap();
        assert_eq!(user.routing_profile_id, routing.0);
        assert_eq!(user.security_profile_ids, [security.0]);
        assert_eq!(user.hierarchy_group_id, Some(group.0));
        // 1004 profiles of at most 1000 a page, 159 groups (with the root) of at most 100 a page.
        let pages = if switches.pages_are_short { (3, 4) } else { (2, 2) };
        assert_eq!(count(&stage, "ListRoutingProfiles"), pages.0, "{name}");
        assert_eq!(count(&stage, "ListSecurityProfiles"), pages.0, "{name}");
        assert_eq!(count(&stage, "SearchUserHierarchyGroups"), pages.1, "{name}");
        stage.simulator.clear_calls();
        stage
            .create(&with("john", "john.roe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" })))
            .await;
        stage.ready("john").await;
        assert_eq!(stage.operations(), ["CreateUser"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_profiles_of_one_name_are_told_apart_by_arn() {
    let stage = Stage::new("ambiguous").await;
    let twin = add_routing_profile(&stage, "Tier 1");
    stage.create(&with("jane", "jane.doe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" }))).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("several") && message.contains("spec.routingProfileArn"), "{message}");
    assert_eq!(stage.written(), [""; 0]);
    stage
        .edit(
            "jane",
            json!({ "routingProfileName": null, "routingProfileArn": format!("{}/routing-profile/{twin}", m::ARN) }),
        )
        .await;
    stage.ready("jane").await;
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, twin);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_profiles_of_one_name_heal_when_one_of_them_goes() {
    let stage = Stage::new("ambiguous-heals").await;
    let twin = add_routing_profile(&stage, "Tier 1");
    stage.create(&with("jane", "jane.doe", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" }))).await;
    stage.reason("jane", "InvalidSpec").await;
    delete(&stage, &twin);
    stage.ready("jane").await;
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_TIER_1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_objects_with_one_wrong_name_share_their_listings() {
    let stage = Stage::new("ten").await;
    let began = Instant::now();
    let names: Vec<String> = (0..10).map(|n| format!("agent-{n}")).collect();
    for name in &names {
        stage.create(&with(name, name, json!({ "routingProfileArn": null, "routingProfileName": "Tier 9" }))).await;
    }
    for name in &names {
        stage.reason(name, "ReferenceNotFound").await;
    }
    let listings = count(&stage, "ListRoutingProfiles");
    let most = 1 + usize::try_from(began.elapsed().as_millis() / REFRESH.as_millis()).unwrap();
    assert!((1..=most).contains(&listings), "{listings} listings in {:?}", began.elapsed());
    // The same for those that wait for it, and for one call each when it is there.
    let profile = add_routing_profile(&stage, "Tier 9");
    for name in &names {
        stage.ready(name).await;
        assert_eq!(stage.user(name).unwrap().routing_profile_id, profile);
    }
    assert_eq!(count(&stage, "CreateUser"), 10);
    let listings = count(&stage, "ListRoutingProfiles");
    let most = 1 + usize::try_from(began.elapsed().as_millis() / REFRESH.as_millis()).unwrap();
    assert!(listings <= most, "{listings} listings in {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_new_objects_ask_once_what_kind_of_instance_it_is() {
    let stage = Stage::new("ten-new").await;
    // Long enough for all ten to want to know before the first has heard.
    stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 1000 }).on("DescribeInstance"));
    let names: Vec<String> = (0..10).map(|n| format!("agent-{n}")).collect();
    for name in &names {
        stage.create(&managed(name, name)).await;
    }
    for name in &names {
        stage.ready(name).await;
    }
    assert_eq!(count(&stage, "CreateUser"), 10);
    assert_eq!(count(&stage, "DescribeInstance"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_one_instance_are_not_looked_for_in_another() {
    use connect_simulator::fixtures::saml as s;
    let stage = Stage::new("two-instances").await;
    let only_here = add_routing_profile(&stage, "Only Here");
    let mut elsewhere = crate::support::saml("john", "john.roe");
    elsewhere["spec"].as_object_mut().unwrap().remove("routingProfileArn");
    elsewhere["spec"]["routingProfileName"] = json!("Only Here");
    stage
        .create(&with("jane", "jane.doe", json!({ "routingProfileArn": null, "routingProfileName": "Only Here" })))
        .await;
    stage.create(&elsewhere).await;
    stage.ready("jane").await;
    let message = stage.reason("john", "ReferenceNotFound").await;
    assert!(message.contains(s::ARN) && !message.contains(m::ARN), "{message}");
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, only_here);
    assert!(stage.user("john.roe").is_none());
}
