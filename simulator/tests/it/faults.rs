//! Injected faults.

use crate::driver::{Driver, read};
use connect_simulator::{Fault, FaultKind};
use serde_json::{Value, json};
use std::time::Duration;

#[test]
fn before_and_after_the_effect() {
    let driver = Driver::plain();
    driver.simulator.inject(Fault::error_before(500, "InternalServiceException").on("CreateUser").times(1));
    driver.simulator.inject(Fault::error_after(500, "InternalServiceException").on("CreateUser").times(1));
    assert_eq!(driver.create("one", &Value::Null).0, 500);
    assert!(driver.simulator.users(driver.instance).is_empty());
    assert_eq!(driver.create("one", &Value::Null).0, 500);
    assert_eq!(driver.simulator.users(driver.instance).len(), 1);
    assert_eq!(driver.create("one", &Value::Null).1, "DuplicateResourceException");
    assert!(driver.simulator.faults().is_empty());
    let faults: Vec<_> = driver.simulator.calls().into_iter().map(|call| call.fault).collect();
    assert_eq!(faults, [Some("errorBeforeEffect".to_owned()), Some("errorAfterEffect".to_owned()), None]);
}

#[test]
fn lost_requests_and_answers() {
    let driver = Driver::plain();
    driver.simulator.inject(Fault::new(FaultKind::LostRequest).times(1));
    driver.simulator.inject(Fault::new(FaultKind::LostAnswer).times(1));
    let body = driver.user_body("jane");
    let path = format!("/users/{}", driver.instance);
    assert!(driver.reply("PUT", &path, &body).lost);
    assert!(driver.simulator.users(driver.instance).is_empty());
    assert!(driver.reply("PUT", &path, &body).lost);
    let user = driver.simulator.user_by_name(driver.instance, "jane").unwrap();
    let calls = driver.simulator.calls();
    assert_eq!((calls[1].lost, calls[1].user_id.as_deref()), (true, Some(user.id.as_str())));
}

#[test]
fn which_calls_are_hit() {
    let driver = Driver::plain();
    let (jane, john) = (driver.user("jane", &Value::Null), driver.user("john", &Value::Null));
    driver.simulator.inject(Fault::new(FaultKind::Throttle).for_user("jane").skip(1).times(2));
    let describe = |user: &str| driver.on("GET", &format!("/users/{{}}/{user}"), &Value::Null).0;
    assert_eq!(
        [describe(&john), describe(&jane), describe(&jane), describe(&jane), describe(&jane)],
        [200, 200, 429, 429, 200]
    );
    driver.simulator.inject(Fault::error_before(403, "AccessDeniedException").on_writes());
    assert_eq!((describe(&jane), driver.update(&jane, "hierarchy", &json!({})).0), (200, 403));
    driver.simulator.clear_faults();
    driver.simulator.inject(Fault::new(FaultKind::RejectPageToken).on("ListUsers"));
    let (_, token) = driver.listed("maxResults=1");
    assert_eq!(driver.on("GET", &format!("/users-summary/{{}}?nextToken={}", token.unwrap()), &Value::Null).0, 400);
}

#[test]
fn latency_adds_up_and_answers_spoil() {
    let driver = Driver::plain();
    let user = driver.user("jane", &Value::Null);
    driver.simulator.inject(Fault::new(FaultKind::Latency { millis: 300 }));
    driver.simulator.inject(Fault::new(FaultKind::ThrottleWithRetryAfter { seconds: 99 }).times(1));
    driver.simulator.inject(Fault::new(FaultKind::MalformedAnswer).times(1));
    driver.simulator.inject(Fault::new(FaultKind::EmptyAnswer).times(1));
    let patch = json!({ "User": { "PhoneConfig": { "PhoneType": "BRAIN" }, "Username": null } });
    driver.simulator.inject(Fault::new(FaultKind::PatchedAnswer { patch }).times(1));
    let path = format!("/users/{}/{user}", driver.instance);
    let reply = driver.reply("GET", &path, &Value::Null);
    assert_eq!(reply.delay, Duration::from_millis(300));
    assert_eq!((read(&reply).0, reply.response.headers()["retry-after"].to_str().unwrap()), (429, "99"));
    let malformed = driver.reply("GET", &path, &Value::Null).response.into_body();
    assert!(serde_json::from_slice::<Value>(&malformed).is_err() && !malformed.is_empty());
    assert!(driver.reply("GET", &path, &Value::Null).response.body().is_empty());
    let patched = driver.describe(&user);
    assert_eq!((&patched["PhoneConfig"]["PhoneType"], patched.get("Username")), (&json!("BRAIN"), None));
    assert_eq!(driver.describe(&user)["Username"], "jane");
}

#[test]
fn faults_as_json() {
    let fault: Fault =
        serde_json::from_value(json!({ "type": "errorBeforeEffect", "status": 500, "code": "X", "message": "m" }))
            .unwrap();
    assert_eq!(fault.kind.name(), "errorBeforeEffect");
    let fault = Fault::new(FaultKind::LostAnswer).on("CreateUser").for_user("u").times(3).skip(2);
    let written = serde_json::to_value(&fault).unwrap();
    assert_eq!(written, json!({ "operation": "CreateUser", "user": "u", "type": "lostAnswer", "times": 3, "skip": 2 }));
    assert_eq!(serde_json::from_value::<Fault>(written).unwrap(), fault);
}
