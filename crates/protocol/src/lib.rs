//! The vocabulary of Quire: what a conversation, a turn and a permission *are*.
//!
//! Plain data and serde, no I/O. Every other crate speaks these words; this one knows no other crate.
//! A newcomer's trap: [`ResponseItem`] is what the *model* sees (and what the rollout stores), [`TurnItem`] is what a
//! *person or client* sees. One command call is two response items (call and output) but a single turn item.

mod agent;
mod event;
mod goal;
mod ids;
mod input;
mod item;
mod model_item;
mod permissions;
mod rollout;
mod usage;

pub use agent::{AgentActivity, AgentCallStatus, AgentState, AgentTool};
pub use event::{CodexErrorInfo, Event, EventKind, PlanStep, StepStatus, TurnError, TurnStatus};
pub use goal::{Goal, GoalStatus};
pub use ids::{ParseThreadIdError, ThreadId, TurnId};
pub use input::{
    CollaborationMode, CollaborationSettings, ModeKind, Op, ReasoningEffort, ReasoningSummary, TurnOverrides,
    UserInput, Verbosity,
};
pub use item::{
    CommandAction, CommandSource, CommandStatus, FileChange, FileUpdateChange, PatchKind, PatchStatus,
    TurnItem, WebSearchAction,
};
pub use model_item::{
    ContentItem, ImageDetail, LocalShellAction, MessagePhase, OutputContent, ReasoningContent,
    ReasoningSummaryPart, ResponseItem, Role, SearchAction, ToolOutput,
};
pub use permissions::{
    Access, ApprovalPolicy, FileSystemEntry, FileSystemPath, FileSystemPolicy, GranularApproval,
    NetworkAccess, PROTECTED_NAMES, PermissionProfile, SandboxMode, SandboxPolicy, SpecialPath,
};
pub use rollout::{
    BaseInstructions, Compacted, FileSystemSandboxPolicy, GitFacts, PatchChange, RolloutEvent, RolloutItem,
    RolloutLine, SessionMeta, SessionSource, ThreadSource, TurnContext,
};
pub use usage::{Credits, RateLimitSnapshot, RateLimitWindow, TokenUsage, TokenUsageInfo};

/// The version of the reference whose behaviour, files and wire formats this program reproduces. It is written to
/// session files (`cli_version`) and sent in the user agent, because other programs key their parsing on it.
pub const REFERENCE_VERSION: &str = "0.136.0";
