//! Objects that admission lets through and that cannot be carried out as they are: each is told what is
//! wrong and what to do, keeps nobody else waiting, and heals when it is mended.

use connect_simulator::fixtures::{managed as m, saml as s};
use connect_simulator::{Fault, Mutation, Switches, UserPatch};
use connect_user_operator::resource::user::ConnectUser;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::support::{Cluster, Options, Stage, condition, managed, saml};

async fn switched(name: &str, switches: Switches) -> Stage {
    let simulator = connect_simulator::Options { switches, ..Default::default() };
    Stage::with(name, Options { simulator, ..Options::default() }).await
}

fn denied(operation: &str) -> Fault {
    Fault::error_before(403, "AccessDeniedException").on(operation)
}

fn is_stalled(object: &ConnectUser) -> bool {
    object.status.as_ref().unwrap().conditions.iter().any(|condition| condition.type_ == "Stalled")
}

const UNKNOWN: &str = "33333333-3333-4333-8333-333333333333";

/// An object for an instance that nobody knows.
fn astray() -> Value {
    let text = managed("jane", "jane.doe").to_string().replace(m::ID, UNKNOWN);
    serde_json::from_str(&text).unwrap()
}

async fn the_instance_appears(stage: &Stage) {
    stage.add_instance(UNKNOWN);
    stage.ready("jane").await;
    assert!(stage.simulator.user_by_name(UNKNOWN, "jane.doe").is_some());
    // Objects of other instances never noticed.
    assert_eq!(stage.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_exist_is_told_and_waited_for() {
    let stage = Stage::new("no-instance").await;
    stage.create(&astray()).await;
    stage.create(&managed("john", "john.roe")).await;
    let message = stage.reason("jane", "ReferenceNotFound").await;
    assert!(message.contains(UNKNOWN) && message.contains("instance") && message.contains("request id"), "{message}");
    assert_eq!(condition(&stage.get("jane").await), Some(("False", "ReferenceNotFound")));
    stage.ready("john").await;
    assert_eq!(stage.written(), ["CreateUser"]);
    the_instance_appears(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_exist_is_told_and_waited_for_where_connect_denies_access_to_it() {
    let switches = Switches { unknown_instance_is_access_denied: true, ..Switches::default() };
    let stage = switched("no-instance-denied", switches).await;
    stage.create(&astray()).await;
    stage.create(&managed("john", "john.roe")).await;
    let message = stage.reason("jane", "AccessDenied").await;
    assert!(message.contains(UNKNOWN) && message.contains("account and Region are right"), "{message}");
    stage.ready("john").await;
    the_instance_appears(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_for_an_instance_that_never_existed_can_be_deleted() {
    for (name, switches) in [
        ("no-instance-gone", Switches::default()),
        ("no-instance-gone-denied", Switches { unknown_instance_is_access_denied: true, ..Switches::default() }),
    ] {
        let stage = switched(name, switches).await;
        stage.create(&astray()).await;
        stage.until("jane", "refused", |object| condition(object).is_some_and(|(status, _)| status == "False")).await;
        stage.delete("jane").await;
        stage.gone("jane").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_right_that_is_missing_is_named_and_the_object_heals_when_it_is_given() {
    let stage = Stage::new("rights").await;
    let before = json!({
        "tags": { "team": "support" },
        "userProficiencies": [{ "attributeName": "Skill", "attributeValue": "Billing", "level": 1 }],
    });
    let level = |level: i32| json!([{ "attributeName": "Skill", "attributeValue": "Billing", "level": level }]);
    let arn = |kind: &str, id: &str| json!(format!("{}/{kind}/{id}", m::ARN));
    // An operation, and an edit that needs it. Each has an object and a user of its own.
    let cases = [
        ("DescribeUser", json!({ "tags": { "team": "sales" } })),
        ("TagResource", json!({ "tags": { "team": "sales" } })),
        ("UntagResource", json!({ "tags": null })),
        ("UpdateUserIdentityInfo", json!({ "identityInfo": { "firstName": "Janet" } })),
        (
            "UpdateUserSecurityProfiles",
            json!({ "securityProfileArns": [arn("security-profile", m::SECURITY_MANAGER)] }),
        ),
        ("UpdateUserRoutingProfile", json!({ "routingProfileArn": arn("routing-profile", m::ROUTING_NIGHT) })),
        ("UpdateUserHierarchy", json!({ "hierarchyGroupArn": arn("agent-group", m::GROUP_APAC) })),
        ("UpdateUserPhoneConfig", json!({ "phoneConfig": { "autoAccept": true } })),
        ("UpdateUserConfig", json!({ "autoAcceptConfigs": [{ "channel": "CHAT", "autoAccept": true }] })),
        ("ListUserProficiencies", json!({ "userProficiencies": level(2) })),
        ("UpdateUserProficiencies", json!({ "userProficiencies": level(2) })),
        (
            "AssociateUserProficiencies",
            json!({ "userProficiencies": [{ "attributeName": "Skill", "attributeValue": "Returns", "level": 1 }] }),
        ),
        ("DisassociateUserProficiencies", json!({ "userProficiencies": null })),
        ("ListRoutingProfiles", json!({ "routingProfileArn": null, "routingProfileName": "Tier 1" })),
        ("ListSecurityProfiles", json!({ "securityProfileArns": null, "securityProfileNames": ["Agent"] })),
        ("SearchUserHierarchyGroups", json!({ "hierarchyGroupPath": ["APAC"] })),
    ];
    let username = |operation: &str| operation.chars().take(20).collect::<String>();
    let name = |operation: &str| operation.to_lowercase();
    for (operation, _) in &cases {
        let mut object = managed(&name(operation), &username(operation));
        for (field, value) in before.as_object().unwrap() {
            object["spec"][field] = value.clone();
        }
        stage.create(&object).await;
    }
    stage.create(&managed("to-go", "to-go")).await;
    for (operation, _) in &cases {
        stage.ready(&name(operation)).await;
    }
    stage.ready("to-go").await;
    for (operation, edit) in &cases {
        let fault = denied(operation);
        let is_about_a_user =
            !operation.starts_with("ListR") && !operation.starts_with("ListS") && !operation.starts_with("Search");
        stage.simulator.inject(if is_about_a_user { fault.for_user(&username(operation)) } else { fault });
        stage.edit(&name(operation), edit.clone()).await;
    }
    stage.simulator.inject(denied("CreateUser").for_user("to-come"));
    stage.create(&managed("to-come", "to-come")).await;
    stage.simulator.inject(denied("DeleteUser").for_user("to-go"));
    stage.delete("to-go").await;

    let check = |operation: &str, message: &str| {
        assert!(message.contains(&format!("allow connect:{operation} on {}", m::ARN)), "{operation}: {message}");
        assert!(message.contains("request id"), "{message}");
    };
    for (operation, _) in &cases {
        check(operation, &stage.reason(&name(operation), "AccessDenied").await);
        assert_eq!(condition(&stage.get(&name(operation)).await), Some(("False", "AccessDenied")));
    }
    check("CreateUser", &stage.reason("to-come", "AccessDenied").await);
    check("DeleteUser", &stage.reason_while_deleting("to-go", "AccessDenied").await);
    assert!(stage.user("to-go").is_some() && stage.user("to-come").is_none());

    stage.simulator.clear_faults();
    for (operation, _) in &cases {
        stage.ready(&name(operation)).await;
    }
    stage.ready("to-come").await;
    stage.gone("to-go").await;
    assert!(stage.user("to-go").is_none());
    let user = |operation: &str| stage.user(&username(operation)).unwrap();
    assert_eq!(user("DescribeUser").tags.get("team").map(String::as_str), Some("sales"));
    assert_eq!(user("UntagResource").tags.get("team"), None);
    assert_eq!(user("UpdateUserIdentityInfo").identity_info.first_name.as_deref(), Some("Janet"));
    assert_eq!(user("UpdateUserRoutingProfile").routing_profile_id, m::ROUTING_NIGHT);
    assert_eq!(user("DisassociateUserProficiencies").user_proficiencies, []);
    assert_eq!(user("SearchUserHierarchyGroups").hierarchy_group_id.as_deref(), Some(m::GROUP_APAC));
    assert_eq!(stage.count(), cases.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_right_to_describe_the_instance_is_not_needed() {
    let stage = Stage::new("rights-instance").await;
    stage.simulator.inject(denied("DescribeInstance"));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.create(&saml("john", "john.roe@example.com")).await;
    for name in ["jane", "john"] {
        stage.ready(name).await;
    }
    // What DescribeInstance would have told, CreateUser tells.
    let mut object = managed("june", "june.poe");
    object["spec"].as_object_mut().unwrap().remove("passwordSecretRef");
    stage.create(&object).await;
    let message = stage.reason("june", "InvalidSpec").await;
    assert!(message.contains("Password is required"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rights_to_find_a_user_by_name_are_named_too() {
    let stage = Stage::new("rights-find").await;
    for (name, operation) in [("jane", "SearchUsers"), ("john", "ListUsers")] {
        stage
            .simulator
            .mutate(Mutation::CreateUser {
                instance_id: m::ID.to_owned(),
                username: name.to_owned(),
                set: Box::default(),
            })
            .unwrap();
        stage.simulator.inject(denied(operation));
        let mut object = managed(name, name);
        // Who means to adopt looks into the list first; who does not asks the index once the name is taken.
        object["spec"]["adoptionPolicy"] = json!(if operation == "ListUsers" { "Adopt" } else { "Refuse" });
        stage.create(&object).await;
        let message = stage.reason(name, "AccessDenied").await;
        assert!(message.contains(&format!("connect:{operation}")), "{message}");
        stage.edit(name, json!({ "adoptionPolicy": "Adopt" })).await;
        stage.simulator.clear_faults();
        stage.ready(name).await;
    }
    assert_eq!(stage.count(), 2, "adopted, not made again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_username_longer_than_the_instance_takes_is_told_before_any_call() {
    let stage = Stage::new("long-names").await;
    let twenty = "a".repeat(20);
    stage.create(&managed("jane", &format!("{twenty}a"))).await;
    stage.create(&managed("john", &twenty)).await;
    stage.create(&saml("june", &"a".repeat(64))).await;
    stage.create(&saml("jack", &"b".repeat(65))).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("spec.username has more than 20 characters") && message.contains(m::ID), "{message}");
    assert!(is_stalled(&stage.get("jane").await));
    // Beyond what SAML allows, Connect itself says so.
    let message = stage.reason("jack", "InvalidSpec").await;
    assert!(message.contains("64 characters"), "{message}");
    stage.ready("john").await;
    stage.ready("june").await;
    let tried: Vec<_> = stage.writes().into_iter().map(|call| call.username.unwrap()).collect();
    assert!(!tried.contains(&format!("{twenty}a")), "{tried:?}");
    // The way out is the one that the message names.
    stage.delete("jane").await;
    stage.gone("jane").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    assert_eq!(stage.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_on_a_saml_instance_is_left_to_connect() {
    let stage = Stage::new("saml-email").await;
    let mut object = saml("jane", "jane.doe");
    object["spec"]["identityInfo"]["email"] = json!("jane@example.com");
    stage.create(&object).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("Email is not allowed for SAML identities"), "{message}");
    stage.simulator.set_switches(Switches { saml_email_accepted: true, ..Switches::default() });
    stage.ready("jane").await;
    assert_eq!(
        stage.simulator.user_by_name(s::ID, "jane.doe").unwrap().identity_info.email.as_deref(),
        Some("jane@example.com")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proficiency_that_the_instance_does_not_know_is_told_and_heals_with_one_user() {
    let stage = Stage::new("no-attribute").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["userProficiencies"] =
        json!([{ "attributeName": "Product", "attributeValue": "Cloud", "level": 3 }]);
    stage.create(&object).await;
    let message = stage.reason("jane", "ReferenceNotFound").await;
    assert!(message.contains("AssociateUserProficiencies") && message.contains("Product"), "{message}");
    let status = stage.get("jane").await.status.unwrap();
    assert_eq!(status.user_id, stage.user("jane.doe").map(|user| user.id), "the user is there, and known");
    // A value that the attribute does not have is no better.
    let attribute = |values: &[&str]| Mutation::SetPredefinedAttribute {
        instance_id: m::ID.to_owned(),
        name: "Product".to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    stage.simulator.mutate(attribute(&["Desktop"])).unwrap();
    stage
        .until("jane", "told about the value", |object| {
            object
                .status
                .as_ref()
                .unwrap()
                .conditions
                .iter()
                .any(|condition| condition.message.contains("has no value Cloud"))
        })
        .await;
    stage.simulator.mutate(attribute(&["Desktop", "Cloud"])).unwrap();
    stage.ready("jane").await;
    let user = stage.user("jane.doe").unwrap();
    assert_eq!(user.user_proficiencies.len(), 1);
    assert_eq!(user.user_proficiencies[0].level, 3.0);
    assert_eq!(stage.count(), 1);
    let creations = stage.written().iter().filter(|operation| *operation == "CreateUser").count();
    assert_eq!(creations, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eleventh_proficiency_waits_until_one_of_the_others_is_gone() {
    let stage = Stage::new("too-many").await;
    let values: Vec<String> = (0..11).map(|n| format!("Product {n}")).collect();
    let instance_id = m::ID.to_owned();
    stage
        .simulator
        .mutate(Mutation::SetPredefinedAttribute { instance_id, name: "Product".to_owned(), values })
        .unwrap();
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    let theirs = |count: usize| {
        let all: Vec<_> = (0..count)
            .map(|n| json!({ "AttributeName": "Product", "AttributeValue": format!("Product {n}"), "Level": 1.0 }))
            .collect();
        serde_json::from_value(json!({ "UserProficiencies": all })).unwrap()
    };
    stage.console("jane.doe", theirs(10));
    stage.edit("jane", json!({ "userProficiencies": [{ "attributeName": "Product", "attributeValue": "Product 10", "level": 5 }] })).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("at most 10 proficiencies"), "{message}");
    assert_eq!(stage.user("jane.doe").unwrap().user_proficiencies.len(), 10);
    stage.console("jane.doe", theirs(9));
    stage.ready("jane").await;
    assert_eq!(stage.user("jane.doe").unwrap().user_proficiencies.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_instance_is_told_apart_from_a_throttle_and_waited_for() {
    let stage = Stage::new("full").await;
    let quota = |quota: usize| {
        stage.simulator.mutate(Mutation::SetUsersQuota { instance_id: m::ID.to_owned(), quota }).unwrap()
    };
    quota(1);
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.create(&managed("john", "john.roe")).await;
    let message = stage.reason("john", "QuotaExceeded").await;
    assert!(
        message.contains(m::ID) && message.contains("Service Quotas") && message.contains("quota of 1 users"),
        "{message}"
    );
    assert_eq!(condition(&stage.get("john").await), Some(("False", "QuotaExceeded")));
    stage.event("john", "QuotaExceeded").await;
    // Those who are in already are served as ever.
    stage.edit("jane", json!({ "tags": { "team": "support" } })).await;
    stage.ready("jane").await;
    quota(2);
    stage.ready("john").await;
    assert_eq!(stage.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_connect_finds_invalid_heals_when_it_is_mended_and_keeps_its_finalizer() {
    let stage = Stage::new("invalid").await;
    let mut object = managed("jane", "jane.doe");
    // Admission knows no Unicode forms.
    object["spec"]["identityInfo"]["lastName"] = json!("Mu\u{308}ller");
    stage.create(&object).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("LastName must be in Unicode normalisation form C"), "{message}");
    let refused = stage.get("jane").await;
    assert!(is_stalled(&refused));
    assert_eq!(refused.finalizers().len(), 1);
    stage.edit("jane", json!({ "identityInfo": { "lastName": "M\u{fc}ller" } })).await;
    stage.ready("jane").await;
    assert_eq!(stage.user("jane.doe").unwrap().identity_info.last_name.as_deref(), Some("M\u{fc}ller"));
}

/// The definition of another version lets in what this operator does not know. On a control plane of its
/// own, since the definition is everybody's.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_does_not_fit_the_schema_is_told_so_and_keeps_nobody_waiting() {
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start("it-schema").await));
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client().await);
    let name = "connectusers.contactops.dev";
    let mut relaxed = serde_json::to_value(definitions.get(name).await.unwrap()).unwrap();
    let policy = relaxed
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/deletionPolicy")
        .unwrap();
    assert!(policy.as_object_mut().unwrap().remove("enum").is_some());
    relaxed["metadata"]["managedFields"] = Value::Null;
    let relaxed: CustomResourceDefinition = serde_json::from_value(relaxed).unwrap();
    definitions.replace(name, &PostParams::default(), &relaxed).await.unwrap();

    let stage = Stage::on(cluster, "schema", Options::default()).await;
    let raw: Api<DynamicObject> =
        Api::namespaced_with(stage.client.clone(), &stage.namespace, &ApiResource::erase::<ConnectUser>(&()));
    let mut bad = managed("jane", "jane.doe");
    bad["spec"]["deletionPolicy"] = json!("Archive");
    let bad: DynamicObject = serde_json::from_value(bad).unwrap();
    // The new schema is served a moment after it was accepted.
    let made = stage.eventually(|| async { raw.create(&PostParams::default(), &bad).await.ok() }).await;
    assert!(made.is_some());
    stage.create(&managed("john", "john.roe")).await;
    stage.ready("john").await;

    let conditions =
        |object: &DynamicObject| object.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let told = stage
        .eventually(|| async {
            let object = raw.get("jane").await.unwrap();
            let ready = conditions(&object).into_iter().find(|condition| condition["type"] == "Ready")?;
            (ready["reason"] == "InvalidSpec").then_some((object, ready))
        })
        .await;
    let Some((object, ready)) = told else { panic!("not told: {:?}", raw.get("jane").await.unwrap().data) };
    assert_eq!(ready["status"], "False");
    assert!(conditions(&object).iter().any(|condition| condition["type"] == "Stalled"));
    let message = ready["message"].as_str().unwrap();
    assert!(message.contains("Archive"), "{message}");
    assert_eq!(stage.written(), ["CreateUser"], "only the other one's");

    // Mended, it goes its way; broken again, its user is left alone.
    let deletion_policy = |value: &str| Patch::Merge(json!({ "spec": { "deletionPolicy": value } }));
    raw.patch("jane", &PatchParams::default(), &deletion_policy("Delete")).await.unwrap();
    stage.ready("jane").await;
    raw.patch("jane", &PatchParams::default(), &deletion_policy("Archive")).await.unwrap();
    let told = stage
        .eventually(|| async {
            let object = raw.get("jane").await.unwrap();
            conditions(&object).iter().any(|condition| condition["reason"] == "InvalidSpec").then_some(object)
        })
        .await;
    let status = &told.unwrap().data["status"];
    assert_eq!(status["userId"], json!(stage.user("jane.doe").unwrap().id), "what was known of the user is not lost");
    stage.edit("john", json!({ "tags": { "team": "support" } })).await;
    stage.ready("john").await;
    assert_eq!(stage.written(), ["CreateUser", "CreateUser", "TagResource"]);

    // If its status is lost meanwhile, there is still somewhere a user, whatever its name: no second one is made.
    stage.stop_operator().await;
    raw.patch_status("jane", &PatchParams::default(), &Patch::Merge(json!({ "status": null }))).await.unwrap();
    stage.console("jane.doe", UserPatch { username: Some("jane.roe".to_owned()), ..UserPatch::default() });
    let id = stage.user("jane.roe").unwrap().id;
    stage.start_operator().await;
    let is_told = || async {
        let object = raw.get("jane").await.unwrap();
        conditions(&object).iter().any(|condition| condition["reason"] == "InvalidSpec").then_some(())
    };
    assert!(stage.eventually(is_told).await.is_some());
    raw.patch("jane", &PatchParams::default(), &deletion_policy("Delete")).await.unwrap();
    stage.reason("jane", "Drifted").await;
    assert_eq!(stage.get("jane").await.status.unwrap().user_id, Some(id));
    assert_eq!(stage.written(), ["CreateUser", "CreateUser", "TagResource"]);
    stage.console("jane.roe", UserPatch { username: Some("jane.doe".to_owned()), ..UserPatch::default() });
    raw.patch("jane", &PatchParams::default(), &deletion_policy("Archive")).await.unwrap();
    assert!(stage.eventually(is_told).await.is_some());

    // Deleted while it cannot be read, it waits for the way out that the message names.
    assert!(message.contains("contactops.dev/release-deletion=retain"), "{message}");
    raw.delete("jane", &DeleteParams::default()).await.unwrap();
    let release = json!({ "metadata": { "annotations": { "contactops.dev/release-deletion": "retain" } } });
    raw.patch("jane", &PatchParams::default(), &Patch::Merge(release)).await.unwrap();
    let gone = stage.eventually(|| async { raw.get_opt("jane").await.unwrap().is_none().then_some(()) }).await;
    assert!(gone.is_some());
    assert!(stage.user("jane.doe").is_some(), "its user stays");
    assert!(message.contains("deletionPolicy"), "the field is named: {message}");
}
