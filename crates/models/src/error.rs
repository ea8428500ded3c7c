//! What can go wrong with a model request, and what follows from it (model-api sheet §6).
//!
//! Each error knows its message, its class for programs and whether sampling again makes sense. The messages have the
//! reference's shapes, because scripts match on them; a sentence that nothing parses is in our own words. What a
//! newcomer would get wrong: an HTTP error that was retried inside the request may still be retried by the caller.

use std::time::Duration;

use quire_protocol::{CodexErrorInfo, RateLimitSnapshot};
use reqwest::StatusCode;

use crate::retry::Retry;

/// A client cannot be made from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The credential would come from a program.
    #[error(
        "model provider `{provider}` takes its token from the command `{command}`, which is not supported yet; \
         put the token into a variable and name that with env_key"
    )]
    CommandAuth {
        /// Display name of the provider.
        provider: String,
        /// The program.
        command: String,
    },
    /// Requests would have nowhere to go.
    #[error("base_url `{base_url}` of model provider `{provider}` is not a usable URL: {reason}")]
    BaseUrl {
        /// Display name of the provider.
        provider: String,
        /// As configured.
        base_url: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// A model request failed.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The answer did not come, or not completely.
    #[error("stream disconnected before completion: {0}")]
    Disconnected(#[from] Disconnect),
    /// An HTTP status without a meaning of its own.
    #[error("unexpected status {0}")]
    Status(StatusReport),
    /// Status 500.
    #[error("The provider failed to answer; it may be under high demand. Try again in a moment.")]
    InternalServer,
    /// The provider has no room for the model.
    #[error("Selected model is at capacity. Choose another model, or try again later.")]
    Overloaded,
    /// Status 400; the message is the body.
    #[error("{body}")]
    BadRequest {
        /// As received.
        body: String,
    },
    /// Refused for safety.
    #[error("{message}")]
    CyberPolicy {
        /// The provider's reason.
        message: String,
    },
    /// The provider cannot read an image of the conversation.
    #[error(
        "Invalid image in the conversation: the provider cannot read it. Remove it and send the message again."
    )]
    InvalidImage,
    /// The history does not fit the model.
    #[error(
        "The conversation no longer fits the model's context window. Start a new thread, or remove earlier parts, \
         and try again."
    )]
    ContextWindowExceeded,
    /// The account's limit is used up.
    #[error("{}", .0.message)]
    UsageLimit(Box<UsageLimit>),
    /// The account's plan does not contain this.
    #[error("Your plan does not include this usage. Upgrade to Plus: https://chatgpt.com/explore/plus")]
    UsageNotIncluded,
    /// The account has no money left.
    #[error("Quota exceeded. Check your plan and billing details.")]
    QuotaExceeded,
    /// Status 429 without a usage limit.
    #[error("exceeded retry limit, last status: {}{}", StatusCode::TOO_MANY_REQUESTS, id_suffix(.request_id.as_deref()))]
    TooManyRequests {
        /// The provider's id of the request.
        request_id: Option<String>,
    },
    /// The provider will not answer this prompt.
    #[error("{message}")]
    InvalidPrompt {
        /// The provider's reason.
        message: String,
    },
    /// The credential is not where the provider's configuration says.
    #[error("Missing environment variable: `{name}`.{}", spaced(.instructions.as_deref()))]
    MissingEnvironmentVariable {
        /// Its name.
        name: String,
        /// How to get one, in the words of the configuration.
        instructions: Option<String>,
    },
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The request cannot be written as JSON.
    #[error("the request to the model cannot be encoded: {0}")]
    Encode(#[source] serde_json::Error),
}

/// Why an answer is not complete.
#[derive(Debug, thiserror::Error)]
pub enum Disconnect {
    /// No answer at all.
    #[error("error sending request for url ({url})")]
    Send {
        /// Where to.
        url: String,
        /// What the transport says.
        source: Option<reqwest::Error>,
    },
    /// Nothing came for too long.
    #[error("idle timeout waiting for SSE")]
    Idle,
    /// The connection broke.
    #[error("Transport error: network error: {0}")]
    Broken(#[source] reqwest::Error),
    /// The provider stopped too early.
    #[error("stream closed before response.completed")]
    ClosedEarly,
    /// The provider gave up, with its reason.
    #[error("{message}")]
    Failed {
        /// The reason.
        message: String,
        /// How long it wants us to wait.
        delay: Option<Duration>,
    },
    /// The provider stopped the model.
    #[error("Incomplete response returned, reason: {reason}")]
    Incomplete {
        /// The provider's word for it.
        reason: String,
    },
    /// The end of the answer cannot be understood.
    #[error("failed to parse ResponseCompleted: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// Not text.
    #[error("UTF8 error: {0}")]
    NotText(#[source] std::str::Utf8Error),
    /// One event is bigger than any event should be.
    #[error("the provider sent an event of more than {limit} bytes, the most that is accepted")]
    EventTooLarge {
        /// The bound.
        limit: usize,
    },
}

/// The HTTP client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// Additional root certificates cannot be read.
    #[error(
        "cannot read the certificates {path} named by {variable}: {source}; correct the variable or unset it"
    )]
    ReadCertificates {
        /// Which variable.
        variable: &'static str,
        /// Its value.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Additional root certificates are not certificates.
    #[error(
        "{path}, named by {variable}, is not a usable PEM bundle: {reason}; correct the variable or unset it"
    )]
    BadCertificates {
        /// Which variable.
        variable: &'static str,
        /// Its value.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The library refuses.
    #[error("cannot set up the HTTP client: {0}")]
    Build(#[source] reqwest::Error),
}

/// An HTTP answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The status.
    pub status: StatusCode,
    /// What the body says.
    pub body: String,
    /// Where the request went.
    pub url: String,
    /// Cloudflare's id of the request.
    pub cf_ray: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
}

impl std::fmt::Display for StatusReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}, url: {}", self.status, self.body, self.url)?;
        if let Some(ray) = &self.cf_ray {
            write!(f, ", cf-ray: {ray}")?;
        }
        f.write_str(&id_suffix(self.request_id.as_deref()))
    }
}

/// The account's limit is used up.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageLimit {
    /// What to tell the user.
    pub message: String,
    /// Unix seconds at which it starts anew.
    pub resets_at: Option<i64>,
    /// The limits as the answer's headers tell them.
    pub rate_limits: RateLimitSnapshot,
}

fn id_suffix(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(", request id: {id}")).unwrap_or_default()
}

fn spaced(instructions: Option<&str>) -> String {
    instructions.map(|text| format!(" {text}")).unwrap_or_default()
}

impl ModelError {
    /// What to tell people.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// What to tell programs.
    pub fn info(&self) -> CodexErrorInfo {
        match self {
            Self::InternalServer => CodexErrorInfo::InternalServerError,
            Self::Overloaded => CodexErrorInfo::ServerOverloaded,
            Self::CyberPolicy { .. } => CodexErrorInfo::CyberPolicy,
            Self::InvalidImage => CodexErrorInfo::BadRequest,
            Self::ContextWindowExceeded => CodexErrorInfo::ContextWindowExceeded,
            Self::UsageLimit(_) | Self::UsageNotIncluded | Self::QuotaExceeded => {
                CodexErrorInfo::UsageLimitExceeded
            }
            Self::TooManyRequests { .. } => CodexErrorInfo::ResponseTooManyFailedAttempts {
                http_status_code: Some(StatusCode::TOO_MANY_REQUESTS.as_u16()),
            },
            _ => CodexErrorInfo::Other,
        }
    }

    /// The status that notices about retries name. Those of errors with a class of their own are not named.
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Status(report) => Some(report.status.as_u16()),
            Self::TooManyRequests { .. } => Some(StatusCode::TOO_MANY_REQUESTS.as_u16()),
            _ => None,
        }
    }

    /// Whether the caller should sample again.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Disconnected(Disconnect::Failed { delay, .. }) => Retry::Stream { delay: *delay },
            Self::Disconnected(Disconnect::EventTooLarge { .. }) => Retry::Never,
            Self::Disconnected(_) | Self::Status(_) | Self::InternalServer => Retry::Stream { delay: None },
            _ => Retry::Never,
        }
    }

    /// The rate limits that came with the error.
    pub fn rate_limits(&self) -> Option<&RateLimitSnapshot> {
        match self {
            Self::UsageLimit(limit) => Some(&limit.rate_limits),
            _ => None,
        }
    }
}
