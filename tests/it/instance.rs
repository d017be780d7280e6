//! ConnectInstance: who may use an instance, what its rules hold back, and that it stays while it is needed.

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{QuickConnectConfig, UserQuickConnectConfig};
use connect_simulator::{Fault, Mutation, UserPatch};
use connect_user_operator::resource::condition::ready;
use connect_user_operator::resource::instance::ConnectInstance;
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::support::{Stage, managed};

/// Instances are cluster-scoped, so each test has a ConnectInstance, and an instance, of its own.
struct Governed {
    stage: Stage,
    name: String,
    arn: String,
    id: String,
}

impl Governed {
    async fn new(test: &str, number: u32, mut spec: Value) -> Self {
        let stage = Stage::new(test).await;
        let id = format!("33333333-3333-4333-8333-{number:012}");
        let arn = stage.add_instance(&id);
        spec["instanceArn"] = json!(arn);
        if spec.get("allowedNamespaces").is_none() {
            spec["allowedNamespaces"] = json!([stage.namespace]);
        }
        let name = stage.namespace.clone();
        let governed = Self { stage, name, arn, id };
        governed.create(&governed.name, &spec).await.unwrap();
        governed
    }

    fn api(&self) -> Api<ConnectInstance> {
        self.stage.instances()
    }

    async fn create(&self, name: &str, spec: &Value) -> kube::Result<ConnectInstance> {
        self.stage.govern(name, spec.clone()).await
    }

    async fn edit(&self, spec: Value) {
        self.stage.edit_rules(&self.name, spec).await;
    }

    /// A user of the instance, by reference.
    fn user(&self, name: &str) -> Value {
        let mut object = managed(name, name);
        let spec = object["spec"].as_object_mut().unwrap();
        spec.remove("instanceArn");
        spec.insert("instanceRef".to_owned(), json!({ "name": self.name }));
        spec.insert(
            "routingProfileArn".to_owned(),
            json!(format!("{}/routing-profile/{}", self.arn, m::ROUTING_BASIC)),
        );
        let agent = format!("{}/security-profile/{}", self.arn, m::SECURITY_AGENT);
        spec.insert("securityProfileArns".to_owned(), json!([agent]));
        object
    }

    fn exists(&self, username: &str) -> bool {
        self.stage.simulator.user_by_name(&self.id, username).is_some()
    }

    async fn until(&self, what: &str, holds: impl Fn(&ConnectInstance) -> bool) -> ConnectInstance {
        let found =
            self.stage.eventually(|| async { self.api().get_opt(&self.name).await.unwrap().filter(|o| holds(o)) });
        match found.await {
            Some(object) => object,
            None => panic!("not {what}: {:?}", self.api().get_opt(&self.name).await.unwrap()),
        }
    }
}

fn reason(object: &ConnectInstance) -> String {
    let conditions = object.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
    ready(&conditions).map(|ready| ready.reason.clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_by_reference_is_made_and_the_instance_counts_it_and_stays_while_it_is_used() {
    let governed = Governed::new("inst-basic", 1, json!({})).await;
    governed.stage.create(&governed.user("jane")).await;
    governed.stage.ready("jane").await;
    assert!(governed.exists("jane"));
    let object = governed
        .until("counted", |object| {
            object.status.as_ref().and_then(|status| status.users).is_some_and(|users| users.ready == 1)
        })
        .await;
    let status = object.status.clone().unwrap();
    assert_eq!(status.identity_management_type.as_deref(), Some("CONNECT_MANAGED"));
    assert_eq!(reason(&object), "InSync");

    governed.api().delete(&governed.name, &DeleteParams::default()).await.unwrap();
    governed.until("waiting for its users", |object| reason(object) == "Deleting").await;
    governed.stage.edit("jane", json!({ "tags": { "team": "x" } })).await;
    let message = governed.stage.reason("jane", "NotAllowed").await;
    assert!(message.contains("being deleted"), "{message}");
    governed.stage.delete("jane").await;
    governed.stage.gone("jane").await;
    assert!(!governed.exists("jane"));
    let gone = governed
        .stage
        .eventually(|| async { governed.api().get_opt(&governed.name).await.unwrap().is_none().then_some(()) });
    assert!(gone.await.is_some(), "nobody uses it any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_forbids_is_named_and_a_rule_that_changes_is_noticed() {
    let governed = Governed::new("inst-rules", 2, json!({ "allowedNamespaces": ["somewhere-else"] })).await;
    // By ARN, the same rules hold.
    let mut object = governed.user("jane");
    object["spec"].as_object_mut().unwrap().remove("instanceRef");
    object["spec"]["instanceArn"] = json!(governed.arn);
    governed.stage.create(&object).await;
    let message = governed.stage.reason("jane", "NotAllowed").await;
    assert!(message.contains("allowedNamespaces") && message.contains(&governed.name), "{message}");
    assert!(governed.stage.written().is_empty());

    let admin = format!("{}/security-profile/{}", governed.arn, m::SECURITY_ADMIN);
    let agent = format!("{}/security-profile/{}", governed.arn, m::SECURITY_AGENT);
    governed
        .edit(json!({
            "allowedNamespaces": ["inst-rules-*"],
            "allowedSecurityProfiles": [{ "arns": [agent], "namespaces": ["inst-rules-*"] }],
            "allowedUsernames": "[a-z]+",
        }))
        .await;
    governed.stage.ready("jane").await;
    governed.stage.edit("jane", json!({ "securityProfileArns": [admin] })).await;
    let message = governed.stage.reason("jane", "NotAllowed").await;
    assert!(message.contains("allowedSecurityProfiles"), "{message}");
    governed.stage.create(&governed.user("jane-2")).await;
    let message = governed.stage.reason("jane-2", "NotAllowed").await;
    assert!(message.contains("allowedUsernames"), "{message}");
    assert_eq!(governed.stage.written(), ["CreateUser"]);
    // What was never made can go without a call.
    governed.stage.delete("jane-2").await;
    governed.stage.gone("jane-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adoption_needs_permission_and_consent() {
    let governed = Governed::new("inst-adopt", 3, json!({})).await;
    let by_hand =
        Mutation::CreateUser { instance_id: governed.id.clone(), username: "jane".to_owned(), set: Box::default() };
    governed.stage.simulator.mutate_at(by_hand, std::time::SystemTime::now()).unwrap();
    let mut object = governed.user("jane");
    object["spec"]["adoptionPolicy"] = json!("Adopt");
    governed.stage.create(&object).await;
    assert!(governed.stage.reason("jane", "NotAllowed").await.contains("Forbidden"));
    governed.edit(json!({ "adoption": "ConsentTag" })).await;
    let message = governed
        .stage
        .until("jane", "asked for consent", |object| {
            object.status.as_ref().is_some_and(|status| {
                ready(&status.conditions).is_some_and(|ready| ready.message.contains("ConsentTag"))
            })
        })
        .await;
    drop(message);
    let consent = ("contactops.dev/adoptable".to_owned(), format!("{}/jane", governed.stage.namespace));
    let set = UserPatch { tags: Some([consent].into()), ..UserPatch::default() };
    let mutation =
        Mutation::UpdateUser { instance_id: governed.id.clone(), user: "jane".to_owned(), set: Box::new(set) };
    governed.stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap();
    governed.stage.ready("jane").await;
    let tags = governed.stage.simulator.user_by_name(&governed.id, "jane").unwrap().tags;
    assert!(tags.contains_key(OWNER_TAG) && tags.contains_key(UID_TAG));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_instance_is_reported_on_and_not_written_to() {
    let governed = Governed::new("inst-freeze", 4, json!({})).await;
    governed.stage.create(&governed.user("jane")).await;
    governed.stage.ready("jane").await;
    governed.edit(json!({ "freeze": true })).await;
    governed.until("frozen", |object| reason(object) == "Frozen").await;
    governed
        .stage
        .edit("jane", json!({ "routingProfileArn": format!("{}/routing-profile/{}", governed.arn, m::ROUTING_NIGHT) }))
        .await;
    let message = governed.stage.reason("jane", "Frozen").await;
    assert!(message.contains("routingProfile") && message.contains("spec.freeze"), "{message}");
    governed.stage.create(&governed.user("john")).await;
    governed.stage.reason("john", "Frozen").await;
    governed.stage.delete("jane").await;
    governed.stage.reason_while_deleting("jane", "DeletionHeld").await;
    assert_eq!(governed.stage.written(), ["CreateUser"]);
    governed.edit(json!({ "freeze": false })).await;
    governed.stage.gone("jane").await;
    governed.stage.ready("john").await;
    assert!(governed.exists("john") && !governed.exists("jane"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_brake_holds_a_mass_deletion_also_after_a_restart_until_a_person_lets_it_go_on() {
    let governed =
        Governed::new("inst-brake", 5, json!({ "deletionBrake": { "maxDeletions": 2, "windowSeconds": 3600 } })).await;
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        governed.stage.create(&governed.user(name)).await;
    }
    for name in names {
        governed.stage.ready(name).await;
    }
    // Two may go.
    for name in ["a", "b"] {
        governed.stage.delete(name).await;
        governed.stage.gone(name).await;
    }
    governed.stage.stop_operator().await;
    for name in ["c", "d", "e"] {
        governed.stage.delete(name).await;
    }
    governed.stage.start_operator().await;
    for name in ["c", "d", "e"] {
        let message = governed.stage.reason_while_deleting(name, "DeletionHeld").await;
        assert!(
            message.contains("contactops.dev/release-deletion=delete") && message.contains("allows 2"),
            "{message}"
        );
        assert!(governed.exists(name));
    }
    governed
        .until("held", |object| {
            object.status.as_ref().and_then(|status| status.users).is_some_and(|users| users.held == 3)
        })
        .await;
    // One by its own annotation, the rest by raising the brake.
    governed.stage.annotate("c", "contactops.dev/release-deletion", "delete").await;
    governed.stage.gone("c").await;
    assert!(governed.exists("d") && governed.exists("e"));
    governed.edit(json!({ "deletionBrake": { "maxDeletions": 10 } })).await;
    governed.stage.gone("d").await;
    governed.stage.gone("e").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_tried_again_counts_once() {
    let rules = json!({ "deletionBrake": { "maxDeletions": 2, "windowSeconds": 3600 } });
    let governed = Governed::new("inst-brake-retries", 12, rules).await;
    for name in ["a", "b", "c"] {
        governed.stage.create(&governed.user(name)).await;
        governed.stage.ready(name).await;
    }
    let failed = Fault::error_before(500, "InternalServiceException").on("DeleteUser").times(3);
    governed.stage.simulator.inject(failed);
    // Two may go, however often it is tried, and not a third.
    for name in ["a", "b"] {
        governed.stage.delete(name).await;
        governed.stage.gone(name).await;
    }
    assert!(governed.stage.simulator.faults().is_empty(), "{:?}", governed.stage.written());
    // Nor is what was counted forgotten with the process.
    governed.stage.stop_operator().await;
    governed.stage.start_operator().await;
    governed.stage.delete("c").await;
    let message = governed.stage.reason_while_deleting("c", "DeletionHeld").await;
    assert!(message.contains("3 users of instance"), "{message}");
    assert!(governed.exists("c") && !governed.exists("a") && !governed.exists("b"));
}

#[tokio::test(flavor = "multi_thread")]
async fn quick_connects_to_a_deleted_user_go_with_it_and_others_stay() {
    let governed = Governed::new("inst-quick", 6, json!({ "quickConnectCleanup": true })).await;
    governed.stage.create(&governed.user("jane")).await;
    let id = governed.stage.ready("jane").await.status.unwrap().user_id.unwrap();
    for (name, user) in [("Jane", id.as_str()), ("Other", m::GONE_USER)] {
        let user = UserQuickConnectConfig { user_id: user.to_owned(), contact_flow_id: m::CONTACT_FLOW.to_owned() };
        let config = QuickConnectConfig {
            quick_connect_type: "USER".to_owned(),
            user_config: Some(user),
            queue_config: None,
            phone_config: None,
        };
        let mutation = Mutation::AddQuickConnect { instance_id: governed.id.clone(), name: name.to_owned(), config };
        governed.stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap();
    }
    governed.stage.delete("jane").await;
    governed.stage.gone("jane").await;
    assert_eq!(governed.stage.written(), ["CreateUser", "DeleteUser", "DeleteQuickConnect"]);
    assert!(governed.stage.event("jane", "UserDeleted").await.contains("1 quick connect"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_for_one_instance_stop_each_other() {
    let governed = Governed::new("inst-two", 7, json!({})).await;
    let other = format!("{}-other", governed.name);
    governed
        .create(&other, &json!({ "instanceArn": governed.arn, "allowedNamespaces": ["inst-two-*"] }))
        .await
        .unwrap();
    governed.until("stalled", |object| reason(object) == "NotAllowed").await;
    governed.stage.create(&governed.user("jane")).await;
    let message = governed.stage.reason("jane", "NotAllowed").await;
    assert!(message.contains(&other), "{message}");
    governed.api().delete(&other, &DeleteParams::default()).await.unwrap();
    governed.stage.ready("jane").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_to_nothing_is_told_and_heals() {
    let governed = Governed::new("inst-none", 8, json!({})).await;
    let mut object = governed.user("jane");
    let later = format!("{}-later", governed.name);
    object["spec"]["instanceRef"]["name"] = json!(later);
    governed.stage.create(&object).await;
    let message = governed.stage.reason("jane", "ReferenceNotFound").await;
    assert!(message.contains(&later), "{message}");
    governed.api().delete(&governed.name, &DeleteParams::default()).await.unwrap();
    let spec = json!({ "instanceArn": governed.arn, "allowedNamespaces": ["inst-none-*"] });
    let gone = governed
        .stage
        .eventually(|| async { governed.api().get_opt(&governed.name).await.unwrap().is_none().then_some(()) });
    assert!(gone.await.is_some());
    governed.create(&later, &spec).await.unwrap();
    governed.stage.ready("jane").await;
    assert_eq!(governed.api().get(&later).await.unwrap().name_any(), later);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_refused_at_admission() {
    let governed = Governed::new("inst-cel", 9, json!({})).await;
    for (what, spec, words) in [
        ("arn", json!({ "instanceArn": "x" }), "must be the ARN of an Amazon Connect instance"),
        ("role", json!({ "assumeRole": { "roleArn": "x" } }), "must be the ARN of an IAM role"),
        (
            "external id",
            json!({ "assumeRole": { "roleArn": "arn:aws:iam::111122223333:role/r", "externalId": "ä" } }),
            "must have 2 to 1224",
        ),
        (
            "profiles",
            json!({ "allowedSecurityProfiles": [{ "arns": ["x"], "namespaces": ["a"] }] }),
            "must be the ARN of a security profile",
        ),
        (
            "no profiles",
            json!({ "allowedSecurityProfiles": [{ "arns": [], "namespaces": ["a"] }] }),
            "may not be empty",
        ),
        (
            "no namespaces",
            json!({ "allowedSecurityProfiles": [{ "arns": [format!("{}/security-profile/a", governed.arn)], "namespaces": [] }] }),
            "may not be empty",
        ),
        ("names", json!({ "allowedUsernames": "" }), "may not be empty"),
        (
            "brake",
            json!({ "deletionBrake": { "maxDeletions": 1, "windowSeconds": 1 } }),
            "should be greater than or equal to 60",
        ),
    ] {
        let mut base = json!({ "instanceArn": governed.arn, "allowedNamespaces": ["*"] });
        base.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let error = governed.create("never", &base).await.unwrap_err().to_string();
        assert!(error.contains(words), "{what}: {error}");
    }
    let moved = Patch::Merge(json!({ "spec": { "instanceArn": m::ARN } }));
    let error = governed.api().patch(&governed.name, &PatchParams::default(), &moved).await.unwrap_err().to_string();
    assert!(error.contains("may not change"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_does_not_answer_says_so_in_one_place_and_recovers() {
    let governed = Governed::new("inst-outage", 10, json!({})).await;
    governed.stage.simulator.inject(Fault::error_before(403, "UnrecognizedClientException"));
    let names: Vec<String> = (0..8).map(|number| format!("agent-{number}")).collect();
    for name in &names {
        governed.stage.create(&governed.user(name)).await;
    }
    let told = governed.until("told of the outage", |object| {
        let conditions = object.status.as_ref().map(|status| status.conditions.clone()).unwrap_or_default();
        ready(&conditions).is_some_and(|ready| ready.status == "False" && ready.message.contains("left alone"))
    });
    let conditions = told.await.status.unwrap().conditions;
    assert!(ready(&conditions).unwrap().message.contains("UnrecognizedClientException"), "{conditions:?}");
    governed.stage.simulator.clear_faults();
    for name in &names {
        governed.stage.ready(name).await;
    }
    governed.until("well again", |object| reason(object) == "InSync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_instance_tells_when_its_users_were_listed_and_how_many_nobody_has() {
    let governed = Governed::new("inst-swept", 11, json!({})).await;
    for username in ["by.hand", "another"] {
        let set = Box::new(UserPatch::default());
        let mutation = Mutation::CreateUser { instance_id: governed.id.clone(), username: username.to_owned(), set };
        governed.stage.simulator.mutate(mutation).unwrap();
    }
    governed.stage.create(&governed.user("jane")).await;
    governed.stage.ready("jane").await;
    governed.stage.stop_operator().await;
    // The first thing that a start does is to list.
    governed.stage.start_operator().await;
    let told =
        governed.until("swept", |object| object.status.as_ref().is_some_and(|status| status.last_sweep_time.is_some()));
    let users = told.await.status.unwrap().users.unwrap();
    assert_eq!((users.declared, users.ready, users.unmanaged), (1, 1, Some(2)));
}
