//! From one chart to the next: an upgrade keeps every object.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use kube::Api;
use kube::api::DynamicObject;
use kube::core::{ApiResource, GroupVersionKind};
use kube::discovery::{Discovery, Scope};
use serde_json::Value;

use super::helm::{CHART, Helm};
use crate::support::Cluster;

fn git(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The chart before the last commit that changed it, unpacked into `folder`.
fn previous(folder: &Path) -> PathBuf {
    let chart = "charts/connect-user-operator";
    let commits = String::from_utf8(git(&["log", "-2", "--first-parent", "--format=%H", "--", chart])).unwrap();
    let before = commits.lines().nth(1).expect("a clone with its history: the chart has been changed before");
    std::fs::create_dir_all(folder).unwrap();
    let archive = folder.join("chart.tar");
    std::fs::write(&archive, git(&["archive", before, chart])).unwrap();
    assert!(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(folder).status().unwrap().success());
    folder.join(chart)
}

/// Every object of the release by kind and name, with its uid.
async fn objects(cluster: &Cluster, helm: Helm) -> BTreeMap<String, String> {
    let client = cluster.client().await;
    let text = helm.run(&cluster.admin(), &["get", "manifest", "rel", "--namespace", "connect"]).unwrap();
    let discovery = Discovery::new(client.clone()).run().await.unwrap();
    let mut found = BTreeMap::new();
    for document in text.split("\n---\n").filter(|text| text.lines().any(|line| line.starts_with("kind:"))) {
        let document: Value = serde_saphyr::from_str(document).unwrap();
        let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let api_version = text("/apiVersion");
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", &api_version));
        let kind = GroupVersionKind::gvk(group, version, &text("/kind"));
        let (resource, capabilities): (ApiResource, _) = discovery.resolve_gvk(&kind).unwrap();
        let api: Api<DynamicObject> = match capabilities.scope {
            Scope::Cluster => Api::all_with(client.clone(), &resource),
            Scope::Namespaced => Api::namespaced_with(client.clone(), &text("/metadata/namespace"), &resource),
        };
        let object = api.get(&text("/metadata/name")).await.unwrap();
        assert!(object.metadata.deletion_timestamp.is_none());
        found.insert(format!("{} {}", kind.kind, text("/metadata/name")), object.metadata.uid.unwrap());
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_from_the_chart_before_keeps_every_object() {
    let cluster = Cluster::bare("chart-upgrade").await;
    let before = previous(&cluster.plane.dir().join("previous"));
    for helm in Helm::BOTH {
        let install = ["install", "rel", before.to_str().unwrap(), "--namespace", "connect", "--create-namespace"];
        helm.run(&cluster.admin(), &install).unwrap();
        let had = objects(&cluster, helm).await;
        assert!(had.len() >= 9, "{had:?}");
        helm.run(&cluster.admin(), &["upgrade", "rel", CHART, "--namespace", "connect"])
            .unwrap_or_else(|error| panic!("{helm:?}: {error}"));
        let has = objects(&cluster, helm).await;
        for (name, uid) in had {
            assert_eq!(has.get(&name), Some(&uid), "{helm:?}: {name} is another one or gone");
        }
        helm.run(&cluster.admin(), &["uninstall", "rel", "--namespace", "connect"]).unwrap();
    }
}
