//! The configuration on a screen: as TOML that could be a config.toml itself, or as JSON for programs.

use std::fmt::Write as _;

use quire_config::{Config, KeyPath, Layer};
use serde_json::{Map, Value as Json, json};
use toml::Value;

use super::{ShowArgs, secrets};

/// One line per value that is set. Layers that do not count are named at the end.
pub(super) fn toml(config: &Config, args: &ShowArgs) -> String {
    let mut text = String::new();
    for path in leaves(config) {
        let settings = config.layers.settings(&path);
        let Some(deciding) = settings.first() else { continue };
        let value = shown(&path, deciding.value.clone(), args);
        // Writing to a string cannot fail.
        let _ = write!(text, "{} = {value}", dotted(&path));
        if args.origins {
            let at = deciding
                .location
                .as_ref()
                .map_or_else(|| deciding.layer.source.to_string(), ToString::to_string);
            let _ = write!(text, "  # {at}");
        }
        text.push('\n');
    }
    for (layer, reason) in config.layers.iter().filter_map(|layer| Some((layer, layer.disabled?))) {
        let _ = writeln!(text, "# Does not count: {} ({reason})", layer.source);
    }
    text
}

/// Every key with its default, the origins of what is set, and the layers, highest first.
pub(super) fn json(config: &Config, args: &ShowArgs) -> serde_json::Result<String> {
    let mut effective = serde_json::to_value(&*config.written)?;
    if !args.secrets {
        secrets::cover(&KeyPath::root(), &mut effective);
    }
    let origins: Map<String, Json> = leaves(config)
        .into_iter()
        .filter_map(|path| {
            let settings = config.layers.settings(&path);
            let deciding = settings.first()?;
            let place = deciding.location.as_ref();
            let origin = json!({
                "layer": deciding.layer.source.to_string(),
                "line": place.map(|place| place.line),
                "column": place.map(|place| place.column),
            });
            Some((dotted(&path), origin))
        })
        .collect();
    let layers: Vec<Json> = config.layers.iter().map(layer).collect();
    Ok(format!("{:#}\n", json!({"config": effective, "origins": origins, "layers": layers})))
}

fn layer(layer: &Layer) -> Json {
    json!({
        "layer": layer.source.to_string(),
        "version": layer.version(),
        "disabled": layer.disabled.map(|reason| reason.to_string()),
    })
}

fn shown(path: &KeyPath, value: Value, args: &ShowArgs) -> Value {
    if args.secrets { value } else { secrets::masked(path, value) }
}

/// The places of all values that are no tables, sorted.
fn leaves(config: &Config) -> Vec<KeyPath> {
    let mut found = Vec::new();
    collect(&config.merged, &KeyPath::root(), &mut found);
    found.sort();
    found
}

fn collect(table: &toml::Table, path: &KeyPath, found: &mut Vec<KeyPath>) {
    for (key, value) in table {
        let here = path.key(key);
        match value {
            Value::Table(members) if !members.is_empty() => collect(members, &here, found),
            _ => found.push(here),
        }
    }
}

/// The path as TOML spells it.
fn dotted(path: &KeyPath) -> String {
    let key = |text: String| {
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !text.is_empty() && text.chars().all(bare) { text } else { Value::String(text).to_string() }
    };
    path.segments().iter().map(|segment| key(segment.to_string())).collect::<Vec<_>>().join(".")
}
