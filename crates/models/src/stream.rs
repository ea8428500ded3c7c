//! One answer of a model, event by event.
//!
//! Pulled, not pushed: bytes are read from the connection only when the caller asks for an event and none is left, so
//! nothing piles up and dropping the stream stops everything. What a newcomer would get wrong: the idle limit runs from
//! event to event. Bytes that make no event, such as a proxy's comments, do not prolong it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Response;
use tokio::time::Instant;

use crate::error::{Disconnect, ModelError};
use crate::event::ModelEvent;
use crate::record::Tape;
use crate::sse::{SseReader, TooLarge};
use crate::wire::responses::Decoder;

/// No event is longer. The longest known ones carry a generated image.
const MAX_EVENT_BYTES: usize = 64 << 20;
/// Longest wait for the end of an answer that is complete already, before the next request is sent.
const READ_OUT_TIMEOUT: Duration = Duration::from_millis(20);
/// Most bytes read for the sake of a connection.
const MAX_READ_OUT: usize = 64 << 10;

/// The unread end of the last complete answer.
///
/// A connection is used again only when its answer was read to the end, and the end of a stream tends to arrive just
/// after its last event. Nobody waits for it then; it is read when the next request needs a connection.
#[derive(Clone, Default)]
pub(crate) struct Leftover(Arc<Mutex<Option<Response>>>);

impl Leftover {
    fn keep(&self, response: Response) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(response);
    }

    /// Frees the connection if the answer ends now; closes it otherwise.
    pub(crate) async fn read_out(&self) {
        let Some(mut response) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let end = async {
            let mut read = 0;
            while let Ok(Some(chunk)) = response.chunk().await {
                read += chunk.len();
                if read > MAX_READ_OUT {
                    break;
                }
            }
        };
        // A server that is late only costs the connection.
        let _ = tokio::time::timeout(READ_OUT_TIMEOUT, end).await;
    }
}

/// What a stream is made of.
pub(crate) struct StreamParts {
    pub(crate) response: Response,
    pub(crate) decoder: Decoder,
    /// Events that come before those of the body.
    pub(crate) ready: VecDeque<ModelEvent>,
    pub(crate) tape: Option<Tape>,
    pub(crate) idle: Duration,
    /// Takes the response when the answer is complete.
    pub(crate) leftover: Leftover,
}

/// The events of one answer. Ends after [`ModelEvent::Completed`] or an error.
pub struct ModelStream {
    /// Gone once the answer is over.
    response: Option<Response>,
    leftover: Leftover,
    sse: SseReader,
    decoder: Decoder,
    ready: VecDeque<ModelEvent>,
    tape: Option<Tape>,
    idle: Duration,
    deadline: Option<Instant>,
}

impl std::fmt::Debug for ModelStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelStream").field("over", &self.response.is_none()).finish_non_exhaustive()
    }
}

impl From<TooLarge> for ModelError {
    fn from(TooLarge { limit }: TooLarge) -> Self {
        Disconnect::EventTooLarge { limit }.into()
    }
}

impl ModelStream {
    pub(crate) fn new(parts: StreamParts) -> Self {
        Self {
            response: Some(parts.response),
            leftover: parts.leftover,
            sse: SseReader::new(MAX_EVENT_BYTES),
            decoder: parts.decoder,
            ready: parts.ready,
            tape: parts.tape,
            idle: parts.idle,
            deadline: None,
        }
    }

    /// The next event; `None` after the last. May be dropped while waiting and called again: nothing is lost.
    pub async fn next(&mut self) -> Option<Result<ModelEvent, ModelError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            self.response.as_ref()?;
            if let Err(error) = self.advance().await {
                self.response = None;
                self.tape = None; // Reports the exchange as cut.
                return Some(Err(error));
            }
        }
    }

    /// One step: decodes an event that is here, or waits for more bytes.
    async fn advance(&mut self) -> Result<(), ModelError> {
        if self.sse.next_event()? {
            self.deadline = None;
            return self.decode();
        }
        match self.chunk().await? {
            Some(chunk) => self.sse.push(&chunk),
            None => self.end_of_body()?,
        }
        Ok(())
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>, Disconnect> {
        let Some(response) = &mut self.response else { return Ok(None) };
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.idle);
        match tokio::time::timeout_at(deadline, response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| Disconnect::Broken(error.without_url())),
            Err(_elapsed) => Err(Disconnect::Idle),
        }
    }

    fn decode(&mut self) -> Result<(), ModelError> {
        if let Some(tape) = &mut self.tape {
            tape.event(self.sse.data());
        }
        self.decoder.decode(self.sse.data(), &mut self.ready)?;
        if matches!(self.ready.back(), Some(ModelEvent::Completed { .. })) {
            self.complete();
        }
        Ok(())
    }

    /// The connection is at its end without a completed answer, unless a last event lacks its blank line.
    fn end_of_body(&mut self) -> Result<(), ModelError> {
        if self.sse.finish()? {
            self.decode()?;
        }
        if self.response.is_none() {
            return Ok(());
        }
        self.complete();
        let failure = std::mem::take(&mut self.decoder).into_failure();
        Err(failure.unwrap_or_else(|| Disconnect::ClosedEarly.into()))
    }

    fn complete(&mut self) {
        if let Some(response) = self.response.take() {
            self.leftover.keep(response);
        }
        if let Some(tape) = self.tape.take() {
            tape.complete();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_beyond_the_bound_names_it() {
        let error = ModelError::from(TooLarge { limit: MAX_EVENT_BYTES });
        assert!(error.to_string().contains("67108864 bytes"), "{error}");
        assert_eq!(error.retry(), crate::Retry::Never);
    }
}
