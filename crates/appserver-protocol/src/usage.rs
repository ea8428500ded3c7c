//! Token counts and rate limits in the protocol's spelling.

use quire_protocol::{ThreadId, TurnId};
use serde::{Deserialize, Serialize};

/// Params of `thread/tokenUsage/updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadTokenUsageUpdatedNotification {
    /// Which thread.
    pub thread_id: ThreadId,
    /// Which turn.
    pub turn_id: TurnId,
    /// The counts.
    pub token_usage: ThreadTokenUsage,
}

/// Tokens of a thread.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThreadTokenUsage {
    /// Over the whole thread.
    pub total: TokenUsageBreakdown,
    /// Of the last response.
    pub last: TokenUsageBreakdown,
    /// Usable tokens of the model's context window, if known.
    pub model_context_window: Option<u64>,
}

impl From<&quire_protocol::TokenUsageInfo> for ThreadTokenUsage {
    fn from(info: &quire_protocol::TokenUsageInfo) -> Self {
        Self {
            total: (&info.total_token_usage).into(),
            last: (&info.last_token_usage).into(),
            model_context_window: info.model_context_window,
        }
    }
}

/// Tokens, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenUsageBreakdown {
    /// The provider's own total.
    pub total_tokens: u64,
    /// Sent, cached ones included.
    pub input_tokens: u64,
    /// The cached part of it.
    pub cached_input_tokens: u64,
    /// Received, reasoning included.
    pub output_tokens: u64,
    /// The reasoning part of it.
    pub reasoning_output_tokens: u64,
}

impl TokenUsageBreakdown {
    /// What people are shown as "tokens used": input that was not cached, plus output.
    pub fn blended_total(&self) -> u64 {
        self.input_tokens.saturating_sub(self.cached_input_tokens).saturating_add(self.output_tokens)
    }
}

impl From<&quire_protocol::TokenUsage> for TokenUsageBreakdown {
    fn from(usage: &quire_protocol::TokenUsage) -> Self {
        Self {
            total_tokens: usage.total_tokens,
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            reasoning_output_tokens: usage.reasoning_output_tokens,
        }
    }
}

/// Params of `account/rateLimits/updated`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountRateLimitsUpdatedNotification {
    /// The limits.
    pub rate_limits: RateLimitSnapshot,
}

/// What the provider last said about our rate limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitSnapshot {
    /// Bucket id.
    pub limit_id: Option<String>,
    /// Display name of the bucket.
    pub limit_name: Option<String>,
    /// Short window.
    pub primary: Option<RateLimitWindow>,
    /// Long window.
    pub secondary: Option<RateLimitWindow>,
    /// Credits of the account.
    pub credits: Option<CreditsSnapshot>,
    /// Plan of the account.
    pub plan_type: Option<String>,
    /// Which limit was hit, if one was.
    pub rate_limit_reached_type: Option<String>,
}

/// One rolling window of a rate limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RateLimitWindow {
    /// Share used, in whole percent.
    pub used_percent: i32,
    /// Length of the window in minutes.
    pub window_duration_mins: Option<u64>,
    /// Unix seconds at which the window starts anew.
    pub resets_at: Option<i64>,
}

/// Prepaid credits of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreditsSnapshot {
    /// Whether the account has credits at all.
    pub has_credits: bool,
    /// Whether they never run out.
    pub unlimited: bool,
    /// Balance as the provider words it.
    pub balance: Option<String>,
}

impl From<quire_protocol::RateLimitSnapshot> for RateLimitSnapshot {
    fn from(snapshot: quire_protocol::RateLimitSnapshot) -> Self {
        Self {
            limit_id: snapshot.limit_id,
            limit_name: snapshot.limit_name,
            primary: snapshot.primary.map(Into::into),
            secondary: snapshot.secondary.map(Into::into),
            credits: snapshot.credits.map(Into::into),
            plan_type: snapshot.plan_type,
            rate_limit_reached_type: snapshot.rate_limit_reached_type,
        }
    }
}

impl From<quire_protocol::RateLimitWindow> for RateLimitWindow {
    fn from(window: quire_protocol::RateLimitWindow) -> Self {
        Self {
            used_percent: window.used_percent.round() as i32,
            window_duration_mins: window.window_minutes,
            resets_at: window.resets_at,
        }
    }
}

impl From<quire_protocol::Credits> for CreditsSnapshot {
    fn from(credits: quire_protocol::Credits) -> Self {
        Self { has_credits: credits.has_credits, unlimited: credits.unlimited, balance: credits.balance }
    }
}
