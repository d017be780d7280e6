//! Statuses that somebody has written by hand: they are hints, and the tags of the user decide.

use connect_simulator::UserPatch;
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use serde_json::json;

use super::ground::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_a_forged_status_reaches_nobody_elses_user_and_no_other_path() {
    let ground = Ground::new("attack-status", 10, None).await;
    ground.create(&ground.victim, &ground.object("victim", "victim", json!({}))).await;
    let victim = ground.ready(&ground.victim, "victim").await.status.unwrap().user_id.unwrap();
    ground.create(&ground.attacker, &ground.object("forger", "forger", json!({ "adoptionPolicy": "Adopt" }))).await;
    let own = ground.ready(&ground.attacker, "forger").await.status.unwrap().user_id.unwrap();
    let before = ground.user("victim");
    let long = "a".repeat(256);
    let forged = [&victim, "..", ".", "../identity-info", "%2e%2e", "a\r\nX-Evil: 1", "a\0b", "?x=y", "", &long];
    for (n, id) in forged.into_iter().enumerate() {
        let arn = format!("{}/agent/{}", ground.arn, if id.len() > 200 { "x" } else { id });
        let status = json!({ "observedGeneration": 1, "userId": id, "userArn": arn });
        ground.stage.force_status("forger", status).await;
        ground.poke(&ground.attacker, "forger", &format!("forged-{n}")).await;
        assert_eq!(ground.user("victim"), before, "forged {id:?}");
    }
    // An id that cannot be one counts as none, and the user is found again by its name.
    ground.stage.force_status("forger", json!({ "observedGeneration": 1, "userId": ".." })).await;
    ground.poke(&ground.attacker, "forger", "heal").await;
    let healed = ground.ready(&ground.attacker, "forger").await.status.unwrap();
    assert_eq!(healed.user_id, Some(own.clone()));

    // Deletion by a forged id.
    let arn = format!("{}/agent/{victim}", ground.arn);
    ground.stage.force_status("forger", json!({ "observedGeneration": 1, "userId": victim, "userArn": arn })).await;
    ground.delete(&ground.attacker, "forger").await;
    ground.gone(&ground.attacker, "forger").await;
    let note = ground.stage.event("forger", "UserNotDeleted").await;
    assert!(note.contains(&format!("test/{}/victim", ground.victim)), "{note}");
    assert_eq!(ground.user("victim"), before);

    for call in ground.stage.calls() {
        assert!(!call.operation.is_empty(), "a path that is no operation: {call:?}");
        let known = call.user_id.as_ref().is_none_or(|id| [&victim, &own, &long].contains(&id));
        assert!(known, "a call about {:?}", call.user_id);
        assert!(!call.write || call.user_id.as_ref() != Some(&victim) || call.operation == "CreateUser", "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_record_takes_from_the_own_user_only_and_never_its_marks() {
    let ground = Ground::new("attack-applied", 11, None).await;
    for (namespace, name) in [(&ground.victim, "victim"), (&ground.attacker, "forger")] {
        ground.create(namespace, &ground.object(name, name, json!({ "tags": { "team": "x" } }))).await;
        ground.ready(namespace, name).await;
        let mut tags = ground.user(name).unwrap().tags;
        tags.insert("cost-centre".to_owned(), "4711".to_owned());
        ground.by_hand(name, UserPatch { tags: Some(tags), ..UserPatch::default() });
    }
    let before = ground.user("victim");
    let mut status = serde_json::to_value(ground.stage.get("forger").await.status).unwrap();
    status["applied"]["fields"] = json!(["securityProfiles", "routingProfile", "identityInfo.email", "no such field"]);
    status["applied"]["tagKeys"] = json!([OWNER_TAG, UID_TAG, "CONTACTOPS.DEV/OWNER", "cost-centre", "team"]);
    status["applied"]["proficiencies"] = json!([{ "attributeName": "Language", "attributeValue": "German" }]);
    ground.stage.force_status("forger", status).await;
    ground.poke(&ground.attacker, "forger", "now").await;
    ground.ready(&ground.attacker, "forger").await;
    let tags = ground.user("forger").unwrap().tags;
    assert_eq!(tags.keys().collect::<Vec<_>>(), [OWNER_TAG, UID_TAG, "team"]);
    assert_eq!(ground.user("victim"), before);
}
