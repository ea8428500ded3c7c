//! Layers of config and how they are merged (config sheet §1).
//!
//! In come tables with the place each came from; out go the merged table and, for every leaf, whose value won. What a
//! newcomer would get wrong: tables merge, everything else (arrays too) is replaced whole; and a disabled layer is still
//! listed, because people ask why it does not count.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use toml::{Table, Value};

use crate::decode::lookup;
use crate::error::{ConfigError, FileKind};
use crate::json;
use crate::key_path::KeyPath;
use crate::locate::{Location, Part};
use crate::options::LoadOptions;
use crate::schema::PATH_KEYS;

/// Where a layer comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LayerSource {
    /// The machine's config.
    System {
        /// The file.
        file: PathBuf,
    },
    /// The user's config, or the profile on top of it.
    User {
        /// The file.
        file: PathBuf,
        /// The profile.
        profile: Option<String>,
    },
    /// A project's config.
    Project {
        /// The `.codex` folder.
        dot_codex_folder: PathBuf,
    },
    /// The command line.
    SessionFlags,
    /// What an administrator fixed, in the old way.
    LegacyManagedFile {
        /// The file.
        file: PathBuf,
    },
}

/// In words, with the file.
impl fmt::Display for LayerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionFlags => f.write_str("the command line"),
            Self::Project { dot_codex_folder } => {
                write!(f, "{}", dot_codex_folder.join("config.toml").display())
            }
            Self::System { file } | Self::User { file, .. } | Self::LegacyManagedFile { file } => {
                write!(f, "{}", file.display())
            }
        }
    }
}

/// Why a layer does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledReason {
    /// The project was called untrusted.
    Untrusted,
    /// Nobody decided about the project yet.
    Undecided,
}

impl fmt::Display for DisabledReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted => "this folder is marked as untrusted",
            Self::Undecided => "this folder is not trusted yet",
        })
    }
}

/// One layer.
#[derive(Clone)]
pub struct Layer {
    /// Where it comes from.
    pub source: LayerSource,
    /// Its keys; paths are resolved, old names of keys are new ones.
    pub table: Table,
    /// The same under the names that were written, if there were old ones: what clients see.
    written: Option<Table>,
    /// Why it does not count; nothing when it does.
    pub disabled: Option<DisabledReason>,
    /// The file as read, for locations.
    text: Option<FileText>,
}

#[derive(Clone)]
struct FileText {
    file: PathBuf,
    text: String,
}

/// Without the keys, which may hold secrets.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("source", &self.source)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl Layer {
    /// A layer that was not read from a file.
    pub(crate) fn from_table(source: LayerSource, table: Table) -> Self {
        Self::new(source, table, None)
    }

    fn new(source: LayerSource, mut table: Table, text: Option<FileText>) -> Self {
        let written = table.clone();
        let written = normalise_aliases(&mut table).then_some(written);
        Self { source, table, written, disabled: None, text }
    }

    /// Reads a layer. A missing file is an empty layer.
    pub(crate) fn read(
        source: LayerSource,
        file: &Path,
        kind: FileKind,
        resolver: &Paths,
    ) -> Result<Self, ConfigError> {
        let text = read_text(file, kind)?.unwrap_or_default();
        Self::parse(source, file, &text, kind, resolver)
    }

    /// A layer from the text of its file.
    pub(crate) fn parse(
        source: LayerSource,
        file: &Path,
        text: &str,
        kind: FileKind,
        resolver: &Paths,
    ) -> Result<Self, ConfigError> {
        let mut table = text.parse::<Table>().map_err(|error| {
            let span = error.span().unwrap_or(text.len()..text.len());
            let location = Box::new(Location::of_span(file, text, span));
            let message = error.message().to_owned();
            match kind {
                FileKind::Config => ConfigError::InFile { location, path: None, message },
                FileKind::Project => ConfigError::ProjectSyntax { location, message },
            }
        })?;
        resolver.resolve(&mut table, file.parent().unwrap_or(Path::new("/")));
        Ok(Self::new(source, table, Some(FileText { file: file.to_owned(), text: text.to_owned() })))
    }

    /// A project's layer that does not count. Its file is read as far as it can be.
    pub(crate) fn disabled(
        source: LayerSource,
        file: &Path,
        resolver: &Paths,
        reason: DisabledReason,
    ) -> Self {
        let read = Self::read(source.clone(), file, FileKind::Project, resolver);
        let layer = read.unwrap_or_else(|_| Self::from_table(source, Table::new()));
        Self { disabled: Some(reason), text: None, ..layer }
    }

    /// The same layer with some of its top-level keys.
    pub(crate) fn only(&self, keys: &[&str]) -> Self {
        let some = keys.iter().filter_map(|key| Some(((*key).to_owned(), self.table.get(*key)?.clone())));
        let table = some.collect();
        Self { source: self.source.clone(), table, written: None, disabled: self.disabled, text: None }
    }

    /// A fingerprint of its keys, `sha256:` and hex digits. Comments, layout and order of the file do not count.
    pub fn version(&self) -> String {
        json::fingerprint(self.shown())
    }

    /// Its keys as clients see them. Dates are objects of the reference's making.
    pub fn json(&self) -> serde_json::Value {
        json::tagged(self.shown())
    }

    /// Drops a key. True if it was there.
    pub(crate) fn forget(&mut self, key: &str) -> bool {
        if let Some(written) = &mut self.written {
            written.remove(key);
        }
        self.table.remove(key).is_some()
    }

    /// Its keys as they were written, old spellings included; paths are resolved.
    pub(crate) fn shown(&self) -> &Table {
        self.written.as_ref().unwrap_or(&self.table)
    }

    /// The file it was read from and its text.
    pub(crate) fn text(&self) -> Option<(&Path, &str)> {
        self.text.as_ref().map(|text| (text.file.as_path(), text.text.as_str()))
    }
}

/// The text of a file; nothing when there is no such file.
fn read_text(file: &Path, kind: FileKind) -> Result<Option<String>, ConfigError> {
    let refuse = |source| ConfigError::Read { kind, path: file.to_owned(), source };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse(error)),
    };
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|error| refuse(std::io::Error::new(std::io::ErrorKind::InvalidData, error.utf8_error())))
}

/// Old spellings that must not live beside the new ones when layers are merged. The new one wins. True if there were any.
fn normalise_aliases(table: &mut Table) -> bool {
    let Some(Value::Table(memories)) = table.get_mut("memories") else { return false };
    let Some(value) = memories.remove("no_memories_if_mcp_or_web_search") else { return false };
    memories.entry("disable_on_external_context").or_insert(value);
    true
}

/// Old spellings on the command line.
pub(crate) fn normalise_session_aliases(table: &mut Table) {
    if let Some(value) = table.remove("use_legacy_landlock") {
        let features = table.entry("features").or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(features) = features {
            features.entry("use_legacy_landlock").or_insert(value);
        }
    }
}

/// How relative paths become absolute.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) user_home: Option<PathBuf>,
}

impl Paths {
    /// What the user of these options calls home.
    pub(crate) fn of(options: &LoadOptions) -> Self {
        Self { user_home: (options.env)("HOME").filter(|home| !home.is_empty()).map(Into::into) }
    }

    /// Resolves the values of all keys that hold paths.
    pub(crate) fn resolve(&self, table: &mut Table, base: &Path) {
        for pattern in PATH_KEYS {
            let steps: Vec<&str> = pattern.split('.').collect();
            self.resolve_at_table(table, &steps, base);
        }
    }

    fn resolve_at_table(&self, table: &mut Table, steps: &[&str], base: &Path) {
        let Some((step, rest)) = steps.split_first() else { return };
        match *step {
            "*" => table.iter_mut().for_each(|(_, value)| self.resolve_at(value, rest, base)),
            key => {
                if let Some(value) = table.get_mut(key) {
                    self.resolve_at(value, rest, base);
                }
            }
        }
    }

    fn resolve_at(&self, value: &mut Value, steps: &[&str], base: &Path) {
        match value {
            Value::String(path) if steps.is_empty() => {
                *path = self.absolute(path, base).to_string_lossy().into_owned();
            }
            Value::Table(table) => self.resolve_at_table(table, steps, base),
            Value::Array(elements) => {
                if let Some((&"*", rest)) = steps.split_first() {
                    for element in elements {
                        self.resolve_at(element, rest, base);
                    }
                }
            }
            _ => {}
        }
    }

    /// An absolute path without `.` and `..`; `~` is the user's home.
    pub(crate) fn absolute(&self, path: &str, base: &Path) -> PathBuf {
        let expanded = match (path.strip_prefix('~'), &self.user_home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => base.join(path),
        };
        without_dots(&expanded)
    }
}

/// A path without `.` and `..`, and without asking the disk.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

/// A layer's word on one key.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    /// Who says it.
    pub layer: &'a Layer,
    /// What it says.
    pub value: &'a Value,
    /// Where in its file; nothing for the command line.
    pub location: Option<Location>,
}

/// All layers, lowest first.
#[derive(Debug, Clone, Default)]
pub struct LayerStack {
    layers: Vec<Layer>,
}

impl LayerStack {
    /// Puts a layer on top.
    pub(crate) fn push(&mut self, layer: Layer) {
        self.layers.push(layer);
    }

    /// The layers, highest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.layers.iter().rev()
    }

    /// The layers that count, lowest first.
    pub(crate) fn enabled(&self) -> impl DoubleEndedIterator<Item = &Layer> {
        self.layers.iter().filter(|layer| layer.disabled.is_none())
    }

    /// Their union.
    pub fn merged(&self) -> Table {
        let mut merged = Table::new();
        for layer in self.enabled() {
            merge(&mut merged, &layer.table);
        }
        merged
    }

    /// The layer whose value at a path won.
    pub(crate) fn owner(&self, path: &KeyPath) -> Option<&Layer> {
        self.enabled().rev().find(|layer| lookup(&layer.table, path).is_some())
    }

    /// What the layers that count say of one key, the highest and so the deciding one first.
    pub fn settings(&self, path: &KeyPath) -> Vec<Setting<'_>> {
        self.enabled()
            .rev()
            .filter_map(|layer| {
                let value = lookup(&layer.table, path)?;
                let location =
                    layer.text().map(|(file, text)| Location::of_path(file, text, path, Part::Value));
                Some(Setting { layer, value, location })
            })
            .collect()
    }

    /// Every leaf of the merged config (elements of arrays by index) and where it comes from.
    pub fn origins(&self) -> BTreeMap<String, LayerSource> {
        let mut leaves = Vec::new();
        collect_leaves(&Value::Table(self.merged()), &KeyPath::root(), &mut leaves);
        leaves
            .into_iter()
            .filter_map(|path| Some((path.to_string(), self.owner(&path)?.source.clone())))
            .collect()
    }
}

fn collect_leaves(value: &Value, path: &KeyPath, leaves: &mut Vec<KeyPath>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                collect_leaves(value, &path.key(key), leaves);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                collect_leaves(value, &path.index(index), leaves);
            }
        }
        _ => leaves.push(path.clone()),
    }
}

/// Lays a table over another.
pub(crate) fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            (Some(below), above) => *below = above.clone(),
            (None, above) => {
                base.insert(key.clone(), above.clone());
            }
        }
    }
}
