//! The straight line for a living object: resolve, observe, plan, execute, report.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::execute::{Executed, execute};
use super::lookup::{Listed, by_username, in_list, observe};
use super::redact::Redactor;
use super::siblings::{self, Sibling};
use super::subject::{OnStale, PublishError, Subject};
use super::{Context, password, verdict};
use crate::connect::{ConnectError, Kind};
use crate::plan::call::Call;
use crate::plan::diff;
use crate::plan::report::{Facts, KnownUser, Next, Outcome, Story};
use crate::resource::condition::{Reason, is_ready};
use crate::resource::user::{AdoptionPolicy, DriftPolicy};
use crate::resource::{OWNER_TAG, RECONCILE_ANNOTATION};
use crate::user::desired::DesiredUser;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;
use crate::user::ownership::{Field, Owned, Owner, Whose};

/// The name of the built-in security profile that may do everything.
const ADMIN_PROFILE: &str = "Admin";

/// What is fixed for the rest of the line once names are resolved.
struct Line<'a> {
    cx: &'a Context,
    instance: Instance,
    desired: DesiredUser,
    owner: Owner,
    owned: Owned,
    redactor: Redactor,
}

/// Brings the user of a living object to what its spec declares.
pub(super) async fn sync(subject: &mut Subject<'_>, cx: &Context) -> Result<Outcome, PublishError> {
    let object = subject.object;
    let handled = object.annotations().get(RECONCILE_ANNOTATION).cloned();
    let mut outcome = match prepare(subject, cx).await? {
        Ok(line) => line.run(subject).await?,
        Err(outcome) => *outcome,
    };
    outcome.facts.handled_request = handled;
    Ok(outcome)
}

/// Everything that can be refused before the user is looked at.
async fn prepare<'a>(
    subject: &mut Subject<'_>,
    cx: &'a Context,
) -> Result<Result<Line<'a>, Box<Outcome>>, PublishError> {
    let spec = &subject.object.spec;
    if super::is_suspended(subject.object) {
        let message = "suspended: nothing is written to Amazon Connect until spec.suspend and the annotation contactops.dev/suspend are gone";
        return Ok(Err(Box::new(Outcome::new(Reason::Suspended, message, Next::Change))));
    }
    let instance = match super::instance_of(spec) {
        Ok(instance) => instance,
        Err(message) => return Ok(Err(Box::new(Outcome::new(Reason::InvalidSpec, message, Next::Change)))),
    };
    if let Some(arn) = &subject.status.user_arn {
        if Instance::parse(arn).ok().as_ref() != Some(&instance) {
            let message = format!(
                "status.userArn {arn} is not of instance {instance}: an object cannot move between instances; \
                 delete it and create another"
            );
            return Ok(Err(Box::new(Outcome::new(Reason::NotAllowed, message, Next::Slow))));
        }
    }
    let username = Username::new(&spec.username);
    if let Some(Sibling { name, .. }) = siblings::claimant_before(cx, subject.object, &instance, &username) {
        let message = format!(
            "user {username} of instance {} is claimed by the older ConnectUser {name}: delete one of the two",
            instance.id()
        );
        return Ok(Err(Box::new(Outcome::new(Reason::UsernameTaken, message, Next::Slow))));
    }
    subject.hold().await?;
    let references = match cx.catalog.resolve(cx.connect.as_ref(), &instance, spec).await {
        Ok(references) => references,
        Err(error) => return Ok(Err(Box::new(verdict::unresolved(&error, &instance)))),
    };
    let desired = DesiredUser::new(spec, references);
    let owned = match &subject.status.applied {
        Some(record) => Owned::from_record(record),
        // The record is lost, or there never was one: what the spec declares is ours, the rest is not.
        None => Owned::by(&desired),
    };
    Ok(Ok(Line { cx, owner: cx.owner(subject.object), instance, desired, owned, redactor: Redactor::new(spec) }))
}

impl Line<'_> {
    async fn run(&self, subject: &mut Subject<'_>) -> Result<Outcome, PublishError> {
        match subject.status.user_id.as_deref().map(UserId::new) {
            Some(id) => match self.observe(&id).await {
                Ok(Some(observed)) => self.judge(subject, &observed).await,
                Ok(None) => self.missing(subject, &id).await,
                Err(error) => Ok(self.failed(error)),
            },
            None => self.create(subject, Facts::default()).await,
        }
    }

    async fn observe(&self, id: &UserId) -> Result<Option<ObservedUser>, ConnectError> {
        let with_proficiencies = !(self.desired.proficiencies.is_empty() && self.owned.proficiencies.is_empty());
        observe(self.cx.connect.as_ref(), &self.instance, id, with_proficiencies).await
    }

    fn failed(&self, error: ConnectError) -> Outcome {
        if error.kind == Kind::NotFound {
            // Perhaps an id that came from the catalogue; the next try looks the names up again.
            self.cx.catalog.forget(&self.instance);
        }
        verdict::failed_call(&self.redactor.error(error), &self.instance)
    }

    /// Whose user is it, and may it be ours?
    async fn judge(&self, subject: &mut Subject<'_>, observed: &ObservedUser) -> Result<Outcome, PublishError> {
        let username = &self.desired.username;
        if !observed.username.same_user(username) {
            let message = format!(
                "user {} is named {} in Amazon Connect, not {username}: Connect has no call to rename a user; rename it back in the console, or delete this object",
                observed.id, observed.username
            );
            return Ok(Outcome::new(Reason::Drifted, message, Next::Slow));
        }
        match self.owner.judge(&observed.tags) {
            Whose::Ours => self.update(subject, observed, None).await,
            Whose::OursByName { uid } => match siblings::by_uid(self.cx, &uid) {
                Some(Sibling { name, .. }) => Ok(self.anothers(observed, &name)),
                None => self.update(subject, observed, None).await,
            },
            Whose::Anothers { owner } => Ok(self.anothers(observed, &owner)),
            Whose::Nobodys if subject.object.spec.adoption_policy == AdoptionPolicy::Adopt => {
                self.adopt(subject, observed).await
            }
            Whose::Nobodys => {
                let message = format!(
                    "user {username} exists in instance {} as {} and carries no tag {OWNER_TAG}: set spec.adoptionPolicy to Adopt to take it over, or choose another username",
                    self.instance.id(),
                    observed.id
                );
                Ok(Outcome::new(Reason::UsernameTaken, message, Next::Slow))
            }
        }
    }

    fn anothers(&self, observed: &ObservedUser, owner: &str) -> Outcome {
        let message = format!(
            "user {} ({}) belongs to {owner} by its tags: nothing is written; delete that object, or remove the tags {OWNER_TAG} and {} from the user",
            observed.username,
            observed.id,
            crate::resource::UID_TAG
        );
        Outcome::new(Reason::OwnedByAnother, message, Next::Slow)
    }

    async fn adopt(&self, subject: &mut Subject<'_>, observed: &ObservedUser) -> Result<Outcome, PublishError> {
        let admin =
            match self.cx.catalog.security_profile(self.cx.connect.as_ref(), &self.instance, ADMIN_PROFILE).await {
                Ok(admin) => admin,
                Err(error) => return Ok(self.failed(error)),
            };
        if admin.is_some_and(|admin| observed.security_profiles.contains(&admin)) {
            let message = format!(
                "user {} ({}) holds the security profile {ADMIN_PROFILE} and is not adopted: take the profile from the user in Amazon Connect first",
                observed.username, observed.id
            );
            return Ok(Outcome::new(Reason::NotAllowed, message, Next::Slow));
        }
        let story = Story {
            warning: false,
            reason: "UserAdopted",
            action: "TagResource".to_owned(),
            note: format!("took over user {} ({})", observed.username, observed.id),
        };
        self.update(subject, observed, Some(story)).await
    }

    async fn update(
        &self,
        subject: &mut Subject<'_>,
        observed: &ObservedUser,
        adoption: Option<Story>,
    ) -> Result<Outcome, PublishError> {
        let Self { cx, instance, desired, owner, owned, redactor: _ } = self;
        let plan = diff::update(desired, observed, owned, owner);
        let user = KnownUser {
            id: observed.id.clone(),
            arn: observed.arn.clone(),
            last_modified_time: observed.last_modified_time.clone(),
        };
        let mut after = Owned::by(desired);
        let directory_ids_differ =
            desired.directory_user_id.is_some() && desired.directory_user_id != observed.directory_user_id;
        // Set at creation, it may simply not be shown; set later, no call can bring it about.
        let stuck = directory_ids_differ && !owned.fields.contains(&Field::DirectoryUserId);
        if stuck {
            after.fields.remove(&Field::DirectoryUserId);
        }

        let applied = subject.status.applied.as_ref().and_then(|applied| applied.generation);
        let is_drift = adoption.is_none() && applied == Some(subject.generation);
        if is_drift && !plan.is_empty() && subject.object.spec.drift_policy == DriftPolicy::Report {
            let message = format!(
                "user {} differs from the spec in {}: driftPolicy is Report, nothing is written",
                desired.username,
                plan.fields()
            );
            let is_news = subject.status.drift != plan.differences;
            let story =
                Story { warning: true, reason: "DriftDetected", action: "Compare".to_owned(), note: message.clone() };
            let facts = Facts { user: Some(user), drift: plan.differences, ..Facts::default() };
            let outcome = Outcome::new(Reason::Drifted, message, Next::Resync).with_facts(facts);
            return Ok(if is_news { outcome.with_event(story) } else { outcome });
        }

        let mut events: Vec<Story> = Vec::new();
        if !plan.is_empty() {
            // Written ahead: what the calls take ownership of, and that Ready is not to be believed meanwhile.
            let before = owned.clone().union(&after);
            let recorded = subject.status.applied.as_ref().map(Owned::from_record);
            if recorded.as_ref() != Some(&before) || !is_ready(&subject.status.conditions, subject.generation) {
                let facts = Facts { user: Some(user.clone()), owned: Some(before.clone()), ..Facts::default() };
                let message = format!("changing {}", plan.fields());
                let ahead = Outcome::new(Reason::Updating, message, Next::Soon).with_facts(facts).ahead();
                subject.publish(ahead, OnStale::GiveUp).await?;
            }
            let Executed { created: _, failed } =
                execute(cx.connect.as_ref(), instance, Some(&observed.id), &plan.calls, &self.redactor).await;
            if let Some(error) = failed {
                let facts = Facts { user: Some(user), owned: Some(before), ..Facts::default() };
                return Ok(self.failed(error).with_facts(facts));
            }
            let operations: Vec<&str> = plan.calls.iter().map(Call::operation).collect();
            let (reason, verb) = if is_drift { ("DriftCorrected", "restored") } else { ("UserUpdated", "changed") };
            events.push(Story {
                warning: false,
                reason,
                action: operations.join(","),
                note: format!("{verb} {} of user {}", plan.fields(), desired.username),
            });
        }
        events.extend(adoption);
        if stuck {
            let message = "spec.directoryUserId cannot be set on a user that exists: Amazon Connect has no call for it; remove it from the spec, or delete the object and create it again";
            let facts = Facts { user: Some(user), owned: Some(after), ..Facts::default() };
            let outcome = Outcome::new(Reason::InvalidSpec, message, Next::Slow).with_facts(facts);
            return Ok(events.into_iter().fold(outcome, Outcome::with_event));
        }
        let facts = Facts { user: Some(user), owned: Some(after), applied_in_full: true, ..Facts::default() };
        let outcome = Outcome::new(Reason::InSync, self.in_sync(), Next::Resync).with_facts(facts);
        Ok(events.into_iter().fold(outcome, Outcome::with_event))
    }

    fn in_sync(&self) -> String {
        format!("user {} is as declared", self.desired.username)
    }

    /// DescribeUser does not know the user that the status names. Shortly after a creation that is lag;
    /// later it takes the list of all users, without id and name, to call the user gone.
    async fn missing(&self, subject: &mut Subject<'_>, id: &UserId) -> Result<Outcome, PublishError> {
        let Self { cx, instance, desired, .. } = self;
        if self.in_grace(subject) {
            let message = format!("user {} ({id}) was created moments ago and is not visible yet", desired.username);
            return Ok(Outcome::new(Reason::Unavailable, message, Next::Soon));
        }
        let listed = match in_list(cx.connect.as_ref(), instance, Some(id), &desired.username).await {
            Ok(listed) => listed,
            Err(error) => return Ok(self.failed(error)),
        };
        match listed {
            Listed::ById => {
                let message = format!(
                    "user {} ({id}) is listed, but Amazon Connect does not describe it at the moment",
                    desired.username
                );
                Ok(Outcome::new(Reason::Unavailable, message, Next::Soon))
            }
            Listed::ByName(other) => match self.observe(&other.id).await {
                Ok(Some(observed)) => self.judge(subject, &observed).await,
                Ok(None) => Ok(Outcome::new(
                    Reason::Unavailable,
                    format!("user {} is not visible everywhere yet", desired.username),
                    Next::Soon,
                )),
                Err(error) => Ok(self.failed(error)),
            },
            Listed::Nowhere if subject.object.spec.drift_policy == DriftPolicy::Report => {
                let message = format!(
                    "user {} ({id}) was deleted in Amazon Connect: driftPolicy is Report, it is not created again",
                    desired.username
                );
                Ok(Outcome::new(Reason::Drifted, message, Next::Slow))
            }
            Listed::Nowhere => {
                let story = Story {
                    warning: true,
                    reason: "UserVanished",
                    action: "ListUsers".to_owned(),
                    note: format!(
                        "user {} ({id}) was deleted in Amazon Connect and is created again",
                        desired.username
                    ),
                };
                let outcome = self.create(subject, Facts { user_gone: true, ..Facts::default() }).await?;
                Ok(outcome.with_event(story))
            }
        }
    }

    fn in_grace(&self, subject: &Subject<'_>) -> bool {
        since_attempt(subject, Timestamp::now()).is_some_and(|since| since < self.cx.grace())
    }

    /// CreateUser first: one call in the common case, and a taken name tells the rest.
    async fn create(&self, subject: &mut Subject<'_>, facts: Facts) -> Result<Outcome, PublishError> {
        let Self { cx, instance, desired, owner, owned: _, redactor } = self;
        let password = match password::for_creation(cx, subject, instance).await {
            Ok(password) => password,
            Err(outcome) => return Ok(*outcome),
        };
        let after = Owned::by(desired);
        let now = Timestamp::now();
        // A time of a moment ago serves as well and saves a write at every retry.
        let is_fresh = since_attempt(subject, now).is_some_and(|since| since < cx.grace() / 10);
        let attempt = (!is_fresh).then_some(now);
        let facts = Facts { owned: Some(after.clone()), create_attempt: attempt, ..facts };
        let message = format!("creating user {} in instance {}", desired.username, instance.id());
        let ahead = Outcome::new(Reason::Creating, message, Next::Soon).with_facts(facts).ahead();
        subject.publish(ahead, OnStale::GiveUp).await?;
        if !subject.read_again("reading before CreateUser").await? {
            return Err(PublishError::Gone { what: "reading before CreateUser", object: subject.to_string() });
        }

        let plan = diff::create(desired, owner, password);
        let Executed { created, failed } = execute(cx.connect.as_ref(), instance, None, &plan.calls, redactor).await;
        let created = created.map(|(id, arn)| KnownUser { id, arn, last_modified_time: None });
        let story = created.as_ref().map(|user| Story {
            warning: false,
            reason: "UserCreated",
            action: "CreateUser".to_owned(),
            note: format!("created user {} ({})", desired.username, user.id),
        });
        let outcome = match failed {
            None => {
                let facts = Facts { user: created, owned: Some(after), applied_in_full: true, ..Facts::default() };
                Outcome::new(Reason::InSync, self.in_sync(), Next::Resync).with_facts(facts)
            }
            Some(error) if created.is_none() && error.kind == Kind::Duplicate => {
                return self.duplicate(subject, &error).await;
            }
            Some(error) => {
                // An answer that refuses leaves nothing behind; anything else may have had its effect.
                let nothing_made = created.is_none() && !matches!(error.kind, Kind::Unavailable | Kind::Throttled);
                let facts = Facts { user: created, no_attempt: nothing_made, ..Facts::default() };
                self.failed(error).with_facts(facts)
            }
        };
        Ok(story.into_iter().fold(outcome, Outcome::with_event))
    }

    /// The name is taken: by a user of ours whose answer was lost, by one that may be adopted, or by another.
    async fn duplicate(&self, subject: &mut Subject<'_>, error: &ConnectError) -> Result<Outcome, PublishError> {
        let Self { cx, instance, desired, .. } = self;
        let found = match by_username(cx.connect.as_ref(), instance, &desired.username).await {
            Ok(Some(found)) => match self.observe(&found.id).await {
                Ok(found) => found,
                Err(error) => return Ok(self.failed(error)),
            },
            Ok(None) => None,
            Err(error) => return Ok(self.failed(error)),
        };
        if let Some(observed) = found {
            return self.judge(subject, &observed).await;
        }
        let now = Timestamp::now();
        let hidden = now.duration_since(cx.backoff.hidden_since(&subject.uid, now));
        Ok(if hidden < cx.grace() {
            let message = format!(
                "the name {} is taken, but Amazon Connect does not show by whom yet: looking again",
                desired.username
            );
            Outcome::new(Reason::Creating, message, Next::Soon)
        } else {
            let message = format!(
                "{error}: Amazon Connect shows no user of this name; choose another username, or look for the user in the console"
            );
            Outcome::new(Reason::UsernameTaken, message, Next::Slow)
        })
    }
}

/// How long ago a creation was last tried.
pub(super) fn since_attempt(subject: &Subject<'_>, now: Timestamp) -> Option<SignedDuration> {
    let attempt: Timestamp = subject.status.last_create_attempt_time.as_deref()?.parse().ok()?;
    Some(now.duration_since(attempt))
}
