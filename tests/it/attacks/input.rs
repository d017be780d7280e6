//! Hostile strings in every field, names that look like another's, and objects without measure: what admission refuses,
//! and that what it lets in alters neither path nor header nor the meaning of a request.

use std::collections::{BTreeMap, BTreeSet};

use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::user::ConnectUser;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use kube::core::ApiResource;
use serde_json::{Value, json};

use crate::support::{Stage, condition, managed};

const HOSTILE: [&str; 8] = [
    "a\r\nX-Evil: 1",
    "../../users",
    "..%2f..%2fusers",
    "a\u{0}b",
    "a/./b?c=d&e#f;g",
    "\u{202e}txt.exe",
    "{\"Password\":\"x\"}",
    "${jndi:ldap://x}`$(id)`",
];

/// Two objects that have every string field between them.
fn bases() -> [Value; 2] {
    let arn = |kind: &str, id: &str| format!("{}/{kind}/{id}", m::ARN);
    let mut names = managed("x", "x");
    let spec = names["spec"].as_object_mut().unwrap();
    spec.remove("routingProfileArn");
    spec.remove("securityProfileArns");
    spec.extend(
        json!({
            "routingProfileName": "Basic Routing Profile",
            "securityProfileNames": ["Agent"],
            "hierarchyGroupPath": ["EMEA", "Support"],
            "phoneNumberConfigs": [{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": "+493012345678" }],
            "userProficiencies": [{ "attributeName": "Language", "attributeValue": "German", "level": 3 }],
            "directoryUserId": "d",
            "tags": { "team": "x" },
            "identityInfo": {
                "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com",
                "secondaryEmail": "jane@example.org", "mobile": "+4915112345678",
            },
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let mut arns = managed("x", "x");
    arns["spec"]["hierarchyGroupArn"] = json!(arn("agent-group", m::GROUP_EMEA));
    arns["spec"]["phoneConfig"] = json!({ "phoneType": "DESK_PHONE", "deskPhoneNumber": "+493012345678" });
    [names, arns]
}

/// JSON pointers of all strings.
fn strings(path: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(_) => drop(found.insert(path.to_owned())),
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| strings(&format!("{path}/{key}"), value, found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| strings(&format!("{path}/{at}"), value, found));
        }
        _ => {}
    }
}

/// The fields that are free text for Connect too, or looked up by it; every other string has a form of its own.
const FREE: [&str; 10] = [
    "/directoryUserId",
    "/hierarchyGroupPath/0",
    "/hierarchyGroupPath/1",
    "/identityInfo/firstName",
    "/identityInfo/lastName",
    "/routingProfileName",
    "/securityProfileNames/0",
    "/tags/team",
    "/userProficiencies/0/attributeName",
    "/userProficiencies/0/attributeValue",
];

fn raw(stage: &Stage) -> Api<DynamicObject> {
    Api::namespaced_with(stage.client.clone(), &stage.namespace, &ApiResource::erase::<ConnectUser>(&()))
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_strings_end_at_admission_or_arrive_as_nothing_but_text() {
    let stage = Stage::new("attack-strings").await;
    let (api, dry_run) = (raw(&stage), PostParams { dry_run: true, ..PostParams::default() });
    let mut accepted: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for base in bases() {
        let mut fields = BTreeSet::new();
        strings("", &base["spec"], &mut fields);
        for field in fields {
            for text in HOSTILE {
                let mut object = base.clone();
                *object["spec"].pointer_mut(&field).unwrap() = json!(text);
                let tried = serde_json::from_value(object.clone()).unwrap();
                match api.create(&dry_run, &tried).await {
                    Ok(_) => accepted.entry(field.clone()).or_default().push(object),
                    Err(kube::Error::Api(status)) => assert_eq!(status.code, 422, "{field} {text:?}: {status:?}"),
                    Err(error) => panic!("{field} {text:?}: {error}"),
                }
            }
        }
    }
    assert_eq!(accepted.keys().map(String::as_str).collect::<Vec<_>>(), FREE);

    let mut made = Vec::new();
    for (field, objects) in &accepted {
        for object in objects {
            let name = format!("agent-{}", made.len());
            let mut object = object.clone();
            object["metadata"]["name"] = json!(name);
            object["spec"]["username"] = json!(name);
            if field != "/directoryUserId" {
                // No managed instance takes it, and then nothing else would be tried.
                object["spec"].as_object_mut().unwrap().remove("directoryUserId");
            }
            stage.create(&object).await;
            made.push((name, field, object["spec"].pointer(field).unwrap().clone()));
        }
    }
    for (name, field, text) in &made {
        let settled = stage
            .until(name, "judged", |object| condition(object).is_some_and(|(_, reason)| reason != "Creating"))
            .await;
        let (_, reason) = condition(&settled).unwrap();
        let known = ["InSync", "ReferenceNotFound", "InvalidSpec", "Updating"];
        assert!(known.contains(&reason), "{field} {text}: {reason}");
    }

    let calls = stage.calls();
    for call in &calls {
        assert!(!call.operation.is_empty(), "a path that is no operation: {call:?}");
        assert_eq!(call.instance_id.as_deref(), Some(m::ID), "{call:?}");
        assert_eq!(call.user_agent, calls[0].user_agent);
        assert_eq!(call.access_key, "AKIAEXAMPLE");
        assert!(call.query.is_empty() || call.query.starts_with("maxResults="), "{call:?}");
    }
    // What was let in arrives letter by letter.
    for (name, field, text) in &made {
        let place = match field.as_str() {
            "/identityInfo/firstName" => "/IdentityInfo/FirstName",
            "/identityInfo/lastName" => "/IdentityInfo/LastName",
            "/tags/team" => "/Tags/team",
            _ => continue,
        };
        let sent = calls.iter().find(|call| call.operation == "CreateUser" && call.username.as_ref() == Some(name));
        assert_eq!(sent.unwrap().body.pointer(place), Some(text), "{field}");
    }
    let log = stage.operator_log();
    assert!(log.contains("agent-0"), "the log is a log");
    let forged = log.lines().find(|line| line.starts_with("X-Evil") || line.contains('\0'));
    assert_eq!(forged, None, "a value may not make a line of the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_key_goes_into_a_query_as_the_key_that_it_is() {
    let stage = Stage::new("attack-query").await;
    let key = "a=b/c d+e:f@g";
    let mut object = managed("jane", "jane.doe");
    object["spec"]["tags"] = json!({ key: "../../users", "b/c d": "stays" });
    stage.create(&object).await;
    stage.ready("jane").await;
    stage.edit("jane", json!({ "tags": { key: null } })).await;
    stage.ready("jane").await;
    assert_eq!(stage.written(), ["CreateUser", "UntagResource"]);
    let tags = stage.user("jane.doe").unwrap().tags;
    assert!(!tags.contains_key(key) && tags["b/c d"] == "stays" && tags.len() == 3, "{tags:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_looks_like_anothers_is_refused_or_is_anothers() {
    let stage = Stage::new("attack-names-alike").await;
    stage.create(&managed("victim", "jane.kane")).await;
    stage.ready("victim").await;
    let before = stage.user("jane.kane");
    let api = raw(&stage);
    for alike in [
        "jane.kane ",
        " jane.kane",
        "jane.kane\n",
        "jane.kane\u{0}",
        "jane.kane\u{200b}",
        "j\u{0430}ne.kane",
        "jane.\u{212a}ane",
        "\u{ff4a}ane.kane",
        "ja\u{301}ne.kane",
        "j\u{e1}ne.kane",
        "jane\u{2024}kane",
    ] {
        let mut object = managed("alike", alike);
        object["spec"]["adoptionPolicy"] = json!("Adopt");
        let object = serde_json::from_value(object).unwrap();
        let error = api.create(&PostParams::default(), &object).await.unwrap_err().to_string();
        assert!(error.contains("may hold only the letters a-z and A-Z, the digits, and _ . - @"), "{alike:?}: {error}");
    }
    let mut object = managed("capitals", "JANE.KANE");
    object["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&object).await;
    let message = stage.reason("capitals", "UsernameTaken").await;
    assert!(message.contains("/victim"), "{message}");
    assert_eq!(stage.user("jane.kane"), before);
    assert_eq!(stage.written(), ["CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_without_measure_is_let_in() {
    let stage = Stage::new("attack-size").await;
    let api = raw(&stage);
    let mebibyte = "x".repeat(1 << 20);
    for base in bases() {
        let mut fields = BTreeSet::new();
        strings("", &base["spec"], &mut fields);
        for field in fields {
            let mut object = base.clone();
            *object["spec"].pointer_mut(&field).unwrap() = json!(mebibyte);
            let object = serde_json::from_value(object).unwrap();
            let error = api.create(&PostParams::default(), &object).await.unwrap_err();
            let kube::Error::Api(status) = error else { panic!("{field}: {error}") };
            assert_eq!(status.code, 422, "{field}");
        }
    }
    let mut object = managed("tags", "tags");
    object["spec"]["tags"] =
        (0..10_000).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let refused = api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("must have at most 48 items"), "{refused}");
    // Annotations are the one place for bulk: as large as the API server allows, they change nothing.
    let mut object = managed("bulky", "bulky");
    object["metadata"]["annotations"] = json!({ "example.com/bulk": "x".repeat(255 * 1024) });
    stage.create(&object).await;
    stage.ready("bulky").await;
    stage.settled("bulky").await;
    assert_eq!(stage.written(), ["CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_another_namespace_cannot_even_be_named() {
    let stage = Stage::new("attack-secret").await;
    let api = raw(&stage);
    let mut object = managed("jane", "jane.doe");
    object["spec"]["passwordSecretRef"]["namespace"] = json!("kube-system");
    let strict = PostParams { dry_run: true, ..PostParams::default() };
    let stored = api.create(&strict, &serde_json::from_value(object).unwrap()).await.unwrap();
    assert_eq!(stored.data["spec"]["passwordSecretRef"], json!({ "name": "password", "key": "password" }));
    for name in ["../kube-system/token", "kube-system/token", "token?namespace=kube-system", "..", ""] {
        let mut object = managed("jane", "jane.doe");
        object["spec"]["passwordSecretRef"]["name"] = json!(name);
        let error = api.create(&strict, &serde_json::from_value(object).unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("must be the name of a Secret in the namespace of this object"), "{error}");
    }
}
