//! What a file's text becomes when chunks are applied to it; pure, no disk.
//!
//! All positions refer to the original text: chunks must come in file order and cannot build on each other. New lines
//! end in LF, the result always ends in a newline, and context lines come out as they stand in the patch.

use std::path::{Path, PathBuf};

use crate::locate::locate;
use crate::parse::Chunk;

/// The lines of a chunk are not in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct EditError {
    /// The absolute path of the file.
    pub path: PathBuf,
    /// What was not found there.
    pub fault: EditFault,
}

/// Which part of a chunk was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditFault {
    /// The line after `@@ `.
    Context(String),
    /// The unchanged and removed lines.
    Lines(Vec<String>),
}

impl EditError {
    fn message(&self) -> String {
        let path = self.path.display();
        match &self.fault {
            EditFault::Context(context) => format!("Failed to find context '{context}' in {path}"),
            EditFault::Lines(lines) => {
                format!("Failed to find expected lines in {path}:\n{}", lines.join("\n"))
            }
        }
    }
}

/// Lines `start..start + removed` of the original give way to `new`.
struct Replacement<'a> {
    start: usize,
    removed: usize,
    new: &'a [String],
}

/// Returns the new text of the file at `path` (used for messages alone) whose text is `text`.
pub(crate) fn edit(path: &Path, text: &str, chunks: &[Chunk]) -> Result<String, EditError> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    let mut replacements =
        replacements(&lines, chunks).map_err(|fault| EditError { path: path.to_owned(), fault })?;
    replacements.sort_by_key(|replacement| replacement.start);
    for Replacement { start, removed, new } in replacements.into_iter().rev() {
        // An addition below may have been placed inside these lines, so the end is taken from what is there now.
        let end = (start + removed).min(lines.len());
        lines.splice(start..end, new.iter().map(String::as_str));
    }
    if lines.last() != Some(&"") {
        lines.push("");
    }
    Ok(lines.join("\n"))
}

fn replacements<'a>(lines: &[&str], chunks: &'a [Chunk]) -> Result<Vec<Replacement<'a>>, EditFault> {
    let mut position = 0;
    let mut found = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        if let Some(context) = &chunk.context {
            let at = locate(lines, &[context], position, false)
                .ok_or_else(|| EditFault::Context(context.clone()))?;
            position = at + 1;
        }
        if chunk.old.is_empty() {
            // A pure addition goes to the end of the file, whatever its context says.
            let start = if lines.last() == Some(&"") { lines.len() - 1 } else { lines.len() };
            found.push(Replacement { start, removed: 0, new: &chunk.new });
            continue;
        }
        let replacement =
            replace(lines, chunk, position).ok_or_else(|| EditFault::Lines(chunk.old.clone()))?;
        position = replacement.start + replacement.removed;
        found.push(replacement);
    }
    Ok(found)
}

/// Finds a chunk's old lines; a last empty one is optional, since models add it where the file just ends.
fn replace<'a>(lines: &[&str], chunk: &'a Chunk, position: usize) -> Option<Replacement<'a>> {
    let (old, new) = (chunk.old.as_slice(), chunk.new.as_slice());
    if let Some(start) = locate(lines, old, position, chunk.at_end_of_file) {
        return Some(Replacement { start, removed: old.len(), new });
    }
    let (last, old) = old.split_last()?;
    if !last.is_empty() {
        return None;
    }
    let new = match new.split_last() {
        Some((last, rest)) if last.is_empty() => rest,
        _ => new,
    };
    let start = locate(lines, old, position, chunk.at_end_of_file)?;
    Some(Replacement { start, removed: old.len(), new })
}
