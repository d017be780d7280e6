//! The annotations that whoever may edit an object can set: they concern that object alone.

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::ground::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn annotations_of_one_tenant_move_nothing_of_another() {
    let rules = json!({
        "allowedNamespaces": ["VICTIM", "ATTACKER"],
        "deletionBrake": { "maxDeletions": 0, "windowSeconds": 3600 },
    });
    let ground = Ground::new("attack-annotate", 40, Some(rules)).await;
    for (namespace, name) in [(&ground.victim, "victim"), (&ground.attacker, "released"), (&ground.attacker, "kept")] {
        ground.create(namespace, &ground.object(name, name, json!({}))).await;
        ground.ready(namespace, name).await;
    }
    let annotate = async |namespace: &str, name: &str, key: &str, value: &str| {
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        ground.users(namespace).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    };
    // The brake allows none, so each deletion waits for a person.
    for (namespace, name) in [(&ground.victim, "victim"), (&ground.attacker, "released"), (&ground.attacker, "kept")] {
        ground.delete(namespace, name).await;
        ground.told(namespace, name, "DeletionHeld").await;
    }
    // A tenant is that person for its own objects. Values that are no words of ours move nothing.
    for value in ["DELETE", " delete", "true", "yes", "retain,delete"] {
        annotate(&ground.attacker, "released", "contactops.dev/release-deletion", value).await;
    }
    let counted =
        || async { ground.told(&ground.attacker, "released", "DeletionHeld").await.contains("3 users").then_some(()) };
    assert!(ground.stage.eventually(counted).await.is_some());
    ground.stage.settled("released").await;
    assert!(ground.user("released").is_some());
    annotate(&ground.attacker, "released", "contactops.dev/release-deletion", "delete").await;
    ground.gone(&ground.attacker, "released").await;
    annotate(&ground.attacker, "kept", "contactops.dev/release-deletion", "retain").await;
    ground.gone(&ground.attacker, "kept").await;
    assert!(ground.user("released").is_none() && ground.user("kept").is_some());
    ground.told(&ground.victim, "victim", "DeletionHeld").await;
    assert!(ground.user("victim").is_some(), "the other's deletion still waits");
    assert_eq!(ground.stage.written(), ["CreateUser", "CreateUser", "CreateUser", "DeleteUser"]);
}
