//! The password that a creation needs: read by name from the object's own namespace, once, and only then.

mod changed;
mod generate;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use zeroize::Zeroize;

use super::Context;
use super::subject::Subject;
use super::verdict;
use crate::connect::{Connect, Kind};
use crate::plan::report::{Next, Outcome};
use crate::policy::governing::{Refusal, permit_creation};
use crate::resource::condition::Reason;
use crate::resource::status::PasswordSecret;
use crate::resource::user::{ConnectUser, PasswordSecretRef};
use crate::user::ids::Instance;
use crate::user::password::Password;
pub(super) use changed::tell_change;

/// Checks what only the kind of instance can tell, and reads the password where one is wanted.
pub(super) async fn for_creation(
    cx: &Context,
    subject: &Subject<'_>,
    connect: &dyn Connect,
    instance: &Instance,
) -> Result<Option<(Password, PasswordSecret)>, Box<Outcome>> {
    let spec = &subject.object.spec;
    let management = match cx.instances.info(connect, instance).await {
        Ok(info) => info.identity_management,
        // The right to describe the instance is optional: then CreateUser itself says what is wrong.
        Err(error) if error.kind == Kind::AccessDenied => None,
        Err(error) => return Err(Box::new(verdict::failed_call(&error, instance))),
    };
    permit_creation(spec, management, instance, &subject.namespace)
        .map_err(|Refusal { reason, message }| Box::new(Outcome::new(reason, message, Next::Backoff)))?;
    match &spec.password_secret_ref {
        Some(reference) => read(cx, subject, reference).await.map(Some),
        None => Ok(None),
    }
}

/// Whether the operator is to make the object's password where there is none.
pub(super) fn is_generated(object: &ConnectUser) -> bool {
    object.spec.password_secret_ref.as_ref().is_some_and(PasswordSecretRef::generates)
}

async fn read(
    cx: &Context,
    subject: &Subject<'_>,
    reference: &PasswordSecretRef,
) -> Result<(Password, PasswordSecret), Box<Outcome>> {
    /// Somebody else may write the Secret at the same time; then theirs counts.
    const TRIES: usize = 3;
    let PasswordSecretRef { name, key, generate: _ } = reference;
    let at = format!("Secret {}/{name}", subject.namespace);
    let missing = |message: String| Box::new(Outcome::new(Reason::SecretNotFound, message, Next::Backoff));
    let secrets: Api<Secret> = Api::namespaced(cx.client.clone(), &subject.namespace);
    for _ in 0..TRIES {
        let found = match secrets.get_opt(name).await {
            Ok(found) => found,
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
        let (meta, value) = match found {
            Some(mut secret) => {
                let value = take(&mut secret, key);
                (Some(secret.metadata), value)
            }
            None => (None, None),
        };
        if let (Some(meta), Some(value)) = (&meta, value) {
            return usable(value, &at, key).map(|password| (password, version(reference, meta)));
        }
        if !reference.generates() {
            return Err(missing(match meta {
                None => format!(
                    "{at} does not exist: create it with the password under key `{key}`; looked for again every few minutes"
                ),
                Some(_) => format!(
                    "{at} has no key `{key}`: add it, or correct spec.passwordSecretRef.key; looked for again every few minutes"
                ),
            }));
        }
        if let Some((password, meta)) = generate::write(cx, subject, reference, meta.as_ref()).await? {
            return Ok((password, version(reference, &meta)));
        }
    }
    let message = format!("{at} changes while a password is being written to it: tried again by itself");
    Err(Box::new(Outcome::new(Reason::Unavailable, message, Next::Backoff)))
}

/// Takes the value of a key, and wipes the others.
fn take(secret: &mut Secret, key: &str) -> Option<ByteString> {
    let value = secret.data.as_mut().and_then(|data| data.remove(key));
    for left in secret.data.iter_mut().flat_map(|data| data.values_mut()) {
        left.0.zeroize();
    }
    value
}

fn version(reference: &PasswordSecretRef, meta: &ObjectMeta) -> PasswordSecret {
    PasswordSecret {
        name: reference.name.clone(),
        key: reference.key.clone(),
        uid: meta.uid.clone(),
        resource_version: meta.resource_version.clone(),
    }
}

fn usable(value: ByteString, at: &str, key: &str) -> Result<Password, Box<Outcome>> {
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
