//! Writing config files without disturbing what people wrote (config sheet §13).
//!
//! In comes a list of [`ConfigEdit`]s, out goes the same file with those keys changed: comments, order and unknown keys
//! stay. What a newcomer would get wrong: the file is replaced, not rewritten (a reader never sees half of it), and a
//! symlink stays one; it is its target that is replaced.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use crate::schema::TrustLevel;

/// Symlinks that lead through more links than this are refused.
const MAX_LINKS: usize = 40;

/// One change.
#[derive(Debug, Clone)]
pub enum ConfigEdit {
    /// Sets a key. Tables on the way are made.
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
        Self::set(["projects", &project.to_string_lossy(), "trust_level"], level.as_str())
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
    #[error("{} is not valid TOML, so it was left alone: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
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
}

/// Changes a file; makes it, and the folders above, when there is none. Nothing is written when nothing changes.
pub fn apply(file: &Path, edits: &[ConfigEdit]) -> Result<(), EditError> {
    let target = follow_links(file).map_err(|source| EditError::Read { path: file.to_owned(), source })?;
    let old = match std::fs::read_to_string(&target) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(EditError::Read { path: target, source }),
    };
    let new = edited(&old, edits).map_err(|error| error.in_file(&target))?;
    if new == old {
        return Ok(());
    }
    replace(&target, &new).map_err(|source| EditError::Write { path: target, source })
}

/// The text of a file after the changes. Line endings and a byte order mark stay.
fn edited(old: &str, edits: &[ConfigEdit]) -> Result<String, TextError> {
    let (mark, body) = old.strip_prefix('\u{feff}').map_or(("", old), |body| ("\u{feff}", body));
    let crlf = body.contains("\r\n");
    let mut document: DocumentMut =
        body.parse().map_err(|error: toml_edit::TomlError| TextError::Syntax(error.message().to_owned()))?;
    for edit in edits {
        match edit {
            ConfigEdit::Set { path, value } => {
                let (last, tables) = path.split_last().ok_or(TextError::EmptyPath)?;
                set(document.as_table_mut(), tables, last, value);
            }
            ConfigEdit::Remove { path } => {
                let (last, tables) = path.split_last().ok_or(TextError::EmptyPath)?;
                remove(document.as_table_mut(), tables, last);
            }
        }
    }
    let mut text = document.to_string();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    if crlf {
        text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    Ok(format!("{mark}{text}"))
}

#[derive(Debug, PartialEq, Eq)]
enum TextError {
    Syntax(String),
    EmptyPath,
}

impl TextError {
    fn in_file(self, file: &Path) -> EditError {
        match self {
            Self::Syntax(message) => EditError::Syntax { path: file.to_owned(), message },
            Self::EmptyPath => EditError::EmptyPath,
        }
    }
}

/// Sets a key below tables. What is no table in the way is replaced; an inline table becomes a normal one.
fn set(root: &mut Table, tables: &[String], last: &str, value: &toml::Value) {
    let mut here: &mut Table = root;
    for (depth, name) in tables.iter().enumerate() {
        let slot = here.entry(name).or_insert_with(|| {
            let mut table = Table::new();
            // A table that only holds tables has no header of its own.
            table.set_implicit(depth + 1 < tables.len() || value.is_table());
            Item::Table(table)
        });
        if !slot.is_table() {
            *slot = Item::Table(match slot {
                Item::Value(Value::InlineTable(inline)) => opened(std::mem::take(inline)),
                _ => Table::new(),
            });
            // The space before `=` would end up inside the header.
            if let Some(mut key) = here.key_mut(name) {
                key.leaf_decor_mut().clear();
            }
        }
        let Some(Item::Table(table)) = here.get_mut(name) else { return };
        here = table;
    }
    match value {
        toml::Value::Table(members) => {
            here.insert(last, Item::Table(written_table(members)));
        }
        scalar => put_value(here, last, written(scalar)),
    }
}

/// An inline table as a normal one. Tables alone in it get headers of their own, and it then needs none.
fn opened(inline: InlineTable) -> Table {
    let only_tables = inline.iter().all(|(_, member)| member.is_inline_table());
    let mut table = inline.into_table();
    if only_tables {
        for (mut key, item) in table.iter_mut() {
            key.leaf_decor_mut().clear();
            if let Item::Value(Value::InlineTable(member)) = item {
                *item = Item::Table(opened(std::mem::take(member)));
            }
        }
    } else {
        table.fmt();
    }
    table.set_implicit(only_tables);
    table
}

/// Puts a value in place of another and keeps the comment behind it.
fn put_value(table: &mut Table, key: &str, mut value: Value) {
    if let Some(Item::Value(old)) = table.get(key) {
        *value.decor_mut() = old.decor().clone();
    }
    match table.get_mut(key) {
        Some(slot) => *slot = Item::Value(value),
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

fn remove(root: &mut Table, tables: &[String], last: &str) {
    let mut here: &mut dyn TableLike = root;
    for name in tables {
        let Some(next) = here.get_mut(name).and_then(Item::as_table_like_mut) else { return };
        here = next;
    }
    here.remove(last);
}

fn written_table(members: &toml::Table) -> Table {
    let mut table = Table::new();
    table.set_implicit(!members.is_empty() && members.values().all(toml::Value::is_table));
    for (key, value) in members {
        let item = match value {
            toml::Value::Table(inner) => Item::Table(written_table(inner)),
            scalar => Item::Value(written(scalar)),
        };
        table.insert(key, item);
    }
    table
}

fn written(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(on) => Value::from(*on),
        toml::Value::Datetime(when) => Value::from(*when),
        toml::Value::Array(elements) => Value::Array(elements.iter().map(written).collect::<Array>()),
        toml::Value::Table(members) => {
            let members = members.iter().map(|(key, value)| (key.as_str(), written(value)));
            Value::InlineTable(members.collect::<InlineTable>())
        }
    }
}

/// The file a chain of symlinks ends at, which need not exist.
fn follow_links(file: &Path) -> io::Result<PathBuf> {
    let mut path = file.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Writes beside the file, then takes its place. Only the owner can read the result.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Temporary files have mode 0600 on Unix.
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}
