//! The operator as the chart installs it: what Helm makes of values, the account and the rights of that in the
//! API server, and the process that a kubelet would start of its Deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::Launch;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use super::cluster::Cluster;
use crate::chart::helm::{Helm, of_kind};

/// Of the release, and so of its Deployment, its account and its Lease.
pub const NAME: &str = "connect-user-operator";

/// A request, or what allows it: its namespace, or none for all; and group, resource with its subresource, name or none
/// for all, verb.
pub type Right = (String, (String, String, String, String));

/// What the chart makes of values in a namespace.
pub struct Release {
    namespace: String,
    objects: Vec<Value>,
}

impl Release {
    /// By the real Helm. The definitions are everybody's and there already.
    pub async fn rendered(namespace: &str, mut values: Value, file: PathBuf) -> Self {
        merge(&mut values, &json!({ "crds": { "enabled": false } }));
        std::fs::write(&file, values.to_string()).unwrap();
        let place = namespace.to_owned();
        let render = move || Helm::Four.render(NAME, &place, &[&format!("file:{}", file.display())]);
        let objects = tokio::task::spawn_blocking(render).await.unwrap();
        let objects = objects.unwrap_or_else(|error| panic!("the chart does not take {values}: {error}"));
        Self { namespace: namespace.to_owned(), objects }
    }

    /// Gives its account and its rights to the API server, and waits until they count there. A kubeconfig with a token
    /// of the account.
    pub async fn grant(&self, cluster: &Cluster) -> PathBuf {
        let client = cluster.client().await;
        for object in &self.objects {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let (kind, api_version) = (text("/kind"), text("/apiVersion"));
            if kind != "ServiceAccount" && !api_version.starts_with("rbac.authorization.k8s.io/") {
                continue;
            }
            let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api: Api<DynamicObject> = match kind {
                "ClusterRole" | "ClusterRoleBinding" => Api::all_with(client.clone(), &resource),
                _ => Api::namespaced_with(client.clone(), text("/metadata/namespace"), &resource),
            };
            let params = PatchParams::apply("helm").force().validation_strict();
            api.patch(text("/metadata/name"), &params, &Patch::Apply(object)).await.unwrap();
        }
        let deployment = self.deployment();
        let pod = deployment.spec.unwrap().template.spec.unwrap();
        let account = pod.service_account_name.unwrap();
        // The authorizer learns of them a moment later. The last of each Role stands for it.
        let last: BTreeMap<_, _> =
            rules(&self.objects).into_iter().filter_map(|(at, rules)| Some((at, rules.last()?.clone()))).collect();
        for ((namespace, _), rule) in last {
            for right in rights(&[rule]) {
                self.wait_for(cluster, &account, &(namespace.clone(), right)).await;
            }
        }
        cluster.kubeconfig_of(&self.namespace, &account).await
    }

    async fn wait_for(&self, cluster: &Cluster, account: &str, right: &Right) {
        let (namespace, (group, resource, name, verb)) = right;
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({ "metadata": {}, "spec": {
            "user": format!("system:serviceaccount:{}:{account}", self.namespace),
            "resourceAttributes": {
                "namespace": namespace, "group": group, "resource": resource, "subresource": subresource,
                "name": name, "verb": verb,
            },
        }});
        let review: SubjectAccessReview = serde_json::from_value(review).unwrap();
        let reviews: Api<SubjectAccessReview> = Api::all(cluster.client().await);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
        while !reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed {
            assert!(tokio::time::Instant::now() < deadline, "{account} has not got the right {right:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The process of its Pod.
    pub fn launch(&self, pod: &str, kubeconfig: &Path, log: &Path) -> Launch {
        launch(&self.deployment(), pod, kubeconfig, log)
    }

    fn deployment(&self) -> Deployment {
        serde_json::from_value(of_kind(&self.objects, "Deployment")[0].clone()).unwrap()
    }
}

/// What a kubelet starts of a Deployment's Pod: the program with the arguments and the environment of the container and
/// none else. Only its port is one of this machine, and its credentials are in a file that it is told of.
pub fn launch(deployment: &Deployment, pod: &str, kubeconfig: &Path, log: &Path) -> Launch {
    let containers = &deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap().containers;
    let [container] = containers.as_slice() else { panic!("one container: {containers:?}") };
    assert!(container.command.is_none() && container.env_from.is_none());
    let mut environment = vec![("HOSTNAME".to_owned(), pod.to_owned())];
    for variable in container.env.iter().flatten() {
        let field = || variable.value_from.as_ref()?.field_ref.as_ref().map(|field| field.field_path.as_str());
        let value = match (&variable.value, field()) {
            (Some(value), _) => value.clone(),
            (None, Some("metadata.name")) => pod.to_owned(),
            (None, None) if variable.value_from.is_none() => String::new(),
            _ => panic!("a source that this test does not know: {variable:?}"),
        };
        environment.push((variable.name.clone(), value));
    }
    let mut listens = 0;
    let arguments: Vec<String> = container
        .args
        .iter()
        .flatten()
        .map(|argument| {
            if argument == "--listen=0.0.0.0:8080" {
                listens += 1;
                return "--listen=127.0.0.1:0".to_owned();
            }
            environment
                .iter()
                .fold(argument.clone(), |argument, (name, value)| argument.replace(&format!("$({name})"), value))
        })
        .collect();
    assert_eq!(listens, 1, "it listens on the port that probes ask: {arguments:?}");
    let launch = Launch::new(env!("CARGO_BIN_EXE_connect-user-operator"), log).env_clear().args(arguments);
    environment.iter().fold(launch, |launch, (name, value)| launch.env(name, value)).env("KUBECONFIG", kubeconfig)
}

/// The rules of the operator's account, by namespace and name of their Role.
fn rules(objects: &[Value]) -> BTreeMap<(String, String), Vec<PolicyRule>> {
    let operator = |role: &&&Value| !role["metadata"]["name"].as_str().unwrap().ends_with("-guard");
    let mut all = BTreeMap::new();
    for role in of_kind(objects, "ClusterRole").iter().filter(operator) {
        let role: ClusterRole = serde_json::from_value((**role).clone()).unwrap();
        all.insert((String::new(), role.metadata.name.unwrap()), role.rules.unwrap_or_default());
    }
    for role in of_kind(objects, "Role").iter().filter(operator) {
        let Role { metadata, rules } = serde_json::from_value((**role).clone()).unwrap();
        all.insert((metadata.namespace.unwrap(), metadata.name.unwrap()), rules.unwrap_or_default());
    }
    all
}

/// What the rules of the operator's account give.
pub fn given(objects: &[Value]) -> BTreeSet<Right> {
    let all = rules(objects).into_iter();
    all.flat_map(|((namespace, _), rules)| rights(&rules).into_iter().map(move |right| (namespace.clone(), right)))
        .collect()
}

/// Rules as a set of (group, resource, name, verb).
pub fn rights(rules: &[PolicyRule]) -> BTreeSet<(String, String, String, String)> {
    let mut rights = BTreeSet::new();
    for rule in rules {
        let names = rule.resource_names.clone().unwrap_or_else(|| vec![String::new()]);
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                for name in &names {
                    for verb in &rule.verbs {
                        rights.insert((group.clone(), resource.clone(), name.clone(), verb.clone()));
                    }
                }
            }
        }
    }
    rights
}

/// Puts values over others, as Helm does with one file after another.
pub fn merge(values: &mut Value, over: &Value) {
    match (values, over) {
        (Value::Object(values), Value::Object(over)) => {
            for (name, over) in over {
                merge(values.entry(name.clone()).or_insert(Value::Null), over);
            }
        }
        (values, over) => *values = over.clone(),
    }
}
