//! A [`Patch`] onto the disk.
//!
//! Hunks are applied in order, each straight to disk; when one fails, the ones before it stay, and the error says which
//! those are. Every single file is written atomically.

use std::io;
use std::path::{Path, PathBuf};

use crate::edit::{EditError, edit};
use crate::parse::{Hunk, Patch};
use crate::path::PathBase;
use crate::source::{ReadError, read_text};
use crate::write::write_file;

/// The files that were changed, as written in the patch, in patch order; repeated as often as they were changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Files written whole.
    pub added: Vec<PathBuf>,
    /// Files edited; for moves, the destinations.
    pub modified: Vec<PathBuf>,
    /// Files removed by a delete hunk.
    pub deleted: Vec<PathBuf>,
}

impl Applied {
    /// The report for models and people: a headline, then one line per file.
    pub fn summary(&self) -> String {
        let mut summary = String::from("Success. Updated the following files:\n");
        for (letter, paths) in [("A", &self.added), ("M", &self.modified), ("D", &self.deleted)] {
            for path in paths {
                summary.extend([letter, " ", &path.to_string_lossy(), "\n"]);
            }
        }
        summary
    }
}

/// A patch was not applied, or only in part.
#[derive(Debug, thiserror::Error)]
#[error("{failure}")]
pub struct ApplyError {
    /// What went wrong.
    #[source]
    pub failure: Box<ApplyFailure>,
    /// What had been done before and stays done.
    pub applied: Applied,
}

/// What went wrong with a hunk. Paths are absolute.
#[derive(Debug, thiserror::Error)]
pub enum ApplyFailure {
    /// The patch has no hunks.
    #[error("No files were modified.")]
    Empty,
    /// The file of an update is not readable text.
    #[error("Failed to read file to update {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The text to change is not in the file.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A file was not written.
    #[error("Failed to write file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file was not removed.
    #[error("Failed to delete file {}", path.display())]
    Delete {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A moved file is at its new place, but also still at the old one.
    #[error("Failed to remove original {}", path.display())]
    RemoveOriginal {
        /// The old place.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Changes the files on disk as the patch says.
pub fn apply(patch: &Patch, base: &PathBase) -> Result<Applied, ApplyError> {
    let mut applied = Applied::default();
    if patch.hunks.is_empty() {
        return Err(ApplyError { failure: Box::new(ApplyFailure::Empty), applied });
    }
    for hunk in &patch.hunks {
        if let Err(failure) = apply_hunk(hunk, base, &mut applied) {
            return Err(ApplyError { failure: Box::new(failure), applied });
        }
    }
    Ok(applied)
}

fn apply_hunk(hunk: &Hunk, base: &PathBase, applied: &mut Applied) -> Result<(), ApplyFailure> {
    match hunk {
        Hunk::Add { path: written, content } => {
            let path = base.resolve(written);
            write_file(&path, content, None).map_err(|source| ApplyFailure::Write { path, source })?;
            applied.added.push(written.clone());
        }
        Hunk::Delete { path: written } => {
            let path = base.resolve(written);
            delete(&path).map_err(|source| ApplyFailure::Delete { path, source })?;
            applied.deleted.push(written.clone());
        }
        Hunk::Update { path: written, move_to, chunks } => {
            let path = base.resolve(written);
            let text = match read_text(&path) {
                Ok(text) => text,
                Err(source) => return Err(ApplyFailure::Read { path, source }),
            };
            let content = edit(&path, &text, chunks)?;
            match move_to.as_ref().map(|target| (target, base.resolve(target))) {
                Some((target, destination)) if !is_onto_itself(&path, &destination) => {
                    move_file(path, destination, &content)?;
                    applied.modified.push(target.clone());
                }
                target => {
                    write_file(&path, &content, None)
                        .map_err(|source| ApplyFailure::Write { path, source })?;
                    applied.modified.push(target.map_or(written, |(target, _)| target).clone());
                }
            }
        }
    }
    Ok(())
}

/// Whether a write to `destination` ends up in the very directory entry `source`, so that removing the source after
/// it would lose the text.
pub(crate) fn is_onto_itself(source: &Path, destination: &Path) -> bool {
    let Some(source_entry) = entry(source) else { return source == destination };
    entry(destination).is_some_and(|entry| entry == source_entry)
        || destination.canonicalize().is_ok_and(|target| target == source_entry)
}

/// The path with the symlinks of its directory followed, but not a last one.
fn entry(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

fn move_file(path: PathBuf, destination: PathBuf, content: &str) -> Result<(), ApplyFailure> {
    let permissions = std::fs::metadata(&path).map(|metadata| metadata.permissions()).ok();
    if let Err(source) = write_file(&destination, content, permissions.as_ref()) {
        return Err(ApplyFailure::Write { path: destination, source });
    }
    std::fs::remove_file(&path).map_err(|source| ApplyFailure::RemoveOriginal { path, source })
}

/// Removes a file or the symlink to one. A dangling symlink counts as missing.
fn delete(path: &Path) -> io::Result<()> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    std::fs::remove_file(path)
}
