//! Which values of a configuration are shown only when asked for.
//!
//! In comes a value and where it stands, out comes the same value with what may be a secret covered. Keys and everything
//! that is no text stay.

use quire_config::{KeyPath, Segment};
use serde_json::Value as Json;
use toml::Value;

/// What is shown instead.
const COVER: &str = "***";

/// Keys whose text is a secret, or may be: it goes into headers, addresses, or the environment of programs.
const SECRET: [&str; 6] = [
    "experimental_bearer_token",
    "http_headers",
    "headers",
    "query_params",
    "env",
    "shell_environment_policy.set",
];

/// The value with secrets covered.
pub(super) fn masked(path: &KeyPath, value: Value) -> Value {
    match value {
        Value::String(_) if is_secret(path) => Value::String(COVER.to_owned()),
        Value::Table(members) => Value::Table(
            members
                .into_iter()
                .map(|(key, member)| {
                    let member = masked(&path.key(&key), member);
                    (key, member)
                })
                .collect(),
        ),
        Value::Array(elements) => Value::Array(
            elements
                .into_iter()
                .enumerate()
                .map(|(index, element)| masked(&path.index(index), element))
                .collect(),
        ),
        other => other,
    }
}

/// The same for JSON.
pub(super) fn cover(path: &KeyPath, value: &mut Json) {
    match value {
        Json::String(text) if is_secret(path) => COVER.clone_into(text),
        Json::Object(members) => members.iter_mut().for_each(|(key, member)| cover(&path.key(key), member)),
        Json::Array(elements) => {
            elements.iter_mut().enumerate().for_each(|(index, element)| cover(&path.index(index), element));
        }
        _ => {}
    }
}

fn is_secret(path: &KeyPath) -> bool {
    let keys: Vec<_> = path
        .segments()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) | Segment::Variant(_) => None,
        })
        .collect();
    SECRET.iter().any(|secret| {
        let secret: Vec<_> = secret.split('.').collect();
        keys.windows(secret.len()).any(|part| part == secret)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_in_secret_places_are_covered() {
        let table = "[model_providers.p]\nname = 'P'\nexperimental_bearer_token = 't'\nhttp_headers = {x = 't'}\n\
                     [mcp_servers.s]\ncommand = 'c'\nenv = {A = 't', B = 't'}\n[shell_environment_policy]\nset = {C = 't'}\n\
                     exclude = ['D']";
        let table: toml::Table = table.parse().unwrap();
        let shown = masked(&KeyPath::root(), Value::Table(table.clone())).to_string();
        let mut json = serde_json::to_value(table).unwrap();
        cover(&KeyPath::root(), &mut json);
        for shown in [shown, json.to_string()] {
            assert_eq!((shown.matches("***").count(), shown.matches("\"t\"").count()), (5, 0), "{shown}");
            assert!(shown.contains("\"P\"") && shown.contains("\"c\"") && shown.contains("\"D\""), "{shown}");
        }
    }
}
