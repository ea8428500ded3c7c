//! Notices: things people should know that are no items (app-server sheet §4 and §7).

use std::path::PathBuf;

use quire_protocol::{ThreadId, TurnError, TurnId};
use serde::{Deserialize, Serialize};

/// Params of `error`: something failed in a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorNotification {
    /// What.
    pub error: TurnError,
    /// Whether it is tried again; if not, the turn fails.
    pub will_retry: bool,
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
}

/// Params of `warning`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WarningNotification {
    /// Which thread, if it is about one.
    pub thread_id: Option<ThreadId>,
    /// The text.
    pub message: String,
}

/// Params of `deprecationNotice`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeprecationNoticeNotification {
    /// What will go away.
    pub summary: String,
    /// What to do about it.
    pub details: Option<String>,
}

/// Params of `configWarning`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigWarningNotification {
    /// What is wrong.
    pub summary: String,
    /// More about it.
    pub details: Option<String>,
    /// In which file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Where in that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<TextRange>,
}

/// A range of a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRange {
    /// First position.
    pub start: TextPosition,
    /// Last position.
    pub end: TextPosition,
}

/// A position in a text file, both numbers from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextPosition {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

/// Params of `model/rerouted`: another model answered than was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelReroutedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Asked.
    pub from_model: String,
    /// Answered.
    pub to_model: String,
    /// Why.
    pub reason: ModelRerouteReason,
}

/// Why another model answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ModelRerouteReason {
    /// The only reason the protocol knows.
    HighRiskCyberActivity,
}
