//! What lies at a path, in the reference's words.

use std::fs::File;
use std::io::{self, Read as _};
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

/// The content of a regular file, or the beginning of a bigger one. A pipe or a device is never opened: that could wait
/// for ever.
pub(crate) fn read_bounded(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}
