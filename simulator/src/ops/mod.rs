//! The operations.

mod catalog;
mod config;
mod create;
mod criteria;
mod describe;
mod proficiencies;
mod quick_connects;
mod search;
mod tags;
mod update;

use crate::call::Call;
use crate::error::Refusal;
use crate::instance::{Instance, unknown_user};
use crate::route::Operation;
use crate::world::{World, bare};
use serde_json::Value;

/// The body of a success, if it has one.
pub(crate) type Answer = Result<Option<Value>, Refusal>;

/// Runs an operation.
pub(crate) fn run(world: &mut World, call: &Call) -> Answer {
    use Operation as O;
    call.check_query()?;
    match call.operation {
        O::CreateUser => create::create_user(world, call),
        O::DescribeUser => describe::describe_user(world, call),
        O::ListUsers => describe::list_users(world, call),
        O::SearchUsers => search::users(world, call),
        O::DeleteUser => describe::delete_user(world, call),
        O::UpdateUserIdentityInfo => update::identity_info(world, call),
        O::UpdateUserPhoneConfig => config::phone_config(world, call),
        O::UpdateUserConfig => config::config(world, call),
        O::UpdateUserRoutingProfile => update::routing_profile(world, call),
        O::UpdateUserSecurityProfiles => update::security_profiles(world, call),
        O::UpdateUserHierarchy => update::hierarchy(world, call),
        O::AssociateUserProficiencies => proficiencies::associate(world, call),
        O::UpdateUserProficiencies => proficiencies::update(world, call),
        O::DisassociateUserProficiencies => proficiencies::disassociate(world, call),
        O::ListUserProficiencies => proficiencies::list(world, call),
        O::TagResource => tags::tag(world, call),
        O::UntagResource => tags::untag(world, call),
        O::ListTagsForResource => tags::list(world, call),
        O::DescribeInstance => catalog::describe_instance(world, call),
        O::ListRoutingProfiles => catalog::list_routing_profiles(world, call),
        O::SearchRoutingProfiles => search::routing_profiles(world, call),
        O::DescribeRoutingProfile => catalog::describe_routing_profile(world, call),
        O::ListSecurityProfiles => catalog::list_security_profiles(world, call),
        O::SearchSecurityProfiles => search::security_profiles(world, call),
        O::ListUserHierarchyGroups => catalog::list_groups(world, call),
        O::SearchUserHierarchyGroups => search::groups(world, call),
        O::DescribeUserHierarchyGroup => catalog::describe_group(world, call),
        O::ListQuickConnects => quick_connects::list(world, call),
        O::SearchQuickConnects => quick_connects::search(world, call),
        O::DescribeQuickConnect => quick_connects::describe(world, call),
        O::DeleteQuickConnect => quick_connects::delete(world, call),
    }
}

/// The bare id of the user in the path; whether it exists is for the caller to find out.
fn user_id<'a>(instance: &Instance, call: &'a Call) -> Result<&'a str, Refusal> {
    let raw = call.label("UserId");
    bare(instance, "agent", raw).ok_or_else(|| unknown_user(raw))
}

/// The bare id of a user that exists, whether or not a lagging read would see it.
fn existing_user(instance: &Instance, call: &Call) -> Result<String, Refusal> {
    let id = user_id(instance, call)?;
    instance.stored(id).map(|_| id.to_owned()).ok_or_else(|| unknown_user(id))
}
