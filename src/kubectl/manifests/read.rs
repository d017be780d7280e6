//! Files, directories and standard input, with the objects of ours that are in them.

use std::io::Read;
use std::path::{Path as FilePath, PathBuf};

use serde_json::Value;

use super::path::Path;
use super::yaml::{self, Flaw, Node, Place};
use crate::resource::GROUP;

/// Where objects are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::kubectl) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// The cluster.
    Cluster,
}

impl Source {
    /// The file, if it is one.
    pub(in crate::kubectl) fn file(&self) -> Option<&FilePath> {
        match self {
            Self::File(path) => Some(path),
            Self::Stdin | Self::Cluster => None,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdin => f.write_str("<stdin>"),
            Self::File(path) => path.display().fmt(f),
            Self::Cluster => f.write_str("<cluster>"),
        }
    }
}

/// One object of ours.
#[derive(Clone, Debug)]
pub(in crate::kubectl) struct Manifest {
    /// Where it is written.
    pub(in crate::kubectl) source: Source,
    /// What is written.
    pub(in crate::kubectl) value: Value,
    node: Option<Node>,
}

impl Manifest {
    /// An object that is not written in a file.
    pub(in crate::kubectl) fn of_cluster(value: Value) -> Self {
        Self { source: Source::Cluster, value, node: None }
    }

    /// Where something in it is written; the first line where it is not in a file.
    pub(in crate::kubectl) fn locate(&self, path: &Path) -> Place {
        self.node.as_ref().map_or(Place { line: 1, column: 1 }, |node| node.locate(path))
    }

    /// `ConnectUser` or `ConnectInstance`.
    pub(in crate::kubectl) fn kind(&self) -> &str {
        self.value.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// A text in its metadata.
    pub(in crate::kubectl) fn metadata(&self, name: &str) -> Option<&str> {
        self.value.get("metadata")?.get(name)?.as_str()
    }
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(in crate::kubectl) struct Found {
    /// Objects of ours, in the order in which they are written.
    pub(in crate::kubectl) manifests: Vec<Manifest>,
    /// What is no YAML, or no object that we know.
    pub(in crate::kubectl) flaws: Vec<(Source, Place, String)>,
    /// Files that were read.
    pub(in crate::kubectl) files: usize,
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {what}")]
pub struct Unreadable {
    what: String,
    #[source]
    source: std::io::Error,
}

/// Directories below directories; more means a loop.
const DEEPEST: usize = 32;

/// Reads what is named: a file, `-` for standard input, or a directory with all that is below it.
pub(in crate::kubectl) fn read(names: &[PathBuf]) -> Result<Found, Unreadable> {
    let mut found = Found::default();
    for name in names {
        let failed = |source| Unreadable { what: name.display().to_string(), source };
        if name.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(failed)?;
            found.files += 1;
            found.take(&Source::Stdin, &text, true);
        } else if std::fs::metadata(name).map_err(failed)?.is_dir() {
            let mut files = Vec::new();
            walk(name, DEEPEST, &mut files)?;
            files.sort();
            for file in files {
                found.file(&file, false)?;
            }
        } else {
            found.file(name, true)?;
        }
    }
    Ok(found)
}

fn walk(directory: &FilePath, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Unreadable> {
    let failed = |source| Unreadable { what: directory.display().to_string(), source };
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_manifest =
            path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|e| extension == *e));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            if depth > 0 {
                walk(&path, depth - 1, files)?;
            }
        } else if is_manifest {
            files.push(path);
        }
    }
    Ok(())
}

impl Found {
    fn file(&mut self, path: &FilePath, was_named: bool) -> Result<(), Unreadable> {
        let text = std::fs::read(path).map_err(|source| Unreadable { what: path.display().to_string(), source })?;
        self.files += 1;
        self.take(&Source::File(path.to_owned()), &String::from_utf8_lossy(&text), was_named);
        Ok(())
    }

    fn take(&mut self, source: &Source, text: &str, was_named: bool) {
        match yaml::parse(text) {
            Ok(documents) => documents.into_iter().for_each(|document| self.document(source, document)),
            // Templates and other people's files lie in directories, too.
            Err(_) if !was_named && !text.contains(GROUP) => {}
            Err(Flaw { place, message }) => self.flaws.push((source.clone(), place, message)),
        }
    }

    fn document(&mut self, source: &Source, node: Node) {
        let text = |name: &str| node.member(name).and_then(Node::text).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        if kind.ends_with("List") && node.member("items").is_some() {
            let items: Vec<Node> = node.member("items").map(Node::items).unwrap_or_default().to_vec();
            return items.into_iter().for_each(|item| self.document(source, item));
        }
        let Some(version) = version.strip_prefix(GROUP).and_then(|version| version.strip_prefix('/')) else { return };
        let path = Path::default();
        if !["ConnectUser", "ConnectInstance"].contains(&kind) {
            let message = format!("kind: there is no kind `{kind}` in {GROUP}: ConnectUser and ConnectInstance are");
            return self.flaws.push((source.clone(), node.locate(&path.member("kind")), message));
        }
        if version != "v1alpha1" {
            let message = format!("apiVersion: {GROUP} has no version `{version}`: write {GROUP}/v1alpha1");
            return self.flaws.push((source.clone(), node.locate(&path.member("apiVersion")), message));
        }
        self.manifests.push(Manifest { source: source.clone(), value: node.value(), node: Some(node) });
    }
}
