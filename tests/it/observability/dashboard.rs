//! The dashboard asks for what is exported, and answers the questions that it is there for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{alerts, promql, read};

fn dashboard() -> Value {
    serde_json::from_str(&read("charts/connect-user-operator/dashboards/connect-user-operator.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{value} has no {name}"))
}

#[test]
fn every_panel_asks_for_what_is_exported() {
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    let mut places: Vec<(i64, i64, i64, i64)> = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = text(panel, "title");
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "{title}: its id is there twice");
        let at = |name: &str| panel["gridPos"][name].as_i64().unwrap();
        let place = (at("x"), at("y"), at("w"), at("h"));
        assert!(place.0 + place.2 <= 24, "{title} is too wide");
        for &(x, y, w, h) in &places {
            let beside = place.0 >= x + w || x >= place.0 + place.2 || place.1 >= y + h || y >= place.1 + place.3;
            assert!(beside, "{title} lies over another panel");
        }
        places.push(place);
        if text(panel, "type") == "row" {
            continue;
        }
        assert!(!text(panel, "description").is_empty(), "{title} has no description");
        for target in panel["targets"].as_array().unwrap() {
            let expression = text(target, "expr");
            alerts::check(title, expression);
            let legend = text(target, "legendFormat");
            let shown = legend.split("{{").skip(1).filter_map(|rest| rest.split("}}").next());
            let result = promql::result_labels(expression);
            for label in shown {
                assert!(result.contains(label) || label == "pod", "{title}: the legend names {label}");
            }
            assert_eq!(text(&target["datasource"], "uid"), "${datasource}", "{title}");
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if text(variable, "type") == "query" {
            let query = text(&variable["query"], "query");
            let inside = query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
            let (metric, label) = inside.rsplit_once(", ").unwrap();
            alerts::check(query, &format!("max by ({label}) ({metric})"));
        }
    }
}

#[test]
fn it_answers_the_questions_that_it_is_there_for() {
    let dashboard = dashboard();
    let mut answers: Vec<(&str, BTreeSet<String>)> = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        if text(panel, "type") == "row" {
            answers.push((text(panel, "title"), BTreeSet::new()));
            continue;
        }
        let (_, named) = answers.last_mut().expect("every panel is below a question");
        for target in panel["targets"].as_array().unwrap() {
            named.extend(promql::uses(text(target, "expr")).into_iter().map(|found| found.series));
        }
    }
    for (question, needed) in [
        ("Is everyone in sync?", "connect_user_operator_objects"),
        ("What is waiting, and why?", "connect_user_operator_oldest_not_ready_seconds"),
        ("What is waiting, and why?", "connect_user_operator_deletions_held"),
        ("How much of the quota is used?", "connect_user_operator_rate_limit"),
        ("What was changed by people?", "connect_user_operator_drift_total"),
        ("What was created and deleted?", "connect_user_operator_events_total"),
    ] {
        let found = answers.iter().find(|(title, _)| *title == question);
        let (_, named) = found.unwrap_or_else(|| panic!("no row {question}"));
        assert!(named.contains(needed), "{question} does not look at {needed}");
    }
}
