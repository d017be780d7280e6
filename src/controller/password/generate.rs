//! A password made here, and written into the Secret before the user is created with it: after a crash in
//! between, the next try finds it there.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::{PartialObjectMeta, Request};
use kube::{Api, Resource};
use rand::TryRng;
use rand::rngs::SysRng;
use serde::Serialize;
use zeroize::Zeroizing;

use super::super::Context;
use super::super::subject::Subject;
use crate::plan::report::{Next, Outcome};
use crate::resource::condition::Reason;
use crate::resource::user::PasswordSecretRef;
use crate::resource::{MANAGED_BY_LABEL, MANAGER, PASSWORD_OF_ANNOTATION};
use crate::user::password::Password;

/// The file with the rights, for messages.
const RIGHTS: &str = "deploy/generate-passwords.yaml";

/// No letter or digit that is taken for another when it is read out: no l, o, I, O, 0 and 1.
const ALPHABET: &[u8; 56] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 24;

/// Writes a new password under the key: into a new Secret, or into the one whose metadata is given.
/// `None` where somebody else was quicker and the Secret is to be read again.
pub(super) async fn write(
    cx: &Context,
    subject: &Subject<'_>,
    reference: &PasswordSecretRef,
    existing: Option<&ObjectMeta>,
) -> Result<Option<(Password, ObjectMeta)>, Box<Outcome>> {
    let PasswordSecretRef { name, key, generate: _ } = reference;
    let at = format!("Secret {}/{name}", subject.namespace);
    let unavailable = |message: String| {
        Box::new(Outcome::new(Reason::Unavailable, format!("{message}: tried again by itself"), Next::Backoff))
    };
    let password = random().map_err(|error| unavailable(format!("the system gave no random numbers ({error})")))?;
    let string_data = BTreeMap::from([(key.as_str(), password.reveal())]);
    let written = match existing {
        None => create(cx, subject, name, string_data).await,
        Some(meta) => {
            // Only this key; and only if the Secret is the one that was read.
            let metadata = ObjectMeta {
                uid: meta.uid.clone(),
                resource_version: meta.resource_version.clone(),
                ..ObjectMeta::default()
            };
            let body = Body { api_version: None, kind: None, type_: None, metadata, string_data };
            let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
            let secrets: Api<Secret> = Api::namespaced(cx.client.clone(), &subject.namespace);
            secrets.patch_metadata(name, &params, &Patch::Merge(body)).await
        }
    };
    let (verb, did) = if existing.is_none() { ("create", "created") } else { ("patch", "changed") };
    // The API server's own words stay out: they could repeat what they are about.
    match written {
        Ok(PartialObjectMeta { metadata, .. }) => Ok(Some((password, metadata))),
        Err(kube::Error::Api(status)) if status.is_conflict() => Ok(None),
        // Gone between being read and being changed; or the namespace is.
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(kube::Error::Api(status)) if status.is_forbidden() => Err(Box::new(Outcome::new(
            Reason::AccessDenied,
            format!(
                "{at} lacks key `{key}` and may not be {did}: spec.passwordSecretRef.generate needs the right to {verb} Secrets \
                 in namespace {}, which {RIGHTS} grants to the operator's service account; or write the password yourself; \
                 tried again every few minutes",
                subject.namespace
            ),
            Next::Slow,
        ))),
        Err(kube::Error::Api(status)) if status.code == 422 => Err(Box::new(Outcome::new(
            Reason::InvalidSpec,
            format!(
                "{at} does not take key `{key}`, perhaps because it is immutable: name another Secret, or write the password yourself; \
                 tried again every few minutes"
            ),
            Next::Backoff,
        ))),
        Err(kube::Error::Api(status)) => Err(unavailable(format!(
            "{at} could not be {did}: the api server answered {} {}",
            status.code, status.reason
        ))),
        Err(_) => Err(unavailable(format!("{at} could not be {did}: the api server did not answer properly"))),
    }
}

/// POST, so that of two writers one fails; and without an owner, so that the Secret outlives the object.
async fn create(
    cx: &Context,
    subject: &Subject<'_>,
    name: &str,
    string_data: BTreeMap<&str, &str>,
) -> kube::Result<PartialObjectMeta<Secret>> {
    let of = format!("{}/{} {}", subject.namespace, subject.name, subject.uid);
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        labels: Some([(MANAGED_BY_LABEL.to_owned(), MANAGER.to_owned())].into()),
        annotations: Some([(PASSWORD_OF_ANNOTATION.to_owned(), of)].into()),
        ..ObjectMeta::default()
    };
    let body = Body { api_version: Some("v1"), kind: Some("Secret"), type_: Some("Opaque"), metadata, string_data };
    // Large enough not to be moved while it grows: what is left behind by that is never wiped.
    let mut bytes = Vec::with_capacity(4096);
    serde_json::to_writer(&mut bytes, &body).map_err(kube::Error::SerdeError)?;
    let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
    let mut request = Request::new(Secret::url_path(&(), Some(&subject.namespace)))
        .create(&params, bytes)
        .map_err(kube::Error::BuildRequest)?;
    // Not answered with what was sent.
    if let Ok(metadata_only) = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1".parse() {
        request.headers_mut().insert("accept", metadata_only);
    }
    cx.client.request(request).await
}

/// By rejection: each password that meets Connect's rule is as likely as any other.
fn random() -> Result<Password, rand::rngs::SysError> {
    let size = ALPHABET.len();
    // The greatest multiple of the alphabet's size that fits into a byte: more would favour its beginning.
    let fair = 256 / size * size;
    loop {
        let mut password = Zeroizing::new(String::with_capacity(LENGTH));
        while password.len() < LENGTH {
            let mut bytes = Zeroizing::new([0_u8; LENGTH]);
            SysRng.try_fill_bytes(bytes.as_mut_slice())?;
            let letters = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
            let letters = letters.filter_map(|byte| ALPHABET.get(byte % size)).map(|letter| char::from(*letter));
            let room = LENGTH - password.len();
            password.extend(letters.take(room));
        }
        let password = Password::new(std::mem::take(&mut *password));
        if password.is_acceptable() {
            return Ok(password);
        }
    }
}

/// As it is sent. `stringData`, so that no second copy in base64 is made here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_: Option<&'static str>,
    metadata: ObjectMeta,
    string_data: BTreeMap<&'a str, &'a str>,
}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn made_passwords_meet_the_rule_differ_and_use_the_whole_alphabet_evenly() {
        const MANY: usize = 4000;
        let all: BTreeSet<String> = (0..MANY).map(|_| random().unwrap().reveal().to_owned()).collect();
        assert_eq!(all.len(), MANY);
        assert!(
            all.iter().all(|password| password.len() == LENGTH && !password.contains(['l', 'o', 'I', 'O', '0', '1']))
        );
        let mut counts = BTreeMap::new();
        for letter in all.iter().flat_map(|password| password.chars()) {
            *counts.entry(letter).or_insert(0_usize) += 1;
        }
        assert_eq!(counts.len(), ALPHABET.len());
        let mean = MANY * LENGTH / ALPHABET.len();
        // The rule makes digits a little more frequent; an unfair remainder would be a quarter off.
        assert!(counts.values().all(|count| (mean * 85 / 100..mean * 115 / 100).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_body_does_not_show_the_password() {
        let string_data = BTreeMap::from([("password", "Sentinel-1")]);
        let body = Body { api_version: None, kind: None, type_: None, metadata: ObjectMeta::default(), string_data };
        assert!(!format!("{body:?}").contains("Sentinel"));
    }
}
