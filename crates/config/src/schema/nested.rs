//! Tables of a few members each.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Serialize};

use super::enums::{SearchContextSize, TrustLevel, WindowsSandbox};
use crate::features::SwitchOr;

/// `[tools]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolsToml {
    /// How the provider searches the web. An old boolean form is read and has no effect.
    #[serde(default, deserialize_with = "web_search")]
    pub web_search: Option<WebSearchSettings>,
    /// Questions of the model to the user. Not part of what clients are shown.
    #[serde(skip_serializing)]
    pub experimental_request_user_input: Option<RequestUserInputToml>,
}

/// `[tools.experimental_request_user_input]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "struct ExperimentalRequestUserInput")]
pub struct RequestUserInputToml {
    /// Whether the model may ask the user questions. Default: true.
    #[serde(default = "on")]
    pub enabled: bool,
}

const fn on() -> bool {
    true
}

fn web_search<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WebSearchSettings>, D::Error> {
    Ok(match SwitchOr::deserialize(deserializer)? {
        SwitchOr::Switch(_) => None,
        SwitchOr::Table(settings) => Some(settings),
    })
}

/// `[tools.web_search]`: how the provider searches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebSearchSettings {
    /// How much of what was found goes into the context.
    pub context_size: Option<SearchContextSize>,
    /// The only domains to search.
    pub allowed_domains: Option<Vec<String>>,
    /// Where the user is, roughly.
    pub location: Option<SearchLocation>,
}

/// `[tools.web_search.location]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SearchLocation {
    /// Country code.
    pub country: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Time zone.
    pub timezone: Option<String>,
}

/// `[sandbox_workspace_write]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SandboxWorkspaceWrite {
    /// Further folders to write in.
    pub writable_roots: Vec<PathBuf>,
    /// Opens the network.
    pub network_access: bool,
    /// Leaves `$TMPDIR` read-only.
    pub exclude_tmpdir_env_var: bool,
    /// Leaves `/tmp` read-only.
    pub exclude_slash_tmp: bool,
}

/// `[shell_environment_policy]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShellEnvironmentPolicyToml {
    /// What to start from.
    pub inherit: Option<Inherit>,
    /// Skips the filter of secret-looking names.
    pub ignore_default_excludes: Option<bool>,
    /// Patterns of names to drop.
    pub exclude: Option<Vec<String>>,
    /// Variables to set.
    #[serde(rename = "set")]
    pub r#set: Option<BTreeMap<String, String>>,
    /// Patterns of the only names to keep.
    pub include_only: Option<Vec<String>>,
    /// Runs commands with the user's profile.
    pub experimental_use_profile: Option<bool>,
}

/// Which variables a command starts with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Inherit {
    /// A short list every system has.
    Core,
    /// All of ours.
    #[default]
    All,
    /// None.
    None,
}

/// `[history]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct History {
    /// Whether prompts are kept.
    pub persistence: HistoryPersistence,
    /// Size at which old prompts are dropped, in bytes.
    pub max_bytes: Option<usize>,
}

/// `history.persistence`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryPersistence {
    /// All.
    #[default]
    SaveAll,
    /// None.
    None,
}

/// `[projects."<path>"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectConfig {
    /// Whether the folder is trusted.
    pub trust_level: Option<TrustLevel>,
}

/// `[auto_review]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AutoReviewToml {
    /// Text that is added to what the automatic reviewer goes by.
    pub policy: Option<String>,
}

/// `[windows]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowsToml {
    /// Which sandbox commands run in.
    pub sandbox: Option<WindowsSandbox>,
    /// Whether sandboxed commands get a desktop of their own. Default: true.
    pub sandbox_private_desktop: Option<bool>,
}

/// `[debug]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DebugToml {
    /// Files that fix the effective config of a session.
    pub config_lockfile: Option<DebugConfigLockToml>,
}

/// `[debug.config_lockfile]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DebugConfigLockToml {
    /// Folder to which the effective config of every session is written.
    pub export_dir: Option<PathBuf>,
    /// File whose config takes the place of all others.
    pub load_path: Option<PathBuf>,
    /// Whether a file of another version is accepted. Default: false.
    pub allow_codex_version_mismatch: Option<bool>,
    /// Whether what the model catalog decides is written too. Default: true.
    pub save_fields_resolved_from_model_catalog: Option<bool>,
}

/// `[ghost_snapshot]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GhostSnapshotToml {
    /// Without effect.
    pub ignore_large_untracked_files: Option<i64>,
    /// Without effect.
    pub ignore_large_untracked_dirs: Option<i64>,
    /// Without effect.
    pub disable_warnings: Option<bool>,
}

/// One workspace id or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WorkspaceIds {
    /// `"id"`.
    One(String),
    /// `["id", "other"]`.
    Several(Vec<String>),
}

impl WorkspaceIds {
    /// The ids.
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(id) => vec![id],
            Self::Several(ids) => ids,
        }
    }
}

impl<'de> Deserialize<'de> for WorkspaceIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = WorkspaceIds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a sequence of strings")
            }

            fn visit_str<E: Error>(self, id: &str) -> Result<WorkspaceIds, E> {
                Ok(WorkspaceIds::One(id.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, ids: A) -> Result<WorkspaceIds, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(ids)).map(WorkspaceIds::Several)
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}
