//! Events: what a thread tells those who listen. Live only; what is *stored* is a [`crate::RolloutEvent`].

use serde::{Deserialize, Serialize};

use crate::{Goal, RateLimitSnapshot, TokenUsageInfo, TurnId, TurnItem};

/// Something happened in a thread.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The turn it belongs to; `None` for thread-wide notices.
    pub turn_id: Option<TurnId>,
    /// What happened.
    pub kind: EventKind,
}

/// The kinds of events.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A turn began.
    TurnStarted {
        /// Unix seconds.
        started_at: i64,
    },
    /// A turn ended. Nothing of that turn follows.
    TurnCompleted {
        /// How.
        status: TurnStatus,
        /// Why, when it failed.
        error: Option<TurnError>,
        /// Unix seconds.
        started_at: i64,
        /// Unix seconds.
        completed_at: i64,
        /// Milliseconds.
        duration_ms: i64,
    },
    /// An item began.
    ItemStarted(TurnItem),
    /// An item reached its last state.
    ItemCompleted(TurnItem),
    /// The model's answer grew.
    AgentMessageDelta {
        /// Which item.
        item_id: String,
        /// By what.
        delta: String,
    },
    /// A new part of the reasoning summary began.
    ReasoningSummaryPartAdded {
        /// Which item.
        item_id: String,
        /// Which part.
        summary_index: u32,
    },
    /// The reasoning summary grew.
    ReasoningSummaryDelta {
        /// Which item.
        item_id: String,
        /// By what.
        delta: String,
        /// Which part.
        summary_index: u32,
    },
    /// The raw reasoning grew.
    ReasoningTextDelta {
        /// Which item.
        item_id: String,
        /// By what.
        delta: String,
        /// Which part.
        content_index: u32,
    },
    /// A command printed.
    CommandOutputDelta {
        /// Which item.
        item_id: String,
        /// What, lossily decoded.
        delta: String,
    },
    /// The model typed into a running command.
    TerminalInteraction {
        /// Which item.
        item_id: String,
        /// Session id.
        process_id: String,
        /// What it typed.
        stdin: String,
    },
    /// The plan changed.
    PlanUpdated {
        /// Why, in the model's words.
        explanation: Option<String>,
        /// All steps.
        plan: Vec<PlanStep>,
    },
    /// The turn's changes to files, as one git-style diff.
    TurnDiff {
        /// The diff.
        unified_diff: String,
    },
    /// Tokens were counted.
    TokenUsage(TokenUsageInfo),
    /// The provider spoke of rate limits.
    RateLimits(RateLimitSnapshot),
    /// The thread's goal was set, cost something, or stands differently.
    GoalUpdated(Goal),
    /// Something failed; the turn goes on only if `will_retry`.
    Error {
        /// What.
        error: TurnError,
        /// Whether it is tried again.
        will_retry: bool,
    },
    /// Something the person should know.
    Warning {
        /// The text.
        message: String,
    },
    /// Something in the config will go away.
    Deprecation {
        /// What.
        summary: String,
        /// What to do.
        details: Option<String>,
    },
    /// The provider answered with another model than asked.
    ModelRerouted {
        /// Asked.
        from_model: String,
        /// Answered.
        to_model: String,
    },
    /// The thread is over; no event follows.
    ShutdownComplete,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TurnStatus {
    /// Not yet.
    InProgress,
    /// The model was done.
    Completed,
    /// Somebody stopped it.
    Interrupted,
    /// It could not go on.
    Failed,
}

/// Why a turn failed, as clients see it (app-server sheet §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnError {
    /// For people.
    pub message: String,
    /// For programs.
    pub codex_error_info: Option<CodexErrorInfo>,
    /// The cause, when the message is about a retry.
    pub additional_details: Option<String>,
}

/// Classes of errors that programs tell apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum CodexErrorInfo {
    /// The history does not fit the model.
    ContextWindowExceeded,
    /// The account's limit is used up.
    UsageLimitExceeded,
    /// The provider is busy.
    ServerOverloaded,
    /// Refused for safety.
    CyberPolicy,
    /// The provider failed.
    InternalServerError,
    /// The credential was refused.
    Unauthorized,
    /// The provider did not understand.
    BadRequest,
    /// The sandbox failed.
    SandboxError,
    /// Could not connect.
    HttpConnectionFailed {
        /// Status, if there was an answer.
        http_status_code: Option<u16>,
    },
    /// Could not open the stream.
    ResponseStreamConnectionFailed {
        /// Status, if there was an answer.
        http_status_code: Option<u16>,
    },
    /// The stream broke.
    ResponseStreamDisconnected {
        /// Status, if there was an answer.
        http_status_code: Option<u16>,
    },
    /// All attempts failed.
    ResponseTooManyFailedAttempts {
        /// Status of the last.
        http_status_code: Option<u16>,
    },
    /// Everything else.
    Other,
}

/// State of a plan step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Being worked on.
    InProgress,
    /// Done.
    Completed,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// What.
    pub step: String,
    /// How it stands.
    pub status: StepStatus,
}
