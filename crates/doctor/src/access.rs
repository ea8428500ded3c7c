//! What lies at a path, in the reference's words.

use std::path::Path;

/// `<path> (dir|file|other|missing)`, or the path and why it cannot be looked at.
pub(crate) fn describe(path: &Path) -> String {
    let kind = match std::fs::metadata(path) {
        Ok(facts) if facts.is_dir() => "dir".to_owned(),
        Ok(facts) if facts.is_file() => "file".to_owned(),
        Ok(_) => "other".to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "missing".to_owned(),
        Err(error) => error.to_string(),
    };
    format!("{} ({kind})", path.display())
}
