//! The cluster: definitions, rights, and the operator in it.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReview,
    SubjectAccessReviewSpec, SubjectAccessReviewStatus,
};
use k8s_openapi::api::rbac::v1::PolicyRule;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::finding::Area;
use crate::causes::Causes;
use crate::cli::crd;
use crate::kubectl::cluster::operator::{Whereabouts, is_told, metrics, pods};
use crate::kubectl::cluster::{Cluster, Objects, Scope};
use crate::resource::GROUP;
use crate::resource::condition::{Reason, ready};
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;

/// What the operator may do, as it is shipped: the same file that is applied.
const RBAC: &str = include_str!("../../../deploy/rbac.yaml");

/// Whether the definitions in the cluster are those of this version.
pub(super) async fn definitions(cluster: &Cluster, area: &mut Area<'_>) {
    const APPLY: &str = "apply this version's: connect-user-operator crd | kubectl apply --server-side -f -";
    let api: Api<CustomResourceDefinition> = Api::all(cluster.client.clone());
    for wanted in crd::all().into_iter().map(|definition| json!(definition)) {
        let name = wanted.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let check = format!("definition {}", name.split('.').next().unwrap_or_default());
        match api.get_opt(name).await {
            Ok(None) => area.found(&check, "is not there", APPLY),
            Ok(Some(installed)) => {
                let installed = json!(installed);
                let difference =
                    ["/spec/versions/0/name", "/spec/versions/0/schema", "/spec/scope", "/spec/names/shortNames"]
                        .into_iter()
                        .find_map(|path| {
                            difference(wanted.pointer(path), installed.pointer(path), &mut path.to_owned())
                        });
                match difference {
                    None => area.ok(&check, format!("as this version ({}) has it", env!("CARGO_PKG_VERSION"))),
                    Some(path) => area.found(&check, format!("differs from this version's, first at {path}"), APPLY),
                }
            }
            Err(kube::Error::Api(status)) if status.code == 403 => {
                area.not_checked(&check, "the right to get customresourcedefinitions is missing");
            }
            Err(error) => {
                area.found(&check, format!("cannot be read: {}", Causes(&error)), "see whether the API server is well");
            }
        }
    }
}

/// The first path at which two values differ.
fn difference(wanted: Option<&Value>, installed: Option<&Value>, path: &mut String) -> Option<String> {
    match (wanted, installed) {
        (Some(Value::Object(wanted)), Some(Value::Object(installed))) => {
            let keys = wanted.keys().chain(installed.keys());
            keys.into_iter().find_map(|key| {
                let length = path.len();
                path.push('/');
                path.push_str(key);
                let found = difference(wanted.get(key), installed.get(key), path);
                path.truncate(length);
                found
            })
        }
        (Some(Value::Array(wanted)), Some(Value::Array(installed))) if wanted.len() == installed.len() => {
            wanted.iter().zip(installed).find_map(|(wanted, installed)| difference(Some(wanted), Some(installed), path))
        }
        (wanted, installed) if wanted == installed => None,
        _ => Some(path.trim_start_matches("/spec/versions/0/").to_owned()),
    }
}

/// What the person may do here, and what for.
pub(super) async fn own_rights(cluster: &Cluster, scope: &Scope, area: &mut Area<'_>) {
    let namespace = cluster.namespace_of(scope).map(str::to_owned);
    for (verb, group, resource, use_) in [
        ("list", GROUP, "connectusers", "status, orphans and report"),
        ("watch", GROUP, "connectusers", "waiting in reconcile, suspend, resume and release"),
        ("patch", GROUP, "connectusers", "reconcile, suspend, resume and release"),
        ("list", GROUP, "connectinstances", "status, and rules in plan"),
        ("list", "events.k8s.io", "events", "status of one object, and report"),
    ] {
        let check = format!("you may {verb} {resource}");
        let namespaced = (resource != "connectinstances").then(|| namespace.clone()).flatten();
        let attributes = attributes(verb, group, resource, None, namespaced.as_deref());
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() },
            ..Default::default()
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(cluster.client.clone());
        let answer = api.create(&PostParams::default(), &review).await.map(|review| review.status);
        told(area, &check, answer, &format!("needed for {use_}: ask for it, or do without"));
    }
}

/// What the operator's service account may do, rule by rule, as far as the operator that runs needs it.
pub(super) async fn operator_rights(
    cluster: &Cluster,
    account: &str,
    scope: &Scope,
    place: &Whereabouts,
    area: &mut Area<'_>,
) {
    let Some((own, name)) = account.split_once('/') else {
        return area.not_checked("operator's rights", "--service-account must be NAMESPACE/NAME");
    };
    let documents: Vec<Value> = serde_saphyr::from_multiple(RBAC).unwrap_or_default();
    // One that is not there yet may need everything.
    let running = pods(cluster, place).await.unwrap_or_default();
    let is_needed = |resource: &str| match resource {
        "namespaces" => running.is_empty() || !running.iter().all(|pod| is_told(pod, "cluster-name")),
        "leases" => running.is_empty() || running.iter().any(|pod| is_told(pod, "leader-elect")),
        _ => true,
    };
    let api: Api<SubjectAccessReview> = Api::all(cluster.client.clone());
    for document in documents {
        let kind = document.pointer("/kind").and_then(Value::as_str).unwrap_or_default();
        if !["Role", "ClusterRole"].contains(&kind) {
            continue;
        }
        let rules = document.get("rules").cloned().unwrap_or_default();
        let rules: Vec<PolicyRule> = serde_json::from_value(rules).unwrap_or_default();
        for (verb, group, resource, object) in
            rules.iter().flat_map(each).filter(|(_, _, resource, _)| is_needed(resource))
        {
            let is_clusterwide = ["connectinstances", "connectinstances/status", "namespaces"].contains(&resource);
            let namespace = match kind {
                "Role" => Some(own.to_owned()),
                _ if is_clusterwide => None,
                _ => cluster.namespace_of(scope).map(str::to_owned),
            };
            let review = SubjectAccessReview {
                spec: SubjectAccessReviewSpec {
                    user: Some(format!("system:serviceaccount:{own}:{name}")),
                    groups: Some(vec![
                        "system:serviceaccounts".to_owned(),
                        format!("system:serviceaccounts:{own}"),
                        "system:authenticated".to_owned(),
                    ]),
                    resource_attributes: Some(attributes(verb, group, resource, object, namespace.as_deref())),
                    ..Default::default()
                },
                ..Default::default()
            };
            let check = format!("operator may {verb} {resource}");
            let answer =
                api.create(&PostParams::default(), &review).await.map(|review| Some(review.status.unwrap_or_default()));
            let advice = format!(
                "for {own}/{name}: apply deploy/rbac.yaml, or see rbac in the chart; another account is named by --service-account"
            );
            told(area, &check, answer, &advice);
        }
    }
}

fn each(rule: &PolicyRule) -> impl Iterator<Item = (&str, &str, &str, Option<&str>)> {
    let group = rule.api_groups.iter().flatten().next().map(String::as_str).unwrap_or_default();
    let object = rule.resource_names.iter().flatten().next().map(String::as_str);
    let resources = rule.resources.iter().flatten();
    resources
        .flat_map(move |resource| rule.verbs.iter().map(move |verb| (verb.as_str(), group, resource.as_str(), object)))
}

fn attributes(
    verb: &str,
    group: &str,
    resource: &str,
    name: Option<&str>,
    namespace: Option<&str>,
) -> ResourceAttributes {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        name: name.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        ..Default::default()
    }
}

fn told(
    area: &mut Area<'_>,
    check: &str,
    answer: Result<Option<SubjectAccessReviewStatus>, kube::Error>,
    advice: &str,
) {
    match answer {
        Ok(Some(status)) if status.allowed => area.ok(check, ""),
        Ok(status) => {
            let why = status.and_then(|status| status.reason).filter(|why| !why.is_empty());
            area.found(check, why.unwrap_or_else(|| "no".to_owned()), advice);
        }
        Err(kube::Error::Api(status)) if status.code == 403 => {
            area.not_checked(check, "the right to create subjectaccessreviews is missing");
        }
        Err(error) => area.not_checked(check, Causes(&error).to_string()),
    }
}

/// Where was looked, in words.
fn within(cluster: &Cluster, scope: &Scope) -> String {
    match cluster.namespace_of(scope) {
        Some(namespace) => format!("in namespace {namespace} (-A looks into all)"),
        None => "in all namespaces".to_owned(),
    }
}

/// Whether the operator runs, and how its instances and objects are.
pub(super) async fn operator(
    cluster: &Cluster,
    (place, scope): (&Whereabouts, &Scope),
    users: Option<&Objects<ConnectUser>>,
    instances: &[ConnectInstance],
    area: &mut Area<'_>,
) {
    match pods(cluster, place).await {
        Ok(pods) => {
            for pod in pods {
                let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
                let is_ready = conditions.into_iter().any(|one| one.type_ == "Ready" && one.status == "True");
                let name = format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any());
                match is_ready {
                    true => area.ok("operator runs", name),
                    false => area.found(
                        "operator runs",
                        format!("Pod {name} is not ready"),
                        format!(
                            "look at its log: kubectl logs -n {} {}",
                            pod.namespace().unwrap_or_default(),
                            pod.name_any()
                        ),
                    ),
                }
            }
            match metrics(cluster, place).await {
                Ok(_) => area.ok("metrics", "are told"),
                Err(why) => area.not_checked("metrics", why),
            }
        }
        Err(why) => area.not_checked("operator runs", why),
    }
    for instance in instances {
        let check = format!("ConnectInstance {}", instance.name_any());
        match instance.status.as_ref().and_then(|status| ready(&status.conditions)) {
            Some(ready) if [Reason::InSync, Reason::Frozen].iter().any(|fine| fine.as_str() == ready.reason) => {
                area.ok(&check, ready.reason.clone());
            }
            Some(ready) => area.found(
                &check,
                format!("{}: {}", ready.reason, ready.message),
                "see docs/troubleshooting.md on that reason",
            ),
            None => area.found(
                &check,
                "no operator has told how it is",
                "see whether the operator runs and watches its namespaces",
            ),
        }
    }
    if let Some(users) = users {
        match users.unknown.is_empty() {
            true if users.known.is_empty() => {
                area.ok("objects", format!("there is no ConnectUser {}", within(cluster, scope)));
            }
            true => area.ok("objects", format!("{} {}, all understood", users.known.len(), within(cluster, scope))),
            false => area.found(
                "objects",
                format!("not understood by this version: {}", users.unknown.join(", ")),
                "upgrade, or correct them; their status says which field",
            ),
        }
    }
}
