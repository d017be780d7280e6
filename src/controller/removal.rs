//! The straight line for a terminating object: find the user, make sure that it is ours, delete it or let
//! it go, and only then remove the finalizer. Nothing in spec or status is trusted for this: the user is
//! read by id and its tags decide.

mod find;

use k8s_openapi::jiff::SignedDuration;
use kube::ResourceExt;

use self::find::{Found, find};
use super::execute::{Executed, execute};
use super::governance::{Governed, are_rules_current, govern, governors};
use super::lookup::Look;
use super::redact::Redactor;
use super::siblings::{self, Heir, Sibling};
use super::subject::{Live, OnStale, PublishError, Subject};
use super::update::ADMIN_PROFILE;
use super::{Context, Halt, quick_connects, turn, verdict};
use crate::connect::{ConnectError, Kind};
use crate::plan::call::Call;
use crate::plan::diff;
use crate::plan::report::{Facts, KnownUser, Next, Outcome, Story};
use crate::policy::Hold;
use crate::resource::condition::Reason;
use crate::resource::user::{ConnectUser, DeletionPolicy};
use crate::resource::{RELEASE_ANNOTATION, UID_TAG};
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;
use crate::user::ownership::Whose;

/// What is to become of a terminating object.
pub(super) enum Removal {
    /// Nothing of ours is left in Connect, or it is somebody else's: the object may go.
    Done(Option<Story>),
    /// Not yet.
    Wait(Box<Outcome>),
}

/// The way out of every trap, for messages.
const WAY_OUT: &str =
    "to let the object go and keep the user, set annotation contactops.dev/release-deletion=retain on the object";

/// Deals with the user of a terminating object.
pub(super) async fn remove(subject: &mut Subject<'_>, cx: &Context) -> Result<Removal, PublishError> {
    match line(subject, cx).await {
        Ok(removal) => Ok(removal),
        Err(Halt::Outcome(outcome)) => Ok(Removal::Wait(outcome)),
        Err(Halt::Publish(error)) => Err(error),
    }
}

async fn line(subject: &mut Subject<'_>, cx: &Context) -> Result<Removal, Halt> {
    let object = subject.object;
    let username = Username::new(&object.spec.username);
    if asks(object, "retain") {
        let note = format!(
            "let go of user {username} without a call to Amazon Connect, as annotation {RELEASE_ANNOTATION} asks"
        );
        return Ok(Removal::Done(Some(story(false, "UserRetained", "Release", note))));
    }
    let held = |message: String, next| Err(Halt::outcome(Reason::DeletionHeld, format!("{message}; {WAY_OUT}"), next));
    if super::is_suspended(object) {
        return held(
            format!("suspended: user {username} is neither deleted nor let go until the object is resumed"),
            Next::Resync,
        );
    }
    let may_have_user = subject.status.may_have_user();
    let governed = match govern(cx, object, &subject.work) {
        Ok(governed) => governed,
        // Whoever was never allowed in has no finalizer and does not get here. This one was, and what its status
        // says of a user may have been lost, and written anew by somebody who was not allowed to look.
        Err(outcome) => return held(format!("user {username} is not deleted: {}", outcome.message), Next::Slow),
    };
    let Governed { instance, rules, connect: _, is_closing: _, seen: _ } = &governed;
    if let Some(why) = &rules.freeze {
        return held(format!("{why}: user {username} is not deleted until that ends"), Next::Slow);
    }

    let found = match find(subject, cx, &governed, &username).await {
        Ok(found) => found,
        Err(error) if !may_have_user && matches!(error.kind, Kind::NotFound | Kind::AccessDenied | Kind::Invalid) => {
            // No creation was ever tried and no user handed over, so there is nothing of ours behind a door that does
            // not open.
            let note = format!("no user was ever created for this object; {error}");
            return Ok(Removal::Done(Some(story(false, "UserNotDeleted", "Delete", note))));
        }
        Err(error) => return Err(waiting(&Redactor::new(&object.spec).error(error), instance).into()),
    };
    match found {
        Found::Nothing => {
            let id = subject.status.user_id.as_deref().and_then(UserId::read);
            finish(&governed, id.as_ref(), None).await
        }
        Found::NotYet(message) => Err(Halt::outcome(Reason::Deleting, message, Next::Soon)),
        Found::User(look) => judge(subject, cx, &governed, &look).await,
    }
}

async fn judge(subject: &mut Subject<'_>, cx: &Context, governed: &Governed, look: &Look) -> Result<Removal, Halt> {
    let Governed { instance, rules, connect, seen, is_closing: _ } = governed;
    let user = &look.user;
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

    let heir = heir(subject, cx, governed, user).await?;
    let is_deletion = heir.is_none() && subject.object.spec.deletion_policy == DeletionPolicy::Delete;
    let story = match (&heir, subject.object.spec.deletion_policy) {
        (Some(heir), _) => {
            calls = vec![Call::TagResource { tags: heir.owner.tags() }];
            let note = format!("user {} now belongs to ConnectUser {}", user.username, heir.name);
            story(false, "UserHandedOver", "TagResource", note)
        }
        (None, DeletionPolicy::Delete) => {
            calls.push(Call::DeleteUser);
            let mut note = format!("deleted user {} ({})", user.username, user.id);
            if let Some(secret) = &subject.object.spec.password_secret_ref
                && secret.generates()
            {
                // No right to delete Secrets is asked for, since it could not be bound to those made here.
                note.push_str(&format!(
                    "; Secret {}/{} with its first password stays, delete it if nobody needs it",
                    subject.namespace, secret.name
                ));
            }
            story(false, "UserDeleted", "DeleteUser", note)
        }
        (None, DeletionPolicy::Retain) => {
            calls = vec![diff::release(&owner)];
            let note = format!("let go of user {} ({}), which stays in Amazon Connect", user.username, user.id);
            story(false, "UserRetained", "UntagResource", note)
        }
    };
    if let Some(first) = calls.first() {
        connect.turn(instance, first.operation()).await;
        // A deletion cannot be undone.
        if look.is_outdated(connect.as_ref(), instance).await.map_err(|error| waiting(&error, instance))? {
            return Err(turn::outdated(subject).into());
        }
    }
    // Found by name, and nothing finds it once it is deleted: what points to it goes by its id even after a crash.
    if is_deletion && rules.quick_connect_cleanup && subject.status.user_id.as_deref() != Some(user.id.as_str()) {
        let id = user.id.clone();
        let known = KnownUser { id, arn: user.arn.clone(), last_modified_time: user.last_modified_time.clone() };
        let message = format!("deleting user {}", user.username);
        let facts = Facts { user: Some(known), ..Facts::default() };
        let ahead = Outcome::new(Reason::Deleting, message, Next::Soon).with_facts(facts).ahead();
        subject.publish(ahead, OnStale::GiveUp).await?;
    }
    // The cache may be stale: what cannot be undone is decided on the object as it is now.
    const WHAT: &str = "reading before deletion";
    match subject.read_again(WHAT).await? {
        Live::Terminating { is_same: true } => {}
        Live::Terminating { is_same: false } => {
            return Err(PublishError::Stale { what: WHAT, object: subject.to_string() }.into());
        }
        Live::Living { .. } | Live::Gone => {
            return Err(PublishError::Gone { what: WHAT, object: subject.to_string() }.into());
        }
    }
    let stale = || Halt::from(PublishError::Stale { what: WHAT, object: subject.to_string() });
    if !are_rules_current(cx, instance, seen, subject.to_string()).await? {
        return Err(stale());
    }
    if let Some(heir) = &heir
        && !siblings::announce(cx, heir, &subject.work).await?
    {
        return Err(stale());
    }
    if is_deletion {
        brake(subject, cx, governed, user).await?;
    }
    let redactor = Redactor::new(&subject.object.spec);
    let Executed { created: _, written: _, failed, outdated } =
        execute(cx, connect.as_ref(), instance, Some(&user.id), &calls, &redactor).await;
    match failed {
        None if outdated => return Err(turn::outdated(subject).into()),
        None => {}
        // It was there a moment ago, and one 404 does not prove that it is gone: it is looked for again.
        Some(error) if error.kind == Kind::NotFound => {
            let message = format!("{}: looking whether user {} is gone", redactor.error(error), user.username);
            return Err(Halt::outcome(Reason::Deleting, message, Next::Soon));
        }
        Some(error) => return Err(waiting(&redactor.error(error), instance).into()),
    }
    if let Some(heir) = &heir
        && !siblings::is_ready_to_inherit(cx, heir).await?
    {
        // It may have gone without having seen that it has a user by now, so this is still the object that has it.
        let back = [Call::TagResource { tags: owner.tags() }];
        return Err(match execute(cx, connect.as_ref(), instance, Some(&user.id), &back, &redactor).await.failed {
            Some(error) => waiting(&redactor.error(error), instance).into(),
            None => stale(),
        });
    }
    cx.inventory.forget(instance, &user.id);
    let cleaned = (is_deletion && rules.quick_connect_cleanup).then_some(&user.id);
    finish(governed, cleaned, Some(story)).await
}

/// The object that gets the user: one of the same namespace, or another that the rules let adopt this user.
async fn heir(
    subject: &Subject<'_>,
    cx: &Context,
    governed: &Governed,
    user: &ObservedUser,
) -> Result<Option<Sibling>, Halt> {
    let Governed { instance, rules, connect, .. } = governed;
    let (house, others): (Vec<_>, Vec<_>) = siblings::heirs(cx, subject.object, governed, &user.username)
        .await?
        .into_iter()
        .partition(|heir| heir.is_of_the_house);
    if let Some(heir) = ready_one(subject, cx, governed, house)? {
        return Ok(Some(heir));
    }
    if others.is_empty() {
        return Ok(None);
    }
    let admin = match cx.catalog.security_profile(connect.as_ref(), instance, ADMIN_PROFILE).await {
        Ok(admin) => admin,
        // Without the right to list profiles nobody can be recognised as administrator, so nobody is adopted.
        Err(error) if error.kind == Kind::AccessDenied => return Ok(None),
        Err(error) => return Err(waiting(&error, instance).into()),
    };
    let may_adopt = |heir: &Heir| rules.permit_adoption(&heir.namespace, &heir.object, user, admin.as_ref()).is_ok();
    ready_one(subject, cx, governed, others.into_iter().filter(may_adopt).collect())
}

/// The heir that has our finalizer. One that has not gets it at its first look, which is waited for, but not for ever:
/// something may be in its way. Waited for by this process, that is: it may be the first that has come to look at it,
/// however old it is, and what depends on it is whether a person is deleted.
fn ready_one(
    subject: &Subject<'_>,
    cx: &Context,
    governed: &Governed,
    heirs: Vec<Heir>,
) -> Result<Option<Sibling>, Halt> {
    /// Even where the grace is short.
    const LEAST: SignedDuration = SignedDuration::from_secs(10);
    let (held, others): (Vec<_>, Vec<_>) = heirs.into_iter().partition(|heir| heir.is_held);
    if let Some(heir) = held.into_iter().next() {
        return Ok(Some(heir.sibling));
    }
    let Some(awaited) = others.first().filter(|_| !governed.is_closing) else { return Ok(None) };
    let now = cx.clock.now();
    if now.duration_since(cx.backoff.waiting_since(&subject.uid, now)) < cx.grace().max(LEAST) {
        let message = format!("waiting until ConnectUser {} is ready to take the user over", awaited.sibling.name);
        return Err(Halt::outcome(Reason::Deleting, message, Next::Soon));
    }
    Ok(None)
}

/// Holds back a deletion that is one of too many: a pruned folder in Git must not fire a contact centre.
async fn brake(subject: &Subject<'_>, cx: &Context, governed: &Governed, user: &ObservedUser) -> Result<(), Halt> {
    let Governed { instance, rules, .. } = governed;
    let now = cx.clock.now();
    let is_released = asks(subject.object, "delete")
        || governors(cx, instance)
            .iter()
            .any(|governor| governor.annotations().get(RELEASE_ANNOTATION).is_some_and(|value| value == "delete"));
    let gone = cx.deletions.in_window(instance, &user.id, rules.brake.window, now).await?;
    if !is_released {
        let about_to_go = siblings::terminating(cx, instance);
        if let Hold::Held { count } = rules.brake.check(about_to_go.max(1), gone) {
            let whose = rules.source.as_ref().map_or_else(
                || "--deletion-brake of the operator".to_owned(),
                |source| format!("spec.deletionBrake of ConnectInstance {source}"),
            );
            let message = format!(
                "user {} is not deleted yet: {count} users of instance {} are going or have gone within {} s, and {whose} allows {}; \
                 if that is meant, raise it or set annotation {RELEASE_ANNOTATION}=delete on the objects or on the ConnectInstance; {WAY_OUT}",
                user.username,
                instance.id(),
                rules.brake.window.as_secs(),
                rules.brake.most
            );
            return Err(Halt::outcome(Reason::DeletionHeld, message, Next::Slow));
        }
    }
    // Counted before it happens: a crash in between counts one too many rather than one too few.
    cx.deletions.record(instance, &user.id, now).await?;
    Ok(())
}

/// Removes what would point to a user that is gone, and ends.
async fn finish(governed: &Governed, gone: Option<&UserId>, story: Option<Story>) -> Result<Removal, Halt> {
    let (Some(id), true) = (gone, governed.rules.quick_connect_cleanup) else { return Ok(Removal::Done(story)) };
    match quick_connects::remove(governed.connect.as_ref(), &governed.instance, id).await {
        Ok(0) => Ok(Removal::Done(story)),
        Ok(count) => {
            let count = format!("removed {count} quick connects that pointed to the user");
            Ok(Removal::Done(Some(match story {
                Some(story) => Story { note: format!("{}; {count}", story.note), ..story },
                None => self::story(false, "QuickConnectsRemoved", "DeleteQuickConnect", count),
            })))
        }
        Err(error) => Err(waiting(&error, &governed.instance).into()),
    }
}

/// A failure while deleting: the condition says what it is, Deleting where it is only passing.
fn waiting(error: &ConnectError, instance: &Instance) -> Outcome {
    let outcome = verdict::failed_call(error, instance);
    match error.kind {
        Kind::Throttled | Kind::Unavailable | Kind::Conflict => Outcome { reason: Reason::Deleting, ..outcome },
        _ => Outcome { message: format!("{}; {WAY_OUT}", outcome.message), ..outcome },
    }
}

fn asks(object: &ConnectUser, release: &str) -> bool {
    object.annotations().get(RELEASE_ANNOTATION).is_some_and(|value| value == release)
}

fn not_ours(user: &ObservedUser, owner: &str) -> Story {
    let note = format!("user {} ({}) belongs to {owner} and stays in Amazon Connect", user.username, user.id);
    story(true, "UserNotDeleted", "Delete", note)
}

fn story(warning: bool, reason: &'static str, action: &str, note: String) -> Story {
    Story { warning, reason, action: action.to_owned(), note }
}
