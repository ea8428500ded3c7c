//! Who we say we are: user agent and the turn metadata header (model-api sheet §3.1 and §3.2).

use std::fmt::Write as _;
use std::path::Path;

use quire_protocol::{REFERENCE_VERSION, ThreadId, ThreadSource, TurnId};
use quire_repo::WorkspaceFacts;
use serde::Serialize;
use serde::ser::SerializeMap as _;

/// The client behind the app-server connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// `originator/0.136.0 (Debian 12.0.0; x86_64) xterm (client; version) quire/0.1.0`.
///
/// The reference's string comes first, unchanged, because servers and SDKs parse it; our own name follows it.
pub(crate) fn user_agent(originator: &str, client: &ClientInfo, terminal: &str) -> String {
    let agent = format!(
        "{originator}/{REFERENCE_VERSION} ({}; {}) {terminal} ({}; {}) quire/{}",
        os_name(),
        std::env::consts::ARCH,
        client.name,
        client.version,
        env!("CARGO_PKG_VERSION"),
    );
    agent.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { '_' }).collect()
}

/// Operating system name and version in three numbers, from `os-release` on Linux.
fn os_name() -> String {
    let release = std::fs::read_to_string("/etc/os-release")
        .or_else(|_| std::fs::read_to_string("/usr/lib/os-release"))
        .unwrap_or_default();
    os_release_name(&release)
}

fn os_release_name(release: &str) -> String {
    let field = |key: &str| {
        release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .map(|value| value.trim_matches('"'))
    };
    let name = match field("NAME").unwrap_or("Linux") {
        name if name.starts_with("Debian") => "Debian",
        name => name.trim_end_matches(" GNU/Linux").trim_end_matches(" Linux"),
    };
    let mut version = field("VERSION_ID").unwrap_or("Unknown").to_owned();
    if version.chars().all(|c| c.is_ascii_digit() || c == '.') {
        for _ in version.matches('.').count()..2 {
            version.push_str(".0");
        }
    }
    format!("{name} {version}")
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// A sampling of a turn.
    Turn,
}

/// The facts of the `x-codex-turn-metadata` header.
pub(crate) struct TurnMetadata<'a> {
    pub(crate) session_id: ThreadId,
    pub(crate) thread_id: ThreadId,
    /// The thread that started this one, if one did.
    pub(crate) spawned_by: Option<ThreadId>,
    pub(crate) thread_source: Option<ThreadSource>,
    pub(crate) turn_id: &'a TurnId,
    pub(crate) workspaces: Option<&'a (std::path::PathBuf, WorkspaceFacts)>,
    pub(crate) sandboxed: bool,
    pub(crate) turn_started_at_unix_ms: i64,
    pub(crate) request_kind: RequestKind,
    pub(crate) window_id: &'a str,
}

impl TurnMetadata<'_> {
    /// The header's value. Serialisation of plain strings and numbers cannot fail; if it did, no header is better than
    /// no turn.
    pub(crate) fn header(&self) -> String {
        serde_json::to_string(self).map(|json| escape_non_ascii(&json)).unwrap_or_default()
    }
}

/// Header values are ASCII; JSON can say everything in ASCII.
fn escape_non_ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

impl Serialize for TurnMetadata<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("session_id", &self.session_id)?;
        map.serialize_entry("thread_id", &self.thread_id)?;
        if let Some(parent) = &self.spawned_by {
            map.serialize_entry("forked_from_thread_id", parent)?;
            map.serialize_entry("parent_thread_id", parent)?;
            map.serialize_entry("subagent_kind", "thread_spawn")?;
        }
        if let Some(source) = &self.thread_source {
            map.serialize_entry("thread_source", source)?;
        }
        map.serialize_entry("turn_id", self.turn_id)?;
        if let Some((root, facts)) = self.workspaces {
            map.serialize_entry("workspaces", &std::collections::BTreeMap::from([(root as &Path, facts)]))?;
        }
        map.serialize_entry("sandbox", if self.sandboxed { "seccomp" } else { "none" })?;
        map.serialize_entry("turn_started_at_unix_ms", &self.turn_started_at_unix_ms)?;
        let kind = match self.request_kind {
            RequestKind::Turn => "turn",
        };
        map.serialize_entry("request_kind", kind)?;
        map.serialize_entry("window_id", self.window_id)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release_is_name_and_three_numbers() {
        assert_eq!(os_release_name("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n"), "Debian 12.0.0");
        assert_eq!(os_release_name("NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\n"), "Ubuntu 24.04.0");
        assert_eq!(os_release_name("NAME=\"Arch Linux\"\n"), "Arch Unknown");
    }

    #[test]
    fn headers_are_ascii() {
        assert_eq!(escape_non_ascii("{\"a\":\"é😀\"}"), "{\"a\":\"\\u00e9\\ud83d\\ude00\"}");
    }
}
