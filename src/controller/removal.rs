//! The straight line for a terminating object: find the user, make sure that it is ours, delete it or let
//! it go, and only then remove the finalizer. Nothing in spec or status is trusted for this: the user is
//! read by id and its tags decide.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;

use super::execute::{Executed, execute};
use super::lookup::{Listed, by_username, in_list, observe};
use super::redact::Redactor;
use super::siblings::{self, Sibling};
use super::subject::{PublishError, Subject};
use super::sync::since_attempt;
use super::{Context, verdict};
use crate::connect::{ConnectError, Kind};
use crate::plan::call::Call;
use crate::plan::diff;
use crate::plan::report::{Next, Outcome, Story};
use crate::resource::condition::Reason;
use crate::resource::user::DeletionPolicy;
use crate::resource::{RELEASE_ANNOTATION, UID_TAG};
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;
use crate::user::ownership::Whose;

/// What is to become of a terminating object.
pub(super) enum Removal {
    /// Nothing of ours is left in Connect, or it is somebody else's: the object may go.
    Done(Option<Story>),
    /// Not yet.
    Wait(Outcome),
}

/// Deals with the user of a terminating object.
pub(super) async fn remove(subject: &mut Subject<'_>, cx: &Context) -> Result<Removal, PublishError> {
    let object = subject.object;
    let username = Username::new(&object.spec.username);
    if object.annotations().get(RELEASE_ANNOTATION).is_some_and(|value| value == "retain") {
        let note = format!(
            "let go of user {username} without a call to Amazon Connect, as annotation {RELEASE_ANNOTATION} asks"
        );
        return Ok(Removal::Done(Some(story(false, "UserRetained", "Release", note))));
    }
    if super::is_suspended(object) {
        let message = format!(
            "suspended: user {username} is neither deleted nor let go; resume the object, or set annotation {RELEASE_ANNOTATION}=retain to keep the user and let the object go"
        );
        return Ok(Removal::Wait(Outcome::new(Reason::DeletionHeld, message, Next::Change)));
    }
    let was_tried = subject.status.user_id.is_some() || subject.status.last_create_attempt_time.is_some();
    let instance = match super::instance_of(&object.spec) {
        Ok(instance) => instance,
        // Without an instance there was never a call.
        Err(_) => return Ok(Removal::Done(None)),
    };

    let found = match find(subject, cx, &instance, &username, was_tried).await {
        Ok(found) => found,
        Err(error) if !was_tried && matches!(error.kind, Kind::NotFound | Kind::AccessDenied | Kind::Invalid) => {
            // No creation was ever tried, so there is nothing of ours behind a door that does not open.
            let note = format!("no user was ever created for this object; {error}");
            return Ok(Removal::Done(Some(story(false, "UserNotDeleted", "Delete", note))));
        }
        Err(error) => return Ok(Removal::Wait(waiting(Redactor::new(&object.spec).error(error), &instance))),
    };
    match found {
        Found::Nothing => Ok(Removal::Done(None)),
        Found::NotYet(message) => Ok(Removal::Wait(Outcome::new(Reason::Deleting, message, Next::Soon))),
        Found::User(user) => judge(subject, cx, &instance, &user).await,
    }
}

enum Found {
    User(Box<ObservedUser>),
    Nothing,
    NotYet(String),
}

async fn find(
    subject: &Subject<'_>,
    cx: &Context,
    instance: &Instance,
    username: &Username,
    was_tried: bool,
) -> Result<Found, ConnectError> {
    let connect = cx.connect.as_ref();
    let id = subject.status.user_id.as_deref().map(UserId::new);
    if let Some(id) = &id {
        if let Some(user) = observe(connect, instance, id, false).await? {
            return Ok(Found::User(Box::new(user)));
        }
    } else if let Some(listed) = by_username(connect, instance, username).await? {
        return Ok(match observe(connect, instance, &listed.id, false).await? {
            Some(user) => Found::User(Box::new(user)),
            None => Found::NotYet(format!("user {username} ({}) is listed, but not described yet", listed.id)),
        });
    }
    if !was_tried {
        return Ok(Found::Nothing);
    }
    // Nothing to be seen. A user that was made moments ago may be invisible, so the grace comes first.
    if since_attempt(subject, Timestamp::now()).is_some_and(|since| since < cx.grace() + cx.grace() / 10) {
        return Ok(Found::NotYet(format!(
            "a creation of user {username} was tried moments ago: waiting until it is certain that none becomes visible"
        )));
    }
    Ok(match in_list(connect, instance, id.as_ref(), username).await? {
        Listed::Nowhere => Found::Nothing,
        Listed::ById => Found::NotYet(format!("user {username} is listed, but not described at the moment")),
        Listed::ByName(listed) => match observe(connect, instance, &listed.id, false).await? {
            Some(user) => Found::User(Box::new(user)),
            None => Found::NotYet(format!("user {username} ({}) is listed, but not described yet", listed.id)),
        },
    })
}

async fn judge(
    subject: &mut Subject<'_>,
    cx: &Context,
    instance: &Instance,
    user: &ObservedUser,
) -> Result<Removal, PublishError> {
    let owner = cx.owner(subject.object);
    let mut calls = Vec::new();
    match owner.judge(&user.tags) {
        Whose::Ours => {}
        Whose::OursByName { uid } => match siblings::by_uid(cx, &uid) {
            Some(Sibling { name, .. }) => return Ok(Removal::Done(Some(not_ours(user, &name)))),
            // Deletion needs both marks, so the second is brought up to date first.
            None => calls.push(Call::TagResource { tags: [(UID_TAG.to_owned(), owner.uid.clone())].into() }),
        },
        Whose::Anothers { owner } => return Ok(Removal::Done(Some(not_ours(user, &owner)))),
        Whose::Nobodys => return Ok(Removal::Done(Some(not_ours(user, "nobody by its tags")))),
    }

    let heir = siblings::heir(cx, subject.object, instance, &user.username);
    let story = match (&heir, subject.object.spec.deletion_policy) {
        (Some(heir), _) => {
            calls = vec![Call::TagResource { tags: heir.owner.tags() }];
            story(
                false,
                "UserHandedOver",
                "TagResource",
                format!("user {} now belongs to ConnectUser {}", user.username, heir.name),
            )
        }
        (None, DeletionPolicy::Delete) => {
            calls.push(Call::DeleteUser);
            story(false, "UserDeleted", "DeleteUser", format!("deleted user {} ({})", user.username, user.id))
        }
        (None, DeletionPolicy::Retain) => {
            calls = vec![diff::release(&owner)];
            story(
                false,
                "UserRetained",
                "UntagResource",
                format!("let go of user {} ({}), which stays in Amazon Connect", user.username, user.id),
            )
        }
    };
    // The cache may be stale: what cannot be undone is decided on the object as it is now.
    if !subject.read_again("reading before deletion").await? {
        return Err(PublishError::Gone { what: "reading before deletion", object: subject.to_string() });
    }
    let redactor = Redactor::new(&subject.object.spec);
    let Executed { created: _, failed } =
        execute(cx.connect.as_ref(), instance, Some(&user.id), &calls, &redactor).await;
    Ok(match failed {
        None => Removal::Done(Some(story)),
        // It was there a moment ago and ours: somebody else has deleted it.
        Some(error) if error.kind == Kind::NotFound => Removal::Done(Some(story)),
        Some(error) => Removal::Wait(waiting(redactor.error(error), instance)),
    })
}

/// A failure while deleting: the condition says what it is, Deleting where it is only passing.
fn waiting(error: ConnectError, instance: &Instance) -> Outcome {
    let outcome = verdict::failed_call(&error, instance);
    match error.kind {
        Kind::Throttled | Kind::Unavailable | Kind::Conflict => Outcome { reason: Reason::Deleting, ..outcome },
        _ => Outcome {
            message: format!(
                "{}; to let the object go and keep the user, set annotation {RELEASE_ANNOTATION}=retain",
                outcome.message
            ),
            ..outcome
        },
    }
}

fn not_ours(user: &ObservedUser, owner: &str) -> Story {
    let note = format!("user {} ({}) belongs to {owner} and stays in Amazon Connect", user.username, user.id);
    story(true, "UserNotDeleted", "Delete", note)
}

fn story(warning: bool, reason: &'static str, action: &str, note: String) -> Story {
    Story { warning, reason, action: action.to_owned(), note }
}
