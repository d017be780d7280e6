//! Changes out of band, and the table of LastModifiedTime.

use crate::driver::Driver;
use connect_simulator::fixtures::managed;
use connect_simulator::user::{Proficiency, QuickConnectConfig};
use connect_simulator::{Mutation, UserPatch};
use serde_json::{Value, json};

fn id() -> String {
    managed::ID.to_owned()
}

#[test]
fn what_moves_last_modified_time() {
    let driver = Driver::plain();
    let user = driver.user("jane", &Value::Null);
    let time = || driver.describe(&user)["LastModifiedTime"].as_f64().unwrap();
    let identity = json!({ "IdentityInfo": { "FirstName": "J", "LastName": "D", "Email": "j@example.com" } });
    for (what, body) in [
        ("identity-info", identity),
        ("phone-config", json!({ "PhoneConfig": {} })),
        ("config", json!({})),
        ("routing-profile", json!({ "RoutingProfileId": managed::ROUTING_BASIC })),
        ("security-profiles", json!({ "SecurityProfileIds": [managed::SECURITY_AGENT] })),
        ("hierarchy", json!({})),
    ] {
        let before = time();
        let answer = driver.update(&user, what, &body);
        assert_eq!(answer.0, 200, "{what} {answer:?}");
        // The clock stands still, and yet the time moves, by a millisecond.
        assert!(time() > before, "{what}");
    }
    let before = time();
    let proficiencies = || {
        driver.on("GET", &format!("/users/{{}}/{user}/proficiencies"), &Value::Null).2["LastModifiedTime"]
            .as_f64()
            .unwrap()
    };
    let own = proficiencies();
    let german =
        json!({ "UserProficiencies": [{ "AttributeName": "Language", "AttributeValue": "German", "Level": 1 }] });
    assert_eq!(driver.update(&user, "associate-proficiencies", &german).0, 200);
    assert_eq!(driver.call("POST", &driver.tags_path(&user), &json!({ "tags": { "k": "v" } })).0, 200);
    assert_eq!(time(), before);
    assert!(proficiencies() > own);
    driver.simulator.mutate(Mutation::TouchUser { instance_id: id(), user: "jane".into() }).unwrap();
    assert!(time() > before);
}

#[test]
fn a_person_in_the_console() {
    let driver = Driver::plain();
    let simulator = &driver.simulator;
    let user = driver.user("jane", &Value::Null);
    let set = UserPatch {
        username: Some("janet".into()),
        tags: Some([("k".to_owned(), "v".to_owned())].into()),
        user_proficiencies: Some(vec![Proficiency {
            attribute_name: "Language".into(),
            attribute_value: "German".into(),
            level: 2.0,
        }]),
        hierarchy_group_id: Some(managed::GROUP_APAC.into()),
        ..UserPatch::default()
    };
    assert_eq!(
        simulator.mutate(Mutation::UpdateUser { instance_id: id(), user: "jane".into(), set: Box::new(set) }),
        Ok(user.clone())
    );
    assert!(simulator.user_by_name(managed::ID, "jane").is_none());
    let renamed = simulator.user_by_name(managed::ID, "JANET").unwrap();
    assert_eq!((renamed.id.as_str(), renamed.user_proficiencies.len(), renamed.tags.len()), (user.as_str(), 1, 1));
    let clear = UserPatch { hierarchy_group_id: Some(String::new()), ..UserPatch::default() };
    simulator.mutate(Mutation::UpdateUser { instance_id: id(), user: user.clone(), set: Box::new(clear) }).unwrap();
    assert_eq!(driver.describe(&user).get("HierarchyGroupId"), None);
    driver.user("jane", &Value::Null);
    simulator.mutate(Mutation::DeleteUser { instance_id: id(), user: "janet".into() }).unwrap();
    assert_eq!(driver.on("GET", &format!("/users/{{}}/{user}"), &Value::Null).0, 404);
    assert!(simulator.mutate(Mutation::DeleteUser { instance_id: id(), user: "janet".into() }).is_err());
}

#[test]
fn the_catalogue() {
    let driver = Driver::plain();
    let simulator = &driver.simulator;
    let profile = simulator.mutate(Mutation::AddRoutingProfile { instance_id: id(), name: "New".into() }).unwrap();
    driver.user("jane", &json!({ "RoutingProfileId": profile }));
    simulator.mutate(Mutation::Rename { instance_id: id(), id: profile.clone(), name: "Newer".into() }).unwrap();
    let described = driver.on("GET", &format!("/routing-profiles/{{}}/{profile}"), &Value::Null).2;
    assert_eq!(
        (&described["RoutingProfile"]["Name"], &described["RoutingProfile"]["NumberOfAssociatedUsers"]),
        (&json!("Newer"), &json!(1))
    );
    simulator.mutate(Mutation::Delete { instance_id: id(), id: profile.clone() }).unwrap();
    assert_eq!(driver.create("john", &json!({ "RoutingProfileId": profile })).0, 404);
    let parent_id = Some(managed::GROUP_APAC_SUPPORT.to_owned());
    let group =
        simulator.mutate(Mutation::AddHierarchyGroup { instance_id: id(), name: "Night".into(), parent_id }).unwrap();
    let described = driver.on("GET", &format!("/user-hierarchy-groups/{{}}/{group}"), &Value::Null).2;
    assert_eq!(described["HierarchyGroup"]["HierarchyPath"]["LevelOne"]["Name"], "APAC");
    let security =
        simulator.mutate(Mutation::AddSecurityProfile { instance_id: id(), name: "Auditor".into() }).unwrap();
    driver.user("john", &json!({ "SecurityProfileIds": [security, managed::SECURITY_AGENT] }));
    let config = QuickConnectConfig::user("someone", managed::CONTACT_FLOW);
    simulator.mutate(Mutation::AddQuickConnect { instance_id: id(), name: "Q".into(), config }).unwrap();
    let quick = driver.on("GET", "/quick-connects/{}?QuickConnectTypes=USER", &Value::Null).2;
    assert_eq!(quick["QuickConnectSummaryList"].as_array().unwrap().len(), 2);
    simulator.mutate(Mutation::DeleteInstance { instance_id: id() }).unwrap();
    assert_eq!(driver.on("GET", "/instance/{}", &Value::Null).0, 404);
}
