//! Finds users in Connect when the id is not known or not answered to.

use super::Context;
pub(super) use crate::connect::observe;
use crate::connect::{Connect, ConnectError};
use crate::inventory::sweep::Listed;
use crate::resource::OWNER_TAG;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::ownership::Owner;

/// Finds a user by name: first in the search index, which costs one call but is spelling-exact and may
/// lag, then in the whole list, one call per thousand users.
pub(super) async fn by_username(
    cx: &Context,
    connect: &dyn Connect,
    instance: &Instance,
    username: &Username,
) -> Result<Option<UserId>, ConnectError> {
    let hits = connect.search_username(instance, username).await?;
    if let Some(hit) = hits.into_iter().find(|hit| hit.username.same_user(username)) {
        return Ok(Some(hit.id));
    }
    Ok(match cx.inventory.find(connect, instance, None, username, cx.clock.now()).await? {
        Listed::ByName(id) => Some(id),
        Listed::Empty | Listed::Nowhere | Listed::ById => None,
    })
}

/// Finds a user by the mark of its object, for an object whose status is lost: somebody may have given the user
/// another name. An index, so not to find one proves nothing.
pub(super) async fn by_owner(
    connect: &dyn Connect,
    instance: &Instance,
    owner: &Owner,
) -> Result<Option<UserId>, ConnectError> {
    let hits = connect.search_tag(instance, OWNER_TAG, &owner.path).await?;
    Ok(hits.into_iter().next().map(|hit| hit.id))
}

/// Finds a user by name in the list of all users, of which one that was read before serves as well: thousands who
/// ask one after the other share it. What it does not have may have been made since.
pub(super) async fn in_some_list(
    cx: &Context,
    connect: &dyn Connect,
    instance: &Instance,
    username: &Username,
) -> Result<Option<UserId>, ConnectError> {
    if let Some(id) = cx.inventory.known(instance, username) {
        return Ok(Some(id));
    }
    Ok(match cx.inventory.find(connect, instance, None, username, cx.clock.now()).await? {
        Listed::ByName(id) => Some(id),
        Listed::Empty | Listed::Nowhere | Listed::ById => None,
    })
}

/// Looks for id and name in the list of all users. The instance must answer DescribeInstance first, or a
/// 404 may be about the instance.
pub(super) async fn in_list(
    cx: &Context,
    connect: &dyn Connect,
    instance: &Instance,
    user: Option<&UserId>,
    username: &Username,
) -> Result<Listed, ConnectError> {
    connect.describe_instance(instance).await?;
    cx.inventory.find(connect, instance, user, username, cx.clock.now()).await
}
