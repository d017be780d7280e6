//! What the derives cannot say about the schema.

use std::borrow::Cow;

use kube::core::validate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema, transform::transform_subschemas};
use serde_json::{Map, Value};

use super::{ConnectUser, ConnectUserSpec, rule};
use crate::resource::status::ConnectUserStatus;

const DESCRIPTION: &str = "ConnectUser declares one user (agent) of an Amazon Connect instance: the operator creates \
    the user, keeps it as declared, and deletes it when the object is deleted.\n\n\
    Annotations: contactops.dev/suspend with value \"true\" forbids every write to Connect, like spec.suspend. A new \
    value of contactops.dev/reconcile-requested-at (such as the current time) asks for a reconcile now. \
    contactops.dev/release-deletion with value retain lets go of an object whose deletion is stuck, without any call \
    to AWS: the user stays.";

/// By hand, because the derive would make the status nullable.
impl JsonSchema for ConnectUser {
    fn schema_name() -> Cow<'static, str> {
        "ConnectUser".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "type": "object",
            "description": DESCRIPTION,
            "properties": {
                // Named so that the rule about it can point at it.
                "metadata": { "type": "object", "properties": { "name": { "type": "string" } } },
                "spec": generator.subschema_for::<ConnectUserSpec>(),
                "status": generator.subschema_for::<ConnectUserStatus>()
            },
            "required": ["spec"]
        });
        // A rule is a plain value and always serializes; the lint of the CRD would miss it.
        let _ = validate(&mut schema, rule::object_name());
        tidy(&mut schema);
        schema
    }
}

/// Makes the derived schema fit for the API server and for `kubectl explain`: no `null` beside the
/// real type (absent is absent), plain enums, and descriptions whose paragraphs are one line each.
pub(crate) fn tidy(schema: &mut Schema) {
    transform_subschemas(&mut tidy, schema);
    let Some(object) = schema.as_object_mut() else { return };
    one_of_to_enum(object);
    drop_null(object);
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = reflow(text);
    }
}

/// `Option<T>` is `T`, `null`: as a pair of alternatives where `T` is more than a simple type.
fn drop_null(object: &mut Map<String, Value>) {
    if let Some(Value::Array(alternatives)) = object.get_mut("anyOf") {
        alternatives.retain(|schema| schema.get("type") != Some(&Value::from("null")));
        if let [Value::Object(only)] = alternatives.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove("anyOf");
            for (key, value) in only {
                // The description of the field is nearer to the point than that of its type.
                object.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// Variants with a doc comment arrive as alternatives of one constant each.
fn one_of_to_enum(object: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = object.get("oneOf") else {
        return;
    };
    let mut values = Vec::new();
    for alternative in alternatives {
        match (alternative.get("const"), alternative.get("enum")) {
            (Some(value), _) => values.push(value.clone()),
            (None, Some(Value::Array(several))) => values.extend(several.iter().cloned()),
            _ => return,
        }
    }
    object.remove("oneOf");
    object.insert("type".into(), "string".into());
    object.insert("enum".into(), values.into());
}

/// One line for each paragraph: `kubectl explain` wraps by itself.
fn reflow(text: &str) -> String {
    let paragraphs: Vec<_> =
        text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    paragraphs.join("\n\n")
}

/// Conditions with the bounds of the Kubernetes API conventions.
pub(crate) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "items": {
            "type": "object",
            "description": "One aspect of the observed state.",
            "properties": {
                "type": {
                    "type": "string",
                    "description": "Ready, Reconciling or Stalled.",
                    "maxLength": 316,
                    "pattern": "^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$"
                },
                "status": {
                    "type": "string",
                    "description": "Whether the condition holds. Ready is Unknown while the operator is working.",
                    "enum": ["True", "False", "Unknown"]
                },
                "observedGeneration": {
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                    "description": "metadata.generation of the spec that this condition speaks of."
                },
                "lastTransitionTime": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When status last changed from one value to another."
                },
                "reason": {
                    "type": "string",
                    "description": "Why, in one word for machines, such as InSync, Throttled or ReferenceNotFound.",
                    "minLength": 1,
                    "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
                },
                "message": {
                    "type": "string",
                    "description": "Why, for people: what failed, on what, the AWS request id, and what to do next.",
                    "maxLength": 32768
                }
            },
            "required": ["lastTransitionTime", "message", "reason", "status", "type"]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_goes_from_simple_types_enums_and_alternatives() {
        let mut schema = json_schema!({
            "type": "object",
            "properties": {
                "simple": { "type": ["string", "null"], "maxLength": 5 },
                "plain": { "type": ["string", "null"], "enum": ["A", "B", null] },
                "documented": {
                    "description": "of the field",
                    "anyOf": [
                        { "description": "of the type", "oneOf": [
                            { "type": "string", "const": "A" },
                            { "type": "string", "enum": ["B", "C"] }
                        ] },
                        { "type": "null" }
                    ]
                }
            }
        });
        tidy(&mut schema);
        assert_eq!(
            schema.to_value(),
            serde_json::json!({
                "type": "object",
                "properties": {
                    "simple": { "type": "string", "maxLength": 5 },
                    "plain": { "type": "string", "enum": ["A", "B"] },
                    "documented": { "description": "of the field", "type": "string", "enum": ["A", "B", "C"] }
                }
            })
        );
    }

    #[test]
    fn paragraphs_become_lines() {
        assert_eq!(reflow("one\ntwo\n\nthree\n  four"), "one two\n\nthree four");
    }
}
