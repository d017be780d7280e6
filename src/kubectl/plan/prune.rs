//! Objects of the cluster that the files no longer have, as if they were pruned: what becomes of their users.
//!
//! Told from the objects and their status alone. Before it deletes, the operator looks whether the user is still its own.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;

use super::Entry;
use super::decide::{Action, Decision};
use crate::kubectl::cluster::full_name;
use crate::kubectl::lint::count;
use crate::policy::governing::govern;
use crate::policy::{Brake, Rules, Tenancy};
use crate::resource::condition::Reason;
use crate::resource::instance::ConnectInstance;
use crate::resource::status::ConnectUserStatus;
use crate::resource::user::{ConnectUser, DeletionPolicy};
use crate::resource::{RELEASE_ANNOTATION, SUSPEND_ANNOTATION};
use crate::user::ids::{Instance, Username};

/// What goes, and into what world.
pub(super) struct Pruning<'a> {
    /// Objects that are not in the files.
    pub(super) gone: &'a [ConnectUser],
    pub(super) instances: &'a [ConnectInstance],
    pub(super) tenancy: Tenancy,
    /// That of the operator, for instances that have none of their own.
    pub(super) brake: Brake,
    /// What stays or comes.
    pub(super) planned: &'a [Entry],
    /// Those of them that adopt, as `namespace/name`.
    pub(super) adopters: BTreeSet<String>,
}

impl Pruning<'_> {
    /// What becomes of each, the instances that they are of, and what the brakes will say.
    pub(super) fn decide_all(&self) -> (Vec<Entry>, Vec<Instance>, Vec<String>) {
        let mut deletions: BTreeMap<Instance, (u32, Rules)> = BTreeMap::new();
        let entries = self.gone.iter().map(|user| {
            let namespace = user.namespace().unwrap_or_default();
            let governing = govern(self.instances, &namespace, &user.spec, self.tenancy, self.brake);
            let decision = match &governing {
                Ok(governing) => self.decide(user, &governing.instance, &governing.rules),
                Err(refusal) => held(format!("the user is not deleted: {}", refusal.message)),
            };
            let instance = governing.as_ref().ok().map(|governing| governing.instance.to_string());
            if let Ok(governing) = governing
                && decision.calls == DELETE
            {
                deletions.entry(governing.instance).or_insert((0, governing.rules)).0 += 1;
            }
            Entry {
                object: full_name(&user.metadata),
                file: None,
                username: user.spec.username.clone(),
                instance,
                decision,
            }
        });
        let entries: Vec<Entry> = entries.collect();
        let notes = deletions.iter().filter_map(|(instance, (number, rules))| {
            let Brake { most, window } = rules.brake;
            (*number > most).then(|| {
                format!(
                    "{} of instance {} would be deleted, and its brake lets {most} go within {} s: the others wait with \
                     reason DeletionHeld (kubectl connect release)",
                    count(usize::try_from(*number).unwrap_or(usize::MAX), "user"),
                    instance.id(),
                    window.as_secs(),
                )
            })
        });
        let notes = notes.collect();
        (entries, deletions.into_keys().collect(), notes)
    }

    fn decide(&self, user: &ConnectUser, instance: &Instance, rules: &Rules) -> Decision {
        let annotation = |name| user.annotations().get(name).map(String::as_str);
        let status = user.status.as_ref();
        if user.metadata.deletion_timestamp.is_some() {
            return Decision::without_calls(Action::Wait, Reason::Deleting, "the object is being deleted already");
        }
        if annotation(RELEASE_ANNOTATION) == Some("retain") {
            return gone(
                Action::Release,
                &[],
                "the user stays with its tags, as annotation contactops.dev/release-deletion asks",
            );
        }
        if user.spec.suspend || annotation(SUSPEND_ANNOTATION) == Some("true") {
            return held("suspended: the user is neither deleted nor let go until the object is resumed".to_owned());
        }
        if let Some(why) = &rules.freeze {
            return held(format!("{why}: the user is not deleted until that ends"));
        }
        if !status.is_some_and(ConnectUserStatus::may_have_user) && !user.has_lost_status() {
            return gone(Action::Release, &[], "no user was made for the object");
        }
        let twin = self.planned.iter().find(|entry| is_twin(entry, &instance.to_string(), &user.spec.username));
        match (twin, user.spec.deletion_policy) {
            (Some(heir), _) if self.adopters.contains(&heir.object) => {
                let note = format!("the user goes over to ConnectUser {}, which has its name", heir.object);
                gone(Action::Release, &HAND_OVER, &note)
            }
            (_, DeletionPolicy::Retain) => {
                gone(Action::Release, &["UntagResource"], "the user stays in Amazon Connect, as deletionPolicy says")
            }
            (Some(twin), DeletionPolicy::Delete) => {
                let note = format!(
                    "the user is deleted in Amazon Connect and another made for ConnectUser {}, which has its name: with \
                     adoptionPolicy Adopt there, it would keep the user",
                    twin.object
                );
                gone(Action::Delete, &DELETE, &note)
            }
            (None, DeletionPolicy::Delete) => gone(Action::Delete, &DELETE, "the user is deleted in Amazon Connect"),
        }
    }
}

/// Whether an object speaks of this user, and would have it if nobody else had.
fn is_twin(entry: &Entry, instance: &str, username: &str) -> bool {
    let Decision { action, reason, .. } = &entry.decision;
    entry.instance.as_deref() == Some(instance)
        && Username::new(&entry.username).same_user(&Username::new(username))
        && (*action != Action::Refuse || *reason == Some(Reason::OwnedByAnother.as_str()))
}

/// An object that was refused its user, for this very user belongs to one that goes, gets it, or one of its own.
pub(super) fn let_heirs_in(planned: &mut [Entry], going: &[Entry]) {
    for heir in planned.iter_mut().filter(|entry| entry.decision.action == Action::Refuse) {
        let is_before =
            |other: &&Entry| other.instance.as_deref().is_some_and(|instance| is_twin(heir, instance, &other.username));
        let Some(before) = going.iter().find(is_before) else { continue };
        if before.decision.calls == HAND_OVER {
            let note = format!("takes the user over from ConnectUser {}, which goes", before.object);
            heir.decision = gone(Action::Adopt, &[], &note);
        } else if before.decision.calls == DELETE {
            let note = format!("once the user of ConnectUser {} is deleted", before.object);
            heir.decision = gone(Action::Create, &["CreateUser"], &note);
        }
    }
}

const HAND_OVER: [&str; 1] = ["TagResource"];
const DELETE: [&str; 1] = ["DeleteUser"];

fn held(note: String) -> Decision {
    Decision::without_calls(Action::Wait, Reason::DeletionHeld, note)
}

fn gone(action: Action, calls: &[&'static str], note: &str) -> Decision {
    Decision { action, reason: None, note: Some(note.to_owned()), calls: calls.to_vec(), changes: Vec::new() }
}
