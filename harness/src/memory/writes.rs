//! The verbs that change something.

use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::Failure;
use super::metadata::{finalizers, generation, is_terminating, restore, set, text, tidy};
use super::ownership::Owners;
use super::request::Target;
use super::store::{Change, Store, Stored};

impl Store {
    pub(super) fn get(&self, target: &Target) -> Result<Arc<Value>, Failure> {
        self.stored(target).map(|stored| stored.value)
    }

    fn stored(&self, target: &Target) -> Result<Stored, Failure> {
        let not_found =
            || Failure::new(404, "NotFound", format!("{} \"{}\" not found", target.kind.full_name(), target.key.name));
        self.objects.get(&target.key).cloned().ok_or_else(not_found)
    }

    pub(super) fn create(
        &mut self,
        client: &str,
        target: &Target,
        manager: &str,
        mut object: Value,
    ) -> Result<Arc<Value>, Failure> {
        let kind = &target.kind;
        check_type(target, &object)?;
        let name = text(&object, "name").ok_or_else(|| Failure::unsupported("an object without a name"))?.to_owned();
        let mut key = target.key.clone();
        key.name.clone_from(&name);
        if kind.namespaced {
            if text(&object, "namespace").is_some_and(|namespace| namespace != key.namespace) {
                let message = "the namespace of the provided object does not match the namespace sent on the request";
                return Err(Failure::new(400, "BadRequest", message));
            }
            let mut namespace = key.clone();
            (namespace.plural, namespace.namespace, namespace.name) =
                ("namespaces".to_owned(), String::new(), key.namespace.clone());
            if !self.objects.contains_key(&namespace) {
                return Err(Failure::new(404, "NotFound", format!("namespaces \"{}\" not found", key.namespace)));
            }
        }
        if text(&object, "resourceVersion").is_some() {
            return Err(Failure::new(
                500,
                "InternalError",
                "resourceVersion should not be set on objects to be created",
            ));
        }
        if self.objects.contains_key(&key) {
            let message = format!("{} \"{name}\" already exists", kind.full_name());
            return Err(Failure::new(409, "AlreadyExists", message));
        }
        if kind.has_status
            && let Some(members) = object.as_object_mut()
        {
            members.remove("status");
        }
        for member in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
            set(&mut object, member, Value::Null);
        }
        let uid = self.new_uid();
        set(&mut object, "uid", json!(uid));
        set(&mut object, "creationTimestamp", json!(self.second()));
        if kind.namespaced {
            set(&mut object, "namespace", json!(key.namespace));
        }
        if kind.schema.is_some() {
            set(&mut object, "generation", json!(1));
        }
        finish(target, &mut object);
        let mut owners = Owners::default();
        if let Some(schema) = &kind.schema {
            owners.updated(manager, schema, &Value::Null, &Value::Null);
            check_decodes(&object)?;
        }
        Ok(self.commit(client, &key, Change::Added, object, owners))
    }

    pub(super) fn replace(
        &mut self,
        client: &str,
        target: &Target,
        manager: &str,
        object: Value,
    ) -> Result<Arc<Value>, Failure> {
        check_type(target, &object)?;
        if text(&object, "name") != Some(&target.key.name) {
            return Err(Failure::new(400, "BadRequest", "the name of the object does not match the name on the URL"));
        }
        let stored = self.stored(target)?;
        if target.kind.schema.is_some() && text(&object, "resourceVersion").is_none() {
            let message = format!(
                "{} \"{}\" is invalid: metadata.resourceVersion: must be specified for an update",
                target.kind.full_name(),
                target.key.name
            );
            return Err(Failure::new(422, "Invalid", message));
        }
        self.update(client, target, manager, &stored, object)
    }

    pub(super) fn merge(
        &mut self,
        client: &str,
        target: &Target,
        manager: &str,
        patch: &Value,
    ) -> Result<Arc<Value>, Failure> {
        let stored = self.stored(target)?;
        let mut object = (*stored.value).clone();
        merge(&mut object, patch);
        // What the patch does not speak of is not a precondition.
        if text(patch, "resourceVersion").is_none() {
            set(&mut object, "resourceVersion", Value::Null);
        }
        self.update(client, target, manager, &stored, object)
    }

    pub(super) fn apply(
        &mut self,
        client: &str,
        target: &Target,
        manager: &str,
        patch: &Value,
    ) -> Result<Arc<Value>, Failure> {
        let Some(schema) = target.kind.schema.as_ref().filter(|_| target.is_status) else {
            return Err(Failure::unsupported("server-side apply to anything but the status of a custom resource"));
        };
        check_type(target, patch)?;
        let metadata = patch.get("metadata").and_then(Value::as_object);
        let says_more = metadata
            .into_iter()
            .flatten()
            .any(|(name, _)| !["uid", "resourceVersion", "name", "namespace"].contains(&name.as_str()));
        if patch.get("spec").is_some() || says_more {
            return Err(Failure::unsupported("a status applied together with spec or metadata"));
        }
        let stored = self.stored(target)?;
        // The real server resets metadata before it compares uids here: only the version is a precondition.
        let mut said = patch.clone();
        set(&mut said, "uid", Value::Null);
        self.check_preconditions(target, &stored, &said)?;
        let nothing = json!({});
        let (live, said) = (stored.value.get("status").unwrap_or(&nothing), patch.get("status").unwrap_or(&nothing));
        let mut owners = stored.owners.clone();
        let status = owners.applied(manager, schema, live, said);
        let mut object = (*stored.value).clone();
        if let Some(members) = object.as_object_mut() {
            members.insert("status".to_owned(), status);
        }
        self.settle(client, target, &stored, object, owners)
    }

    pub(super) fn delete(&mut self, client: &str, target: &Target, options: &Value) -> Result<Value, Failure> {
        let stored = self.stored(target)?;
        if options.get("propagationPolicy").is_some_and(|policy| policy != "Background")
            || options.get("dryRun").is_some()
        {
            return Err(Failure::unsupported("these options of a deletion"));
        }
        let preconditions = json!({ "metadata": options.get("preconditions").cloned().unwrap_or_default() });
        self.check_preconditions(target, &stored, &preconditions)?;
        let mut object = (*stored.value).clone();
        if is_terminating(&object) {
            return Ok(object);
        }
        if finalizers(&object).is_empty() {
            let uid = text(&object, "uid").map(str::to_owned);
            self.commit(client, &target.key, Change::Deleted, object, Owners::default());
            let details =
                json!({ "name": target.key.name, "group": target.kind.group, "kind": target.kind.plural, "uid": uid });
            return Ok(
                json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details }),
            );
        }
        set(&mut object, "deletionTimestamp", json!(self.second()));
        set(&mut object, "deletionGracePeriodSeconds", json!(0));
        if target.kind.schema.is_some() {
            let next = generation(&object) + 1;
            set(&mut object, "generation", json!(next));
        }
        Ok((*self.commit(client, &target.key, Change::Modified, object, stored.owners)).clone())
    }

    /// An update otherwise than by applying.
    fn update(
        &mut self,
        client: &str,
        target: &Target,
        manager: &str,
        stored: &Stored,
        mut object: Value,
    ) -> Result<Arc<Value>, Failure> {
        let before = &stored.value;
        let uid = text(&object, "uid").map(str::to_owned);
        set(&mut object, "uid", Value::Null);
        self.check_preconditions(target, stored, &object)?;
        if uid.is_some() && uid.as_deref() != text(before, "uid") {
            // Applying and deleting take it for a precondition; an update would change it.
            let message = format!(
                "{} \"{}\" is invalid: metadata.uid: field is immutable",
                target.kind.full_name(),
                target.key.name
            );
            return Err(Failure::new(422, "Invalid", message));
        }
        restore(&mut object, before);
        if target.is_status {
            let status = object.get("status").cloned();
            object = (**before).clone();
            if let (Some(members), Some(status)) = (object.as_object_mut(), status) {
                members.insert("status".to_owned(), status);
            }
        } else if target.kind.has_status
            && let Some(members) = object.as_object_mut()
        {
            match before.get("status") {
                Some(status) => members.insert("status".to_owned(), status.clone()),
                None => members.remove("status"),
            };
        }
        finish(target, &mut object);
        let mut owners = stored.owners.clone();
        if let (Some(schema), true) = (&target.kind.schema, target.is_status) {
            let nothing = json!({});
            let status = |object: &Value| object.get("status").unwrap_or(&nothing).clone();
            owners.updated(manager, schema, &status(before), &status(&object));
        }
        self.settle(client, target, stored, object, owners)
    }

    /// Commits what an object has become, unless that is what it was.
    fn settle(
        &mut self,
        client: &str,
        target: &Target,
        stored: &Stored,
        mut object: Value,
        owners: Owners,
    ) -> Result<Arc<Value>, Failure> {
        let before = &stored.value;
        if is_terminating(before) {
            let old = finalizers(before);
            if let Some(new) = finalizers(&object).into_iter().find(|finalizer| !old.contains(finalizer)) {
                let message = format!(
                    "{} \"{}\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{\"{new}\"}}",
                    target.kind.full_name(),
                    target.key.name
                );
                return Err(Failure::new(422, "Invalid", message));
            }
        }
        if object == **before {
            self.objects.entry(target.key.clone()).and_modify(|stored| stored.owners = owners);
            return Ok(Arc::clone(before));
        }
        if target.kind.schema.is_some() {
            let spec = |object: &Value| {
                let mut object = object.clone();
                if let Some(members) = object.as_object_mut() {
                    members.remove("metadata");
                    members.remove("status");
                }
                object
            };
            if spec(&object) != spec(before) {
                let next = generation(before) + 1;
                set(&mut object, "generation", json!(next));
            }
            check_decodes(&object)?;
        }
        if is_terminating(&object) && finalizers(&object).is_empty() {
            // The answer has what was asked for, under the version before; the event what was stored.
            self.commit(client, &target.key, Change::Deleted, (**before).clone(), owners);
            return Ok(Arc::new(object));
        }
        Ok(self.commit(client, &target.key, Change::Modified, object, owners))
    }

    fn check_preconditions(&self, target: &Target, stored: &Stored, said: &Value) -> Result<(), Failure> {
        let found = text(&stored.value, "uid").unwrap_or_default();
        if text(said, "uid").is_some_and(|uid| uid != found) {
            return Err(self.not_what_was_meant(target, found));
        }
        let version = text(&stored.value, "resourceVersion");
        if text(said, "resourceVersion").is_some_and(|said| Some(said) != version) {
            let message = format!(
                "Operation cannot be fulfilled on {} \"{}\": the object has been modified; please apply your changes to the latest version and try again",
                target.kind.full_name(),
                target.key.name
            );
            return Err(Failure::new(409, "Conflict", message));
        }
        Ok(())
    }

    fn not_what_was_meant(&self, target: &Target, found: &str) -> Failure {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{}\": Precondition failed: UID in object meta: {found}",
            target.kind.full_name(),
            target.key.name
        );
        Failure::new(409, "Conflict", message)
    }

    /// The time as metadata has it.
    fn second(&self) -> String {
        let now = (self.now)();
        k8s_openapi::jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
    }
}

/// Defaults, pruning, and empty metadata.
fn finish(target: &Target, object: &mut Value) {
    if let Some(schema) = &target.kind.schema {
        schema.complete(object);
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        tidy(metadata);
    }
}

/// A custom resource has at least a spec.
fn check_decodes(object: &Value) -> Result<(), Failure> {
    match object.get("spec") {
        Some(Value::Object(_)) => Ok(()),
        _ => Err(Failure::new(422, "Invalid", "spec: Required value")),
    }
}

fn check_type(target: &Target, object: &Value) -> Result<(), Failure> {
    let said = |member| object.get(member).and_then(Value::as_str).unwrap_or_default();
    if said("kind") == target.kind.kind && said("apiVersion") == target.kind.api_version() {
        return Ok(());
    }
    let message = format!(
        "the body is a {} of {}, not a {} of {}",
        said("kind"),
        said("apiVersion"),
        target.kind.kind,
        target.kind.api_version()
    );
    Err(Failure::new(400, "BadRequest", message))
}

/// RFC 7396.
fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let Value::Object(members) = value else { return };
    for (name, patch) in patch {
        if patch.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), patch);
        }
    }
}
