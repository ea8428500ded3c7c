//! Taking chance out of texts and values: ids, times, ports, process numbers.
//!
//! In come texts and JSON values of one side, out come the same with every random part replaced by a stable
//! name. Ids get numbers by order of first appearance, so that two equal ids stay equal and two different ones
//! stay different. One [`Normaliser`] serves all facets of one side; the order in which facets are fed matters.

use std::collections::HashMap;

use anyhow::{Context, Result};
use regex::{Captures, Regex};
use serde_json::{Map, Value, json};

use crate::scenario::Rule;

/// Keys whose number is a point in time or a duration.
const CLOCK_KEYS: &[&str] = &[
    "started_at",
    "completed_at",
    "completed_at_ms",
    "duration_ms",
    "time_to_first_token_ms",
    "turn_started_at_unix_ms",
    "secs",
    "nanos",
];

/// Keys whose table is written in the order of a hash map, which differs from run to run.
const UNORDERED_KEYS: &[&str] = &["changes", "agents_states"];

/// Replaces what chance decides.
#[derive(Debug)]
pub(crate) struct Normaliser {
    extra: Vec<(Regex, String)>,
    rules: Vec<(Regex, &'static str)>,
    uuid: Regex,
    time: Regex,
    wall: Regex,
    session: Regex,
    port: String,
    ids: HashMap<String, usize>,
    sessions: HashMap<String, usize>,
}

impl Normaliser {
    pub(crate) fn new(port: u16, extra: &[Rule]) -> Result<Self> {
        let rules = [
            (r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}", "<file-time>"),
            (r"\b(sessions)/\d{4}/\d{2}/\d{2}/", "$1/<day>/"),
            (r"\b20\d{2}-\d{2}-\d{2}\b", "<date>"),
            (r"Chunk ID: [0-9a-f]{6}\b", "Chunk ID: <chunk>"),
            (r"(?m)( succeeded| exited -?\d+) in [0-9.]+m?s:", "$1 in <time>:"),
            (r"timed out after \d+ milliseconds", "timed out after <n> milliseconds"),
            (r"aborted by user after [0-9.]+s", "aborted by user after <n>s"),
            (r"codex-arg0[A-Za-z0-9]{6}", "<arg0>"),
            // Clocks in lines that are no JSON because two were glued together.
            (r#""(started_at|completed_at|duration_ms|time_to_first_token_ms)":\d+"#, "\"$1\":<clock>"),
            (r" quire/[0-9][0-9A-Za-z.+-]*", ""),
        ];
        let compile = |pattern: &str| Regex::new(pattern).with_context(|| format!("bad pattern {pattern:?}"));
        Ok(Self {
            extra: extra
                .iter()
                .map(|rule| Ok((compile(&rule.pattern)?, rule.with.clone())))
                .collect::<Result<_>>()?,
            rules: rules
                .iter()
                .map(|(pattern, with)| Ok((compile(pattern)?, *with)))
                .collect::<Result<_>>()?,
            uuid: compile(
                r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b",
            )?,
            time: compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})")?,
            wall: compile(r"Wall time: (\d+(?:\.\d+)?) seconds")?,
            session: compile(r"session ID (\d+)")?,
            port: format!("127.0.0.1:{port}"),
            ids: HashMap::new(),
            sessions: HashMap::new(),
        })
    }

    /// Learns the random numbers of running commands, so that they are recognised where they stand alone.
    pub(crate) fn learn_sessions(&mut self, text: &str) {
        for found in self.session.captures_iter(text) {
            let next = self.sessions.len() + 1;
            self.sessions.entry(found[1].to_owned()).or_insert(next);
        }
    }

    /// One text.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let mut text = text.replace(&self.port, "127.0.0.1:<port>");
        for (pattern, with) in &self.extra {
            text = pattern.replace_all(&text, with.as_str()).into_owned();
        }
        let ids = &mut self.ids;
        text = self
            .uuid
            .replace_all(&text, |found: &Captures<'_>| {
                let next = ids.len() + 1;
                format!("<id-{}>", ids.entry(found[0].to_ascii_lowercase()).or_insert(next))
            })
            .into_owned();
        text = self
            .time
            .replace_all(&text, |found: &Captures<'_>| {
                format!("<time.{}{}>", found.get(1).map_or(0, |digits| digits.len()), &found[2])
            })
            .into_owned();
        // Unified exec prints four decimals, everything else at most one; the form matters, the value does not.
        text = self
            .wall
            .replace_all(&text, |found: &Captures<'_>| {
                let decimals = found[1].split_once('.').map_or(0, |(_, digits)| digits.len());
                format!("Wall time: <{}> seconds", if decimals > 1 { "0.0000" } else { "0.0" })
            })
            .into_owned();
        for (pattern, with) in &self.rules {
            text = pattern.replace_all(&text, *with).into_owned();
        }
        self.replace_sessions(text)
    }

    fn replace_sessions(&self, mut text: String) -> String {
        for (number, index) in &self.sessions {
            if text.contains(number.as_str()) {
                text = replace_word(&text, number, &format!("<session-{index}>"));
            }
        }
        text
    }

    /// Every string and every clock of a JSON value. The order of keys stays.
    pub(crate) fn value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(map) => {
                let mut fresh = Map::new();
                for (key, item) in map {
                    let item = if item.is_number() && CLOCK_KEYS.contains(&key.as_str()) {
                        json!("<clock>")
                    } else {
                        self.value(item)
                    };
                    let item = if UNORDERED_KEYS.contains(&key.as_str()) { sorted(item) } else { item };
                    fresh.insert(self.text(key), item);
                }
                Value::Object(fresh)
            }
            other => other.clone(),
        }
    }

    /// A line that may be JSON.
    pub(crate) fn line(&mut self, line: &str) -> Value {
        match serde_json::from_str::<Value>(line) {
            Ok(value) if value.is_object() => self.value(&value),
            _ => Value::String(self.text(line)),
        }
    }
}

/// A table with its keys in alphabetical order; anything else as it is.
fn sorted(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let mut entries: Vec<(String, Value)> = map.into_iter().collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(entries.into_iter().collect())
}

/// Replaces `word` where it is not part of a longer number or word.
fn replace_word(text: &str, word: &str, with: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, from) = rest.split_at(at);
        let after = &from[word.len()..];
        let joined = |c: char| c.is_alphanumeric() || c == '_';
        let alone = !before.ends_with(joined) && !after.starts_with(joined);
        result.push_str(before);
        result.push_str(if alone { with } else { word });
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normaliser() -> Normaliser {
        Normaliser::new(4711, &[Rule { pattern: "pid [0-9]+".into(), with: "pid <n>".into() }]).unwrap()
    }

    #[test]
    fn ids_are_numbered_by_first_appearance() {
        let mut normaliser = normaliser();
        let (a, b) = ("01a1f887-0069-7bc0-a3a7-ad610d400342", "9e6a29e7-cf1c-4594-8b34-42a02e749d05");
        assert_eq!(normaliser.text(&format!("{a}:0 {b} {a}")), "<id-1>:0 <id-2> <id-1>");
        assert_eq!(normaliser.text(&b.to_uppercase()), "<id-2>");
    }

    #[test]
    fn chance_is_replaced_and_form_is_kept() {
        let mut normaliser = normaliser();
        for (text, expected) in [
            ("2026-11-20T09:06:07.095Z", "<time.3Z>"),
            ("2026-11-20T09:06:07+01:00", "<time.0+01:00>"),
            ("sessions/2026/11/20/rollout-2026-11-20T09-06-07-x", "sessions/<day>/rollout-<file-time>-x"),
            ("Wall time: 0.1608 seconds", "Wall time: <0.0000> seconds"),
            ("Wall time: 0 seconds", "Wall time: <0.0> seconds"),
            ("Chunk ID: e98ff0", "Chunk ID: <chunk>"),
            (" exited 7 in 12ms:", " exited 7 in <time>:"),
            ("http://127.0.0.1:4711/v1", "http://127.0.0.1:<port>/v1"),
            ("xterm (codex_exec; 0.136.0) quire/0.1.0", "xterm (codex_exec; 0.136.0)"),
            ("pid 77", "pid <n>"),
            ("plain 4711", "plain 4711"),
        ] {
            assert_eq!(normaliser.text(text), expected);
        }
    }

    #[test]
    fn running_commands_are_recognised_everywhere() {
        let mut normaliser = normaliser();
        normaliser.learn_sessions("Process running with session ID 36525\n");
        assert_eq!(normaliser.text("{\"session_id\":36525} 136525"), "{\"session_id\":<session-1>} 136525");
    }

    #[test]
    fn clocks_in_values_are_replaced_and_order_is_kept() {
        let value = json!({"z": 1, "duration_ms": 12, "a": {"started_at": null}});
        assert_eq!(
            normaliser().value(&value).to_string(),
            "{\"z\":1,\"duration_ms\":\"<clock>\",\"a\":{\"started_at\":null}}"
        );
    }
}
