//! A user that exists and may be ours: adopted where that is allowed, and brought to what is declared.

use super::Halt;
use super::execute::{Executed, execute};
use super::governance;
use super::lookup::Look;
use super::password;
use super::subject::{OnStale, Subject};
use super::sync::Line;
use super::turn;
use crate::connect::IdentityManagement;
use crate::pace::paced::Work;
use crate::pace::queue::Class;
use crate::plan::Plan;
use crate::plan::call::Call;
use crate::plan::diff;
use crate::plan::report::{Facts, KnownUser, Next, Outcome, Story};
use crate::resource::condition::{Reason, is_ready};
use crate::resource::user::DriftPolicy;
use crate::user::ownership::{Field, Owned};

/// The name of the built-in security profile that may do everything.
pub(super) const ADMIN_PROFILE: &str = "Admin";

impl Line<'_> {
    pub(super) async fn adopt(&self, subject: &mut Subject<'_>, look: &Look) -> Result<Outcome, Halt> {
        let observed = &look.user;
        let admin = self.cx.catalog.security_profile(self.connect.as_ref(), &self.instance, ADMIN_PROFILE).await;
        let admin = admin.map_err(|error| self.failed(error))?;
        let permitted = self.rules.permit_adoption(&subject.namespace, &subject.name, observed, admin.as_ref());
        if let Err(denied) = permitted {
            return Ok(Outcome::new(Reason::NotAllowed, denied.to_string(), Next::Slow));
        }
        let story = Story {
            warning: false,
            reason: "UserAdopted",
            action: "TagResource".to_owned(),
            note: format!(
                "took over user {} ({}){}",
                observed.username,
                observed.id,
                if password::is_generated(subject.object) {
                    "; its password stays as it is: what the Secret of spec.passwordSecretRef holds is not its password"
                } else {
                    ""
                }
            ),
        };
        self.update(subject, look, Some(story)).await
    }

    pub(super) async fn update(
        &self,
        subject: &mut Subject<'_>,
        look: &Look,
        adoption: Option<Story>,
    ) -> Result<Outcome, Halt> {
        let Self { cx, instance, rules, seen: _, connect, desired, owner, owned, redactor } = self;
        let observed = &look.user;
        let redactor = &redactor.observed(observed);
        let is_of_directory = observed.directory_user_id.is_some() && self.has_directory().await;
        let observed = &if is_of_directory {
            observed.clone().without_directory_members(&desired.identity)
        } else {
            observed.clone()
        };
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
        if let Some(why) = rules.freeze.as_ref().filter(|_| !plan.is_empty()) {
            let message =
                format!("user {} would be changed in {}: {why}, nothing is written", desired.username, plan.fields());
            // One that is not taken over yet is nobody's.
            let user = adoption.is_none().then_some(user);
            return Ok(report_only(subject, user, plan, Reason::Frozen, message));
        }
        if is_drift && !plan.is_empty() && subject.object.spec.drift_policy == DriftPolicy::Report {
            let message = format!(
                "user {} differs from the spec in {}: driftPolicy is Report, nothing is written",
                desired.username,
                plan.fields()
            );
            if is_news(subject, &plan) {
                cx.metrics.drifted(plan.paths(), false);
            }
            return Ok(report_only(subject, Some(user), plan, Reason::Drifted, message));
        }

        let (mut events, mut written): (Vec<Story>, _) = (Vec::new(), None);
        if let Some(first) = plan.calls.first() {
            // Edits go first, even where what they find is drift.
            let restores = is_drift && subject.work.class == Class::Background;
            let work = Work { class: Class::Drift, ..subject.work.clone() };
            let connect = if restores { &governance::connect(cx, rules, &work, &subject.namespace) } else { connect };
            connect.turn(instance, first.operation()).await;
            if look.is_outdated(connect.as_ref(), instance).await.map_err(|error| self.failed(error))? {
                return Err(turn::outdated(subject).into());
            }
            // Written ahead: what the calls take ownership of, and that Ready is not to be believed meanwhile.
            let before = owned.clone().union(&after);
            let recorded = subject.status.applied.as_ref().map(Owned::from_record);
            if recorded.as_ref() != Some(&before) || !is_ready(&subject.status.conditions, subject.generation) {
                let facts = Facts { user: Some(user.clone()), owned: Some(before.clone()), ..Facts::default() };
                let message = format!("changing {}", plan.fields());
                let ahead = Outcome::new(Reason::Updating, message, Next::Soon).with_facts(facts).ahead();
                subject.publish(ahead, OnStale::GiveUp).await?;
            }
            self.still_right(subject).await?;
            let id = Some(&observed.id);
            let Executed { created: _, written: at, failed, outdated } =
                execute(cx, connect.as_ref(), instance, id, &plan.calls, redactor).await;
            if outdated {
                return Err(turn::outdated(subject).into());
            }
            written = at;
            if let Some(error) = failed {
                let facts = Facts { user: Some(user), owned: Some(before), written, ..Facts::default() };
                return Ok(self.refused(error).await.with_facts(facts));
            }
            if is_drift {
                cx.metrics.drifted(plan.paths(), true);
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
        cx.inventory.looked_at(instance, observed, written);
        if stuck {
            let message = "spec.directoryUserId cannot be set on a user that exists: Amazon Connect has no call for it; remove it from the spec, or delete the object and create it again";
            let facts = Facts { user: Some(user), owned: Some(after), written, ..Facts::default() };
            let outcome = Outcome::new(Reason::InvalidSpec, message, Next::Slow).with_facts(facts);
            return Ok(events.into_iter().fold(outcome, Outcome::with_event));
        }
        let facts = Facts { user: Some(user), owned: Some(after), applied_in_full: true, written, ..Facts::default() };
        let outcome = Outcome::new(Reason::InSync, self.in_sync(), Next::Resync).with_facts(facts);
        Ok(events.into_iter().fold(outcome, Outcome::with_event))
    }

    /// Whether the instance's users come from an existing directory; where that cannot be told, not.
    async fn has_directory(&self) -> bool {
        let info = self.cx.instances.info(self.connect.as_ref(), &self.instance).await;
        info.is_ok_and(|info| info.identity_management == Some(IdentityManagement::ExistingDirectory))
    }
}

/// Whether the status does not tell of these differences yet.
fn is_news(subject: &Subject<'_>, plan: &Plan) -> bool {
    subject.status.drift != plan.differences
}

/// Tells the differences and writes nothing; an event only where they are news.
fn report_only(subject: &Subject<'_>, user: Option<KnownUser>, plan: Plan, reason: Reason, message: String) -> Outcome {
    let is_news = is_news(subject, &plan);
    let story = Story { warning: true, reason: "DriftDetected", action: "Compare".to_owned(), note: message.clone() };
    let facts = Facts { user, drift: plan.differences, ..Facts::default() };
    let outcome = Outcome::new(reason, message, Next::Resync).with_facts(facts);
    if is_news { outcome.with_event(story) } else { outcome }
}
