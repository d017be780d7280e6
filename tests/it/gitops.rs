//! Argo CD, Flux and `kubectl wait`: what they make of real objects, and that what somebody has applied stays
//! as it was applied.

mod argo;
mod flux;
mod guide;
mod lua;
mod testdata;
mod untouched;

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of a kind, as Argo CD's own repository has it.
fn customization(kind: &str) -> PathBuf {
    gitops().join("argo-cd/resource_customizations/contactops.dev").join(kind)
}

fn gitops() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("gitops")
}

fn read(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn yaml(path: impl AsRef<Path>) -> Value {
    serde_saphyr::from_str(&read(path.as_ref())).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// Names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
