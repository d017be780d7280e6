//! An object that does not fit the schema of this version, for instance after a downgrade or a hand-made
//! edit of the CRD. It keeps nobody else waiting, it is told what is wrong, and its user is left alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::error_boundary::InvalidObject;
use kube::core::{ApiResource, ObjectMeta};
use kube::{Api, Resource};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::Context;
use super::subject::PublishError;
use crate::plan::report::{Next, printable};
use crate::resource::condition::{Reason, conditions, ready};
use crate::resource::status::is_lost;
use crate::resource::user::ConnectUser;
use crate::resource::{FINALIZER, MANAGER, RELEASE_ANNOTATION};

/// Tells the object what is wrong with it, or lets it go where a person has asked for that.
pub(super) async fn handle(invalid: &InvalidObject, cx: &Context) -> Result<Next, PublishError> {
    let ObjectMeta { name, namespace, .. } = &invalid.metadata;
    let (name, namespace) = (name.clone().unwrap_or_default(), namespace.clone().unwrap_or_default());
    let object = format!("{namespace}/{name}");
    // Serde repeats the value, and which field has it is not known yet.
    warn!(error = %without_value(&invalid.error), "the object does not fit the schema of this version; its user is left alone");
    let api: Api<DynamicObject> =
        Api::namespaced_with(cx.client.clone(), &namespace, &ApiResource::erase::<ConnectUser>(&()));
    let failed = |what: &'static str| {
        let object = object.clone();
        move |source: kube::Error| match source {
            kube::Error::Api(status) if status.is_conflict() => PublishError::Stale { what, object },
            kube::Error::Api(status) if status.is_not_found() => PublishError::Gone { what, object },
            source => PublishError::Api { what, object, source: Box::new(source) },
        }
    };

    let Some(live) = api.get_opt(&name).await.map_err(failed("reading"))? else { return Ok(Next::Change) };
    let meta = &live.metadata;
    let asks_release =
        meta.annotations.as_ref().and_then(|all| all.get(RELEASE_ANNOTATION)).is_some_and(|value| value == "retain");
    if meta.deletion_timestamp.is_some() && asks_release {
        let finalizers: Vec<_> = meta.finalizers.iter().flatten().filter(|finalizer| *finalizer != FINALIZER).collect();
        let patch = json!({ "metadata": { "uid": meta.uid, "resourceVersion": meta.resource_version, "finalizers": finalizers } });
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        api.patch(&name, &params, &Patch::Merge(patch)).await.map_err(failed("removing the finalizer"))?;
        info!("released the object; its user stays in Amazon Connect");
        return Ok(Next::Change);
    }

    let mut status = live.data.get("status").cloned().unwrap_or_else(|| json!({}));
    let previous: Vec<Condition> = status
        .get("conditions")
        .and_then(|conditions| serde_json::from_value(conditions.clone()).ok())
        .unwrap_or_default();
    let generation = meta.generation.unwrap_or_default();
    let at = serde_json::to_value(&live).ok().and_then(|value| {
        let error = serde_path_to_error::deserialize::<_, ConnectUser>(value).err()?;
        let (path, error) = (error.path().to_string(), error.inner().to_string());
        let shown = if may_be_personal(&path) { without_value(&error) } else { error };
        Some(format!("field {path}: {shown}"))
    });
    let what = printable(&at.unwrap_or_else(|| without_value(&invalid.error)));
    let message = format!(
        "the object does not fit the schema of this operator: {what}; correct the field, or upgrade operator and CRD to the version that wrote it. \
         To let a terminating object go and keep its user, set annotation {RELEASE_ANNOTATION}=retain"
    );
    let told =
        ready(&previous).is_some_and(|ready| ready.message == message && ready.observed_generation == Some(generation));
    if told {
        return Ok(Next::Change);
    }
    if let Value::Object(status) = &mut status {
        let now = conditions(&previous, Reason::InvalidSpec, &message, generation, cx.clock.now());
        status.insert("conditions".to_owned(), json!(now));
        status.insert("observedGeneration".to_owned(), json!(generation));
        if is_lost(meta.finalizers.as_deref().unwrap_or_default(), &previous, status.contains_key("userId")) {
            // With the condition written here, it would not look so any more.
            status.entry("mayHaveUserSince").or_insert_with(|| json!(cx.clock.now().to_string()));
        }
    }
    let patch = json!({
        "apiVersion": ConnectUser::api_version(&()),
        "kind": ConnectUser::kind(&()),
        "metadata": { "uid": meta.uid, "resourceVersion": meta.resource_version },
        "status": status,
    });
    api.patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch))
        .await
        .map_err(failed("writing the status"))?;
    Ok(Next::Change)
}

/// Whether a value at this path may be somebody's name, address or number. What is above the fields, such as `spec`,
/// may hold anything.
fn may_be_personal(path: &str) -> bool {
    const HARMLESS: [&str; 6] =
        ["deletionPolicy", "adoptionPolicy", "driftPolicy", "suspend", "instanceArn", "instanceRef"];
    !HARMLESS.iter().any(|field| path == format!("spec.{field}"))
}

/// Serde's message without the value that it repeats: what kind of mistake, and what was expected.
fn without_value(error: &str) -> String {
    if error.starts_with("missing field") {
        return error.to_owned();
    }
    let kind = error.split([':', '`', '"']).next().unwrap_or_default().trim_end();
    // The value may hold these words, too, so the last ones count.
    match error.rsplit_once(", expected ") {
        Some((_, expected))
            if ["invalid type", "invalid value", "invalid length", "unknown variant"].contains(&kind) =>
        {
            format!("{kind}, expected {expected}")
        }
        _ => "a value that cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_without_the_value() {
        for (error, told) in [
            ("invalid type: string \"jane, expected x\", expected struct X", "invalid type, expected struct X"),
            ("unknown variant `jane`, expected `A` or `B`", "unknown variant, expected `A` or `B`"),
            ("missing field `username`", "missing field `username`"),
            ("premature end of input: jane", "a value that cannot be read"),
        ] {
            assert_eq!(without_value(error), told);
        }
    }
}
