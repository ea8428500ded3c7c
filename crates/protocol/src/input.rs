//! What goes into a thread: a person's input, and the settings a turn runs under.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ApprovalPolicy, ImageDetail, SandboxPolicy, TurnId};

/// One part of a person's input (app-server sheet §8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum UserInput {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// An image by URL.
    Image {
        /// `data:` or `https:`.
        url: String,
        /// Wanted detail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<ImageDetail>,
    },
    /// An image file.
    LocalImage {
        /// Its path.
        path: PathBuf,
        /// Wanted detail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<ImageDetail>,
    },
}

/// How hard the model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningEffort {
    /// Not at all.
    None,
    /// Barely.
    Minimal,
    /// A little.
    Low,
    /// Normally.
    Medium,
    /// A lot.
    High,
    /// As much as it can.
    Xhigh,
}

impl ReasoningEffort {
    /// The name as written in config and requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
        }
    }
}

/// How much of its reasoning the model summarises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningSummary {
    /// The provider decides.
    #[default]
    Auto,
    /// Short.
    Concise,
    /// Long.
    Detailed,
    /// None.
    None,
}

impl ReasoningSummary {
    /// The name as written in config and requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Concise => "concise",
            Self::Detailed => "detailed",
            Self::None => "none",
        }
    }
}

/// How wordy the model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// Short.
    Low,
    /// Normal.
    Medium,
    /// Long.
    High,
}

/// Plan first, or work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModeKind {
    /// Work.
    #[default]
    Default,
    /// Plan.
    Plan,
}

/// A collaboration mode with its settings, as stored in `turn_context`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollaborationMode {
    /// Which mode.
    pub mode: ModeKind,
    /// Its settings.
    pub settings: CollaborationSettings,
}

/// Settings of a collaboration mode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollaborationSettings {
    /// Model slug.
    pub model: String,
    /// Effort, if the user set one.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Instructions that replace the built-in ones of the mode.
    pub developer_instructions: Option<String>,
}

/// Settings that a turn changes for itself and those after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurnOverrides {
    /// Working folder.
    pub cwd: Option<PathBuf>,
    /// When to ask.
    pub approval_policy: Option<ApprovalPolicy>,
    /// What may be touched.
    pub sandbox_policy: Option<SandboxPolicy>,
    /// Model slug.
    pub model: Option<String>,
    /// Effort.
    pub effort: Option<ReasoningEffort>,
    /// Reasoning summary.
    pub summary: Option<ReasoningSummary>,
}

/// What a client asks of a thread.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Start a turn with this input, or steer the running one.
    UserInput {
        /// Id of the turn to start; the caller chose it, so that it can answer before the turn begins.
        turn_id: TurnId,
        /// The input.
        items: Vec<UserInput>,
        /// Changed settings.
        overrides: Box<TurnOverrides>,
        /// JSON Schema of the final answer, for this turn only.
        output_schema: Option<Value>,
    },
    /// Stop the running turn. Does nothing when none runs.
    Interrupt,
    /// End the thread: interrupt, kill what still runs, write the log out.
    Shutdown,
}
