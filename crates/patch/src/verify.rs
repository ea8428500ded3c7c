//! What a patch would do, found out without doing it.
//!
//! Every file is read and every chunk located, so that a person or a rule can judge the real effect, and a patch that
//! cannot succeed is refused before it touches anything. Hunks see the result of the hunks before them, in memory, as
//! they will when the patch is applied. Files are told apart by their absolute path as written: two names of one file
//! (through a symlink) count as two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::apply::is_onto_itself;
use crate::edit::{EditError, edit};
use crate::parse::{Hunk, ParseError, Patch};
use crate::path::PathBase;
use crate::source::{ReadError, read_bytes, read_text};

/// A patch that will succeed if the disk stays as it is and lets itself be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedPatch {
    /// The net effect by absolute path; a moved file is listed where it was.
    pub changes: BTreeMap<PathBuf, Change>,
    /// Every absolute path that is written, removed or moved to, in patch order, each once.
    pub written_paths: Vec<PathBuf>,
}

/// What happens to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The change as shown to people.
    pub kind: FileChange,
    /// The text before the patch; `None` when there was no file or it is not text.
    pub before: Option<String>,
    /// The text after the patch, at the new place if the file moves; `None` when there is no file any more.
    pub after: Option<String>,
    /// For a move: the text of the file that was at the new place and is lost.
    pub overwritten: Option<String>,
}

/// A change as shown to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// A file is written whole, over an existing one if need be.
    Add {
        /// The new text.
        content: String,
    },
    /// A file is removed.
    Delete {
        /// The lost text (lossily decoded).
        content: String,
    },
    /// A file is edited and perhaps moved.
    Update {
        /// Hunks with one line of context and no file header; empty when nothing changes.
        unified_diff: String,
        /// The new absolute path.
        move_path: Option<PathBuf>,
    },
}

/// Why a patch cannot succeed. Paths are absolute.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The text is not a patch; for callers that parse and verify in one go.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The patch has no hunks.
    #[error("empty patch")]
    Empty,
    /// The file of an update is not readable text.
    #[error("Failed to read file to update {}: {source}", path.display())]
    ReadForUpdate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The file to delete is not readable.
    #[error("Failed to read {}: {source}", path.display())]
    ReadForDelete {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The text to change is not in the file.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl VerifyError {
    /// The message with the prefix by which models know that nothing was written.
    pub fn tool_message(&self) -> String {
        match self {
            Self::Empty => format!("patch rejected: {self}"),
            _ => format!("apply_patch verification failed: {self}"),
        }
    }
}

/// Works out what `patch` changes, reading the disk and writing nothing.
pub fn verify(patch: &Patch, base: &PathBase) -> Result<VerifiedPatch, VerifyError> {
    if patch.hunks.is_empty() {
        return Err(VerifyError::Empty);
    }
    let mut simulation = Simulation::default();
    for hunk in &patch.hunks {
        simulation.run(hunk, base)?;
    }
    Ok(VerifiedPatch { changes: simulation.changes(), written_paths: simulation.written_paths })
}

/// The files the patch has touched so far, as they would be.
#[derive(Default)]
struct Simulation {
    files: BTreeMap<PathBuf, SimulatedFile>,
    written_paths: Vec<PathBuf>,
}

struct SimulatedFile {
    /// The text on disk; `None` for no file, or no text.
    before: Option<String>,
    /// The text now; `None` for no file.
    after: Option<String>,
    /// What made it what it is.
    origin: Origin,
}

enum Origin {
    /// The file that was here.
    InPlace,
    /// Written whole.
    Added,
    /// Edited, but not a file that was here.
    MovedFrom(PathBuf),
    /// Was here and is gone; shown as deleted with this text.
    Deleted(String),
    /// Is elsewhere now, or was never on disk.
    Gone,
}

impl Simulation {
    fn run(&mut self, hunk: &Hunk, base: &PathBase) -> Result<(), VerifyError> {
        match hunk {
            Hunk::Add { path, content } => {
                let path = self.touch(base.resolve(path));
                self.write(path, content.clone(), Origin::Added);
            }
            Hunk::Delete { path } => {
                let path = self.touch(base.resolve(path));
                self.delete(path)?;
            }
            Hunk::Update { path, move_to, chunks } => {
                let path = self.touch(base.resolve(path));
                let text = match self.read_for_update(&path) {
                    Ok(text) => text,
                    Err(source) => return Err(VerifyError::ReadForUpdate { path, source }),
                };
                let content = edit(&path, &text, chunks)?;
                let destination = move_to.as_ref().map(|target| self.touch(base.resolve(target)));
                match destination.filter(|destination| !is_onto_itself(&path, destination)) {
                    Some(destination) => self.rename(path, destination, text, content),
                    None => self.update(path, text, content),
                }
            }
        }
        Ok(())
    }

    fn touch(&mut self, path: PathBuf) -> PathBuf {
        if !self.written_paths.contains(&path) {
            self.written_paths.push(path.clone());
        }
        path
    }

    fn read_for_update(&self, path: &Path) -> Result<String, ReadError> {
        match self.files.get(path) {
            Some(file) => file.after.clone().ok_or_else(missing),
            None => read_text(path),
        }
    }

    fn update(&mut self, path: PathBuf, text: String, content: String) {
        self.files
            .entry(path)
            .or_insert_with(|| SimulatedFile { before: Some(text), after: None, origin: Origin::InPlace })
            .after = Some(content);
    }

    fn write(&mut self, path: PathBuf, content: String, origin: Origin) {
        let before = match self.files.remove(&path) {
            Some(file) => {
                self.lose(&file);
                file.before
            }
            None => read_text(&path).ok(),
        };
        self.files.insert(path, SimulatedFile { before, after: Some(content), origin });
    }

    fn delete(&mut self, path: PathBuf) -> Result<(), VerifyError> {
        let (before, origin) = match self.files.remove(&path) {
            Some(file) if file.after.is_some() => {
                self.lose(&file);
                (file.before.clone(), deleted(file.before))
            }
            Some(_) => return Err(VerifyError::ReadForDelete { path, source: missing() }),
            None => match read_bytes(&path) {
                Ok(bytes) => {
                    let shown = String::from_utf8_lossy(&bytes).into_owned();
                    (String::from_utf8(bytes).ok(), Origin::Deleted(shown))
                }
                Err(source) => return Err(VerifyError::ReadForDelete { path, source }),
            },
        };
        self.files.insert(path, SimulatedFile { before, after: None, origin });
        Ok(())
    }

    fn rename(&mut self, path: PathBuf, destination: PathBuf, text: String, content: String) {
        let source = self.files.remove(&path).unwrap_or(SimulatedFile {
            before: Some(text),
            after: None,
            origin: Origin::InPlace,
        });
        let (left_behind, origin) = match source.origin {
            Origin::Added => (deleted(source.before.clone()), Origin::Added),
            Origin::MovedFrom(first) if first == destination => {
                (deleted(source.before.clone()), Origin::InPlace)
            }
            Origin::MovedFrom(first) => (deleted(source.before.clone()), Origin::MovedFrom(first)),
            _ => (Origin::Gone, Origin::MovedFrom(path.clone())),
        };
        self.files.insert(path, SimulatedFile { before: source.before, after: None, origin: left_behind });
        self.write(destination, content, origin);
    }

    /// A file is about to be removed or overwritten: one that was moved here is now gone from its first place too.
    fn lose(&mut self, file: &SimulatedFile) {
        if let Origin::MovedFrom(first) = &file.origin
            && let Some(first) = self.files.get_mut(first)
            && first.after.is_none()
        {
            first.origin = deleted(first.before.clone());
        }
    }

    /// Folds what happened to each file into one change.
    fn changes(&self) -> BTreeMap<PathBuf, Change> {
        let mut changes = BTreeMap::new();
        for (path, file) in &self.files {
            let mut shown_at = path;
            let mut before = &file.before;
            let mut overwritten = &None;
            let kind = match (&file.origin, &file.before, &file.after) {
                (Origin::Deleted(content), ..) => FileChange::Delete { content: content.clone() },
                (Origin::InPlace, Some(before), Some(after)) => update(before, after, None),
                (Origin::MovedFrom(first), _, Some(after)) => match self.files.get_key_value(first) {
                    Some((first, SimulatedFile { before: source @ Some(text), after: None, .. })) => {
                        (shown_at, before, overwritten) = (first, source, &file.before);
                        update(text, after, Some(path))
                    }
                    // Something new is where it came from, so the move cannot be shown there.
                    _ => FileChange::Add { content: after.clone() },
                },
                (_, _, Some(after)) => FileChange::Add { content: after.clone() },
                (.., None) => continue,
            };
            let change = Change {
                kind,
                before: before.clone(),
                after: file.after.clone(),
                overwritten: overwritten.clone(),
            };
            changes.insert(shown_at.clone(), change);
        }
        changes
    }
}

/// The origin of a place that is empty now and had this text on disk.
fn deleted(before: Option<String>) -> Origin {
    before.map_or(Origin::Gone, Origin::Deleted)
}

/// After this time a diff need not be the shortest any more. Only for rewrites of very long files.
const DIFF_EFFORT: Duration = Duration::from_secs(2);

fn update(before: &str, after: &str, move_path: Option<&PathBuf>) -> FileChange {
    let diff = similar::TextDiff::configure().timeout(DIFF_EFFORT).diff_lines(before, after);
    let unified_diff = diff.unified_diff().context_radius(1).to_string();
    FileChange::Update { unified_diff, move_path: move_path.cloned() }
}

fn missing() -> ReadError {
    // The system's own words, as for a file that is missing on disk.
    ReadError::Io(std::io::Error::from_raw_os_error(NO_SUCH_FILE))
}

/// `ENOENT` on Unix and `ERROR_FILE_NOT_FOUND` on Windows.
const NO_SUCH_FILE: i32 = 2;
