//! Letting somebody write exchanges down, so that they can be played back.
//!
//! Whoever implements [`ExchangeRecorder`] gets every answer of a provider once it ended or broke: status, harmless
//! headers and the raw JSON of each event. Requests are not handed over. What a newcomer would get wrong: a stream that
//! is dropped half way (an interrupted turn) is an exchange too, reported as cut while it is being dropped.

use std::sync::Arc;

use reqwest::header::HeaderMap;

/// Told about every exchange.
pub trait ExchangeRecorder: Send + Sync {
    /// An exchange ended. Called on the runtime's threads: must not block for long.
    fn exchange_ended(&self, exchange: Exchange);
}

/// One answer of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// HTTP status.
    pub status: u16,
    /// Headers that matter to a client and hold no secret.
    pub headers: Vec<(String, String)>,
    /// The data of each event, in order, as received.
    pub events: Vec<String>,
    /// The body of an answer that was no stream.
    pub body: Option<String>,
    /// The stream broke, or was left, before it was complete.
    pub cut: bool,
}

/// Headers worth keeping; those with the prefix `x-codex-` are kept too.
const KEPT_HEADERS: [&str; 8] = [
    "cf-ray",
    "content-type",
    "openai-model",
    "retry-after",
    "x-models-etag",
    "x-oai-request-id",
    "x-reasoning-included",
    "x-request-id",
];

/// More than this is not held in memory for the recorder; what comes after is lost and the exchange counts as cut.
const MAX_RECORDED_BYTES: usize = 64 << 20;

pub(crate) fn harmless_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| KEPT_HEADERS.contains(&name.as_str()) || name.as_str().starts_with("x-codex-"))
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect()
}

/// An exchange while it is going on. Reports itself when it ends, or is dropped.
pub(crate) struct Tape {
    recorder: Arc<dyn ExchangeRecorder>,
    exchange: Option<Exchange>,
    bytes: usize,
    overflowed: bool,
}

impl Tape {
    pub(crate) fn new(recorder: Arc<dyn ExchangeRecorder>, status: u16, headers: &HeaderMap) -> Self {
        let exchange = Exchange {
            status,
            headers: harmless_headers(headers),
            events: Vec::new(),
            body: None,
            cut: true,
        };
        Self { recorder, exchange: Some(exchange), bytes: 0, overflowed: false }
    }

    pub(crate) fn event(&mut self, data: &[u8]) {
        let Some(exchange) = &mut self.exchange else { return };
        self.bytes = self.bytes.saturating_add(data.len());
        self.overflowed |= self.bytes > MAX_RECORDED_BYTES;
        if !self.overflowed {
            exchange.events.push(String::from_utf8_lossy(data).into_owned());
        }
    }

    /// The answer was no stream.
    pub(crate) fn body(mut self, body: &[u8]) {
        if let Some(exchange) = &mut self.exchange {
            exchange.body = Some(String::from_utf8_lossy(body).into_owned());
        }
        self.complete();
    }

    /// The server ended the answer properly.
    pub(crate) fn complete(mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.cut = self.overflowed;
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            self.recorder.exchange_ended(exchange);
        }
    }
}
