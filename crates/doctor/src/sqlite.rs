//! Databases, read without leaving a trace.
//!
//! A newcomer's trap: even a reader of a database in WAL mode creates side files. Where no `-wal` file lies beside it,
//! nobody writes, and the file is opened as immutable; where one lies, somebody wrote, and the side files are there.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How long a check of one database may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a lock is waited for.
const LOCK_PATIENCE: Duration = Duration::from_millis(250);
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;

/// Why a database gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Somebody writes. Nothing is wrong with the file.
    #[error("in use by another process")]
    Busy,
    /// Too big for a quick look.
    #[error("not finished within {} s", PATIENCE.as_secs())]
    TooSlow,
    /// The file is not what it should be.
    #[error("{0}")]
    Broken(String),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::OperationInterrupted) => Self::TooSlow,
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// Whether SQLite finds the file sound.
pub(crate) fn quick_check(path: &Path) -> Result<(), ReadError> {
    let connection = open(path)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(ReadError::Broken(verdict)) }
}

/// A row of `threads`.
#[derive(Debug)]
pub(crate) struct ThreadRow {
    pub(crate) id: String,
    pub(crate) rollout_path: PathBuf,
    pub(crate) archived: bool,
    pub(crate) source: String,
    pub(crate) model_provider: String,
}

/// The threads of a state database, at most `limit`.
pub(crate) fn threads(path: &Path, limit: usize) -> Result<Vec<ThreadRow>, ReadError> {
    let connection = open(path)?;
    let mut query = connection
        .prepare("SELECT id, rollout_path, archived, source, model_provider FROM threads LIMIT ?1")?;
    let rows = query.query_map([limit as i64], |row| {
        Ok(ThreadRow {
            id: row.get(0)?,
            rollout_path: PathBuf::from(row.get::<_, String>(1)?),
            archived: row.get(2)?,
            source: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            model_provider: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        })
    })?;
    rows.collect::<Result<_, _>>().map_err(ReadError::from)
}

fn open(path: &Path) -> Result<Connection, ReadError> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let written_to = Path::new(&wal).exists();
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let immutable = if written_to { "" } else { "&immutable=1" };
    let Some(text) = path.to_str() else {
        return Err(ReadError::Broken("its path is not UTF-8".to_owned()));
    };
    let connection =
        Connection::open_with_flags(format!("file:{}?mode=ro{immutable}", escaped(text)), flags)?;
    connection.busy_timeout(LOCK_PATIENCE)?;
    let deadline = Instant::now() + PATIENCE;
    connection.progress_handler(STEPS, Some(move || Instant::now() > deadline));
    Ok(connection)
}

/// A path inside a `file:` address.
fn escaped(path: &str) -> String {
    path.chars()
        .map(|c| match c {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn database(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode=WAL;
                 CREATE TABLE threads(id TEXT, rollout_path TEXT, archived INTEGER, source TEXT, model_provider TEXT);
                 INSERT INTO threads VALUES('a', '/r.jsonl', 1, 'exec', 'openai');",
            )
            .unwrap();
        connection
    }

    #[test]
    fn a_sound_database_is_read_without_side_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a?b#c%.sqlite");
        drop(database(&path));
        quick_check(&path).unwrap();
        let rows = threads(&path, 10).unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].rollout_path.as_path(), rows[0].archived), (Path::new("/r.jsonl"), true));
        assert_eq!(names(folder.path()), ["a?b#c%.sqlite"]);
    }

    #[test]
    fn rows_that_are_still_in_the_log_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let writer = database(&path);
        assert_eq!(threads(&path, 10).unwrap().len(), 1);
        drop(writer);
    }

    #[test]
    fn a_locked_database_is_busy_and_a_strange_file_is_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let writer = database(&path);
        writer.execute_batch("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE;").unwrap();
        assert!(matches!(quick_check(&path), Err(ReadError::Busy)));
        let strange = folder.path().join("b.sqlite");
        std::fs::write(&strange, "garbage".repeat(1000)).unwrap();
        assert!(matches!(quick_check(&strange), Err(ReadError::Broken(_))));
        let missing = folder.path().join("c.sqlite");
        assert!(quick_check(&missing).is_err());
        assert!(!missing.exists());
    }
}
