//! What is planned: manifests together with what the cluster has of them, or the objects of the cluster.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use serde_json::Value;

use super::super::cluster::{Cluster, Scope, full_name};
use super::super::manifests::{Found, Manifest};
use super::{Arguments, Failed};
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;

/// One object that is planned.
pub(super) struct Object {
    pub(super) manifest: Manifest,
    pub(super) namespace: String,
    pub(super) name: String,
    /// The object that the cluster has now, as JSON.
    pub(super) old: Option<Value>,
    /// The same, as far as this version understands it.
    pub(super) live: Option<ConnectUser>,
}

/// Everything that is planned, and what it depends on.
pub(super) struct Objects {
    pub(super) objects: Vec<Object>,
    /// Objects of the cluster that the files do not have, if they are asked for.
    pub(super) gone: Vec<ConnectUser>,
    pub(super) instances: Vec<ConnectInstance>,
    /// What owner tags of the cluster begin with; `None` where no cluster was asked.
    pub(super) cluster: Option<String>,
    pub(super) notes: Vec<String>,
}

pub(super) async fn gather(arguments: &Arguments, found: Found) -> Result<Objects, Failed> {
    let (users, instances): (Vec<_>, Vec<_>) =
        found.manifests.into_iter().partition(|manifest| manifest.kind() == "ConnectUser");
    // A ConnectInstance that is written beside its users counts before the one that the cluster has.
    let written: Vec<ConnectInstance> =
        instances.into_iter().filter_map(|manifest| serde_json::from_value(manifest.value).ok()).collect();
    let asked = arguments.scope.namespace.clone();
    if arguments.no_cluster {
        let default = asked.unwrap_or_else(|| "default".to_owned());
        let objects = users.into_iter().map(|manifest| object(manifest, &default, &BTreeMap::new())).collect();
        let cluster = arguments.cluster_name.clone();
        return Ok(Objects { objects, gone: Vec::new(), instances: written, cluster, notes: Vec::new() });
    }
    let cluster = Cluster::open(&arguments.scope.connection).await?;
    let (mut instances, note) = cluster.instances_if_allowed().await?;
    let names: BTreeSet<String> = written.iter().map(ResourceExt::name_any).collect();
    instances.retain(|instance| !names.contains(&instance.name_any()));
    instances.extend(written);
    let mut notes: Vec<String> = note.into_iter().collect();
    let default = asked.unwrap_or_else(|| cluster.namespace.clone());
    let scopes: Vec<Scope> = if arguments.filename.is_empty() {
        vec![arguments.scope.clone()]
    } else {
        let spaces: BTreeSet<String> =
            users.iter().map(|user| user.metadata("namespace").unwrap_or(&default).to_owned()).collect();
        let scope = |namespace| Scope {
            connection: arguments.scope.connection.clone(),
            namespace: Some(namespace),
            all_namespaces: false,
            selector: None,
        };
        spaces.into_iter().map(scope).collect()
    };
    let mut live = BTreeMap::new();
    for scope in &scopes {
        let found = cluster.users(scope).await?;
        live.extend(found.known.into_iter().map(|user| (full_name(&user.metadata), user)));
        if !found.unknown.is_empty() {
            notes.push(format!(
                "not planned, since this version does not understand them: {}",
                found.unknown.join(", ")
            ));
        }
    }
    let objects: Vec<Object> = if arguments.filename.is_empty() {
        let manifests = live.values().filter_map(|user| Some(Manifest::of_cluster(serde_json::to_value(user).ok()?)));
        manifests.map(|manifest| object(manifest, &default, &live)).collect()
    } else {
        users.into_iter().map(|manifest| object(manifest, &default, &live)).collect()
    };
    let mut gone = Vec::new();
    if arguments.prune {
        let written: BTreeSet<String> = objects.iter().map(Object::full_name).collect();
        gone = cluster.users(&arguments.scope).await?.known;
        gone.retain(|user| !written.contains(&full_name(&user.metadata)));
    }
    let name = match &arguments.cluster_name {
        Some(name) => name.clone(),
        None => cluster.uid().await?,
    };
    Ok(Objects { objects, gone, instances, cluster: Some(name), notes })
}

fn object(manifest: Manifest, default: &str, live: &BTreeMap<String, ConnectUser>) -> Object {
    let name = manifest.metadata("name").unwrap_or_default().to_owned();
    let namespace = manifest.metadata("namespace").unwrap_or(default).to_owned();
    let meta = ObjectMeta { name: Some(name.clone()), namespace: Some(namespace.clone()), ..ObjectMeta::default() };
    let live = live.get(&full_name(&meta)).cloned();
    let old = live.as_ref().and_then(|user| serde_json::to_value(user).ok());
    Object { manifest, namespace, name, old, live }
}
