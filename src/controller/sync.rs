//! The straight line for a living object: govern, resolve, observe, judge, and then create or update.

use std::sync::Arc;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use tokio::time::Instant;

use super::governance::{Governed, Seen, are_rules_current, govern, have_rules_changed};
use super::lookup::{Look, by_owner, by_username, in_list, in_some_list, look};
use super::redact::Redactor;
use super::siblings::{self, Sibling};
use super::subject::{Live, PublishError, Subject};
use super::{Context, Halt, password, verdict};
use crate::connect::{Connect, ConnectError, Kind};
use crate::inventory::marked::Marked;
use crate::inventory::sweep::{Listed, Standing};
use crate::plan::judge::{Judgement, anothers, judge};
use crate::plan::report::{Facts, KnownUser, Next, Outcome, Story};
use crate::policy::Rules;
use crate::resource::RECONCILE_ANNOTATION;
use crate::resource::condition::{Reason, is_ready, ready};
use crate::resource::user::{AdoptionPolicy, DriftPolicy};
use crate::user::desired::DesiredUser;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::ownership::{Owned, Owner, Whose};

/// What is fixed for the rest of the line once instance and names are resolved.
pub(super) struct Line<'a> {
    pub(super) cx: &'a Context,
    pub(super) instance: Instance,
    pub(super) rules: Rules,
    pub(super) seen: Seen,
    pub(super) connect: Arc<dyn Connect>,
    pub(super) desired: DesiredUser,
    pub(super) owner: Owner,
    pub(super) owned: Owned,
    pub(super) redactor: Redactor,
}

/// Brings the user of a living object to what its spec declares.
pub(super) async fn sync(subject: &mut Subject<'_>, cx: &Context) -> Result<Outcome, PublishError> {
    let handled = subject.object.annotations().get(RECONCILE_ANNOTATION).cloned();
    let existed = subject.status.user_id.is_some();
    let result = match prepare(subject, cx).await {
        Ok(line) => line.run(subject).await,
        Err(halt) => Err(halt),
    };
    let mut outcome = match result {
        Ok(outcome) => outcome,
        Err(Halt::Outcome(outcome)) => *outcome,
        Err(Halt::Publish(error)) => return Err(error),
    };
    outcome.facts.handled_request = handled;
    if existed && outcome.reason == Reason::InSync {
        outcome = password::tell_change(cx, subject, outcome).await;
    }
    Ok(outcome)
}

/// Everything that can be refused before the user is looked at.
async fn prepare<'a>(subject: &mut Subject<'_>, cx: &'a Context) -> Result<Line<'a>, Halt> {
    let spec = &subject.object.spec;
    if super::is_suspended(subject.object) {
        let message = "suspended: nothing is written to Amazon Connect until spec.suspend and the annotation contactops.dev/suspend are gone";
        // Looked at again all the same: a status that was lost is noticed by nothing else.
        return Err(Halt::outcome(Reason::Suspended, message, Next::Resync));
    }
    let Governed { instance, rules, connect, is_closing, seen } = govern(cx, subject.object, &subject.work)?;
    if is_closing {
        let message = format!(
            "ConnectInstance {} is being deleted: nothing is written to its users any more; delete the objects that use it, or keep the ConnectInstance",
            rules.source.unwrap_or_default()
        );
        return Err(Halt::outcome(Reason::NotAllowed, message, Next::Slow));
    }
    let elsewhere = |arn: &&String| Instance::parse(arn).ok().as_ref() != Some(&instance);
    if let Some(arn) = subject.status.user_arn.as_ref().filter(elsewhere) {
        let message = format!(
            "status.userArn {arn} is not of instance {instance}: an object cannot move between instances; \
             delete it and create another"
        );
        return Err(Halt::outcome(Reason::NotAllowed, message, Next::Slow));
    }
    // Also one that waits for its turn: the user may be handed over to it at any time, and it must not go after
    // that as if it had none.
    // A process that only looks makes no users, and leaves no trace on objects that are removed again.
    if !cx.read_only {
        subject.hold().await?;
    }
    let username = Username::new(&spec.username);
    if let Some(Sibling { name, .. }) = siblings::claimant_before(cx, subject.object, &instance, &rules, &username) {
        let message = format!(
            "user {username} of instance {} is claimed by ConnectUser {name}, which came first: delete one of the two",
            instance.id()
        );
        return Err(Halt::outcome(Reason::UsernameTaken, message, Next::Slow));
    }
    let references = cx
        .catalog
        .resolve(connect.as_ref(), &instance, spec)
        .await
        .map_err(|error| Halt::from(verdict::unresolved(&error, &instance)))?;
    let desired = DesiredUser::new(spec, references);
    if let Err(denied) = rules.permit_profiles(&subject.namespace, &desired.security_profiles) {
        return Err(Halt::outcome(Reason::NotAllowed, denied.to_string(), Next::Slow));
    }
    let owned = match &subject.status.applied {
        Some(record) => Owned::from_record(record),
        // The record is lost, or there never was one: what the spec declares is ours, the rest is not.
        None => Owned::by(&desired),
    };
    let owner = cx.owner(subject.object);
    Ok(Line { cx, owner, instance, rules, seen, connect, desired, owned, redactor: Redactor::new(spec) })
}

impl Line<'_> {
    async fn run(&self, subject: &mut Subject<'_>) -> Result<Outcome, Halt> {
        match subject.status.user_id.as_deref().and_then(UserId::read) {
            Some(_) if self.is_unchanged(subject).await => {
                Ok(Outcome::new(Reason::InSync, self.in_sync(), Next::Unchanged))
            }
            Some(id) => {
                // Until the look has ended well.
                self.cx.inventory.suspect(&self.instance, &id, &self.desired.username);
                match self.take(&id).await? {
                    Some(look) => self.judge(subject, &look).await,
                    None => self.missing(subject, &id).await,
                }
            }
            None => match self.found_by_name(subject).await? {
                Some(look) => self.judge(subject, &look).await,
                None => self.create(subject, Facts::default()).await,
            },
        }
    }

    /// The user that stood in the way at the last look. CreateUser would tell as well, but at the price of a
    /// write to Connect and two to the API server at every look, for as long as nobody does anything about it.
    /// In a frozen instance nothing else may tell.
    async fn found_by_name(&self, subject: &Subject<'_>) -> Result<Option<Look>, Halt> {
        if subject.status.may_have_user_since.is_some() {
            let connect = self.connect.as_ref();
            let found = by_owner(self.cx, connect, &self.instance, &self.owner, self.with_proficiencies()).await;
            match found.map_err(|error| self.failed(error))? {
                Marked::Seen(look) => return Ok(Some(*look)),
                Marked::Hidden(id) => {
                    let message =
                        format!("user {id} carries the tags of this object, but is not visible everywhere yet");
                    return Err(Halt::outcome(Reason::Unavailable, message, Next::Soon));
                }
                Marked::Nowhere => {}
            }
        }
        const TAKEN: [Reason; 3] = [Reason::UsernameTaken, Reason::OwnedByAnother, Reason::NotAllowed];
        let was_taken = ready(&subject.status.conditions)
            .is_some_and(|ready| TAKEN.iter().any(|taken| taken.as_str() == ready.reason));
        if !was_taken && self.rules.freeze.is_none() {
            return self.found_to_adopt(subject).await;
        }
        let found = by_username(self.cx, self.connect.as_ref(), &self.instance, &self.desired.username).await;
        match found.map_err(|error| self.failed(error))? {
            Some(found) => self.take(&found).await,
            None => Ok(None),
        }
    }

    /// The user that an object means to adopt. CreateUser would find it, too, but as a write that fails for each of
    /// thousands that are imported, and only with a password that an existing user does not need.
    async fn found_to_adopt(&self, subject: &Subject<'_>) -> Result<Option<Look>, Halt> {
        let Self { cx, instance, connect, desired, .. } = self;
        let is_adopting = subject.object.spec.adoption_policy == AdoptionPolicy::Adopt;
        if !is_adopting || subject.status.last_create_attempt_time.is_some() {
            return Ok(None);
        }
        let username = &desired.username;
        let found = in_some_list(cx, connect.as_ref(), instance, username).await;
        let Some(found) = found.map_err(|error| self.failed(error))? else { return Ok(None) };
        if let Some(look) = self.take(&found).await? {
            return Ok(Some(look).filter(|look| look.user.username.same_user(username)));
        }
        // The list may be an old one. If it is not, a creation would only fail, after making a password for nothing.
        let listed = in_list(cx, connect.as_ref(), instance, Some(&found), username).await;
        let listed = match listed.map_err(|error| self.failed(error))? {
            Listed::Empty | Listed::Nowhere => return Ok(None),
            Listed::ById => None,
            Listed::ByName(other) => self.take(&other).await?,
        };
        let hidden = || {
            let message = format!("user {username} is listed, but Amazon Connect does not describe it at the moment");
            Halt::outcome(Reason::Unavailable, message, Next::Soon)
        };
        listed.map(Some).ok_or_else(hidden)
    }

    /// Whether the user was found as declared before and nothing has spoken against it since. A doubt, or a
    /// listing that fails, is answered by a look.
    async fn is_unchanged(&self, subject: &Subject<'_>) -> bool {
        let Self { cx, instance, connect, desired, .. } = self;
        let status = &subject.status;
        let is_in_sync = ready(&status.conditions).is_some_and(|ready| ready.reason == Reason::InSync.as_str())
            && is_ready(&status.conditions, subject.generation);
        let is_applied = status.applied.as_ref().is_some_and(|applied| {
            applied.generation == Some(subject.generation) && Owned::from_record(applied) == Owned::by(desired)
        });
        let is_asked_for = subject
            .object
            .annotations()
            .get(RECONCILE_ANNOTATION)
            .is_some_and(|request| status.last_handled_reconcile_at.as_ref() != Some(request));
        if !is_in_sync || !is_applied || is_asked_for || cx.backoff.is_due(&subject.uid, Instant::now()) {
            return false;
        }
        let standing =
            cx.inventory.standing(connect.as_ref(), instance, status, &desired.username, cx.clock.now()).await;
        standing.is_ok_and(|standing| standing == Standing::Unchanged)
    }

    /// Looks at a user to do something about it, when nobody else does.
    pub(super) async fn take(&self, id: &UserId) -> Result<Option<Look>, Halt> {
        let look = look(self.cx, self.connect.as_ref(), &self.instance, id, self.with_proficiencies()).await;
        look.map_err(|error| self.failed(error).into())
    }

    fn with_proficiencies(&self) -> bool {
        !(self.desired.proficiencies.is_empty() && self.owned.proficiencies.is_empty())
    }

    pub(super) fn failed(&self, error: ConnectError) -> Outcome {
        if matches!(error.kind, Kind::NotFound | Kind::Invalid) {
            // Perhaps an id that came from the catalogue; the next try looks the names up again.
            self.cx.catalog.forget(&self.instance);
        }
        verdict::failed_call(&self.redactor.error(error), &self.instance)
    }

    /// A write that failed. Connect may call a profile that does not exist an invalid request, which would
    /// blame the spec for what somebody can mend elsewhere, so it is looked up.
    pub(super) async fn refused(&self, error: ConnectError) -> Outcome {
        if error.kind == Kind::Invalid {
            let missing = self.cx.catalog.missing(self.connect.as_ref(), &self.instance, &self.desired).await;
            // Without the right to list, or without an answer, Connect's own words must do.
            if let Ok(Some(what)) = missing {
                self.cx.catalog.forget(&self.instance);
                let error = self.redactor.error(error);
                let message = format!(
                    "instance {} has no {what}: create it in Amazon Connect or correct the spec; tried again by itself ({error})",
                    self.instance.id()
                );
                return Outcome::new(Reason::ReferenceNotFound, message, Next::Backoff);
            }
        }
        self.failed(error)
    }

    pub(super) fn in_sync(&self) -> String {
        format!("user {} is as declared", self.desired.username)
    }

    /// Whose user is it, and may it be ours?
    pub(super) async fn judge(&self, subject: &mut Subject<'_>, look: &Look) -> Result<Outcome, Halt> {
        let observed = &look.user;
        let is_adopting = subject.object.spec.adoption_policy == AdoptionPolicy::Adopt;
        let judgement = judge(&self.owner, &self.instance, &self.desired.username, is_adopting, observed);
        let judgement = match judgement {
            Judgement::OursByName { uid } => match siblings::by_uid(self.cx, &uid) {
                Some(Sibling { name, .. }) => anothers(observed, &name),
                None => Judgement::Ours,
            },
            judgement => judgement,
        };
        match judgement {
            Judgement::Ours | Judgement::OursByName { .. } => self.update(subject, look, None).await,
            Judgement::Adoptable => self.adopt(subject, look).await,
            Judgement::Refused { reason, message } => {
                // Remembered if it is ours, though it has another name: without a status only its tags lead to it.
                let user = matches!(self.owner.judge(&observed.tags), Whose::Ours).then(|| KnownUser {
                    id: observed.id.clone(),
                    arn: observed.arn.clone(),
                    last_modified_time: observed.last_modified_time.clone(),
                });
                let facts = Facts { user, ..Facts::default() };
                Ok(Outcome::new(reason, message, Next::Slow).with_facts(facts))
            }
        }
    }

    /// DescribeUser does not know the user that the status names. Shortly after a creation that is lag;
    /// later it takes the list of all users, without id and name, to call the user gone.
    async fn missing(&self, subject: &mut Subject<'_>, id: &UserId) -> Result<Outcome, Halt> {
        let Self { cx, instance, desired, .. } = self;
        let username = &desired.username;
        let unavailable = |message: String| Ok(Outcome::new(Reason::Unavailable, message, Next::Soon));
        if since_attempt(subject, cx.clock.now()).is_some_and(|since| since < cx.grace()) {
            return unavailable(format!("user {username} ({id}) was created moments ago and is not visible yet"));
        }
        let listed = in_list(cx, self.connect.as_ref(), instance, Some(id), username).await;
        match listed.map_err(|error| self.failed(error))? {
            Listed::Empty => unavailable(format!(
                "Amazon Connect lists no user at all in instance {}, which is not believed: nothing is created",
                instance.id()
            )),
            Listed::ById => unavailable(format!(
                "user {username} ({id}) is listed, but Amazon Connect does not describe it at the moment"
            )),
            Listed::ByName(other) => match self.take(&other).await? {
                Some(look) => self.judge(subject, &look).await,
                None => unavailable(format!("user {username} is not visible everywhere yet")),
            },
            Listed::Nowhere if subject.object.spec.drift_policy == DriftPolicy::Report => {
                let message = format!(
                    "user {username} ({id}) was deleted in Amazon Connect: driftPolicy is Report, it is not created again"
                );
                Ok(Outcome::new(Reason::Drifted, message, Next::Slow))
            }
            Listed::Nowhere => {
                if let Some(count) = cx.vanished.too_many(instance, &subject.uid, &self.rules.brake, cx.clock.now()) {
                    let message = format!(
                        "{count} users of instance {} have vanished at once, more than {} in {} s: nothing is created until a person has looked; \
                         raise the deletion brake of the instance or restart the operator to go on",
                        instance.id(),
                        self.rules.brake.most,
                        self.rules.brake.window.as_secs()
                    );
                    return Ok(Outcome::new(Reason::Drifted, message, Next::Slow));
                }
                let story = Story {
                    warning: true,
                    reason: "UserVanished",
                    action: "ListUsers".to_owned(),
                    note: format!("user {username} ({id}) was deleted in Amazon Connect and is created again"),
                };
                let outcome = self.create(subject, Facts { user_gone: true, ..Facts::default() }).await?;
                Ok(outcome.with_event(story))
            }
        }
    }
}

/// How long ago a creation was last tried.
pub(super) fn since_attempt(subject: &Subject<'_>, now: Timestamp) -> Option<SignedDuration> {
    let attempt: Timestamp = subject.status.last_create_attempt_time.as_deref()?.parse().ok()?;
    Some(now.duration_since(attempt))
}

impl Line<'_> {
    /// Reads from the API server before something is made or changed: the cache may not know yet that the
    /// object is being deleted, or gone, or another one of the same name; nor that its instance, which
    /// nobody spoke of, has rules by now.
    pub(super) async fn still_right(&self, subject: &mut Subject<'_>) -> Result<(), Halt> {
        const WHAT: &str = "reading before a write to Amazon Connect";
        let stale = || Halt::from(PublishError::Stale { what: WHAT, object: subject.to_string() });
        let Self { cx, instance, seen, .. } = self;
        if have_rules_changed(cx, instance, seen) {
            return Err(stale());
        }
        if self.rules.source.is_none() && !are_rules_current(cx, instance, seen, subject.to_string()).await? {
            return Err(stale());
        }
        match subject.read_again(WHAT).await? {
            Live::Living { is_same: true } => Ok(()),
            Live::Living { is_same: false } | Live::Terminating { .. } => {
                Err(PublishError::Stale { what: WHAT, object: subject.to_string() }.into())
            }
            Live::Gone => Err(PublishError::Gone { what: WHAT, object: subject.to_string() }.into()),
        }
    }
}
