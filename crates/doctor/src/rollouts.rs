//! The session files of a home, walked with a bound.
//!
//! A newcomer's trap: counting them (`state.paths`) looks at names and sizes only; the comparison with the database also
//! reads the head of each file, because the thread's id is what the file says, not what its name says.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use serde::Deserialize;

/// No folder of sessions is deeper; a link that leads back up is not followed for ever.
const MAX_DEPTH: usize = 8;
/// No more of a file is read to find its thread.
const MAX_HEAD: u64 = 256 * 1024;

/// What the walk comes upon.
pub(crate) enum Found<'a> {
    /// A session file.
    File(&'a Path, &'a fs::DirEntry),
    /// A folder or entry that cannot be read; the walk goes on beside it.
    Unreadable(&'a Path, &'a io::Error),
}

/// Tells `each` of every session file below `folder`, until it says no. A missing folder holds none; one that cannot be
/// read at all is an error.
pub(crate) fn walk(folder: &Path, each: &mut dyn FnMut(Found<'_>) -> bool) -> io::Result<()> {
    match fs::read_dir(folder) {
        Ok(entries) => {
            visit(folder, entries, MAX_DEPTH, each);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// False when the walk is over.
fn visit(folder: &Path, entries: fs::ReadDir, depth: usize, each: &mut dyn FnMut(Found<'_>) -> bool) -> bool {
    for entry in entries {
        let more = match entry.and_then(|entry| Ok((entry.file_type()?, entry))) {
            Err(error) => each(Found::Unreadable(folder, &error)),
            Ok((kind, entry)) => {
                let path = entry.path();
                if kind.is_dir() && depth > 0 {
                    match fs::read_dir(&path) {
                        Ok(entries) => visit(&path, entries, depth - 1, each),
                        Err(error) => each(Found::Unreadable(&path, &error)),
                    }
                } else {
                    !(kind.is_file() && is_rollout(&path)) || each(Found::File(&path, &entry))
                }
            }
        };
        if !more {
            return false;
        }
    }
    true
}

fn is_rollout(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    stem.is_some_and(|stem| stem.starts_with("rollout-"))
        && path.extension().is_some_and(|end| end == "jsonl")
}

/// What the head of a session file tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Its thread.
    Thread(String),
    /// It holds items, but neither they nor the name say of which thread.
    Nameless,
    /// It cannot be used, and why.
    Unusable(String),
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    kind: String,
    payload: Payload,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    id: Option<serde_json::Value>,
}

/// Reads the head of a session file.
pub(crate) fn head(path: &Path) -> Head {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return Head::Unusable(error.to_string()),
    };
    let mut reader = BufReader::new(file.take(MAX_HEAD));
    let (mut line, mut any_bytes, mut any_items) = (Vec::new(), false, false);
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => any_bytes = true,
            Err(error) => return Head::Unusable(error.to_string()),
        }
        let Ok(item) = serde_json::from_slice::<Line>(&line) else { continue };
        any_items = true;
        if item.kind == "session_meta"
            && let Some(serde_json::Value::String(id)) = item.payload.id
        {
            return Head::Thread(id);
        }
    }
    match (any_items, id_in_name(path)) {
        (true, Some(id)) => Head::Thread(id),
        (true, None) => Head::Nameless,
        (false, _) if any_bytes => Head::Unusable("no line of it is a session item".to_owned()),
        (false, _) => Head::Unusable("the file is empty".to_owned()),
    }
}

/// `rollout-2026-11-20T10-00-00-<id>.jsonl`.
fn id_in_name(path: &Path) -> Option<String> {
    const TIME: usize = "2026-11-20T10-00-00-".len();
    const ID: usize = 36;
    let stem = path.file_stem()?.to_str()?.strip_prefix("rollout-")?;
    let id = stem.get(TIME..).filter(|id| id.len() == ID)?;
    id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-').then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019e0000-0000-7000-8000-000000000001";

    fn head_of(name: &str, text: &str) -> Head {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        head(&path)
    }

    #[test]
    fn the_thread_is_what_the_file_says_and_else_what_its_name_says() {
        let meta = r#"{"type":"session_meta","payload":{"id":"x"}}"#;
        let event = r#"{"type":"event_msg","payload":{"type":"user_message"}}"#;
        let named = format!("rollout-2026-11-20T10-00-00-{ID}.jsonl");
        assert_eq!(head_of(&named, &format!("noise\n{event}\n{meta}\n")), Head::Thread("x".into()));
        assert_eq!(head_of(&named, event), Head::Thread(ID.into()));
        assert_eq!(head_of("rollout-bad.jsonl", event), Head::Nameless);
        assert!(matches!(head_of(&named, ""), Head::Unusable(_)));
        assert!(matches!(head_of(&named, "noise\n"), Head::Unusable(_)));
    }

    #[test]
    fn the_walk_sees_session_files_at_any_depth_and_stops_when_told() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["rollout-a.jsonl", "2026/rollout-b.jsonl", "2026/other.jsonl", "rollout-c.jsonl.zst"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let mut seen = 0;
        walk(folder.path(), &mut |_| {
            seen += 1;
            true
        })
        .unwrap();
        assert_eq!(seen, 2);
        let mut seen = 0;
        walk(folder.path(), &mut |_| {
            seen += 1;
            false
        })
        .unwrap();
        assert_eq!(seen, 1);
        walk(&folder.path().join("missing"), &mut |_| true).unwrap();
    }
}
