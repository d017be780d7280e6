//! The operator in the cluster, as far as it can be seen from outside: its Pods and its metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Cluster;

use crate::causes::Causes;

/// How its Pods are labelled by the chart.
pub(in crate::kubectl) const LABEL: &str = "app.kubernetes.io/name=connect-user-operator";
/// Where it tells how it is, unless its Pod says so.
const PORT: i32 = 8080;
/// Longest answer that is read: metrics have bounded labels.
const LONGEST: u64 = 16 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// Where to find the operator.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Operator")]
pub(in crate::kubectl) struct Whereabouts {
    /// Namespace of the operator; by default its Pods are looked for in all.
    #[arg(long, value_name = "NAMESPACE")]
    pub(in crate::kubectl) operator_namespace: Option<String>,

    /// Where its metrics are, such as http://127.0.0.1:8080/metrics behind a port-forward; by default they are
    /// asked for through the API server, which takes the right to get pods/proxy.
    #[arg(long, value_name = "URL")]
    pub(in crate::kubectl) metrics_url: Option<String>,
}

/// The metrics of every operator that answers; or why there are none.
pub(in crate::kubectl) async fn metrics(cluster: &Cluster, place: &Whereabouts) -> Result<Vec<String>, String> {
    if let Some(url) = &place.metrics_url {
        let answer = tokio::time::timeout(PATIENCE, get(url)).await;
        let answer = answer.unwrap_or_else(|_| Err("no answer in time".to_owned()));
        return answer.map(|text| vec![text]).map_err(|error| format!("{url}: {error}"));
    }
    let pods = pods(cluster, place).await?;
    let (mut texts, mut failure) = (Vec::new(), None);
    for pod in &pods {
        match scrape(cluster, pod).await {
            Ok(text) => texts.push(text),
            Err(error) => failure = Some(format!("Pod {}: {error}", super::full_name(&pod.metadata))),
        }
    }
    match failure {
        Some(failure) if texts.is_empty() => Err(failure),
        _ => Ok(texts),
    }
}

/// The Pods of the operator that run.
pub(in crate::kubectl) async fn pods(cluster: &Cluster, place: &Whereabouts) -> Result<Vec<Pod>, String> {
    let api: Api<Pod> = match &place.operator_namespace {
        Some(namespace) => Api::namespaced(cluster.client.clone(), namespace),
        None => Api::all(cluster.client.clone()),
    };
    let found = api.list(&ListParams::default().labels(LABEL)).await.map_err(|error| match error {
        kube::Error::Api(status) if status.code == 403 => {
            "Pods may not be listed: give --operator-namespace, or --metrics-url".to_owned()
        }
        error => format!("listing Pods failed: {}", Causes(&error)),
    })?;
    let is_running = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
    let running: Vec<_> = found.items.into_iter().filter(is_running).collect();
    if running.is_empty() {
        return Err(format!("no running Pod has label {LABEL}"));
    }
    Ok(running)
}

/// Whether a Pod's operator was told something by this flag of `run`, or by the variable that stands for it.
pub(in crate::kubectl) fn is_told(pod: &Pod, flag: &str) -> bool {
    let (argument, bare) = (format!("--{flag}="), format!("--{flag}"));
    let variable = format!("CONNECT_USER_OPERATOR_{}", flag.replace('-', "_").to_uppercase());
    pod.spec.iter().flat_map(|spec| &spec.containers).any(|container| {
        let arguments = container.args.iter().chain(&container.command).flatten();
        let mut values =
            arguments.filter_map(|each| if *each == bare { Some("") } else { each.strip_prefix(&argument) });
        let mut variables = container.env.iter().flatten().filter(|one| one.name == variable);
        values.any(|value| value != "false") || variables.any(|one| one.value.as_deref() != Some("false"))
    })
}

async fn scrape(cluster: &Cluster, pod: &Pod) -> Result<String, String> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let port = containers
        .flat_map(|container| container.ports.iter().flatten())
        .next()
        .map_or(PORT, |port| port.container_port);
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/metrics");
    let request = http::Request::get(path).body(Vec::new()).map_err(|error| error.to_string())?;
    let answer = tokio::time::timeout(PATIENCE, cluster.client.request_text(request)).await;
    match answer {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
            Err("the right to get pods/proxy is missing: give --metrics-url instead".to_owned())
        }
        Ok(Err(error)) => Err(Causes(&error).to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// GET by plain HTTP, as metrics are told inside of clusters.
async fn get(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or("must begin with http://")?;
    let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, path.to_owned()));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let failed = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(&address).await.map_err(failed)?;
    // By HTTP/1.0 the answer comes in one piece and ends with the connection.
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer).await.map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is not HTTP")?;
    let status = head.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(format!("the answer is `{status}`")),
    }
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::kubectl) struct Sample {
    /// Name, with `_total` where it is a counter.
    pub(in crate::kubectl) name: String,
    /// Labels.
    pub(in crate::kubectl) labels: BTreeMap<String, String>,
    /// Value.
    pub(in crate::kubectl) value: f64,
}

impl Sample {
    /// A label, or nothing.
    pub(in crate::kubectl) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// The values in an exposition. Lines that are none are passed over.
pub(in crate::kubectl) fn samples(text: &str) -> Vec<Sample> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let (key, value) = line.trim().rsplit_once(' ')?;
    let (name, labels) = match key.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (key, ""),
    };
    // Ours never hold a comma or a quotation mark.
    let labels = labels.split(',').filter_map(|pair| {
        let (label, value) = pair.split_once('=')?;
        Some((label.to_owned(), value.trim_matches('"').to_owned()))
    });
    Some(Sample { name: name.to_owned(), labels: labels.collect(), value: value.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_flag_is_told_by_argument_or_variable_unless_it_says_false() {
        let pod = |container| serde_json::from_value::<Pod>(json!({ "spec": { "containers": [container] } })).unwrap();
        let variable = |value: &str| json!([{ "name": "CONNECT_USER_OPERATOR_LEADER_ELECT", "value": value }]);
        for (container, told) in [
            (json!({ "name": "a", "args": ["run", "--leader-elect=true"] }), true),
            (json!({ "name": "a", "command": ["operator", "run", "--leader-elect"] }), true),
            (json!({ "name": "a", "env": variable("true") }), true),
            (json!({ "name": "a", "args": ["run", "--leader-elect=false"] }), false),
            (json!({ "name": "a", "env": variable("false") }), false),
            (json!({ "name": "a", "args": ["run", "--leader-elections=true"] }), false),
        ] {
            assert_eq!(is_told(&pod(container.clone()), "leader-elect"), told, "{container}");
        }
    }

    #[test]
    fn values_are_read_with_their_labels_and_the_rest_is_passed_over() {
        let text = "# HELP x y\nx_total{operation=\"ListUsers\",result=\"ok\"} 12\ny 0.5\nbroken\n# EOF\n";
        let found = samples(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].label("operation"), found[0].label("result"), found[0].value), ("ListUsers", "ok", 12.0));
        assert_eq!((found[1].name.as_str(), found[1].value), ("y", 0.5));
    }
}
