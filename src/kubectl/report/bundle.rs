//! Where the files of a report go: into an archive, or into a folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Name and text of a file.
pub(super) type Entry = (String, String);

/// Writes the files. Nothing that exists is written over, and nobody else may read them.
pub(super) fn write(path: &Path, entries: &[Entry], seconds: u64) -> io::Result<()> {
    if is_archive(path) { archive(path, entries, seconds) } else { folder(path, entries) }
}

fn is_archive(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".tar.gz") || name.ends_with(".tgz")
}

fn archive(path: &Path, entries: &[Entry], seconds: u64) -> io::Result<()> {
    let mut archive = tar::Builder::new(GzEncoder::new(create(path)?, Compression::default()));
    for (name, text) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(text.len()).unwrap_or_default());
        header.set_mode(0o600);
        header.set_mtime(seconds);
        archive.append_data(&mut header, PathBuf::from("connect-report").join(name), text.as_bytes())?;
    }
    archive.into_inner()?.finish()?.sync_all()
}

fn folder(path: &Path, entries: &[Entry]) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    for (name, text) in entries {
        create(&path.join(name))?.write_all(text.as_bytes())?;
    }
    Ok(())
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
