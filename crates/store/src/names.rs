//! Names of threads: `session_index.jsonl`, a log in which the newest line of a thread is its name
//! (threads-memories sheet §3).
//!
//! In: a home. Out: names, newest first. The file is read from its end, so finding a recent name is cheap however old
//! the home is. Everything here blocks: call it from `spawn_blocking`.
//!
//! A newcomer's trap: a name can belong to several threads, and an older name of a renamed thread is no name at all.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

use quire_protocol::ThreadId;
use serde::{Deserialize, Serialize};

use crate::lines::BackwardLines;

/// File name in the home.
const FILE: &str = "session_index.jsonl";

#[derive(Serialize, Deserialize)]
struct Entry {
    id: ThreadId,
    thread_name: String,
    /// Any text; only written for people.
    #[serde(default)]
    updated_at: serde_json::Value,
}

/// Gives a thread a name, from now on. `updated_at` is RFC 3339. The line is on disk when this returns.
pub fn set_name(home: &Path, id: ThreadId, name: &str, updated_at: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(home.join(FILE))?;
    let mut line = Vec::new();
    if !ends_with_newline(&mut file)? {
        line.push(b'\n');
    }
    serde_json::to_writer(
        &mut line,
        &Entry { id, thread_name: name.to_owned(), updated_at: updated_at.into() },
    )?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_all()
}

/// The name of a thread, if it has one.
pub fn name_of(home: &Path, id: ThreadId) -> io::Result<Option<String>> {
    let mut found = None;
    newest_first(home, |entry, name| {
        if entry != id {
            return ControlFlow::Continue(());
        }
        found = Some(name);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Visits the current name of every thread that has one, newest first. Lines that cannot be read are passed over.
pub(crate) fn newest_first(
    home: &Path,
    mut visit: impl FnMut(ThreadId, String) -> ControlFlow<()>,
) -> io::Result<()> {
    let file = match File::open(home.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut seen = HashSet::new();
    let mut lines = BackwardLines::new(file)?;
    while let Some(line) = lines.next_line()? {
        let entry = line.trimmed().and_then(|line| serde_json::from_slice::<Entry>(line).ok());
        if let Some(Entry { id, thread_name, .. }) = entry
            && seen.insert(id)
            && visit(id, thread_name).is_break()
        {
            break;
        }
    }
    Ok(())
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(last: u8) -> ThreadId {
        format!("01a1f834-b81e-7380-9af7-ff5a2bfcf2{last:02x}").parse().unwrap()
    }

    #[test]
    fn the_newest_line_of_a_thread_is_its_name() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(name_of(home.path(), id(1)).unwrap(), None);
        set_name(home.path(), id(1), "old", "2026-11-20T08:37:16.893366355Z").unwrap();
        set_name(home.path(), id(2), "zwei \"…\"", "2026-11-20T08:37:17Z").unwrap();
        set_name(home.path(), id(1), "new", "2026-11-20T08:37:18Z").unwrap();
        assert_eq!(name_of(home.path(), id(1)).unwrap().as_deref(), Some("new"));
        assert_eq!(name_of(home.path(), id(2)).unwrap().as_deref(), Some("zwei \"…\""));
        let text = std::fs::read_to_string(home.path().join(FILE)).unwrap();
        assert_eq!(
            text.lines().next().unwrap(),
            r#"{"id":"01a1f834-b81e-7380-9af7-ff5a2bfcf201","thread_name":"old","updated_at":"2026-11-20T08:37:16.893366355Z"}"#
        );
    }

    #[test]
    fn bad_lines_are_passed_over_and_torn_ones_ended() {
        let home = tempfile::tempdir().unwrap();
        let lines = format!(
            "garbage\n{{\"id\":\"{}\",\"thread_name\":\"one\",\"updated_at\":3,\"x\":1}}\n{{\"id\":\"nope\",\"thread_name\":\"x\"}}\n\n{{\"id\":\"01",
            id(1)
        );
        std::fs::write(home.path().join(FILE), lines).unwrap();
        set_name(home.path(), id(2), "two", "now").unwrap();
        assert_eq!(name_of(home.path(), id(1)).unwrap().as_deref(), Some("one"));
        assert_eq!(name_of(home.path(), id(2)).unwrap().as_deref(), Some("two"));
    }
}
