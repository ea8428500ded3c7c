//! Descriptions of enums that belong to the protocol, for the JSON Schema. Only their variants and documentation count.

#![expect(dead_code, reason = "these types describe others and are never built")]

use schemars::JsonSchema;

/// How hard the model thinks.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ReasoningEffort")]
pub(super) enum ReasoningEffortToml {
    /// Not at all.
    None,
    /// As little as it can.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as it can.
    Xhigh,
}

/// How much of its reasoning the model summarises.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "ReasoningSummary")]
pub(super) enum ReasoningSummaryToml {
    /// As the model sees fit.
    Auto,
    /// In short.
    Concise,
    /// At length.
    Detailed,
    /// Nothing.
    None,
}

/// How wordy the model answers.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Verbosity")]
pub(super) enum VerbosityToml {
    /// Few words.
    Low,
    /// Some.
    Medium,
    /// Many.
    High,
}

/// What commands may touch.
#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SandboxMode")]
pub(super) enum SandboxModeToml {
    /// They may read everything and write nothing.
    ReadOnly,
    /// They may also write in the workspace and in temporary folders.
    WorkspaceWrite,
    /// Everything, the network included.
    DangerFullAccess,
}

/// What is allowed with a path.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Access")]
pub(super) enum AccessToml {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
    /// Nothing.
    Deny,
    /// Old spelling of `deny`.
    None,
}
