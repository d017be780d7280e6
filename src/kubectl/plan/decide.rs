//! What the operator would do for one object, decided by the operator's own code.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::aws::Catalogue;
use crate::connect::IdentityManagement;
use crate::plan::judge::{Judgement, judge};
use crate::plan::{Plan, diff};
use crate::policy::Rules;
use crate::policy::governing::{Refusal, permit_creation};
use crate::resource::condition::Reason;
use crate::resource::status::{Applied, DriftedField};
use crate::resource::user::{AdoptionPolicy, ConnectUserSpec, DriftPolicy};
use crate::resource::{OWNER_TAG, UID_TAG};
use crate::user::desired::DesiredUser;
use crate::user::ids::{HierarchyGroupId, Instance, RoutingProfileId, SecurityProfileId, UserId};
use crate::user::observed::ObservedUser;
use crate::user::ownership::{Field, Owned, Owner};
use crate::user::settings::{Settings, Slot, Value};

/// What would happen to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    /// It would be made.
    Create,
    /// It would be taken over, and changed where it differs.
    Adopt,
    /// It would be changed.
    Update,
    /// It is as declared.
    Nothing,
    /// The object forbids it for now.
    Wait,
    /// The operator would refuse.
    Refuse,
    /// The object goes, and its user with it.
    Delete,
    /// The object goes, and its user stays.
    Release,
}

/// One field that would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    /// Name of the field, as in `status.drift`.
    pub(super) field: String,
    /// What Connect has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    /// What is declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
    /// Whether the values are personal and left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) hidden: bool,
}

/// What would happen for one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Decision {
    pub(super) action: Action,
    /// Reason of the condition that the operator would show.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'static str>,
    /// Why, or what else is to be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
    /// Operations that would be called, in order.
    pub(super) calls: Vec<&'static str>,
    pub(super) changes: Vec<Change>,
}

impl Decision {
    /// Nothing is called, for a reason.
    pub(super) fn refused(reason: Reason, note: impl Into<String>) -> Self {
        Self::without_calls(Action::Refuse, reason, note)
    }

    pub(super) fn without_calls(action: Action, reason: Reason, note: impl Into<String>) -> Self {
        let reason = Some(reason.as_str());
        Self { action, reason, note: Some(note.into()), calls: Vec::new(), changes: Vec::new() }
    }

    /// The object is suspended.
    pub(super) fn suspended() -> Self {
        Self::without_calls(
            Action::Wait,
            Reason::Suspended,
            "nothing is written until spec.suspend and the annotation contactops.dev/suspend are gone",
        )
    }
}

impl From<Refusal> for Decision {
    fn from(refusal: Refusal) -> Self {
        Self::refused(refusal.reason, refusal.message)
    }
}

/// Everything that the decision about one object depends on.
pub(super) struct Case<'a> {
    pub(super) instance: &'a Instance,
    pub(super) rules: &'a Rules,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) spec: &'a ConnectUserSpec,
    pub(super) desired: DesiredUser,
    /// The marks that the object puts on its user; the uid is empty for one that is not made yet.
    pub(super) owner: Owner,
    /// The record of what the object has set.
    pub(super) applied: Option<&'a Applied>,
    /// Whether the operator has carried out this very spec before, so that what differs is drift.
    pub(super) is_applied: bool,
    /// Who keeps the instance's passwords.
    pub(super) management: Option<IdentityManagement>,
    /// The security profile Admin.
    pub(super) admin: Option<&'a SecurityProfileId>,
    pub(super) names: &'a Catalogue,
    pub(super) shows_personal: bool,
    /// Whether the object has a user by its status.
    pub(super) is_known: bool,
}

impl Case<'_> {
    /// Decides on a user that was found, or on the creation of one that was not.
    pub(super) fn decide(&self, observed: Option<&ObservedUser>) -> Decision {
        if let Err(denied) = self.rules.permit_profiles(self.namespace, &self.desired.security_profiles) {
            return Decision::refused(Reason::NotAllowed, denied.to_string());
        }
        // Without a user, and unless it is to be adopted, the operator creates first and looks only if the name is taken.
        if !self.is_known
            && self.spec.adoption_policy == AdoptionPolicy::Refuse
            && let Err(refusal) = permit_creation(self.spec, self.management, self.instance, self.namespace)
        {
            return refusal.into();
        }
        match observed {
            None => self.create(),
            Some(observed) => {
                let is_adopting = self.spec.adoption_policy == AdoptionPolicy::Adopt;
                match judge(&self.owner, self.instance, &self.desired.username, is_adopting, observed) {
                    Judgement::Ours | Judgement::OursByName { .. } => self.update(observed, Action::Update),
                    Judgement::Adoptable => {
                        let permitted = self.rules.permit_adoption(self.namespace, self.name, observed, self.admin);
                        match permitted {
                            Ok(()) => self.update(observed, Action::Adopt),
                            Err(denied) => Decision::refused(Reason::NotAllowed, denied.to_string()),
                        }
                    }
                    Judgement::Refused { reason, message } => Decision::refused(reason, message),
                }
            }
        }
    }

    fn create(&self) -> Decision {
        if let Err(refusal) = permit_creation(self.spec, self.management, self.instance, self.namespace) {
            return refusal.into();
        }
        let plan = diff::create(&self.desired, &self.owner, None);
        // Whatever is declared differs from nothing.
        let nobody = nobody(&self.desired);
        let differences = diff::update(&self.desired, &nobody, &Owned::default(), &self.owner).differences;
        self.planned(Action::Create, Plan { differences, ..plan }, &nobody)
    }

    fn update(&self, observed: &ObservedUser, action: Action) -> Decision {
        let is_of_directory =
            observed.directory_user_id.is_some() && self.management == Some(IdentityManagement::ExistingDirectory);
        let compared = if is_of_directory {
            observed.clone().without_directory_members(&self.desired.identity)
        } else {
            observed.clone()
        };
        let owned = self.applied.map_or_else(|| Owned::by(&self.desired), Owned::from_record);
        let plan = diff::update(&self.desired, &compared, &owned, &self.owner);
        let is_drift = action == Action::Update && self.is_applied;
        let is_reported = is_drift && self.spec.drift_policy == DriftPolicy::Report && !plan.is_empty();
        let is_stuck = self.desired.directory_user_id.is_some()
            && self.desired.directory_user_id != observed.directory_user_id
            && !owned.fields.contains(&Field::DirectoryUserId);
        let action = if plan.is_empty() { Action::Nothing } else { action };
        let mut decision = self.planned(action, plan, &compared);
        if is_reported {
            let note = "driftPolicy is Report: the differences are reported, nothing is written".to_owned();
            let (action, reason) = (Action::Wait, Some(Reason::Drifted.as_str()));
            return Decision { action, reason, note: Some(note), calls: Vec::new(), ..decision };
        }
        if is_stuck {
            decision.note = Some(
                "spec.directoryUserId cannot be set on a user that exists: the object would be InvalidSpec".to_owned(),
            );
        } else if is_drift && !decision.calls.is_empty() {
            decision.note = Some("somebody has changed the user past the object: this is put back".to_owned());
        }
        decision
    }

    fn planned(&self, action: Action, plan: Plan, observed: &ObservedUser) -> Decision {
        let Plan { calls, differences } = plan;
        let changes = differences.into_iter().map(|difference| self.change(difference, observed)).collect();
        if let Some(why) = self.rules.freeze.as_ref().filter(|_| !calls.is_empty()) {
            let note = format!("{why}, nothing is written");
            let (action, reason) = (Action::Wait, Some(Reason::Frozen.as_str()));
            return Decision { action, reason, note: Some(note), calls: Vec::new(), changes };
        }
        let calls = calls.iter().map(crate::plan::call::Call::operation).collect();
        Decision { action, reason: None, note: None, calls, changes }
    }

    /// A difference with names for ids, and personal values where they are wanted.
    fn change(&self, difference: DriftedField, observed: &ObservedUser) -> Change {
        let DriftedField { field, declared, observed: seen } = difference;
        let pair = |from, to, hidden| Change { field: field.clone(), from, to, hidden };
        match Field::parse(&field) {
            Some(Field::Identity(member)) => {
                let from = observed.identity.get(member).map(str::to_owned);
                let to = self.desired.identity.get(member).map(str::to_owned);
                if self.shows_personal { pair(from, to, false) } else { pair(None, None, true) }
            }
            Some(Field::Setting(Slot::PhoneNumber(channel))) => {
                let number = |settings: &Settings| settings.number(channel).map(str::to_owned);
                let (from, to) = (number(&observed.settings()), number(&self.desired.settings));
                if self.shows_personal { pair(from, to, false) } else { pair(None, None, true) }
            }
            Some(Field::Setting(slot)) => {
                let show = |value: &Value| match value {
                    // As it is written in the spec.
                    Value::Seconds(seconds) => seconds.to_string(),
                    value => serde_json::to_value(value).ok().map_or_else(String::new, |value| match value {
                        serde_json::Value::String(text) => text,
                        value => value.to_string(),
                    }),
                };
                let from = (!observed.username.as_str().is_empty()).then(|| show(&observed.settings().effective(slot)));
                pair(from, self.desired.settings.get(slot).map(show), false)
            }
            Some(Field::RoutingProfile) => {
                let show = |id: &RoutingProfileId| self.names.routing_profiles.show(id.as_str());
                pair(observed.routing_profile.as_ref().map(show), Some(show(&self.desired.routing_profile)), false)
            }
            Some(Field::SecurityProfiles) => {
                let show = |ids: &BTreeSet<SecurityProfileId>| {
                    let mut names: Vec<String> =
                        ids.iter().map(|id| self.names.security_profiles.show(id.as_str())).collect();
                    names.sort();
                    (!names.is_empty()).then(|| names.join(", "))
                };
                pair(show(&observed.security_profiles), show(&self.desired.security_profiles), false)
            }
            Some(Field::HierarchyGroup) => {
                let show = |id: &HierarchyGroupId| self.names.hierarchy_groups.show(id.as_str());
                let from = observed.hierarchy_group.as_ref().map(show);
                pair(from, self.desired.hierarchy_group.as_ref().map(show), false)
            }
            Some(Field::DirectoryUserId) | None => {
                // Known only when the object is made.
                let is_open = field == format!("tags[{UID_TAG}]") && self.owner.uid.is_empty();
                let declared = if is_open { Some("(uid of the object)".to_owned()) } else { declared };
                pair(seen, declared, false)
            }
        }
    }
}

/// A user that has nothing.
fn nobody(desired: &DesiredUser) -> ObservedUser {
    // Without a name, so that it cannot be taken for one that was observed.
    let username = crate::user::ids::Username::new("");
    ObservedUser {
        id: UserId::new(""),
        arn: String::new(),
        username,
        identity: crate::user::identity::Identity::default(),
        directory_user_id: desired.directory_user_id.clone(),
        routing_profile: None,
        security_profiles: BTreeSet::new(),
        hierarchy_group: None,
        phone_config: crate::user::settings::PhoneConfig::default(),
        lists: Settings::default(),
        tags: BTreeMap::new(),
        last_modified_time: None,
        proficiencies: Some(BTreeMap::new()),
    }
}

/// Whether a change is one of our own marks, which every adoption and creation sets.
pub(super) fn is_mark(change: &Change) -> bool {
    [OWNER_TAG, UID_TAG].iter().any(|tag| change.field == format!("tags[{tag}]"))
}
