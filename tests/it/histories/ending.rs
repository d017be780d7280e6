//! What must be so when all is quiet.

use std::collections::BTreeSet;

use connect_simulator::User;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::user::{AdoptionPolicy, ConnectUser, DriftPolicy};
use connect_user_operator::resource::{OWNER_TAG, SUSPEND_ANNOTATION, UID_TAG};
use kube::ResourceExt;
use serde_json::Value;

use super::life::Life;
use super::world::World;
use crate::fixpoint::truth::{declared, facts};

/// What is wrong at the end of a history.
pub fn wrongs(world: &World) -> Vec<String> {
    let mut audit = world.audit.lock().unwrap();
    audit.read_on();
    let scene = Scene {
        users: world.simulator.users(m::ID),
        instances: world.server.objects("connectinstances").iter().map(|object| (**object).clone()).collect(),
        lives: audit.lives.living().map(|(_, life)| life).collect(),
        is_rarely_looked_at: world.is_rarely_looked_at(),
        blurred: audit.blurred.clone(),
    };
    let mut wrong = Vec::new();
    for life in &scene.lives {
        let object = &life.last().object;
        if let Err(what) = scene.judge(object) {
            let ready = condition(object);
            wrong.push(format!("{}: {what}; it says {ready:?}", life.path));
        }
    }
    // Nobody is left behind: a user with the uid of an object that is gone was let go by somebody's own hand.
    for user in &scene.users {
        let Some(life) = user.tags.get(UID_TAG).and_then(|uid| audit.lives.by_uid.get(uid)) else { continue };
        let released = life.versions.iter().any(|version| {
            version.object.annotations().get("contactops.dev/release-deletion").is_some_and(|value| value == "retain")
        });
        let is_ours = user.tags.get(OWNER_TAG) == Some(&life.path);
        if life.gone.is_some() && is_ours && !released {
            wrong.push(format!("{}: the object is gone and its user {} is left behind", life.path, user.username));
        }
    }
    for (uid, life) in audit.lives.living() {
        let theirs = scene.users.iter().filter(|user| user.tags.get(UID_TAG) == Some(uid));
        if theirs.count() > 1 {
            wrong.push(format!("{}: has two users", life.path));
        }
    }
    wrong
}

/// What was written after `version`, apart from when the users of an instance were listed.
pub fn late(world: &World, version: u64) -> Vec<String> {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        object["metadata"]["resourceVersion"].take();
        object["status"]["lastSweepTime"].take();
        // A sign of life and the time of the last listing.
        for report in object["status"]["operators"].as_array_mut().into_iter().flatten() {
            report["time"].take();
            report["lastSweepTime"].take();
        }
        object.to_string()
    };
    let (late, before): (Vec<_>, Vec<_>) =
        world.server.records_since(0).into_iter().partition(|record| record.version > version);
    let known: BTreeSet<String> = before
        .iter()
        .filter(|record| record.plural == "connectinstances")
        .map(|record| timeless(&record.object))
        .collect();
    late.iter().map(|record| timeless(&record.object)).filter(|object| !known.contains(object)).collect()
}

fn condition(object: &ConnectUser) -> Option<(String, String, String)> {
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Some((ready.status.clone(), ready.reason.clone(), ready.message.clone()))
}

struct Scene<'a> {
    users: Vec<User>,
    instances: Vec<Value>,
    lives: Vec<&'a Life>,
    /// Whether what neither listing nor index tell has not been looked at yet.
    is_rarely_looked_at: bool,
    /// Users that a person changed at the time of a write of the operator.
    blurred: BTreeSet<String>,
}

impl Scene<'_> {
    fn judge(&self, object: &ConnectUser) -> Result<(), String> {
        let must = |holds: bool, rule: &str| if holds { Ok(()) } else { Err(rule.to_owned()) };
        let spec = &object.spec;
        let suspended =
            spec.suspend || object.annotations().get(SUSPEND_ANNOTATION).is_some_and(|value| value == "true");
        let (ready, reason, _) = condition(object).ok_or("there is no Ready condition")?;
        let status = object.status.as_ref().unwrap();
        must(status.observed_generation == object.metadata.generation, "the last generation was not observed")?;
        if object.metadata.deletion_timestamp.is_some() {
            must(reason == "DeletionHeld", "it is going, and nothing is in the way")?;
            return must(
                suspended || self.is_frozen() || self.is_shut_out(object),
                "its deletion is held, and nothing is in the way",
            );
        }
        must(!suspended || reason == "Suspended", "it is suspended and does not say so")?;
        let path = format!("test/{}/{}", object.namespace().unwrap(), object.name_any());
        let uid = object.uid().unwrap();
        let named = self.users.iter().find(|user| user.username.eq_ignore_ascii_case(&spec.username));
        let its_own = status.user_id.as_ref().and_then(|id| self.users.iter().find(|user| user.id == *id));
        must(ready != "True" || suspended || its_own.is_some(), "it is ready and has no user")?;
        let is_ours = |user: &User| {
            user.tags.get(OWNER_TAG) == Some(&path) && user.tags.get(UID_TAG).is_some_and(|tag| *tag == uid)
        };
        let differs = |user: &User| {
            let facts = facts(user);
            let shows = |name: &str| !self.is_rarely_looked_at || !self.hides(user, name);
            let declared = declared(spec).into_iter();
            declared.filter(|(name, _)| shows(name)).find(|(name, value)| facts.get(name) != value.as_ref())
        };
        match reason.as_str() {
            "InSync" => {
                let user = named.ok_or("there is no user")?;
                must(is_ours(user), "the user is not marked as its own")?;
                must(status.user_id.as_deref() == Some(&user.id), "the status names another user")?;
                if let Some((name, value)) = differs(user) {
                    return Err(format!("{name} is not {value:?} but {:?}", facts(user).get(&name)));
                }
                let names = declared(spec);
                let owned = &status.applied.as_ref().ok_or("there is no record of what it owns")?.fields;
                let owned = owned.iter().find(|field| !names.contains_key(*field));
                must(owned.is_none(), &format!("{owned:?} is owned and not declared"))
            }
            "Suspended" => must(suspended, "it is not suspended"),
            "Frozen" => must(self.is_frozen(), "nothing is frozen"),
            "NotAllowed" => {
                let adopts = spec.adoption_policy == AdoptionPolicy::Adopt;
                let nobodys = named.is_some_and(|user| !user.tags.contains_key(OWNER_TAG));
                let admin =
                    named.is_some_and(|user| user.security_profile_ids.iter().any(|id| id == m::SECURITY_ADMIN));
                let forbidden = self.instances.iter().any(|instance| instance["spec"]["adoption"] == "Forbidden");
                let adoption = adopts && nobodys && (forbidden || admin);
                must(adoption || self.is_shut_out(object) || self.is_closing(), "nothing forbids it")
            }
            "UsernameTaken" => {
                let rivals = self.lives.iter().filter(|life| {
                    let other = &life.last();
                    !other.is_terminating()
                        && other.object.uid() != object.uid()
                        && other.spec().username.eq_ignore_ascii_case(&spec.username)
                });
                let nobodys = named.is_some_and(|user| !user.tags.contains_key(OWNER_TAG));
                must(
                    rivals.count() > 0 || (nobodys && spec.adoption_policy == AdoptionPolicy::Refuse),
                    "nobody else has the name",
                )
            }
            "OwnedByAnother" => must(named.is_some_and(|user| !is_ours(user)), "the user is nobody else's"),
            "Drifted" => {
                let renamed = status.user_id.as_ref().and_then(|id| self.users.iter().find(|user| user.id == *id));
                let renamed = renamed.is_some_and(|user| !user.username.eq_ignore_ascii_case(&spec.username));
                let differs =
                    named.is_none_or(|user| differs(user).is_some() || !is_ours(user) || !status.drift.is_empty());
                must(renamed || (spec.drift_policy == DriftPolicy::Report && differs), "nothing has drifted")
            }
            _ => Err("this is no reason to rest".to_owned()),
        }
    }

    /// Whether a difference in this field is found only by a look of its own: it is in no index, and the time that the
    /// listing has of the user may be that of a write of the operator.
    fn hides(&self, user: &User, name: &str) -> bool {
        const ADDRESSES: [&str; 3] = ["identityInfo.email", "identityInfo.secondaryEmail", "identityInfo.mobile"];
        name.starts_with("userProficiencies") || (self.blurred.contains(&user.id) && ADDRESSES.contains(&name))
    }

    fn is_frozen(&self) -> bool {
        self.instances.iter().any(|instance| instance["spec"]["freeze"] == true)
    }

    fn is_closing(&self) -> bool {
        self.instances.iter().any(|instance| instance.pointer("/metadata/deletionTimestamp").is_some())
    }

    fn is_shut_out(&self, object: &ConnectUser) -> bool {
        let namespace = object.namespace().unwrap();
        let admits = |instance: &Value| {
            let allowed = instance["spec"]["allowedNamespaces"].as_array().cloned().unwrap_or_default();
            allowed.iter().any(|glob| *glob == "*" || *glob == *namespace)
        };
        self.instances.len() > 1 || !self.instances.iter().all(admits)
    }
}
