//! Token counts and rate limits (model-api sheet §9 and §10).

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens of one response, or a sum of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens sent, cached ones included.
    pub input_tokens: u64,
    /// The part of `input_tokens` the provider had cached.
    pub cached_input_tokens: u64,
    /// Tokens received, reasoning included.
    pub output_tokens: u64,
    /// The part of `output_tokens` spent on reasoning.
    pub reasoning_output_tokens: u64,
    /// The provider's own total.
    pub total_tokens: u64,
}

impl TokenUsage {
    /// What people are shown as "tokens used": input that was not cached, plus output.
    pub fn blended_total(&self) -> u64 {
        self.input_tokens.saturating_sub(self.cached_input_tokens) + self.output_tokens
    }
}

impl AddAssign<&TokenUsage> for TokenUsage {
    fn add_assign(&mut self, other: &TokenUsage) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.cached_input_tokens = self.cached_input_tokens.saturating_add(other.cached_input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.reasoning_output_tokens =
            self.reasoning_output_tokens.saturating_add(other.reasoning_output_tokens);
        self.total_tokens = self.total_tokens.saturating_add(other.total_tokens);
    }
}

/// Usage of a thread as stored in `token_count` events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsageInfo {
    /// Sum over every response of the thread.
    pub total_token_usage: TokenUsage,
    /// The last response alone.
    pub last_token_usage: TokenUsage,
    /// Usable tokens of the model's context window, if known.
    pub model_context_window: Option<u64>,
}

/// One rolling window of a rate limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateLimitWindow {
    /// Share used, in percent.
    pub used_percent: f64,
    /// Length of the window in minutes.
    pub window_minutes: Option<u64>,
    /// Unix seconds at which the window starts anew.
    pub resets_at: Option<i64>,
}

/// Prepaid credits of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credits {
    /// Whether the account has credits at all.
    pub has_credits: bool,
    /// Whether they never run out.
    pub unlimited: bool,
    /// Balance as the provider words it.
    pub balance: Option<String>,
}

/// What the provider last said about our rate limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateLimitSnapshot {
    /// Bucket id, `codex` unless the provider names another.
    pub limit_id: Option<String>,
    /// Display name of the bucket.
    pub limit_name: Option<String>,
    /// Short window.
    pub primary: Option<RateLimitWindow>,
    /// Long window.
    pub secondary: Option<RateLimitWindow>,
    /// Credits of the account.
    pub credits: Option<Credits>,
    /// Plan of the account.
    pub plan_type: Option<String>,
    /// Which limit was hit, if one was.
    pub rate_limit_reached_type: Option<String>,
}

impl Default for RateLimitSnapshot {
    fn default() -> Self {
        Self {
            limit_id: Some("codex".to_owned()),
            limit_name: None,
            primary: None,
            secondary: None,
            credits: None,
            plan_type: None,
            rate_limit_reached_type: None,
        }
    }
}
