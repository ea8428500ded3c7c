//! What the engine asks of a model: the prompt, the settings of the sampling, and who is asking.
//!
//! Plain values that know no wire. What a newcomer would get wrong: [`TurnState`] is shared by all requests of one turn
//! and must be made anew for the next; it is how a provider keeps a turn on one of its machines.

use std::sync::{Arc, OnceLock};

use quire_protocol::{ReasoningEffort, ReasoningSummary, ResponseItem, ThreadId, Verbosity};
use serde_json::Value;

use crate::catalog::ModelInfo;

/// What the model is to read.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Base instructions.
    pub instructions: String,
    /// The conversation, oldest first.
    pub input: Arc<[ResponseItem]>,
    /// Tool specifications, already in the form of the wire.
    pub tools: Arc<[Value]>,
    /// Whether the model may call several tools at once.
    pub parallel_tool_calls: bool,
    /// JSON schema the answer must fit.
    pub output_schema: Option<Value>,
}

/// Which model, and how it is to work. An absent setting means the default of the catalog.
#[derive(Debug, Clone)]
pub struct Sampling {
    /// Slug as configured; sent as it is.
    pub model: String,
    /// Facts about the model.
    pub info: Arc<ModelInfo>,
    /// How hard it thinks.
    pub effort: Option<ReasoningEffort>,
    /// How much of its thinking it tells.
    pub summary: Option<ReasoningSummary>,
    /// How wordy it answers.
    pub verbosity: Option<Verbosity>,
    /// Service tier as configured; dropped if the model does not offer it.
    pub service_tier: Option<String>,
}

/// Which thread and turn a request belongs to.
#[derive(Debug, Clone)]
pub struct RequestIdentity {
    /// The thread.
    pub thread_id: ThreadId,
    /// The root thread; the thread itself unless it is a sub-agent.
    pub session_id: ThreadId,
    /// The thread that started this one, if one did.
    pub spawned_by: Option<ThreadId>,
    /// `{thread_id}:{n}`, n counting compactions.
    pub window_id: String,
    /// ASCII JSON for `x-codex-turn-metadata` (model-api sheet §3.2); no header when empty.
    pub turn_metadata: String,
    /// Content of `installation_id` in the home folder.
    pub installation_id: String,
    /// Comma list for `x-codex-beta-features`.
    pub beta_features: Option<String>,
    /// Routing token of the turn.
    pub turn_state: TurnState,
}

/// The routing token a provider gave to a turn. Clones share it; the first value stays (model-api sheet §3.4).
#[derive(Debug, Clone, Default)]
pub struct TurnState(Arc<OnceLock<String>>);

impl TurnState {
    /// The token, once a provider gave one.
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    pub(crate) fn remember(&self, token: &str) {
        // Later values are ignored on purpose.
        let _ = self.0.set(token.to_owned());
    }
}

/// Which program is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// Header `originator`.
    pub originator: String,
    /// Header `user-agent`.
    pub user_agent: String,
}
