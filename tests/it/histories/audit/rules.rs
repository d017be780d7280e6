//! The rules themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::user::{AdoptionPolicy, DeletionPolicy};
use connect_user_operator::resource::{FINALIZER, OWNER_TAG, UID_TAG};
use harness::memory::Change;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use serde_json::Value;

use super::super::life::{Life, Version};
use super::{Audit, Call, IN_FLIGHT, Known, READ_BEFORE, Tags};
use crate::fixpoint::truth::declared;

type Verdict = Result<(), String>;

fn must(holds: bool, rule: &str) -> Verdict {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

fn mark<'a>(tags: &'a Tags, key: &str) -> Option<&'a str> {
    tags.get(key).map(String::as_str)
}

impl Audit {
    pub(super) fn judge(&self, call: &Call<'_>, now: Timestamp) -> Verdict {
        if call.record.operation == "CreateUser" { self.create(call, now) } else { self.change(call, now) }
    }

    fn create(&self, call: &Call<'_>, now: Timestamp) -> Verdict {
        let tags: Tags = serde_json::from_value(call.record.body["Tags"].clone()).unwrap_or_default();
        let uid = mark(&tags, UID_TAG).ok_or("a user is made without our marks")?;
        let life = self.lives.by_uid.get(uid).ok_or("a user is made for an object that never was")?;
        must(mark(&tags, OWNER_TAG) == Some(life.path.as_str()), "the owner mark of a new user is not its object's")?;
        let recent = || life.recent(now, IN_FLIGHT);
        must(life.was_there(now, IN_FLIGHT), "a user is made for an object that is gone")?;
        must(recent().any(|version| !version.is_terminating()), "a user is made for an object that is going")?;
        let held = |version: &Version| version.object.finalizers().iter().any(|finalizer| finalizer == FINALIZER);
        must(recent().any(held), "a user is made for an object that can go at once")?;
        let ahead = self.grace / 10 + IN_FLIGHT;
        let is_ahead = |version: &Version| {
            let status = version.object.status.as_ref();
            let attempt =
                status.and_then(|status| status.last_create_attempt_time.as_deref()?.parse::<Timestamp>().ok());
            attempt.is_some_and(|at| within(now, at, ahead))
        };
        must(recent().any(is_ahead), "the status does not say that a user is about to be made")?;
        let names_one = |version: &Version| {
            let id = version.object.status.as_ref().and_then(|status| status.user_id.as_ref());
            id.is_some_and(|id| call.before.iter().any(|user| user.id == *id))
        };
        must(!recent().all(&names_one), "a user is made for an object that has one, which exists")?;
        // A person who makes the status forget it leaves no condition.
        let conditions = |version: &Version| version.object.status.as_ref().map_or(0, |status| status.conditions.len());
        let versions: Vec<&Version> = recent().collect();
        let is_dropped = |pair: &[&Version]| names_one(pair[0]) && !names_one(pair[1]) && conditions(pair[1]) > 0;
        must(!versions.windows(2).any(is_dropped), "a user is given up that exists, and another is made")?;
        self.permitted(life, call, now)?;
        self.current_values(life, call, now)?;
        let theirs = call.after.iter().filter(|user| mark(&user.tags, UID_TAG) == Some(uid));
        must(theirs.count() <= 1, "an object has two users")
    }

    fn change(&self, call: &Call<'_>, now: Timestamp) -> Verdict {
        let (record, operation) = (call.record, call.record.operation.as_str());
        let user = record.user_id.clone().ok_or("a write to nobody")?;
        let known = self.known.get(&(call.operator.to_owned(), user.clone()));
        let known = known.filter(|known| within(now, known.at, READ_BEFORE));
        let known = known.ok_or("a write to a user whose tags were not looked at before")?;
        let life = self.whose(known, call, now)?;
        must(life.was_there(now, IN_FLIGHT), "a write for an object that is gone")?;
        let recent = || life.recent(now, IN_FLIGHT);
        self.permitted(life, call, now)?;

        // What is only done for an object that goes, and what only for one that stays.
        let takes_marks = operation == "UntagResource" && record.query.contains("contactops.dev");
        if operation == "DeleteUser" || takes_marks {
            must(recent().any(Version::is_terminating), "a user is taken from an object that is to stay")?;
            let policy = if takes_marks { DeletionPolicy::Retain } else { DeletionPolicy::Delete };
            must(
                recent().any(|version| version.spec().deletion_policy == policy),
                "a user is deleted or kept against the deletionPolicy",
            )?;
            let uid = life.last().object.metadata.uid.as_deref();
            must(
                mark(&known.tags, OWNER_TAG) == Some(life.path.as_str())
                    && (takes_marks || mark(&known.tags, UID_TAG) == uid),
                "a user is deleted or let go whose marks were not both ours",
            )?;
            let really = call.before.iter().find(|before| before.id == user);
            let was_touched = self.touched.get(&user).is_some_and(|at| within(now, *at, READ_BEFORE + self.lag));
            must(
                really.is_none_or(|really| was_touched || really.tags.get(UID_TAG) == known.tags.get(UID_TAG)),
                "a user is deleted or let go that is somebody else's",
            )?;
            // One that another operator has deleted meanwhile is taken from nobody.
            let is_there = really.is_some();
            return must(
                !is_there || self.heir(life, call, now).is_none(),
                "a user is taken away although an heir claims it",
            );
        }
        if recent().any(Version::is_terminating) && ["TagResource"].contains(&operation) {
            return Ok(());
        }
        must(recent().any(|version| !version.is_terminating()), "a user is changed for an object that is going")?;
        must(recent().any(owns_what_it_declares), "a user is changed before the status owns what the spec declares")?;
        self.current_values(life, call, now)
    }

    /// The object for which an operator that knows these tags may write.
    fn whose(&self, known: &Known, call: &Call<'_>, now: Timestamp) -> Result<&Life, String> {
        let (owner, uid) = (mark(&known.read, OWNER_TAG), mark(&known.read, UID_TAG));
        let by_uid = uid.and_then(|uid| self.lives.by_uid.get(uid));
        // It was marked for the successor of the object that it had, by a write that has been judged.
        let marked = mark(&known.tags, UID_TAG).filter(|marked| Some(*marked) != uid);
        let successor = marked.and_then(|marked| self.lives.by_uid.get(marked));
        if let Some(life) = successor.filter(|life| Some(life.path.as_str()) == owner && life.was_there(now, IN_FLIGHT))
        {
            return Ok(life);
        }
        if let Some(life) = by_uid.filter(|life| Some(life.path.as_str()) == owner && life.was_there(now, IN_FLIGHT)) {
            return Ok(life);
        }
        if let Some(owner) = owner {
            let found = self.lives.at_path(owner, now, IN_FLIGHT);
            let (new, life) = found.ok_or("a write to a user that is somebody else's by its tags")?;
            let holder = by_uid.filter(|_| uid != Some(new.as_str()));
            must(
                holder.is_none_or(|holder| holder.gone.is_some()),
                "a write to a user whose uid is that of another object, which is there",
            )?;
            return Ok(life);
        }
        // Nobody's: it is taken over by the object whose marks are written.
        let marks: Tags = match call.record.operation.as_str() {
            "TagResource" => serde_json::from_value(call.record.body["tags"].clone()).unwrap_or_default(),
            _ => known.tags.clone(),
        };
        let life = mark(&marks, UID_TAG).and_then(|uid| self.lives.by_uid.get(uid));
        let life = life.ok_or("a write to a user that is nobody's, without our marks")?;
        must(mark(&marks, OWNER_TAG) == Some(life.path.as_str()), "a user gets the marks of two objects")?;
        let adopts = |version: &Version| version.spec().adoption_policy == AdoptionPolicy::Adopt;
        must(life.recent(now, IN_FLIGHT).any(adopts), "a user is taken over against the adoptionPolicy")?;
        if let Some(rules) = self.rules_seen(call.operator, now) {
            must(
                rules.iter().all(|spec| spec["adoption"] == "Allowed"),
                "a user is taken over against a ConnectInstance",
            )?;
        }
        Ok(life)
    }

    /// Neither suspended, nor frozen, nor shut out, as far as the operator can have known.
    fn permitted(&self, life: &Life, call: &Call<'_>, now: Timestamp) -> Verdict {
        must(!life.recent(now, IN_FLIGHT).all(Version::is_suspended), "a write for an object that is suspended")?;
        let Some(rules) = self.rules_seen(call.operator, now) else { return Ok(()) };
        must(rules.len() < 2, "a write although two ConnectInstances speak of the instance")?;
        for spec in rules {
            must(spec["freeze"] != true, "a write to an instance that is frozen")?;
            let namespace = life.path.split('/').nth(1).unwrap_or_default();
            let allowed = spec["allowedNamespaces"].as_array().cloned().unwrap_or_default();
            must(
                allowed.iter().any(|glob| glob == "*" || glob == namespace),
                "a write for a namespace that is shut out",
            )?;
        }
        Ok(())
    }

    /// The ConnectInstances, if what they say was shown to the operator more than [`IN_FLIGHT`] ago.
    fn rules_seen(&self, operator: &str, now: Timestamp) -> Option<Vec<&Value>> {
        let shown = self.shown.get(operator)?;
        let long_ago = shown.iter().rev().find(|(at, ..)| !within(now, *at, IN_FLIGHT))?.1;
        if self.lives.instances.last().is_some_and(|record| long_ago < record.version) {
            return None;
        }
        let mut by_name = BTreeMap::new();
        for record in &self.lives.instances {
            let name = record.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            by_name.insert(name, (record.change != Change::Deleted).then(|| &record.object["spec"]));
        }
        Some(by_name.into_values().flatten().collect())
    }

    /// An object that is to have this user after `life`, and that the operator has long seen.
    fn heir(&self, life: &Life, call: &Call<'_>, now: Timestamp) -> Option<String> {
        let shown = self.shown.get(call.operator)?;
        let long_ago = shown.iter().rev().find(|(at, ..)| !within(now, *at, IN_FLIGHT))?.2;
        if !self.lives.instances.is_empty() {
            return None;
        }
        // The name that it has: whoever declares one that somebody has taken from it does not claim this user.
        let user = call.before.iter().find(|user| Some(&user.id) == call.record.user_id.as_ref());
        let username = user.map_or(&life.last().spec().username, |user| &user.username);
        let claims = |version: &Version| {
            version.spec().username.eq_ignore_ascii_case(username)
                && version.spec().adoption_policy == AdoptionPolicy::Adopt
                && !version.is_terminating()
                && version.object.finalizers().iter().any(|finalizer| finalizer == FINALIZER)
        };
        // To another namespace it goes by adoption, and administrators are not adopted.
        let is_admin =
            user.is_some_and(|user| user.security_profile_ids.iter().any(|profile| profile == m::SECURITY_ADMIN));
        let namespace = |life: &Life| life.path.split('/').nth(1).unwrap_or_default().to_owned();
        let may_have = |other: &Life| !is_admin || namespace(other) == namespace(life);
        let heirs = self.lives.living().filter(|(_, other)| other.path != life.path && may_have(other));
        let mut heirs = heirs.filter(|(_, other)| {
            let from = other.versions.iter().rposition(|version| version.number <= long_ago);
            from.is_some_and(|from| other.versions[from..].iter().all(claims))
        });
        heirs.next().map(|(_, heir)| heir.path.clone())
    }

    /// Address and security profiles are those that the spec declares, now or a moment ago.
    fn current_values(&self, life: &Life, call: &Call<'_>, now: Timestamp) -> Verdict {
        let body = &call.record.body;
        let says = |operation: &str| ["CreateUser", operation].contains(&call.record.operation.as_str());
        if says("UpdateUserIdentityInfo") {
            let email = body.pointer("/IdentityInfo/Email").and_then(Value::as_str);
            let declared = |version: &Version| {
                let identity = version.spec().identity_info.as_ref();
                identity.and_then(|identity| identity.email.as_deref()).is_none_or(|declared| Some(declared) == email)
            };
            must(
                life.recent(now, IN_FLIGHT).any(declared),
                "an e-mail address is written that no spec of late declares",
            )?;
        }
        if says("UpdateUserSecurityProfiles") {
            let ids: Vec<String> = serde_json::from_value(body["SecurityProfileIds"].clone()).unwrap_or_default();
            let ids: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
            let declared = |version: &Version| {
                let arns = version.spec().security_profile_arns.iter().flatten();
                arns.map(|arn| arn.rsplit('/').next().unwrap()).collect::<BTreeSet<_>>() == ids
            };
            must(
                life.recent(now, IN_FLIGHT).any(declared),
                "security profiles are written that no spec of late declares",
            )?;
        }
        Ok(())
    }
}

/// Written ahead: whoever comes after a crash must know what may be taken away again.
fn owns_what_it_declares(version: &Version) -> bool {
    let applied = version.object.status.as_ref().and_then(|status| status.applied.as_ref());
    let Some(applied) = applied else { return false };
    declared(version.spec()).keys().all(|name| match name.split_once('[') {
        Some(("tags", key)) => applied.tag_keys.iter().any(|owned| *owned == key.trim_end_matches(']')),
        Some(("userProficiencies", value)) => {
            applied.proficiencies.iter().any(|owned| owned.attribute_value == value.trim_end_matches(']'))
        }
        _ => applied.fields.contains(name),
    })
}

fn within(now: Timestamp, at: Timestamp, window: Duration) -> bool {
    now.duration_since(at) <= SignedDuration::try_from(window).unwrap()
}
