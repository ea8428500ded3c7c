//! Reading and writing the config (app-server sheet §14, config sheet §13).
//!
//! The config itself travels as JSON in the spelling of config.toml (snake case); only what is around it is camel case.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Params of methods that take none. `null` and an empty object are the same as nothing.
pub type NoParams = Option<Nothing>;

/// An object whose members mean nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// Params of `config/read`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigReadParams {
    /// Whether to list the layers.
    #[serde(default)]
    pub include_layers: bool,
    /// The folder whose projects count; none count without it.
    #[serde(default)]
    pub cwd: Option<PathBuf>,
}

/// Result of `config/read`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigReadResponse {
    /// Every key; those nobody set are null or their default.
    pub config: Value,
    /// Where each value comes from, by dotted path (elements of lists by index).
    pub origins: BTreeMap<String, ConfigLayerMetadata>,
    /// The layers, the one that wins first. Absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<ConfigLayer>>,
}

/// Which layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigLayerMetadata {
    /// Where it comes from.
    pub name: ConfigLayerSource,
    /// `sha256:` and a hash of its content.
    pub version: String,
}

/// Where a layer comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ConfigLayerSource {
    /// The machine's config.
    System {
        /// The file.
        file: PathBuf,
    },
    /// The user's config, or the profile on top of it.
    User {
        /// The file.
        file: PathBuf,
        /// The profile.
        profile: Option<String>,
    },
    /// A project's config.
    Project {
        /// The `.codex` folder.
        dot_codex_folder: PathBuf,
    },
    /// The command line.
    SessionFlags,
    /// What an administrator fixed, in the old way.
    LegacyManagedConfigTomlFromFile {
        /// The file.
        file: PathBuf,
    },
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigLayer {
    /// Where it comes from.
    pub name: ConfigLayerSource,
    /// `sha256:` and a hash of its content.
    pub version: String,
    /// Its keys.
    pub config: Value,
    /// Why it does not count; absent when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
}

/// What becomes of the children of a table that a write does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MergeStrategy {
    /// They go.
    Replace,
    /// They stay.
    Upsert,
}

/// Params of `config/value/write`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigValueWriteParams {
    /// Where: keys joined by dots, those with dots in double quotes.
    pub key_path: String,
    /// What; null removes the key.
    pub value: Value,
    /// How.
    pub merge_strategy: MergeStrategy,
    /// The file; only the user's config can be written.
    #[serde(default)]
    pub file_path: Option<PathBuf>,
    /// The version the client has seen; refused if there is another by now.
    #[serde(default)]
    pub expected_version: Option<String>,
}

/// One value of a `config/batchWrite`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigEdit {
    /// Where.
    pub key_path: String,
    /// What; null removes the key.
    pub value: Value,
    /// How.
    pub merge_strategy: MergeStrategy,
}

/// Params of `config/batchWrite`: all or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigBatchWriteParams {
    /// The values, in order.
    pub edits: Vec<ConfigEdit>,
    /// The file; only the user's config can be written.
    #[serde(default)]
    pub file_path: Option<PathBuf>,
    /// The version the client has seen; refused if there is another by now.
    #[serde(default)]
    pub expected_version: Option<String>,
    /// Accepted; every thread that starts reads the config anew anyway.
    #[serde(default)]
    pub reload_user_config: bool,
}

/// Result of both writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigWriteResponse {
    /// Whether what was written counts.
    pub status: WriteStatus,
    /// The version of the user's config now.
    pub version: String,
    /// The file.
    pub file_path: PathBuf,
    /// What counts instead.
    pub overridden_metadata: Option<OverriddenMetadata>,
}

/// Whether what was written counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteStatus {
    /// It does.
    Ok,
    /// It was written, but another layer wins.
    OkOverridden,
}

/// What counts instead of a written value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OverriddenMetadata {
    /// For people.
    pub message: String,
    /// Whose value it is.
    pub overriding_layer: ConfigLayerMetadata,
    /// The value.
    pub effective_value: Value,
}

/// Result of `configRequirements/read`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConfigRequirementsReadResponse {
    /// What an administrator demands; null when nothing.
    pub requirements: Option<Value>,
}
