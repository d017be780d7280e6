//! One tenant names what is another's: its instance, its users, its names.

use connect_simulator::UserPatch;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::ground::Ground;
use crate::support::{Options, Stage, managed};

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_allow_the_namespace_is_out_of_reach_however_it_is_named() {
    let ground = Ground::new("attack-names", 1, Some(json!({ "allowedNamespaces": ["VICTIM"] }))).await;
    let spelled = |from: &str, to: &str| json!({ "instanceArn": ground.arn.replace(from, to) });
    let ways = [
        ("by-arn", json!({})),
        ("by-ref", json!({ "instanceArn": null, "instanceRef": { "name": ground.attacker } })),
        // Of an ARN only Region and id are sent, and a replica has the same id, so all of these would reach the instance.
        ("by-account", spelled(m::ACCOUNT, "999999999999")),
        ("by-partition", spelled("arn:aws:", "arn:aws-other:")),
        ("by-region", spelled(m::REGION, "eu-central-1")),
        ("by-case", spelled("abcdef", "ABCDEF")),
    ];
    for (name, way) in &ways {
        ground.create(&ground.attacker, &ground.object(name, name, way.clone())).await;
    }
    for (name, _) in &ways {
        let message = ground.told(&ground.attacker, name, "NotAllowed").await;
        assert!(message.contains(&format!("ConnectInstance {}", ground.attacker)), "{name}: {message}");
    }
    let asked = ground.stage.operations();
    assert!(asked.iter().all(|operation| operation == "DescribeInstance"), "for the ConnectInstance itself: {asked:?}");

    // Nor does it keep a name from those who may have it, though it came first.
    ground.create(&ground.victim, &ground.object("theirs", "by-arn", json!({}))).await;
    ground.ready(&ground.victim, "theirs").await;
    assert_eq!(ground.stage.written(), ["CreateUser"]);
    for (name, _) in &ways {
        ground.delete(&ground.attacker, name).await;
        ground.gone(&ground.attacker, name).await;
    }
    assert_eq!(ground.stage.written(), ["CreateUser"]);
    assert!(ground.user("by-arn").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_taken_away_ends_at_once_and_what_was_made_stays() {
    let ground = Ground::new("attack-later", 2, Some(json!({ "allowedNamespaces": ["VICTIM", "ATTACKER"] }))).await;
    ground.create(&ground.attacker, &ground.object("mallory", "mallory", json!({}))).await;
    ground.ready(&ground.attacker, "mallory").await;
    ground.edit_rules(json!({ "allowedNamespaces": [ground.victim] })).await;
    let before = ground.user("mallory");
    ground.stage.edit("mallory", json!({ "identityInfo": { "email": "mallory@example.com" } })).await;
    let message = ground.told(&ground.attacker, "mallory", "NotAllowed").await;
    assert!(message.contains("spec.allowedNamespaces"), "{message}");
    ground.delete(&ground.attacker, "mallory").await;
    let message = ground.told(&ground.attacker, "mallory", "DeletionHeld").await;
    assert!(message.contains("spec.allowedNamespaces"), "{message}");
    assert_eq!(ground.stage.written(), ["CreateUser"]);
    assert_eq!(ground.user("mallory"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn restricted_tenancy_leaves_no_instance_without_rules() {
    let values = json!({ "operator": { "tenancy": "restricted" } });
    let stage = Stage::with("attack-restricted", Options { values, ..Options::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    let message = stage.reason("jane", "NotAllowed").await;
    assert!(message.contains("--tenancy=restricted") && message.contains(&stage.namespace), "{message}");
    let mut object = managed("john", "john.roe");
    object["spec"].as_object_mut().unwrap().remove("instanceArn");
    object["spec"]["instanceRef"] = json!({ "name": "not-there" });
    stage.create(&object).await;
    stage.reason("john", "ReferenceNotFound").await;
    for name in ["jane", "john"] {
        stage.delete(name).await;
        stage.gone(name).await;
    }
    assert_eq!(stage.operations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_user_is_neither_taken_nor_inherited() {
    let ground = Ground::new("attack-claim", 3, Some(json!({ "allowedNamespaces": ["VICTIM", "ATTACKER"] }))).await;
    ground.create(&ground.victim, &ground.object("jane", "jane.doe", json!({}))).await;
    let id = ground.ready(&ground.victim, "jane").await.status.unwrap().user_id;
    let before = ground.user("jane.doe");
    let takeover = json!({
        "adoptionPolicy": "Adopt",
        "identityInfo": { "firstName": "Jane", "lastName": "Doe", "email": "attacker@example.com" },
    });
    for (name, username) in [("same", "jane.doe"), ("capitals", "JANE.DOE")] {
        ground.create(&ground.attacker, &ground.object(name, username, takeover.clone())).await;
        let message = ground.told(&ground.attacker, name, "UsernameTaken").await;
        assert!(message.contains(&format!("{}/jane", ground.victim)), "{message}");
    }
    ground.delete(&ground.attacker, "capitals").await;
    ground.gone(&ground.attacker, "capitals").await;
    ground.poke(&ground.victim, "jane", "now").await;
    assert_eq!(ground.user("jane.doe"), before);
    assert_eq!(ground.stage.written(), ["CreateUser"]);

    // The instance forbids adoption, so the claim does not get the user when its object goes, but one of its own.
    ground.delete(&ground.victim, "jane").await;
    ground.gone(&ground.victim, "jane").await;
    let after = ground.ready(&ground.attacker, "same").await.status.unwrap().user_id;
    assert_ne!(after, id);
    assert_eq!(ground.stage.written(), ["CreateUser", "DeleteUser", "CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_goes_to_another_tenant_only_where_the_instance_and_aws_consent() {
    let rules = json!({ "allowedNamespaces": ["VICTIM", "ATTACKER"], "adoption": "ConsentTag" });
    let ground = Ground::new("attack-heir", 4, Some(rules)).await;
    for (name, consent) in [("jane", "/someone-else"), ("john", "/john")] {
        ground.create(&ground.victim, &ground.object(name, name, json!({}))).await;
        ground.ready(&ground.victim, name).await;
        let mut tags = ground.user(name).unwrap().tags;
        tags.insert("contactops.dev/adoptable".to_owned(), format!("{}{consent}", ground.attacker));
        ground.by_hand(name, UserPatch { tags: Some(tags), ..UserPatch::default() });
        ground.create(&ground.attacker, &ground.object(name, name, json!({ "adoptionPolicy": "Adopt" }))).await;
        ground.told(&ground.attacker, name, "UsernameTaken").await;
    }
    let [jane, john] = ["jane", "john"].map(|name| ground.user(name).unwrap().id);
    for name in ["jane", "john"] {
        ground.delete(&ground.victim, name).await;
        ground.gone(&ground.victim, name).await;
        ground.ready(&ground.attacker, name).await;
    }
    assert_ne!(ground.user("jane").unwrap().id, jane, "deleted, and made anew");
    assert_eq!(ground.user("john").unwrap().id, john, "handed over");
    assert_eq!(ground.user("john").unwrap().tags[OWNER_TAG], format!("test/{}/john", ground.attacker));
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_that_never_end_do_not_hold_those_of_others() {
    let rules =
        json!({ "allowedNamespaces": ["VICTIM"], "deletionBrake": { "maxDeletions": 2, "windowSeconds": 3600 } });
    let ground = Ground::new("attack-brake", 5, Some(rules)).await;
    for n in 0..5 {
        let name = format!("stuck-{n}");
        let mut object = ground.object(&name, &name, json!({}));
        object["metadata"]["finalizers"] = json!(["example.com/never"]);
        ground.create(&ground.attacker, &object).await;
        ground.delete(&ground.attacker, &name).await;
    }
    let stuck = ground.users(&ground.attacker).list(&ListParams::default()).await.unwrap();
    assert_eq!(stuck.items.len(), 5, "they are being deleted, for ever");
    ground.create(&ground.victim, &ground.object("jane", "jane", json!({}))).await;
    ground.ready(&ground.victim, "jane").await;
    ground.delete(&ground.victim, "jane").await;
    ground.gone(&ground.victim, "jane").await;
    assert_eq!(ground.stage.written(), ["CreateUser", "DeleteUser"]);
    let finalizers = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    for n in 0..5 {
        let name = format!("stuck-{n}");
        ground.users(&ground.attacker).patch(&name, &PatchParams::default(), &finalizers).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_objects_without_rights_costs_no_call_and_keeps_nobody_waiting() {
    let ground = Ground::new("attack-crowd", 6, Some(json!({ "allowedNamespaces": ["VICTIM"] }))).await;
    let crowd: Vec<Value> =
        (0..150).map(|n| ground.object(&format!("crowd-{n}"), &format!("crowd-{n}"), json!({}))).collect();
    futures::future::join_all(crowd.iter().map(|object| ground.create(&ground.attacker, object))).await;
    ground.create(&ground.victim, &ground.object("jane", "jane", json!({}))).await;
    ground.ready(&ground.victim, "jane").await;
    ground.told(&ground.attacker, "crowd-149", "NotAllowed").await;
    let strangers = ground.stage.calls().into_iter().filter(|call| call.username.as_deref() != Some("jane"));
    let strangers: Vec<_> = strangers.map(|call| call.operation).collect();
    let of_jane = ["DescribeInstance", "ListRoutingProfiles", "ListSecurityProfiles"];
    assert!(strangers.iter().all(|operation| of_jane.contains(&operation.as_str())), "{strangers:?}");
    assert_eq!(ground.stage.simulator.users(&ground.id).len(), 1);
    assert!(ground.user("jane").unwrap().tags.contains_key(UID_TAG));
}
