//! The installation id: one UUID per home, sent to the model provider (home-layout sheet §3.1).
//!
//! A newcomer's trap: whatever parses as a UUID is left on disk exactly as it is, in whatever spelling; only the value
//! handed out is normalised.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use uuid::Uuid;

/// File name in the home.
const FILE: &str = "installation_id";

/// More than any spelling of a UUID with generous white space.
const MAX_BYTES: u64 = 1024;

/// Reads the installation id of a home, making one if there is none or what is there is no UUID. Other programs that do
/// the same at the same time agree on one id. Blocking: call it from `spawn_blocking`.
///
/// # Errors
/// When the file can neither be read nor written.
pub fn installation_id(home: &Path) -> io::Result<String> {
    let path = home.join(FILE);
    let mut file = match open(&path) {
        Ok(file) => file,
        // A home that may only be read: an id that is there already will do.
        Err(error) => return File::open(&path).ok().and_then(|file| stored(&file)).ok_or(error),
    };
    file.lock()?;
    if let Some(id) = stored(&file) {
        return Ok(id);
    }
    let id = Uuid::new_v4().to_string();
    let was_empty = file.metadata()?.len() == 0;
    file.set_len(0)?;
    file.rewind()?;
    if let Err(error) = file.write_all(id.as_bytes()) {
        if was_empty {
            // Nothing is better than a file without an id; if it cannot go either, the next start fills it.
            let _ = std::fs::remove_file(&path);
        }
        return Err(error);
    }
    Ok(id)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    options.open(path)
}

fn stored(file: &File) -> Option<String> {
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Uuid::parse_str(text.trim()).ok().map(|id| id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a1f834-b81e-7380-9af7-ff5a2bfcf253";

    #[test]
    fn a_uuid_in_any_spelling_is_used_and_left_alone() {
        for text in [ID.to_owned(), ID.to_uppercase(), format!("  {ID}\n"), ID.replace('-', "")] {
            let home = tempfile::tempdir().unwrap();
            std::fs::write(home.path().join(FILE), &text).unwrap();
            assert_eq!(installation_id(home.path()).unwrap(), ID);
            assert_eq!(std::fs::read_to_string(home.path().join(FILE)).unwrap(), text);
        }
    }

    #[test]
    fn anything_else_is_replaced() {
        for junk in [
            None,
            Some(b"".as_slice()),
            Some(b"junk that is longer than a uuid would be, by far"),
            Some(b"\xff"),
        ] {
            let home = tempfile::tempdir().unwrap();
            if let Some(junk) = junk {
                std::fs::write(home.path().join(FILE), junk).unwrap();
            }
            let id = installation_id(home.path()).unwrap();
            assert_eq!(Uuid::parse_str(&id).unwrap().get_version_num(), 4);
            assert_eq!(std::fs::read_to_string(home.path().join(FILE)).unwrap(), id, "no newline");
            assert_eq!(installation_id(home.path()).unwrap(), id);
        }
    }

    #[test]
    fn everybody_agrees_on_one() {
        let home = tempfile::tempdir().unwrap();
        let ids: std::collections::BTreeSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| installation_id(home.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(ids.len(), 1);
    }
}
