//! Deletion: exactly when it should be, never otherwise.

use connect_simulator::fixtures::{managed as m, saml as s};
use connect_simulator::{Fault, FaultKind, Lag, Mutation, UserPatch};
use connect_user_operator::resource::user::ConnectUser;
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use kube::api::{DeleteParams, PropagationPolicy};
use serde_json::json;

use crate::support::{Options, Stage, condition, managed, saml};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_verified_and_then_deleted_and_the_finalizer_goes_last() {
    let stage = Stage::new("delete").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.simulator.clear_calls();
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none());
    assert_eq!(stage.operations(), ["DescribeUser", "DeleteUser"]);
    assert!(stage.event("jane", "UserDeleted").await.contains("jane.doe"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreground_deletion_is_not_held_up_by_the_finalizer_beside_ours() {
    let stage = Stage::new("foreground").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    let foreground =
        DeleteParams { propagation_policy: Some(PropagationPolicy::Foreground), ..DeleteParams::default() };
    stage.api().delete("jane", &foreground).await.unwrap();
    // No garbage collector runs here, so the other finalizer stays; ours goes and the user with it.
    let object = stage
        .until("jane", "let go", |object| {
            object.metadata.finalizers.iter().flatten().all(|f| f == "foregroundDeletion")
        })
        .await;
    assert_eq!(object.metadata.finalizers.unwrap(), ["foregroundDeletion"]);
    assert!(stage.user("jane.doe").is_none());
    stage.settled("jane").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_gone_already_is_no_obstacle() {
    let stage = Stage::new("gone").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage
        .simulator
        .mutate(Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: "jane.doe".to_owned() })
        .unwrap();
    stage.simulator.clear_calls();
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.written().is_empty());
    assert!(stage.operations().contains(&"ListUsers".to_owned()), "one 404 alone is not believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_whose_user_was_never_created_can_be_deleted_at_once() {
    let stage = Stage::new("never").await;
    let mut wrong_name = managed("wrong-name", "wrong.name");
    wrong_name["spec"].as_object_mut().unwrap().remove("routingProfileArn");
    wrong_name["spec"]["routingProfileName"] = json!("Nowhere");
    stage.create(&wrong_name).await;
    stage.reason("wrong-name", "ReferenceNotFound").await;

    let mut elsewhere = saml("elsewhere", "elsewhere");
    let foreign = s::ARN.replace(s::ID, "99999999-9999-4999-8999-999999999999");
    elsewhere["spec"]["instanceArn"] = json!(foreign);
    elsewhere["spec"]["routingProfileArn"] = json!(format!("{foreign}/routing-profile/{}", s::ROUTING_BASIC));
    elsewhere["spec"]["securityProfileArns"] = json!([format!("{foreign}/security-profile/{}", s::SECURITY_AGENT)]);
    stage.create(&elsewhere).await;
    stage.until("elsewhere", "refused", |object| condition(object).is_some_and(|(status, _)| status == "False")).await;

    let mut refused = managed("refused", "refused");
    refused["spec"]["userProficiencies"] = json!([]);
    refused["spec"].as_object_mut().unwrap().remove("userProficiencies");
    refused["spec"]["passwordSecretRef"]["name"] = json!("nowhere");
    stage.create(&refused).await;
    stage.reason("refused", "SecretNotFound").await;

    for name in ["wrong-name", "elsewhere", "refused"] {
        stage.delete(name).await;
        stage.gone(name).await;
    }
    assert!(stage.written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn retain_takes_our_two_tags_with_one_call_and_leaves_the_user() {
    let stage = Stage::new("retain").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["deletionPolicy"] = json!("Retain");
    object["spec"]["tags"] = json!({ "team": "support" });
    stage.create(&object).await;
    stage.ready("jane").await;
    stage.simulator.clear_calls();
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert_eq!(stage.written(), ["UntagResource"]);
    assert_eq!(stage.user("jane.doe").unwrap().tags, [("team".to_owned(), "support".to_owned())].into());
    stage.event("jane", "UserRetained").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_somebody_else_has_taken_over_stays() {
    let stage = Stage::new("foreign").await;
    for (name, owner) in [("taken", Some("other/ns/jane")), ("untagged", None)] {
        stage.create(&managed(name, name)).await;
        stage.ready(name).await;
        let tags = owner.map(|owner| (OWNER_TAG.to_owned(), owner.to_owned())).into_iter().collect();
        stage.console(name, UserPatch { tags: Some(tags), ..UserPatch::default() });
        stage.delete(name).await;
        stage.gone(name).await;
        assert!(stage.user(name).is_some());
        stage.event(name, "UserNotDeleted").await;
    }
    assert_eq!(stage.written(), ["CreateUser", "CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_status_deletes_nobody_else() {
    let stage = Stage::with("forged", Options { operator: false, ..Options::default() }).await;
    let victim = stage
        .simulator
        .mutate_at(
            Mutation::CreateUser { instance_id: m::ID.to_owned(), username: "victim".to_owned(), set: Box::default() },
            std::time::SystemTime::now(),
        )
        .unwrap();
    let mut object = managed("forger", "forger");
    object["metadata"]["finalizers"] = json!(["contactops.dev/connect-user"]);
    stage.create(&object).await;
    let status = json!({ "userId": victim, "userArn": format!("{}/agent/{victim}", m::ARN), "observedGeneration": 1 });
    stage.force_status("forger", status).await;
    stage.delete("forger").await;
    stage.start_operator().await;
    stage.gone("forger").await;
    assert!(stage.user("victim").is_some());
    assert!(stage.written().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_status_changes_nobody_else() {
    let stage = Stage::new("forger").await;
    let victim = stage
        .simulator
        .mutate_at(
            Mutation::CreateUser { instance_id: m::ID.to_owned(), username: "victim".to_owned(), set: Box::default() },
            std::time::SystemTime::now(),
        )
        .unwrap();
    let mut object = managed("forger", "forger");
    object["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&object).await;
    stage.ready("forger").await;
    let before = stage.user("victim").unwrap();
    let status = json!({ "userId": victim, "userArn": format!("{}/agent/{victim}", m::ARN), "observedGeneration": 1 });
    stage.force_status("forger", status).await;
    stage.edit("forger", json!({ "identityInfo": { "email": "attacker@example.com" } })).await;
    stage.reason("forger", "Drifted").await;
    assert_eq!(stage.user("victim").unwrap(), before);
}

/// Where users cannot be seen for a while after they were made.
async fn hiding(name: &str) -> Stage {
    let lag = Lag {
        describe_after_create_ms: 2500,
        list_after_create_ms: 2500,
        search_after_write_ms: 2500,
        ..Lag::default()
    };
    let simulator = connect_simulator::Options { lag, ..Default::default() };
    Stage::with(name, Options { grace: "4s", simulator, ..Options::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_not_visible_yet_is_waited_for_and_deleted() {
    let stage = hiding("invisible").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none(), "an invisible user was left behind");
    assert_eq!(stage.written(), ["CreateUser", "DeleteUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_creation_was_not_answered_is_deleted_too() {
    let stage = Stage::with("lost", Options { grace: "4s", ..Options::default() }).await;
    // The create has its effect; what the operator needs to find the user again fails for a while.
    stage.simulator.inject(Fault::new(FaultKind::LostAnswer).on("CreateUser").times(1));
    stage.simulator.inject(Fault::error_before(500, "InternalServiceException").on("SearchUsers").times(3));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.until("jane", "failed", |object| condition(object).is_some_and(|(_, reason)| reason == "Unavailable")).await;
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none());
}

/// Only the status tells that there may be one.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_creation_was_not_answered_and_that_is_not_visible_yet_is_deleted_too() {
    let stage = hiding("lost-invisible").await;
    stage.simulator.inject(Fault::new(FaultKind::LostAnswer).on("CreateUser").times(1));
    stage.simulator.inject(Fault::new(FaultKind::LostRequest).on("CreateUser"));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.until("jane", "failed", |object| condition(object).is_some_and(|(_, reason)| reason == "Unavailable")).await;
    assert!(stage.user("jane.doe").is_some());
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none(), "an invisible user was left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_whose_answer_is_lost_ends_well() {
    let stage = Stage::new("lostdel").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.simulator.inject(Fault::new(FaultKind::LostAnswer).on("DeleteUser").times(1));
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_aws_refuses_says_why_and_has_a_way_out() {
    let stage = Stage::new("denied").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.simulator.inject(Fault::error_before(403, "AccessDeniedException").on("DeleteUser"));
    stage.delete("jane").await;
    let message = stage.reason_while_deleting("jane", "AccessDenied").await;
    assert!(message.contains("connect:DeleteUser") && message.contains("contactops.dev/release-deletion"), "{message}");
    stage.annotate("jane", "contactops.dev/release-deletion", "retain").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").unwrap().tags.contains_key(UID_TAG), "no call to AWS was made");
    stage.event("jane", "UserRetained").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn renaming_an_object_in_git_does_not_delete_the_person() {
    let stage = Stage::new("rename").await;
    stage.create(&managed("old", "jane.doe")).await;
    let id = stage.ready("old").await.status.unwrap().user_id;
    let mut new = managed("new", "jane.doe");
    new["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&new).await;
    let message = stage.reason("new", "UsernameTaken").await;
    assert!(message.contains("/old"), "{message}");
    stage.delete("old").await;
    stage.gone("old").await;
    let object = stage.ready("new").await;
    assert_eq!(object.status.unwrap().user_id, id);
    assert!(!stage.written().contains(&"DeleteUser".to_owned()));
}

/// Object old has user jane.doe, and object new waits for it.
async fn with_heir(name: &str) -> Stage {
    let stage = Stage::new(name).await;
    stage.create(&managed("old", "jane.doe")).await;
    stage.ready("old").await;
    let mut new = managed("new", "jane.doe");
    new["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&new).await;
    stage.reason("new", "UsernameTaken").await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn an_heir_that_goes_before_it_has_seen_its_user_does_not_leave_it_behind() {
    let stage = with_heir("heir-goes").await;
    // The older finds its user by id, the younger would find it by name or by tag.
    stage.simulator.inject(Fault::error_before(403, "AccessDeniedException").on("SearchUsers"));
    stage.delete("old").await;
    stage.gone("old").await;
    stage.reason("new", "AccessDenied").await;
    assert_eq!(stage.get("new").await.status.unwrap().user_id, None);
    stage.delete("new").await;
    let has_way_out = |object: &ConnectUser| {
        let conditions = &object.status.as_ref().unwrap().conditions;
        conditions.iter().any(|condition| condition.message.contains("contactops.dev/release-deletion"))
    };
    stage.until("new", "held", has_way_out).await;
    stage.simulator.clear_faults();
    stage.gone("new").await;
    assert_eq!(stage.written(), ["CreateUser", "TagResource", "DeleteUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_whose_creation_was_not_answered_and_then_refused_is_deleted_too() {
    let stage = hiding("lost-refused").await;
    stage.simulator.inject(Fault::new(FaultKind::LostAnswer).on("CreateUser").times(1));
    stage.simulator.inject(Fault::error_before(403, "AccessDeniedException").on("CreateUser"));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.until("jane", "failed", |object| condition(object).is_some_and(|(_, reason)| reason == "AccessDenied")).await;
    assert!(stage.user("jane.doe").is_some());
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none(), "an invisible user was left behind");
}

/// The heir is in the midst of a look that began before, and writes what came of it afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn an_heir_that_is_looking_when_it_gets_a_user_does_not_forget_that() {
    let stage = with_heir("heir-looks").await;
    stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 1500 }).on("SearchUsers"));
    stage.simulator.inject(Fault::error_before(403, "AccessDeniedException").on("SearchUsers"));
    // The older one has seen its user, and gives it away, while the younger one looks.
    stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 700 }).on("DescribeUser"));
    stage.delete("old").await;
    stage.annotate("new", "contactops.dev/reconcile-requested-at", "now").await;
    stage.gone("old").await;
    stage.reason("new", "AccessDenied").await;
    let status = stage.get("new").await.status.unwrap();
    assert!(status.user_id.is_none() && status.may_have_user_since.is_some(), "{status:?}");
    stage.delete("new").await;
    stage.reason_while_deleting("new", "AccessDenied").await;
    stage.simulator.clear_faults();
    stage.gone("new").await;
    assert_eq!(stage.written(), ["CreateUser", "TagResource", "DeleteUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_that_was_made_while_nobody_looked_keeps_the_person() {
    let stage = Stage::new("renamed-meanwhile").await;
    stage.create(&managed("jane", "jane.doe")).await;
    let id = stage.ready("jane").await.status.unwrap().user_id;
    stage.stop_operator().await;
    stage.delete("jane").await;
    let mut renamed = managed("jane-doe", "jane.doe");
    renamed["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&renamed).await;
    // Longer than the grace: how old the new object is says nothing, when nobody was there to look at it.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    stage.start_operator().await;
    stage.gone("jane").await;
    assert_eq!(stage.ready("jane-doe").await.status.unwrap().user_id, id, "{:?}", stage.written());
    assert!(!stage.written().contains(&"DeleteUser".to_owned()), "{:?}", stage.written());
}
