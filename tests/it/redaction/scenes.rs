//! Everything that the suite does, with sentinels, at the most talkative levels.

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{IdentityInfo, QuickConnectConfig};
use connect_simulator::{Fault, FaultKind, Mutation, UserPatch};
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::search::find;
use super::{ALL, DESK, EMAIL, FIRST, LAST, MOBILE, PASSWORD, SECOND, TRACE, sentinel};
use crate::support::{Options, Stage};

/// An answer that repeats all that it was given, in the ways of AWS, and in other letters.
fn telltale(operation: &str, status: u16, code: &str, user: &str) -> Fault {
    let mut message = format!(
        "Value '{FIRST}' at 'firstName' failed, {LAST}; \"{EMAIL}\" <{SECOND}> [{MOBILE}] DeskPhoneNumber={DESK}; \
         {} {} {}",
        FIRST.to_uppercase(),
        LAST.to_uppercase(),
        EMAIL.to_uppercase(),
    );
    if operation == "CreateUser" {
        message.push_str(&format!(" Password {PASSWORD}, '{PASSWORD}'."));
    }
    Fault::new(FaultKind::ErrorBeforeEffect { status, code: code.to_owned(), message }).on(operation).for_user(user)
}

/// What somebody has typed into the console: other people's data, of which the spec says nothing.
fn console() -> UserPatch {
    let identity = IdentityInfo {
        first_name: Some(FIRST.to_owned()),
        last_name: Some(LAST.to_owned()),
        email: Some(EMAIL.to_owned()),
        secondary_email: Some(SECOND.to_owned()),
        mobile: Some(MOBILE.to_owned()),
    };
    UserPatch { identity_info: Some(identity), ..UserPatch::default() }
}

/// Log, metrics, statuses of both kinds, events.
async fn said(stage: &Stage, instance: &str) -> String {
    let mut all = vec![stage.operator_log(), stage.get_from_operator("/metrics").await];
    for object in stage.api().list(&ListParams::default()).await.unwrap() {
        all.push(serde_json::to_string(&object.status).unwrap());
    }
    all.push(serde_json::to_string(&stage.instances().get(instance).await.unwrap().status).unwrap());
    for event in Api::<Event>::all(stage.client.clone()).list(&ListParams::default()).await.unwrap() {
        let about = event.regarding.as_ref();
        let ours = event.namespace().as_ref() == Some(&stage.namespace)
            || about.and_then(|object| object.name.as_deref()) == Some(instance);
        if ours {
            all.push(serde_json::to_string(&event).unwrap());
        }
    }
    all.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_nothing_personal_is_said() {
    let stage = Stage::with("redaction", Options { rust_log: TRACE, ..Options::default() }).await;
    stage.secret("sentinel", "password", PASSWORD).await;
    stage.administrator();
    let id = "55555555-5555-4555-8555-000000000001";
    let arn = stage.add_instance(id);
    let rules = json!({ "instanceArn": arn, "allowedNamespaces": [stage.namespace], "quickConnectCleanup": true });
    stage.govern(&stage.namespace, rules).await.unwrap();

    // Created with everything, in both forms of phone settings, edited, and taken away again.
    stage.create(&sentinel("jane", "jane.doe")).await;
    let mut lists = sentinel("john", "john.roe");
    lists["spec"].as_object_mut().unwrap().remove("phoneConfig");
    lists["spec"]["phoneNumberConfigs"] =
        json!([{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": DESK }]);
    lists["spec"]["userProficiencies"] =
        json!([{ "attributeName": "Language", "attributeValue": "German", "level": 3 }]);
    stage.create(&lists).await;
    for name in ["jane", "john"] {
        stage.ready(name).await;
        stage.edit(name, json!({ "tags": { "team": "x" }, "identityInfo": { "mobile": null } })).await;
        stage.ready(name).await;
    }
    assert_eq!(stage.user("jane.doe").unwrap().identity_info.first_name.as_deref(), Some(FIRST));

    // Drift, corrected and reported; the values are the console's.
    stage.edit("jane", json!({ "identityInfo": { "firstName": "Jane", "lastName": "Doe", "mobile": null } })).await;
    stage.ready("jane").await;
    let poke = async |name: &str, word: &str| {
        stage.annotate(name, "contactops.dev/reconcile-requested-at", word).await;
    };
    stage.console("jane.doe", console());
    poke("jane", "1").await;
    stage.event("jane", "DriftCorrected").await;
    stage.edit("jane", json!({ "driftPolicy": "Report" })).await;
    stage.ready("jane").await;
    stage.console("jane.doe", console());
    poke("jane", "2").await;
    stage.reason("jane", "Drifted").await;

    // Adopted, with what Connect has of the person.
    let by_hand = |username: &str| Mutation::CreateUser {
        instance_id: m::ID.to_owned(),
        username: username.to_owned(),
        set: Box::new(console()),
    };
    stage.simulator.mutate_at(by_hand("adopted"), std::time::SystemTime::now()).unwrap();
    let mut adopted = crate::support::managed("adopted", "adopted");
    adopted["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&adopted).await;
    stage.ready("adopted").await;
    stage.simulator.mutate_at(by_hand("foreign"), std::time::SystemTime::now()).unwrap();
    stage.create(&sentinel("foreign", "foreign")).await;
    stage.reason("foreign", "UsernameTaken").await;

    // Every kind of failure, with an answer that repeats everything.
    let failures = [
        (400, "InvalidParameterException", "InvalidSpec"),
        (403, "AccessDeniedException", "AccessDenied"),
        (403, "ExpiredTokenException", "AccessDenied"),
        (404, "ResourceNotFoundException", "ReferenceNotFound"),
        (429, "LimitExceededException", "QuotaExceeded"),
        (429, "TooManyRequestsException", "Throttled"),
        (500, "InternalServiceException", "Unavailable"),
        (409, "ConditionalOperationFailedException", "Updating"),
    ];
    for (n, (status, code, reason)) in failures.into_iter().enumerate() {
        let name = format!("fails-{n}");
        stage.simulator.inject(telltale("CreateUser", status, code, &name));
        stage.create(&sentinel(&name, &name)).await;
        let message = stage.reason(&name, reason).await;
        assert!(message.contains(code), "{message}");
    }
    for (operation, name, patch) in [
        ("UpdateUserIdentityInfo", "john.roe", json!({ "identityInfo": { "secondaryEmail": null } })),
        ("UpdateUserIdentityInfo", "adopted", json!({ "identityInfo": sentinel("x", "x")["spec"]["identityInfo"] })),
    ] {
        stage.simulator.inject(telltale(operation, 400, "InvalidRequestException", name));
        let object = if name == "john.roe" { "john" } else { name };
        stage.edit(object, patch).await;
        stage.reason(object, "InvalidSpec").await;
    }
    for (n, kind) in [FaultKind::MalformedAnswer, FaultKind::EmptyAnswer, FaultKind::LostAnswer].into_iter().enumerate()
    {
        let name = format!("broken-{n}");
        stage.simulator.inject(Fault::new(kind).on("CreateUser").for_user(&name).times(1));
        stage.create(&sentinel(&name, &name)).await;
        stage.ready(&name).await;
    }

    // Bad input, which only Connect or the operator finds wrong; and a Secret with a bad password.
    stage.secret("bad", "password", &format!("{PASSWORD} {PASSWORD}")).await;
    let mut bad = sentinel("bad", "bad");
    bad["spec"]["passwordSecretRef"]["name"] = json!("bad");
    stage.create(&bad).await;
    stage.reason("bad", "InvalidSpec").await;
    let mut decomposed = sentinel("decomposed", "decomposed");
    decomposed["spec"]["identityInfo"]["lastName"] = json!(format!("{LAST}a\u{308}"));
    stage.create(&decomposed).await;
    stage.reason("decomposed", "InvalidSpec").await;
    let stray = json!({ "metadata": { "annotations": { "example.com/note": "x" } } });
    stage.api().patch("bad", &PatchParams::default(), &Patch::Merge(stray)).await.unwrap();

    // By reference, with quick connects, and deleted; a deletion that fails; a deletion that is told apart.
    let mut governed = sentinel("governed", "governed");
    let spec = governed["spec"].as_object_mut().unwrap();
    for field in ["instanceArn", "routingProfileArn", "securityProfileArns"] {
        spec.remove(field);
    }
    spec.extend(as_object(json!({
        "instanceRef": { "name": stage.namespace },
        "routingProfileName": "Basic Routing Profile",
        "securityProfileNames": ["Agent"],
    })));
    stage.create(&governed).await;
    let user = stage.ready("governed").await.status.unwrap().user_id.unwrap();
    let quick = Mutation::AddQuickConnect {
        instance_id: id.to_owned(),
        name: "To governed".to_owned(),
        config: QuickConnectConfig::user(&user, m::CONTACT_FLOW),
    };
    stage.simulator.mutate_at(quick, std::time::SystemTime::now()).unwrap();
    stage.delete("governed").await;
    stage.gone("governed").await;
    stage.simulator.inject(telltale("DeleteUser", 403, "AccessDeniedException", "john.roe"));
    stage.delete("john").await;
    stage.reason_while_deleting("john", "AccessDenied").await;
    stage.delete("jane").await;
    stage.gone("jane").await;
    stage.delete("foreign").await;
    stage.gone("foreign").await;

    let said = said(&stage, &stage.namespace).await;
    for sign in
        ["TRACE", "DriftCorrected", "UserAdopted", "DeleteQuickConnect", "connect_user_operator_aws_calls_total"]
    {
        assert!(said.contains(sign), "{sign} is not there: what was searched is not what was said");
    }
    assert_eq!(find(&said, &ALL), None);

    // And the password is in no request but the member of CreateUser that is made for it.
    for call in stage.calls() {
        let seen = format!("{} {} {}", call.body, call.query, call.user_agent);
        assert_eq!(find(&seen, &[PASSWORD]), None, "{}", call.operation);
        assert!(call.body.get("Password").is_none() || call.operation == "CreateUser", "{}", call.operation);
    }
}

fn as_object(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().unwrap().clone()
}
