//! Two tenants on one instance. The attacker is the namespace of the stage, the victim another that the same operator
//! watches.

use connect_simulator::{Mutation, User, UserPatch};
use connect_user_operator::resource::condition::ready;
use connect_user_operator::resource::user::ConnectUser;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use crate::support::{Options, SENTINEL_PASSWORD, Stage, cluster, managed};

pub(super) struct Ground {
    pub(super) stage: Stage,
    pub(super) attacker: String,
    pub(super) victim: String,
    /// The instance, of which no other test speaks: ConnectInstances are cluster-scoped.
    pub(super) arn: String,
    pub(super) id: String,
}

impl Ground {
    pub(super) async fn new(test: &str, number: u32, rules: Option<Value>) -> Self {
        let victim = cluster().await.namespace(&format!("{test}-victim")).await;
        let options = Options { further_namespaces: vec![victim.clone()], ..Options::default() };
        let stage = Stage::with(test, options).await;
        let id = format!("44444444-4444-4444-8444-abcdef{number:06}");
        let arn = stage.add_instance(&id);
        let ground = Self { attacker: stage.namespace.clone(), victim, arn, id, stage };
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "password" },
            "stringData": { "password": SENTINEL_PASSWORD },
        });
        let secrets: Api<Secret> = Api::namespaced(ground.stage.client.clone(), &ground.victim);
        secrets.patch("password", &PatchParams::apply("test"), &Patch::Apply(secret)).await.unwrap();
        if let Some(mut spec) = rules {
            spec["instanceArn"] = json!(ground.arn);
            for (word, namespace) in [("VICTIM", &ground.victim), ("ATTACKER", &ground.attacker)] {
                spec = serde_json::from_str(&spec.to_string().replace(word, namespace)).unwrap();
            }
            ground.stage.govern(&ground.attacker, spec).await.unwrap();
            ground.stage.observed(&ground.attacker).await;
        }
        ground
    }

    /// A merge patch of the rules, which are what the operator goes by afterwards.
    pub(super) async fn edit_rules(&self, spec: Value) {
        self.stage.edit_rules(&self.attacker, spec).await;
        self.stage.observed(&self.attacker).await;
    }

    pub(super) fn users(&self, namespace: &str) -> Api<ConnectUser> {
        Api::namespaced(self.stage.client.clone(), namespace)
    }

    /// A user of the instance by ARN, with profiles by name, changed by a merge patch of its spec.
    pub(super) fn object(&self, name: &str, username: &str, patch: Value) -> Value {
        let mut object = managed(name, username);
        let spec = object["spec"].as_object_mut().unwrap();
        spec.remove("routingProfileArn");
        spec.remove("securityProfileArns");
        spec.insert("instanceArn".to_owned(), json!(self.arn));
        spec.insert("routingProfileName".to_owned(), json!("Basic Routing Profile"));
        spec.insert("securityProfileNames".to_owned(), json!(["Agent"]));
        for (key, value) in patch.as_object().unwrap() {
            if value.is_null() {
                spec.remove(key);
            } else {
                spec.insert(key.clone(), value.clone());
            }
        }
        object
    }

    pub(super) async fn create(&self, namespace: &str, object: &Value) -> ConnectUser {
        let object = serde_json::from_value(object.clone()).unwrap();
        self.users(namespace).create(&PostParams::default(), &object).await.unwrap()
    }

    pub(super) async fn delete(&self, namespace: &str, name: &str) {
        self.users(namespace).delete(name, &Default::default()).await.unwrap();
    }

    /// Waits for a reason and returns the message.
    pub(super) async fn told(&self, namespace: &str, name: &str, reason: &str) -> String {
        let look = || async {
            let object = self.users(namespace).get_opt(name).await.unwrap()?;
            let deleting = object.metadata.deletion_timestamp.is_some();
            let status = object.status.clone()?;
            let found = ready(&status.conditions)?;
            let is_new = deleting || status.observed_generation == object.metadata.generation;
            (is_new && found.reason == reason).then(|| found.message.clone())
        };
        match self.stage.eventually(look).await {
            Some(message) => message,
            None => panic!(
                "{namespace}/{name} is not told {reason}: {:?}\ncalls: {:?}",
                self.users(namespace).get_opt(name).await.unwrap().map(|object| object.status),
                self.stage.operations(),
            ),
        }
    }

    pub(super) async fn ready(&self, namespace: &str, name: &str) -> ConnectUser {
        self.told(namespace, name, "InSync").await;
        self.users(namespace).get(name).await.unwrap()
    }

    pub(super) async fn gone(&self, namespace: &str, name: &str) {
        let look = || async { self.users(namespace).get_opt(name).await.unwrap().is_none().then_some(()) };
        if self.stage.eventually(look).await.is_none() {
            panic!("{name} is still there: {:?}", self.users(namespace).get(name).await.unwrap().status);
        }
    }

    /// Asks for a reconcile and waits until it has been.
    pub(super) async fn poke(&self, namespace: &str, name: &str, word: &str) {
        let patch = json!({ "metadata": { "annotations": { "contactops.dev/reconcile-requested-at": word } } });
        self.users(namespace).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        let handled = || async {
            let object = self.users(namespace).get(name).await.unwrap();
            (object.status?.last_handled_reconcile_at.as_deref() == Some(word)).then_some(())
        };
        if self.stage.eventually(handled).await.is_none() {
            let object = self.users(namespace).get(name).await.unwrap();
            panic!("{} was not looked at: {:?}", object.name_any(), object.status);
        }
    }

    pub(super) fn user(&self, username: &str) -> Option<User> {
        self.stage.simulator.user_by_name(&self.id, username)
    }

    /// Somebody with rights in AWS makes a user, or changes one.
    pub(super) fn by_hand(&self, username: &str, set: UserPatch) -> String {
        let (instance_id, set) = (self.id.clone(), Box::new(set));
        let mutation = match self.user(username) {
            Some(_) => Mutation::UpdateUser { instance_id, user: username.to_owned(), set },
            None => Mutation::CreateUser { instance_id, username: username.to_owned(), set },
        };
        self.stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap()
    }

    pub(super) fn security_profile(&self, id: &str) -> String {
        format!("{}/security-profile/{id}", self.arn)
    }
}
