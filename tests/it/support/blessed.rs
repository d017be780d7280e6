//! Files in the repository that follow from the code.

use std::path::Path;

/// Fails unless the file holds this text. With `BLESS=1` in the environment it is written instead.
#[track_caller]
pub fn blessed(path: &Path, text: &str) {
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        return;
    }
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    let lines = stored.lines().zip(text.lines()).enumerate();
    let first = lines.into_iter().find(|(_, (stored, text))| stored != text).map_or_else(
        || "one is longer than the other".to_owned(),
        |(at, (stored, text))| format!("line {}: `{stored}` should be `{text}`", at + 1),
    );
    assert!(stored == text, "{} is not what the code makes: run the test with BLESS=1 ({first})", path.display());
}
