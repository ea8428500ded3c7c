//! Which details people see, and under which name.
//!
//! In come the details of a check as machines get them, out go rows. A detail this file does not know is shown as it is.

use crate::report::CheckReport;

use super::bytes;

/// Longer paths lose their middle.
const PATH: usize = 48;

/// A row of details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The detail it shows, by its own name.
    pub(super) field: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// Details people do not need: check, key.
const HIDDEN: [(&str, &str); 15] = [
    ("system.environment", "os type"),
    ("system.environment", "os version"),
    ("runtime.provenance", "platform"),
    ("installation", "current executable"),
    ("installation", "managed by bun"),
    ("installation", "managed package root"),
    ("git.environment", "git build options"),
    ("config.load", "CODEX_HOME"),
    ("config.load", "model provider"),
    ("config.load", "log dir"),
    ("config.load", "sqlite home"),
    ("config.load", "enabled feature flags"),
    ("quire.home.size", "bytes"),
    ("quire.home.size", "files"),
    ("quire.home.slow_files", "slow files"),
];

/// Details with another name for people.
const RENAMED: [(&str, &str); 20] = [
    ("os language", "OS language"),
    ("current executable", "executable"),
    ("install context", "context"),
    ("git version", "version"),
    ("git exec path", "exec path"),
    ("git branch", "branch"),
    ("terminal title source", "title source"),
    ("terminal title items", "title items"),
    ("terminal title activity", "activity item"),
    ("terminal title project source", "project source"),
    ("terminal title project value", "project value"),
    ("terminal title invalid items", "invalid items"),
    ("mcp servers", "MCP servers"),
    ("feature flag overrides", "overrides"),
    ("legacy feature flag", "legacy alias"),
    ("check for update on startup", "startup update check"),
    ("codex-linux-sandbox helper", "linux helper"),
    ("active rollout files", "active rollouts"),
    ("archived rollout files", "archived rollouts"),
    ("feature flags enabled", "feature flags"),
];

/// The rows of a check.
pub(super) fn of(check: &CheckReport, all: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for detail in &check.details {
        let key = detail.key.as_str();
        let hidden = HIDDEN.contains(&(check.id, key)) && !(all && key == "enabled feature flags");
        if hidden || key.ends_with(" integrity") {
            continue;
        }
        let renamed = RENAMED.iter().find(|(from, _)| *from == key).map_or(key, |(_, to)| to);
        let (shown_key, value) = match combined(check, key, &detail.value, all) {
            Some((key, value)) => (key, value),
            None => (renamed.to_owned(), detail.value.clone()),
        };
        rows.push(Row { field: key.to_owned(), key: shown_key, value });
    }
    rows.retain(|row| !row.key.is_empty());
    rows
}

/// Details that are shown together with others. An empty key is not shown at all.
fn combined(check: &CheckReport, key: &str, value: &str, all: bool) -> Option<(String, String)> {
    let other = |key: &'static str| check.values(key).next().unwrap_or_default();
    let pair = |key: &str, value: String| Some((key.to_owned(), value));
    match (check.id, key) {
        ("installation", "managed by npm") => {
            let yes = |value: &str| if value == "true" { "yes" } else { "no" };
            let root = match other("managed package root") {
                "not set" => "—",
                root => root,
            };
            let bun = yes(other("managed by bun"));
            pair("managed by", format!("npm: {} · bun: {bun} · package root {root}", yes(value)))
        }
        ("git.environment", "PATH git entries") => pair("", String::new()),
        ("git.environment", "PATH git #1") => {
            pair(&format!("PATH entries ({})", other("PATH git entries")), value.to_owned())
        }
        ("git.environment", key) if key.starts_with("PATH git #") => pair(" ", value.to_owned()),
        ("config.load", "model") => pair("model", format!("{value} · {}", other("model provider"))),
        ("config.load", "feature flags enabled") => {
            let overridden = match other("feature flag overrides") {
                "none" => 0,
                list => list.split(", ").count(),
            };
            let hint = if all { "" } else { " (full list with --all)" };
            pair("feature flags", format!("{value} enabled · {overridden} overridden{hint}"))
        }
        ("config.load", "feature flag overrides") if value == "none" => pair("", String::new()),
        ("state.paths", "active rollout files") => pair("active rollouts", files(value)?),
        ("state.paths", "archived rollout files") => pair("archived rollouts", files(value)?),
        ("state.paths", key) => {
            let integrity = check.details.iter().find(|detail| detail.key == format!("{key} integrity"))?;
            pair(key, format!("{value} · integrity {}", integrity.value))
        }
        _ => None,
    }
}

/// `2 files, 30 total bytes, 15 average bytes` in a shorter form.
fn files(value: &str) -> Option<String> {
    let (files, rest) = value.split_once(" files, ")?;
    let (total, rest) = rest.split_once(" total bytes, ")?;
    let average = rest.strip_suffix(" average bytes")?;
    Some(format!("{files} files · {} (avg {})", bytes(total.parse().ok()?), bytes(average.parse().ok()?)))
}

/// A value whose leading path is short enough for a line.
pub(super) fn shorten(value: &str, user_home: Option<&str>) -> String {
    if !value.starts_with('/') {
        return value.to_owned();
    }
    let (path, rest) =
        value.find(" (").or_else(|| value.find(" ·")).map_or((value, ""), |at| value.split_at(at));
    let home = user_home.map(|home| home.trim_end_matches('/')).filter(|home| !home.is_empty());
    let path = match home.and_then(|home| path.strip_prefix(home)) {
        Some(below) if below.is_empty() || below.starts_with('/') => format!("~{below}"),
        _ => path.to_owned(),
    };
    let letters: Vec<char> = path.chars().collect();
    if letters.len() <= PATH {
        return format!("{path}{rest}");
    }
    let head: String = letters[..PATH / 2].iter().collect();
    let tail: String = letters[letters.len() - (PATH - PATH / 2 - 1)..].iter().collect();
    format!("{head}…{tail}{rest}")
}
