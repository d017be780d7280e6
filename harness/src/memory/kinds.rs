//! The kinds that the server knows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::schema::Schema;

/// One kind.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) namespaced: bool,
    /// A custom resource: with generation, and a status subresource if its definition has one.
    pub(super) schema: Option<Schema>,
    pub(super) has_status: bool,
}

impl Kind {
    fn built_in(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced,
            schema: None,
            has_status: false,
        }
    }

    fn defined(definition: &Value) -> Option<Self> {
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            group: text("/spec/group")?,
            version: text("/spec/versions/0/name")?,
            kind: text("/spec/names/kind")?,
            plural: text("/spec/names/plural")?,
            namespaced: text("/spec/scope")? == "Namespaced",
            schema: Some(Schema::new(definition.pointer("/spec/versions/0/schema/openAPIV3Schema")?.clone())),
            has_status: definition.pointer("/spec/versions/0/subresources/status").is_some(),
        })
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// As messages name it.
    pub(super) fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// All kinds, by plural.
pub(super) fn all(definitions: &[Value]) -> BTreeMap<String, Kind> {
    let built_in = [
        Kind::built_in("", "v1", "Namespace", "namespaces", false),
        Kind::built_in("", "v1", "Secret", "secrets", true),
        Kind::built_in("", "v1", "ConfigMap", "configmaps", true),
        Kind::built_in("events.k8s.io", "v1", "Event", "events", true),
    ];
    let defined = definitions.iter().filter_map(Kind::defined);
    built_in.into_iter().chain(defined).map(|kind| (kind.plural.clone(), kind)).collect()
}
