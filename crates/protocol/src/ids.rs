//! Identifiers. Threads and turns are UUID v7, so that they sort by creation time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Identifies a thread: its rollout file, its history, its database rows (rollout sheet §1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ThreadId(Uuid);

/// A text that should have been a thread id is not a UUID.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{text}` is not a thread id: {source}")]
pub struct ParseThreadIdError {
    text: String,
    source: uuid::Error,
}

impl ThreadId {
    /// Wraps an existing UUID of any version (old sessions may hold others than v7).
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID itself.
    pub const fn uuid(&self) -> Uuid {
        self.0
    }
}

impl FromStr for ThreadId {
    type Err = ParseThreadIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self).map_err(|source| ParseThreadIdError { text: text.to_owned(), source })
    }
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Identifies a turn within its thread. A string, because old sessions hold other forms than UUIDs
/// (`auto-compact-1`, rollout sheet §4.3).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TurnId(String);

impl TurnId {
    /// Takes any text as a turn id.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as written on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TurnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
