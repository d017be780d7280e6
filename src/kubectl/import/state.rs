//! What an import has read so far, so that one that is interrupted goes on where it was.
//!
//! One line for each user, appended when it was read; a line that was cut off counts as not there. It holds names
//! and addresses, so only its owner may read it, and it is removed when the import is complete.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::resource::user::ConnectUserSpec;
use crate::user::ids::{Instance, UserId};

/// Of this form of the file.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Head {
    import: u32,
    instance: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    id: UserId,
    #[serde(flatten)]
    known: Known,
}

/// A user that was read.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) spec: ConnectUserSpec,
    /// Connect's own time of the user's last change, as it was read.
    pub(super) modified: Option<String>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(in crate::kubectl) enum Error {
    #[error("state file {path}")]
    File {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error(
        "{0} is what an import that was interrupted has read so far: go on with --resume, or delete it to begin anew"
    )]
    IsThere(String),
    #[error("{0} is not of an import of this instance: delete it, or name another with --state")]
    Another(String),
}

/// The file, open to be added to.
pub(super) struct State {
    path: PathBuf,
    file: File,
}

impl State {
    /// Opens the file and reads what is in it.
    pub(super) fn open(
        path: &Path,
        instance: &Instance,
        resume: bool,
    ) -> Result<(Self, BTreeMap<UserId, Known>), Error> {
        let failed = |source| Error::File { path: path.display().to_string(), source };
        let another = || Error::Another(path.display().to_string());
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        // What is behind the last end of a line was cut off.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let text = String::from_utf8_lossy(text.get(..whole).unwrap_or_default()).into_owned();
        // An import that failed before it had read anybody has left nothing to go on with.
        let whole = if text.lines().count() > 1 { whole } else { 0 };
        if whole > 0 && !resume {
            return Err(Error::IsThere(path.display().to_string()));
        }
        let mut lines = text.lines();
        let mut read = BTreeMap::new();
        if let Some(head) = lines.next().filter(|_| whole > 0) {
            let head: Head = serde_json::from_str(head).map_err(|_| another())?;
            if head.import != VERSION || head.instance != instance.to_string() {
                return Err(another());
            }
            for line in lines {
                let Line { id, known } = serde_json::from_str(line).map_err(|_| another())?;
                read.insert(id, known);
            }
        }
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
        file.set_len(whole as u64).map_err(failed)?;
        let file = OpenOptions::new().append(true).open(path).map_err(failed)?;
        let mut state = Self { path: path.to_owned(), file };
        if whole == 0 {
            state.append(&Head { import: VERSION, instance: instance.to_string() })?;
        }
        Ok((state, read))
    }

    /// Adds a user.
    pub(super) fn add(&mut self, id: &UserId, known: &Known) -> Result<(), Error> {
        self.append(&Line { id: id.clone(), known: known.clone() })
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let failed = |source| Error::File { path: self.path.display().to_string(), source };
        let mut text = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        // In one write, so that only the last line of all can be cut off.
        self.file.write_all(&text).map_err(failed)
    }

    /// It is not needed any more.
    pub(super) fn remove(self) -> Result<(), Error> {
        let failed = |source| Error::File { path: self.path.display().to_string(), source };
        std::fs::remove_file(&self.path).map_err(failed)
    }
}
