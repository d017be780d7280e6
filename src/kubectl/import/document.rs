//! From a spec to the YAML of an object that the API server will take.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Value, json};

use super::super::aws::Catalogue;
use super::super::manifests::{Complaint, Step, complaints};
use crate::resource::GROUP;
use crate::resource::user::{ConnectUserSpec, DeletionPolicy};
use crate::user::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId};

/// How objects are written.
pub(super) struct Form {
    /// Profiles and groups by ARN rather than by name.
    pub(super) by_arn: bool,
    /// Namespace of the objects; absent where kubectl is to say it.
    pub(super) namespace: Option<String>,
    /// ConnectInstance to refer to, instead of the instance's ARN.
    pub(super) instance_ref: Option<String>,
    /// What becomes of the users when the objects go.
    pub(super) deletion_policy: DeletionPolicy,
}

/// An object, and what of the user could not be declared.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) left_out: Vec<String>,
}

/// The object that declares a user.
///
/// # Errors
/// In words, if there is no such object that the API server would take.
pub(super) fn document(spec: &ConnectUserSpec, name: &str, form: &Form, names: &Catalogue) -> Result<Document, String> {
    let mut spec = spec.clone();
    spec.deletion_policy = form.deletion_policy;
    if let Some(name) = &form.instance_ref {
        spec.instance_arn = None;
        spec.instance_ref = Some(crate::resource::user::InstanceRef { name: name.clone() });
    }
    if !form.by_arn {
        by_name(&mut spec, names);
    }
    let mut spec = serde_json::to_value(&spec).map_err(|error| error.to_string())?;
    if let Some(members) = spec.as_object_mut() {
        // Defaults say nothing.
        for (name, default) in
            [("deletionPolicy", json!("Delete")), ("driftPolicy", json!("Correct")), ("suspend", json!(false))]
        {
            if members.get(name) == Some(&default) {
                members.remove(name);
            }
        }
    }
    let mut metadata = json!({ "name": name });
    if let (Some(namespace), Some(metadata)) = (&form.namespace, metadata.as_object_mut()) {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    let mut value = json!({
        "apiVersion": format!("{GROUP}/v1alpha1"), "kind": "ConnectUser", "metadata": metadata, "spec": spec,
    });
    let mut left_out = Vec::new();
    // Every round takes something out, so it ends.
    loop {
        let found = complaints(&value, None);
        if found.is_empty() {
            return Ok(Document { value, left_out });
        }
        for complaint in found {
            take_out(&mut value, &complaint)?;
            left_out.push(format!("{}: {}", complaint.path, complaint.message));
        }
    }
}

/// Names instead of ARNs, where a name leads back to the same thing.
fn by_name(spec: &mut ConnectUserSpec, names: &Catalogue) {
    /// As long as the definition takes them.
    const LONGEST: usize = 127;
    let short = |path: &[String], longest: usize| path.iter().all(|name| (1..=longest).contains(&name.chars().count()));
    let plain = |path: &[String]| path.first().filter(|_| short(path, LONGEST)).cloned();
    let routing = spec.routing_profile_arn.as_deref().map(RoutingProfileId::new);
    if let Some(name) = routing.and_then(|id| names.routing_profiles.unique(id.as_str()).and_then(plain)) {
        (spec.routing_profile_name, spec.routing_profile_arn) = (Some(name), None);
    }
    let security = spec.security_profile_arns.iter().flatten();
    let security =
        security.map(|arn| names.security_profiles.unique(SecurityProfileId::new(arn).as_str()).and_then(plain));
    if let Some(mut found) = security.collect::<Option<Vec<String>>>().filter(|found| !found.is_empty()) {
        found.sort();
        (spec.security_profile_names, spec.security_profile_arns) = (Some(found), None);
    }
    let group = spec.hierarchy_group_arn.as_deref().map(HierarchyGroupId::new);
    let path = group.and_then(|id| names.hierarchy_groups.unique(id.as_str()).map(<[String]>::to_vec));
    if let Some(path) = path.filter(|path| path.len() <= 5 && short(path, 100)) {
        (spec.hierarchy_group_path, spec.hierarchy_group_arn) = (Some(path), None);
    }
}

/// Without these there is no object.
const NEEDED: [&str; 7] = [
    "instanceArn",
    "instanceRef",
    "username",
    "routingProfileName",
    "routingProfileArn",
    "securityProfileNames",
    "securityProfileArns",
];

/// Takes out what the API server would refuse.
fn take_out(value: &mut Value, complaint: &Complaint) -> Result<(), String> {
    let refused = || format!("{}: {}", complaint.path, complaint.message);
    let steps: Vec<&Step> = complaint.path.steps().iter().collect();
    let [Step::Member(spec), Step::Member(field), rest @ ..] = steps.as_slice() else { return Err(refused()) };
    let members = value.get_mut(spec.as_str()).and_then(Value::as_object_mut).filter(|_| spec == "spec");
    let Some(members) = members.filter(|_| !NEEDED.contains(&field.as_str())) else { return Err(refused()) };
    // A member of identityInfo or phoneConfig, or a tag; lists go as a whole.
    if let ([Step::Member(member)], Some(inner)) = (rest, members.get_mut(field).and_then(Value::as_object_mut)) {
        inner.remove(member);
        if !inner.is_empty() {
            return Ok(());
        }
    }
    members.remove(field);
    Ok(())
}

/// One YAML document, with the marker before it.
pub(super) fn yaml(value: &Value) -> Result<String, std::io::Error> {
    let mut options = serde_saphyr::SerializerOptions::default();
    options.prefer_block_scalars = false;
    let text = serde_saphyr::to_string_with_options(&Ordered(value), options).map_err(std::io::Error::other)?;
    Ok(format!("---\n{text}"))
}

/// The order in which people read an object; what is not here comes behind, by the alphabet.
const ORDER: [&str; 44] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "spec",
    "instanceArn",
    "instanceRef",
    "username",
    "identityInfo",
    "firstName",
    "lastName",
    "email",
    "secondaryEmail",
    "mobile",
    "routingProfileName",
    "routingProfileArn",
    "securityProfileNames",
    "securityProfileArns",
    "hierarchyGroupPath",
    "hierarchyGroupArn",
    "phoneConfig",
    "channel",
    "phoneType",
    "autoAccept",
    "afterContactWorkTimeLimit",
    "deskPhoneNumber",
    "phoneNumber",
    "persistentConnection",
    "autoAcceptConfigs",
    "afterContactWorkConfigs",
    "phoneNumberConfigs",
    "persistentConnectionConfigs",
    "voiceEnhancementConfigs",
    "voiceEnhancementMode",
    "userProficiencies",
    "attributeName",
    "attributeValue",
    "level",
    "directoryUserId",
    "tags",
    "deletionPolicy",
    "adoptionPolicy",
    "driftPolicy",
];

struct Ordered<'a>(&'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let place = |name: &str| ORDER.iter().position(|other| *other == name).unwrap_or(ORDER.len());
                let mut members: Vec<_> = members.iter().collect();
                members.sort_by_key(|(name, _)| place(name));
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, &Ordered(value))?;
                }
                map.end()
            }
            Value::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(&Ordered(item))?;
                }
                seq.end()
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a text looks like, it must be read as a text.
    #[test]
    fn texts_are_written_so_that_they_are_read_as_texts() {
        let nasty = [
            "no",
            "yes",
            "on",
            "y",
            "N",
            "true",
            "null",
            "~",
            "",
            " ",
            "1",
            "012",
            "0x1f",
            "1e3",
            "1_000",
            "+4915112345678",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "@a",
            "`a`",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%a",
            "{a}",
            "[a]",
            "a,b",
            "'a'",
            "\"a\"",
            "a\\b",
            "a\nb",
            " a",
            "a ",
            "ünïcödé",
            "山田",
            "\u{1f600}",
            "---",
            "...",
            "2026-01-01",
            "12:30:00",
            ".inf",
            ".nan",
            "0o7",
            "1.5",
            "a\tb",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "=",
            "<<",
            "?",
            "? a",
            ":",
            "a:",
        ];
        let long = "word ".repeat(60);
        for text in nasty.into_iter().chain([long.as_str()]) {
            let value = json!({ "spec": { "tags": { "k": text, "list": [text] } } });
            let written = yaml(&value).unwrap();
            let read = super::super::super::manifests::parse(&written).unwrap();
            assert_eq!(read, [value], "{text:?}: {written}");
        }
        let key = json!({ "spec": { "tags": { "a: b": "x", "no": "y", "a/b": "z", "+1": "1", "": "", "a b": "c" } } });
        let written = yaml(&key).unwrap();
        assert_eq!(super::super::super::manifests::parse(&written).unwrap(), [key], "{written}");
    }
}
