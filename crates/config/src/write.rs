//! Versioned writes of the user's config (config sheet §13): what clients of the app server do.
//!
//! In comes a [`WriteRequest`] of JSON values by key path, out goes [`Written`] or the reason why nothing was written. A
//! request is all or nothing. What a newcomer would get wrong: the version is that of the *content* (comments do not
//! count), and it is compared under the same lock under which the file is replaced, so two clients with the same
//! version cannot both win.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::decode::{decode, lookup};
use crate::edit::{self, ConfigEdit, EditError};
use crate::error::{ConfigError, FileKind};
use crate::json;
use crate::key_path::KeyPath;
use crate::layer::{Layer, LayerSource, LayerStack, Paths, merge, without_dots};
use crate::load::layers_without_projects;
use crate::options::LoadOptions;
use crate::schema::ConfigToml;

/// What becomes of the children of a table that a write does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeStrategy {
    /// They go.
    Replace,
    /// They stay.
    Upsert,
}

/// One value to write.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueEdit {
    /// Where: keys joined by dots, those with dots in double quotes.
    pub key_path: String,
    /// What; null removes the key.
    pub value: Json,
    /// How.
    pub merge: MergeStrategy,
}

/// What to write.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteRequest {
    /// The values, in order.
    pub edits: Vec<ValueEdit>,
    /// The file; only the user's config can be written.
    pub file: Option<PathBuf>,
    /// The version the writer has seen.
    pub expected_version: Option<String>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The version of the user's config now.
    pub version: String,
    /// The file.
    pub file: PathBuf,
    /// Set when a written value does not count.
    pub overridden: Option<Overridden>,
}

/// A value that was written but does not count.
#[derive(Debug, Clone, PartialEq)]
pub struct Overridden {
    /// Whose value counts instead.
    pub layer: LayerSource,
    /// The version of that layer.
    pub version: String,
    /// What counts.
    pub effective: Json,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file is not the user's config.
    #[error("Only the user's own config file can be written, which is {}.", .0.display())]
    Readonly(PathBuf),
    /// Somebody else wrote in between.
    #[error("The config file was changed since it was read. Read it again and repeat the change.")]
    Conflict,
    /// The session runs without the user's config.
    #[error("This session runs without the user's config, so there is nothing to write to.")]
    NoUserLayer,
    /// The edits make no sense, or the result would be no valid config.
    #[error("{0}")]
    Invalid(String),
    /// The config as it is cannot be read.
    #[error(transparent)]
    Load(#[from] ConfigError),
    /// The file cannot be changed.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl WriteError {
    /// The code that programs tell the errors by; none for failures that are not the writer's.
    pub const fn code(&self) -> Option<&'static str> {
        match self {
            Self::Readonly(_) => Some("configLayerReadonly"),
            Self::Conflict => Some("configVersionConflict"),
            Self::NoUserLayer => Some("userLayerNotFound"),
            Self::Invalid(_) => Some("configValidationError"),
            Self::Load(_) | Self::Edit(_) => None,
        }
    }
}

/// Writes values into the user's config. Blocks: files are read, locked and synced.
pub fn write(options: &LoadOptions, request: &WriteRequest) -> Result<Written, WriteError> {
    let file = options.home.config_file();
    if request.file.as_ref().is_some_and(|asked| !same_file(asked, &file)) {
        return Err(WriteError::Readonly(file));
    }
    edit::rewrite(&file, |old| {
        let stack = layers_without_projects(options)?;
        let user = stack.iter().find(|layer| is_users(layer)).ok_or(WriteError::NoUserLayer)?;
        if request.expected_version.as_ref().is_some_and(|version| *version != user.version()) {
            return Err(WriteError::Conflict);
        }
        let paths = Paths::of(options);
        let parse = |text: &str| Layer::parse(user.source.clone(), &file, text, FileKind::Config, &paths);
        let plan = Plan::of(&request.edits, old)?;
        let new = edit::edited(old, &plan.edits).map_err(|error| error.in_file(&file))?;
        let layer = parse(&new)?;
        validate(&layer)?;
        let written = Written {
            version: layer.version(),
            file: file.clone(),
            overridden: overridden(&stack, &layer, &plan.paths),
        };
        Ok((new, written))
    })
}

fn same_file(asked: &Path, file: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| without_dots(path));
    asked.is_absolute() && (without_dots(asked) == without_dots(file) || real(asked) == real(file))
}

fn is_users(layer: &Layer) -> bool {
    matches!(layer.source, LayerSource::User { profile: None, .. })
}

/// What a request comes down to.
struct Plan {
    edits: Vec<ConfigEdit>,
    /// The paths of the edits, in order.
    paths: Vec<KeyPath>,
}

impl Plan {
    fn of(edits: &[ValueEdit], old: &str) -> Result<Self, WriteError> {
        let body = old.strip_prefix('\u{feff}').unwrap_or(old);
        // A text that is no TOML was refused when the layers were read.
        let mut table: Table = body.parse().unwrap_or_default();
        let mut plan = Self { edits: Vec::new(), paths: Vec::new() };
        for edit in edits {
            let path = parse_key_path(&edit.key_path)?;
            if edit.value.is_null() {
                take_out(&mut table, &path);
                plan.edits.push(ConfigEdit::Remove { path: path.clone() });
            } else {
                refuse_profiles(&path)?;
                let value = serde_json::from_value::<Value>(edit.value.clone())
                    .map_err(|error| WriteError::Invalid(format!("invalid value: {error}")))?;
                let value = put(&mut table, &path, value, edit.merge)?;
                plan.edits.push(ConfigEdit::Set { path: path.clone(), value });
            }
            plan.paths.push(KeyPath::of(path));
        }
        Ok(plan)
    }
}

/// The keys of a path: split at dots; a key in double quotes may hold dots, and `\"` and `\\` for those characters.
pub fn parse_key_path(text: &str) -> Result<Vec<String>, WriteError> {
    let refuse = |why: &str| WriteError::Invalid(why.to_owned());
    if text.is_empty() {
        return Err(refuse("keyPath must not be empty"));
    }
    let mut keys = vec![String::new()];
    let mut quoted = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let Some(key) = keys.last_mut() else { break };
        match letter {
            '\\' if quoted => {
                key.push(letters.next().ok_or_else(|| refuse("unterminated quoted keyPath segment"))?);
            }
            '"' if quoted => quoted = false,
            '"' if key.is_empty() => quoted = true,
            '"' => return Err(refuse("invalid quoted keyPath segment")),
            '.' if !quoted => keys.push(String::new()),
            other => key.push(other),
        }
    }
    if quoted {
        return Err(refuse("unterminated quoted keyPath segment"));
    }
    if keys.iter().any(String::is_empty) {
        return Err(refuse("keyPath segments must not be empty"));
    }
    Ok(keys)
}

/// Profiles of the old kind are refused at every start, so they cannot be written.
fn refuse_profiles(path: &[String]) -> Result<(), WriteError> {
    match path.first().map(String::as_str) {
        Some(key @ ("profile" | "profiles")) => Err(WriteError::Invalid(format!(
            "`{key}` belongs to profiles of the old kind and can only be removed. Put the settings of a profile into \
             `NAME.config.toml` beside config.toml and select it with `--profile NAME`."
        ))),
        _ => Ok(()),
    }
}

/// Puts a value into a table and gives what stands there now.
fn put(
    table: &mut Table,
    path: &[String],
    value: Value,
    strategy: MergeStrategy,
) -> Result<Value, WriteError> {
    let no_table = || WriteError::Invalid("cannot set value on non-table parent".to_owned());
    let Some((last, parents)) = path.split_last() else {
        return Err(WriteError::Invalid("keyPath must not be empty".to_owned()));
    };
    let mut here = table;
    for (depth, name) in parents.iter().enumerate() {
        let next = here.entry(name).or_insert_with(|| Value::Table(Table::new()));
        // A scalar in the way gives way, except right above the key; elements of lists have no key at all.
        if !next.is_table() && !next.is_array() && depth + 1 < parents.len() {
            *next = Value::Table(Table::new());
        }
        let Value::Table(next) = next else { return Err(no_table()) };
        here = next;
    }
    match (here.get_mut(last), value) {
        (Some(Value::Table(old)), Value::Table(new)) if strategy == MergeStrategy::Upsert => {
            merge(old, &new);
            Ok(Value::Table(old.clone()))
        }
        (_, value) => {
            here.insert(last.clone(), value.clone());
            Ok(value)
        }
    }
}

fn take_out(table: &mut Table, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut here = table;
    for name in parents {
        let Some(next) = here.get_mut(name).and_then(Value::as_table_mut) else { return };
        here = next;
    }
    here.remove(last);
}

/// Types and values of every known key. Whether keys fit together is not asked, so that they can be written one by one.
fn validate(layer: &Layer) -> Result<(), WriteError> {
    match decode::<ConfigToml>(&layer.table) {
        Ok(_) => Ok(()),
        Err(error) => {
            let path = error.path.keys_only();
            Err(WriteError::Invalid(format!("Invalid configuration: {}\nin `{path}`\n", error.message)))
        }
    }
}

/// The first path whose value in the file is not the one that counts.
fn overridden(stack: &LayerStack, user: &Layer, paths: &[KeyPath]) -> Option<Overridden> {
    let mut now = LayerStack::default();
    for layer in stack.iter().rev() {
        now.push(if is_users(layer) { user.clone() } else { layer.clone() });
    }
    let merged = now.merged();
    paths.iter().find_map(|path| {
        let effective = lookup(&merged, path)?;
        if lookup(&user.table, path) == Some(effective) {
            return None;
        }
        let layer = now.iter().find(|layer| !is_users(layer) && lookup(&layer.table, path).is_some())?;
        Some(Overridden {
            layer: layer.source.clone(),
            version: layer.version(),
            effective: json::tagged_value(effective),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_paths() {
        for (text, keys) in [
            ("a", vec!["a"]),
            ("a.b-c.d", vec!["a", "b-c", "d"]),
            (r#"projects."/a.b/c".trust_level"#, vec!["projects", "/a.b/c", "trust_level"]),
            (r#"a."b\"\\c""#, vec!["a", r#"b"\c"#]),
            (r#"a."b"c"#, vec!["a", "bc"]),
            (" a b ", vec![" a b "]),
        ] {
            assert_eq!(parse_key_path(text).unwrap(), keys, "{text}");
        }
        for (text, why) in [
            ("", "keyPath must not be empty"),
            (".a", "keyPath segments must not be empty"),
            ("a..b", "keyPath segments must not be empty"),
            (r#"a."""#, "keyPath segments must not be empty"),
            (r#"a."b"#, "unterminated quoted keyPath segment"),
            (r#"a"b"#, "invalid quoted keyPath segment"),
        ] {
            assert_eq!(parse_key_path(text).unwrap_err().to_string(), why, "{text}");
        }
    }
}
