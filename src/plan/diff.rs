//! What to write so that a user becomes as declared: three-way, field by field and key by key.
//!
//! - What the spec declares is compared and corrected.
//! - What the spec no longer declares but this object has set is returned to Connect's default.
//! - Everything else is not ours: it is neither compared nor touched, and preserved where Connect only
//!   takes whole blocks.
//!
//! The calls come in one order: first TagResource, because it carries the marks of ownership; then what
//! the person is and may do; then how they work; proficiencies are taken before new ones are given;
//! tags are removed last.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::call::{Call, NewUser, proficiency};
use crate::resource::status::{DriftedField, ProficiencyKey};
use crate::user::desired::DesiredUser;
use crate::user::identity::IdentityMember;
use crate::user::observed::ObservedUser;
use crate::user::ownership::{Field, Owned, Owner, is_ours};
use crate::user::password::Password;
use crate::user::settings::{PhoneConfig, Settings, Slot, Value};

/// The calls that make a user: one, and a second one if it has proficiencies.
pub fn create(desired: &DesiredUser, owner: &Owner, password: Option<Password>) -> Plan {
    let DesiredUser {
        username,
        directory_user_id,
        identity,
        routing_profile,
        security_profiles,
        hierarchy_group,
        phone_config,
        lists,
        settings: _,
        proficiencies,
        tags,
    } = desired;
    let mut tags = tags.clone();
    tags.extend(owner.tags());
    let mut calls = vec![Call::CreateUser(Box::new(NewUser {
        username: username.clone(),
        password,
        directory_user_id: directory_user_id.clone(),
        identity: identity.clone(),
        routing_profile: routing_profile.clone(),
        security_profiles: security_profiles.clone(),
        hierarchy_group: hierarchy_group.clone(),
        phone_config: phone_config.clone(),
        lists: lists.clone(),
        tags,
    }))];
    if !proficiencies.is_empty() {
        calls.push(Call::AssociateUserProficiencies { levels: proficiencies.clone() });
    }
    Plan { calls, differences: Vec::new() }
}

/// The calls that bring an existing user to what is declared; none if it is so already.
pub fn update(desired: &DesiredUser, observed: &ObservedUser, owned: &Owned, owner: &Owner) -> Plan {
    let mut plan = Plan::default();
    tag(&mut plan, desired, observed, owner);
    identity(&mut plan, desired, observed, owned);
    profiles(&mut plan, desired, observed, owned);
    settings(&mut plan, desired, observed, owned);
    proficiencies(&mut plan, desired, observed, owned);
    untag(&mut plan, desired, observed, owned);
    plan
}

/// Whether what the search index has of a user speaks of a difference. The index does not carry everything;
/// what it does not carry counts as declared.
pub fn is_suspect(desired: &DesiredUser, found: &ObservedUser, owned: &Owned, owner: &Owner) -> bool {
    let mut found = found.clone();
    for member in [IdentityMember::Email, IdentityMember::SecondaryEmail, IdentityMember::Mobile] {
        found.identity.set(member, desired.identity.get(member).map(str::to_owned));
    }
    found.proficiencies = Some(desired.proficiencies.clone());
    !found.username.same_user(&desired.username) || !update(desired, &found, owned, owner).is_empty()
}

/// The call that lets a user go without deleting it.
pub fn release(owner: &Owner) -> Call {
    Call::UntagResource { keys: owner.tags().into_keys().collect() }
}

fn differs(plan: &mut Plan, field: String, declared: Option<String>, observed: Option<String>) {
    plan.differences.push(DriftedField { field, declared, observed });
}

fn tag(plan: &mut Plan, desired: &DesiredUser, observed: &ObservedUser, owner: &Owner) {
    let mut wanted = desired.tags.clone();
    wanted.extend(owner.tags());
    let tags: BTreeMap<_, _> =
        wanted.into_iter().filter(|(key, value)| observed.tags.get(key) != Some(value)).collect();
    if tags.is_empty() {
        return;
    }
    for (key, value) in &tags {
        differs(plan, format!("tags[{key}]"), Some(value.clone()), observed.tags.get(key).cloned());
    }
    plan.calls.push(Call::TagResource { tags });
}

fn untag(plan: &mut Plan, desired: &DesiredUser, observed: &ObservedUser, owned: &Owned) {
    let keys: BTreeSet<_> = owned
        .tag_keys
        .iter()
        .filter(|key| !desired.tags.contains_key(*key) && observed.tags.contains_key(*key) && !is_ours(key))
        .cloned()
        .collect();
    if keys.is_empty() {
        return;
    }
    for key in &keys {
        differs(plan, format!("tags[{key}]"), None, observed.tags.get(key).cloned());
    }
    plan.calls.push(Call::UntagResource { keys });
}

fn identity(plan: &mut Plan, desired: &DesiredUser, observed: &ObservedUser, owned: &Owned) {
    let mut block = observed.identity.clone();
    let mut changed = false;
    for member in IdentityMember::ALL {
        let declared = desired.identity.get(member);
        let seen = observed.identity.get(member);
        let removed = declared.is_none() && owned.fields.contains(&Field::Identity(member)) && seen.is_some();
        if removed || (declared.is_some() && declared != seen) {
            block.set(member, declared.map(str::to_owned));
            // Names and addresses are personal: the field is named, the values are not.
            differs(plan, Field::Identity(member).to_string(), None, None);
            changed = true;
        }
    }
    if changed {
        plan.calls.push(Call::UpdateUserIdentityInfo { identity: block });
    }
}

fn profiles(plan: &mut Plan, desired: &DesiredUser, observed: &ObservedUser, owned: &Owned) {
    if desired.security_profiles != observed.security_profiles {
        let list = |ids: &BTreeSet<_>| Some(ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        let (declared, seen) = (list(&desired.security_profiles), list(&observed.security_profiles));
        differs(plan, Field::SecurityProfiles.to_string(), declared, seen);
        plan.calls.push(Call::UpdateUserSecurityProfiles { security_profiles: desired.security_profiles.clone() });
    }
    if Some(&desired.routing_profile) != observed.routing_profile.as_ref() {
        let seen = observed.routing_profile.as_ref().map(ToString::to_string);
        differs(plan, Field::RoutingProfile.to_string(), Some(desired.routing_profile.to_string()), seen);
        plan.calls.push(Call::UpdateUserRoutingProfile { routing_profile: desired.routing_profile.clone() });
    }
    let ours = desired.hierarchy_group.is_some() || owned.fields.contains(&Field::HierarchyGroup);
    if ours && desired.hierarchy_group != observed.hierarchy_group {
        let text = |group: &Option<_>| group.as_ref().map(ToString::to_string);
        let (declared, seen) = (text(&desired.hierarchy_group), text(&observed.hierarchy_group));
        differs(plan, Field::HierarchyGroup.to_string(), declared, seen);
        plan.calls.push(Call::UpdateUserHierarchy { hierarchy_group: desired.hierarchy_group.clone() });
    }
}

fn settings(plan: &mut Plan, desired: &DesiredUser, observed: &ObservedUser, owned: &Owned) {
    let seen = observed.settings();
    let released: Settings = owned
        .fields
        .iter()
        .filter_map(|field| match field {
            Field::Setting(slot) if desired.settings.get(*slot).is_none() => Some((*slot, slot.neutral())),
            _ => None,
        })
        .collect();
    // What this object answers for: declared values, and neutral ones where it has let go.
    let answered = desired.settings.clone().over(released);
    let changed: Vec<Slot> =
        answered.slots().filter(|slot| answered.effective(*slot) != seen.effective(*slot)).collect();
    if changed.is_empty() {
        return;
    }
    for slot in &changed {
        let show = |value: Option<Value>| match value {
            Some(Value::Number(_)) | None => None,
            Some(value) => Some(format!("{value:?}")),
        };
        differs(plan, slot.to_string(), show(answered.get(*slot).cloned()), show(Some(seen.effective(*slot))));
    }

    let target = answered.clone().over(seen);
    // The older call sets after contact work on all channels at once and would wipe per-channel values,
    // so it is used only where nobody, neither spec nor user, has any list. It has no certain way to take
    // a number away, either: one that is left out may be kept.
    let takes_number =
        changed.iter().any(|slot| matches!(slot, Slot::PhoneNumber(_)) && answered.effective(*slot) == slot.neutral());
    let no_lists = desired.lists.is_empty() && observed.lists.is_empty();
    let phone = (no_lists && !takes_number).then(|| PhoneConfig::expressing(&target)).flatten();
    plan.calls.push(match phone {
        Some(phone_config) => Call::UpdateUserPhoneConfig { phone_config: explicit(phone_config) },
        None => Call::UpdateUserConfig { settings: whole_lists(&target, &answered, &observed.phone_config.settings()) },
    });
}

/// Zero and off said out loud, because it is not documented whether a member that is left out is reset or kept.
fn explicit(phone: PhoneConfig) -> PhoneConfig {
    PhoneConfig {
        phone_type: Some(phone.phone_type.unwrap_or_default()),
        auto_accept: Some(phone.auto_accept.unwrap_or_default()),
        after_contact_work_time_limit: Some(phone.after_contact_work_time_limit.unwrap_or_default()),
        ..phone
    }
}

/// Every list that we answer for or that holds something, with every channel that has a value: a list
/// that is left out may be kept or cleared, a channel that is left out of a list likewise (neither is
/// documented), so what is to stay is sent again; also a neutral value that a PhoneConfig behind it contradicts.
fn whole_lists(target: &Settings, answered: &Settings, older: &Settings) -> Settings {
    let lists: BTreeSet<&str> = target
        .slots()
        .chain(older.slots())
        .filter(|slot| {
            let value = target.effective(*slot);
            answered.get(*slot).is_some() || value != slot.neutral() || value != older.effective(*slot)
        })
        .map(|slot| slot.path().0)
        .collect();
    target.slots().filter(|slot| lists.contains(slot.path().0)).map(|slot| (slot, target.effective(slot))).collect()
}

fn proficiencies(plan: &mut Plan, desired: &DesiredUser, observed: &ObservedUser, owned: &Owned) {
    let none = BTreeMap::new();
    let seen = observed.proficiencies.as_ref().unwrap_or(&none);
    let removed: BTreeSet<ProficiencyKey> = owned
        .proficiencies
        .iter()
        .filter(|key| !desired.proficiencies.contains_key(*key) && seen.contains_key(*key))
        .cloned()
        .collect();
    let (mut updated, mut added) = (BTreeMap::new(), BTreeMap::new());
    for (key, level) in &desired.proficiencies {
        match seen.get(key) {
            Some(seen) if seen == level => {}
            Some(_) => drop(updated.insert(key.clone(), *level)),
            None => drop(added.insert(key.clone(), *level)),
        }
    }
    for key in removed.iter().chain(updated.keys()).chain(added.keys()) {
        let text = |level: Option<&i32>| level.map(ToString::to_string);
        differs(plan, proficiency(key), text(desired.proficiencies.get(key)), text(seen.get(key)));
    }
    if !removed.is_empty() {
        plan.calls.push(Call::DisassociateUserProficiencies { keys: removed });
    }
    if !updated.is_empty() {
        plan.calls.push(Call::UpdateUserProficiencies { levels: updated });
    }
    if !added.is_empty() {
        plan.calls.push(Call::AssociateUserProficiencies { levels: added });
    }
}

#[cfg(test)]
mod tests;
