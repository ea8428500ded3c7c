//! The goal of a thread: what it pursues over many turns, and what that has cost (tools sheet §6, rollout sheet §4.6).

use serde::{Deserialize, Serialize};

use crate::ThreadId;

/// How a goal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GoalStatus {
    /// Being pursued.
    Active,
    /// Put aside by a person.
    Paused,
    /// The model cannot go on without help.
    Blocked,
    /// The account's limit stopped it.
    UsageLimited,
    /// Its token budget is used up.
    BudgetLimited,
    /// Reached.
    Complete,
}

/// The goal of a thread. Field order is file order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goal {
    /// The thread.
    pub thread_id: ThreadId,
    /// What is to be reached.
    pub objective: String,
    /// How it stands.
    pub status: GoalStatus,
    /// Tokens it may cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_budget: Option<u64>,
    /// Tokens it has cost: input that was not cached, and output.
    #[serde(default)]
    pub tokens_used: u64,
    /// Seconds it was worked on.
    #[serde(default)]
    pub time_used_seconds: u64,
    /// Unix seconds.
    pub created_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
}

impl Goal {
    /// Tokens left of the budget, if there is one.
    pub fn remaining_tokens(&self) -> Option<u64> {
        self.token_budget.map(|budget| budget.saturating_sub(self.tokens_used))
    }
}
