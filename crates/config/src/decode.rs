//! From a TOML table to a typed struct, with the place of the first error and of every unknown key.
//!
//! In comes a table, out comes the value and the [`KeyPath`]s nobody read. What a newcomer would get wrong: unknown keys
//! are no error here. Whoever calls decides (strict mode refuses them, otherwise one warning names them).

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::features::Feature;
use crate::key_path::{KeyPath, Segment};

/// Tables in which the reference reports no unknown key. The other open ones are read through a buffer and report none by
/// themselves.
const OPEN_TABLES: [&str; 2] = ["tools.web_search", "permissions"];

/// A decoded value.
#[derive(Debug)]
pub(crate) struct Decoded<T> {
    pub(crate) value: T,
    /// Keys that nothing read, in file order.
    pub(crate) unknown: Vec<KeyPath>,
}

/// Why a table does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecodeError {
    pub(crate) path: KeyPath,
    /// What was found and what was expected.
    pub(crate) message: String,
}

/// Decodes a table.
pub(crate) fn decode<T: DeserializeOwned>(table: &Table) -> Result<Decoded<T>, DecodeError> {
    let mut unknown = Vec::new();
    let value = Value::Table(table.clone());
    let mut note = |path: serde_ignored::Path<'_>| unknown.push(KeyPath::from_ignored(&path));
    let tracked = serde_ignored::Deserializer::new(value, &mut note);
    let value = serde_path_to_error::deserialize(tracked).map_err(|error| DecodeError {
        path: KeyPath::from_error(error.path()),
        message: error.inner().message().to_owned(),
    })?;
    unknown.retain(|path| !OPEN_TABLES.iter().any(|open| path.is_within(open)));
    unknown.extend(unknown_features(table));
    Ok(Decoded { value, unknown })
}

/// Feature names are data, not fields, so they are compared with the registry.
fn unknown_features(table: &Table) -> impl Iterator<Item = KeyPath> {
    table
        .get("features")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::keys)
        .filter(|name| Feature::from_name(name).is_none())
        .map(|name| KeyPath::of(["features", name]))
}

/// The value at a path.
pub(crate) fn lookup<'a>(table: &'a Table, path: &KeyPath) -> Option<&'a Value> {
    let (first, rest) = path.segments().split_first()?;
    let (Segment::Key(key) | Segment::Variant(key)) = first else { return None };
    rest.iter().try_fold(table.get(key)?, |value, segment| match segment {
        Segment::Key(key) | Segment::Variant(key) => value.get(key),
        Segment::Index(index) => value.get(*index),
    })
}
