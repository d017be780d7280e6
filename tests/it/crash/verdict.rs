//! What must hold when a run is over, whatever happened on the way.

use std::collections::{BTreeMap, BTreeSet};

use connect_simulator::User;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::{FINALIZER, MANAGED_BY_LABEL, OWNER_TAG, UID_TAG};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::trial::Trial;
use crate::support::{CLUSTER, PlaneFault};

/// The end of a run in words that do not depend on the run: users in full by name, quick connects, and the
/// status of every object.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub users: Value,
    pub objects: Value,
}

impl Trial {
    /// How it ended.
    pub async fn outcome(&self) -> Outcome {
        let mut objects = BTreeMap::new();
        for (name, _) in &self.scenario.ends {
            let object = self.stage.api().get_opt(name).await.unwrap();
            let told = object.map(|object| {
                let finalizers = object.finalizers().to_vec();
                json!({ "status": object.status, "finalizers": finalizers, "generation": object.metadata.generation })
            });
            objects.insert((*name).to_owned(), self.plain(&json!(told)));
        }
        let mut users = self.plain_users(&self.users());
        users["quick connects"] = self.quick_connects();
        Outcome { users, objects: json!(objects) }
    }

    /// Everything that is wrong; `undisturbed` is how the scenario ends when nothing happens on the way.
    pub async fn wrongs(&self, undisturbed: Option<&Outcome>) -> Vec<String> {
        let mut wrong = self.habitat.trespasses.found();
        let outcome = self.outcome().await;
        for (pointer, wanted) in &self.scenario.wants {
            let found = outcome.users.pointer(pointer).unwrap_or(&Value::Null);
            if found != wanted {
                wrong.push(format!("{pointer} is {found}, not {wanted}"));
            }
        }
        if let Some(undisturbed) = undisturbed.filter(|undisturbed| **undisturbed != outcome) {
            let sides = [(&outcome.users, &undisturbed.users), (&outcome.objects, &undisturbed.objects)];
            for (ended, wanted) in sides {
                for (name, wanted) in wanted.as_object().unwrap() {
                    if ended[name] != *wanted {
                        wrong.push(format!("{name} ended as\n{}\nand undisturbed as\n{wanted}", ended[name]));
                    }
                }
            }
            wrong.push("it ended otherwise than undisturbed".to_owned());
        }
        self.strangers_are_as_before(&mut wrong);
        self.there_are_no_orphans(&mut wrong).await;
        self.passwords_are_kept(&mut wrong).await;
        self.deletions_are_counted(&mut wrong).await;
        self.ready_was_true_only_when_it_was(&outcome, &mut wrong);
        wrong
    }

    fn strangers_are_as_before(&self, wrong: &mut Vec<String>) {
        let users = self.users();
        for stranger in &self.strangers {
            if !users.contains(stranger) {
                wrong.push(format!("{} was touched", stranger.username));
            }
        }
    }

    /// A password was sent only when it stood in the Secret for good: one that is made is written once.
    async fn passwords_are_kept(&self, wrong: &mut Vec<String>) {
        let secrets: Api<Secret> = Api::namespaced(self.stage.client.clone(), &self.stage.namespace);
        let secrets = secrets.list(&ListParams::default()).await.unwrap().items;
        let made: Vec<_> = secrets
            .iter()
            .filter(|secret| secret.labels().contains_key(MANAGED_BY_LABEL))
            .map(ResourceExt::name_any)
            .collect();
        let wanted: Vec<_> = self.scenario.makes.into_iter().map(str::to_owned).collect();
        if made != wanted {
            wrong.push(format!("the Secrets {made:?} were made, not {wanted:?}"));
        }
        let written = self.habitat.confidences.written.lock().unwrap().clone();
        if written.len() > wanted.len() {
            wrong.push(format!("Secrets were written again: {written:?}"));
        }
        let name = self.scenario.makes.unwrap_or("password");
        let kept = secrets.iter().find(|secret| secret.name_any() == name).and_then(|secret| secret.data.clone());
        let kept = kept.and_then(|data| data.get("password").cloned()).map(|value| value.0);
        let sent = self.habitat.confidences.sent.lock().unwrap().clone();
        if sent.iter().any(|sent| Some(sent.as_bytes()) != kept.as_deref()) {
            wrong.push(format!("a password was sent to Connect that Secret {name} does not hold"));
        }
    }

    /// Every deletion was counted, and none more than once in a life, unless nobody heard that it was counted.
    async fn deletions_are_counted(&self, wrong: &mut Vec<String>) {
        let maps: Api<ConfigMap> = Api::namespaced(self.stage.client.clone(), &self.stage.namespace);
        let map = maps.get_opt("connect-user-operator-deletions").await.unwrap();
        let data = map.and_then(|map| map.data).unwrap_or_default();
        let minutes = data.iter().filter(|(key, _)| key.ends_with(&self.habitat.instance_id));
        let minutes = minutes.map(|(_, text)| serde_json::from_str::<BTreeMap<String, usize>>(text).unwrap());
        let counted: usize = minutes.map(|minutes| minutes.values().sum::<usize>()).sum();
        let left: BTreeSet<String> = self.users().into_iter().map(|user| user.id).collect();
        let calls = self.stage.calls();
        let calls = calls.iter().filter(|call| call.operation == "DeleteUser").filter_map(|call| call.user_id.clone());
        let deleted = calls.filter(|id| !left.contains(id)).collect::<BTreeSet<String>>().len();
        let faults = self.habitat.plane_faults.lock().unwrap().clone();
        let lost =
            faults.iter().filter(|fault| fault.fault == PlaneFault::LoseAnswer).map(|fault| fault.struck as usize);
        let most = deleted * (self.lives().max(1) + lost.sum::<usize>());
        if !self.is_real && !(deleted..=most).contains(&counted) {
            wrong.push(format!(
                "{deleted} users were deleted and {counted} deletions counted, at most {most} are right"
            ));
        }
    }

    /// Every user that carries our marks has its object, and every object its finalizer.
    async fn there_are_no_orphans(&self, wrong: &mut Vec<String>) {
        let home = format!("{CLUSTER}/{}/", self.stage.namespace);
        for user in self.users() {
            let Some(name) = user.tags.get(OWNER_TAG).and_then(|owner| owner.strip_prefix(&home)) else { continue };
            let object = self.stage.api().get_opt(name).await.unwrap();
            let uid = object.as_ref().and_then(ResourceExt::uid);
            if uid.is_none() || uid.as_ref() != user.tags.get(UID_TAG) {
                wrong.push(format!("user {} is an orphan: {:?}", user.username, user.tags));
            }
            if object.is_some_and(|object| !object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)) {
                wrong.push(format!("ConnectUser {name} has a user and no finalizer"));
            }
        }
    }

    /// When a status said Ready for the last generation, the user was already as it is at the end.
    fn ready_was_true_only_when_it_was(&self, outcome: &Outcome, wrong: &mut Vec<String>) {
        let told = self.habitat.statuses.lock().unwrap().clone();
        for told in told.into_iter().skip(self.told_before) {
            let object = &outcome.objects[&told.object];
            let is_last = told.status["observedGeneration"] == object["generation"];
            let conditions = told.status["conditions"].as_array().cloned().unwrap_or_default();
            let is_ready = conditions.iter().any(|c| c["type"] == "Ready" && c["status"] == "True");
            if !(is_last && is_ready) {
                continue;
            }
            let id = told.status["userId"].as_str().unwrap_or_default();
            let then = told.users.iter().find(|user| user.id == id).map(|user| user.username.clone());
            let Some(username) = then else {
                wrong.push(format!("{} was called ready without a user", told.object));
                continue;
            };
            let (then, now) = (&self.plain_users(&told.users)[&username], &outcome.users[&username]);
            if then != now {
                wrong
                    .push(format!("{} was called ready when its user was\n{then:#}\ninstead of\n{now:#}", told.object));
            }
        }
    }

    /// Users by name, in words that are the same in every run.
    fn plain_users(&self, users: &[User]) -> Value {
        let named: BTreeMap<&str, &User> = users.iter().map(|user| (user.username.as_str(), user)).collect();
        self.plain(&json!(named))
    }

    fn quick_connects(&self) -> Value {
        let state = self.stage.simulator.state();
        let instances = state["instances"].as_array().unwrap();
        let instance = instances.iter().find(|instance| instance["id"] == self.habitat.instance_id.as_str()).unwrap();
        instance["quickConnects"].as_array().unwrap().iter().map(|quick| quick["name"].clone()).collect()
    }

    /// Ids, namespace and uids by what they stand for, and without times.
    fn plain(&self, value: &Value) -> Value {
        let mut text = value.to_string().replace(&self.stage.namespace, "NAMESPACE");
        text = text.replace(&self.habitat.instance_id, m::ID);
        for (name, uid) in &self.uids {
            text = text.replace(uid, &format!("UID of {name}"));
        }
        for (username, id) in &self.first_ids {
            text = text.replace(id, &format!("first ID of {username}"));
        }
        for user in self.users() {
            text = text.replace(&user.id, &format!("new ID of {}", user.username));
        }
        let mut value: Value = serde_json::from_str(&text).unwrap();
        timeless(&mut value);
        value
    }
}

fn timeless(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                // Which version of the Secret was read belongs to the stage, and after a crash may not be known.
                !name.to_lowercase().ends_with("time") && name != "passwordSecret"
            });
            members.values_mut().for_each(timeless);
        }
        Value::Array(items) => items.iter_mut().for_each(timeless),
        _ => {}
    }
}
