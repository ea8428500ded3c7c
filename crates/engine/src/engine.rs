//! The engine: makes threads, finds stored ones, and holds what all of them share.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use quire_config::Config;
use quire_protocol::{
    ApprovalPolicy, Event, GitFacts, ReasoningEffort, ReasoningSummary, ResponseItem, SandboxPolicy,
    SessionSource, ThreadId, ThreadSource, TokenUsageInfo, UserInput,
};
use quire_store::Clock;
use tokio::sync::mpsc;

use crate::identity::ClientInfo;
use crate::runtime::IdSource;
use crate::thread::ThreadHandle;

/// What all threads of a process share. Nothing here is opened or looked up before a thread needs it.
pub struct EngineOptions {
    /// `CODEX_HOME`.
    pub home: PathBuf,
    /// Which program speaks: `codex_exec`, `codex-tui`, or a client's name.
    pub originator: String,
    /// The client, for the user agent's suffix.
    pub client: ClientInfo,
    /// Our own executable: started again as sandbox and patch helper.
    pub helper_exe: PathBuf,
    /// Environment for commands, before the user's policy.
    pub env: Vec<(OsString, OsString)>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn IdSource>,
    /// Where provider exchanges are recorded to, if they are.
    pub recorder: Option<Arc<dyn quire_models::ExchangeRecorder>>,
}

/// How a thread begins.
#[derive(Debug, Clone)]
pub struct NewThread {
    /// No rollout file; cannot be resumed.
    pub ephemeral: bool,
    /// Which front end.
    pub source: SessionSource,
    /// On whose behalf.
    pub thread_source: Option<ThreadSource>,
    /// Replaces the base instructions.
    pub base_instructions: Option<String>,
    /// Replaces the configured developer instructions.
    pub developer_instructions: Option<String>,
}

/// Which stored thread to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResumeTarget {
    /// By id.
    Id(ThreadId),
    /// By rollout file.
    Path(PathBuf),
}

/// A thread that was started or resumed.
pub struct StartedThread {
    /// Facts about it.
    pub info: ThreadInfo,
    /// Takes ops. Clones share the thread; when the last is dropped the thread shuts down.
    pub handle: ThreadHandle,
    /// Everything that happens. Bounded: a reader that stops reading stops the thread.
    pub events: mpsc::Receiver<Event>,
}

/// Facts about a thread as its client is told them.
#[derive(Debug, Clone)]
pub struct ThreadInfo {
    /// The thread.
    pub id: ThreadId,
    /// Its session: the id of the root thread.
    pub session_id: ThreadId,
    /// First user text, if it has one.
    pub preview: String,
    /// Whether it leaves no file.
    pub ephemeral: bool,
    /// Provider id.
    pub model_provider: String,
    /// Model slug.
    pub model: String,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
    /// Its rollout file (which may not exist yet).
    pub path: Option<PathBuf>,
    /// Working folder.
    pub cwd: PathBuf,
    /// Which front end began it.
    pub source: SessionSource,
    /// On whose behalf it runs.
    pub thread_source: Option<ThreadSource>,
    /// Repository facts, once stored.
    pub git: Option<GitFacts>,
    /// Service tier, if one is set.
    pub service_tier: Option<String>,
    /// When a person is asked.
    pub approval_policy: ApprovalPolicy,
    /// What may be touched.
    pub sandbox_policy: SandboxPolicy,
    /// Effort, if the user set one.
    pub effort: Option<ReasoningEffort>,
    /// Reasoning summary.
    pub summary: ReasoningSummary,
    /// Workspace roots.
    pub workspace_roots: Vec<PathBuf>,
    /// Instruction files that were read.
    pub instruction_sources: Vec<PathBuf>,
    /// What was odd about the stored thread (skipped lines, a repaired end).
    pub notices: Vec<String>,
    /// Tokens used so far.
    pub token_usage: Option<TokenUsageInfo>,
}

/// Why a thread could not be started or resumed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The home cannot be used.
    #[error("{0}")]
    Home(String),
    /// The rollout cannot be used.
    #[error("{0}")]
    Rollout(String),
    /// The provider or model settings cannot be used.
    #[error("{0}")]
    Model(String),
}

/// Makes threads.
pub struct Engine {
    pub(crate) options: EngineOptions,
}

impl Engine {
    /// An engine with these options. Opens nothing.
    pub fn new(options: EngineOptions) -> Arc<Self> {
        Arc::new(Self { options })
    }

    /// Starts a thread. Its rollout file appears with the first turn.
    pub async fn start_thread(
        self: &Arc<Self>,
        config: Config,
        params: NewThread,
    ) -> Result<StartedThread, EngineError> {
        crate::birth::start(Arc::clone(self), config, params).await
    }

    /// What a new thread would tell the model along with `input`. Nothing is sent or written.
    pub async fn preview(
        &self,
        config: &Config,
        params: &NewThread,
        input: &[UserInput],
    ) -> Result<Vec<ResponseItem>, EngineError> {
        crate::preview::items(self, config, params, input).await
    }

    /// Goes on with a stored thread.
    pub async fn resume_thread(
        self: &Arc<Self>,
        config: Config,
        target: ResumeTarget,
        params: NewThread,
    ) -> Result<StartedThread, EngineError> {
        crate::birth::resume(Arc::clone(self), config, target, params).await
    }
}
