//! Sub-agents: threads that a thread started to work for it (app-server sheet §8.1, tools sheet §11).

use serde::{Deserialize, Serialize};

/// What was done with sub-agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AgentTool {
    /// One was started.
    SpawnAgent,
    /// One was spoken to.
    SendInput,
    /// A closed one was taken up again.
    ResumeAgent,
    /// Some were waited for.
    Wait,
    /// One was ended.
    CloseAgent,
}

/// How a call of an agent tool stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AgentCallStatus {
    /// Being carried out.
    InProgress,
    /// Carried out.
    Completed,
    /// Not carried out, or an agent failed.
    Failed,
}

/// What a sub-agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AgentActivity {
    /// It has not begun yet.
    PendingInit,
    /// It works.
    Running,
    /// It was stopped and can be spoken to.
    Interrupted,
    /// Its last turn is done.
    Completed,
    /// Its last turn failed.
    Errored,
    /// It is closed.
    Shutdown,
    /// There is no such agent.
    NotFound,
}

/// How a sub-agent stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    /// What it does.
    pub status: AgentActivity,
    /// Its last words, or why it failed.
    pub message: Option<String>,
}
