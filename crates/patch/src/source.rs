//! Reading the files a patch refers to.
//!
//! Only regular files are read: opening a pipe or a device could wait or grow without end.

use std::io;
use std::path::Path;
use std::str::Utf8Error;

/// Why the text of a file is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The content is not text.
    #[error(transparent)]
    Encoding(#[from] Utf8Error),
    /// A pipe, socket or device.
    #[error("not a regular file")]
    NotRegular,
}

/// Reads a file as UTF-8, following symlinks.
pub(crate) fn read_text(path: &Path) -> Result<String, ReadError> {
    String::from_utf8(read_bytes(path)?).map_err(|error| error.utf8_error().into())
}

/// Reads a file, following symlinks.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(ReadError::NotRegular);
    }
    // A directory goes through, for the system's own words about it.
    Ok(std::fs::read(path)?)
}
