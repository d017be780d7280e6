//! A user that does not exist as far as is known: CreateUser first, one call in the common case, and a
//! taken name tells the rest.

use super::Halt;
use super::execute::{Executed, execute};
use super::lookup::by_username;
use super::password;
use super::subject::{OnStale, Subject};
use super::sync::{Line, since_attempt};
use crate::connect::{ConnectError, Kind};
use crate::plan::diff;
use crate::plan::report::{Facts, KnownUser, Next, Outcome, Story};
use crate::resource::condition::Reason;
use crate::user::ownership::Owned;

impl Line<'_> {
    pub(super) async fn create(&self, subject: &mut Subject<'_>, facts: Facts) -> Result<Outcome, Halt> {
        let Self { cx, instance, rules, seen: _, connect, desired, owner, owned: _, redactor } = self;
        if let Some(why) = &rules.freeze {
            let message =
                format!("user {} does not exist and would be created: {why}, nothing is written", desired.username);
            return Ok(Outcome::new(Reason::Frozen, message, Next::Slow).with_facts(facts));
        }
        if password::is_generated(subject.object) {
            // A Secret written for an object that is gone would stay for ever.
            self.still_right(subject).await?;
        }
        let (password, secret) = password::for_creation(cx, subject, connect.as_ref(), instance).await?.unzip();
        // The attempt is written down, and the object read again, when the call can be made: an import waits long.
        connect.turn(instance, "CreateUser").await;
        let after = Owned::by(desired);
        let was_tried = subject.status.last_create_attempt_time.is_some();
        let now = cx.clock.now();
        // A time of a moment ago serves as well and saves a write at every retry.
        let is_fresh = since_attempt(subject, now).is_some_and(|since| since < cx.grace() / 10);
        let attempt = (!is_fresh).then_some(now);
        let facts = Facts { owned: Some(after.clone()), create_attempt: attempt, password_secret: secret, ..facts };
        let message = format!("creating user {} in instance {}", desired.username, instance.id());
        let ahead = Outcome::new(Reason::Creating, message, Next::Soon).with_facts(facts).ahead();
        subject.publish(ahead, OnStale::GiveUp).await?;
        self.still_right(subject).await?;

        let plan = diff::create(desired, owner, password);
        let Executed { created, written, failed, outdated: _ } =
            execute(cx, connect.as_ref(), instance, None, &plan.calls, redactor).await;
        if let (Some((id, _)), Some(at)) = (&created, written) {
            cx.inventory.created(instance, id, &desired.username, at);
        }
        let created = created.map(|(id, arn)| KnownUser { id, arn, last_modified_time: None });
        let story = created.as_ref().map(|user| Story {
            warning: false,
            reason: "UserCreated",
            action: "CreateUser".to_owned(),
            note: format!("created user {} ({})", desired.username, user.id),
        });
        let outcome = match failed {
            None => {
                let facts =
                    Facts { user: created, owned: Some(after), applied_in_full: true, written, ..Facts::default() };
                Outcome::new(Reason::InSync, self.in_sync(), Next::Resync).with_facts(facts)
            }
            Some(error) if created.is_none() && error.kind == Kind::Duplicate => {
                return self.duplicate(subject, &error).await;
            }
            Some(error) => {
                // An answer that refuses leaves nothing behind; anything else may have had its effect, and so may an
                // earlier try that this one says nothing of.
                let is_refusal = !matches!(error.kind, Kind::Unavailable | Kind::Throttled);
                let nothing_made = created.is_none() && is_refusal && !was_tried;
                let facts = Facts { user: created, no_attempt: nothing_made, written, ..Facts::default() };
                self.refused(error).await.with_facts(facts)
            }
        };
        Ok(story.into_iter().fold(outcome, Outcome::with_event))
    }

    /// The name is taken: by a user of ours whose answer was lost, by one that may be adopted, or by another.
    async fn duplicate(&self, subject: &mut Subject<'_>, error: &ConnectError) -> Result<Outcome, Halt> {
        let Self { cx, instance, connect, desired, .. } = self;
        let username = &desired.username;
        let found = by_username(cx, connect.as_ref(), instance, username).await.map_err(|error| self.failed(error))?;
        let look = match found {
            Some(found) => self.take(&found).await?,
            None => None,
        };
        if let Some(look) = look {
            return self.judge(subject, &look).await;
        }
        let now = cx.clock.now();
        let hidden = now.duration_since(cx.backoff.waiting_since(&subject.uid, now));
        Ok(if hidden < cx.grace() {
            let message =
                format!("the name {username} is taken, but Amazon Connect does not show by whom yet: looking again");
            Outcome::new(Reason::Creating, message, Next::Soon)
        } else {
            let message = format!(
                "{error}: Amazon Connect shows no user of this name; choose another username, or look for the user in the console"
            );
            Outcome::new(Reason::UsernameTaken, message, Next::Slow)
        })
    }
}
