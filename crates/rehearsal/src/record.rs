//! Writing down what a provider answered, as a script that plays back the same.
//!
//! In comes one [`RecordedExchange`] per model request, out goes a JSON script that is complete and valid after
//! every exchange: each time the whole file is written beside the old one and moved over it. Requests are not
//! recorded, and of the answer's headers only those on a short list, so that no credential can end up in the file.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// Answer headers that change what a client does and carry no secret.
const KEPT_HEADERS: &[&str] = &[
    "cf-ray",
    "content-type",
    "openai-model",
    "retry-after",
    "x-models-etag",
    "x-oai-request-id",
    "x-reasoning-included",
    "x-request-id",
];
/// Rate-limit and routing headers share this prefix.
const KEPT_PREFIX: &str = "x-codex-";

/// One answer of a provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordedExchange {
    /// HTTP status.
    pub status: u16,
    /// Answer headers; only harmless ones are written.
    pub headers: Vec<(String, String)>,
    /// The events of a streamed answer, in order.
    pub events: Vec<Value>,
    /// The body of an answer that was no stream.
    pub body: Option<String>,
    /// The stream ended without a proper end.
    pub cut: bool,
}

/// The recording cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the recording {}: {source}", path.display())]
pub struct RecordError {
    path: PathBuf,
    source: std::io::Error,
}

/// Writes a script file, one turn per exchange.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    turns: Vec<Value>,
}

impl Recorder {
    /// Starts a recording; an existing file is replaced. The folder must exist.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, RecordError> {
        let recorder = Self { path: path.into(), turns: Vec::new() };
        recorder.save()?;
        Ok(recorder)
    }

    /// Adds one answer. When this returns, the file on disk holds it.
    pub fn record_exchange(&mut self, exchange: &RecordedExchange) -> Result<(), RecordError> {
        self.turns.push(turn_of(exchange));
        self.save()
    }

    /// The file being written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn save(&self) -> Result<(), RecordError> {
        self.write().map_err(|source| RecordError { path: self.path.clone(), source })
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Temporary files are created readable by their owner only (0600) and keep that when moved.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut file, &json!({"turns": self.turns}))?;
        file.write_all(b"\n")?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn turn_of(exchange: &RecordedExchange) -> Value {
    let mut turn = Map::new();
    turn.insert("status".into(), json!(exchange.status));
    let headers: Map<String, Value> = exchange
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| KEPT_HEADERS.contains(&name.as_str()) || name.starts_with(KEPT_PREFIX))
        .map(|(name, value)| (name, json!(value)))
        .collect();
    if !headers.is_empty() {
        turn.insert("headers".into(), Value::Object(headers));
    }
    if let Some(body) = &exchange.body {
        turn.insert("body".into(), json!(body));
    } else {
        turn.insert("raw".into(), json!(true));
        turn.insert("events".into(), exchange.events.iter().map(playable).collect());
    }
    if exchange.cut {
        turn.insert("cut".into(), json!("after_events"));
    }
    Value::Object(turn)
}

/// Events without a `type` cannot be told from short forms; they are kept as bytes.
fn playable(event: &Value) -> Value {
    let plain = event.get("type").is_some_and(Value::is_string);
    if plain { event.clone() } else { json!({"wire": format!("data: {event}\n\n")}) }
}
