//! `features enable` and `features disable` as edits (features sheet §5).
//!
//! In come a name, on or off, and what the file says now; out go the edits. What a newcomer would get wrong: switching a
//! flag off that is off by default removes its key instead of writing `false`, and every old name of the flag goes with
//! it, because an old name that stays behind would switch it on again.

use std::path::Path;

use toml::{Table, Value};

use super::{ConfigEdit, EditError, TextError, edited, rewrite};
use crate::features::Feature;

/// Why a flag was not switched.
#[derive(Debug, thiserror::Error)]
pub enum FeatureEditError {
    /// No flag has that name.
    #[error("Unknown feature flag: {0}")]
    Unknown(String),
    /// The file cannot be changed.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// Switches a flag in a config file, by its name or an old name of it. Gives the flag.
pub fn set_feature(file: &Path, name: &str, on: bool) -> Result<Feature, FeatureEditError> {
    let feature = Feature::from_name(name).ok_or_else(|| FeatureEditError::Unknown(name.to_owned()))?;
    rewrite(file, |old| {
        let body = old.strip_prefix('\u{feff}').unwrap_or(old);
        let table: Table = body.parse().map_err(|error: toml::de::Error| {
            TextError::syntax(body, error.message(), error.span()).in_file(file)
        })?;
        let edits = feature_edits(feature, on, &table);
        Ok((edited(old, &edits).map_err(|error| error.in_file(file))?, feature))
    })
}

/// The edits that switch a flag in a file that says this. A flag with settings keeps them.
pub fn feature_edits(feature: Feature, on: bool, file: &Table) -> Vec<ConfigEdit> {
    let features = file.get("features").and_then(Value::as_table);
    let written = features.and_then(|table| table.get(feature.key()));
    let old_names = features
        .into_iter()
        .flat_map(Table::keys)
        .filter(|name| *name != feature.key() && Feature::from_name(name) == Some(feature));
    let mut edits: Vec<_> = old_names.map(|name| ConfigEdit::remove(["features", name])).collect();
    edits.push(if written.is_some_and(Value::is_table) {
        ConfigEdit::set(["features", feature.key(), "enabled"], on)
    } else if on || feature.default_on() {
        ConfigEdit::set(["features", feature.key()], on)
    } else {
        ConfigEdit::remove(["features", feature.key()])
    });
    edits
}
