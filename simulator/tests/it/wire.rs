//! Signing, Regions, ARNs, the log, the admin endpoints.

use crate::driver::{Driver, read};
use bytes::Bytes;
use connect_simulator::fixtures::{managed, saml};
use connect_simulator::{CallRecord, Fault, FaultKind, Simulator, Switches};
use http::Request;
use serde_json::{Value, json};
use std::time::SystemTime;

fn unsigned(simulator: &Simulator, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(path).body(body).unwrap();
    let (status, _, body) = read(&simulator.handle(request, SystemTime::UNIX_EPOCH));
    (status, body)
}

#[test]
fn signature_and_region() {
    let driver = Driver::plain();
    let path = format!("/instance/{}", managed::ID);
    assert_eq!(unsigned(&driver.simulator, "GET", &path, &Value::Null).0, 403);
    assert_eq!(driver.simulator.calls()[0].error_code.as_deref(), Some("MissingAuthenticationTokenException"));
    assert_eq!(driver.on("GET", "/instance/{}", &Value::Null).0, 200);
    let elsewhere = Driver { region: saml::REGION, ..Driver::plain() };
    assert_eq!(elsewhere.on("GET", "/instance/{}", &Value::Null).1, "ResourceNotFoundException");
    assert_eq!(driver.on("GET", "/nothing/{}", &Value::Null).1, "UnknownOperationException");
    let arn = managed::ARN.replace('/', "%2F");
    assert_eq!(driver.call("GET", &format!("/instance/{arn}"), &Value::Null).0, 200);
    let foreign = arn.replace(managed::ACCOUNT, saml::ACCOUNT);
    assert_eq!(driver.call("GET", &format!("/instance/{foreign}"), &Value::Null).0, 404);
}

#[test]
fn the_log() {
    let driver = Driver::plain();
    let user = driver.user("jane", &json!({ "Tags": { "k": "v" } }));
    driver.call("GET", &driver.tags_path(&user), &Value::Null);
    let calls = driver.simulator.calls();
    let CallRecord { seq, operation, write, account, region, instance_id, user_id, username, body, status, .. } =
        calls[0].clone();
    assert_eq!((seq, operation.as_str(), write, status), (1, "CreateUser", true, 200));
    assert_eq!((account.as_str(), region.as_str()), (managed::ACCOUNT, managed::REGION));
    assert_eq!(
        (instance_id.as_deref(), user_id, username.as_deref()),
        (Some(managed::ID), Some(user.clone()), Some("jane"))
    );
    assert_eq!(body["Password"], json!(true));
    assert_eq!((calls[1].user_id.as_ref(), calls[1].username.as_deref()), (Some(&user), Some("jane")));
    assert_eq!((calls[1].access_key.as_str(), calls[1].user_agent.as_str()), ("AKID", "driver"));
    driver.simulator.clear_calls();
    driver.describe(&user);
    assert_eq!(driver.simulator.calls()[0].seq, 3);
    let everything = format!("{:?} {}", driver.simulator.users(managed::ID), driver.simulator.state());
    assert!(!everything.contains("Passw0rd"), "the password is kept somewhere");
}

#[test]
fn admin_endpoints() {
    let driver = Driver::plain();
    let admin = |method: &str, path: &str, body: Value| {
        unsigned(&driver.simulator, method, &format!("/_simulator/{path}"), &body)
    };
    assert_eq!(admin("GET", "healthz", Value::Null).0, 200);
    assert_eq!(admin("GET", "nothing", Value::Null).0, 404);
    let create = json!({ "createUser": { "instanceId": managed::ID, "username": "jane" } });
    let id = admin("POST", "mutate", create.clone()).1["id"].as_str().unwrap().to_owned();
    assert_eq!(admin("POST", "mutate", create).0, 409);
    let set = json!({ "updateUser": { "instanceId": managed::ID, "username": "jane", "set": { "Tags": { "a": "b" }, "HierarchyGroupId": managed::GROUP_APAC } } });
    assert_eq!(admin("POST", "mutate", set).1["id"], json!(id));
    let (_, state) = admin("GET", "state", Value::Null);
    let user = &state["instances"][0]["users"][0];
    assert_eq!((&user["Tags"]["a"], &user["HierarchyGroupId"]), (&json!("b"), &json!(managed::GROUP_APAC)));
    assert_eq!(
        admin(
            "POST",
            "mutate",
            json!({ "updateUser": { "instanceId": managed::ID, "user": "jane", "set": { "Nonsense": 1 } } })
        )
        .0,
        400
    );
    admin("POST", "faults", json!({ "type": "latency", "millis": 5 }));
    assert_eq!(driver.simulator.faults(), [Fault::new(FaultKind::Latency { millis: 5 })]);
    assert_eq!(admin("POST", "faults", json!({ "type": "lostAnswer", "opertion": "x" })).0, 400);
    assert_eq!(admin("DELETE", "faults", Value::Null).0, 200);
    let flipped = Switches { retry_after_sent: true, ..Switches::default() };
    assert_eq!(admin("PUT", "switches", json!({ "retryAfterSent": true })).0, 200);
    assert_eq!(driver.simulator.switches(), flipped);
    assert_eq!(admin("PUT", "switches", json!({ "noSuchSwitch": true })).0, 400);
    admin("PUT", "lag", json!({ "listAfterCreateMs": 7 }));
    assert_eq!(driver.simulator.lag().list_after_create_ms, 7);
    admin("PUT", "quotas", json!({ "fallback": { "perSecond": 1.0, "burst": 1.0 } }));
    driver.describe(&id);
    assert_eq!(admin("GET", "calls?since=0", Value::Null).1["calls"].as_array().unwrap().len(), 1);
    assert_eq!(admin("GET", "calls?since=1", Value::Null).1["calls"].as_array().unwrap().len(), 0);
    assert_eq!(driver.on("GET", &format!("/users/{{}}/{id}"), &Value::Null).0, 429);
    admin("POST", "reset", Value::Null);
    assert!(driver.simulator.users(managed::ID).is_empty() && driver.simulator.calls().is_empty());
    assert_eq!((driver.simulator.switches(), driver.simulator.lag().list_after_create_ms), (Switches::default(), 0));
}
