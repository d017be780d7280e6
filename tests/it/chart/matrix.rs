//! The chart with values as people have them: rendered by both Helms, taken by the API server, and nothing that the
//! values say is without effect.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::{Discovery, Scope};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::helm::{CHART, Helm, of_kind, template};
use crate::support::cluster;

/// Kinds that are not of Kubernetes itself: what must be in them is looked at below.
const FOREIGN: &str = "monitoring.coreos.com/";

fn matrix() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(format!("{CHART}/ci")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.collect();
    files.sort();
    let names: Vec<_> = files.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    for name in ["default", "minimal", "ha", "namespaced", "monitoring", "network-policy", "irsa", "everything"] {
        assert!(names.contains(&format!("{name}-values.yaml").as_str()), "no {name} in {names:?}");
    }
    files
}

fn rendered(file: &str) -> Vec<Value> {
    template(&[&format!("file:{CHART}/ci/{file}-values.yaml")]).unwrap()
}

/// A namespace whose Pods are held to the restricted Pod Security Standard.
async fn restricted(client: &Client) -> String {
    let name = cluster().await.namespace("matrix").await;
    let label = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.patch(&name, &PatchParams::default(), &Patch::Merge(label)).await.unwrap();
    name
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_takes_every_object_of_every_combination() {
    let client = cluster().await.client().await;
    let namespace = restricted(&client).await;
    let discovery = Discovery::new(client.clone()).run().await.unwrap();
    // Applied as Helm 4 does, so a list with the same key twice is refused, and with unknown fields as errors.
    let params = PatchParams { dry_run: true, ..PatchParams::apply("matrix").force().validation_strict() };
    for file in matrix() {
        let place = file.file_name().unwrap().to_str().unwrap();
        let objects =
            template(&[&format!("file:{}", file.display())]).unwrap_or_else(|error| panic!("{place}: {error}"));
        for object in objects {
            let (api_version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
            if api_version.starts_with(FOREIGN) {
                continue;
            }
            let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
            let (resource, capabilities) = discovery.resolve_gvk(&GroupVersionKind::gvk(group, version, kind)).unwrap();
            let mut object: DynamicObject = serde_json::from_value(object.clone()).unwrap();
            let name = object.metadata.name.clone().unwrap();
            let api: Api<DynamicObject> = match capabilities.scope {
                Scope::Cluster => Api::all_with(client.clone(), &resource),
                Scope::Namespaced => {
                    assert!(object.metadata.namespace.is_some() || name.ends_with("-note"), "{place}: {kind} {name}");
                    object.metadata.namespace = Some(namespace.clone());
                    Api::namespaced_with(client.clone(), &namespace, &resource)
                }
            };
            if let Err(error) = api.patch(&name, &params, &Patch::Apply(&object)).await {
                panic!("{place}: {kind} {name} is refused: {error}");
            }
        }
    }
}

/// What a Deployment and a Job hold is a Pod only later: it must be one that a restricted namespace takes.
#[tokio::test(flavor = "multi_thread")]
async fn every_pod_keeps_to_the_restricted_standard() {
    let client = cluster().await.client().await;
    let namespace = restricted(&client).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let params = PostParams { dry_run: true, ..PostParams::default() };
    let mut tried = 0;
    for file in matrix() {
        for object in template(&[&format!("file:{}", file.display())]).unwrap() {
            let spec = match object["kind"].as_str().unwrap() {
                "Pod" => &object["spec"],
                "Deployment" | "Job" => &object["spec"]["template"]["spec"],
                _ => continue,
            };
            let mut pod = json!({ "metadata": { "name": "one" }, "spec": spec });
            // The classes that it names are the cluster's.
            for class in ["priorityClassName", "runtimeClassName"] {
                pod["spec"].as_object_mut().unwrap().remove(class);
            }
            let created = pods.create(&params, &serde_json::from_value(pod).unwrap()).await;
            created.unwrap_or_else(|error| panic!("{}: {}: {error}", file.display(), object["kind"]));
            tried += 1;
        }
    }
    assert!(tried > 16, "{tried}");
    let weak = json!({ "metadata": { "name": "one" }, "spec": { "containers": [{ "name": "a", "image": "a" }] } });
    pods.create(&params, &serde_json::from_value(weak).unwrap()).await.expect_err("the standard is enforced");
}

/// The leaves of the values, as paths.
fn leaves(prefix: &str, values: &Value, into: &mut Vec<(String, Value)>) {
    match values.as_object() {
        Some(members) if !members.is_empty() => {
            for (name, value) in members {
                let dot = if prefix.is_empty() { "" } else { "." };
                leaves(&format!("{prefix}{dot}{name}"), value, into);
            }
        }
        _ => into.push((prefix.to_owned(), values.clone())),
    }
}

/// Maps whose members people choose: they are one value.
const WHOLE: [&str; 7] = [
    "resources",
    "hookResources",
    "podSecurityContext",
    "securityContext",
    "connectInstances",
    "commonLabels",
    "global",
];

#[test]
fn no_value_is_without_effect() {
    let file = format!("{CHART}/ci/everything-values.yaml");
    let read = |path: &str| serde_saphyr::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (defaults, everything) = (read(&format!("{CHART}/values.yaml")), read(&file));
    let render = |set: &str| {
        let mut arguments = vec![format!("file:{file}")];
        arguments.extend((!set.is_empty()).then(|| format!("json:{set}")));
        Helm::Four.template(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let all = render("").unwrap();
    let mut paths = Vec::new();
    for (name, value) in defaults.as_object().unwrap() {
        if WHOLE.contains(&name.as_str()) {
            paths.push((name.clone(), value.clone()));
        } else {
            leaves(name, value, &mut paths);
        }
    }
    // For charts that include this one; and a digest wins over a tag.
    for (path, default) in paths.into_iter().filter(|(path, _)| !["global", "image.tag"].contains(&path.as_str())) {
        let chosen = everything.pointer(&format!("/{}", path.replace('.', "/")));
        let chosen = chosen.unwrap_or_else(|| panic!("ci/everything-values.yaml does not say {path}"));
        let other = match chosen {
            Value::Bool(chosen) => json!(!chosen),
            chosen => {
                assert_ne!(*chosen, default, "ci/everything-values.yaml has the default of {path}");
                default
            }
        };
        let without = render(&format!("{path}={other}"));
        assert_ne!(without.as_ref().ok(), Some(&all), "{path} is without effect");
    }
}

fn ports(rule: &Value) -> Vec<Value> {
    rule["ports"].as_array().unwrap().iter().map(|port| port["port"].clone()).collect()
}

#[test]
fn the_network_policy_lets_an_identity_be_had_and_nothing_else_in() {
    let default = template(&["networkPolicy.enabled=true"]).unwrap();
    let policies = of_kind(&default, "NetworkPolicy");
    let [operator, hooks] = policies.as_slice() else { panic!("two policies: {policies:?}") };
    let egress = operator["spec"]["egress"].as_array().unwrap();
    // Names; then STS, Connect and the API server anywhere; then the agent of EKS Pod Identity, by both of its addresses.
    let out: Vec<(Vec<Value>, Value)> = egress.iter().map(|rule| (ports(rule), rule["to"].clone())).collect();
    let agent = json!([{ "ipBlock": { "cidr": "169.254.170.23/32" } }, { "ipBlock": { "cidr": "fd00:ec2::23/128" } }]);
    assert_eq!(
        out,
        [
            (vec![json!(53), json!(53)], Value::Null),
            (vec![json!(443), json!(6443)], Value::Null),
            (vec![json!(80)], agent.clone()),
        ]
    );
    assert_eq!(operator["spec"]["ingress"], json!([{ "ports": [{ "port": "http", "protocol": "TCP" }] }]));
    assert!(hooks["spec"].get("ingress").is_none(), "nothing comes in to a hook");

    let narrow = rendered("network-policy");
    let operator = of_kind(&narrow, "NetworkPolicy")[0].clone();
    let ingress = operator["spec"]["ingress"][0]["from"].to_string();
    assert!(ingress.contains("monitoring") && ingress.contains("-probe"), "{ingress}");
    let egress = operator["spec"]["egress"].as_array().unwrap();
    assert_eq!(egress[1]["to"], json!([{ "ipBlock": { "cidr": "10.0.0.0/8" } }]));
    assert_eq!(egress[2]["to"], agent, "the agent is on the node, whatever else is allowed");
    assert_eq!(ports(&egress[3]), [json!(3128)]);
}

/// The labels by which something finds the operator's Pods find no Pod of a hook.
#[test]
fn nothing_takes_a_hook_for_the_operator() {
    let objects = rendered("everything");
    let labels = |object: &Value| object["metadata"]["labels"].as_object().unwrap().clone();
    let deployment = of_kind(&objects, "Deployment")[0];
    let operator = labels(&deployment["spec"]["template"]);
    let hooks = [labels(&of_kind(&objects, "Job")[0]["spec"]["template"]), labels(of_kind(&objects, "Pod")[0])];
    let mut selectors = vec![
        deployment["spec"]["selector"]["matchLabels"].clone(),
        of_kind(&objects, "Service")[0]["spec"]["selector"].clone(),
        of_kind(&objects, "PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"].clone(),
        of_kind(&objects, "NetworkPolicy")[0]["spec"]["podSelector"]["matchLabels"].clone(),
        of_kind(&objects, "PodMonitor")[0]["spec"]["selector"]["matchLabels"].clone(),
    ];
    let constraints = template(&[
        r#"json:topologySpreadConstraints=[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule"}]"#,
    ]);
    let spread =
        of_kind(&constraints.unwrap(), "Deployment")[0]["spec"]["template"]["spec"]["topologySpreadConstraints"][0]
            .clone();
    assert_eq!(spread["matchLabelKeys"], json!(["pod-template-hash"]));
    let finds = |selector: &Value, labels: &serde_json::Map<String, Value>| {
        let wanted = selector.as_object().unwrap();
        assert!(wanted.len() >= 2, "{selector}");
        wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    for selector in selectors.drain(..) {
        assert!(finds(&selector, &operator), "{selector} does not find the operator");
        assert!(hooks.iter().all(|hook| !finds(&selector, hook)), "{selector} finds a hook");
    }
}

#[test]
fn monitors_ask_the_port_that_tells_metrics() {
    let objects = rendered("monitoring");
    let container = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0];
    let port = container["ports"][0]["name"].clone();
    let service = of_kind(&objects, "Service")[0];
    assert_eq!((&service["spec"]["ports"][0]["name"], &service["spec"]["ports"][0]["targetPort"]), (&port, &port));
    let monitor = of_kind(&objects, "ServiceMonitor")[0];
    assert_eq!(monitor["metadata"]["labels"]["release"], "prometheus");
    let wanted = json!([{ "port": port, "path": "/metrics", "interval": "30s" }]);
    assert_eq!(monitor["spec"]["endpoints"], wanted);
    let labels = service["metadata"]["labels"].as_object().unwrap();
    let selector = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
    assert!(selector.iter().all(|(key, value)| labels.get(key) == Some(value)), "it finds the Service");
    let pods = of_kind(&objects, "PodMonitor")[0];
    assert_eq!(pods["spec"]["podMetricsEndpoints"], json!([{ "port": port, "path": "/metrics", "interval": "15s" }]));
}
