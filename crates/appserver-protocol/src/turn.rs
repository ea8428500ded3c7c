//! Turns and what happens in them (app-server sheet §10 and §11).

use std::path::PathBuf;

use quire_protocol::{
    ApprovalPolicy, PlanStep, ReasoningEffort, ReasoningSummary, StepStatus, ThreadId, TurnError, TurnId,
    TurnStatus, UserInput,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ThreadItem;
use crate::thread::SandboxPolicy;

/// A turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    /// Its id.
    pub id: TurnId,
    /// Its items, as far as `items_view` says. Notifications never carry them.
    pub items: Vec<ThreadItem>,
    /// How much of the items is here.
    pub items_view: TurnItemsView,
    /// How it stands.
    pub status: TurnStatus,
    /// Why it failed.
    pub error: Option<TurnError>,
    /// Unix seconds.
    pub started_at: Option<i64>,
    /// Unix seconds.
    pub completed_at: Option<i64>,
    /// Milliseconds.
    pub duration_ms: Option<i64>,
}

impl Turn {
    /// A turn that was accepted and has not begun.
    pub fn accepted(id: TurnId) -> Self {
        Self {
            id,
            items: Vec::new(),
            items_view: TurnItemsView::NotLoaded,
            status: TurnStatus::InProgress,
            error: None,
            started_at: None,
            completed_at: None,
            duration_ms: None,
        }
    }
}

/// How much of a turn's items a message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TurnItemsView {
    /// None.
    NotLoaded,
    /// The input and the answer.
    Summary,
    /// All.
    Full,
}

/// Params of `turn/start`. Overrides stay for later turns, except `output_schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnStartParams {
    /// Which thread.
    pub thread_id: String,
    /// The input.
    pub input: Vec<UserInput>,
    /// Working folder.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
    /// When a person is asked.
    #[serde(default)]
    pub approval_policy: Option<ApprovalPolicy>,
    /// What may be touched.
    #[serde(default)]
    pub sandbox_policy: Option<SandboxPolicy>,
    /// Model slug.
    #[serde(default)]
    pub model: Option<String>,
    /// Effort.
    #[serde(default)]
    pub effort: Option<ReasoningEffort>,
    /// Reasoning summary.
    #[serde(default)]
    pub summary: Option<ReasoningSummary>,
    /// JSON Schema of the final answer.
    #[serde(default)]
    pub output_schema: Option<Value>,
}

impl TurnStartParams {
    /// A turn with this input and no overrides.
    pub fn new(thread_id: ThreadId, input: Vec<UserInput>) -> Self {
        Self {
            thread_id: thread_id.to_string(),
            input,
            cwd: None,
            approval_policy: None,
            sandbox_policy: None,
            model: None,
            effort: None,
            summary: None,
            output_schema: None,
        }
    }
}

/// Result of `turn/start`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnStartResponse {
    /// The turn that was accepted.
    pub turn: Turn,
}

/// Params of `turn/interrupt`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnInterruptParams {
    /// Which thread.
    pub thread_id: String,
    /// Which turn; empty for whichever runs or is about to.
    pub turn_id: String,
}

/// Result of `turn/interrupt`: `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnInterruptResponse {}

/// Params of `turn/started` and `turn/completed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// The turn, without items.
    pub turn: Turn,
}

/// Params of `item/started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemStartedNotification {
    /// The item.
    pub item: ThreadItem,
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Unix milliseconds.
    pub started_at_ms: i64,
}

/// Params of `item/completed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemCompletedNotification {
    /// The item in its last state.
    pub item: ThreadItem,
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Unix milliseconds.
    pub completed_at_ms: i64,
}

/// Params of `item/agentMessage/delta` and `item/commandExecution/outputDelta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemDeltaNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Which item.
    pub item_id: String,
    /// By what it grew.
    pub delta: String,
}

/// Params of `item/reasoning/summaryTextDelta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningSummaryTextDeltaNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Which item.
    pub item_id: String,
    /// By what it grew.
    pub delta: String,
    /// Which part of the summary.
    pub summary_index: u32,
}

/// Params of `item/reasoning/summaryPartAdded`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningSummaryPartAddedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Which item.
    pub item_id: String,
    /// Which part of the summary.
    pub summary_index: u32,
}

/// Params of `item/reasoning/textDelta`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningTextDeltaNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Which item.
    pub item_id: String,
    /// By what it grew.
    pub delta: String,
    /// Which raw part.
    pub content_index: u32,
}

/// Params of `item/commandExecution/terminalInteraction`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminalInteractionNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Which item.
    pub item_id: String,
    /// Which session.
    pub process_id: String,
    /// What was typed.
    pub stdin: String,
}

/// Params of `turn/plan/updated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnPlanUpdatedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// Why, in the model's words.
    pub explanation: Option<String>,
    /// All steps.
    pub plan: Vec<TurnPlanStep>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnPlanStep {
    /// What.
    pub step: String,
    /// How it stands.
    pub status: TurnPlanStepStatus,
}

/// State of a plan step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TurnPlanStepStatus {
    /// Not begun.
    Pending,
    /// Being worked on.
    InProgress,
    /// Done.
    Completed,
}

impl From<PlanStep> for TurnPlanStep {
    fn from(step: PlanStep) -> Self {
        let status = match step.status {
            StepStatus::Pending => TurnPlanStepStatus::Pending,
            StepStatus::InProgress => TurnPlanStepStatus::InProgress,
            StepStatus::Completed => TurnPlanStepStatus::Completed,
        };
        Self { step: step.step, status }
    }
}

/// Params of `turn/diff/updated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnDiffUpdatedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// All changes of the turn, as one git-style diff.
    pub diff: String,
}
