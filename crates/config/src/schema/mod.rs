//! config.toml as it is written: the one list of keys the program knows.
//!
//! In comes a table, out goes [`ConfigToml`]: every key typed, nothing looked up. A key is added by adding a field here: its
//! doc comment is what `quire config explain` and editors show, its type its check; then it is read where the settings are
//! assembled. What a newcomer would get wrong: several struct names are chosen for the error messages that quote them
//! (`expected struct History`), enum variants stand in the order in which such messages list them, and the serialised form
//! is what clients of the app-server read.

mod agents;
mod enums;
mod extensions;
mod foreign;
mod hooks;
mod keymap;
mod maps;
mod mcp;
mod mitm;
mod nested;
mod notices;
mod permissions;
mod profile;
mod providers;
mod telemetry;
mod tui;
mod voice;

use std::collections::BTreeMap;
use std::path::PathBuf;

use quire_protocol::{ReasoningEffort, ReasoningSummary, SandboxMode, Verbosity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use toml::Table;

use crate::json;
use foreign::{ReasoningEffortToml, ReasoningSummaryToml, SandboxModeToml, VerbosityToml};
pub(crate) use maps::named_map;
pub(crate) use providers::is_legacy_ollama;

pub use agents::{AgentRoleToml, AgentsToml, MemoriesToml};
pub use enums::{
    ApprovalPolicyToml, ApprovalsReviewer, AuthStore, AutoCompactScope, FileOpener, ForcedLogin,
    GranularApprovalConfig, McpAuthStore, Personality, SearchContextSize, ThreadStoreToml, ToolApprovalMode,
    TrustLevel, WebSearchMode, WindowsSandbox,
};
pub use extensions::{
    AppConfig, AppToolConfig, AppToolsConfig, AppsConfigToml, AppsDefaultConfig, BundledSkillsConfig,
    MarketplaceConfig, MarketplaceSource, PluginConfig, PluginMcpServerConfig, SkillConfig, SkillsConfig,
    ToolSuggestConfig, ToolSuggestDisabledTool, ToolSuggestDiscoverable, ToolSuggestKind,
};
pub use hooks::{HookEvents, HookHandlerConfig, HookStateToml, HooksToml, MatcherGroup};
pub use keymap::{
    KeyBindings, KeySpec, KeySpecError, TuiApprovalKeymap, TuiChatKeymap, TuiComposerKeymap, TuiEditorKeymap,
    TuiGlobalKeymap, TuiKeymap, TuiListKeymap, TuiPagerKeymap, TuiVimNormalKeymap, TuiVimOperatorKeymap,
    TuiVimTextObjectKeymap,
};
pub use mcp::{McpEnvVar, McpEnvVarSource, McpOAuthToml, McpServerToml, McpToolToml, McpTransportToml};
pub use mitm::{MitmActionToml, MitmHookToml, MitmInjectedHeaderToml, MitmToml};
pub use nested::{
    AutoReviewToml, DebugConfigLockToml, DebugToml, GhostSnapshotToml, History, HistoryPersistence, Inherit,
    ProjectConfig, RequestUserInputToml, SandboxWorkspaceWrite, SearchLocation, ShellEnvironmentPolicyToml,
    ToolsToml, WebSearchSettings, WindowsToml, WorkspaceIds,
};
pub use notices::{ExternalConfigMigrationPrompts, NoticeToml};
pub use permissions::{
    FilesystemPermission, FilesystemToml, PermissionProfileToml, PermissionsToml, WorkspaceRootsToml,
};
pub use profile::{ConfigProfile, ProfileTui};
pub use providers::{AwsToml, ModelProviderToml, ProviderAuthToml, WireApi};
pub use telemetry::{
    AnalyticsConfigToml, FeedbackConfigToml, OtelConfigToml, OtelExporterKind, OtelHttpProtocol,
    OtelTlsConfig,
};
pub use tui::{
    AlternateScreen, ModelAvailabilityNux, NotificationCondition, NotificationMethod, NotificationSettings,
    Notifications, PetAnchor, SessionPickerView, Tui,
};
pub use voice::{
    RealtimeAudioToml, RealtimeToml, RealtimeTransport, RealtimeType, RealtimeVersion, RealtimeVoice,
};

pub use crate::features::{
    AppsMcpPathToml, DomainRules, FeatureToml, FeaturesToml, MultiAgentV2Toml, NetworkMode, NetworkProxyToml,
    NetworkToml, Rule, UnixSocketRules,
};

/// Keys whose string values are paths. Relative ones are resolved against the folder of the file that holds them; `*`
/// stands for any key or element. Paths that a server or a permission profile resolves where it is used are not among them.
pub(crate) const PATH_KEYS: [&str; 19] = [
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
    "otel.*.*.tls.*",
    "profiles.*.model_catalog_json",
    "profiles.*.model_instructions_file",
    "profiles.*.experimental_compact_prompt_file",
    "profiles.*.js_repl_node_path",
    "profiles.*.js_repl_node_module_dirs.*",
];

/// Every key of config.toml.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigToml {
    // Model and behaviour
    /// Model, by its slug. Default: the first of the model catalog.
    pub model: Option<String>,
    /// Model for reviews. Default: `model`.
    pub review_model: Option<String>,
    /// Provider of the model: the id of a built-in one or of one in `model_providers`.
    #[schemars(extend("default" = "openai"))]
    pub model_provider: Option<String>,
    /// Providers of the user's own, by id.
    #[serde(default, deserialize_with = "providers::validated")]
    pub model_providers: BTreeMap<String, ModelProviderToml>,
    /// Size of the model's context, in tokens. Default: as the model catalog says.
    pub model_context_window: Option<i64>,
    /// Size at which the history is compacted by itself, in tokens. Default: follows from the model catalog.
    pub model_auto_compact_token_limit: Option<i64>,
    /// What counts against `model_auto_compact_token_limit`.
    #[schemars(extend("default" = "total"))]
    pub model_auto_compact_token_limit_scope: Option<AutoCompactScope>,
    /// How hard the model thinks. Default: as the model catalog says.
    #[schemars(with = "Option<ReasoningEffortToml>")]
    pub model_reasoning_effort: Option<ReasoningEffort>,
    /// How hard the model thinks in plan mode. Default: as the mode says.
    #[schemars(with = "Option<ReasoningEffortToml>")]
    pub plan_mode_reasoning_effort: Option<ReasoningEffort>,
    /// How much of its reasoning the model summarises. Default: as the model catalog says.
    #[schemars(with = "Option<ReasoningSummaryToml>")]
    pub model_reasoning_summary: Option<ReasoningSummary>,
    /// How wordy the model answers. Default: as the model catalog says.
    #[schemars(with = "Option<VerbosityToml>")]
    pub model_verbosity: Option<Verbosity>,
    /// Asks for summaries of the reasoning even when the model catalog does not offer them. Default: as the model
    /// catalog says.
    pub model_supports_reasoning_summaries: Option<bool>,
    /// JSON file that replaces the model catalog; at least one model must be in it.
    pub model_catalog_json: Option<PathBuf>,
    /// File whose text replaces the base instructions; it must exist and not be empty.
    pub model_instructions_file: Option<PathBuf>,
    /// Text that replaces the base instructions; `model_instructions_file` wins.
    pub instructions: Option<String>,
    /// A message from the developer, sent after the base instructions.
    pub developer_instructions: Option<String>,
    /// Text that replaces the prompt for compaction.
    pub compact_prompt: Option<String>,
    /// File whose text replaces the prompt for compaction; `compact_prompt` wins.
    pub experimental_compact_prompt_file: Option<PathBuf>,
    /// Tone of the model.
    #[schemars(extend("default" = "pragmatic"))]
    pub personality: Option<Personality>,
    /// Service tier to ask for, such as `fast`; tiers the model does not offer are left out.
    pub service_tier: Option<String>,
    /// Whether and how the model may search the web.
    #[schemars(extend("default" = "cached"))]
    pub web_search: Option<WebSearchMode>,
    /// Settings of single tools.
    pub tools: Option<ToolsToml>,
    /// How much of the output of a tool the model gets, in tokens. Default: as the model catalog says.
    pub tool_output_token_limit: Option<usize>,
    /// Longest wait of one poll of a background terminal, in milliseconds.
    #[schemars(extend("default" = 300_000))]
    pub background_terminal_max_timeout: Option<u64>,
    /// Whether the model may ask for a login shell.
    #[serde(default = "on")]
    pub allow_login_shell: bool,
    /// Whether the model is told what it may touch.
    #[schemars(extend("default" = true))]
    pub include_permissions_instructions: Option<bool>,
    /// Whether the model is told about apps.
    #[schemars(extend("default" = true))]
    pub include_apps_instructions: Option<bool>,
    /// Whether the model is told about the collaboration mode.
    #[schemars(extend("default" = true))]
    pub include_collaboration_mode_instructions: Option<bool>,
    /// Whether the model is told about the working folder, the shell and the date.
    #[schemars(extend("default" = true))]
    pub include_environment_context: Option<bool>,
    /// Hides the summaries of the reasoning from people.
    #[serde(default)]
    pub hide_agent_reasoning: bool,
    /// Shows people the raw reasoning, where the provider tells it.
    #[schemars(extend("default" = false))]
    pub show_raw_agent_reasoning: Option<bool>,
    /// Leaves out the warning about features under development.
    #[schemars(extend("default" = false))]
    pub suppress_unstable_features_warning: Option<bool>,

    // Approvals, sandbox, shell
    /// When a person is asked before a command runs. Default: `on-request`, in untrusted folders `untrusted`.
    pub approval_policy: Option<ApprovalPolicyToml>,
    /// Who answers such questions.
    #[schemars(extend("default" = "user"))]
    pub approvals_reviewer: Option<ApprovalsReviewer>,
    /// Settings of the automatic reviewer.
    pub auto_review: Option<AutoReviewToml>,
    /// What commands may touch. Default: `workspace-write` in folders somebody decided about, else `read-only`.
    #[schemars(with = "Option<SandboxModeToml>")]
    pub sandbox_mode: Option<SandboxMode>,
    /// Details of the sandbox mode `workspace-write`.
    pub sandbox_workspace_write: Option<SandboxWorkspaceWrite>,
    /// What commands may touch, as the name of a permission profile: `:read-only`, `:workspace`, `:danger-full-access`
    /// or one in `permissions`; in one file it beats `sandbox_mode`.
    pub default_permissions: Option<String>,
    /// Permission profiles of the user's own, by name.
    pub permissions: Option<PermissionsToml>,
    /// Which environment variables commands get.
    #[serde(default)]
    pub shell_environment_policy: ShellEnvironmentPolicyToml,
    /// Sandbox on Windows.
    pub windows: Option<WindowsToml>,

    // Files, storage, sign-in
    /// Cap of all instruction files (AGENTS.md) together, in bytes.
    #[serde(default = "default_project_doc_max_bytes")]
    pub project_doc_max_bytes: usize,
    /// Names of instruction files besides AGENTS.md, in order.
    #[serde(default)]
    pub project_doc_fallback_filenames: Vec<String>,
    /// Names of files and folders by which a project root is recognised; an empty list makes the working folder the
    /// root.
    #[schemars(extend("default" = [".git"]))]
    pub project_root_markers: Option<Vec<String>>,
    /// The history of prompts.
    #[serde(default)]
    pub history: History,
    /// Folder of the databases. Default: the variable `CODEX_SQLITE_HOME`, else the home folder.
    pub sqlite_home: Option<PathBuf>,
    /// Folder of the logs; setting it makes the terminal interface write one. Default: `log` in the home folder.
    pub log_dir: Option<PathBuf>,
    /// Where sign-ins are kept.
    #[schemars(extend("default" = "file"))]
    pub cli_auth_credentials_store: Option<AuthStore>,
    /// Where sign-ins to MCP servers are kept.
    #[schemars(extend("default" = "auto"))]
    pub mcp_oauth_credentials_store: Option<McpAuthStore>,
    /// Port at which sign-ins to MCP servers come back. Default: any free one.
    pub mcp_oauth_callback_port: Option<u16>,
    /// URL at which sign-ins to MCP servers come back, seen from outside.
    pub mcp_oauth_callback_url: Option<String>,
    /// The only kind of sign-in that is allowed. Default: all are.
    pub forced_login_method: Option<ForcedLogin>,
    /// The only ChatGPT workspaces, by id, that are allowed. Default: all are.
    pub forced_chatgpt_workspace_id: Option<WorkspaceIds>,
    /// URL of the ChatGPT backend.
    pub chatgpt_base_url: Option<String>,
    /// URL of the built-in provider `openai`.
    pub openai_base_url: Option<String>,
    /// Whether the program looks for updates when it starts. Default: false.
    pub check_for_update_on_startup: Option<bool>,
    /// Which folders are trusted, by absolute path.
    pub projects: Option<BTreeMap<String, ProjectConfig>>,
    /// Provider that `--oss` uses: `lmstudio`, `ollama` or one in `model_providers`.
    pub oss_provider: Option<String>,

    // User interface, integrations
    /// Program and arguments to run after every turn; a JSON object that tells about the turn is appended.
    pub notify: Option<Vec<String>>,
    /// Editor that file links open. Default: none.
    pub file_opener: Option<FileOpener>,
    /// Turns off the guess whether fast keys were pasted.
    #[schemars(extend("default" = false))]
    pub disable_paste_burst: Option<bool>,
    /// The terminal user interface.
    pub tui: Option<Tui>,
    /// What the user was told already; the program writes here.
    pub notice: Option<NoticeToml>,
    /// Sound devices of voice mode.
    pub audio: Option<RealtimeAudioToml>,
    /// Voice mode.
    pub realtime: Option<RealtimeToml>,
    /// Settings of the desktop app, kept for it.
    #[serde(serialize_with = "plain_json", default)]
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub desktop: Option<Table>,
    /// MCP servers, by name.
    #[serde(default)]
    pub mcp_servers: BTreeMap<String, McpServerToml>,
    /// ChatGPT apps, by id.
    pub apps: Option<AppsConfigToml>,
    /// Plugins, by `<name>@<marketplace>`.
    #[serde(default)]
    pub plugins: BTreeMap<String, PluginConfig>,
    /// Marketplaces of plugins, by name.
    #[serde(default)]
    pub marketplaces: BTreeMap<String, MarketplaceConfig>,
    /// Skills.
    pub skills: Option<SkillsConfig>,
    /// Programs that run at points of a session's life.
    pub hooks: Option<HooksToml>,
    /// Sub-agents and their roles.
    pub agents: Option<AgentsToml>,
    /// What is remembered from thread to thread.
    pub memories: Option<MemoriesToml>,
    /// What may be suggested for installation.
    pub tool_suggest: Option<ToolSuggestConfig>,
    /// Header of requests to the MCP server of the apps.
    pub apps_mcp_product_sku: Option<String>,
    /// Usage statistics.
    pub analytics: Option<AnalyticsConfigToml>,
    /// The feedback command.
    pub feedback: Option<FeedbackConfigToml>,
    /// Telemetry (OpenTelemetry).
    pub otel: Option<OtelConfigToml>,
    /// Feature flags.
    pub features: Option<FeaturesToml>,
    /// Settings for developers of the program.
    pub debug: Option<DebugToml>,
    /// Where threads are kept.
    #[schemars(extend("default" = serde_json::json!({"type": "local"})))]
    pub experimental_thread_store: Option<ThreadStoreToml>,
    /// Service that settings of threads come from.
    pub experimental_thread_config_endpoint: Option<String>,
    /// Voice mode: URL of the backend.
    pub experimental_realtime_ws_base_url: Option<String>,
    /// Voice mode: model.
    pub experimental_realtime_ws_model: Option<String>,
    /// Voice mode: prompt of the backend.
    pub experimental_realtime_ws_backend_prompt: Option<String>,
    /// Voice mode: context at the start.
    pub experimental_realtime_ws_startup_context: Option<String>,
    /// Voice mode: instructions at the start.
    pub experimental_realtime_start_instructions: Option<String>,

    // Old keys
    /// Always an error: start with `--profile NAME` and the file `NAME.config.toml` instead.
    #[schemars(extend("deprecated" = true))]
    pub profile: Option<String>,
    /// Without effect: a profile is a file `NAME.config.toml` in the home folder now.
    #[serde(default)]
    #[schemars(extend("deprecated" = true))]
    pub profiles: BTreeMap<String, ConfigProfile>,
    /// Without effect.
    #[schemars(extend("deprecated" = true))]
    pub ghost_snapshot: Option<GhostSnapshotToml>,
    /// Without effect.
    #[schemars(extend("deprecated" = true))]
    pub js_repl_node_path: Option<PathBuf>,
    /// Without effect.
    #[schemars(extend("deprecated" = true))]
    pub js_repl_node_module_dirs: Option<Vec<PathBuf>>,
    /// Old spelling of `features.unified_exec`.
    #[schemars(extend("deprecated" = true))]
    pub experimental_use_unified_exec_tool: Option<bool>,
    /// Always an error: the feature is gone.
    #[schemars(extend("deprecated" = true))]
    pub experimental_thread_store_endpoint: Option<String>,

    /// Settings of our own. The reference ignores them.
    #[serde(skip_serializing)]
    pub quire: Option<QuireToml>,
}

impl ConfigToml {
    /// The feature flags; none when the table is missing.
    pub fn features(&self) -> &FeaturesToml {
        static NONE: FeaturesToml = FeaturesToml::NONE;
        self.features.as_ref().unwrap_or(&NONE)
    }
}

/// `[quire]`. It has no members yet; whatever is in it is told as an unknown key and otherwise ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuireToml {}

const fn on() -> bool {
    true
}

const fn default_project_doc_max_bytes() -> usize {
    32 * 1024
}

/// Tables of others, as clients expect them: dates are strings.
#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn plain_json<S: Serializer>(table: &Option<Table>, serializer: S) -> Result<S::Ok, S::Error> {
    table.as_ref().map(json::plain).serialize(serializer)
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
