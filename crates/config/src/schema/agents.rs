//! Sub-agents and memories.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[agents]`. Every key that is none of its own names a role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentsToml {
    /// At most so many sub-agents at once, 1 or more. Default: 6.
    pub max_threads: Option<usize>,
    /// How deep sub-agents may start sub-agents, 1 or more. Default: 1.
    pub max_depth: Option<i32>,
    /// Longest run of an agent job, in seconds, 1 or more.
    pub job_max_runtime_seconds: Option<u64>,
    /// Whether an agent is told when its turn was interrupted. Default: true.
    pub interrupt_message: Option<bool>,
    /// Roles by name.
    #[serde(flatten)]
    pub roles: BTreeMap<String, AgentRoleToml>,
}

/// `[agents.<role>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRoleToml {
    /// What the role is for; the model chooses by it. A role without is dropped.
    pub description: Option<String>,
    /// Config file of agents in this role.
    pub config_file: Option<PathBuf>,
    /// Names that agents in this role may be given.
    pub nickname_candidates: Option<Vec<String>>,
}

/// `[memories]`. Numbers outside their range are moved to its nearest end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoriesToml {
    /// Whether threads that used MCP servers or web search are left out. Default: false.
    #[serde(alias = "no_memories_if_mcp_or_web_search")]
    pub disable_on_external_context: Option<bool>,
    /// Whether new threads become memories. Default: true.
    pub generate_memories: Option<bool>,
    /// Whether the model is given memories. Default: true.
    pub use_memories: Option<bool>,
    /// Whether the model gets tools of its own for memories. Default: false.
    pub dedicated_tools: Option<bool>,
    /// At most so many raw memories are consolidated, 1 to 4096. Default: 256.
    pub max_raw_memories_for_consolidation: Option<usize>,
    /// Memories unused for so many days are forgotten, 0 to 365. Default: 30.
    pub max_unused_days: Option<i64>,
    /// Threads older than so many days are not read, 0 to 90. Default: 10.
    pub max_rollout_age_days: Option<i64>,
    /// At most so many threads are read at a start, 1 to 128. Default: 2.
    pub max_rollouts_per_startup: Option<usize>,
    /// Threads must have been idle for so many hours, 1 to 48. Default: 6.
    pub min_rollout_idle_hours: Option<i64>,
    /// So much of the rate limit must be left, in percent, 0 to 100. Default: 25.
    pub min_rate_limit_remaining_percent: Option<i64>,
    /// Model that extracts memories from a thread.
    pub extract_model: Option<String>,
    /// Model that consolidates memories.
    pub consolidation_model: Option<String>,
}
