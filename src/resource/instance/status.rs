//! How an instance is doing, at one glance.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{ConnectInstance, ConnectInstanceSpec};
use crate::resource::user::schema;

const DESCRIPTION: &str = "ConnectInstance gives an Amazon Connect instance a place of its own: which namespaces may \
    use it and how, as whom the operator talks to it, and how careful it is. It is never required: without one, every \
    namespace may use an instance with the operator's own AWS identity (unless the operator runs with \
    --tenancy=restricted).\n\nAnnotation: contactops.dev/release-deletion with value delete lets deletions go on that \
    the brake holds back.";

/// By hand, because the derive would make the status nullable.
impl JsonSchema for ConnectInstance {
    fn schema_name() -> Cow<'static, str> {
        "ConnectInstance".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({
            "type": "object",
            "description": DESCRIPTION,
            "properties": {
                "spec": generator.subschema_for::<ConnectInstanceSpec>(),
                "status": generator.subschema_for::<ConnectInstanceStatus>()
            },
            "required": ["spec"]
        });
        schema::tidy(&mut schema);
        schema
    }
}

/// Observed state of the instance; written by the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = serde_json::json!({ "observedGeneration": -1 })))]
pub struct ConnectInstanceStatus {
    /// metadata.generation of the spec that this status speaks of; -1 until the operator has seen it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1))]
    pub observed_generation: Option<i64>,
    /// Who keeps the users' passwords: CONNECT_MANAGED, SAML or EXISTING_DIRECTORY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub identity_management_type: Option<String>,
    /// ConnectUsers of the instance, brought up to date every ten seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<UserCounts>,
    /// What each operator has told that looks after some of the namespaces; users is the sum. Conditions are those
    /// of the first that was heard of lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["namespaces".into()]))]
    pub operators: Vec<OperatorReport>,
    /// When all users of the instance were last listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_sweep_time: Option<String>,
    /// Ready, and, only while true, Reconciling and Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "schema::conditions")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// How an instance looks to one operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperatorReport {
    /// Namespaces that it watches, separated by commas; * is all. After a blank the label selector of a shard.
    #[schemars(length(max = 4096))]
    pub namespaces: String,
    /// When it was last heard of, within five minutes.
    #[schemars(extend("format" = "date-time"))]
    pub time: String,
    /// All its objects, including those that are being deleted.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub objects: i32,
    /// Its ConnectUsers; unmanaged are the users that are not its own.
    pub users: UserCounts,
    /// Users of the instance in Amazon Connect, as of lastSweepTime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub listed: Option<i32>,
    /// When it last listed all users of the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_sweep_time: Option<String>,
}

/// How many ConnectUsers an instance has, and how they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserCounts {
    /// Objects that are not being deleted.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub declared: i32,
    /// Of these, objects whose user is as declared.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub ready: i32,
    /// Of these, all others.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub waiting: i32,
    /// Objects whose deletion waits for a person.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub held: i32,
    /// Users of the instance that no ConnectUser has, as of lastSweepTime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub unmanaged: Option<i32>,
}
