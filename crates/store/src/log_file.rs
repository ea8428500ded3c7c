//! The file behind a writer: opened when the first line comes, one `write(2)` per line, never rewritten.
//!
//! In: encoded lines. Out: lines on disk, or an error while the lines stay queued. Everything here blocks; the writer
//! calls it from a blocking thread.
//!
//! A newcomer's trap: a crash, or a full disk, can leave half a line behind. The next line must not be glued to it, so
//! whoever opens the file ends such a line first.

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quire_protocol::{GitFacts, ResponseItem, RolloutEvent, RolloutItem, RolloutLine, SessionMeta};

use crate::clock::{Clock, utc_timestamp};
use crate::error::StoreError;

/// Bytes that may wait for a disk that does not take them.
const MAX_QUEUED: usize = 64 * 1024 * 1024;

/// A rollout that is being appended to.
pub(crate) struct LogFile {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    /// The first line, while it is needed: a file that is empty when it is opened gets it. `None` for an old session.
    meta: Option<SessionMeta>,
    handle: Option<File>,
    queue: VecDeque<Vec<u8>>,
    queued: usize,
    max_queued: usize,
    /// Whether the directories up to the home must be synced once, so that the new file survives a power cut.
    directories_dirty: bool,
}

impl LogFile {
    pub(crate) fn new(path: PathBuf, meta: Option<SessionMeta>, clock: Arc<dyn Clock>) -> Self {
        Self {
            path,
            clock,
            meta,
            handle: None,
            queue: VecDeque::new(),
            queued: 0,
            max_queued: MAX_QUEUED,
            directories_dirty: false,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Fills in what git said; only of use before the first append.
    pub(crate) fn set_git(&mut self, git: Option<GitFacts>) {
        if let Some(meta) = &mut self.meta {
            meta.git = git;
        }
    }

    /// Writes these items behind everything that still waits. No items: makes sure that the file exists.
    pub(crate) fn append(&mut self, items: Vec<RolloutItem>) -> Result<(), StoreError> {
        let asked = !items.is_empty();
        let items: Vec<_> = items.into_iter().filter_map(storable).collect();
        if asked && items.is_empty() && self.queue.is_empty() {
            return Ok(());
        }
        if self.queued >= self.max_queued {
            // The disk may be back.
            self.flush().map_err(|_| StoreError::Backlog { path: self.path.clone(), queued: self.queued })?;
        }
        let timestamp = utc_timestamp(self.clock.unix_ms());
        for item in items {
            let line = self.encode(timestamp.clone(), item)?;
            self.queued += line.len();
            self.queue.push_back(line);
        }
        self.flush()
    }

    /// Writes what waits and forces it to disk. Does nothing when nothing was ever written.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        if self.handle.is_none() && self.queue.is_empty() {
            return Ok(());
        }
        self.flush()?;
        let failed = |source| StoreError::Sync { path: self.path.clone(), source };
        if let Some(file) = &self.handle {
            file.sync_data().map_err(failed)?;
        }
        if self.directories_dirty {
            sync_directories(&self.path).map_err(failed)?;
            self.directories_dirty = false;
        }
        Ok(())
    }

    fn encode(&self, timestamp: String, item: RolloutItem) -> Result<Vec<u8>, StoreError> {
        let mut line = serde_json::to_vec(&RolloutLine { timestamp, item })
            .map_err(|source| StoreError::Encode { path: self.path.clone(), source })?;
        line.push(b'\n');
        Ok(line)
    }

    /// Tries twice, the second time with the file opened anew. What cannot be written stays queued.
    fn flush(&mut self) -> Result<(), StoreError> {
        self.try_flush().or_else(|_| {
            self.handle = None;
            self.try_flush().inspect_err(|_| self.handle = None)
        })
    }

    fn try_flush(&mut self) -> Result<(), StoreError> {
        let mut file = match self.handle.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let failed = |source| StoreError::Write { path: self.path.clone(), source };
        while let Some(line) = self.queue.front() {
            file.write_all(line).map_err(failed)?;
            self.queued -= line.len();
            self.queue.pop_front();
        }
        self.handle = Some(file);
        Ok(())
    }

    fn open(&mut self) -> Result<File, StoreError> {
        if self.meta.is_some()
            && let Some(directory) = self.path.parent()
        {
            create_private_directories(directory)
                .map_err(|source| StoreError::CreateDirectory { path: directory.to_owned(), source })?;
        }
        let failed = |source| StoreError::Open { path: self.path.clone(), source };
        let mut file = open_private(&self.path, self.meta.is_some()).map_err(failed)?;
        let write_failed = |source| StoreError::Write { path: self.path.clone(), source };
        let begun = self.meta.is_none() || has_a_whole_line(&mut file).map_err(failed)?;
        if begun && file.metadata().map_err(failed)?.len() > 0 {
            end_torn_line(&mut file).map_err(write_failed)?;
        } else if let Some(meta) = &self.meta {
            let timestamp = utc_timestamp(self.clock.unix_ms());
            let line = self.encode(timestamp, RolloutItem::SessionMeta(meta.clone()))?;
            self.directories_dirty = true;
            // A first line that a full disk cut short is ours alone and holds nothing else.
            file.set_len(0).and_then(|()| file.write_all(&line)).map_err(write_failed)?;
        }
        Ok(file)
    }
}

/// The item as it is stored, without the kinds this version merely tolerates; `None` when nothing is left of it.
fn storable(item: RolloutItem) -> Option<RolloutItem> {
    match item {
        RolloutItem::ResponseItem(item) if !item.is_persisted() => None,
        RolloutItem::EventMsg(RolloutEvent::Other) => None,
        RolloutItem::Compacted(mut compacted) => {
            if let Some(history) = &mut compacted.replacement_history {
                history.retain(ResponseItem::is_persisted);
            }
            Some(RolloutItem::Compacted(compacted))
        }
        item => Some(item),
    }
}

/// Whether a file of our own has its first line.
fn has_a_whole_line(file: &mut File) -> io::Result<bool> {
    let mut block = [0; 8192];
    file.rewind()?;
    loop {
        match file.read(&mut block)? {
            0 => return Ok(false),
            read if block[..read].contains(&b'\n') => return Ok(true),
            _ => {}
        }
    }
}

fn end_torn_line(file: &mut File) -> io::Result<()> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        tracing::warn!(
            "the last line of the session file was cut short; it is ended before the next one is written"
        );
        file.write_all(b"\n")?;
    }
    Ok(())
}

/// Directories are for the owner alone: a transcript holds what the person said.
fn create_private_directories(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn open_private(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(create);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Syncs `DD`, `MM`, `YYYY` and `sessions`: any of them may be new.
fn sync_directories(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    for directory in path.ancestors().skip(1).take(4) {
        File::open(directory)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    struct Fixed;

    impl Clock for Fixed {
        fn unix_ms(&self) -> i64 {
            1_795_165_567_095
        }

        fn zone(&self) -> TimeZone {
            TimeZone::UTC
        }
    }

    fn note(text: &str) -> RolloutItem {
        RolloutItem::EventMsg(RolloutEvent::AgentReasoning { text: text.to_owned() })
    }

    #[test]
    fn what_a_broken_disk_refuses_is_written_by_the_next_append() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("old.jsonl");
        let mut log = LogFile::new(path.clone(), None, Arc::new(Fixed));
        // An old session whose file is gone: not created anew, it would lack its first line.
        assert!(matches!(log.append(vec![note("one")]), Err(StoreError::Open { .. })));
        assert!(!path.exists());
        std::fs::write(&path, "{}\n").unwrap();
        log.append(vec![note("two")]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let order: Vec<_> = text.lines().map(|line| (line.contains("one"), line.contains("two"))).collect();
        assert_eq!(order, [(false, false), (true, false), (false, true)]);
    }

    #[test]
    fn the_queue_is_bounded() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("gone.jsonl");
        let mut log = LogFile::new(path.clone(), None, Arc::new(Fixed));
        log.max_queued = 1;
        assert!(matches!(log.append(vec![note("one")]), Err(StoreError::Open { .. })));
        assert!(matches!(log.append(vec![note("two")]), Err(StoreError::Backlog { .. })));
        std::fs::write(&path, "").unwrap();
        log.append(vec![note("three")]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("one") && !text.contains("two") && text.contains("three"), "{text}");
    }
}
