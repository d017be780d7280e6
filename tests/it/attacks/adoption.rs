//! Adoption as a way to somebody's account: whoever sets the e-mail address can have the password reset.

use connect_simulator::UserPatch;
use connect_simulator::fixtures::managed as m;
use serde_json::json;

use super::ground::Ground;

fn takeover() -> serde_json::Value {
    json!({
        "adoptionPolicy": "Adopt",
        "identityInfo": { "firstName": "Jane", "lastName": "Doe", "email": "attacker@example.com" },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_adopted_only_where_the_instance_says_so() {
    let rules = json!({ "allowedNamespaces": ["ATTACKER"], "adoption": "Allowed" });
    let ground = Ground::new("attack-root", 30, Some(rules)).await;
    let admin = UserPatch { security_profile_ids: Some(vec![m::SECURITY_ADMIN.to_owned()]), ..UserPatch::default() };
    let id = ground.by_hand("root", admin);
    let before = ground.user("root");
    ground.create(&ground.attacker, &ground.object("root", "root", takeover())).await;
    let message = ground.told(&ground.attacker, "root", "NotAllowed").await;
    assert!(message.contains("Admin") && message.contains("spec.adoptAdmins"), "{message}");
    assert_eq!(ground.user("root"), before);
    let wrote = ground.stage.writes().into_iter().filter(|call| call.status == 200).count();
    assert_eq!(wrote, 0, "CreateUser was refused as a duplicate, and that is all");

    ground.edit_rules(json!({ "adoptAdmins": true })).await;
    assert_eq!(ground.ready(&ground.attacker, "root").await.status.unwrap().user_id, Some(id));
    assert_eq!(ground.user("root").unwrap().identity_info.email.as_deref(), Some("attacker@example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_is_for_one_object_and_cannot_be_given_by_it() {
    let rules = json!({ "allowedNamespaces": ["ATTACKER"], "adoption": "ConsentTag" });
    let ground = Ground::new("attack-consent", 31, Some(rules)).await;
    let right = format!("{}/agent-right", ground.attacker);
    let consents = [
        ("agent-none", None),
        ("agent-empty", Some(String::new())),
        ("agent-star", Some("*".to_owned())),
        ("agent-part", Some(ground.attacker.clone())),
        ("agent-other", Some(right.clone())),
        ("agent-space", Some(format!("{}/agent-space ", ground.attacker))),
        ("agent-case", Some(format!("{}/AGENT-CASE", ground.attacker))),
        ("agent-right", Some(right.clone())),
    ];
    for (name, consent) in &consents {
        let consent = consent.iter().map(|value| ("contactops.dev/adoptable".to_owned(), value.clone()));
        ground.by_hand(name, UserPatch { tags: Some(consent.collect()), ..UserPatch::default() });
        ground.create(&ground.attacker, &ground.object(name, name, takeover())).await;
    }
    for (name, _) in consents.iter().filter(|(name, _)| *name != "agent-right") {
        let message = ground.told(&ground.attacker, name, "NotAllowed").await;
        let asked = format!("contactops.dev/adoptable={}/{name}", ground.attacker);
        assert!(message.contains(&asked), "{message}");
        assert_eq!(ground.user(name).unwrap().identity_info.email.as_deref(), Some("someone@example.com"));
    }
    ground.ready(&ground.attacker, "agent-right").await;
    let wrote = ground.stage.writes().into_iter().filter(|call| call.status == 200);
    assert!(wrote.map(|call| call.username).all(|name| name.as_deref() == Some("agent-right")));

    // By itself an object cannot say so: the key is refused.
    let mut object = ground.object("self", "self", takeover());
    for key in ["contactops.dev/adoptable", "ContactOps.dev/Adoptable", "CONTACTOPS.DEV/owner"] {
        object["spec"]["tags"] = json!({ key: right });
        let object = serde_json::from_value(object.clone()).unwrap();
        let error = ground.users(&ground.attacker).create(&Default::default(), &object).await.unwrap_err();
        assert!(error.to_string().contains("keys that begin with contactops.dev/ in any case"), "{error}");
    }
}
