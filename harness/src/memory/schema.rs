//! What a structural schema does to an object besides validating it: defaults, pruning, and which lists are maps.

use serde_json::Value;

/// An OpenAPI v3 schema of a custom resource.
#[derive(Clone, Debug)]
pub(super) struct Schema(Value);

impl Schema {
    pub(super) const fn new(schema: Value) -> Self {
        Self(schema)
    }

    /// Fills in defaults and removes what the schema does not know; metadata is not the schema's business.
    pub(super) fn complete(&self, object: &mut Value) {
        prune(&self.0, object, true);
        fill_in(&self.0, object);
    }

    /// Keys of the list at a path of field names, if it is one of type map.
    pub(super) fn list_keys(&self, fields: &[&str]) -> Option<Vec<String>> {
        let schema = fields.iter().try_fold(&self.0, |schema, field| {
            let schema = schema.get("items").unwrap_or(schema);
            schema.get("properties")?.get(field)
        })?;
        let keys = schema.get("x-kubernetes-list-map-keys")?.as_array()?;
        Some(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}

fn fill_in(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if let (None, Some(default)) = (members.get(name), schema.get("default")) {
                    members.insert(name.clone(), default.clone());
                }
                if let Some(member) = members.get_mut(name) {
                    fill_in(schema, member);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| fill_in(schema, item));
            }
        }
        _ => {}
    }
}

fn prune(schema: &Value, value: &mut Value, is_root: bool) {
    match value {
        Value::Object(members) => {
            let is_map = schema.get("additionalProperties").is_some();
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
            members.retain(|name, member| {
                if is_root && ["apiVersion", "kind", "metadata"].contains(&name.as_str()) {
                    return true;
                }
                match properties.get(name) {
                    // A null where the schema has a default gives way to it; elsewhere nulls are dropped.
                    Some(_) if member.is_null() => false,
                    Some(schema) => {
                        prune(schema, member, false);
                        true
                    }
                    None => is_map,
                }
            });
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| prune(schema, item, false));
            }
        }
        _ => {}
    }
}
