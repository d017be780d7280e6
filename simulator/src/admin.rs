//! The endpoints under `/_simulator/`: for tests and demos, unsigned.

use crate::faults::Fault;
use crate::instance::{Instance, Named};
use crate::lag::Lag;
use crate::mutation::Mutation;
use crate::quota::Quotas;
use crate::route::query_pairs;
use crate::switches::Switches;
use crate::timestamp::Timestamp;
use crate::wire::{Reply, plain};
use crate::world::World;
use bytes::Bytes;
use http::Request;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Where the admin endpoints are.
pub(crate) const PREFIX: &str = "/_simulator/";

/// Status and what is wrong.
type Failure = (u16, String);

/// Answers an admin request.
pub(crate) fn handle(world: &mut World, request: &Request<Bytes>, now: Timestamp) -> Reply {
    let (status, body) = match answer(world, request, now) {
        Ok(body) => (200, body),
        Err((status, message)) => (status, json!({ "error": message })),
    };
    plain(status, Bytes::from(body.to_string()))
}

fn answer(world: &mut World, request: &Request<Bytes>, now: Timestamp) -> Result<Value, Failure> {
    let path = request.uri().path();
    let endpoint = path.strip_prefix(PREFIX).unwrap_or_default();
    match (request.method().as_str(), endpoint) {
        ("GET", "healthz") => Ok(json!({ "ok": true })),
        ("GET", "state") => Ok(state(world)),
        ("GET", "calls") => {
            let query = query_pairs(request.uri().query().unwrap_or_default());
            let since = query.iter().find(|(name, _)| name == "since").map_or(Ok(0), |(_, value)| value.parse::<u64>());
            let since = since.map_err(|error| (400, format!("since: {error}")))?;
            let calls: Vec<_> = world.calls.iter().filter(|call| call.seq > since).collect();
            Ok(json!({ "calls": calls }))
        }
        ("DELETE", "calls") => {
            world.calls.clear();
            Ok(json!({}))
        }
        ("POST", "mutate") => {
            let id = world.mutate(body::<Mutation>(request)?, now).map_err(|message| (409, message))?;
            Ok(json!({ "id": id }))
        }
        ("GET", "faults") => Ok(json!({ "faults": world.faults })),
        ("POST", "faults") => {
            world.faults.push(fault(request)?);
            Ok(json!({ "faults": world.faults }))
        }
        ("DELETE", "faults") => {
            world.faults.clear();
            Ok(json!({}))
        }
        ("GET", "switches") => Ok(json!(world.switches)),
        ("PUT", "switches") => {
            world.switches = body::<Switches>(request)?;
            Ok(json!(world.switches))
        }
        ("GET", "lag") => Ok(json!(world.lag)),
        ("PUT", "lag") => {
            world.lag = body::<Lag>(request)?;
            Ok(json!(world.lag))
        }
        ("GET", "quotas") => Ok(json!(world.quotas)),
        ("PUT", "quotas") => {
            world.quotas = body::<Option<Quotas>>(request)?;
            Ok(json!(world.quotas))
        }
        ("POST", "reset") => {
            world.reset();
            Ok(json!({}))
        }
        (method, _) => Err((404, format!("no admin endpoint {method} {path}"))),
    }
}

fn body<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Failure> {
    serde_json::from_slice(request.body()).map_err(|error| (400, error.to_string()))
}

/// Members that a fault may have, over all kinds.
const FAULT_MEMBERS: [&str; 12] =
    ["operation", "user", "write", "type", "times", "skip", "status", "code", "message", "millis", "seconds", "patch"];

/// serde cannot refuse unknown members here, and a misspelt `operation` would hit every call.
fn fault(request: &Request<Bytes>) -> Result<Fault, Failure> {
    let members = body::<serde_json::Map<String, Value>>(request)?;
    match members.keys().find(|name| !FAULT_MEMBERS.contains(&name.as_str())) {
        Some(unknown) => Err((400, format!("a fault has no member {unknown}"))),
        None => body(request),
    }
}

/// Everything there is, as JSON.
pub(crate) fn state(world: &World) -> Value {
    let instances: Vec<_> = world.instances.values().map(instance).collect();
    json!({
        "instances": instances,
        "switches": world.switches,
        "lag": world.lag,
        "quotas": world.quotas,
        "faults": world.faults,
        "callCount": world.seq,
    })
}

fn instance(instance: &Instance) -> Value {
    let named = |named: &Named| json!({ "id": named.id, "name": named.name, "tags": named.tags });
    let groups: Vec<_> = instance
        .groups
        .iter()
        .map(|group| {
            let path: Vec<_> = instance.path(&group.named.id).iter().map(|group| group.named.name.clone()).collect();
            json!({ "id": group.named.id, "name": group.named.name, "parentId": group.parent, "path": path })
        })
        .collect();
    let quick = instance.quick_connects.iter();
    let quick: Vec<_> =
        quick.map(|quick| json!({ "id": quick.named.id, "name": quick.named.name, "config": quick.config })).collect();
    json!({
        "id": instance.id,
        "arn": instance.arn,
        "region": instance.region,
        "account": instance.account,
        "identityManagementType": instance.identity_management_type,
        "usersQuota": instance.users_quota,
        "users": instance.users(),
        "routingProfiles": instance.routing_profiles.iter().map(named).collect::<Vec<_>>(),
        "securityProfiles": instance.security_profiles.iter().map(named).collect::<Vec<_>>(),
        "hierarchyGroups": groups,
        "predefinedAttributes": instance.attributes,
        "quickConnects": quick,
    })
}
