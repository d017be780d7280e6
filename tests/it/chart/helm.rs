//! The two Helms that people have, and what they make of the chart.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/connect-user-operator");

/// Which Helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Helm {
    Four,
    Three,
}

impl Helm {
    pub const BOTH: [Self; 2] = [Self::Three, Self::Four];

    /// Runs it; its standard output, or what it said on standard error.
    pub fn run(self, kubeconfig: &Path, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(tool(if self == Self::Four { "helm" } else { "helm3" }))
            .env("KUBECONFIG", kubeconfig)
            .args(arguments)
            .output()
            .unwrap_or_else(|error| panic!("{self:?} cannot be run, see tools/build.sh: {error}"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The objects of the chart with values as `--set` has them, or with `json:` before them as `--set-json` has them,
    /// or from a file with `file:` before its path.
    pub fn template(self, values: &[&str]) -> Result<Vec<Value>, String> {
        self.render("rel", "connect", values)
    }

    /// The same as another release in another namespace.
    pub fn render(self, release: &str, namespace: &str, values: &[&str]) -> Result<Vec<Value>, String> {
        let mut arguments = vec!["template", release, CHART, "--namespace", namespace];
        arguments.extend(set(values));
        let text = self.run(Path::new("/nonexistent"), &arguments)?;
        let documents = text.split("\n---\n").filter(|text| text.lines().any(|line| line.starts_with("kind:")));
        // Duplicate keys are an error.
        documents.map(|text| serde_saphyr::from_str(text).map_err(|error| format!("{error} in {text}"))).collect()
    }
}

/// Values as arguments.
pub fn set<'a>(values: &[&'a str]) -> Vec<&'a str> {
    let flags = [("json:", "--set-json"), ("file:", "--values"), ("", "--set")];
    let argument = |value: &&'a str| {
        let (prefix, flag) = flags.into_iter().find(|(prefix, _)| value.starts_with(prefix)).unwrap();
        [flag, &value[prefix.len()..]]
    };
    values.iter().flat_map(argument).collect()
}

/// What both make of it, which is the same.
pub fn template(values: &[&str]) -> Result<Vec<Value>, String> {
    let made = Helm::Four.template(values);
    let by_three = Helm::Three.template(values);
    assert_eq!(made.as_ref().ok(), by_three.as_ref().ok(), "{values:?}");
    made
}

pub fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    documents.iter().filter(|document| document["kind"] == kind).collect()
}

/// A program that tools/build.sh has built.
fn tool(name: &str) -> PathBuf {
    static ASSETS: OnceLock<PathBuf> = OnceLock::new();
    ASSETS.get_or_init(|| harness::assets().unwrap_or_else(|error| panic!("{error}"))).join(name)
}
