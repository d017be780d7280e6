//! Alerts and dashboard as Helm renders them.

use std::process::Command;

use serde_json::{Value, json};

use super::alerts::{alerts, text};
use super::{read, root};
use crate::support::cluster;

/// The manifest of one template.
async fn template(name: &str, values: &[&str]) -> Result<Option<Value>, String> {
    let cluster = cluster().await;
    let helm = cluster.plane.kubectl().with_file_name("helm");
    let mut command = Command::new(helm);
    command.args(["template", "rel"]).arg(root().join("charts/connect-user-operator"));
    for value in values {
        command.args(["--set-json", value]);
    }
    let output = command.args(["--namespace", "connect"]).output().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let rendered = String::from_utf8(output.stdout).unwrap();
    let source = format!("# Source: connect-user-operator/templates/{name}\n");
    let found = rendered.split("---\n").find_map(|document| document.strip_prefix(&source));
    Ok(found.map(|document| serde_saphyr::from_str(document).unwrap()))
}

async fn rules(values: &[&str]) -> Vec<Value> {
    let values = [&["prometheusRule.enabled=true"], values].concat();
    let rule = template("prometheusrule.yaml", &values).await.unwrap().unwrap();
    assert_eq!((text(&rule, "kind"), text(&rule, "apiVersion")), ("PrometheusRule", "monitoring.coreos.com/v1"));
    let groups = rule["spec"]["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    groups[0]["rules"].as_array().unwrap().clone()
}

#[tokio::test]
async fn both_are_off_until_they_are_asked_for() {
    assert!(template("prometheusrule.yaml", &[]).await.unwrap().is_none());
    assert!(template("dashboard.yaml", &[]).await.unwrap().is_none());
}

#[tokio::test]
async fn the_rule_has_the_alerts_of_the_file() {
    let rendered = rules(&["prometheusRule.runbookBaseUrl=\"https://git.example.com/x/\""]).await;
    let mut expected = alerts();
    for alert in &mut expected {
        let page = text(alert, "annotations.runbook_url").to_owned();
        alert["annotations"]["runbook_url"] = json!(format!("https://git.example.com/x/{page}"));
    }
    let trimmed = |rules: Vec<Value>| -> Vec<Value> {
        let trim = |mut rule: Value| {
            rule["expr"] = json!(text(&rule, "expr"));
            rule
        };
        rules.into_iter().map(trim).collect()
    };
    assert_eq!(trimmed(rendered), trimmed(expected));
}

#[tokio::test]
async fn each_alert_can_be_changed_by_itself() {
    let rendered = rules(&[
        "prometheusRule.alertLabels={\"team\":\"voice\",\"severity\":\"page\"}",
        "prometheusRule.alerts.ConnectSweepTooOld={\"enabled\":false}",
        "prometheusRule.alerts.ConnectDriftUnusual={\"threshold\":7,\"for\":\"20m\",\"labels\":{\"severity\":\"info\"},\"annotations\":{\"summary\":\"ours\"}}",
    ])
    .await;
    assert_eq!(rendered.len(), alerts().len() - 1);
    assert!(rendered.iter().all(|rule| rule["alert"] != "ConnectSweepTooOld"));
    let drift = rendered.iter().find(|rule| rule["alert"] == "ConnectDriftUnusual").unwrap();
    assert!(text(drift, "expr").ends_with("[1h])) > 7"), "{drift}");
    assert_eq!(drift["for"], "20m");
    assert_eq!(drift["labels"], json!({ "team": "voice", "severity": "info" }));
    assert_eq!(drift["annotations"]["summary"], "ours");
    assert!(text(drift, "annotations.description").starts_with("Another tool"));
    let held = rendered.iter().find(|rule| rule["alert"] == "ConnectDeletionsHeld").unwrap();
    assert_eq!(held["labels"], json!({ "team": "voice", "severity": "page" }));
    assert!(text(held, "expr").ends_with("> 0"), "{held}");
}

#[tokio::test]
async fn mistakes_in_their_values_are_refused() {
    for (value, said) in [
        ("prometheusRule.alerts.ConnectDriftUnusal={\"enabled\":false}", "ConnectDriftUnusal"),
        ("prometheusRule.alerts.ConnectUserOperatorAbsent={\"threshold\":3}", "threshold"),
        ("prometheusRule.alerts.ConnectDriftUnusual={\"treshold\":3}", "treshold"),
        ("prometheusRule.alerts.ConnectDriftUnusual={\"for\":\"soon\"}", "for"),
        ("prometheusRule.runbookBaseUrl=\"git.example.com\"", "runbookBaseUrl"),
        ("grafanaDashboard.sidecarlabel=\"x\"", "sidecarlabel"),
    ] {
        let error = template("prometheusrule.yaml", &["prometheusRule.enabled=true", value]).await.expect_err(value);
        assert!(error.contains(said), "{value}: {error}");
    }
}

#[tokio::test]
async fn the_dashboard_comes_whole_and_where_the_sidecar_looks() {
    let map = template(
        "dashboard.yaml",
        &[
            "grafanaDashboard.enabled=true",
            "grafanaDashboard.namespace=\"monitoring\"",
            "grafanaDashboard.annotations={\"grafana_folder\":\"Voice\"}",
        ],
    );
    let map = map.await.unwrap().unwrap();
    assert_eq!((text(&map, "kind"), text(&map, "metadata.namespace")), ("ConfigMap", "monitoring"));
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    assert_eq!(map["metadata"]["annotations"]["grafana_folder"], "Voice");
    let data = map["data"].as_object().unwrap();
    assert_eq!(data.len(), 1);
    let rendered: Value = serde_json::from_str(data["connect-user-operator.json"].as_str().unwrap()).unwrap();
    let file: Value =
        serde_json::from_str(&read("charts/connect-user-operator/dashboards/connect-user-operator.json")).unwrap();
    assert_eq!(rendered, file);
}
