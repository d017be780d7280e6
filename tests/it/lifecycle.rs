//! The main job: objects become users, stay as declared, and go.

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::IdentityInfo;
use connect_simulator::{Fault, FaultKind, Mutation, UserPatch};
use kube::ResourceExt;
use serde_json::json;

use crate::support::{Options, Stage, condition, managed, saml};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_created_with_one_call_and_two_status_writes() {
    let stage = Stage::new("create").await;
    stage.create(&managed("jane", "jane.doe")).await;
    let object = stage.ready("jane").await;
    let user = stage.user("jane.doe").unwrap();
    let status = object.status.unwrap();
    assert_eq!(status.user_id.as_deref(), Some(user.id.as_str()));
    assert_eq!(status.user_arn, Some(format!("{}/agent/{}", m::ARN, user.id)));
    assert_eq!(stage.operations(), ["DescribeInstance", "CreateUser"]);
    stage.settled("jane").await;
    stage.edit("jane", json!({ "tags": { "team": "support" } })).await;
    stage.ready("jane").await;
    assert_eq!(stage.written(), ["CreateUser", "TagResource"]);
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none());
    stage.stop_operator().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_makes_no_write_and_one_listing_per_instance() {
    let stage = Stage::new("restart").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.create(&saml("john", "john.roe@example.com")).await;
    let before = [stage.ready("jane").await, stage.ready("john").await];
    stage.stop_operator().await;
    stage.simulator.clear_calls();
    stage.start_operator().await;
    let seen = stage.eventually(|| async { (stage.calls().len() >= 2).then_some(()) }).await;
    assert!(seen.is_some());
    stage.settled("jane").await;
    assert_eq!(stage.operations(), ["ListUsers", "ListUsers"]);
    for object in before {
        assert_eq!(
            stage.get(&object.name_any()).await.resource_version(),
            object.resource_version(),
            "a restart writes no object"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_changes_in_quick_succession_converge_to_the_last() {
    let stage = Stage::new("quick").await;
    stage.create(&managed("jane", "jane.doe")).await;
    for (first, last) in [("A", "B"), ("C", "D"), ("E", "F")] {
        stage.edit("jane", json!({ "identityInfo": { "lastName": first } })).await;
        stage.edit("jane", json!({ "identityInfo": { "lastName": last } })).await;
        stage.ready("jane").await;
        assert_eq!(stage.user("jane.doe").unwrap().identity_info.last_name.as_deref(), Some(last));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_console_is_repaired_and_told() {
    let stage = Stage::with("drift", Options { resync: "1s", ..Options::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.console(
        "jane.doe",
        UserPatch {
            routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()),
            identity_info: Some(IdentityInfo { email: Some("attacker@example.com".to_owned()), ..Default::default() }),
            ..UserPatch::default()
        },
    );
    let repaired = stage
        .eventually(|| async {
            let user = stage.user("jane.doe").unwrap();
            (user.routing_profile_id == m::ROUTING_BASIC
                && user.identity_info.email.as_deref() == Some("jane@example.com"))
            .then_some(())
        })
        .await;
    assert!(repaired.is_some());
    let note = stage.event("jane", "DriftCorrected").await;
    assert!(note.contains("routingProfile") && note.contains("identityInfo.email") && !note.contains('@'), "{note}");
    stage.ready("jane").await;
    let metrics = stage.get_from_operator("/metrics").await;
    for field in ["routingProfile", "identityInfo.email"] {
        let line = format!("connect_user_operator_drift_total{{field=\"{field}\",action=\"corrected\"}} 1\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_report_a_change_in_the_console_is_told_and_nothing_is_written() {
    let stage = Stage::with("report", Options { resync: "1s", ..Options::default() }).await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["driftPolicy"] = json!("Report");
    stage.create(&object).await;
    stage.ready("jane").await;
    stage.console(
        "jane.doe",
        UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() },
    );
    let message = stage.reason("jane", "Drifted").await;
    assert!(message.contains("routingProfile"), "{message}");
    let drift = stage.get("jane").await.status.unwrap().drift;
    assert_eq!(drift.len(), 1);
    assert_eq!(drift[0].declared.as_deref(), Some(m::ROUTING_BASIC));
    assert_eq!(drift[0].observed.as_deref(), Some(m::ROUTING_NIGHT));
    assert_eq!(stage.written(), ["CreateUser"]);
    // Counted once, however often it is seen.
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let metrics = stage.get_from_operator("/metrics").await;
    let line = "connect_user_operator_drift_total{field=\"routingProfile\",action=\"reported\"} 1\n";
    assert!(metrics.contains(line), "{metrics}");
    // An edit of the spec is written all the same.
    stage
        .edit("jane", json!({ "routingProfileArn": format!("{}/routing-profile/{}", m::ARN, m::ROUTING_TIER_1) }))
        .await;
    let object = stage.ready("jane").await;
    assert!(object.status.unwrap().drift.is_empty());
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_TIER_1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_deleted_by_hand_comes_back_once() {
    let stage = Stage::with("vanished", Options { resync: "1s", ..Options::default() }).await;
    stage.administrator();
    stage.create(&managed("jane", "jane.doe")).await;
    let first = stage.ready("jane").await.status.unwrap().user_id.unwrap();
    stage
        .simulator
        .mutate(Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: "jane.doe".to_owned() })
        .unwrap();
    let object = stage
        .until("jane", "ready with another user", |object| {
            let status = object.status.as_ref().unwrap();
            condition(object).is_some_and(|(ready, _)| ready == "True")
                && status.user_id.as_ref().is_some_and(|id| *id != first)
        })
        .await;
    assert_eq!(Some(stage.user("jane.doe").unwrap().id), object.status.unwrap().user_id);
    stage.event("jane", "UserVanished").await;
    assert_eq!(stage.written(), ["CreateUser", "CreateUser"]);
    assert_eq!(stage.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_objects_are_left_alone_and_resumed_ones_catch_up() {
    let stage = Stage::new("suspend").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["suspend"] = json!(true);
    stage.create(&object).await;
    stage.reason("jane", "Suspended").await;
    assert!(stage.calls().is_empty());
    stage.edit("jane", json!({ "suspend": false })).await;
    stage.ready("jane").await;
    stage.annotate("jane", "contactops.dev/suspend", "true").await;
    stage.reason("jane", "Suspended").await;
    assert_eq!(condition(&stage.get("jane").await).unwrap().0, "True", "what was true of this generation stays true");
    stage.edit("jane", json!({ "tags": { "team": "support" } })).await;
    stage.reason("jane", "Suspended").await;
    assert_eq!(stage.written(), ["CreateUser"]);
    stage.delete("jane").await;
    stage.reason_while_deleting("jane", "DeletionHeld").await;
    assert!(stage.user("jane.doe").is_some());
    stage.annotate("jane", "contactops.dev/suspend", "false").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_reconcile_is_carried_out_and_echoed() {
    let stage = Stage::new("request").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.console(
        "jane.doe",
        UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() },
    );
    stage.annotate("jane", "contactops.dev/reconcile-requested-at", "now").await;
    stage
        .until("jane", "reconciled as requested", |object| {
            object.status.as_ref().unwrap().last_handled_reconcile_at.as_deref() == Some("now")
        })
        .await;
    assert_eq!(stage.user("jane.doe").unwrap().routing_profile_id, m::ROUTING_BASIC);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_moment_of_aws_does_not_take_back_ready() {
    let stage = Stage::with("outage", Options { resync: "500ms", ..Options::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    let before = stage.ready("jane").await;
    for fault in [
        Fault::error_before(500, "InternalServiceException"),
        Fault::new(FaultKind::Throttle),
        Fault::new(FaultKind::LostAnswer),
    ] {
        stage.simulator.clear_calls();
        stage.simulator.inject(fault.times(2));
        let tried = stage.eventually(|| async { (stage.calls().len() >= 3).then_some(()) }).await;
        assert!(tried.is_some());
    }
    assert_eq!(stage.get("jane").await.resource_version(), before.resource_version());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sigterm_a_reconcile_under_way_is_finished() {
    let stage = Stage::new("sigterm").await;
    stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 1500 }).on("CreateUser").times(1));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.reason("jane", "Creating").await;
    stage.stop_operator().await;
    let object = stage.get("jane").await;
    assert_eq!(condition(&object), Some(("True", "InSync")), "the answer was awaited and recorded");
    assert_eq!(object.status.unwrap().user_id, stage.user("jane.doe").map(|user| user.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_answer() {
    let stage = Stage::new("probes").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    assert!(stage.get_from_operator("/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(stage.get_from_operator("/readyz").await.starts_with("HTTP/1.1 200"));
    let metrics = stage.get_from_operator("/metrics").await;
    assert!(
        metrics.contains(
            r#"connect_user_operator_aws_calls_total{operation="CreateUser",result="ok",code="OK",account="111122223333",region="eu-west-1"} 1"#
        ),
        "{metrics}"
    );
    assert!(
        metrics.contains(r#"controller_runtime_reconcile_total{controller="connectuser",result="success"}"#),
        "{metrics}"
    );
    assert!(!metrics.contains("jane"), "names of objects are no labels");
}
