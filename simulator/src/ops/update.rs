//! UpdateUserIdentityInfo, -RoutingProfile, -SecurityProfiles, -Hierarchy.

use super::{Answer, existing_user};
use crate::call::Call;
use crate::modified::Change;
use crate::user::{IdentityInfo, User};
use crate::validate::ensure;
use crate::world::World;
use crate::{references, validate};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct IdentityRequest {
    identity_info: IdentityInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RoutingRequest {
    routing_profile_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SecurityRequest {
    security_profile_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct HierarchyRequest {
    hierarchy_group_id: Option<String>,
}

/// Applies a change to the user of the call.
pub(crate) fn change(world: &mut World, call: &Call, change: Change, apply: impl FnOnce(&mut User)) -> Answer {
    let context = (world.switches, world.lag, call.now);
    let instance = world.instance_mut(call)?;
    let id = existing_user(instance, call)?;
    instance.change(&id, change, context, apply)?;
    Ok(None)
}

pub(crate) fn identity_info(world: &mut World, call: &Call) -> Answer {
    let switches = world.switches;
    let instance = world.instance(call)?;
    let id = existing_user(instance, call)?;
    let asked = call.shape::<IdentityRequest>()?.identity_info;
    let by_directory = instance.identity_management_type == "EXISTING_DIRECTORY";
    ensure(
        !by_directory || (asked.first_name.is_none() && asked.last_name.is_none() && asked.email.is_none()),
        "FirstName, LastName and Email are managed by the directory.",
    )?;
    let empty = [&asked.secondary_email, &asked.mobile].into_iter().any(|member| member.as_deref() == Some(""));
    ensure(!(empty && switches.identity_empty_string_refused), "SecondaryEmail and Mobile must not be empty.")?;
    let old = instance.stored(&id).map(|stored| stored.user.identity_info.clone());
    let old = old.filter(|_| by_directory || !switches.identity_absent_clears).unwrap_or_default();
    let set = |new: Option<String>, old: Option<String>| new.or(old).filter(|text| !text.is_empty());
    let block = IdentityInfo {
        first_name: set(asked.first_name, old.first_name),
        last_name: set(asked.last_name, old.last_name),
        email: set(asked.email, old.email),
        secondary_email: set(asked.secondary_email, old.secondary_email),
        mobile: set(asked.mobile, old.mobile),
    };
    validate::identity(instance, &block, switches)?;
    change(world, call, Change::Attributes, |user| user.identity_info = block)
}

pub(crate) fn routing_profile(world: &mut World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    existing_user(instance, call)?;
    let id = references::routing_profile(instance, &call.shape::<RoutingRequest>()?.routing_profile_id)?;
    change(world, call, Change::Attributes, |user| user.routing_profile_id = id)
}

pub(crate) fn security_profiles(world: &mut World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    existing_user(instance, call)?;
    let ids = references::security_profiles(instance, &call.shape::<SecurityRequest>()?.security_profile_ids)?;
    change(world, call, Change::Attributes, |user| user.security_profile_ids = ids)
}

pub(crate) fn hierarchy(world: &mut World, call: &Call) -> Answer {
    let keeps = world.switches.hierarchy_empty_body_keeps;
    let instance = world.instance(call)?;
    existing_user(instance, call)?;
    let asked = call.shape::<HierarchyRequest>()?.hierarchy_group_id;
    let group = asked.map(|raw| references::group(instance, &raw)).transpose()?;
    change(world, call, Change::Attributes, |user| {
        if group.is_some() || !keeps {
            user.hierarchy_group_id = group;
        }
    })
}
