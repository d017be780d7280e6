//! A Secret that changes after the user was created: it has no effect, and that is told, once.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use tracing::debug;

use super::super::Context;
use super::super::subject::Subject;
use super::version;
use crate::causes::Causes;
use crate::plan::report::{Outcome, Story};
use crate::resource::user::PasswordSecretRef;

/// What a person can do, since no API can.
const REMEDY: &str = "Amazon Connect has no call to change a password, so the user keeps the one it has; an administrator resets it on the \
                      instance's own website (Users, User management, Reset password), or the person does by \"Forgot password\"; \
                      the Secret is used only when the user is created";

/// Adds a warning if the Secret is not the one, or not the version, that was read for the creation, and
/// remembers it as it is now. One read of metadata; where that is refused or fails, nothing.
pub(in crate::controller) async fn tell_change(cx: &Context, subject: &Subject<'_>, mut outcome: Outcome) -> Outcome {
    let (Some(reference), Some(known)) = (&subject.object.spec.password_secret_ref, &subject.status.password_secret)
    else {
        return outcome;
    };
    let PasswordSecretRef { name, key, generate: _ } = reference;
    let secrets: Api<Secret> = Api::namespaced(cx.client.clone(), &subject.namespace);
    let found = match secrets.get_metadata_opt(name).await {
        Ok(found) => found.map(|secret| secret.metadata),
        Err(error) => {
            debug!(error = %Causes(&error), "reading the metadata of the password's Secret failed");
            return outcome;
        }
    };
    let is_other = known.name != *name || known.key != *key;
    let now = version(reference, &found.unwrap_or_default());
    // A Secret that is deleted once it has served is good practice, and nothing to be told.
    if now == *known || (!is_other && now.uid.is_none()) {
        return outcome;
    }
    let (at, username) = (format!("Secret {}/{name}", subject.namespace), &subject.object.spec.username);
    let what = if is_other {
        Some(format!(
            "spec.passwordSecretRef names {at}, key `{key}`, which is not what was read when user {username} was created"
        ))
    } else if known.uid.is_none() {
        // Told already, when it did not exist yet.
        None
    } else {
        Some(format!(
            "{at} has changed since it was read for user {username}; if its password, key `{key}`, is another now, that has no effect"
        ))
    };
    if let Some(what) = what {
        let story = Story {
            warning: true,
            reason: "PasswordNotChanged",
            action: "Reconcile".to_owned(),
            note: format!("{what}: {REMEDY}"),
        };
        outcome = outcome.with_event(story);
    }
    outcome.facts.password_secret = Some(now);
    outcome
}
