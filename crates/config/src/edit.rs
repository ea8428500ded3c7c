//! Writing config files without disturbing what people wrote (config sheet §13).
//!
//! In comes a list of [`ConfigEdit`]s, out goes the same file with those keys changed: comments, order, spelling and
//! unknown keys stay. What a newcomer would get wrong: the file is replaced, not rewritten (a reader never sees half of
//! it), a symlink stays one (it is its target that is replaced), and other programs write this file too without asking
//! us, so the text is compared once more right before it is replaced.

mod document;
mod feature;
mod replace;

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

pub use self::feature::{FeatureEditError, feature_edits, set_feature};
use crate::locate::Location;
use crate::schema::TrustLevel;

/// One change.
#[derive(Debug, Clone)]
pub enum ConfigEdit {
    /// Sets a key. Tables on the way are made. A table becomes what the value says: members the value does not have go,
    /// members it does have keep their comments.
    Set {
        /// Keys from the root.
        path: Vec<String>,
        /// The value.
        value: toml::Value,
    },
    /// Removes a key, if it is there.
    Remove {
        /// Keys from the root.
        path: Vec<String>,
    },
    /// Records the decision about a project. Entries of other projects get a table each, should they share one line.
    Trust {
        /// The project, as `[projects]` names it.
        project: String,
        /// The decision.
        level: TrustLevel,
    },
}

impl ConfigEdit {
    /// Sets a key.
    pub fn set<S: Into<String>>(path: impl IntoIterator<Item = S>, value: impl Into<toml::Value>) -> Self {
        Self::Set { path: path.into_iter().map(Into::into).collect(), value: value.into() }
    }

    /// Removes a key.
    pub fn remove<S: Into<String>>(path: impl IntoIterator<Item = S>) -> Self {
        Self::Remove { path: path.into_iter().map(Into::into).collect() }
    }

    /// Records the decision about a project.
    pub fn trust(project: &Path, level: TrustLevel) -> Self {
        Self::Trust { project: project.to_string_lossy().into_owned(), level }
    }
}

/// Why a config file was not changed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It cannot be read.
    #[error("Cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no TOML.
    #[error("{location}: not valid TOML, so the file was left alone: {message}\n{}", location.excerpt)]
    Syntax {
        /// Where.
        location: Box<Location>,
        /// What is wrong.
        message: String,
    },
    /// A key has no name.
    #[error("A config key needs at least one name.")]
    EmptyPath,
    /// It cannot be written.
    #[error("Cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others are writing it all the time.
    #[error("{} is being changed by other programs; it was left alone. Try again.", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
}

/// Changes a file; makes it, and the folders above, when there is none. Nothing is written when nothing changes.
///
/// Blocks while another process of ours writes the same file, at most for ten seconds.
pub fn apply(file: &Path, edits: &[ConfigEdit]) -> Result<(), EditError> {
    rewrite(file, |old| Ok::<_, EditError>((edited(old, edits).map_err(|error| error.in_file(file))?, ())))
}

/// Reads, changes and replaces a file as one step: no other writer's change is lost, even if that writer knows nothing
/// of our lock. `change` may be asked again with a newer text. Gives what it gave last.
pub(crate) fn rewrite<T, E: From<EditError>>(
    file: &Path,
    mut change: impl FnMut(&str) -> Result<(String, T), E>,
) -> Result<T, E> {
    let target = replace::Target::of(file)?;
    let _alone = target.lock()?;
    for _ in 0..replace::MOST_ATTEMPTS {
        let old = target.read()?;
        let (new, outcome) = change(&old)?;
        if new == old || target.replace(&old, &new)? {
            return Ok(outcome);
        }
    }
    Err(EditError::Busy { path: file.to_owned() }.into())
}

/// The text of a file after the changes. Line endings and a byte order mark stay.
pub(crate) fn edited(old: &str, edits: &[ConfigEdit]) -> Result<String, TextError> {
    let (mark, body) = old.strip_prefix('\u{feff}').map_or(("", old), |body| ("\u{feff}", body));
    // The parser writes plain line ends whatever it read.
    let plain = body.replace("\r\n", "\n");
    let mut document: DocumentMut = plain
        .parse()
        .map_err(|error: toml_edit::TomlError| TextError::syntax(&plain, error.message(), error.span()))?;
    let ends = LineEnds::of(body);
    let before = document.to_string();
    for edit in edits {
        document::Editor { ends }.apply(document.as_table_mut(), edit)?;
    }
    let after = document.to_string();
    if after == before {
        // Not even the line end that is missing is added.
        return Ok(old.to_owned());
    }
    Ok(format!("{mark}{}", ends.restored(body, after)))
}

/// How the lines of a file end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnds {
    Lf,
    /// All or most of them with a carriage return.
    CrLf,
}

impl LineEnds {
    fn of(text: &str) -> Self {
        let with_return = text.matches("\r\n").count();
        if with_return * 2 > text.matches('\n').count() { Self::CrLf } else { Self::Lf }
    }

    /// Gives lines at both ends of a text that did not change their old ends back, and the others the usual one.
    fn restored(self, old: &str, new: String) -> String {
        if self == Self::Lf && !old.contains('\r') {
            return new;
        }
        let without_end = |line: &&str| line.trim_end_matches(['\r', '\n']).len();
        let same = |(old, new): &(&str, &str)| old[..without_end(old)] == new[..without_end(new)];
        let (old, new): (Vec<_>, Vec<_>) =
            (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
        let first = old.iter().copied().zip(new.iter().copied()).take_while(same).count();
        let room = old.len().min(new.len()) - first;
        let last =
            old.iter().rev().copied().zip(new.iter().rev().copied()).take(room).take_while(same).count();
        let changed = new[first..new.len() - last].concat();
        let changed = if self == Self::CrLf { changed.replace('\n', "\r\n") } else { changed };
        [old[..first].concat(), changed, old[old.len() - last..].concat()].concat()
    }
}

/// What can be wrong with a text and its changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TextError {
    Syntax { message: String, span: Range<usize>, text: String },
    EmptyPath,
}

impl TextError {
    pub(crate) fn syntax(text: &str, message: &str, span: Option<Range<usize>>) -> Self {
        let span = span.unwrap_or(text.len()..text.len());
        Self::Syntax { message: message.to_owned(), span, text: text.to_owned() }
    }

    pub(crate) fn in_file(self, file: &Path) -> EditError {
        match self {
            Self::Syntax { message, span, text } => {
                EditError::Syntax { location: Box::new(Location::of_span(file, &text, span)), message }
            }
            Self::EmptyPath => EditError::EmptyPath,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_another_program_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let mut asked = 0;
        rewrite(&file, |old| {
            asked += 1;
            if asked == 1 {
                // Somebody who knows nothing of the lock.
                std::fs::write(&file, "theirs = 1\n").unwrap();
            }
            Ok::<_, EditError>((format!("{old}ours = 1\n"), ()))
        })
        .unwrap();
        assert_eq!((asked, std::fs::read_to_string(&file).unwrap().as_str()), (2, "theirs = 1\nours = 1\n"));
    }

    #[test]
    fn a_file_that_never_rests_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let mut asked = 0;
        let outcome = rewrite(&file, |_| {
            asked += 1;
            std::fs::write(&file, format!("theirs = {asked}\n")).unwrap();
            Ok::<_, EditError>(("ours = 1\n".to_owned(), ()))
        });
        assert!(matches!(outcome, Err(EditError::Busy { .. })));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("theirs = {asked}\n"));
    }
}
