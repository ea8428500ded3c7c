//! Threads: starting, resuming, finding, leaving them (app-server sheet §8 and §9).

use std::path::PathBuf;

use quire_protocol::{
    ApprovalPolicy, GitFacts, Goal, NetworkAccess, ReasoningEffort, SandboxMode, SessionSource, ThreadId,
    ThreadSource, TurnId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::turn::Turn;

/// A thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Thread {
    /// Its id.
    pub id: ThreadId,
    /// Id of the root thread of its session.
    pub session_id: ThreadId,
    /// The thread it was forked from.
    pub forked_from_id: Option<ThreadId>,
    /// First user text; empty before the first turn.
    pub preview: String,
    /// Leaves no file.
    pub ephemeral: bool,
    /// Provider id.
    pub model_provider: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// What it does just now.
    pub status: ThreadStatus,
    /// Its rollout file. The file appears with the first turn.
    pub path: Option<PathBuf>,
    /// Working folder.
    pub cwd: PathBuf,
    /// Version of the program that made it.
    pub cli_version: String,
    /// Which front end began it.
    pub source: SessionSource,
    /// On whose behalf it runs.
    pub thread_source: Option<ThreadSource>,
    /// Name of a sub-agent.
    pub agent_nickname: Option<String>,
    /// Role of a sub-agent.
    pub agent_role: Option<String>,
    /// Repository facts; null until the first turn is stored.
    pub git_info: Option<GitInfo>,
    /// Name a person gave it.
    pub name: Option<String>,
    /// Its turns, only where a method says so.
    pub turns: Vec<Turn>,
}

/// What a thread does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ThreadStatus {
    /// Only stored.
    NotLoaded,
    /// Waits for input.
    Idle,
    /// Its last turn failed.
    SystemError,
    /// A turn runs.
    Active {
        /// What the turn waits for.
        active_flags: Vec<ThreadActiveFlag>,
    },
}

impl ThreadStatus {
    /// A turn runs and waits for nobody.
    pub const fn active() -> Self {
        Self::Active { active_flags: Vec::new() }
    }
}

/// What a running turn waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ThreadActiveFlag {
    /// Somebody's approval.
    WaitingOnApproval,
    /// Somebody's answer.
    WaitingOnUserInput,
}

/// Repository facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitInfo {
    /// `HEAD`.
    pub sha: Option<String>,
    /// Branch, unless detached.
    pub branch: Option<String>,
    /// URL of `origin`.
    pub origin_url: Option<String>,
}

impl From<GitFacts> for GitInfo {
    fn from(facts: GitFacts) -> Self {
        Self { sha: facts.commit_hash, branch: facts.branch, origin_url: facts.repository_url }
    }
}

/// What may be touched, in the protocol's spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum SandboxPolicy {
    /// Everything.
    DangerFullAccess,
    /// Nothing is written.
    ReadOnly {
        /// Whether the network is open.
        #[serde(default)]
        network_access: bool,
    },
    /// Somebody else confines us.
    ExternalSandbox {
        /// Whether that somebody lets the network through.
        #[serde(default)]
        network_access: NetworkAccess,
    },
    /// Workspace and temporary folders are writable.
    WorkspaceWrite {
        /// Further writable folders.
        #[serde(default)]
        writable_roots: Vec<PathBuf>,
        /// Whether the network is open.
        #[serde(default)]
        network_access: bool,
        /// Whether `$TMPDIR` stays read-only.
        #[serde(default)]
        exclude_tmpdir_env_var: bool,
        /// Whether `/tmp` stays read-only.
        #[serde(default)]
        exclude_slash_tmp: bool,
    },
}

impl From<quire_protocol::SandboxPolicy> for SandboxPolicy {
    fn from(policy: quire_protocol::SandboxPolicy) -> Self {
        use quire_protocol::SandboxPolicy as Stored;
        match policy {
            Stored::DangerFullAccess => Self::DangerFullAccess,
            Stored::ReadOnly { network_access } => Self::ReadOnly { network_access },
            Stored::ExternalSandbox { network_access } => Self::ExternalSandbox { network_access },
            Stored::WorkspaceWrite {
                writable_roots,
                network_access,
                exclude_tmpdir_env_var,
                exclude_slash_tmp,
            } => Self::WorkspaceWrite {
                writable_roots,
                network_access,
                exclude_tmpdir_env_var,
                exclude_slash_tmp,
            },
        }
    }
}

impl From<SandboxPolicy> for quire_protocol::SandboxPolicy {
    fn from(policy: SandboxPolicy) -> Self {
        match policy {
            SandboxPolicy::DangerFullAccess => Self::DangerFullAccess,
            SandboxPolicy::ReadOnly { network_access } => Self::ReadOnly { network_access },
            SandboxPolicy::ExternalSandbox { network_access } => Self::ExternalSandbox { network_access },
            SandboxPolicy::WorkspaceWrite {
                writable_roots,
                network_access,
                exclude_tmpdir_env_var,
                exclude_slash_tmp,
            } => Self::WorkspaceWrite {
                writable_roots,
                network_access,
                exclude_tmpdir_env_var,
                exclude_slash_tmp,
            },
        }
    }
}

/// Who answers questions about permissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalsReviewer {
    /// The person.
    #[default]
    User,
    /// A reviewing agent. Clients say `auto_review`; the server answers in the older word.
    #[serde(alias = "auto_review")]
    GuardianSubagent,
}

/// A named permission profile in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivePermissionProfile {
    /// Its id.
    pub id: String,
    /// The profile it builds on.
    pub extends: Option<String>,
}

/// Params of `thread/start`. What is left out comes from the config.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ThreadStartParams {
    /// Model slug.
    pub model: Option<String>,
    /// Provider id.
    pub model_provider: Option<String>,
    /// Working folder.
    pub cwd: Option<PathBuf>,
    /// When a person is asked.
    pub approval_policy: Option<ApprovalPolicy>,
    /// What may be touched.
    pub sandbox: Option<SandboxMode>,
    /// Dotted config keys, merged like `-c`.
    pub config: Option<Map<String, Value>>,
    /// Replaces the base instructions.
    pub base_instructions: Option<String>,
    /// Replaces the configured developer instructions.
    pub developer_instructions: Option<String>,
    /// Leave no file.
    pub ephemeral: Option<bool>,
    /// On whose behalf.
    pub thread_source: Option<ThreadSource>,
}

/// Params of `thread/resume`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ThreadResumeParams {
    /// Which thread. A text, because the server words the error when it is no id.
    pub thread_id: String,
    /// Its rollout file; wins over the id.
    pub path: Option<PathBuf>,
    /// Model slug.
    pub model: Option<String>,
    /// Provider id.
    pub model_provider: Option<String>,
    /// Working folder.
    pub cwd: Option<PathBuf>,
    /// When a person is asked.
    pub approval_policy: Option<ApprovalPolicy>,
    /// What may be touched.
    pub sandbox: Option<SandboxMode>,
    /// Dotted config keys, merged like `-c`.
    pub config: Option<Map<String, Value>>,
    /// Replaces the base instructions.
    pub base_instructions: Option<String>,
    /// Replaces the configured developer instructions.
    pub developer_instructions: Option<String>,
}

/// Result of `thread/start` and `thread/resume`: the thread and the settings it runs under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadSession {
    /// The thread.
    pub thread: Thread,
    /// Model slug.
    pub model: String,
    /// Provider id.
    pub model_provider: String,
    /// Service tier, if one is set.
    pub service_tier: Option<String>,
    /// Working folder.
    pub cwd: PathBuf,
    /// Workspace roots.
    pub runtime_workspace_roots: Vec<PathBuf>,
    /// Instruction files that were read.
    pub instruction_sources: Vec<PathBuf>,
    /// When a person is asked.
    pub approval_policy: ApprovalPolicy,
    /// Who answers then.
    pub approvals_reviewer: ApprovalsReviewer,
    /// What may be touched.
    pub sandbox: SandboxPolicy,
    /// The named profile in force, if one is.
    pub active_permission_profile: Option<ActivePermissionProfile>,
    /// Effort, if the user set one.
    pub reasoning_effort: Option<ReasoningEffort>,
}

/// Params of `quire/thread/find`, which the reference does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ThreadFindParams {
    /// By exact name; of several the one named last.
    Name(String),
    /// The one written to last, begun in this folder or, without one, anywhere.
    Latest {
        /// The folder.
        cwd: Option<PathBuf>,
    },
}

/// Result of `quire/thread/find`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadFindResponse {
    /// What was found.
    pub found: Option<FoundThread>,
    /// Names and ids that look like what was asked for, best first; only when nothing was found.
    pub nearest: Vec<String>,
}

/// A stored thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundThread {
    /// Its id.
    pub id: ThreadId,
    /// Its rollout file.
    pub path: PathBuf,
}

/// Params of `thread/unsubscribe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadUnsubscribeParams {
    /// Which thread.
    pub thread_id: String,
}

/// Result of `thread/unsubscribe`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadUnsubscribeResponse {
    /// What was found.
    pub status: ThreadUnsubscribeStatus,
}

/// What `thread/unsubscribe` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ThreadUnsubscribeStatus {
    /// The thread is not running.
    NotLoaded,
    /// It runs, but the connection had not subscribed.
    NotSubscribed,
    /// Done.
    Unsubscribed,
}

/// Params of `thread/started`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadStartedNotification {
    /// The thread. Boxed, because notifications are moved about by the thousand and threads seldom start.
    pub thread: Box<Thread>,
}

/// Params of `thread/status/changed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadStatusChangedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// What it does now.
    pub status: ThreadStatus,
}

/// Params of `thread/goal/updated`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadGoalUpdatedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// The turn it changed in.
    pub turn_id: Option<TurnId>,
    /// The goal as it is now.
    pub goal: Goal,
}

/// Params of `thread/closed`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadClosedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
}
