//! Passwords that the operator makes: in the Secret before the user is there, never over one that is there.

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, FaultKind, Mutation, UserPatch};
use connect_user_operator::resource::{MANAGED_BY_LABEL, PASSWORD_OF_ANNOTATION, UID_TAG};
use connect_user_operator::user::password::Password;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::support::{Options, Stage, managed, saml};

const SECRET: &str = "made";

fn asking(name: &str) -> Value {
    let mut object = managed(name, name);
    object["spec"]["passwordSecretRef"] = json!({ "name": SECRET, "key": "password", "generate": true });
    object
}

async fn with_rights(name: &str) -> Stage {
    Stage::with(name, Options { generate_passwords: true, rust_log: "trace", ..Options::default() }).await
}

fn secrets(stage: &Stage) -> Api<Secret> {
    Api::namespaced(stage.client.clone(), &stage.namespace)
}

async fn secret(stage: &Stage) -> Secret {
    secrets(stage).get(SECRET).await.unwrap()
}

fn value(secret: &Secret, key: &str) -> String {
    String::from_utf8(secret.data.as_ref().unwrap()[key].0.clone()).unwrap()
}

fn refusal() -> Fault {
    let kind = FaultKind::ErrorBeforeEffect {
        status: 500,
        code: "InternalServiceException".to_owned(),
        message: "No.".to_owned(),
    };
    Fault::new(kind).on("CreateUser")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_made_written_and_said_nowhere() {
    let stage = with_rights("made-new").await;
    let object = stage.create(&asking("jane")).await;
    let ready = stage.ready("jane").await;
    assert_eq!(stage.written(), ["CreateUser"]);
    assert_eq!(stage.writes()[0].body["Password"], true);
    let secret = secret(&stage).await;
    let password = value(&secret, "password");
    assert_eq!(password.len(), 24);
    assert!(Password::new(password.clone()).is_acceptable());
    assert_eq!(secret.data.as_ref().unwrap().len(), 1);
    assert_eq!(secret.labels()[MANAGED_BY_LABEL], "connect-user-operator");
    let of = format!("{}/jane {}", stage.namespace, object.uid().unwrap());
    assert_eq!(secret.annotations()[PASSWORD_OF_ANNOTATION], of);
    assert!(secret.owner_references().is_empty(), "it is to outlive the object");
    let known = ready.status.unwrap().password_secret.unwrap();
    assert_eq!((known.uid, known.resource_version), (secret.uid(), secret.resource_version()));

    stage.delete("jane").await;
    stage.gone("jane").await;
    let note = stage.event("jane", "UserDeleted").await;
    assert!(note.contains(&format!("Secret {}/{SECRET}", stage.namespace)) && note.contains("stays"), "{note}");
    assert_eq!(self::secret(&stage).await.resource_version(), secret.resource_version(), "it stays as it was");
    let mut said = stage.operator_log();
    assert!(said.contains("TRACE"));
    said.push_str(&format!("{:?}", stage.events("jane").await));
    assert!(!said.contains(&password));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_there_before_the_user_and_survives_failures_and_a_crash() {
    let stage = with_rights("made-crash").await;
    stage.simulator.inject(refusal());
    stage.create(&asking("jane")).await;
    stage.reason("jane", "Unavailable").await;
    assert!(stage.user("jane").is_none());
    let before = secret(&stage).await;
    assert!(Password::new(value(&before, "password")).is_acceptable());
    stage.kill_operator();
    stage.simulator.clear_faults();
    stage.simulator.inject(Fault::new(FaultKind::LostAnswer).on("CreateUser").times(1));
    stage.start_operator().await;
    stage.ready("jane").await;
    let after = secret(&stage).await;
    assert_eq!(value(&after, "password"), value(&before, "password"));
    assert_eq!(after.resource_version(), before.resource_version(), "nothing wrote it again");
    assert_eq!(stage.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_there_is_used_and_one_that_is_missing_is_added_to_what_is_there() {
    let stage = with_rights("made-beside").await;
    stage.secret(SECRET, "other", "Precious-1").await;
    let label = json!({ "metadata": { "labels": { "team": "support" } } });
    secrets(&stage).patch(SECRET, &PatchParams::default(), &Patch::Merge(label)).await.unwrap();
    stage.create(&asking("jane")).await;
    stage.ready("jane").await;
    let added = secret(&stage).await;
    assert_eq!(value(&added, "other"), "Precious-1");
    assert_eq!(value(&added, "password").len(), 24);
    assert_eq!(added.labels().iter().collect::<Vec<_>>(), [(&"team".to_owned(), &"support".to_owned())]);
    assert!(added.annotations().is_empty(), "it is not ours: {:?}", added.annotations());

    // A second object of the same key shares what is there.
    stage.create(&asking("john")).await;
    stage.ready("john").await;
    assert_eq!(secret(&stage).await.resource_version(), added.resource_version());
    // And one that Connect would refuse is told and not replaced.
    stage.secret("short", "password", "short").await;
    let mut object = asking("jack");
    object["spec"]["passwordSecretRef"]["name"] = json!("short");
    stage.create(&object).await;
    let message = stage.reason("jack", "InvalidSpec").await;
    assert!(message.contains("Secret") && message.contains("8 to 64"), "{message}");
    assert_eq!(value(&secrets(&stage).get("short").await.unwrap(), "password"), "short");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_rights_the_message_names_them_and_their_file_and_it_heals_with_them() {
    let stage = Stage::new("made-rights").await;
    // A key that is there needs no right to write.
    stage.secret("there", "password", "Correct-Horse-1").await;
    let mut object = asking("john");
    object["spec"]["passwordSecretRef"]["name"] = json!("there");
    stage.create(&object).await;
    stage.ready("john").await;
    // A Secret without the key, and no Secret.
    stage.secret("keyless", "other", "Precious-1").await;
    let mut keyless = asking("jack");
    keyless["spec"]["passwordSecretRef"]["name"] = json!("keyless");
    stage.create(&keyless).await;
    stage.create(&asking("jane")).await;
    for (name, right) in [("jane", "the right to create Secrets"), ("jack", "the right to patch Secrets")] {
        let message = stage.reason(name, "AccessDenied").await;
        assert!(message.contains(right) && message.contains("deploy/generate-passwords.yaml"), "{message}");
        assert!(message.contains(&stage.namespace), "{message}");
    }
    assert_eq!(stage.written(), ["CreateUser"]);
    assert!(secrets(&stage).get_opt(SECRET).await.unwrap().is_none());
    stage.upgrade(&json!({ "rbac": { "generatePasswords": true } })).await;
    for name in ["jane", "jack"] {
        stage.ready(name).await;
        assert!(stage.user(name).is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_where_it_cannot_be_used() {
    let stage = with_rights("made-useless").await;
    // No passwords there.
    let mut object = saml("jane", "jane.doe");
    object["spec"]["passwordSecretRef"] = json!({ "name": SECRET, "key": "password", "generate": true });
    stage.create(&object).await;
    let message = stage.reason("jane", "InvalidSpec").await;
    assert!(message.contains("remove spec.passwordSecretRef"), "{message}");
    assert!(secrets(&stage).get_opt(SECRET).await.unwrap().is_none());
    // Nor into a Secret that takes nothing.
    let sealed = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": SECRET }, "immutable": true, "stringData": { "other": "Precious-1" } });
    secrets(&stage).patch(SECRET, &PatchParams::apply("test"), &Patch::Apply(sealed)).await.unwrap();
    stage.create(&asking("john")).await;
    let message = stage.reason("john", "InvalidSpec").await;
    assert!(message.contains("immutable") && message.contains(SECRET), "{message}");
    assert_eq!(stage.written(), [""; 0]);
}

/// Whoever means to adopt looks first. A look that fails once proves nothing, and a user that is there needs no
/// password.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_for_a_user_to_adopt_that_one_answer_hides() {
    let stage = with_rights("made-adopt").await;
    let by_hand = |username: &str| {
        let set = Box::new(UserPatch::default());
        let mutation = Mutation::CreateUser { instance_id: m::ID.to_owned(), username: username.to_owned(), set };
        stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap()
    };
    let hidden = [
        ("jane", by_hand("jane"), Fault::error_before(500, "InternalServiceException").on("ListUsers")),
        ("john", by_hand("john"), Fault::error_before(404, "ResourceNotFoundException").on("DescribeUser")),
    ];
    for (name, id, fault) in hidden {
        stage.simulator.inject(fault.times(1));
        let mut object = asking(name);
        object["spec"]["adoptionPolicy"] = json!("Adopt");
        let object = stage.create(&object).await;
        assert_eq!(stage.ready(name).await.status.unwrap().user_id.as_ref(), Some(&id));
        let user = stage.user(name).unwrap();
        assert_eq!((user.id, user.tags.get(UID_TAG)), (id, object.uid().as_ref()));
        assert!(stage.calls().iter().any(|call| call.fault.is_some()), "nothing failed for {name}");
        assert!(secrets(&stage).get_opt(SECRET).await.unwrap().is_none(), "{:?}", stage.operations());
        assert!(!stage.written().contains(&"CreateUser".to_owned()), "{:?}", stage.operations());
        stage.simulator.clear_calls();
    }
}
