//! From an HTTP answer that is no success to a [`ModelError`] (model-api sheet §6, upper half of the table).
//!
//! In come status, headers and the bounded body; the clock comes in too, for "try again at". What a newcomer would get
//! wrong: a 400 is shown as its raw body, all other statuses as the `error.message` inside it.

use jiff::Zoned;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{ModelError, StatusReport};
use crate::{rate_limits, usage_limit};

/// An answer with an error status.
pub(crate) struct ErrorAnswer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// The URL that was asked.
    pub(crate) url: &'a str,
}

/// The error object of a body, as far as it can be read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorObject {
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) code: Option<String>,
    #[serde(default, deserialize_with = "lenient", rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) plan_type: Option<String>,
    #[serde(default)]
    pub(crate) resets_at: Option<Value>,
}

/// A string, or nothing if it is something else: some servers send numbers as codes.
fn lenient<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

impl ErrorObject {
    fn of_body(body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            error: ErrorObject,
        }
        serde_json::from_slice::<Body>(body).map(|body| body.error).unwrap_or_default()
    }

    pub(crate) fn has_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

/// Codes that mean: no room for this model now.
pub(crate) const OVERLOAD_CODES: [&str; 2] = ["server_is_overloaded", "slow_down"];
/// Code that means: the history does not fit the model.
pub(crate) const CONTEXT_CODE: &str = "context_length_exceeded";
/// Code that means: refused for safety.
pub(crate) const CYBER_CODE: &str = "cyber_policy";
/// Shown when such a refusal gives no reason.
const CYBER_FALLBACK: &str = "The provider refused this request because of a possible cybersecurity risk.";
/// How a provider says that it cannot read an image.
const INVALID_IMAGE: &str = "does not represent a valid image";

/// A refusal for safety with the provider's reason, or ours if it gives none.
pub(crate) fn cyber_policy(message: Option<String>) -> ModelError {
    let message = message.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| CYBER_FALLBACK.to_owned());
    ModelError::CyberPolicy { message }
}

impl ErrorAnswer<'_> {
    /// What the answer means.
    pub(crate) fn to_error(&self, now: &Zoned) -> ModelError {
        let object = ErrorObject::of_body(self.body);
        match self.status {
            StatusCode::BAD_REQUEST => self.bad_request(object),
            StatusCode::TOO_MANY_REQUESTS => self.too_many_requests(&object, now),
            StatusCode::INTERNAL_SERVER_ERROR => ModelError::InternalServer,
            StatusCode::SERVICE_UNAVAILABLE if object.has_code(&OVERLOAD_CODES) => ModelError::Overloaded,
            _ => ModelError::Status(self.report(object)),
        }
    }

    fn bad_request(&self, object: ErrorObject) -> ModelError {
        let body = String::from_utf8_lossy(self.body);
        if object.has_code(&[CYBER_CODE]) {
            cyber_policy(object.message)
        } else if object.has_code(&[CONTEXT_CODE]) {
            ModelError::ContextWindowExceeded
        } else if body.contains(INVALID_IMAGE) {
            ModelError::InvalidImage
        } else {
            ModelError::BadRequest { body: body.into_owned() }
        }
    }

    fn too_many_requests(&self, object: &ErrorObject, now: &Zoned) -> ModelError {
        match object.kind.as_deref() {
            Some("usage_limit_reached") => {
                let rate_limits = rate_limits::active(self.headers);
                let resets_at = object.resets_at.as_ref().and_then(Value::as_i64);
                ModelError::UsageLimit(Box::new(usage_limit::describe(usage_limit::Facts {
                    plan: object.plan_type.as_deref(),
                    resets_at,
                    promo: self.header("x-codex-promo-message").as_deref(),
                    rate_limits,
                    now,
                })))
            }
            Some("usage_not_included") => ModelError::UsageNotIncluded,
            _ => ModelError::TooManyRequests { request_id: self.request_id() },
        }
    }

    fn report(&self, object: ErrorObject) -> StatusReport {
        let text = String::from_utf8_lossy(self.body);
        let body = match object.message {
            Some(message) => message,
            None if text.trim().is_empty() => "Unknown error".to_owned(),
            None => text.into_owned(),
        };
        StatusReport {
            status: self.status,
            body,
            url: self.url.to_owned(),
            cf_ray: self.header("cf-ray"),
            request_id: self.request_id(),
        }
    }

    fn request_id(&self) -> Option<String> {
        self.header("x-request-id").or_else(|| self.header("x-oai-request-id"))
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }
}
