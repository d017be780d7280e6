//! The password that a creation needs: read by name from the object's own namespace, once, and only then.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use zeroize::Zeroize;

use super::Context;
use super::subject::Subject;
use super::verdict;
use crate::connect::{Connect, IdentityManagement, Kind};
use crate::plan::report::{Next, Outcome};
use crate::resource::condition::Reason;
use crate::resource::user::PasswordSecretRef;
use crate::user::ids::Instance;
use crate::user::password::Password;

/// What Connect allows for usernames where it keeps passwords itself.
const LONGEST_USERNAME_WITHOUT_SAML: usize = 20;

/// Checks what only the kind of instance can tell, and reads the password where one is wanted.
pub(super) async fn for_creation(
    cx: &Context,
    subject: &Subject<'_>,
    connect: &dyn Connect,
    instance: &Instance,
) -> Result<Option<Password>, Box<Outcome>> {
    let spec = &subject.object.spec;
    let invalid = |message: String| Box::new(Outcome::new(Reason::InvalidSpec, message, Next::Backoff));
    let management = match cx.instances.info(connect, instance).await {
        Ok(info) => info.identity_management,
        // The right to describe the instance is optional: then CreateUser itself says what is wrong.
        Err(error) if error.kind == Kind::AccessDenied => None,
        Err(error) => return Err(Box::new(verdict::failed_call(&error, instance))),
    };
    let id = instance.id();
    match (management, &spec.password_secret_ref) {
        (Some(IdentityManagement::ConnectManaged), None) => {
            return Err(invalid(format!(
                "instance {id} keeps passwords itself (CONNECT_MANAGED), so a new user needs one: set spec.passwordSecretRef to a Secret in namespace {}",
                subject.namespace
            )));
        }
        (Some(IdentityManagement::Saml | IdentityManagement::ExistingDirectory), Some(_)) => {
            return Err(invalid(format!(
                "instance {id} does not keep passwords (its users sign in through SAML or a directory): remove spec.passwordSecretRef"
            )));
        }
        _ => {}
    }
    let keeps_names_short =
        matches!(management, Some(IdentityManagement::ConnectManaged | IdentityManagement::ExistingDirectory));
    if keeps_names_short && spec.username.chars().count() > LONGEST_USERNAME_WITHOUT_SAML {
        return Err(invalid(format!(
            "spec.username has more than {LONGEST_USERNAME_WITHOUT_SAML} characters, which instance {id} allows only with SAML: usernames cannot change, so delete the object and create it with a shorter one"
        )));
    }
    match &spec.password_secret_ref {
        Some(reference) => read(cx, subject, reference).await.map(Some),
        None => Ok(None),
    }
}

async fn read(cx: &Context, subject: &Subject<'_>, reference: &PasswordSecretRef) -> Result<Password, Box<Outcome>> {
    let PasswordSecretRef { name, key } = reference;
    let at = format!("Secret {}/{name}", subject.namespace);
    let missing = |message: String| Box::new(Outcome::new(Reason::SecretNotFound, message, Next::Backoff));
    let secrets: Api<Secret> = Api::namespaced(cx.client.clone(), &subject.namespace);
    let mut secret = match secrets.get_opt(name).await {
        Ok(Some(secret)) => secret,
        Ok(None) => {
            return Err(missing(format!(
                "{at} does not exist: create it with the password under key `{key}`; looked for again every few minutes"
            )));
        }
        Err(kube::Error::Api(status)) if status.is_forbidden() => {
            return Err(Box::new(Outcome::new(
                Reason::AccessDenied,
                format!(
                    "{at} may not be read: allow the operator's service account to get Secrets in namespace {}",
                    subject.namespace
                ),
                Next::Slow,
            )));
        }
        Err(error) => {
            return Err(Box::new(Outcome::new(
                Reason::Unavailable,
                format!("reading {at} failed: {error}"),
                Next::Backoff,
            )));
        }
    };
    let value = secret.data.as_mut().and_then(|data| data.remove(key));
    for left in secret.data.iter_mut().flat_map(|data| data.values_mut()) {
        left.0.zeroize();
    }
    let Some(value) = value else {
        return Err(missing(format!(
            "{at} has no key `{key}`: add it, or correct spec.passwordSecretRef.key; looked for again every few minutes"
        )));
    };
    let unusable = |what: &str| {
        let message =
            format!("the password in {at}, key `{key}`, {what}: change it there; read again every few minutes");
        Box::new(Outcome::new(Reason::InvalidSpec, message, Next::Backoff))
    };
    // `kubectl create secret --from-file` and editors leave a line end that nobody means.
    let password = match String::from_utf8(value.0) {
        Ok(mut text) => {
            let kept = text.trim_end_matches(['\r', '\n']).len();
            text.truncate(kept);
            Password::new(text)
        }
        Err(error) => {
            error.into_bytes().zeroize();
            return Err(unusable("is not text"));
        }
    };
    if password.is_acceptable() {
        Ok(password)
    } else {
        Err(unusable(
            "does not meet Amazon Connect's rule (8 to 64 characters without white space, at least one lower-case letter, one upper-case letter and one digit)",
        ))
    }
}
