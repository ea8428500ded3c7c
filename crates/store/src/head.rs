//! The head of a rollout: whose it is, where, and what it is about (rollout sheet §7 acceptance gate, §9 preview).
//!
//! In: a file. Out: its first `session_meta` and the first thing a person said. Only the first lines are read.
//!
//! A newcomer's trap: the meta line need not be the first. Garbage and events before it do not matter, and up to nine
//! response items may come before it; at the tenth the file is refused.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use quire_protocol::{RolloutEvent, RolloutItem, SessionMeta};

use crate::lines::ForwardLines;
use crate::parse::{Glance, parse};

/// Items before the meta line that make a file unusable.
const GATE: usize = 10;

/// Lines that are searched for a person's first message.
const PREVIEW_LINES: usize = 210;

/// Bytes that are searched for it; a first message may hold several images.
const PREVIEW_BYTES: u64 = 64 * 1024 * 1024;

/// In a message that an editor wrapped, what the person said comes after this line.
const REQUEST_MARKER: &str = "## My request for Codex:";

/// Why a rollout cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It cannot be opened or read.
    #[error("cannot read the rollout at {path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds nothing usable.
    #[error("rollout at {path} is empty")]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// It holds items, but not whose they are.
    #[error("rollout at {path} does not start with session metadata")]
    NoMeta {
        /// Which.
        path: PathBuf,
    },
}

/// What the head of a rollout tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The first `session_meta` line. Later ones are patches of it, or a fork's ancestors.
    pub meta: SessionMeta,
    /// What the person first asked for; `[Image]` for images alone. `None` when nothing was said, or too late.
    pub first_user_message: Option<String>,
}

/// Reads the head of a rollout. Blocking: call it from `spawn_blocking`.
pub fn read_head(path: &Path) -> Result<Head, LoadError> {
    let file = File::open(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
    head_of(file, path)
}

pub(crate) fn head_of<R: Read + Seek>(source: R, path: &Path) -> Result<Head, LoadError> {
    let failed = |source| LoadError::Io { path: path.to_owned(), source };
    let mut lines = ForwardLines::head(source).map_err(failed)?;
    let (mut meta, mut first_user_message) = (None, None);
    let (mut read, mut items) = (0, 0);
    while let Some(line) = lines.next_line().map_err(failed)? {
        let Some(bytes) = line.trimmed().filter(|bytes| !bytes.is_empty()) else { continue };
        read += 1;
        if meta.is_none() || may_be_user_message(bytes) {
            match parse(bytes) {
                Ok(RolloutItem::SessionMeta(found)) => {
                    meta.get_or_insert(found);
                }
                Ok(RolloutItem::EventMsg(event)) => {
                    first_user_message = first_user_message.or(preview(&event));
                }
                Ok(RolloutItem::ResponseItem(_)) => items += 1,
                _ => {}
            }
        }
        if meta.is_none() && items == GATE {
            break;
        }
        let searched = read >= PREVIEW_LINES || line.end >= PREVIEW_BYTES;
        if meta.is_some() && (first_user_message.is_some() || searched) {
            break;
        }
    }
    match meta {
        Some(meta) => Ok(Head { meta, first_user_message }),
        None if items == 0 => Err(LoadError::Empty { path: path.to_owned() }),
        None => Err(LoadError::NoMeta { path: path.to_owned() }),
    }
}

fn may_be_user_message(line: &[u8]) -> bool {
    Glance::at(line).is_none_or(|glance| {
        glance.kind == b"event_msg" && glance.payload.is_none_or(|payload| payload == b"user_message")
    })
}

fn preview(event: &RolloutEvent) -> Option<String> {
    let RolloutEvent::UserMessage { message, images, local_images, .. } = event else { return None };
    let said = message.split_once(REQUEST_MARKER).map_or(message.as_str(), |(_, said)| said).trim();
    if !said.is_empty() {
        return Some(said.to_owned());
    }
    let has_images = !local_images.is_empty() || images.as_ref().is_some_and(|images| !images.is_empty());
    has_images.then(|| "[Image]".to_owned())
}
