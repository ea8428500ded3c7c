//! Lines of a rollout file (rollout sheet §1 and §4). Field order is file order; what we do not know we tolerate.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    ApprovalPolicy, CollaborationMode, FileChange, FileSystemEntry, Goal, MessagePhase, ModeKind,
    PermissionProfile, RateLimitSnapshot, ReasoningEffort, ReasoningSummary, ResponseItem, SandboxPolicy,
    SearchAction, ThreadId, TokenUsageInfo, TurnId, UserInput,
};

/// One line of a rollout file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutLine {
    /// When the line was written: UTC, three sub-second digits, `Z`.
    pub timestamp: String,
    /// The content.
    #[serde(flatten)]
    pub item: RolloutItem,
}

/// The five kinds of lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
pub enum RolloutItem {
    /// Who and where; always first.
    SessionMeta(SessionMeta),
    /// What the model sees.
    ResponseItem(ResponseItem),
    /// History was condensed.
    Compacted(Compacted),
    /// Settings of a turn.
    TurnContext(TurnContext),
    /// What a person saw.
    EventMsg(RolloutEvent),
}

/// First line of a rollout (rollout sheet §4.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionMeta {
    /// The thread.
    pub id: ThreadId,
    /// The thread it was forked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from_id: Option<ThreadId>,
    /// When the session began.
    pub timestamp: String,
    /// Where.
    pub cwd: PathBuf,
    /// Which program.
    pub originator: String,
    /// Which version.
    pub cli_version: String,
    /// Which front end.
    #[serde(default)]
    pub source: SessionSource,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_source: Option<ThreadSource>,
    /// Name of a sub-agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_nickname: Option<String>,
    /// Role of a sub-agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_role: Option<String>,
    /// Path of a sub-agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_path: Option<String>,
    /// Provider id.
    pub model_provider: Option<String>,
    /// The system text.
    #[serde(default)]
    pub base_instructions: Option<BaseInstructions>,
    /// Tools the client brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_tools: Option<Vec<Value>>,
    /// Whether memories may be made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mode: Option<String>,
    /// Repository facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitFacts>,
}

/// The system text of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseInstructions {
    /// The text.
    pub text: String,
}

/// What git said when the session began. Credentials in the URL are stripped before it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitFacts {
    /// `HEAD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_hash: Option<String>,
    /// Branch, unless detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// URL of `origin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_url: Option<String>,
}

/// Which front end began a session (rollout sheet §4.2). Shapes we do not know are kept as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionSource(pub Value);

impl SessionSource {
    /// `exec`.
    pub fn exec() -> Self {
        Self(Value::String("exec".to_owned()))
    }

    /// `vscode`: every app-server client.
    pub fn vscode() -> Self {
        Self(Value::String("vscode".to_owned()))
    }

    /// A thread that another one started.
    pub fn spawned(parent: ThreadId, nickname: &str, role: Option<&str>) -> Self {
        Self(json!({"subagent": {"thread_spawn": {
            "parent_thread_id": parent, "depth": 1, "agent_path": null,
            "agent_nickname": nickname, "agent_role": role,
        }}}))
    }

    /// The thread that started this one, if one did.
    pub fn parent(&self) -> Option<ThreadId> {
        self.0.get("subagent")?.get("thread_spawn")?.get("parent_thread_id")?.as_str()?.parse().ok()
    }
}

impl Default for SessionSource {
    fn default() -> Self {
        Self::vscode()
    }
}

/// On whose behalf a thread runs. An unknown value makes the line invalid, as in the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreadSource {
    /// A person.
    User,
    /// Another agent.
    Subagent,
    /// Housekeeping.
    MemoryConsolidation,
}

/// History was condensed (rollout sheet §4.4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compacted {
    /// Lead-in and summary.
    pub message: String,
    /// What replaces all earlier history. Absent in old files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement_history: Option<Vec<ResponseItem>>,
}

/// Settings of a turn (rollout sheet §4.3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnContext {
    /// The turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<TurnId>,
    /// Working folder.
    pub cwd: PathBuf,
    /// Workspace roots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workspace_roots: Vec<PathBuf>,
    /// Local date, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_date: Option<String>,
    /// IANA zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// When to ask.
    pub approval_policy: ApprovalPolicy,
    /// What may be touched, in the older words.
    pub sandbox_policy: SandboxPolicy,
    /// What may be touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission_profile: Option<PermissionProfile>,
    /// The file part again, when `sandbox_policy` cannot express it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system_sandbox_policy: Option<FileSystemSandboxPolicy>,
    /// Model slug.
    pub model: String,
    /// Personality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personality: Option<String>,
    /// Collaboration mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collaboration_mode: Option<CollaborationMode>,
    /// Whether a voice conversation runs.
    #[serde(default)]
    pub realtime_active: Option<bool>,
    /// Effort, if the user set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<ReasoningEffort>,
    /// Reasoning summary.
    #[serde(default)]
    pub summary: ReasoningSummary,
}

/// File part of a profile as `turn_context` repeats it (tag `kind` instead of `type`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FileSystemSandboxPolicy {
    /// Only what the entries allow.
    Restricted {
        /// The entries.
        entries: Vec<FileSystemEntry>,
        /// How deep globs are looked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        glob_scan_max_depth: Option<usize>,
    },
    /// Everything.
    Unrestricted,
}

/// A file change as stored in `patch_apply_end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PatchChange {
    /// Created.
    Add {
        /// The text.
        content: String,
    },
    /// Removed.
    Delete {
        /// The text it had.
        content: String,
    },
    /// Edited.
    Update {
        /// Hunks.
        unified_diff: String,
        /// New path.
        move_path: Option<PathBuf>,
    },
}

impl From<&FileChange> for PatchChange {
    fn from(change: &FileChange) -> Self {
        match change.clone() {
            FileChange::Add { content } => Self::Add { content },
            FileChange::Delete { content } => Self::Delete { content },
            FileChange::Update { unified_diff, move_path } => Self::Update { unified_diff, move_path },
        }
    }
}

/// Stored events (rollout sheet §4.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RolloutEvent {
    /// A turn began.
    #[serde(alias = "turn_started")]
    TaskStarted {
        /// The turn.
        #[serde(default)]
        turn_id: Option<TurnId>,
        /// Unix seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        started_at: Option<i64>,
        /// Usable context tokens.
        #[serde(default)]
        model_context_window: Option<u64>,
        /// Mode.
        #[serde(default)]
        collaboration_mode_kind: ModeKind,
    },
    /// A turn ended.
    #[serde(alias = "turn_complete")]
    TaskComplete {
        /// The turn.
        #[serde(default)]
        turn_id: Option<TurnId>,
        /// Its last message; null when it failed.
        #[serde(default)]
        last_agent_message: Option<String>,
        /// Unix seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        completed_at: Option<i64>,
        /// Milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<i64>,
        /// Milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time_to_first_token_ms: Option<i64>,
    },
    /// A turn was stopped.
    TurnAborted {
        /// The turn.
        #[serde(default)]
        turn_id: Option<TurnId>,
        /// `interrupted`, `replaced`, `review_ended`, `budget_limited`.
        reason: String,
        /// Unix seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        completed_at: Option<i64>,
        /// Milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_ms: Option<i64>,
    },
    /// What the person typed.
    UserMessage {
        /// Text parts joined.
        message: String,
        /// Image URLs.
        #[serde(default)]
        images: Option<Vec<String>>,
        /// Image files.
        #[serde(default)]
        local_images: Vec<PathBuf>,
        /// Ranges of the text that mean something to a front end.
        #[serde(default)]
        text_elements: Vec<Value>,
    },
    /// What the model said.
    AgentMessage {
        /// The text.
        message: String,
        /// Commentary or answer.
        #[serde(default)]
        phase: Option<MessagePhase>,
        /// Which memories it used.
        #[serde(default)]
        memory_citation: Option<Value>,
    },
    /// One summary part.
    AgentReasoning {
        /// The text.
        text: String,
    },
    /// One raw part.
    AgentReasoningRawContent {
        /// The text.
        text: String,
    },
    /// Tokens were counted.
    TokenCount {
        /// Totals; null before the first response.
        info: Option<TokenUsageInfo>,
        /// Limits.
        rate_limits: Option<RateLimitSnapshot>,
    },
    /// A patch was applied, or not.
    PatchApplyEnd {
        /// The call.
        call_id: String,
        /// The turn.
        #[serde(default)]
        turn_id: Option<TurnId>,
        /// What the patch tool printed.
        stdout: String,
        /// What it complained of.
        stderr: String,
        /// Whether all of it was applied.
        success: bool,
        /// Absolute path to change.
        #[serde(default)]
        changes: BTreeMap<PathBuf, PatchChange>,
        /// `completed`, `failed`, `declined`.
        #[serde(default)]
        status: String,
    },
    /// The provider searched the web.
    WebSearchEnd {
        /// Its id.
        call_id: String,
        /// Display query.
        query: String,
        /// What it did.
        action: SearchAction,
    },
    /// History was condensed.
    ContextCompacted,
    /// Turns were taken back.
    ThreadRolledBack {
        /// How many.
        num_turns: u32,
    },
    /// The thread's goal was set, cost something, or stands differently. The last one holds.
    #[serde(rename_all = "camelCase")]
    ThreadGoalUpdated {
        /// The thread.
        thread_id: ThreadId,
        /// The turn, unless it changed between turns.
        #[serde(default)]
        turn_id: Option<TurnId>,
        /// The goal as it is now.
        goal: Goal,
    },
    /// A kind this version does not act on.
    #[serde(other)]
    Other,
}

impl RolloutEvent {
    /// The `user_message` event of an input (engine sheet §3).
    pub fn user_message(input: &[UserInput]) -> Self {
        let mut message = String::new();
        let mut images = Vec::new();
        let mut local_images = Vec::new();
        for part in input {
            match part {
                UserInput::Text { text } => message.push_str(text),
                UserInput::Image { url, .. } => images.push(url.clone()),
                UserInput::LocalImage { path, .. } => local_images.push(path.clone()),
            }
        }
        Self::UserMessage { message, images: Some(images), local_images, text_elements: Vec::new() }
    }
}
