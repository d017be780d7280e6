//! Finds the user of a terminating object, by everything that may lead to it.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::connect::ConnectError;
use crate::controller::Context;
use crate::controller::governance::Governed;
use crate::controller::lookup::{Look, by_owner, by_username, in_list, look};
use crate::controller::subject::Subject;
use crate::inventory::marked::Marked;
use crate::inventory::sweep::Listed;
use crate::user::ids::{UserId, Username};

/// What there is.
pub(super) enum Found {
    /// The user.
    User(Box<Look>),
    /// Certainly none.
    Nothing,
    /// That cannot be told yet, for this reason.
    NotYet(String),
}

/// Looks for the user.
pub(super) async fn find(
    subject: &Subject<'_>,
    cx: &Context,
    governed: &Governed,
    username: &Username,
) -> Result<Found, ConnectError> {
    let (connect, instance) = (governed.connect.as_ref(), &governed.instance);
    let not_described =
        |id: &UserId| Found::NotYet(format!("user {username} ({id}) is listed, but not described at the moment"));
    let id = subject.status.user_id.as_deref().and_then(UserId::read);
    if let Some(id) = &id {
        if let Some(found) = take(cx, governed, id).await? {
            return Ok(found);
        }
    } else {
        if subject.status.may_have_user_since.is_some() {
            match by_owner(cx, connect, instance, &cx.owner(subject.object), false).await? {
                Marked::Seen(look) => return Ok(Found::User(look)),
                Marked::Hidden(id) => return Ok(not_described(&id)),
                Marked::Nowhere => {}
            }
        }
        if let Some(listed) = by_username(cx, connect, instance, username).await? {
            return Ok(take(cx, governed, &listed).await?.unwrap_or_else(|| not_described(&listed)));
        }
    }
    if !subject.status.may_have_user() {
        return Ok(Found::Nothing);
    }
    // Nothing to be seen. A user that was made moments ago may be invisible, so the grace comes first.
    if since_last_attempt(subject, cx.clock.now()).is_some_and(|since| since < cx.grace() + cx.grace() / 10) {
        return Ok(Found::NotYet(format!(
            "a creation of user {username} was tried moments ago: waiting until it is certain that none becomes visible"
        )));
    }
    Ok(match in_list(cx, connect, instance, id.as_ref(), username).await? {
        Listed::Nowhere | Listed::Empty => Found::Nothing,
        Listed::ById => Found::NotYet(format!("user {username} is listed, but not described at the moment")),
        Listed::ByName(listed) => take(cx, governed, &listed).await?.unwrap_or_else(|| not_described(&listed)),
    })
}

/// The user of this id, once nobody else deals with it; `None` where Connect does not show it.
async fn take(cx: &Context, governed: &Governed, id: &UserId) -> Result<Option<Found>, ConnectError> {
    let look = look(cx, governed.connect.as_ref(), &governed.instance, id, false).await?;
    Ok(look.map(|look| Found::User(Box::new(look))))
}

/// How long ago a user can have been made for the object, or given to it.
fn since_last_attempt(subject: &Subject<'_>, now: Timestamp) -> Option<SignedDuration> {
    let status = &subject.status;
    let times = [&status.last_create_attempt_time, &status.may_have_user_since];
    let last = times.into_iter().flatten().filter_map(|time| time.parse::<Timestamp>().ok()).max();
    last.map(|last| now.duration_since(last))
}
