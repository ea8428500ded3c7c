//! Snapshots: one side of a scenario, normalised and sorted into facets.
//!
//! In comes a [`Raw`] record, out comes one JSON value per [`Facet`], ready to be compared. Ids are numbered in
//! the order of the facets below.

use std::collections::BTreeMap;

use anyhow::Result;
use quire_rehearsal::RecordedRequest;
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::normalise::Normaliser;
use crate::play::{Entry, Raw, StepRecord, Tree, describe_exit};
use crate::prose::ProseFilter;
use crate::scenario::Scenario;

/// One thing that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Facet {
    /// Exit code or signal of each step.
    Exit,
    /// Lines of standard output.
    Stdout,
    /// Lines of standard error; messages are reduced to their kind.
    Stderr,
    /// What the model was asked.
    Requests,
    /// Whether the model's script was played to its end.
    Script,
    /// Session files.
    Rollout,
    /// Files in the home, with mode and (for text files) content.
    Home,
    /// Files in the work folder.
    Files,
}

impl Facet {
    pub(crate) const ALL: [Self; 8] = [
        Self::Exit,
        Self::Stdout,
        Self::Stderr,
        Self::Requests,
        Self::Script,
        Self::Rollout,
        Self::Home,
        Self::Files,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Requests => "requests",
            Self::Script => "script",
            Self::Rollout => "rollout",
            Self::Home => "home",
            Self::Files => "files",
        }
    }
}

/// All facets of one side.
#[derive(Debug)]
pub(crate) struct Snapshot {
    facets: BTreeMap<Facet, Value>,
}

impl Snapshot {
    pub(crate) fn of(scenario: &Scenario, raw: &Raw) -> Result<Self> {
        let mut taker = Taker {
            normaliser: Normaliser::new(raw.port, &scenario.normalise)?,
            prose: ProseFilter::new()?,
            last_turn: None,
            compare_workspaces: scenario.compare_workspaces,
            message: Regex::new(
                r"^((?:\x1b\[[0-9;]*m)*)(Error|ERROR|error|Warning|warning|WARNING|deprecated):",
            )?,
        };
        for request in &raw.requests {
            taker.normaliser.learn_sessions(&String::from_utf8_lossy(&request.body));
        }
        let mut facets = BTreeMap::new();
        for facet in Facet::ALL {
            if scenario.skip.contains_key(&facet) {
                continue;
            }
            let mut value = taker.facet(facet, raw);
            if scenario.sort.contains(&facet) {
                sort_inner(&mut value);
            }
            facets.insert(facet, value);
        }
        Ok(Self { facets })
    }

    pub(crate) fn facet(&self, facet: Facet) -> Option<&Value> {
        self.facets.get(&facet)
    }

    /// For reading: all facets as JSON.
    pub(crate) fn pretty(&self) -> Result<String> {
        let all: Map<String, Value> =
            self.facets.iter().map(|(facet, value)| (facet.name().to_owned(), value.clone())).collect();
        Ok(serde_json::to_string_pretty(&all)?)
    }
}

struct Taker {
    normaliser: Normaliser,
    prose: ProseFilter,
    /// Turn id of the last request looked at.
    last_turn: Option<String>,
    compare_workspaces: bool,
    message: Regex,
}

impl Taker {
    fn facet(&mut self, facet: Facet, raw: &Raw) -> Value {
        match facet {
            Facet::Exit => raw.steps.iter().map(|step| json!(describe_exit(step.status))).collect(),
            Facet::Stdout => raw.steps.iter().map(|step| self.stdout(step)).collect(),
            Facet::Stderr => raw.steps.iter().map(|step| self.stderr(step)).collect(),
            Facet::Requests => self.requests(&raw.requests),
            Facet::Script => json!({
                "failures": raw.outcome.failures.iter().map(|failure| self.normaliser.text(&failure.to_string()))
                    .collect::<Vec<_>>(),
                "unplayed": raw.outcome.unplayed,
            }),
            Facet::Rollout => self.rollout(&raw.home),
            Facet::Home => self.home(&raw.home),
            Facet::Files => self.files(&raw.work),
        }
    }

    fn stdout(&mut self, step: &StepRecord) -> Value {
        let text = String::from_utf8_lossy(&step.stdout);
        let mut lines: Vec<Value> = text.lines().map(|line| self.normaliser.line(line)).collect();
        if !text.is_empty() && !text.ends_with('\n') {
            lines.push(json!("<no newline at the end>"));
        }
        Value::Array(lines)
    }

    /// The human transcript (logging is off). Messages keep only their kind, the title line is each side's own.
    fn stderr(&mut self, step: &StepRecord) -> Value {
        let text = String::from_utf8_lossy(&step.stderr);
        let mut lines = Vec::new();
        let mut all = text.lines().peekable();
        while let Some(line) = all.next() {
            if let Some(found) = self.message.captures(line) {
                lines.push(json!(format!("{}{}: <text>", &found[1], &found[2])));
                // Usage errors and errors of start-up are the last thing printed; their details are prose.
                if &found[2] == "error" || &found[2] == "Error" {
                    break;
                }
            } else if line.starts_with("Reading ") && line.ends_with("from stdin...") {
                lines.push(json!("<notice>"));
            } else if all.peek() == Some(&"--------") && lines.iter().all(|line| line == "<notice>") {
                lines.push(json!("<title>"));
            } else {
                lines.push(json!(self.normaliser.text(line)));
            }
        }
        Value::Array(lines)
    }

    fn requests(&mut self, requests: &[RecordedRequest]) -> Value {
        requests.iter().map(|request| self.request(request)).collect()
    }

    fn request(&mut self, request: &RecordedRequest) -> Value {
        let mut headers = Map::new();
        for (name, value) in &request.headers {
            let value = match name.as_str() {
                "content-length" => json!("<n>"),
                "x-codex-turn-metadata" => self.turn_metadata(value),
                _ => json!(self.normaliser.text(value)),
            };
            match headers.get_mut(name) {
                Some(Value::String(earlier)) => {
                    *earlier = format!("{earlier}, {}", value.as_str().unwrap_or_default());
                }
                _ => {
                    headers.insert(name.clone(), value);
                }
            }
        }
        let body = match serde_json::from_slice::<Value>(&request.body) {
            Ok(body) => self.normaliser.value(&self.prose.request(&body)),
            Err(_) => json!(self.normaliser.text(&String::from_utf8_lossy(&request.body))),
        };
        json!({"method": request.method, "path": request.path, "query": request.query,
            "headers": headers, "body": body})
    }

    /// The metadata header as a value. The look-up of git facts runs in the background and may or may not have
    /// ended when a request leaves, so it is only compared where the scenario makes the model slow enough.
    fn turn_metadata(&mut self, text: &str) -> Value {
        let Ok(mut value) = serde_json::from_str::<Value>(text) else {
            return json!(self.normaliser.text(text));
        };
        let turn = value.get("turn_id").and_then(Value::as_str).map(str::to_owned);
        let first_of_turn = turn != self.last_turn;
        self.last_turn = turn;
        if (first_of_turn || !self.compare_workspaces)
            && let Some(map) = value.as_object_mut()
        {
            map.shift_remove("workspaces");
        }
        self.normaliser.value(&value)
    }

    fn rollout(&mut self, home: &Tree) -> Value {
        let mut files = Vec::new();
        for (path, entry) in home {
            let Entry::File { bytes, .. } = entry else { continue };
            if !is_rollout(path) {
                continue;
            }
            let text = String::from_utf8_lossy(bytes);
            let lines: Vec<Value> = text
                .lines()
                .map(|line| match serde_json::from_str::<Value>(line) {
                    Ok(value) if value.is_object() => self.normaliser.value(&self.prose.rollout(&value)),
                    _ => json!(self.normaliser.text(line)),
                })
                .collect();
            files.push(json!({"file": self.normaliser.text(path), "lines": lines}));
        }
        Value::Array(files)
    }

    fn home(&mut self, home: &Tree) -> Value {
        let mut listing = Map::new();
        for (path, entry) in home {
            if is_passing(path) {
                continue;
            }
            let value = match entry {
                Entry::Link { target } => json!({"link": self.normaliser.text(target)}),
                Entry::File { bytes, mode } => {
                    let mut value = json!({"mode": format!("{mode:04o}")});
                    if shows_content(path)
                        && let Ok(text) = std::str::from_utf8(bytes)
                    {
                        value["content"] = text.lines().map(|line| self.normaliser.line(line)).collect();
                    }
                    value
                }
            };
            listing.insert(self.normaliser.text(path), value);
        }
        Value::Object(listing)
    }

    fn files(&mut self, work: &Tree) -> Value {
        let mut listing = Map::new();
        for (path, entry) in work {
            let value = match entry {
                Entry::Link { target } => json!({"link": self.normaliser.text(target)}),
                Entry::File { bytes, mode } => match std::str::from_utf8(bytes) {
                    Ok(text) => json!({"mode": format!("{mode:04o}"), "text": self.normaliser.text(text)}),
                    Err(_) => json!({"mode": format!("{mode:04o}"), "bytes": bytes}),
                },
            };
            listing.insert(path.clone(), value);
        }
        Value::Object(listing)
    }
}

fn is_rollout(path: &str) -> bool {
    let jsonl = std::path::Path::new(path).extension().is_some_and(|extension| extension == "jsonl");
    jsonl && (path.starts_with("sessions/") || path.starts_with("archived_sessions/"))
}

/// Files that come and go while the program runs.
fn is_passing(path: &str) -> bool {
    path.starts_with("tmp/")
        || path.starts_with("shell_snapshots/")
        || path.ends_with("-wal")
        || path.ends_with("-shm")
        || path.ends_with("-journal")
}

/// Small text files whose content is part of the contract.
fn shows_content(path: &str) -> bool {
    ["config.toml", "history.jsonl", "session_index.jsonl", "installation_id"].contains(&path)
}

/// Sorts the lists one level down (the lines of each step).
fn sort_inner(value: &mut Value) {
    for inner in value.as_array_mut().into_iter().flatten() {
        if let Some(lines) = inner.as_array_mut() {
            lines.sort_by_cached_key(Value::to_string);
        }
    }
}
