//! config.toml as it is written: the one list of keys the program knows.
//!
//! In comes a table, out goes [`ConfigToml`]: every key typed, nothing defaulted, nothing looked up. A key is added by
//! adding a field here (its doc comment is its documentation, its type its check) and reading it where the settings are
//! assembled. What a newcomer would get wrong: several struct names are chosen for the error messages that quote them
//! (`expected struct History`), and enum variants stand in the order in which such messages list them.

mod enums;
mod nested;
mod open;
mod permissions;
mod providers;

use std::collections::BTreeMap;
use std::path::PathBuf;

use quire_protocol::{ReasoningEffort, ReasoningSummary, SandboxMode, Verbosity};
use serde::Deserialize;
use toml::Table;

pub use enums::{
    ApprovalPolicyToml, ApprovalsReviewer, AuthStore, AutoCompactScope, FileOpener, ForcedLogin,
    McpAuthStore, Personality, SearchContextSize, ThreadStoreToml, TrustLevel, WebSearchMode,
};
pub use nested::{
    GhostSnapshotToml, History, HistoryPersistence, Inherit, ProjectConfig, SandboxWorkspaceWrite,
    SearchLocation, ShellEnvironmentPolicyToml, ToolsToml, WebSearchSettings, WorkspaceIds,
};
pub use open::{
    AgentsToml, AnalyticsConfigToml, AppsConfigToml, AutoReviewToml, DebugToml, FeedbackConfigToml,
    HooksToml, MemoriesToml, Notice as NoticeToml, Opaque, OtelConfigToml, RealtimeAudioToml, RealtimeToml,
    SkillsConfig, ToolSuggestConfig, Tui, WindowsToml,
};
pub use permissions::{
    FilesystemPermission, FilesystemToml, PermissionProfileToml, PermissionsToml, WorkspaceRootsToml,
};
pub use providers::{AwsToml, ModelProviderToml, ProviderAuthToml, WireApi};

pub use crate::features::{
    AppsMcpPathToml, FeatureToml, FeaturesToml, MultiAgentV2Toml, NetworkMode, NetworkProxyToml, NetworkToml,
    Rule,
};

pub(crate) use providers::is_legacy_ollama;

/// Keys whose string values are paths. Relative ones are resolved against the folder of the file that holds them; `*`
/// stands for any key or element. Every such field below is listed here, and nothing else.
pub(crate) const PATH_KEYS: [&str; 14] = [
    "model_catalog_json",
    "model_instructions_file",
    "experimental_compact_prompt_file",
    "sqlite_home",
    "log_dir",
    "js_repl_node_path",
    "js_repl_node_module_dirs.*",
    "sandbox_workspace_write.writable_roots.*",
    "model_providers.*.auth.cwd",
    "agents.*.config_file",
    "skills.config.*.path",
    "debug.config_lockfile.export_dir",
    "debug.config_lockfile.load_path",
    "mcp_servers.*.cwd",
];

/// Every key of config.toml.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ConfigToml {
    // Model and behaviour
    /// Model slug.
    pub model: Option<String>,
    /// Model for reviews.
    pub review_model: Option<String>,
    /// Id of the provider.
    pub model_provider: Option<String>,
    /// Providers of the user's own.
    #[serde(deserialize_with = "providers::validated")]
    pub model_providers: BTreeMap<String, ModelProviderToml>,
    /// Context size that replaces the catalog's.
    pub model_context_window: Option<i64>,
    /// Tokens at which the history is compacted by itself.
    pub model_auto_compact_token_limit: Option<i64>,
    /// What counts against that limit.
    pub model_auto_compact_token_limit_scope: Option<AutoCompactScope>,
    /// How hard the model thinks.
    pub model_reasoning_effort: Option<ReasoningEffort>,
    /// The same in plan mode.
    pub plan_mode_reasoning_effort: Option<ReasoningEffort>,
    /// How much of its reasoning the model summarises.
    pub model_reasoning_summary: Option<ReasoningSummary>,
    /// How wordy the model answers.
    pub model_verbosity: Option<Verbosity>,
    /// Asks for reasoning summaries even when the catalog does not offer them.
    pub model_supports_reasoning_summaries: Option<bool>,
    /// A file that replaces the model catalog.
    pub model_catalog_json: Option<PathBuf>,
    /// A file that replaces the base instructions.
    pub model_instructions_file: Option<PathBuf>,
    /// Text that replaces the base instructions.
    pub instructions: Option<String>,
    /// An extra message from the developer.
    pub developer_instructions: Option<String>,
    /// Text that replaces the compaction prompt.
    pub compact_prompt: Option<String>,
    /// A file that replaces the compaction prompt.
    pub experimental_compact_prompt_file: Option<PathBuf>,
    /// Tone of the model.
    pub personality: Option<Personality>,
    /// Service tier to ask for.
    pub service_tier: Option<String>,
    /// Whether and how the model may search the web.
    pub web_search: Option<WebSearchMode>,
    /// Settings of single tools.
    pub tools: Option<ToolsToml>,
    /// Truncation budget of tool output, in tokens.
    pub tool_output_token_limit: Option<usize>,
    /// Longest poll of a background terminal, in milliseconds.
    pub background_terminal_max_timeout: Option<u64>,
    /// Whether the model may ask for a login shell.
    pub allow_login_shell: Option<bool>,
    /// Tells the model what it may touch.
    pub include_permissions_instructions: Option<bool>,
    /// Tells the model about apps.
    pub include_apps_instructions: Option<bool>,
    /// Tells the model about the collaboration mode.
    pub include_collaboration_mode_instructions: Option<bool>,
    /// Tells the model about its surroundings.
    pub include_environment_context: Option<bool>,
    /// Hides reasoning from people.
    pub hide_agent_reasoning: Option<bool>,
    /// Shows people the raw reasoning.
    pub show_raw_agent_reasoning: Option<bool>,
    /// No warning about features under development.
    pub suppress_unstable_features_warning: Option<bool>,

    // Approvals, sandbox, shell
    /// When a person is asked.
    pub approval_policy: Option<ApprovalPolicyToml>,
    /// Who is asked.
    pub approvals_reviewer: Option<ApprovalsReviewer>,
    /// Settings of the automatic reviewer.
    pub auto_review: Option<AutoReviewToml>,
    /// What commands may touch, in three steps.
    pub sandbox_mode: Option<SandboxMode>,
    /// Details of `workspace-write`.
    pub sandbox_workspace_write: Option<SandboxWorkspaceWrite>,
    /// What commands may touch, as the name of a profile.
    pub default_permissions: Option<String>,
    /// Profiles of the user's own.
    pub permissions: Option<PermissionsToml>,
    /// Environment of commands.
    pub shell_environment_policy: Option<ShellEnvironmentPolicyToml>,
    /// Windows sandbox.
    pub windows: Option<WindowsToml>,

    // Files, storage, sign-in
    /// Cap of all instruction files together, in bytes.
    pub project_doc_max_bytes: Option<usize>,
    /// Other names of instruction files.
    pub project_doc_fallback_filenames: Option<Vec<String>>,
    /// Names by which a project root is recognised.
    pub project_root_markers: Option<Vec<String>>,
    /// The prompt history.
    pub history: Option<History>,
    /// Folder of the databases.
    pub sqlite_home: Option<PathBuf>,
    /// Folder of the logs.
    pub log_dir: Option<PathBuf>,
    /// Where sign-ins are kept.
    pub cli_auth_credentials_store: Option<AuthStore>,
    /// Where sign-ins to MCP servers are kept.
    pub mcp_oauth_credentials_store: Option<McpAuthStore>,
    /// Port of the listener for MCP sign-ins.
    pub mcp_oauth_callback_port: Option<u16>,
    /// Redirect URL of MCP sign-ins.
    pub mcp_oauth_callback_url: Option<String>,
    /// The only sign-in that is allowed.
    pub forced_login_method: Option<ForcedLogin>,
    /// The only workspaces that are allowed.
    pub forced_chatgpt_workspace_id: Option<WorkspaceIds>,
    /// Backend of ChatGPT.
    pub chatgpt_base_url: Option<String>,
    /// Backend of the `openai` provider.
    pub openai_base_url: Option<String>,
    /// Looks for updates at the start.
    pub check_for_update_on_startup: Option<bool>,
    /// Which folders are trusted.
    pub projects: BTreeMap<String, ProjectConfig>,
    /// Provider of `--oss`.
    pub oss_provider: Option<String>,

    // User interface, integrations
    /// Program that is told about every finished turn.
    pub notify: Option<Vec<String>>,
    /// Editor that file links open.
    pub file_opener: Option<FileOpener>,
    /// No guessing whether keys were pasted.
    pub disable_paste_burst: Option<bool>,
    /// Terminal user interface.
    pub tui: Option<Tui>,
    /// What was said already.
    pub notice: Option<NoticeToml>,
    /// Audio devices.
    pub audio: Option<RealtimeAudioToml>,
    /// Voice mode.
    pub realtime: Option<RealtimeToml>,
    /// Desktop app.
    pub desktop: Option<Table>,
    /// MCP servers.
    pub mcp_servers: Option<BTreeMap<String, Opaque>>,
    /// Apps.
    pub apps: Option<AppsConfigToml>,
    /// Plugins.
    pub plugins: Option<BTreeMap<String, Opaque>>,
    /// Plugin marketplaces.
    pub marketplaces: Option<BTreeMap<String, Opaque>>,
    /// Skills.
    pub skills: Option<SkillsConfig>,
    /// Lifecycle hooks.
    pub hooks: Option<HooksToml>,
    /// Sub-agents.
    pub agents: Option<AgentsToml>,
    /// Memories.
    pub memories: Option<MemoriesToml>,
    /// What may be suggested for installation.
    pub tool_suggest: Option<ToolSuggestConfig>,
    /// Header of the apps MCP server.
    pub apps_mcp_product_sku: Option<String>,
    /// Usage statistics.
    pub analytics: Option<AnalyticsConfigToml>,
    /// Feedback command.
    pub feedback: Option<FeedbackConfigToml>,
    /// Telemetry.
    pub otel: Option<OtelConfigToml>,
    /// Feature flags.
    pub features: FeaturesToml,
    /// For developers.
    pub debug: Option<DebugToml>,
    /// Where threads are kept.
    pub experimental_thread_store: Option<ThreadStoreToml>,
    /// Where settings of threads come from.
    pub experimental_thread_config_endpoint: Option<String>,
    /// Voice mode: backend.
    pub experimental_realtime_ws_base_url: Option<String>,
    /// Voice mode: model.
    pub experimental_realtime_ws_model: Option<String>,
    /// Voice mode: prompt of the backend.
    pub experimental_realtime_ws_backend_prompt: Option<String>,
    /// Voice mode: first context.
    pub experimental_realtime_ws_startup_context: Option<String>,
    /// Voice mode: first instructions.
    pub experimental_realtime_start_instructions: Option<String>,

    // Old keys
    /// Always an error: profiles are files now.
    pub profile: Option<String>,
    /// Without effect: profiles are files now.
    pub profiles: Option<BTreeMap<String, Opaque>>,
    /// Without effect.
    pub ghost_snapshot: Option<GhostSnapshotToml>,
    /// Without effect.
    pub js_repl_node_path: Option<PathBuf>,
    /// Without effect.
    pub js_repl_node_module_dirs: Option<Vec<PathBuf>>,
    /// Old spelling of `features.unified_exec`.
    pub experimental_use_unified_exec_tool: Option<bool>,
    /// Always an error.
    pub experimental_thread_store_endpoint: Option<String>,

    /// Our own settings. The reference ignores them.
    pub quire: Option<Table>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value that is no path is refused as such exactly at the listed keys.
    #[test]
    fn the_list_of_path_keys_is_complete() {
        let wants_path = |text: &str| {
            let error = toml::from_str::<ConfigToml>(text).err();
            error.is_some_and(|error| error.message().ends_with("expected path string"))
        };
        let data = include_str!("../../tests/data/key-matrix.json");
        let keys: BTreeMap<String, serde_json::Value> = serde_json::from_str(data).unwrap();
        for key in keys.keys() {
            let scalar = PATH_KEYS.contains(&key.as_str());
            let list = PATH_KEYS.contains(&format!("{key}.*").as_str());
            assert_eq!(wants_path(&format!("{key} = 3")), scalar, "{key}");
            assert_eq!(wants_path(&format!("{key} = [3]")), scalar || list, "{key}");
        }
        assert!(wants_path("sandbox_workspace_write.writable_roots = [3]"));
        assert!(wants_path("model_providers.p = {name = 'x', auth = {command = 'x', cwd = 3}}"));
    }
}
