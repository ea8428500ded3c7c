//! `[hooks]`: programs that run at points of a session's life (hooks sheet §3).
//!
//! What a newcomer would get wrong: unknown members are tolerated at every level, even in strict mode, except in
//! `[hooks.state.<id>]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[hooks]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HooksToml {
    /// Hooks by event.
    #[serde(flatten)]
    pub events: HookEvents,
    /// What was decided about single hooks, by their key; the program writes here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, HookStateToml>,
}

/// Groups of hooks for each event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "PascalCase")]
pub struct HookEvents {
    /// Before a tool runs; may deny it.
    pub pre_tool_use: Vec<MatcherGroup>,
    /// When the user would be asked for an approval.
    pub permission_request: Vec<MatcherGroup>,
    /// After a tool ran.
    pub post_tool_use: Vec<MatcherGroup>,
    /// Before the history is compacted.
    pub pre_compact: Vec<MatcherGroup>,
    /// After the history was compacted.
    pub post_compact: Vec<MatcherGroup>,
    /// When a session starts, resumes or is cleared.
    pub session_start: Vec<MatcherGroup>,
    /// When the user sends a prompt; may refuse it.
    pub user_prompt_submit: Vec<MatcherGroup>,
    /// When a sub-agent starts.
    pub subagent_start: Vec<MatcherGroup>,
    /// When a sub-agent ends; may make it go on.
    pub subagent_stop: Vec<MatcherGroup>,
    /// When a turn ends; may make it go on.
    pub stop: Vec<MatcherGroup>,
}

/// Hooks that share a matcher.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatcherGroup {
    /// Regular expression for what the event is about, such as the name of a tool; unset matches all.
    #[serde(default)]
    pub matcher: Option<String>,
    /// What to run.
    #[serde(default)]
    pub hooks: Vec<HookHandlerConfig>,
}

/// What a hook does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum HookHandlerConfig {
    /// Runs a command.
    Command {
        /// Command line for the shell; it reads the event as JSON on its standard input.
        command: String,
        /// Command line on Windows. Default: `command`.
        #[serde(rename = "commandWindows", alias = "command_windows")]
        command_windows: Option<String>,
        /// Longest run, in seconds. Default: 600.
        timeout: Option<u64>,
        /// Whether the session goes on while the command runs. Default: false.
        #[serde(default)]
        r#async: bool,
        /// What the user sees while it runs.
        #[serde(rename = "statusMessage")]
        status_message: Option<String>,
    },
    /// Reserved; skipped with a warning.
    Prompt {},
    /// Reserved; skipped with a warning.
    Agent {},
}

/// `[hooks.state.<id>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookStateToml {
    /// Whether the hook runs. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Fingerprint of the hook when the user trusted it; a changed hook must be trusted again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_hash: Option<String>,
}
