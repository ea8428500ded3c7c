//! What can go wrong when a rollout is written.

use std::io;
use std::path::PathBuf;

/// Writing a rollout failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory for the day could not be made.
    #[error(
        "cannot create the session directory {path}: {source}. Check that CODEX_HOME is writable and not on a full \
         or read-only disk"
    )]
    CreateDirectory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be opened for appending.
    #[error("cannot open the session file {path}: {source}. Check its permissions, or start a new session")]
    Open {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line could not be written, twice. It stays queued and is written with the next append.
    #[error("cannot write to the session file {path}: {source}. Free disk space or check its permissions")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was written could not be forced to disk.
    #[error("cannot force the session file {path} to disk: {source}")]
    Sync {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing has failed for so long that no more is queued. The items of this call are lost.
    #[error(
        "the session file {path} could not be written for too long; {queued} bytes are waiting for it already"
    )]
    Backlog {
        /// Which.
        path: PathBuf,
        /// Bytes waiting.
        queued: usize,
    },
    /// An item has no JSON form.
    #[error("cannot encode a line for the session file {path}: {source}")]
    Encode {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The writer was shut down before.
    #[error("the session file {path} is closed already")]
    Closed {
        /// Which.
        path: PathBuf,
    },
}
