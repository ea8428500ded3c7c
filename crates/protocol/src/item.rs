//! Turn items: what a person or a client sees of a turn (app-server sheet §8.1). Serialised, they *are* the app-server's
//! `ThreadItem`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{AgentCallStatus, AgentState, AgentTool, MessagePhase, ReasoningEffort, ThreadId, UserInput};

/// Who started a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CommandSource {
    /// The model, through a one-shot shell tool.
    Agent,
    /// The person.
    UserShell,
    /// The model, through a session tool.
    UnifiedExecStartup,
    /// The model, writing to a session.
    UnifiedExecInteraction,
}

/// How a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CommandStatus {
    /// Running.
    InProgress,
    /// Exit code 0.
    Completed,
    /// Any other end.
    Failed,
    /// Refused by a person.
    Declined,
}

/// What a command seems to do, for display.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum CommandAction {
    /// Reads a file.
    Read {
        /// The simple command.
        command: String,
        /// File name.
        name: String,
        /// Path as given, joined to the folder.
        path: PathBuf,
    },
    /// Lists files.
    ListFiles {
        /// The simple command.
        command: String,
        /// Where.
        path: Option<String>,
    },
    /// Searches.
    Search {
        /// The simple command.
        command: String,
        /// For what.
        query: Option<String>,
        /// Where.
        path: Option<String>,
    },
    /// Anything else.
    Unknown {
        /// The simple command.
        command: String,
    },
}

/// How a patch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PatchStatus {
    /// Being applied.
    InProgress,
    /// Applied.
    Completed,
    /// Not (fully) applied.
    Failed,
    /// Refused by a person.
    Declined,
}

/// What happens to a file, with what is needed to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// Created or overwritten.
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
        /// Hunks without file header.
        unified_diff: String,
        /// New path, when moved.
        move_path: Option<PathBuf>,
    },
}

/// Kind of a file change on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum PatchKind {
    /// Created.
    Add,
    /// Removed.
    Delete,
    /// Edited.
    Update {
        /// New path, when moved.
        move_path: Option<PathBuf>,
    },
}

/// One file of a patch on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUpdateChange {
    /// Absolute path.
    pub path: PathBuf,
    /// What happens.
    pub kind: PatchKind,
    /// Hunks for updates, the whole text otherwise.
    pub diff: String,
}

impl FileUpdateChange {
    /// The wire form of one change.
    pub fn new(path: PathBuf, change: &FileChange) -> Self {
        let (kind, diff) = match change {
            FileChange::Add { content } => (PatchKind::Add, content),
            FileChange::Delete { content } => (PatchKind::Delete, content),
            FileChange::Update { unified_diff, move_path } => {
                (PatchKind::Update { move_path: move_path.clone() }, unified_diff)
            }
        };
        Self { path, kind, diff: diff.clone() }
    }
}

/// What a web search did, as clients see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum WebSearchAction {
    /// Searched.
    Search {
        /// The query.
        query: Option<String>,
        /// All queries.
        queries: Option<Vec<String>>,
    },
    /// Opened a page.
    OpenPage {
        /// Its address.
        url: Option<String>,
    },
    /// Looked for a text in a page.
    FindInPage {
        /// Its address.
        url: Option<String>,
        /// The text.
        pattern: Option<String>,
    },
    /// Anything else, or not known yet.
    Other,
}

/// One thing that happened in a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TurnItem {
    /// A person's input.
    UserMessage {
        /// Item id.
        id: String,
        /// The client's own id of it.
        client_id: Option<String>,
        /// The input.
        content: Vec<UserInput>,
    },
    /// The model spoke.
    AgentMessage {
        /// Item id.
        id: String,
        /// What it said.
        text: String,
        /// Commentary or answer.
        phase: Option<MessagePhase>,
        /// Always null until memories exist.
        memory_citation: Option<serde_json::Value>,
    },
    /// The model thought.
    Reasoning {
        /// Item id.
        id: String,
        /// Summary parts.
        summary: Vec<String>,
        /// Raw parts.
        content: Vec<String>,
    },
    /// A command ran.
    CommandExecution {
        /// Item id: the call id.
        id: String,
        /// Shell-quoted command line.
        command: String,
        /// Where.
        cwd: PathBuf,
        /// Session id, when it has one.
        process_id: Option<String>,
        /// Who started it.
        source: CommandSource,
        /// How it stands.
        status: CommandStatus,
        /// What it seems to do.
        command_actions: Vec<CommandAction>,
        /// Everything it printed, once ended.
        aggregated_output: Option<String>,
        /// Exit code, once ended.
        exit_code: Option<i32>,
        /// How long it ran.
        duration_ms: Option<i64>,
    },
    /// Files changed.
    FileChange {
        /// Item id: the call id.
        id: String,
        /// The files, sorted by path.
        changes: Vec<FileUpdateChange>,
        /// How it stands.
        status: PatchStatus,
    },
    /// The model dealt with sub-agents.
    CollabAgentToolCall {
        /// Item id: the call id.
        id: String,
        /// What it did.
        tool: AgentTool,
        /// How the call stands.
        status: AgentCallStatus,
        /// The thread that called.
        sender_thread_id: ThreadId,
        /// The agents it is about.
        receiver_thread_ids: Vec<ThreadId>,
        /// What they were told.
        prompt: Option<String>,
        /// The model asked for, when one was started.
        model: Option<String>,
        /// The effort asked for, when one was started.
        reasoning_effort: Option<ReasoningEffort>,
        /// How the agents stand.
        agents_states: BTreeMap<ThreadId, AgentState>,
    },
    /// The provider searched the web.
    WebSearch {
        /// Item id.
        id: String,
        /// Display query.
        query: String,
        /// What it did.
        action: Option<WebSearchAction>,
    },
    /// The model looked at an image file.
    ImageView {
        /// Item id: the call id.
        id: String,
        /// The file.
        path: PathBuf,
    },
}

impl TurnItem {
    /// The item's id.
    pub fn id(&self) -> &str {
        match self {
            Self::UserMessage { id, .. }
            | Self::AgentMessage { id, .. }
            | Self::Reasoning { id, .. }
            | Self::CommandExecution { id, .. }
            | Self::FileChange { id, .. }
            | Self::CollabAgentToolCall { id, .. }
            | Self::WebSearch { id, .. }
            | Self::ImageView { id, .. } => id,
        }
    }
}
