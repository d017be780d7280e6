//! Every read: what is asked, and what is made of the answer.

use serde_json::json;

use super::*;
use crate::connect::IdentityManagement;
use crate::resource::channel::{Channel, PhoneType};
use crate::user::identity::Identity;
use crate::user::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId};
use crate::user::settings::{PhoneConfig, Slot, Value};

fn answering(body: &Json) -> Recorder {
    Recorder::answering([Canned::ok(&body.to_string())])
}

async fn described(user_json: Json) -> ObservedUser {
    let recorder = answering(&json!({ "User": user_json }));
    let observed = recorder.connect().describe_user(&instance(), &user()).await.unwrap();
    assert_eq!((recorder.only().method.as_str(), recorder.only().path()), ("GET", "/users/i-1/u-1"));
    observed
}

#[tokio::test]
async fn a_described_user_is_read_whole() {
    let observed = described(json!({
        "Id": "u-1", "Arn": USER_ARN, "Username": "jane",
        "IdentityInfo": { "FirstName": "Jane", "LastName": "", "SecondaryEmail": "j@example.org" },
        "PhoneConfig": {
            "PhoneType": "DESK_PHONE", "AutoAccept": true, "AfterContactWorkTimeLimit": 30,
            "DeskPhoneNumber": "+15550100", "PersistentConnection": true,
        },
        "SecurityProfileIds": ["sp2", "arn:aws:connect:eu-west-1:111122223333:instance/i-1/security-profile/sp1"],
        "RoutingProfileId": "rp", "HierarchyGroupId": "g", "DirectoryUserId": "d",
        "Tags": { "a": "1" },
        "AutoAcceptConfigs": [{ "Channel": "VOICE", "AutoAccept": true, "AgentFirstCallbackAutoAccept": false }],
        "AfterContactWorkConfigs": [
            { "Channel": "VOICE", "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 30 },
              "AgentFirstCallbackAfterContactWorkConfig": {} },
            { "Channel": "CHAT", "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": 30 } },
        ],
        "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "DESK_PHONE", "PhoneNumber": "+15550100" }],
        "PersistentConnectionConfigs": [{ "Channel": "VOICE", "PersistentConnection": true }],
        "VoiceEnhancementConfigs": [{ "Channel": "VOICE", "VoiceEnhancementMode": "NONE" }],
        "LastModifiedTime": 1_767_225_600.25, "LastModifiedRegion": "eu-west-1", "SomethingNew": [1],
    }))
    .await;
    let (voice, yes) = (Channel::Voice, Value::Flag(true));
    assert_eq!(
        observed,
        ObservedUser {
            id: user(),
            arn: USER_ARN.to_owned(),
            username: Username::new("jane"),
            identity: Identity {
                first_name: Some("Jane".to_owned()),
                secondary_email: Some("j@example.org".to_owned()),
                ..Identity::default()
            },
            directory_user_id: Some("d".to_owned()),
            routing_profile: Some(RoutingProfileId::new("rp")),
            security_profiles: [SecurityProfileId::new("sp1"), SecurityProfileId::new("sp2")].into(),
            hierarchy_group: Some(HierarchyGroupId::new("g")),
            phone_config: PhoneConfig {
                phone_type: Some(PhoneType::DeskPhone),
                auto_accept: Some(true),
                after_contact_work_time_limit: Some(30),
                desk_phone_number: Some("+15550100".to_owned()),
                persistent_connection: Some(true),
            },
            lists: [
                (Slot::AutoAccept(voice), yes.clone()),
                (Slot::FirstCallbackAutoAccept(voice), Value::Flag(false)),
                (Slot::AfterContactWork(voice), Value::Seconds(30)),
                (Slot::FirstCallbackAfterContactWork(voice), Value::Seconds(0)),
                (Slot::AfterContactWork(Channel::Chat), Value::Seconds(30)),
                (Slot::PhoneType(voice), Value::Phone(PhoneType::DeskPhone)),
                (Slot::PhoneNumber(voice), Value::Number("+15550100".to_owned())),
                (Slot::PersistentConnection(voice), yes),
                (Slot::VoiceEnhancement(voice), Slot::VoiceEnhancement(voice).neutral()),
            ]
            .into_iter()
            .collect(),
            tags: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
            last_modified_time: Some("2026-01-01T00:00:00.250Z".to_owned()),
            proficiencies: None,
        }
    );
}

#[tokio::test]
async fn empty_texts_and_unknown_words_stand_for_nothing() {
    let observed = described(json!({
        "Id": "u-1", "Username": "jane", "HierarchyGroupId": "", "DirectoryUserId": "", "Tags": {},
        "PhoneConfig": { "PhoneType": "HOLOGRAM", "DeskPhoneNumber": "" },
        "AutoAcceptConfigs": [{ "Channel": "TELEPATHY", "AutoAccept": true }],
        "PhoneNumberConfigs": [{ "Channel": "VOICE", "PhoneType": "HOLOGRAM", "PhoneNumber": "" }],
        "VoiceEnhancementConfigs": [{ "Channel": "VOICE", "VoiceEnhancementMode": "AUTOTUNE" }],
    }))
    .await;
    assert_eq!(observed.arn, USER_ARN);
    assert_eq!((observed.hierarchy_group, observed.directory_user_id, observed.routing_profile), (None, None, None));
    assert!(observed.tags.is_empty() && observed.lists.is_empty());
    assert_eq!(observed.last_modified_time, None);
    let off =
        PhoneConfig { auto_accept: Some(false), after_contact_work_time_limit: Some(0), ..PhoneConfig::default() };
    assert_eq!(observed.phone_config, off);
}

#[tokio::test]
async fn no_phone_config_says_nothing_and_times_have_three_digits() {
    for (time, text) in [
        (json!(1_767_225_600), "2026-01-01T00:00:00.000Z"),
        (json!(1_767_225_600.123), "2026-01-01T00:00:00.123Z"),
        (json!(1_767_225_599.999_6), "2026-01-01T00:00:00.000Z"),
    ] {
        let observed = described(json!({ "Id": "u-1", "Username": "jane", "LastModifiedTime": time })).await;
        assert_eq!(observed.last_modified_time.as_deref(), Some(text));
        assert_eq!(observed.phone_config, PhoneConfig::default());
    }
}

#[tokio::test]
async fn an_answer_without_what_was_asked_for_is_no_answer() {
    for body in [
        json!({}),
        json!({ "User": {} }),
        json!({ "User": { "Id": "u-1" } }),
        json!({ "User": { "Username": "jane" } }),
    ] {
        let error = answering(&body).connect().describe_user(&instance(), &user()).await.unwrap_err();
        assert_eq!(
            (error.kind, error.code.as_str(), error.operation),
            (Kind::Unavailable, "MalformedAnswer", "DescribeUser")
        );
    }
    let body = json!({ "UserSummaryList": [{ "Id": "u-1" }] });
    let error = answering(&body).connect().list_users(&instance(), None).await.unwrap_err();
    assert_eq!(error.code, "MalformedAnswer");
    let error = answering(&json!({})).connect().describe_instance(&instance()).await.unwrap_err();
    assert_eq!(error.code, "MalformedAnswer");
}

#[tokio::test]
async fn proficiencies_are_whole_numbers() {
    let recorder = answering(&json!({
        "UserProficiencyList": [{ "AttributeName": "lang", "AttributeValue": "de", "Level": 3.0 }],
        "NextToken": "n+/=",
    }));
    let page = recorder.connect().list_user_proficiencies(&instance(), &user(), Some("t+/=".to_owned())).await.unwrap();
    let key = ProficiencyKey { attribute_name: "lang".to_owned(), attribute_value: "de".to_owned() };
    assert_eq!(page, Page { items: vec![(key, 3)], next: Some("n+/=".to_owned()) });
    assert_eq!(recorder.only().path(), "/users/i-1/u-1/proficiencies?nextToken=t%2B%2F%3D&maxResults=100");
}

/// SearchUsers tells limits in milliseconds, DescribeUser in seconds.
#[tokio::test]
async fn a_user_in_the_index_has_the_limits_that_it_has_when_it_is_described() {
    let user_json = |limit: i32| {
        json!({
            "Id": "u-1", "Arn": USER_ARN, "Username": "jane",
            "PhoneConfig": { "PhoneType": "SOFT_PHONE", "AutoAccept": true, "AfterContactWorkTimeLimit": limit },
            "AfterContactWorkConfigs": [
                { "Channel": "VOICE", "AfterContactWorkConfig": { "AfterContactWorkTimeLimit": limit },
                  "AgentFirstCallbackAfterContactWorkConfig": { "AfterContactWorkTimeLimit": limit } },
            ],
        })
    };
    let recorder = answering(&json!({ "Users": [user_json(30_000)] }));
    let page = recorder.connect().search_users(&instance(), None).await.unwrap();
    let described = described(user_json(30)).await;
    assert_eq!(described.phone_config.after_contact_work_time_limit, Some(30));
    assert_eq!(page.items, [described]);
}

#[tokio::test]
async fn a_username_is_searched_exactly() {
    let recorder = answering(&json!({ "Users": [{ "Id": "u-1", "Username": "Jane" }], "NextToken": "more" }));
    let found = recorder.connect().search_username(&instance(), &Username::new("jane")).await.unwrap();
    assert_eq!(found, [ListedUser { id: user(), username: Username::new("Jane"), last_modified_time: None }]);
    let seen = recorder.only();
    assert_eq!((seen.method.as_str(), seen.path()), ("POST", "/search-users"));
    assert_eq!(
        seen.json(),
        json!({
            "InstanceId": "i-1", "MaxResults": 100,
            "SearchCriteria": { "StringCondition": { "FieldName": "Username", "Value": "jane", "ComparisonType": "EXACT" } },
        })
    );
}

#[tokio::test]
async fn a_tag_is_searched_with_its_value() {
    let recorder = answering(&json!({ "Users": [{ "Id": "u-1", "Username": "Jane" }] }));
    let found = recorder.connect().search_tag(&instance(), "k", "a/b").await.unwrap();
    assert_eq!(found, [ListedUser { id: user(), username: Username::new("Jane"), last_modified_time: None }]);
    let filter = json!({ "TagFilter": { "TagCondition": { "TagKey": "k", "TagValue": "a/b" } } });
    assert_eq!(recorder.only().json(), json!({ "InstanceId": "i-1", "MaxResults": 100, "SearchFilter": filter }));
}

#[tokio::test]
async fn listings_ask_for_the_largest_page() {
    let summary = json!([{ "Id": "x", "Name": "X" }, { "Id": "nameless" }]);
    let recorder = answering(&json!({
        "UserSummaryList": [{ "Id": "u-1", "Username": "jane", "LastModifiedTime": 1_767_225_600 }],
        "RoutingProfileSummaryList": summary, "SecurityProfileSummaryList": summary, "NextToken": "",
    }));
    let (connect, instance) = (recorder.connect(), instance());
    let users = connect.list_users(&instance, None).await.unwrap();
    let changed = Some("2026-01-01T00:00:00.000Z".to_owned());
    let jane = ListedUser { id: user(), username: Username::new("jane"), last_modified_time: changed };
    assert_eq!(users, Page { items: vec![jane], next: None });
    let profiles = Page { items: vec![Named { id: "x".to_owned(), name: "X".to_owned() }], next: None };
    assert_eq!(connect.list_routing_profiles(&instance, Some("t".to_owned())).await.unwrap(), profiles);
    assert_eq!(connect.list_security_profiles(&instance, None).await.unwrap(), profiles);
    let all = recorder.all();
    let paths: Vec<_> = all.iter().map(Seen::path).collect();
    assert_eq!(
        paths,
        [
            "/users-summary/i-1?maxResults=1000",
            "/routing-profiles-summary/i-1?nextToken=t&maxResults=1000",
            "/security-profiles-summary/i-1?maxResults=1000",
        ]
    );
}

#[tokio::test]
async fn a_group_has_its_whole_path_and_the_root_is_none() {
    let step = |id: &str| json!({ "Id": id, "Name": id.to_uppercase() });
    let recorder = answering(&json!({ "UserHierarchyGroups": [
        { "Id": "root", "Name": "Root", "LevelId": "0", "HierarchyPath": { "LevelOne": step("a") } },
        { "Id": "bare", "Name": "Bare" },
        { "Id": "a", "Name": "A", "LevelId": "1", "HierarchyPath": { "LevelOne": step("a") } },
        { "Id": "b", "Name": "B", "LevelId": "2", "HierarchyPath": { "LevelOne": step("a"), "LevelTwo": step("b") } },
        { "Id": "c", "Name": "C", "LevelId": "3", "HierarchyPath": { "LevelOne": step("a"), "LevelTwo": step("b") } },
        { "Id": "d", "Name": "D", "LevelId": "1", "HierarchyPath": {} },
    ] }));
    let page = recorder.connect().search_hierarchy_groups(&instance(), None).await.unwrap();
    let paths: Vec<_> = page.items.iter().map(|group| (group.id.as_str(), group.path.join("/"))).collect();
    assert_eq!(
        paths,
        [("a", "A".to_owned()), ("b", "A/B".to_owned()), ("c", "A/B/C".to_owned()), ("d", "D".to_owned())]
    );
    assert_eq!(recorder.only().path(), "/search-user-hierarchy-groups");
    assert_eq!(recorder.only().json(), json!({ "InstanceId": "i-1", "MaxResults": 100 }));
}

#[tokio::test]
async fn who_keeps_passwords_is_known_or_not() {
    for (word, kind) in [
        ("SAML", Some(IdentityManagement::Saml)),
        ("CONNECT_MANAGED", Some(IdentityManagement::ConnectManaged)),
        ("EXISTING_DIRECTORY", Some(IdentityManagement::ExistingDirectory)),
        ("ORACLE", None),
    ] {
        let recorder = answering(&json!({ "Instance": { "Id": "i-1", "IdentityManagementType": word } }));
        let info = recorder.connect().describe_instance(&instance()).await.unwrap();
        assert_eq!(info, InstanceInfo { identity_management: kind });
        assert_eq!(recorder.only().path(), "/instance/i-1");
    }
}
