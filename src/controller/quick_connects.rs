//! Quick connects to a user that is gone: Connect leaves them dangling, where they count against the quota
//! and break transfers.

use crate::connect::{Connect, ConnectError, Kind, all_pages};
use crate::plan::call::Call;
use crate::user::ids::{Instance, UserId};

/// Removes the quick connects of type USER that point to `user`; how many there were.
pub(super) async fn remove(connect: &dyn Connect, instance: &Instance, user: &UserId) -> Result<usize, ConnectError> {
    let dangling = pointing_to(connect, instance, user).await?;
    let mut doubtful = None;
    for id in &dangling {
        let call = Call::DeleteQuickConnect { id: id.clone() };
        match connect.write(instance, None, &call).await {
            Ok(_) => tracing::info!(%call, "called amazon connect"),
            Err(error) if error.kind == Kind::NotFound => doubtful = Some((id, error)),
            Err(error) => return Err(error),
        }
    }
    // One 404 does not prove that it is gone.
    if let Some((id, error)) = doubtful
        && pointing_to(connect, instance, user).await?.contains(id)
    {
        return Err(error);
    }
    Ok(dangling.len())
}

async fn pointing_to(connect: &dyn Connect, instance: &Instance, user: &UserId) -> Result<Vec<String>, ConnectError> {
    let all = all_pages(|token| connect.search_quick_connects(instance, token)).await?;
    Ok(all
        .into_iter()
        .filter(|quick_connect| quick_connect.user.as_ref() == Some(user))
        .map(|quick_connect| quick_connect.id)
        .collect())
}
