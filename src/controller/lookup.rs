//! Finds users in Connect when the id is not known or not answered to.

use crate::connect::{Connect, ConnectError, Kind, ListedUser, all_pages, proficiencies};
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// Reads a user, with its proficiencies where they matter; `None` where Connect does not show it.
pub(super) async fn observe(
    connect: &dyn Connect,
    instance: &Instance,
    user: &UserId,
    with_proficiencies: bool,
) -> Result<Option<ObservedUser>, ConnectError> {
    let mut observed = match connect.describe_user(instance, user).await {
        Ok(observed) => observed,
        Err(error) if error.kind == Kind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if with_proficiencies {
        observed.proficiencies = Some(proficiencies(connect, instance, user).await?);
    }
    Ok(Some(observed))
}

/// Finds a user by name: first in the search index, which costs one call but is spelling-exact and may
/// lag, then in the whole list, one call per thousand users.
pub(super) async fn by_username(
    connect: &dyn Connect,
    instance: &Instance,
    username: &Username,
) -> Result<Option<ListedUser>, ConnectError> {
    let hits = connect.search_username(instance, username).await?;
    if let Some(hit) = hits.into_iter().find(|hit| hit.username.same_user(username)) {
        return Ok(Some(hit));
    }
    let listed = all_pages(|token| connect.list_users(instance, token)).await?;
    Ok(listed.into_iter().find(|listed| listed.username.same_user(username)))
}

/// What the list of all users says about a user that DescribeUser does not know.
pub(super) enum Listed {
    /// There is no user at all. An instance has at least an administrator, so this is not believed.
    Empty,
    /// Neither its id nor its name: it is gone.
    Nowhere,
    /// Its id is listed: it exists and is not visible everywhere yet.
    ById,
    /// Its name is listed under another id.
    ByName(ListedUser),
}

/// Looks for id and name in the list of all users. The instance must answer DescribeInstance first, or a
/// 404 may be about the instance.
pub(super) async fn in_list(
    connect: &dyn Connect,
    instance: &Instance,
    user: Option<&UserId>,
    username: &Username,
) -> Result<Listed, ConnectError> {
    connect.describe_instance(instance).await?;
    let listed = all_pages(|token| connect.list_users(instance, token)).await?;
    if listed.is_empty() {
        return Ok(Listed::Empty);
    }
    if listed.iter().any(|listed| Some(&listed.id) == user) {
        return Ok(Listed::ById);
    }
    Ok(listed.into_iter().find(|listed| listed.username.same_user(username)).map_or(Listed::Nowhere, Listed::ByName))
}
