//! Finds users in Connect when the id is not known or not answered to.

use std::borrow::Borrow;

use tokio::time::Instant;

use super::exclusive::Held;
use super::{Context, turn};
use crate::connect::{Connect, ConnectError, observe, proficiencies};
use crate::inventory::marked::{self, Marked};
use crate::inventory::sweep::Listed;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;
use crate::user::ownership::Owner;

/// A user as it was read, which nobody else deals with for as long as this lives.
pub(super) struct Look {
    pub(super) user: ObservedUser,
    /// When it was described, tags and all: what is read besides may wait long for its turn.
    at: Instant,
    _held: Held,
}

impl Look {
    /// Whether the user is still as it was described, if that was long ago: somebody may have changed it, or its
    /// owner, while we waited.
    pub(super) async fn is_outdated(&self, connect: &dyn Connect, instance: &Instance) -> Result<bool, ConnectError> {
        if self.at.elapsed() < turn::LONG {
            return Ok(false);
        }
        let now = observe(connect, instance, &self.user.id, false).await?;
        Ok(now != Some(ObservedUser { proficiencies: None, ..self.user.clone() }))
    }
}

impl Borrow<ObservedUser> for Look {
    fn borrow(&self) -> &ObservedUser {
        &self.user
    }
}

/// Looks at a user in order to do something about it, when nobody else does; `None` where Connect does not show it.
pub(super) async fn look(
    cx: &Context,
    connect: &dyn Connect,
    instance: &Instance,
    user: &UserId,
    with_proficiencies: bool,
) -> Result<Option<Look>, ConnectError> {
    let held = cx.exclusive.take(instance, user).await;
    let Some(mut user) = observe(connect, instance, user, false).await? else { return Ok(None) };
    let at = Instant::now();
    if with_proficiencies {
        user.proficiencies = Some(proficiencies(connect, instance, &user.id).await?);
    }
    Ok(Some(Look { user, at, _held: held }))
}

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

/// Finds a user by the mark of its object, in order to do something about it.
pub(super) async fn by_owner(
    cx: &Context,
    connect: &dyn Connect,
    instance: &Instance,
    owner: &Owner,
    with_proficiencies: bool,
) -> Result<Marked<Look>, ConnectError> {
    let look = |id| async move { look(cx, connect, instance, &id, with_proficiencies).await };
    marked::by_owner(connect, instance, owner, look).await
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
