//! Every documented constraint, and that a refused call changes nothing.

use crate::driver::Driver;
use connect_simulator::fixtures::{managed, saml};
use connect_simulator::{Mutation, Switches};
use serde_json::{Value, json};

fn refused(driver: &Driver, username: &str, with: &Value) {
    let before = driver.simulator.users(driver.instance).len();
    let (status, code, body) = driver.create(username, with);
    assert_eq!((status, code.as_str()), (400, "InvalidParameterException"), "{username} {with} {body}");
    assert!(body["Message"].as_str().is_some_and(|message| message.ends_with('.')), "{body}");
    assert_eq!(driver.simulator.users(driver.instance).len(), before);
}

#[test]
fn create_on_a_managed_instance() {
    let driver = Driver::plain();
    let identity = |first: &str, last: &str, email: &str| json!({ "IdentityInfo": { "FirstName": first, "LastName": last, "Email": email } });
    for username in ["", "x".repeat(21).as_str(), "a b", "a@example", "jöhn", "@", "a@b@c.example"] {
        refused(&driver, username, &Value::Null);
    }
    for password in
        ["Short1a", "alllower1", "ALLUPPER1", "NoDigitsHere", "With Space1", &format!("Aa1{}", "x".repeat(62))]
    {
        refused(&driver, "u", &json!({ "Password": password }));
    }
    refused(&driver, "u", &json!({ "Password": null }));
    for bad in [
        identity("", "Doe", "a@example.com"),
        identity("Jane", "", "a@example.com"),
        identity("Jane", "Doe", ""),
        identity("Jane", "Doe", "no-mail"),
        identity(&"x".repeat(256), "Doe", "a@example.com"),
        identity("Jane", &"x".repeat(257), "a@example.com"),
        identity("Rene\u{301}", "Doe", "a@example.com"),
        json!({ "IdentityInfo": null }),
        json!({ "IdentityInfo": { "FirstName": "J", "LastName": "D", "Email": "a@example.com", "Mobile": "030" } }),
        json!({ "IdentityInfo": { "FirstName": "J", "LastName": "D", "Email": "a@example.com", "SecondaryEmail": "x" } }),
        json!({ "IdentityInfo": { "FirstName": "J", "LastName": "D", "Email": "a@example.com", "Title": "Dr" } }),
    ] {
        refused(&driver, "u", &bad);
    }
    driver.user("twenty.characters.xx", &identity("René", &"x".repeat(256), "a@example.com"));
    driver.user("mail@example.com", &Value::Null);
}

#[test]
fn create_on_a_saml_instance() {
    let driver = Driver::saml(Switches::default());
    refused(&driver, "u", &json!({ "Password": "Passw0rdOfMine" }));
    refused(&driver, "u", &json!({ "IdentityInfo": { "FirstName": "J", "LastName": "D", "Email": "a@example.com" } }));
    refused(&driver, "u", &json!({ "IdentityInfo": { "FirstName": "J", "LastName": "x".repeat(301) } }));
    refused(&driver, "u", &json!({ "DirectoryUserId": "x" }));
    refused(&driver, &"x".repeat(65), &Value::Null);
    driver.user(&"x".repeat(64), &json!({ "IdentityInfo": { "FirstName": "J", "LastName": "x".repeat(300) } }));
}

#[test]
fn phone_channels_and_tags() {
    let driver = Driver::plain();
    let acw = |channel: &str, limit: Value| json!([{ "Channel": channel, "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": limit } }]);
    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    for bad in [
        json!({ "PhoneConfig": { "AfterContactWorkTimeLimit": 2_000_001 } }),
        json!({ "PhoneConfig": { "AfterContactWorkTimeLimit": -1 } }),
        json!({ "PhoneConfig": { "PhoneType": "DESK_PHONE" } }),
        json!({ "PhoneConfig": { "PhoneType": "DESK_PHONE", "DeskPhoneNumber": "" } }),
        json!({ "PhoneConfig": { "PhoneType": "HARD_PHONE" } }),
        json!({ "PhoneConfig": { "AutoAccept": "yes" } }),
        json!({ "AfterContactWorkConfigs": acw("CHAT", json!(2_000_001)) }),
        json!({ "AfterContactWorkConfigs": acw("SMS", json!(1)) }),
        json!({ "AfterContactWorkConfigs": [{ "Channel": "VOICE" }] }),
        json!({ "AfterContactWorkConfigs": [{ "Channel": "CHAT", "AfterContactWorkConfig": {}, "AgentFirstCallbackAfterContactWorkConfig": {} }] }),
        json!({ "AutoAcceptConfigs": [{ "Channel": "CHAT", "AutoAccept": true }, { "Channel": "CHAT", "AutoAccept": false }] }),
        json!({ "AutoAcceptConfigs": [{ "Channel": "TASK", "AutoAccept": true, "AgentFirstCallbackAutoAccept": true }] }),
        json!({ "AutoAcceptConfigs": [{ "Channel": "VOICE" }] }),
        json!({ "PhoneNumberConfigs": [{ "Channel": "CHAT", "PhoneType": "SOFT_PHONE" }] }),
        json!({ "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "DESK_PHONE" }] }),
        json!({ "PersistentConnectionConfigs": [{ "Channel": "EMAIL", "PersistentConnection": true }] }),
        json!({ "VoiceEnhancementConfigs": [{ "Channel": "CHAT", "VoiceEnhancementMode": "NONE" }] }),
        json!({ "PhoneConfig": { "AutoAccept": true }, "AutoAcceptConfigs": [] }),
        json!({ "PhoneConfig": { "AfterContactWorkTimeLimit": 1 }, "AfterContactWorkConfigs": acw("VOICE", json!(1)) }),
        json!({ "PhoneConfig": { "PhoneType": "SOFT_PHONE" }, "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "SOFT_PHONE" }] }),
        json!({ "PhoneConfig": { "PersistentConnection": true }, "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": true }] }),
        json!({ "Tags": {} }),
        json!({ "Tags": many }),
        json!({ "Tags": { "aws:x": "y" } }),
        json!({ "Tags": { "a#b": "y" } }),
        json!({ "Tags": { "k": "v".repeat(257) } }),
        json!({ "SecurityProfileIds": [] }),
        json!({ "SecurityProfileIds": [managed::SECURITY_AGENT, managed::SECURITY_AGENT] }),
        json!({ "RoutingProfileId": null }),
        json!({ "Nickname": "JD" }),
    ] {
        refused(&driver, "u", &bad);
    }
    for missing in [
        json!({ "SecurityProfileIds": [saml::SECURITY_AGENT] }),
        json!({ "RoutingProfileId": saml::ROUTING_BASIC }),
        json!({ "RoutingProfileId": format!("{}/security-profile/{}", managed::ARN, managed::SECURITY_AGENT) }),
        json!({ "HierarchyGroupId": saml::GROUP_EMEA }),
    ] {
        let (status, code, _) = driver.create("u", &missing);
        assert_eq!((status, code.as_str()), (404, "ResourceNotFoundException"), "{missing}");
    }
    driver.user(
        "u",
        &json!({ "AfterContactWorkConfigs": acw("CHAT", json!(2_000_000)), "PhoneConfig": { "AutoAccept": true } }),
    );
}

#[test]
fn duplicates_and_the_quota() {
    let driver = Driver::plain();
    driver.user("jane", &Value::Null);
    let (status, code, body) = driver.create("JANE", &Value::Null);
    assert_eq!((status, code.as_str()), (409, "DuplicateResourceException"));
    assert!(body["Message"].as_str().unwrap().contains("already associated"), "{body}");
    driver.simulator.mutate(Mutation::SetUsersQuota { instance_id: managed::ID.into(), quota: 1 }).unwrap();
    let (status, code, _) = driver.create("john", &Value::Null);
    assert_eq!((status, code.as_str()), (429, "LimitExceededException"));
    let jane = driver.simulator.user_by_name(managed::ID, "jane").unwrap();
    assert_eq!(driver.on("DELETE", &format!("/users/{{}}/{}", jane.id), &Value::Null).0, 200);
    driver.user("JANE", &Value::Null);
}

#[test]
fn proficiencies_and_tags_of_a_user() {
    let driver = Driver::plain();
    let values: Vec<_> = (0..11).map(|n| format!("v{n}")).collect();
    let set = Mutation::SetPredefinedAttribute { instance_id: managed::ID.into(), name: "Many".into(), values };
    driver.simulator.mutate(set).unwrap();
    let user = driver.user("u", &json!({ "Tags": { "k": "v" } }));
    let many = |n: usize| {
        (0..n)
            .map(|n| json!({ "AttributeName": "Many", "AttributeValue": format!("v{n}"), "Level": 1.0 }))
            .collect::<Vec<_>>()
    };
    let associate =
        |list: Vec<Value>| driver.update(&user, "associate-proficiencies", &json!({ "UserProficiencies": list })).0;
    let one = |level: f64| vec![json!({ "AttributeName": "Language", "AttributeValue": "German", "Level": level })];
    assert_eq!(
        [associate(one(0.0)), associate(one(6.0)), associate(one(2.5)), associate(vec![]), associate(many(11))],
        [400; 5]
    );
    assert_eq!([associate(many(10)), associate(one(1.0))], [200, 400]);
    let twice = driver.update(&user, "proficiencies", &json!({ "UserProficiencies": [many(1)[0], many(1)[0]] }));
    assert_eq!(twice.0, 400);
    let gone = json!({ "UserProficiencies": [{ "AttributeName": "Language", "AttributeValue": "German" }] });
    assert_eq!(driver.update(&user, "disassociate-proficiencies", &gone).0, 400);
    let path = driver.tags_path(&user);
    let tags: serde_json::Map<_, _> = (0..49).map(|n| (format!("k{n}"), json!("v"))).collect();
    assert_eq!(driver.call("POST", &path, &json!({ "tags": tags })).0, 200);
    assert_eq!(driver.call("POST", &path, &json!({ "tags": { "one": "more" } })).0, 400);
    assert_eq!(driver.call("POST", &path, &json!({ "tags": {} })).0, 400);
    assert_eq!(driver.call("DELETE", &path, &Value::Null).0, 400);
    assert_eq!(driver.call("DELETE", &format!("{path}?tagKeys=k&tagKeys=k1"), &Value::Null).0, 200);
    assert_eq!(driver.describe(&user)["Tags"].as_object().unwrap().len(), 48);
}
