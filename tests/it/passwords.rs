//! The password of a new user: from a Secret into CreateUser and nowhere else; and the other personal
//! values, which go to Connect and nowhere else.

use connect_simulator::fixtures::{managed as m, saml as s};
use connect_simulator::{Fault, FaultKind};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::{Options, SENTINEL_PASSWORD, Stage, condition, managed, saml};

const RULE: &str =
    "8 to 64 characters without white space, at least one lower-case letter, one upper-case letter and one digit";

fn asking_for(name: &str, secret: &str, key: &str) -> Value {
    let mut object = managed(name, name);
    object["spec"]["passwordSecretRef"] = json!({ "name": secret, "key": key });
    object
}

fn secrets(stage: &Stage) -> Api<Secret> {
    Api::namespaced(stage.client.clone(), &stage.namespace)
}

async fn secret_of_bytes(stage: &Stage, name: &str, key: &str, value: &[u8]) {
    let value = k8s_openapi::ByteString(value.to_vec());
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "data": { key: value } });
    secrets(stage).patch(name, &PatchParams::apply("test").force(), &Patch::Apply(secret)).await.unwrap();
}

/// The calls, except for the question of what kind of instance it is.
fn beyond_the_instance(stage: &Stage) -> Vec<String> {
    stage.operations().into_iter().filter(|operation| operation != "DescribeInstance").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_or_key_that_is_missing_is_told_and_waited_for() {
    let stage = Stage::new("secret-missing").await;
    stage.create(&asking_for("jane", "later", "password")).await;
    stage.create(&asking_for("john", "password", "first-password")).await;
    let message = stage.reason("jane", "SecretNotFound").await;
    assert!(
        message.contains(&format!("Secret {}/later does not exist", stage.namespace)) && message.contains("`password`"),
        "{message}"
    );
    let message = stage.reason("john", "SecretNotFound").await;
    assert!(message.contains(&format!("Secret {}/password has no key `first-password`", stage.namespace)), "{message}");
    for name in ["jane", "john"] {
        let object = stage.get(name).await;
        assert_eq!(condition(&object), Some(("False", "SecretNotFound")));
        assert!(object.status.unwrap().conditions.iter().any(|condition| condition.type_ == "Reconciling"));
        stage.event(name, "SecretNotFound").await;
    }
    assert_eq!(beyond_the_instance(&stage), [""; 0]);

    stage.secret("later", "password", "Correct-Horse-1").await;
    stage.secret("password", "first-password", "Correct-Horse-2").await;
    for name in ["jane", "john"] {
        stage.ready(name).await;
        assert!(stage.user(name).is_some());
    }
    assert_eq!(beyond_the_instance(&stage), ["CreateUser", "CreateUser"]);
    assert!(stage.writes().iter().all(|call| call.body["Password"] == true && call.status == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_another_namespace_is_out_of_reach() {
    let stage = Stage::new("secret-elsewhere").await;
    let elsewhere = stage.cluster.namespace("elsewhere").await;
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "theirs" }, "stringData": { "password": "Correct-Horse-1" } });
    let theirs: Api<Secret> = Api::namespaced(stage.client.clone(), &elsewhere);
    theirs.patch("theirs", &PatchParams::apply("test"), &Patch::Apply(secret)).await.unwrap();
    stage.create(&asking_for("jane", "theirs", "password")).await;
    let message = stage.reason("jane", "SecretNotFound").await;
    assert!(message.contains(&format!("Secret {}/theirs", stage.namespace)), "{message}");
    assert_eq!(stage.written(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_connect_would_refuse_is_told_with_the_rule_and_heals_when_mended() {
    let stage = Stage::new("password-bad").await;
    let bad: [(&str, &[u8], &str); 8] = [
        ("short", b"Aa1!xyz", RULE),
        ("long", b"Aa1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", RULE),
        ("space", b"Correct Horse 1", RULE),
        ("lower", b"correct-horse-1", RULE),
        ("upper", b"CORRECT-HORSE-1", RULE),
        ("digit", b"Correct-Horse", RULE),
        ("empty", b"", RULE),
        ("bytes", b"Correct-Horse-1\xff\xfe", "is not text"),
    ];
    for (name, value, _) in &bad {
        secret_of_bytes(&stage, name, "password", value).await;
        stage.create(&asking_for(name, name, "password")).await;
    }
    for (name, value, told) in &bad {
        let message = stage.reason(name, "InvalidSpec").await;
        assert!(message.contains(told), "{name}: {message}");
        assert!(message.contains(&format!("Secret {}/{name}, key `password`", stage.namespace)), "{message}");
        let value = String::from_utf8_lossy(value).into_owned();
        assert!(value.is_empty() || !message.contains(&value), "{message}");
    }
    assert_eq!(beyond_the_instance(&stage), [""; 0], "none is sent");
    for (name, ..) in &bad {
        secret_of_bytes(&stage, name, "password", b"Correct-Horse-1").await;
    }
    for (name, ..) in &bad {
        stage.ready(name).await;
    }
    assert_eq!(stage.count(), bad.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_end_behind_the_password_is_not_meant() {
    let stage = Stage::new("password-line").await;
    // 64 characters are the longest that Connect takes, so the line end cannot have been sent along.
    let longest = format!("Aa1{}", "x".repeat(61));
    for (name, end) in [("unix", "\n"), ("windows", "\r\n")] {
        stage.secret(name, "password", &format!("{longest}{end}")).await;
        stage.create(&asking_for(name, name, "password")).await;
        stage.ready(name).await;
    }
    assert_eq!(stage.written(), ["CreateUser", "CreateUser"]);
    assert_eq!(stage.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_keeps_passwords_needs_one_for_a_new_user_and_only_then() {
    let stage = Stage::new("password-none").await;
    let mut object = managed("jane", "jane.doe");
    object["spec"].as_object_mut().unwrap().remove("passwordSecretRef");
    stage.create(&object).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(
        message.contains("CONNECT_MANAGED")
            && message.contains("spec.passwordSecretRef")
            && message.contains(&stage.namespace),
        "{message}"
    );
    assert_eq!(stage.operations(), ["DescribeInstance"]);
    stage.edit("jane", json!({ "passwordSecretRef": { "name": "password", "key": "password" } })).await;
    stage.ready("jane").await;
    stage.edit("jane", json!({ "passwordSecretRef": null })).await;
    stage.ready("jane").await;
    assert_eq!(stage.written(), ["CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_saml_takes_no_password() {
    let stage = Stage::new("password-saml").await;
    let mut object = saml("jane", "jane.doe");
    object["spec"]["passwordSecretRef"] = json!({ "name": "password", "key": "password" });
    stage.create(&object).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("SAML") && message.contains("remove spec.passwordSecretRef"), "{message}");
    assert_eq!(stage.operations(), ["DescribeInstance"]);
    stage.edit("jane", json!({ "passwordSecretRef": null })).await;
    stage.ready("jane").await;
    assert!(stage.simulator.user_by_name(s::ID, "jane.doe").is_some());
    assert_eq!(stage.writes()[0].body.get("Password"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_read_at_creation_and_never_again() {
    let stage = Stage::with("password-once", Options { resync: "300ms", ..Options::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    // Changed to something that would be refused, then gone: neither is looked at.
    stage.secret("password", "password", "no").await;
    told(&stage, "jane").await;
    stage.settled("jane").await;
    secrets(&stage).delete("password", &DeleteParams::default()).await.unwrap();
    stage.settled("jane").await;
    stage.edit("jane", json!({ "identityInfo": { "firstName": "Janet" } })).await;
    stage.ready("jane").await;
    stage.edit("jane", json!({ "passwordSecretRef": { "name": "never-there", "key": "password" } })).await;
    stage.ready("jane").await;
    told(&stage, "jane").await;
    stage.settled("jane").await;
    assert_eq!(stage.written(), ["CreateUser", "UpdateUserIdentityInfo"]);
    // And the object can go without it.
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none());
}

/// Waits until the Secret of the spec, as it is now, is what the status knows.
async fn told(stage: &Stage, name: &str) {
    let found = stage.eventually(|| async {
        let object = stage.get(name).await;
        let reference = object.spec.password_secret_ref.clone()?;
        let known = object.status.clone()?.password_secret?;
        let secret = secrets(stage).get_opt(&reference.name).await.unwrap().unwrap_or_default().metadata;
        ((known.name, known.key) == (reference.name, reference.key)
            && (known.uid, known.resource_version) == (secret.uid, secret.resource_version))
            .then_some(())
    });
    assert!(found.await.is_some(), "the change was not noted: {:?}", stage.get(name).await.status);
}

/// How often it was told that a password did not change.
async fn warnings(stage: &Stage) -> Vec<(String, i32)> {
    let events: Api<Event> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let all = events.list(&ListParams::default()).await.unwrap().items.into_iter();
    all.filter(|event| event.reason.as_deref() == Some("PasswordNotChanged"))
        .map(|event| (event.note.unwrap_or_default(), event.series.map_or(1, |series| series.count)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_changes_after_the_creation_is_told_once_with_what_to_do() {
    let stage = Stage::with("password-changed", Options { resync: "300ms", ..Options::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.settled("jane").await;
    assert_eq!(warnings(&stage).await, []);
    stage.secret("password", "password", "Correct-Horse-2").await;
    let note = stage.event("jane", "PasswordNotChanged").await;
    for part in ["no call to change a password", "if its password", "Reset password", "only when the user is created"] {
        assert!(note.contains(part), "no {part}: {note}");
    }
    assert!(note.contains(&format!("Secret {}/password", stage.namespace)) && !note.contains("Horse"), "{note}");
    told(&stage, "jane").await;
    stage.settled("jane").await;
    // Nor by a restart.
    stage.stop_operator().await;
    stage.start_operator().await;
    stage.settled("jane").await;
    assert_eq!(warnings(&stage).await.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1]);
    assert!(condition(&stage.get("jane").await).is_some_and(|(status, _)| status == "True"), "it stays ready");

    // A Secret that is gone has served; one that was made anew is another.
    secrets(&stage).delete("password", &DeleteParams::default()).await.unwrap();
    stage.settled("jane").await;
    assert_eq!(warnings(&stage).await.iter().map(|(_, count)| *count).sum::<i32>(), 1);
    stage.secret("password", "password", "Correct-Horse-2").await;
    told(&stage, "jane").await;
    let twice = || async { (warnings(&stage).await.iter().map(|(_, count)| *count).sum::<i32>() == 2).then_some(()) };
    assert!(stage.eventually(twice).await.is_some(), "{:?}", warnings(&stage).await);
    assert_eq!(stage.written(), ["CreateUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_or_key_in_the_spec_is_told_too() {
    let stage = Stage::new("password-other").await;
    stage.secret("password", "second", "Correct-Horse-2").await;
    for (name, reference) in [
        ("jane", json!({ "name": "password", "key": "second" })),
        ("john", json!({ "name": "nowhere", "key": "password" })),
    ] {
        stage.create(&managed(name, name)).await;
        stage.ready(name).await;
        stage.edit(name, json!({ "passwordSecretRef": reference })).await;
        let note = stage.event(name, "PasswordNotChanged").await;
        assert!(note.contains("spec.passwordSecretRef names Secret") && note.contains("no call to change"), "{note}");
        told(&stage, name).await;
    }
    // What did not exist when it was told does not need to be told again.
    stage.secret("nowhere", "password", "Correct-Horse-3").await;
    stage.annotate("john", "contactops.dev/reconcile-requested-at", "now").await;
    told(&stage, "john").await;
    stage.settled("john").await;
    assert_eq!(warnings(&stage).await.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_comes_back_needs_the_secret_again() {
    let stage = Stage::new("password-again").await;
    stage.administrator();
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    secrets(&stage).delete("password", &DeleteParams::default()).await.unwrap();
    stage
        .simulator
        .mutate(connect_simulator::Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: "jane.doe".to_owned() })
        .unwrap();
    stage.annotate("jane", "contactops.dev/reconcile-requested-at", "now").await;
    stage.reason("jane", "SecretNotFound").await;
    stage.secret("password", "password", "Correct-Horse-1").await;
    stage.ready("jane").await;
    assert!(stage.user("jane.doe").is_some());
    assert_eq!(stage.written(), ["CreateUser", "CreateUser"]);
}

/// Values that nobody may see outside of the object, its Secret and the requests to Connect.
const PERSONAL: [&str; 7] = [
    SENTINEL_PASSWORD,
    "Sentinelfirst",
    "Sentinel Last-Name",
    "sentinel.mail@example.com",
    "sentinel.second@example.org",
    "+49301112223334",
    "+49304445556667",
];

fn sentinel(name: &str, username: &str) -> Value {
    let [_, first, last, email, second, mobile, phone] = PERSONAL;
    let mut object = managed(name, username);
    object["spec"]["identityInfo"] =
        json!({ "firstName": first, "lastName": last, "email": email, "secondaryEmail": second, "mobile": mobile });
    object["spec"]["phoneConfig"] = json!({ "phoneType": "DESK_PHONE", "deskPhoneNumber": phone });
    object
}

/// An error of Connect that repeats everything that it was given, in the ways in which AWS does. Only
/// CreateUser is given a password.
fn telltale(operation: &str, status: u16, code: &str) -> Fault {
    let [password, first, last, email, second, mobile, phone] = PERSONAL;
    let mut message = format!(
        "Value '{first}' at 'firstName' failed; {last}, \"{email}\" <{second}> [{mobile}] DeskPhoneNumber={phone}; Email={email}."
    );
    if operation == "CreateUser" {
        message.push_str(&format!(" Password {password}, '{password}'."));
    }
    Fault::new(FaultKind::ErrorBeforeEffect { status, code: code.to_owned(), message }).on(operation)
}

/// Everything that the operator has said so far: log, events, statuses, metrics.
async fn said(stage: &Stage) -> String {
    let mut all = vec![stage.operator_log(), stage.get_from_operator("/metrics").await];
    for object in stage.api().list(&ListParams::default()).await.unwrap() {
        all.push(serde_json::to_string(&object.status).unwrap());
    }
    // Those of objects that are gone, too.
    let events: Api<Event> = Api::namespaced(stage.client.clone(), &stage.namespace);
    for event in events.list(&ListParams::default()).await.unwrap() {
        all.push(serde_json::to_string(&event).unwrap());
    }
    all.join("\n")
}

fn assert_silent(said: &str) {
    for value in PERSONAL {
        // Also in part: a name of two words is no less a name when it is cut in two.
        for part in value.split(' ') {
            if let Some(line) = said.lines().find(|line| line.contains(part)) {
                panic!("{part} was said: {line}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_appear_nowhere_even_at_the_most_talkative_level() {
    let stage = Stage::with("silent", Options { rust_log: "trace", resync: "500ms", ..Options::default() }).await;
    stage.create(&sentinel("jane", "jane.doe")).await;
    stage.ready("jane").await;
    // An edit, a repair of drift and a report of drift go through the same values.
    stage.edit("jane", json!({ "phoneConfig": { "autoAccept": true } })).await;
    stage.ready("jane").await;
    let stranger = connect_simulator::user::IdentityInfo {
        first_name: Some("Other".to_owned()),
        last_name: Some("Other".to_owned()),
        email: Some("other@example.com".to_owned()),
        ..Default::default()
    };
    let patch = || connect_simulator::UserPatch { identity_info: Some(stranger.clone()), ..Default::default() };
    stage.console("jane.doe", patch());
    stage.event("jane", "DriftCorrected").await;
    stage.edit("jane", json!({ "driftPolicy": "Report" })).await;
    stage.ready("jane").await;
    stage.console("jane.doe", patch());
    stage.reason("jane", "Drifted").await;
    stage.delete("jane").await;
    stage.gone("jane").await;
    stage.stop_operator().await;
    stage.start_operator().await;
    let said = said(&stage).await;
    assert!(
        said.contains("TRACE") && said.contains("DriftCorrected") && said.contains("CreateUser jane.doe"),
        "the log is a log"
    );
    assert_silent(&said);
    assert!(!said.contains("other@example.com"), "nor what the console has written");
}

#[tokio::test(flavor = "multi_thread")]
async fn personal_values_appear_nowhere_even_where_connect_repeats_them() {
    let stage = Stage::with("silent-errors", Options { rust_log: "trace", ..Options::default() }).await;
    let kinds = [
        (400, "InvalidParameterException", "InvalidSpec"),
        (403, "AccessDeniedException", "AccessDenied"),
        (404, "ResourceNotFoundException", "ReferenceNotFound"),
        (429, "LimitExceededException", "QuotaExceeded"),
        (500, "InternalServiceException", "Unavailable"),
        (409, "ConditionalOperationFailedException", "Updating"),
    ];
    for (n, (status, code, reason)) in kinds.into_iter().enumerate() {
        let name = format!("agent-{n}");
        stage.simulator.inject(telltale("CreateUser", status, code).for_user(&name));
        stage.create(&sentinel(&name, &name)).await;
        let message = stage.reason(&name, reason).await;
        assert!(
            message.contains(code) && message.contains("[redacted]") && message.contains("at 'firstName' failed"),
            "{message}"
        );
    }
    stage.simulator.clear_faults();
    stage.ready("agent-0").await;
    // An edit, and the last call of all.
    stage.simulator.inject(telltale("UpdateUserIdentityInfo", 400, "InvalidRequestException"));
    stage.edit("agent-0", json!({ "identityInfo": { "email": "sentinel.mail@example.com.invalid" } })).await;
    let message = stage.reason("agent-0", "InvalidSpec").await;
    assert!(message.contains("[redacted]"), "{message}");
    stage.simulator.clear_faults();
    stage.simulator.inject(telltale("DeleteUser", 403, "AccessDeniedException"));
    stage.delete("agent-0").await;
    stage.reason_while_deleting("agent-0", "AccessDenied").await;
    assert_silent(&said(&stage).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_only_connect_finds_wrong_is_told_without_it() {
    let stage = Stage::with("silent-refusal", Options { rust_log: "trace", ..Options::default() }).await;
    let mut object = managed("jane", "jane.doe");
    object["spec"]["identityInfo"]["email"] = json!("sentinel.mail@example");
    stage.create(&object).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("Email is not an e-mail address"), "{message}");
    let said = said(&stage).await;
    assert!(
        !said.contains("sentinel.mail"),
        "{}",
        said.lines().find(|line| line.contains("sentinel.mail")).unwrap_or_default()
    );
    stage.edit("jane", json!({ "identityInfo": { "email": "sentinel.mail@example.com" } })).await;
    stage.ready("jane").await;
    assert_eq!(stage.user("jane.doe").unwrap().identity_info.email.as_deref(), Some("sentinel.mail@example.com"));
}

/// What Connect has of a person need not be what the spec says: an earlier name, or one that others entered.
#[tokio::test(flavor = "multi_thread")]
async fn values_that_connect_has_and_the_spec_does_not_say_appear_nowhere_either() {
    let stage = Stage::with("silent-earlier", Options { rust_log: "trace", ..Options::default() }).await;
    stage.create(&sentinel("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.simulator.inject(telltale("UpdateUserIdentityInfo", 400, "InvalidRequestException"));
    stage
        .edit(
            "jane",
            json!({ "identityInfo": {
            "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com", "secondaryEmail": null, "mobile": null,
        } }),
        )
        .await;
    stage.reason("jane", "InvalidSpec").await;
    let said = said(&stage).await;
    assert_silent(&said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_at_the_end_of_a_long_message_is_not_shown_in_part() {
    let stage = Stage::with("silent-long", Options { rust_log: "trace", ..Options::default() }).await;
    for (n, length) in (570..600).step_by(5).enumerate() {
        let name = format!("agent-{n}");
        let message = format!("{} Sentinelfirst Sentinel Last-Name", "x".repeat(length));
        let kind = FaultKind::ErrorBeforeEffect { status: 400, code: "InvalidParameterException".to_owned(), message };
        stage.simulator.inject(Fault::new(kind).on("CreateUser").for_user(&name));
        stage.create(&sentinel(&name, &name)).await;
        stage.reason(&name, "InvalidSpec").await;
    }
    let said = said(&stage).await;
    let shown = said.find("Sentin").map(|at| &said[at..at + 40]);
    assert_eq!(shown, None);
}
