//! Which object goes into which file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use clap::ValueEnum;

use super::object_names::{hash, normal};

/// How objects are spread over files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Layout {
    /// All in users.yaml.
    File,
    /// A file for each user, named like the object.
    User,
    /// A file for each hierarchy group, named like its path.
    Group,
}

/// One object, ready to be written.
pub(super) struct Piece {
    pub(super) object: String,
    /// Path of the user's group, if it is in one.
    pub(super) group: Option<String>,
    pub(super) yaml: String,
}

/// The files, by name.
pub(super) fn files(pieces: &[Piece], layout: Layout) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    let groups: BTreeSet<&String> = pieces.iter().filter_map(|piece| piece.group.as_ref()).collect();
    for Piece { object, group, yaml } in pieces {
        let name = match (layout, group) {
            (Layout::File, _) => "users".to_owned(),
            (Layout::User, _) => object.clone(),
            (Layout::Group, None) => "without-group".to_owned(),
            (Layout::Group, Some(group)) => file_of(group, &groups),
        };
        files.entry(format!("{name}.yaml")).or_default().push_str(yaml);
    }
    files
}

/// Two groups whose names differ only in odd characters get a mark each.
fn file_of(group: &str, groups: &BTreeSet<&String>) -> String {
    let name = |group: &str| format!("group-{}", normal(&group.replace('.', "-")));
    let wanted = name(group);
    if groups.iter().filter(|other| name(other) == wanted).count() == 1 {
        wanted
    } else {
        format!("{wanted}-{:08x}", hash(group) & 0xffff_ffff)
    }
}

/// Why files could not be written.
#[derive(Debug, thiserror::Error)]
pub(in crate::kubectl) enum Error {
    #[error("cannot write {path}")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{0} is there and holds something else: move it away, or give --overwrite")]
    IsThere(String),
}

/// Writes the files, all or, if one of them may not be overwritten, none. Each appears whole.
pub(super) fn write(directory: &Path, files: &BTreeMap<String, String>, overwrite: bool) -> Result<(), Error> {
    let mut changed = Vec::new();
    for (name, text) in files {
        let path = directory.join(name);
        match std::fs::read(&path) {
            Ok(there) if there == text.as_bytes() => {}
            Ok(_) if !overwrite => return Err(Error::IsThere(path.display().to_string())),
            _ => changed.push((path, text)),
        }
    }
    for (path, text) in changed {
        let failed = |source| Error::File { path: path.display().to_string(), source };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let beside = path.with_extension("yaml.new");
        std::fs::File::create(&beside).and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)?;
        std::fs::rename(&beside, &path).map_err(failed)?;
    }
    Ok(())
}
