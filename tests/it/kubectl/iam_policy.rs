//! The printed policy is that of docs/iam.md, and what a feature needs no less and no more.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use connect_simulator::fixtures::managed as m;
use serde_json::Value;

fn policy(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-connect"))
        .args(["iam-policy", "--instance", m::ARN, "--cluster-name", "emea-prod"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn strings(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
        value => [value.as_str().unwrap().to_owned()].into(),
    }
}

/// Sid, and everything else of a statement in one form.
fn statements(policy: &Value) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>, Value)> {
    let all = policy["Statement"].as_array().unwrap().iter().map(|statement| {
        assert_eq!(statement["Effect"], "Allow");
        let (action, resource) = (strings(&statement["Action"]), strings(&statement["Resource"]));
        (statement["Sid"].as_str().unwrap().to_owned(), (action, resource, statement["Condition"].clone()))
    });
    all.collect()
}

fn actions(policy: &Value) -> BTreeSet<String> {
    statements(policy).into_values().flat_map(|(actions, ..)| actions).collect()
}

fn document() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/iam.md")).unwrap()
}

#[test]
fn with_all_features_it_is_what_the_document_shows_statement_by_statement() {
    let document = document();
    let mut shown = BTreeMap::new();
    for block in document.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        let block: Value = serde_json::from_str(block).unwrap();
        // What is denied to others is for other policies.
        if block["Statement"][0]["Effect"] == "Allow" {
            shown.extend(statements(&block));
        }
    }
    let profile = |id: &str| format!("{}/security-profile/{id}", m::ARN);
    let (agent, quality) = (profile(m::SECURITY_AGENT), profile(m::SECURITY_QUALITY));
    let every = "names,adoption,identity,hierarchy,phone,proficiencies,tags,delete,retain,quick-connects";
    let printed = policy(&["--security-profile", &agent, "--security-profile", &quality, "--feature", every]);
    assert_eq!(statements(&printed), shown);
    assert_eq!(printed["Version"], "2012-10-17");
}

#[test]
fn each_feature_of_the_documents_table_brings_its_actions() {
    let document = document();
    let none = actions(&policy(&["--feature", "quotas"]));
    for (row, feature) in [
        ("| `identityInfo` |", "identity"),
        ("| `hierarchyGroupPath`, `hierarchyGroupArn` |", "hierarchy"),
        ("| Phone settings, both forms |", "phone"),
        ("| `userProficiencies` |", "proficiencies"),
        ("| `tags` |", "tags"),
        ("| `routingProfileName` |", "names"),
        ("| `securityProfileNames` |", "names"),
        ("| `adoptionPolicy: Adopt` |", "adoption"),
        ("| `deletionPolicy: Delete` |", "delete"),
        ("| `deletionPolicy: Retain` |", "retain"),
        ("| `quickConnectCleanup` of a ConnectInstance |", "quick-connects"),
    ] {
        let line = document.lines().find(|line| line.starts_with(row)).unwrap_or_else(|| panic!("no row {row}"));
        let cell = line.split(" | ").nth(1).unwrap();
        let needed: BTreeSet<_> = cell.split('`').skip(1).step_by(2).map(|name| format!("connect:{name}")).collect();
        assert!(!needed.is_empty(), "{line}");
        let with = actions(&policy(&["--feature", feature]));
        assert!(needed.is_subset(&with), "{feature}: {needed:?} of {with:?}");
        let brought: BTreeSet<_> =
            with.difference(&none).filter(|action| action.starts_with("connect:")).cloned().collect();
        assert!(!brought.is_empty(), "{feature} brings nothing");
        // Names have three rows.
        if feature != "names" {
            assert!(brought.is_subset(&needed), "{feature} brings {brought:?}");
        }
    }
    assert!(
        none.contains("servicequotas:ListServiceQuotas")
            && !actions(&policy(&[])).contains("servicequotas:ListServiceQuotas")
    );
}

#[test]
fn what_only_reads_has_no_action_that_writes_and_names_no_owner() {
    let printed = policy(&["--read-only"]);
    for action in actions(&printed) {
        let name = action.strip_prefix("connect:").unwrap();
        assert!(["Describe", "List", "Search"].iter().any(|verb| name.starts_with(verb)), "{action}");
    }
    assert!(!printed.to_string().contains("emea-prod"));
}

#[test]
fn two_instances_are_two_resources_in_each_statement() {
    let other = m::ARN.replace(m::ID, "22222222-2222-4222-8222-222222222222");
    for (sid, (_, resources, _)) in statements(&policy(&["--instance", &other])) {
        let of = |arn: &str| resources.iter().filter(|resource| resource.starts_with(arn)).count();
        assert_eq!(of(m::ARN), of(&other), "{sid}: {resources:?}");
        assert_ne!(of(&other), 0, "{sid}");
    }
}
