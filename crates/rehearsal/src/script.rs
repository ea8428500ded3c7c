//! The script: what the server will answer, turn by turn.
//!
//! In comes a JSON or TOML file (or value), out goes a checked [`Script`]. The whole file is checked before
//! the first request arrives; errors name the file, the turn and what was expected there. The format is
//! described with examples in `docs/rehearsal.md`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::expect::{Capture, Expectation};
use crate::parse::{At, Mismatch};
use crate::short::parse_step;
use crate::variables::Variables;

/// A checked script.
#[derive(Debug, Clone)]
pub struct Script {
    /// Turns as written, placeholders and all. They are filled and read when their request arrives.
    turns: Vec<Value>,
    pub(crate) after_last: AfterLast,
    pub(crate) routes: Vec<Route>,
    origin: String,
}

/// What a model request after the last turn gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterLast {
    /// HTTP 500 whose text says that the script is exhausted.
    #[default]
    Error,
    /// The last turn again.
    RepeatLast,
}

/// A fixed answer for a request that is no model request (`GET /v1/models`, a token endpoint, …).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// HTTP method in upper case.
    pub method: String,
    /// Exact path, without the query.
    pub path: String,
    /// The answer.
    pub reply: Reply,
}

/// A plain HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Extra headers.
    pub headers: Vec<(String, String)>,
    /// Body text (JSON values are written compactly).
    pub body: String,
}

/// The answer to one model request.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// What is streamed; `None` means the plain [`Reply`] in `reply` is sent instead.
    pub steps: Option<Vec<Step>>,
    /// Status, headers and body. For streamed turns the status is 200 unless set and the body is unused.
    pub reply: Reply,
    /// Leave out the automatic `response.created` and `response.completed`.
    pub raw: bool,
    /// Usage told in `response.completed`.
    pub usage: Usage,
    /// How the bytes travel.
    pub delivery: Delivery,
    /// How the answer breaks, if it does.
    pub cut: Option<Cut>,
    /// What must be true of the request.
    pub expect: Vec<Expectation>,
    /// Placeholders taken from the request.
    pub capture: Vec<Capture>,
}

/// One element of a turn's `events`.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A raw event, sent as it is.
    Event(Value),
    /// An assistant message, streamed word by word.
    Say {
        /// The whole text.
        text: String,
        /// `commentary` or `final_answer`.
        phase: Option<String>,
    },
    /// A reasoning item.
    Reason {
        /// Summary parts.
        parts: Vec<String>,
        /// Raw reasoning text.
        raw: Option<String>,
        /// `encrypted_content`.
        encrypted: Option<String>,
    },
    /// A function call.
    Call {
        /// Tool name.
        name: String,
        /// Arguments exactly as sent (may be broken JSON on purpose).
        arguments: String,
        /// Call id.
        call_id: String,
        /// Namespace of the tool.
        namespace: Option<String>,
    },
    /// A custom (free-form) tool call.
    Custom {
        /// Tool name.
        name: String,
        /// Free-form input.
        input: String,
        /// Call id.
        call_id: String,
    },
    /// A message made of `count` deltas of the same text.
    DeltaFlood {
        /// Number of deltas.
        count: usize,
        /// Text of each.
        text: String,
    },
    /// Any finished item, as `response.output_item.done`.
    Item(Value),
    /// Bytes put on the wire as they are.
    Wire(String),
    /// Silence.
    Pause(Duration),
}

/// Usage numbers of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// All input tokens.
    pub input: u64,
    /// Cached part of the input.
    pub cached: u64,
    /// All output tokens.
    pub output: u64,
    /// Reasoning part of the output.
    pub reasoning: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { input: 100, cached: 0, output: 10, reasoning: 0 }
    }
}

/// How the bytes of an answer travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Wait before the status line.
    pub delay: Duration,
    /// Wait between events.
    pub between: Duration,
    /// End lines with CR LF.
    pub crlf: bool,
    /// Send in chunks of this many bytes, wherever that cuts.
    pub chunk_bytes: Option<NonZeroUsize>,
}

/// How an answer breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The connection is closed before any header is sent.
    BeforeHeaders,
    /// The connection is dropped in the middle of the body, after the events.
    AfterEvents,
    /// The body ends properly, but without `response.completed`.
    CleanEof,
    /// Nothing more comes and the connection stays open.
    Hang,
}

/// A script that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the rehearsal script {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Neither JSON nor TOML, as its name promises.
    #[error("{origin} is not valid {format}: {detail}")]
    Syntax {
        /// File, or what the caller named the text.
        origin: String,
        /// `JSON` or `TOML`.
        format: &'static str,
        /// The parser's own words.
        detail: String,
    },
    /// Well-formed, but not a script.
    #[error("{origin}: {place}: expected {expected}, found {found}")]
    Shape {
        /// File, or what the caller named the text.
        origin: String,
        /// Turn number (from 1) and key.
        place: String,
        /// What the format asks for.
        expected: String,
        /// What is there.
        found: String,
    },
}

impl Script {
    /// Reads a script file: `.toml` is TOML, anything else JSON.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ScriptError::Read { path: path.to_owned(), source })?;
        let origin = path.display().to_string();
        if path.extension().is_some_and(|extension| extension == "toml") {
            Self::from_toml(&text, &origin)
        } else {
            Self::from_json(&text, &origin)
        }
    }

    /// Reads a JSON script; `origin` is what errors call it.
    pub fn from_json(text: &str, origin: &str) -> Result<Self, ScriptError> {
        let value = serde_json::from_str(text).map_err(|error| ScriptError::Syntax {
            origin: origin.to_owned(),
            format: "JSON",
            detail: error.to_string(),
        })?;
        Self::from_value(value, origin)
    }

    /// Reads a TOML script; `origin` is what errors call it.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ScriptError> {
        let value = toml::from_str(text).map_err(|error| ScriptError::Syntax {
            origin: origin.to_owned(),
            format: "TOML",
            detail: error.to_string(),
        })?;
        Self::from_value(value, origin)
    }

    /// Checks a script given as a value: a table with `turns`, or just the list of turns.
    pub fn from_value(value: Value, origin: &str) -> Result<Self, ScriptError> {
        let value = if value.is_array() { json!({"turns": value}) } else { value };
        Self::check(&value, origin).map_err(|mismatch| ScriptError::Shape {
            origin: origin.to_owned(),
            place: mismatch.place,
            expected: mismatch.expected,
            found: mismatch.found,
        })
    }

    fn check(value: &Value, origin: &str) -> Result<Self, Mismatch> {
        let root = At::new(value, "script");
        root.only(&["turns", "after_last", "routes", "note"])?;
        let after_last = match root.get("after_last")? {
            None => AfterLast::default(),
            Some(at) => match at.string()? {
                "error" => AfterLast::Error,
                "repeat_last" => AfterLast::RepeatLast,
                _ => return Err(at.mismatch("`error` or `repeat_last`")),
            },
        };
        let mut routes = Vec::new();
        for at in root.get("routes")?.map(|at| at.list()).transpose()?.unwrap_or_default() {
            at.only(&["method", "path", "status", "headers", "body"])?;
            let method = at.get("method")?.map_or(Ok("GET"), |method| method.string())?.to_ascii_uppercase();
            routes.push(Route {
                method,
                path: at.need("path")?.string()?.to_owned(),
                reply: parse_reply(&at)?,
            });
        }
        let mut turns = Vec::new();
        if let Some(list) = root.get("turns")? {
            for (index, at) in list.list()?.iter().enumerate() {
                Turn::parse(at.value, index)?;
                turns.push(at.value.clone());
            }
        }
        Ok(Self { turns, after_last, routes, origin: origin.to_owned() })
    }

    /// Number of turns.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether there is no turn at all.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// What errors call this script.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Turn `index` with its placeholders filled; `None` past the end.
    pub fn turn(&self, index: usize, variables: &Variables) -> Option<Result<Turn, ScriptError>> {
        let filled = variables.fill_value(self.turns.get(index)?);
        Some(Turn::parse(&filled, index).map_err(|mismatch| ScriptError::Shape {
            origin: self.origin.clone(),
            place: mismatch.place,
            expected: mismatch.expected,
            found: mismatch.found,
        }))
    }
}

const TURN_KEYS: &[&str] = &[
    "events",
    "raw",
    "usage",
    "status",
    "headers",
    "body",
    "delay_ms",
    "between_ms",
    "crlf",
    "chunk_bytes",
    "cut",
    "expect",
    "capture",
    "note",
];

impl Turn {
    fn parse(value: &Value, index: usize) -> Result<Self, Mismatch> {
        let at = At::new(value, format!("turn {}", index + 1));
        at.only(TURN_KEYS)?;
        let steps = match at.get("events")? {
            Some(list) => Some(list.list()?.iter().map(parse_step).collect::<Result<Vec<_>, _>>()?),
            None => None,
        };
        let cut = at.get("cut")?.map(|at| parse_cut(&at)).transpose()?;
        if steps.is_none() && at.get("status")?.is_none() && cut.is_none() {
            return Err(at.mismatch("`events` (a streamed answer), `status` (a plain one) or `cut`"));
        }
        if steps.is_some() && at.get("body")?.is_some() {
            return Err(at.mismatch("either `events` or `body`, not both"));
        }
        let expect = match at.get("expect")? {
            Some(list) => list.list()?.iter().map(Expectation::parse).collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        };
        Ok(Self {
            steps,
            reply: parse_reply(&at)?,
            raw: at.get("raw")?.map_or(Ok(false), |raw| raw.boolean())?,
            usage: at.get("usage")?.map_or(Ok(Usage::default()), |usage| parse_usage(&usage))?,
            delivery: parse_delivery(&at)?,
            cut,
            expect,
            capture: match at.get("capture")? {
                Some(list) => list.list()?.iter().map(Capture::parse).collect::<Result<Vec<_>, _>>()?,
                None => Vec::new(),
            },
        })
    }
}

fn parse_reply(at: &At<'_>) -> Result<Reply, Mismatch> {
    let status = match at.get("status")? {
        None => 200,
        Some(status) => u16::try_from(status.number()?)
            .ok()
            .filter(|code| (200..600).contains(code))
            .ok_or_else(|| status.mismatch("an HTTP status between 200 and 599"))?,
    };
    let headers = at.get("headers")?.map_or(Ok(Vec::new()), |headers| headers.string_map())?;
    let body = match at.get("body")?.map(|body| body.value) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    Ok(Reply { status, headers, body })
}

fn parse_usage(at: &At<'_>) -> Result<Usage, Mismatch> {
    at.only(&["input", "cached", "output", "reasoning"])?;
    let number = |key: &str| at.get(key)?.map_or(Ok(0), |value| value.number());
    Ok(Usage {
        input: number("input")?,
        cached: number("cached")?,
        output: number("output")?,
        reasoning: number("reasoning")?,
    })
}

fn parse_delivery(at: &At<'_>) -> Result<Delivery, Mismatch> {
    let wait = |key: &str| at.get(key)?.map_or(Ok(0), |value| value.number()).map(Duration::from_millis);
    let chunk_bytes = match at.get("chunk_bytes")? {
        None => None,
        Some(size) => Some(
            usize::try_from(size.number()?)
                .ok()
                .and_then(NonZeroUsize::new)
                .ok_or_else(|| size.mismatch("a number of bytes, one or more"))?,
        ),
    };
    Ok(Delivery {
        delay: wait("delay_ms")?,
        between: wait("between_ms")?,
        crlf: at.get("crlf")?.map_or(Ok(false), |crlf| crlf.boolean())?,
        chunk_bytes,
    })
}

fn parse_cut(at: &At<'_>) -> Result<Cut, Mismatch> {
    match at.string()? {
        "before_headers" => Ok(Cut::BeforeHeaders),
        "after_events" => Ok(Cut::AfterEvents),
        "clean_eof" => Ok(Cut::CleanEof),
        "hang" => Ok(Cut::Hang),
        _ => Err(at.mismatch("`before_headers`, `after_events`, `clean_eof` or `hang`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(value: Value) -> String {
        Script::from_value(value, "demo.json").unwrap_err().to_string()
    }

    #[test]
    fn errors_name_file_turn_and_expectation() {
        assert_eq!(
            error(json!([{"events": [{"say": "a"}]}, {"events": [{"say": 3}]}])),
            "demo.json: turn 2.events[0].say: expected a string, found 3"
        );
        assert!(error(json!([{}])).starts_with("demo.json: turn 1: expected `events`"));
        assert!(error(json!([{"events": [], "body": ""}])).contains("either `events` or `body`"));
        assert!(error(json!([{"status": 99}])).contains("turn 1.status: expected an HTTP status"));
        assert!(error(json!([{"cut": "later"}])).contains("turn 1.cut"));
        assert!(error(json!([{"events": [], "chunk_bytes": 0}])).contains("turn 1.chunk_bytes"));
        assert!(
            error(json!([{"events": [], "evnts": 1}])).contains("turn 1.evnts: expected one of the keys")
        );
        assert!(error(json!({"turns": [], "after_last": "x"})).contains("script.after_last"));
        assert!(
            Script::from_json("{", "x.json").unwrap_err().to_string().starts_with("x.json is not valid JSON")
        );
        assert!(
            Script::from_toml("a =", "x.toml")
                .unwrap_err()
                .to_string()
                .starts_with("x.toml is not valid TOML")
        );
    }

    #[test]
    fn toml_and_json_read_the_same() {
        let toml = r#"
            after_last = "repeat_last"
            [[turns]]
            usage = { input = 7, output = 2 }
            events = [{ say = "hi ${name}" }]
            [[turns]]
            status = 429
            headers = { retry-after = 1 }
            body = { error = { message = "slow" } }
        "#;
        let json = json!({"after_last": "repeat_last", "turns": [
            {"usage": {"input": 7, "output": 2}, "events": [{"say": "hi ${name}"}]},
            {"status": 429, "headers": {"retry-after": 1}, "body": {"error": {"message": "slow"}}}]});
        let variables = Variables::new().with("name", "Ada");
        let (a, b) = (Script::from_toml(toml, "t").unwrap(), Script::from_value(json, "j").unwrap());
        for index in 0..2 {
            assert_eq!(
                a.turn(index, &variables).unwrap().unwrap(),
                b.turn(index, &variables).unwrap().unwrap()
            );
        }
        let first = a.turn(0, &variables).unwrap().unwrap();
        assert_eq!(first.steps, Some(vec![Step::Say { text: "hi Ada".into(), phase: None }]));
        assert!(a.turn(2, &variables).is_none());
    }
}
