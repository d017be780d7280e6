//! Alerts name what is exported, in the way in which it is exported, and each has a page for whoever is woken.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use connect_user_operator::resource::condition::Reason;
use serde_json::Value;

use super::exposition::{base, documented, labels_by_series};
use super::{promql, read, root};

/// Labels that whoever scrapes adds.
const OF_THE_TARGET: [&str; 3] = ["job", "pod", "namespace"];

/// The alerts of the chart.
pub fn alerts() -> Vec<Value> {
    let file: Value = serde_saphyr::from_str(&read("charts/connect-user-operator/files/alerts.yaml")).unwrap();
    let groups = file["groups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

pub fn text<'a>(alert: &'a Value, path: &str) -> &'a str {
    let found = path.split('.').fold(alert, |value, name| &value[name]);
    found.as_str().unwrap_or_else(|| panic!("{} has no {path}", alert["alert"])).trim()
}

/// The row of a family in docs/metrics.md.
fn row(family: &str) -> String {
    let page = read("docs/metrics.md");
    page.lines().find(|line| line.starts_with(&format!("| `{family}` "))).unwrap().to_owned()
}

/// Fails unless everything that an expression names is exported, with these labels and values.
pub fn check(place: &str, expression: &str) {
    let families = documented();
    let known = labels_by_series(&families);
    for found in promql::uses(expression) {
        let name = &found.series;
        let labels = known.get(name).unwrap_or_else(|| panic!("{place}: there is no metric {name}"));
        let family = base(name, &families).unwrap();
        let kind = families[&family].kind.as_str();
        let counts = ["counter", "histogram"].contains(&kind);
        assert_eq!(counts, found.is_range, "{place}: {name} is a {kind}");
        let used = found.matched.iter().map(|(label, _)| label).chain(&found.grouped);
        for label in used {
            let is_known = labels.contains(label) || OF_THE_TARGET.contains(&label.as_str());
            assert!(is_known, "{place}: {name} has no label {label}");
        }
        for (label, values) in &found.matched {
            for value in values {
                let is_reason = label == "reason" && Reason::ALL.iter().any(|reason| reason.as_str() == value);
                let is_told = row(&family).contains(&format!("`{value}`"));
                assert!(is_reason || is_told, "{place}: {name} has no {label} {value}");
            }
        }
    }
}

/// What templates name as `$labels.x`.
fn labels_in(template: &str) -> BTreeSet<String> {
    let parts = template.split("$labels.").skip(1);
    parts.map(|part| part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn alerts_name_only_what_is_exported() {
    let alerts = alerts();
    assert!((5..=8).contains(&alerts.len()), "{} alerts: a person reads them at night", alerts.len());
    for alert in &alerts {
        let (name, expression) = (text(alert, "alert"), text(alert, "expr"));
        check(name, expression);
        let result = promql::result_labels(expression);
        for annotation in ["summary", "description"] {
            let named = labels_in(text(alert, &format!("annotations.{annotation}")));
            assert!(named.is_subset(&result), "{name}: {annotation} names {named:?} of {result:?}");
        }
        assert!(["critical", "warning"].contains(&text(alert, "labels.severity")), "{name}");
        // What the chart replaces.
        let has_threshold = expression.rsplit(' ').next().unwrap().parse::<f64>().is_ok();
        assert_eq!(has_threshold, name != "ConnectUserOperatorAbsent", "{name}: {expression}");
    }
}

#[test]
fn every_alert_has_a_page_and_every_page_an_alert() {
    let mut pages: BTreeMap<String, String> = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("docs/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        pages.insert(name.clone(), read(&format!("docs/runbooks/{name}.md")));
    }
    let known: BTreeSet<String> = labels_by_series(&documented()).into_keys().collect();
    let overview = read("docs/observability.md");
    for alert in alerts() {
        let name = text(&alert, "alert");
        assert_eq!(text(&alert, "annotations.runbook_url"), format!("docs/runbooks/{name}.md"));
        let page = pages.remove(name).unwrap_or_else(|| panic!("docs/runbooks/{name}.md is missing"));
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        let sections = ["## What it means", "## Look", "## Do", "## Do not"];
        let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings, sections, "{name}");
        let look = page.split("## Look").nth(1).unwrap().split("\n## ").next().unwrap();
        assert!(look.contains("```console\n"), "{name}: no command to look with");
        for part in page.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let is_metric = part.starts_with("connect_user_operator_") || part.starts_with("controller_runtime_");
            assert!(!is_metric || known.contains(part), "docs/runbooks/{name}.md: there is no metric {part}");
        }
        assert!(overview.contains(&format!("](runbooks/{name}.md)")), "docs/observability.md does not name {name}");
    }
    assert!(pages.is_empty(), "pages without an alert: {:?}", pages.keys());
}

/// `promtool`, if there is one: `make alerts` builds it and says where it is.
#[test]
fn alerts_fire_when_they_should_and_only_then() {
    let Some(promtool) = std::env::var_os("PROMTOOL") else {
        println!("skipped: PROMTOOL names no promtool; run `make alerts`");
        return;
    };
    for arguments in
        [["check", "rules", "charts/connect-user-operator/files/alerts.yaml"], ["test", "rules", "tests/alerts.yaml"]]
    {
        let output = Command::new(&promtool).args(arguments).current_dir(root()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
    let tests: Value = serde_saphyr::from_str(&read("tests/alerts.yaml")).unwrap();
    for alert in alerts() {
        let name = text(&alert, "alert");
        let mut expected =
            tests["tests"].as_array().unwrap().iter().flat_map(|test| test["alert_rule_test"].as_array().unwrap());
        let fires = |one: &Value| one["alertname"] == name && !one["exp_alerts"].as_array().is_none_or(Vec::is_empty);
        assert!(expected.any(fires), "{name} is never seen to fire in tests/alerts.yaml");
    }
}
