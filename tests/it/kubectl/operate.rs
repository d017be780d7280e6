//! reconcile, suspend, resume and release: what becomes of users and objects, and what is left alone.

use connect_simulator::UserPatch;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::{RELEASE_ANNOTATION, SUSPEND_ANNOTATION};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{Ran, run};
use crate::support::{Options, Stage, condition, managed};

/// The command on objects of the stage's namespace.
async fn on(stage: &Stage, arguments: &[&str]) -> Ran {
    run(stage, &[arguments, &["-n", &stage.namespace, "--color", "never"]].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_is_done_when_the_command_ends_and_takes_over_nobodys_fields() {
    let stage = Stage::new("koperate-reconcile").await;
    let applied = PatchParams::apply("gitops");
    stage.api().patch("jane", &applied, &Patch::Apply(managed("jane", "jane"))).await.unwrap();
    stage.ready("jane").await;
    // Past what may count as a change of the operator's own.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let routing = UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
    stage.console("jane", routing);
    let ran = on(&stage, &["reconcile", "jane"]).await.expect(0);
    assert_eq!(stage.user("jane").unwrap().routing_profile_id, m::ROUTING_BASIC);
    assert_eq!(ran.out, format!("{}/jane: reconciled, InSync\n", stage.namespace));
    let object = stage.get("jane").await;
    let managers = object.managed_fields();
    let of = |name: &str| managers.iter().find(|entry| entry.manager.as_deref() == Some(name)).unwrap();
    let ours = serde_json::to_value(&of("kubectl-connect").fields_v1).unwrap();
    let annotation = json!({ "f:metadata": { "f:annotations": { "f:contactops.dev/reconcile-requested-at": {} } } });
    let mut without_parents = ours.clone();
    without_parents["f:metadata"]["f:annotations"].as_object_mut().unwrap().remove(".");
    assert_eq!(without_parents, annotation, "nothing but the annotation is ours");
    assert!(serde_json::to_string(&of("gitops").fields_v1).unwrap().contains("f:username"), "and theirs is theirs");
    // Whoever applies goes on without a conflict.
    stage.api().patch("jane", &applied, &Patch::Apply(managed("jane", "jane"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_not_as_declared_is_told_by_the_exit_code() {
    let stage = Stage::new("koperate-failed").await;
    let mut broken = managed("broken", "broken");
    broken["spec"].as_object_mut().unwrap().remove("routingProfileArn");
    broken["spec"]["routingProfileName"] = json!("No Such Profile");
    stage.create(&broken).await;
    stage.reason("broken", "ReferenceNotFound").await;
    let ran = on(&stage, &["reconcile", "broken"]).await.expect(2);
    assert!(ran.out.contains("broken: ReferenceNotFound: ") && ran.out.contains("No Such Profile"), "{}", ran.out);
    stage.stop_operator().await;
    let ran = on(&stage, &["reconcile", "broken", "--timeout", "1s"]).await.expect(1);
    assert!(ran.err.contains("has not come to") && ran.err.contains("broken"), "{}", ran.err);
    let ran = on(&stage, &["reconcile", "nobody"]).await.expect(1);
    assert!(ran.err.contains("reading ConnectUser nobody failed"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_between_suspend_and_resume() {
    let stage = Stage::new("koperate-suspend").await;
    stage.create(&managed("jane", "jane")).await;
    stage.ready("jane").await;
    let ran = on(&stage, &["suspend", "jane"]).await.expect(0);
    assert_eq!(ran.out, format!("{}/jane: suspended\n", stage.namespace));
    let before = stage.writes().len();
    let night = format!("{}/routing-profile/{}", m::ARN, m::ROUTING_NIGHT);
    stage.edit("jane", json!({ "routingProfileArn": night })).await;
    stage.reason("jane", "Suspended").await;
    assert_eq!(stage.writes().len(), before);
    let again = on(&stage, &["suspend", "jane"]).await.expect(0);
    assert!(again.out.contains("is suspended already"), "{}", again.out);
    on(&stage, &["resume", "--all"]).await.expect(0);
    stage.ready("jane").await;
    assert_eq!(stage.user("jane").unwrap().routing_profile_id, m::ROUTING_NIGHT);
    assert!(!stage.get("jane").await.annotations().contains_key(SUSPEND_ANNOTATION));
    // What the spec says is for whoever declares it.
    stage.edit("jane", json!({ "suspend": true })).await;
    stage.reason("jane", "Suspended").await;
    let refused = on(&stage, &["resume", "jane"]).await.expect(2);
    assert!(refused.out.contains("spec.suspend"), "{}", refused.out);
    assert!(stage.get("jane").await.spec.suspend);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_not_touched_unless_somebody_says_so() {
    let stage = Stage::new("koperate-many").await;
    for number in 0..11 {
        let mut object = managed(&format!("agent-{number}"), &format!("agent-{number}"));
        object["metadata"]["labels"] = json!({ "team": if number < 10 { "support" } else { "sales" } });
        stage.create(&object).await;
    }
    for number in 0..11 {
        stage.ready(&format!("agent-{number}")).await;
    }
    let suspended = || async {
        let objects = stage.api().list(&Default::default()).await.unwrap().items;
        objects.iter().filter(|object| object.annotations().contains_key(SUSPEND_ANNOTATION)).count()
    };
    let refused = on(&stage, &["suspend", "--all"]).await.expect(1);
    assert!(refused.err.contains("suspend 11 ConnectUsers") && refused.err.contains("--yes"), "{}", refused.err);
    assert_eq!(suspended().await, 0);
    // Ten are not many.
    let ran = on(&stage, &["suspend", "-l", "team=support"]).await.expect(0);
    assert_eq!(ran.out.lines().filter(|line| line.ends_with(": suspended")).count(), 10, "{}", ran.out);
    assert_eq!(suspended().await, 10);
    on(&stage, &["resume", "--all", "--yes"]).await.expect(0);
    assert_eq!(suspended().await, 0);
    let unclear = on(&stage, &["suspend"]).await.expect(2);
    assert!(unclear.err.contains("--selector") && unclear.err.contains("--all"), "{}", unclear.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_deletion_goes_on_or_lets_go_as_a_person_says() {
    let values = json!({ "operator": { "deletionBrake": "0/1h" } });
    let stage = Stage::with("koperate-release", Options { values, ..Options::default() }).await;
    stage.administrator();
    for name in ["stays", "goes", "lives"] {
        stage.create(&managed(name, name)).await;
        stage.ready(name).await;
    }
    let living = on(&stage, &["release", "lives", "--retain"]).await.expect(2);
    assert!(living.out.contains("is not being deleted"), "{}", living.out);
    for name in ["stays", "goes"] {
        stage.delete(name).await;
        stage.reason_while_deleting(name, "DeletionHeld").await;
    }
    on(&stage, &["release", "stays"]).await.expect(2);
    on(&stage, &["release", "stays", "--retain"]).await.expect(0);
    stage.gone("stays").await;
    assert!(stage.user("stays").is_some() && !stage.written().contains(&"DeleteUser".to_owned()));
    // For good, so somebody has to be asked, though it is only one.
    let refused = on(&stage, &["release", "goes", "--delete"]).await.expect(1);
    assert!(refused.err.contains("go on with the deletion of 1 ConnectUser"), "{}", refused.err);
    assert!(!stage.get("goes").await.annotations().contains_key(RELEASE_ANNOTATION));
    on(&stage, &["release", "--all", "--delete", "--yes"]).await.expect(0);
    stage.gone("goes").await;
    assert!(stage.user("goes").is_none());
    let object = stage.get("lives").await;
    assert!(!object.annotations().contains_key(RELEASE_ANNOTATION), "what lies in wait for a deletion was not put on");
    assert_eq!(condition(&object), Some(("True", "InSync")));
}
