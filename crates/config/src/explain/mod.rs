//! What is known about each key: the JSON Schema of config.toml, and single keys of it in words for people.
//!
//! In comes a dotted key, out goes a [`KeyDoc`]. Everything is looked up in the schema, which is derived from the types that
//! read the file, so there is one definition per key. What a newcomer would get wrong: a table whose keys are the user's own
//! (`model_providers`) is passed with any name, and a list is passed with or without an index.

mod document;

use serde_json::Value as Json;

pub use document::schema_json;
use document::{Node, root};

use crate::features::Feature;

/// Stands for a name the user chooses.
const ANY_NAME: &str = "<id>";
/// At most so many names are suggested.
const MAX_SUGGESTIONS: usize = 3;
/// How alike a suggestion must be, from 0 to 1.
const ALIKE: f64 = 0.75;

/// A key in words.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyDoc {
    /// The key; names of the user's choice are `<id>`.
    pub path: String,
    /// What it does. A sentence or two.
    pub description: String,
    /// What a value is, in words: `string`, `list of strings`, `table`.
    pub kind: String,
    /// The only values, when there is a fixed set.
    pub allowed: Vec<AllowedValue>,
    /// The value when nothing is set, as far as it does not depend on other things.
    pub default: Option<Json>,
    /// The members of a table, in the order of their definition.
    pub members: Vec<String>,
    /// The key whose old name was asked for.
    pub instead: Option<String>,
    /// Whether the key is kept for old files alone.
    pub deprecated: bool,
}

/// One of a fixed set of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedValue {
    /// The value as written.
    pub value: String,
    /// What it means; empty when its name says all.
    pub description: String,
}

/// Looks up a key. `model_providers.x.base_url` and `model_providers.<id>.base_url` are the same.
pub fn explain(key: &str) -> Option<KeyDoc> {
    let segments = split(key)?;
    let instead = renamed(&segments);
    let segments = instead.as_ref().map_or(segments, |new| new.split('.').map(str::to_owned).collect());
    let (node, path) = find(&segments)?;
    Some(KeyDoc {
        description: node.description(),
        kind: node.kind(),
        allowed: node.allowed(),
        default: node.default().cloned(),
        members: node.members().map(|(name, _)| name.to_owned()).collect(),
        deprecated: node.deprecated() || instead.is_some(),
        instead,
        path,
    })
}

/// Known keys that look like an unknown one, best first.
pub fn suggest(key: &str) -> Vec<String> {
    let Some(segments) = split(key) else { return Vec::new() };
    let known = (0..segments.len()).rev().find_map(|end| Some((end, find(&segments[..end])?)));
    let Some((end, (table, path))) = known else { return Vec::new() };
    let wanted = &segments[end];
    let siblings = table.members().map(|(name, _)| join(&path, name));
    let mut ranked: Vec<(f64, String)> = siblings
        .map(|sibling| (strsim::jaro_winkler(&last(&sibling), wanted), sibling))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    // The right name in the wrong table.
    if let Some(name) = segments.last() {
        ranked.extend(all_keys().into_iter().filter(|known| last(known) == *name).map(|known| (1.0, known)));
    }
    ranked.sort_by(|(a, first), (b, second)| b.total_cmp(a).then_with(|| first.len().cmp(&second.len())));
    let mut names: Vec<_> = ranked.into_iter().map(|(_, name)| name).collect();
    names.dedup();
    names.truncate(MAX_SUGGESTIONS);
    names
}

/// Every key, tables included, in the order of their definition.
pub fn all_keys() -> Vec<String> {
    let mut keys = Vec::new();
    collect(root(), "", &mut keys);
    keys
}

fn collect(node: Node, path: &str, keys: &mut Vec<String>) {
    let node = node.element().unwrap_or(node);
    for (name, member) in node.members() {
        let path = join(path, name);
        keys.push(path.clone());
        collect(member, &path, keys);
    }
    if let Some(member) = node.any_member() {
        collect(member, &join(path, ANY_NAME), keys);
    }
}

/// Walks down. Returns the node and its path with `<id>` for free names.
fn find(segments: &[String]) -> Option<(Node, String)> {
    let mut node = root();
    let mut path = String::new();
    for segment in segments {
        if let Some(element) = node.element() {
            node = element;
            if segment == "*" || segment.parse::<usize>().is_ok() {
                continue;
            }
        }
        let (name, member) = match node.member(segment) {
            Some(member) => (segment.as_str(), member),
            None => (ANY_NAME, node.any_member()?),
        };
        path = join(&path, name);
        node = member;
    }
    Some((node, path))
}

/// The key that took the place of an old spelling.
fn renamed(segments: &[String]) -> Option<String> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments[..] {
        ["features", name] => {
            let feature = Feature::from_name(name)?;
            (feature.key() != name).then(|| format!("features.{}", feature.key()))
        }
        ["experimental_use_unified_exec_tool"] => Some("features.unified_exec".to_owned()),
        ["memories", "no_memories_if_mcp_or_web_search"] => {
            Some("memories.disable_on_external_context".to_owned())
        }
        _ => None,
    }
}

fn join(path: &str, name: &str) -> String {
    let quote = if name.contains('.') { "\"" } else { "" };
    let dot = if path.is_empty() { "" } else { "." };
    format!("{path}{dot}{quote}{name}{quote}")
}

fn last(path: &str) -> String {
    split(path).and_then(|mut segments| segments.pop()).unwrap_or_default()
}

/// Splits at dots outside double quotes; nothing when a part is missing.
fn split(key: &str) -> Option<Vec<String>> {
    let mut segments = vec![String::new()];
    let mut quoted = false;
    for c in key.trim().chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => segments.push(String::new()),
            c => segments.last_mut()?.push(c),
        }
    }
    (!quoted && segments.iter().all(|segment| !segment.is_empty())).then_some(segments)
}
