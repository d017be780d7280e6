//! The objects of a stage in the API server.

use std::future::Future;
use std::time::Duration;

use connect_user_operator::resource::user::ConnectUser;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::{DEADLINE, Stage};

impl Stage {
    pub fn api(&self) -> Api<ConnectUser> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub async fn create(&self, object: &Value) -> ConnectUser {
        let object: ConnectUser = serde_json::from_value(object.clone()).unwrap();
        self.api().create(&PostParams::default(), &object).await.unwrap()
    }

    /// A merge patch of the spec.
    pub async fn edit(&self, name: &str, spec: Value) -> ConnectUser {
        self.api().patch(name, &PatchParams::default(), &Patch::Merge(json!({ "spec": spec }))).await.unwrap()
    }

    pub async fn annotate(&self, name: &str, key: &str, value: &str) {
        let patch = json!({ "metadata": { "annotations": { key: value } } });
        self.api().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    /// Replaces the status, as a restored backup or a forger would.
    pub async fn force_status(&self, name: &str, mut status: Value) {
        if status["observedGeneration"] != -1 {
            // A forger who knows the contract: it is not what these tests are about.
            status["conditions"] = json!([{
                "type": "Ready", "status": "Unknown", "reason": "Forged", "message": "forged",
                "observedGeneration": status["observedGeneration"], "lastTransitionTime": "2026-01-01T00:00:00Z",
            }]);
        }
        let mut object = self.get(name).await;
        object.status = serde_json::from_value(status).unwrap();
        object.metadata.managed_fields = None;
        self.api().replace_status(name, &PostParams::default(), &object).await.unwrap();
    }

    pub async fn delete(&self, name: &str) {
        self.api().delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub async fn get(&self, name: &str) -> ConnectUser {
        self.api().get(name).await.unwrap()
    }

    pub async fn secret(&self, name: &str, key: &str, value: &str) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { key: value },
        });
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        secrets.patch(name, &PatchParams::apply("test"), &Patch::Apply(secret)).await.unwrap();
    }

    /// Waits until the object satisfies `condition`.
    pub async fn until(&self, name: &str, what: &str, condition: impl Fn(&ConnectUser) -> bool) -> ConnectUser {
        let found = self
            .eventually(|| async { self.api().get_opt(name).await.unwrap().filter(|object| condition(object)) })
            .await;
        match found {
            Some(object) => object,
            None => {
                let object = self.api().get_opt(name).await.unwrap();
                panic!(
                    "{name} did not become {what}; it is {}\ncalls: {}\nlog:\n{}",
                    serde_json::to_string_pretty(&object.map(|object| (object.metadata.generation, object.status)))
                        .unwrap(),
                    self.operations().join(", "),
                    self.tail(),
                )
            }
        }
    }

    pub async fn ready(&self, name: &str) -> ConnectUser {
        self.until(name, "ready", |object| {
            let generation = object.metadata.generation;
            condition(object).is_some_and(|(status, _)| status == "True")
                && object.status.as_ref().and_then(|status| status.observed_generation) == generation
        })
        .await
    }

    /// The reason of a terminating object: its generation has moved with the deletion.
    pub async fn reason_while_deleting(&self, name: &str, wanted: &str) -> String {
        let object =
            self.until(name, wanted, |object| condition(object).is_some_and(|(_, reason)| reason == wanted)).await;
        assert!(object.metadata.deletion_timestamp.is_some());
        object.status.unwrap().conditions.into_iter().find(|condition| condition.type_ == "Ready").unwrap().message
    }

    /// Waits for a reason and returns the message.
    pub async fn reason(&self, name: &str, wanted: &str) -> String {
        let object = self
            .until(name, wanted, |object| {
                condition(object).is_some_and(|(_, reason)| reason == wanted)
                    && object.status.as_ref().and_then(|status| status.observed_generation)
                        == object.metadata.generation
            })
            .await;
        object.status.unwrap().conditions.into_iter().find(|condition| condition.type_ == "Ready").unwrap().message
    }

    pub async fn gone(&self, name: &str) {
        let gone = self.eventually(|| async { self.api().get_opt(name).await.unwrap().is_none().then_some(()) }).await;
        if gone.is_none() {
            let object = self.get(name).await;
            panic!("{name} is still there: {:?}\n{}", object.status, self.tail());
        }
    }

    /// Waits until `look` finds something.
    pub async fn eventually<T, F: Future<Output = Option<T>>>(&self, look: impl Fn() -> F) -> Option<T> {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        loop {
            if let Some(found) = look().await {
                return Some(found);
            }
            if tokio::time::Instant::now() > deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lets the operator do whatever it is about to do, and fails if the object's status or Connect changes
    /// meanwhile: what is settled stays settled.
    pub async fn settled(&self, name: &str) {
        let before = (self.get(name).await.resource_version(), self.writes().len());
        tokio::time::sleep(Duration::from_millis(700)).await;
        let after = (self.get(name).await.resource_version(), self.writes().len());
        assert_eq!(before, after, "{name} does not settle: {}\n{}", self.operations().join(", "), self.tail());
    }

    pub async fn events(&self, name: &str) -> Vec<(String, String)> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let all = events.list(&ListParams::default()).await.unwrap();
        all.items
            .into_iter()
            .filter(|event| event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(name))
            .map(|event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default()))
            .collect()
    }

    pub async fn event(&self, name: &str, reason: &str) -> String {
        let found = self
            .eventually(|| async {
                self.events(name).await.into_iter().find(|(found, _)| found == reason).map(|(_, note)| note)
            })
            .await;
        match found {
            Some(note) => note,
            None => panic!("no event {reason}: {:?}", self.events(name).await),
        }
    }
}

/// Status and reason of Ready.
pub fn condition(object: &ConnectUser) -> Option<(&str, &str)> {
    let conditions = &object.status.as_ref()?.conditions;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Some((&ready.status, &ready.reason))
}
