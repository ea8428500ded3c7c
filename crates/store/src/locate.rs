//! Finding a rollout by id, by name, or as the latest (rollout sheet §6).
//!
//! In: a home. Out: a path. Nothing here opens a database or reads a transcript: names of files, their times and, where
//! needed, their first bytes are enough. Everything here blocks: call it from `spawn_blocking`.
//!
//! A newcomer's trap: a file is found by the id in its *name*, in whatever directory it lies. The thread's true id is
//! the one inside; loading tells.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use quire_protocol::ThreadId;
use uuid::Uuid;

use crate::clock::timestamp;
use crate::head::read_head;
use crate::names;
use crate::parse::Glance;

/// Live sessions.
const SESSIONS: &str = "sessions";
/// Sessions put away.
const ARCHIVED: &str = "archived_sessions";
/// How deep directories are searched: year, month, day and some to spare.
const MAX_DEPTH: usize = 8;
/// Enough of a first line to see the working directory in it.
const CWD_BYTES: u64 = 4096;

/// Why a session was not found.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// It was put away.
    #[error("session {id} is archived. Run `codex unarchive {id}` to unarchive it first.")]
    Archived {
        /// Which.
        id: ThreadId,
    },
    /// There is none.
    #[error("no rollout found for thread id {id}")]
    NotFound {
        /// Which.
        id: ThreadId,
    },
    /// The home cannot be searched.
    #[error("cannot search for sessions in {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A session that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Its id.
    pub id: ThreadId,
    /// Its rollout.
    pub path: PathBuf,
}

/// Finds the rollout of a thread. Of several files with its id the newest (by path) is taken.
pub fn find_by_id(home: &Path, id: ThreadId) -> Result<PathBuf, LocateError> {
    let wanted = id.to_string();
    let sessions = home.join(SESSIONS);
    let days = likely_days(&sessions, id);
    let mut found = None;
    for directory in days.iter().chain([&sessions]) {
        walk(directory, &mut |path| {
            if !is_named_after(path, &wanted) {
                return ControlFlow::Continue(());
            }
            found = Some(path.to_owned());
            ControlFlow::Break(())
        })?;
        if let Some(path) = found {
            return Ok(path);
        }
    }
    if is_archived(home, &wanted)? {
        Err(LocateError::Archived { id })
    } else {
        Err(LocateError::NotFound { id })
    }
}

/// Finds a thread by its exact name. Of several threads with that name the one named last wins, if its rollout can still
/// be read. An archived thread is reported only when no live one has the name.
pub fn find_by_name(home: &Path, name: &str) -> Result<Option<Located>, LocateError> {
    let mut candidates = Vec::new();
    names::newest_first(home, |id, current| {
        if current == name {
            candidates.push(id);
        }
        ControlFlow::Continue(())
    })
    .map_err(|source| LocateError::Io { path: home.to_owned(), source })?;
    let mut archived = None;
    for id in candidates {
        match find_by_id(home, id) {
            Ok(path) if read_head(&path).is_ok() => return Ok(Some(Located { id, path })),
            Err(error @ LocateError::Archived { .. }) => archived = archived.or(Some(error)),
            Err(error @ LocateError::Io { .. }) => return Err(error),
            Ok(_) | Err(LocateError::NotFound { .. }) => {}
        }
    }
    archived.map_or(Ok(None), Err)
}

/// The session that was written to last, of those begun in `cwd` (`None`: anywhere). Sessions in which nothing was said
/// do not count.
pub fn latest(home: &Path, cwd: Option<&Path>) -> Result<Option<Located>, LocateError> {
    let cwds: Vec<PathBuf> =
        cwd.into_iter().flat_map(|cwd| [Some(cwd.to_owned()), cwd.canonicalize().ok()]).flatten().collect();
    let mut rollouts: Vec<(SystemTime, PathBuf)> = Vec::new();
    walk(&home.join(SESSIONS), &mut |path| {
        if rollout_id(path).is_some()
            && let Ok(modified) = fs::metadata(path).and_then(|metadata| metadata.modified())
        {
            rollouts.push((modified, path.to_owned()));
        }
        ControlFlow::Continue(())
    })?;
    rollouts.sort_unstable_by(|one, other| other.cmp(one));
    for (_, path) in rollouts {
        let wanted = cwd.is_none() || recorded_cwd(&path).is_none_or(|recorded| cwds.contains(&recorded));
        if !wanted {
            continue;
        }
        let Ok(head) = read_head(&path) else { continue };
        if head.first_user_message.is_some() && (cwd.is_none() || cwds.contains(&head.meta.cwd)) {
            return Ok(Some(Located { id: head.meta.id, path }));
        }
    }
    Ok(None)
}

/// Ids and names that look like what somebody asked for, best first, for a "did you mean". Reads no transcript.
pub fn nearest(home: &Path, asked: &str, max: usize) -> Result<Vec<String>, LocateError> {
    let asked = asked.to_lowercase();
    let mut known = BTreeSet::new();
    names::newest_first(home, |_, name| {
        known.insert(name);
        ControlFlow::Continue(())
    })
    .map_err(|source| LocateError::Io { path: home.to_owned(), source })?;
    walk(&home.join(SESSIONS), &mut |path| {
        known.extend(rollout_id(path).map(|id| id.to_string()));
        ControlFlow::Continue(())
    })?;
    let mut scored: Vec<_> = known
        .into_iter()
        .filter_map(|candidate| Some((distance(&asked, &candidate.to_lowercase())?, candidate)))
        .collect();
    // Ids begin with their time: of equally good ones the newest first.
    scored.sort_unstable_by_key(|(score, candidate)| (*score, Reverse(candidate.clone())));
    Ok(scored.into_iter().take(max).map(|(_, candidate)| candidate).collect())
}

/// Directories the rollout of an id most likely lies in: an id of version 7 tells its day, in UTC; the path is local.
fn likely_days(sessions: &Path, id: ThreadId) -> Vec<PathBuf> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let Some(began) = id.uuid().get_timestamp() else { return Vec::new() };
    let (seconds, nanos) = began.to_unix();
    let began = (seconds as i64).saturating_mul(1000).saturating_add(i64::from(nanos) / 1_000_000);
    [0, DAY_MS, -DAY_MS]
        .map(|shift| sessions.join(timestamp(began.saturating_add(shift)).strftime("%Y/%m/%d").to_string()))
        .to_vec()
}

fn is_archived(home: &Path, wanted: &str) -> Result<bool, LocateError> {
    let mut found = false;
    walk(&home.join(ARCHIVED), &mut |path| {
        found |= is_named_after(path, wanted);
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(found)
}

/// Visits files, those with greater names first, until told to stop. A directory that is missing is empty; one below the
/// first that cannot be read is passed over.
fn walk(directory: &Path, visit: &mut impl FnMut(&Path) -> ControlFlow<()>) -> Result<(), LocateError> {
    descend(directory, MAX_DEPTH, visit).map(|_| ())
}

fn descend(
    directory: &Path,
    depth: usize,
    visit: &mut impl FnMut(&Path) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, LocateError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ControlFlow::Continue(())),
        Err(error) if depth < MAX_DEPTH => {
            tracing::warn!(%error, directory = %directory.display(), "sessions in this directory are passed over");
            return Ok(ControlFlow::Continue(()));
        }
        Err(source) => return Err(LocateError::Io { path: directory.to_owned(), source }),
    };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
    entries.sort_unstable_by_key(|entry| Reverse(entry.file_name()));
    for entry in entries {
        let path = entry.path();
        let flow = match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => descend(&path, depth - 1, visit)?,
            Ok(kind) if kind.is_file() || (kind.is_symlink() && path.is_file()) => visit(&path),
            _ => ControlFlow::Continue(()),
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Whether a file counts as the rollout of an id: the id anywhere in its name, in any case.
fn is_named_after(path: &Path, id: &str) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let name = name.to_lowercase();
    name.contains(id) && matches!(path.extension().and_then(|kind| kind.to_str()), Some("jsonl" | "json"))
}

/// The id in the name of a listed rollout: `rollout-<time>-<id>.jsonl`.
fn rollout_id(path: &Path) -> Option<Uuid> {
    let name = path.file_name()?.to_str()?.strip_prefix("rollout-")?.strip_suffix(".jsonl")?;
    let (time, id) = name.split_at_checked(name.len().checked_sub(36)?)?;
    time.ends_with('-').then(|| Uuid::parse_str(id).ok()).flatten()
}

/// The working directory in the first bytes of a rollout, when its first line is written in the usual order. The line
/// itself is long: it holds the whole system text.
fn recorded_cwd(path: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(CWD_BYTES).read_to_end(&mut head).ok()?;
    if Glance::at(&head)?.kind != b"session_meta" {
        return None;
    }
    const KEY: &[u8] = b",\"cwd\":";
    let payload = memchr::memmem::find(&head, b"\"payload\":{")? + b"\"payload\":{".len();
    let key = memchr::memmem::find(&head[payload..], KEY)? + payload;
    // Within a nested object it would be another's.
    if head[payload..key].contains(&b'{') {
        return None;
    }
    let value = &head[key + KEY.len()..];
    serde_json::Deserializer::from_slice(value).into_iter::<PathBuf>().next()?.ok()
}

/// How far a candidate is from what was asked; `None` when they have nothing in common.
fn distance(asked: &str, candidate: &str) -> Option<usize> {
    const MAX_CHARS: usize = 64;
    if asked.is_empty() {
        return None;
    }
    if candidate.starts_with(asked) {
        return Some(0);
    }
    if candidate.contains(asked) {
        return Some(1);
    }
    let asked: Vec<char> = asked.chars().take(MAX_CHARS).collect();
    let candidate: Vec<char> = candidate.chars().take(MAX_CHARS).collect();
    let edits = edit_distance(&asked, &candidate);
    (edits <= asked.len().div_ceil(3)).then_some(1 + edits)
}

/// Least number of characters to add, drop or replace.
fn edit_distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (down, left) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], down + 1);
        for (across, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[across + 1];
            row[across + 1] = replaced.min(diagonal + 1).min(row[across] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let edits = |one: &str, other: &str| {
            edit_distance(&one.chars().collect::<Vec<_>>(), &other.chars().collect::<Vec<_>>())
        };
        assert_eq!(edits("", ""), 0);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(distance("fix", "fix the build"), Some(0));
        assert_eq!(distance("build", "fix the build"), Some(1));
        assert_eq!(distance("fxi", "zzzzzz"), None);
        assert_eq!(distance("", "x"), None);
    }

    #[test]
    fn only_well_named_files_are_listed() {
        let id = "01a1f834-b81e-7380-9af7-ff5a2bfcf253";
        assert!(rollout_id(Path::new(&format!("rollout-2026-11-20T09-06-07-{id}.jsonl"))).is_some());
        for name in [
            format!("rollout-{id}.jsonl"),
            format!("rollout-2026-11-20T09-06-07-{id}.json"),
            format!("other-2026-11-20T09-06-07-{id}.jsonl"),
            "rollout-2026-11-20T09-06-07-not-a-uuid.jsonl".to_owned(),
            "rollout-ä.jsonl".to_owned(),
        ] {
            assert_eq!(rollout_id(Path::new(&name)), None, "{name}");
        }
    }
}
