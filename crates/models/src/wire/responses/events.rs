//! From the data of events to [`ModelEvent`]s (model-api sheet §5).
//!
//! The JSON `type` decides, the event's name does not count. Deltas come by the ten thousand, so nothing here builds a
//! tree of values: one pass finds the few fields that matter, items and responses are looked into only when needed.
//! What a newcomer would get wrong: `response.failed` does not end the stream. It is kept, a later `response.completed`
//! wins over it, and only the end of the stream reports it.

use std::borrow::Cow;
use std::collections::VecDeque;

use quire_protocol::{ResponseItem, TokenUsage};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::{Disconnect, ModelError};
use crate::event::ModelEvent;
use crate::http_error::{CONTEXT_CODE, CYBER_CODE, ErrorObject, OVERLOAD_CODES, cyber_policy};
use crate::retry::delay_from_message;

/// The fields that any event of interest may have.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    delta: Option<String>,
    item_id: Option<String>,
    call_id: Option<String>,
    summary_index: Option<u32>,
    content_index: Option<u32>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

/// What is kept between events.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    failure: Option<ModelError>,
    server_model: Option<String>,
}

impl Decoder {
    /// Notes the model that the answer's headers name; true if that is news.
    pub(crate) fn note_server_model(&mut self, model: &str) -> bool {
        let news = self.server_model.as_deref() != Some(model);
        if news {
            self.server_model = Some(model.to_owned());
        }
        news
    }

    /// The failure the provider announced, if the stream ends now.
    pub(crate) fn into_failure(self) -> Option<ModelError> {
        self.failure
    }

    /// Decodes one event. Nothing comes of events that are unknown or cannot be understood.
    pub(crate) fn decode(&mut self, data: &[u8], out: &mut VecDeque<ModelEvent>) -> Result<(), ModelError> {
        let frame: Frame<'_> = match serde_json::from_slice(data) {
            Ok(frame) => frame,
            Err(error) => {
                std::str::from_utf8(data).map_err(Disconnect::NotText)?;
                if data != b"[DONE]" {
                    tracing::debug!(%error, "skipped an event that is not JSON of the expected form");
                }
                return Ok(());
            }
        };
        if frame.response.is_some() || frame.headers.is_some() {
            self.look_for_model(&frame, out);
        }
        if let Some(event) = self.event(frame, data)? {
            out.push_back(event);
        }
        Ok(())
    }

    fn event(&mut self, frame: Frame<'_>, data: &[u8]) -> Result<Option<ModelEvent>, ModelError> {
        Ok(match &*frame.kind {
            "response.output_text.delta" => frame.delta.map(ModelEvent::TextDelta),
            "response.reasoning_summary_text.delta" => frame
                .summary_index
                .zip(frame.delta)
                .map(|(index, delta)| ModelEvent::ReasoningSummaryDelta { index, delta }),
            "response.reasoning_text.delta" => frame
                .content_index
                .zip(frame.delta)
                .map(|(index, delta)| ModelEvent::ReasoningTextDelta { index, delta }),
            "response.custom_tool_call_input.delta" => custom_input(frame),
            "response.reasoning_summary_part.added" => {
                frame.summary_index.map(|index| ModelEvent::ReasoningSummaryPartAdded { index })
            }
            "response.output_item.added" => frame.item.and_then(parse_item).map(ModelEvent::ItemAdded),
            "response.output_item.done" => frame.item.and_then(parse_item).map(ModelEvent::ItemDone),
            "response.created" => frame.response.map(|_| ModelEvent::Created),
            "response.metadata" => frame.metadata.and_then(verification),
            "response.completed" => frame.response.map(completed).transpose()?,
            "response.failed" => {
                self.failure = Some(failed(frame.response));
                None
            }
            "response.incomplete" => {
                self.failure = Some(incomplete(frame.response));
                None
            }
            "error" => {
                self.failure = Some(error_event(data));
                None
            }
            _ => None,
        })
    }

    /// The answering model may be named in the headers that an event carries.
    fn look_for_model(&mut self, frame: &Frame<'_>, out: &mut VecDeque<ModelEvent>) {
        #[derive(Deserialize)]
        struct Response<'a> {
            #[serde(borrow)]
            headers: Option<&'a RawValue>,
        }
        let nested = frame
            .response
            .and_then(|raw| serde_json::from_str::<Response<'_>>(raw.get()).ok())
            .and_then(|response| response.headers);
        let named = nested.and_then(model_header).or_else(|| frame.headers.and_then(model_header));
        if let Some(model) = named.filter(|model| self.note_server_model(model)) {
            out.push_back(ModelEvent::ServerModel(model));
        }
    }
}

fn model_header(headers: &RawValue) -> Option<String> {
    let headers: serde_json::Map<String, Value> = serde_json::from_str(headers.get()).ok()?;
    let (_, value) = headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("openai-model"))?;
    match value {
        Value::String(model) => Some(model),
        Value::Array(values) => values.into_iter().next()?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn custom_input(frame: Frame<'_>) -> Option<ModelEvent> {
    if frame.item_id.is_none() && frame.call_id.is_none() {
        return None;
    }
    Some(ModelEvent::CustomInputDelta { item_id: frame.item_id, call_id: frame.call_id, delta: frame.delta? })
}

fn parse_item(raw: &RawValue) -> Option<ResponseItem> {
    serde_json::from_str(raw.get())
        .inspect_err(|error| tracing::warn!(%error, "skipped an item of the model that cannot be understood"))
        .ok()
}

fn verification(raw: &RawValue) -> Option<ModelEvent> {
    #[derive(Deserialize)]
    struct Metadata {
        openai_verification_recommendation: Vec<String>,
    }
    let metadata: Metadata = serde_json::from_str(raw.get()).ok()?;
    Some(ModelEvent::VerificationRecommended(metadata.openai_verification_recommendation))
}

/// `id` and `total_tokens` may be missing: servers of other makers leave them out.
#[derive(Deserialize)]
struct Completed {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    end_turn: Option<bool>,
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: u64,
    #[serde(default)]
    input_tokens_details: Option<InputDetails>,
    output_tokens: u64,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
    #[serde(default)]
    total_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

fn completed(raw: &RawValue) -> Result<ModelEvent, ModelError> {
    let completed: Completed = serde_json::from_str(raw.get()).map_err(unreadable)?;
    let usage = completed.usage.map(|usage| TokenUsage {
        input_tokens: usage.input_tokens,
        cached_input_tokens: usage
            .input_tokens_details
            .and_then(|details| details.cached_tokens)
            .unwrap_or(0),
        output_tokens: usage.output_tokens,
        reasoning_output_tokens: usage
            .output_tokens_details
            .and_then(|details| details.reasoning_tokens)
            .unwrap_or(0),
        total_tokens: usage.total_tokens.unwrap_or(usage.input_tokens.saturating_add(usage.output_tokens)),
    });
    Ok(ModelEvent::Completed {
        response_id: completed.id.unwrap_or_default(),
        usage,
        end_turn: completed.end_turn,
    })
}

/// The position within the event tells nobody anything, and the reference does not give it.
fn unreadable(error: serde_json::Error) -> Disconnect {
    let text = error.to_string();
    let reason = text.split_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    Disconnect::Unreadable { reason: reason.to_owned() }
}

fn failed(response: Option<&RawValue>) -> ModelError {
    #[derive(Deserialize)]
    struct Failed {
        error: ErrorObject,
    }
    let error =
        response.and_then(|raw| serde_json::from_str::<Failed>(raw.get()).ok()).map(|failed| failed.error);
    match error {
        Some(error) => announced(error),
        None => unexplained(),
    }
}

/// `{"type":"error","error":{…}}` or `{"type":"error","code":…,"message":…}`: not part of the protocol, but sent.
fn error_event(data: &[u8]) -> ModelError {
    #[derive(Deserialize)]
    struct Nested {
        error: ErrorObject,
    }
    let nested = serde_json::from_slice::<Nested>(data).map(|nested| nested.error);
    nested.or_else(|_| serde_json::from_slice(data)).map_or_else(|_| unexplained(), announced)
}

fn unexplained() -> ModelError {
    Disconnect::Failed { message: "response.failed event received".to_owned(), delay: None }.into()
}

fn announced(error: ErrorObject) -> ModelError {
    let retryable = |error: ErrorObject, delay| {
        let message =
            error.message.or(error.code.map(|code| format!("the provider failed with code {code}")));
        message.map_or_else(unexplained, |message| Disconnect::Failed { message, delay }.into())
    };
    if error.has_code(&OVERLOAD_CODES) {
        return ModelError::Overloaded;
    }
    match error.code.as_deref() {
        Some(CONTEXT_CODE) => ModelError::ContextWindowExceeded,
        Some("insufficient_quota") => ModelError::QuotaExceeded,
        Some("usage_not_included") => ModelError::UsageNotIncluded,
        Some(CYBER_CODE) => cyber_policy(error.message),
        Some("invalid_prompt") => ModelError::InvalidPrompt {
            message: error.message.unwrap_or_else(|| "Invalid request.".to_owned()),
        },
        Some("rate_limit_exceeded") => {
            let delay = error.message.as_deref().and_then(delay_from_message);
            retryable(error, delay)
        }
        _ => retryable(error, None),
    }
}

fn incomplete(response: Option<&RawValue>) -> ModelError {
    #[derive(Deserialize)]
    struct Incomplete {
        incomplete_details: Details,
    }
    #[derive(Deserialize)]
    struct Details {
        reason: String,
    }
    let reason = response
        .and_then(|raw| serde_json::from_str::<Incomplete>(raw.get()).ok())
        .map_or_else(|| "unknown".to_owned(), |incomplete| incomplete.incomplete_details.reason);
    Disconnect::Incomplete { reason }.into()
}
