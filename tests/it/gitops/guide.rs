//! The guide says what is so, and the examples are values that the chart takes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{argo, flux, gitops, names, read};
use crate::chart::helm::{of_kind, template};

/// The rows of the guide's tables whose first cell begins with an object of this kind: what each tool says.
fn told(kind: &str) -> BTreeMap<String, [String; 3]> {
    let text = read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gitops.md"));
    let table = text.split(&format!("| {kind} |")).nth(1).unwrap_or_else(|| panic!("no table of {kind}"));
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let name = cells[0].split('`').nth(1).unwrap().to_owned();
        (name, [cells[1], cells[2], cells[3]].map(str::to_owned))
    })
    .collect()
}

#[test]
fn the_guide_tells_what_each_tool_says_of_every_object() {
    for kind in ["ConnectUser", "ConnectInstance"] {
        let by_flux = flux::verdicts(kind);
        let said: BTreeMap<String, [String; 3]> = argo::healths(kind)
            .into_iter()
            .map(|(name, argo)| {
                let (flux, kstatus) = by_flux[&name];
                (name, [argo, flux.to_owned(), kstatus.to_owned()])
            })
            .collect();
        assert_eq!(told(kind), said, "docs/gitops.md, {kind}");
    }
}

fn documents(folder: &str) -> Vec<Value> {
    let folder = gitops().join("examples").join(folder);
    let all = names(&folder).into_iter().flat_map(|name| {
        serde_saphyr::from_multiple::<Value>(&read(folder.join(&name)))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    });
    all.collect()
}

fn find<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = documents.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name} in the examples"))
}

#[test]
fn the_chart_takes_the_values_of_the_examples() {
    let (argo, flux) = (documents("argo-cd"), documents("flux"));
    let of_argo = &find(&argo, "Application", "connect-user-operator")["spec"]["source"]["helm"]["valuesObject"];
    let of_flux = &find(&flux, "HelmRelease", "connect-user-operator")["spec"]["values"];
    for values in [of_argo, of_flux] {
        let sets: Vec<String> =
            values.as_object().unwrap().iter().map(|(key, of)| format!("json:{key}={of}")).collect();
        let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
        let rendered = template(&sets).unwrap();
        assert_eq!(of_kind(&rendered, "PodDisruptionBudget").len(), 1);
        let image = &of_kind(&rendered, "Deployment")[0]["spec"]["template"]["spec"]["containers"][0]["image"];
        assert_eq!(image, "registry.example.com/connect-user-operator:0.1.0");
    }
}

/// People are there after the operator and go before it.
#[test]
fn the_examples_keep_the_order() {
    let argo = documents("argo-cd");
    let wave = |name: &str| -> i32 {
        let annotations = &find(&argo, "Application", name)["metadata"]["annotations"];
        annotations["argocd.argoproj.io/sync-wave"].as_str().unwrap().parse().unwrap()
    };
    assert!(wave("connect-user-operator") < wave("connect-users"));
    let users = &documents("flux");
    let users = &find(users, "Kustomization", "connect-users")["spec"];
    assert_eq!(users["dependsOn"][0]["name"], "connect-operator");
    assert_eq!((&users["wait"], &users["deletionPolicy"]), (&true.into(), &"WaitForTermination".into()));
}
