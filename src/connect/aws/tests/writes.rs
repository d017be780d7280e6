//! Every write, to the letter; phone settings and lists are in `settings`.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::plan::call::NewUser;
use crate::resource::channel::Channel;
use crate::user::identity::Identity;
use crate::user::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId};
use crate::user::password::Password;
use crate::user::settings::{PhoneConfig, Settings, Slot, Value};

/// What a call sends: one request, with the length that it says.
pub(super) async fn sent(call: &Call) -> Seen {
    let recorder = Recorder::answering([Canned::ok(r#"{"UserId":"u-1"}"#)]);
    recorder.connect().write(&instance(), Some(&user()), call).await.unwrap();
    let seen = recorder.only();
    if !seen.body.is_empty() {
        assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
        assert_eq!(seen.headers["content-type"], "application/json");
    }
    seen
}

/// The body that makes a user.
pub(super) async fn created(change: impl FnOnce(&mut NewUser)) -> Json {
    let mut user = new_user();
    change(&mut user);
    sent(&Call::CreateUser(Box::new(user))).await.json()
}

/// A user of whom only the least was said.
pub(super) fn new_user() -> NewUser {
    NewUser {
        username: Username::new("jane"),
        password: None,
        directory_user_id: None,
        identity: Identity::default(),
        routing_profile: RoutingProfileId::new("rp"),
        security_profiles: BTreeSet::from([SecurityProfileId::new("sp2"), SecurityProfileId::new("sp1")]),
        hierarchy_group: None,
        phone_config: PhoneConfig::default(),
        lists: Settings::default(),
        tags: BTreeMap::new(),
    }
}

fn key(name: &str, value: &str) -> ProficiencyKey {
    ProficiencyKey { attribute_name: name.to_owned(), attribute_value: value.to_owned() }
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn the_smallest_user_has_no_empty_members() {
    let body = created(|_| {}).await;
    assert_eq!(body, json!({ "Username": "jane", "RoutingProfileId": "rp", "SecurityProfileIds": ["sp1", "sp2"] }));
}

#[tokio::test]
async fn a_whole_user_is_sent_whole() {
    let call = Call::CreateUser(Box::new(NewUser {
        password: Some(Password::new("Sentinel-1".to_owned())),
        directory_user_id: Some("d-1".to_owned()),
        identity: Identity {
            first_name: Some("Jane".to_owned()),
            email: Some("jane@example.com".to_owned()),
            ..Identity::default()
        },
        hierarchy_group: Some(HierarchyGroupId::new("g")),
        phone_config: PhoneConfig { persistent_connection: Some(false), ..PhoneConfig::default() },
        lists: [(Slot::AutoAccept(Channel::Chat), Value::Flag(false))].into_iter().collect(),
        tags: texts(&[("a", "1")]),
        ..new_user()
    }));
    let seen = sent(&call).await;
    assert_eq!((seen.method.as_str(), seen.path()), ("PUT", "/users/i-1"));
    assert_eq!(
        seen.json(),
        json!({
            "Username": "jane", "Password": "Sentinel-1", "DirectoryUserId": "d-1",
            "IdentityInfo": { "FirstName": "Jane", "Email": "jane@example.com" },
            "RoutingProfileId": "rp", "SecurityProfileIds": ["sp1", "sp2"], "HierarchyGroupId": "g",
            "PhoneConfig": { "PhoneType": "SOFT_PHONE", "PersistentConnection": false },
            "AutoAcceptConfigs": [{ "Channel": "CHAT", "AutoAccept": false }],
            "Tags": { "a": "1" },
        })
    );
}

#[tokio::test]
async fn a_create_without_an_arn_in_its_answer_still_tells_one() {
    for (answer, arn) in [
        (r#"{"UserId":"u-1"}"#, USER_ARN),
        (
            r#"{"UserId":"u-1","UserArn":"arn:aws:connect:eu-west-1:1:instance/other/agent/u-1"}"#,
            "arn:aws:connect:eu-west-1:1:instance/other/agent/u-1",
        ),
    ] {
        let recorder = Recorder::answering([Canned::ok(answer)]);
        let call = Call::CreateUser(Box::new(new_user()));
        let written = recorder.connect().write(&instance(), None, &call).await.unwrap();
        assert_eq!(written, Written::Created { id: user(), arn: arn.to_owned() });
    }
}

#[tokio::test]
async fn the_other_writes_are_what_they_say() {
    let identity =
        Identity { last_name: Some("Doe".to_owned()), mobile: Some("+15550100".to_owned()), ..Identity::default() };
    let levels = BTreeMap::from([(key("lang", "de"), 3)]);
    let level = json!({ "UserProficiencies": [{ "AttributeName": "lang", "AttributeValue": "de", "Level": 3.0 }] });
    for (call, path, body) in [
        (
            Call::UpdateUserIdentityInfo { identity },
            "identity-info",
            json!({ "IdentityInfo": { "LastName": "Doe", "Mobile": "+15550100" } }),
        ),
        (
            Call::UpdateUserSecurityProfiles { security_profiles: [SecurityProfileId::new("sp1")].into() },
            "security-profiles",
            json!({ "SecurityProfileIds": ["sp1"] }),
        ),
        (
            Call::UpdateUserRoutingProfile { routing_profile: RoutingProfileId::new("rp") },
            "routing-profile",
            json!({ "RoutingProfileId": "rp" }),
        ),
        (
            Call::UpdateUserHierarchy { hierarchy_group: Some(HierarchyGroupId::new("g")) },
            "hierarchy",
            json!({ "HierarchyGroupId": "g" }),
        ),
        (Call::UpdateUserHierarchy { hierarchy_group: None }, "hierarchy", json!({})),
        (
            Call::DisassociateUserProficiencies { keys: [key("lang", "de")].into() },
            "disassociate-proficiencies",
            json!({ "UserProficiencies": [{ "AttributeName": "lang", "AttributeValue": "de" }] }),
        ),
        (Call::UpdateUserProficiencies { levels: levels.clone() }, "proficiencies", level.clone()),
        (Call::AssociateUserProficiencies { levels }, "associate-proficiencies", level),
    ] {
        let seen = sent(&call).await;
        assert_eq!((seen.method.as_str(), seen.path()), ("POST", format!("/users/i-1/u-1/{path}").as_str()));
        assert_eq!(seen.json(), body, "{call}");
    }
}

#[tokio::test]
async fn tags_go_to_the_arn_of_the_user() {
    let encoded = USER_ARN.replace(':', "%3A").replace('/', "%2F");
    let seen = sent(&Call::TagResource { tags: texts(&[("a", "1"), ("empty", "")]) }).await;
    assert_eq!((seen.method.as_str(), seen.path()), ("POST", format!("/tags/{encoded}").as_str()));
    assert_eq!(seen.json(), json!({ "tags": { "a": "1", "empty": "" } }));

    let keys = ["a b".to_owned(), "c/d".to_owned()].into();
    let seen = sent(&Call::UntagResource { keys }).await;
    assert_eq!(seen.method, "DELETE");
    assert_eq!(seen.path(), format!("/tags/{encoded}?tagKeys=a%20b&tagKeys=c%2Fd"));
}

#[tokio::test]
async fn a_delete_is_a_delete() {
    let seen = sent(&Call::DeleteUser).await;
    assert_eq!((seen.method.as_str(), seen.path(), seen.body.as_str()), ("DELETE", "/users/i-1/u-1", ""));
}

#[tokio::test]
async fn nothing_is_sent_for_nobody() {
    let recorder = Recorder::default();
    let error = recorder.connect().write(&instance(), None, &Call::DeleteUser).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (Kind::Invalid, "NotSent"));
    assert!(recorder.all().is_empty());
}
