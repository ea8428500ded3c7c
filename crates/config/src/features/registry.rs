//! The table of feature flags (features sheet §2): the one place where a flag's key, stage and default stand.
//!
//! A line here is all it takes to add a flag. The order is the registry order, which clients and the beta header see.

/// How far along a feature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// For everybody.
    Stable,
    /// Offered in menus; announced to the provider in a header.
    Experimental,
    /// Not ready; users are warned.
    UnderDevelopment,
    /// On its way out; users are told.
    Deprecated,
    /// Only the name is left, so that old files load.
    Removed,
}

impl Stage {
    /// The name as `features list` prints it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Experimental => "experimental",
            Self::UnderDevelopment => "under development",
            Self::Deprecated => "deprecated",
            Self::Removed => "removed",
        }
    }
}

macro_rules! on_off {
    (on) => {
        true
    };
    (off) => {
        false
    };
}

macro_rules! features {
    ($($(#[doc = $doc:literal])+ $name:ident = $key:literal, $stage:ident, $default:ident;)+) => {
        /// A feature flag.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Feature {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Feature {
            /// Every flag, in registry order.
            pub const ALL: [Self; [$($key),+].len()] = [$(Self::$name),+];

            /// The name in `[features]` and on the command line.
            pub const fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)+
                }
            }

            /// How far along it is.
            pub const fn stage(self) -> Stage {
                match self {
                    $(Self::$name => Stage::$stage,)+
                }
            }

            /// What it does, in one sentence.
            pub const fn description(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii_start(),)+
                }
            }

            /// Whether it is on when nobody says anything.
            pub const fn default_on(self) -> bool {
                match self {
                    $(Self::$name => on_off!($default),)+
                }
            }
        }
    };
}

features! {
    /// No effect any more (old ghost snapshots).
    Undo = "undo", Removed, off;
    /// Shell tool family; off removes `exec_command`, `write_stdin`.
    ShellTool = "shell_tool", Stable, on;
    /// PTY exec pair `exec_command`/`write_stdin`; off → single `shell_command` tool.
    UnifiedExec = "unified_exec", Stable, on;
    /// Runs shells through a patched zsh; on → `shell_command` tool, shell name in context changes.
    ShellZshFork = "shell_zsh_fork", UnderDevelopment, off;
    /// Snapshot of the user's shell setup under `shell_snapshots/`, sourced instead of login start-up.
    ShellSnapshot = "shell_snapshot", Stable, on;
    /// No effect any more.
    JsRepl = "js_repl", Removed, off;
    /// Adds tools `exec`, `wait` (JavaScript orchestration of tools).
    CodeMode = "code_mode", UnderDevelopment, off;
    /// Model sees only `exec` and `wait`.
    CodeModeOnly = "code_mode_only", UnderDevelopment, off;
    /// No effect any more.
    JsReplToolsOnly = "js_repl_tools_only", Removed, off;
    /// TUI rebuilds scrollback on width change.
    TerminalResizeReflow = "terminal_resize_reflow", Experimental, on;
    /// When no `web_search` key: live search (`external_web_access=true`).
    WebSearchRequest = "web_search_request", Deprecated, off;
    /// Cached search (already the default).
    WebSearchCached = "web_search_cached", Deprecated, off;
    /// Separate search tool instead of the hosted one.
    StandaloneWebSearch = "standalone_web_search", UnderDevelopment, off;
    /// No effect any more.
    SearchTool = "search_tool", Removed, off;
    /// No effect any more.
    CodexGitCommit = "codex_git_commit", Removed, off;
    /// Per-turn runtime metrics in the UI.
    RuntimeMetrics = "runtime_metrics", UnderDevelopment, off;
    /// No effect any more.
    Sqlite = "sqlite", Removed, on;
    /// Start-up memory pipeline with its background requests, and memory instructions in the context of new threads.
    Memories = "memories", Experimental, off;
    /// Passive screen-context memories (desktop).
    Chronicle = "chronicle", UnderDevelopment, off;
    /// Adds an explanation of nested AGENTS.md files to the user instructions (about 1.2 kB).
    ChildAgentsMd = "child_agents_md", UnderDevelopment, off;
    /// No effect any more.
    ApplyPatchFreeform = "apply_patch_freeform", Removed, off;
    /// Progress events while patch input streams.
    ApplyPatchStreamingEvents = "apply_patch_streaming_events", UnderDevelopment, off;
    /// Extra-permission parameters on `exec_command`.
    ExecPermissionApprovals = "exec_permission_approvals", UnderDevelopment, off;
    /// Lifecycle hooks.
    Hooks = "hooks", Stable, on;
    /// Adds tool `request_permissions`.
    RequestPermissionsTool = "request_permissions_tool", UnderDevelopment, off;
    /// No effect any more.
    UseLinuxSandboxBwrap = "use_linux_sandbox_bwrap", Removed, off;
    /// Landlock-only Linux sandbox instead of bubblewrap.
    UseLegacyLandlock = "use_legacy_landlock", Deprecated, off;
    /// No effect any more.
    RequestRule = "request_rule", Removed, off;
    /// No effect any more (see config `windows.sandbox`).
    ExperimentalWindowsSandbox = "experimental_windows_sandbox", Removed, off;
    /// No effect any more.
    ElevatedWindowsSandbox = "elevated_windows_sandbox", Removed, off;
    /// No effect any more.
    RemoteModels = "remote_models", Removed, off;
    /// Zstd request bodies to the ChatGPT backend only; none with custom providers.
    EnableRequestCompression = "enable_request_compression", Stable, on;
    /// Managed network proxy for sandboxed commands that have network.
    NetworkProxy = "network_proxy", Experimental, off;
    /// Sub-agent tools (deferred behind `tool_search`; off removes `tool_search` when nothing else is deferred).
    MultiAgent = "multi_agent", Stable, on;
    /// Direct tools `spawn_agent send_message assign_task wait_agent close_agent list_agents`.
    MultiAgentV2 = "multi_agent_v2", UnderDevelopment, off;
    /// Adds tool `spawn_agents_on_csv`.
    EnableFanout = "enable_fanout", UnderDevelopment, off;
    /// ChatGPT apps/connectors; needs ChatGPT login.
    Apps = "apps", Stable, on;
    /// MCP Apps UI resources.
    EnableMcpApps = "enable_mcp_apps", UnderDevelopment, off;
    /// Other path for the apps MCP endpoint.
    AppsMcpPathOverride = "apps_mcp_path_override", UnderDevelopment, off;
    /// No effect any more (tool search always available).
    ToolSearch = "tool_search", Removed, off;
    /// MCP tools always behind tool search.
    ToolSearchAlwaysDeferMcpTools = "tool_search_always_defer_mcp_tools", UnderDevelopment, off;
    /// MCP tool names without the server prefix.
    NonPrefixedMcpToolNames = "non_prefixed_mcp_tool_names", UnderDevelopment, off;
    /// No effect any more.
    UnavailableDummyTools = "unavailable_dummy_tools", Removed, off;
    /// Suggest installable connectors/plugins; runtime-settable.
    ToolSuggest = "tool_suggest", Stable, on;
    /// Plugin loading; runtime-settable.
    Plugins = "plugins", Stable, on;
    /// No effect any more.
    PluginHooks = "plugin_hooks", Removed, off;
    /// Desktop-app permissions, meant to be pinned by admins; no effect in the CLI.
    InAppBrowser = "in_app_browser", Stable, on;
    /// Desktop-app permissions, meant to be pinned by admins; no effect in the CLI.
    BrowserUse = "browser_use", Stable, on;
    /// Desktop-app permissions, meant to be pinned by admins; no effect in the CLI.
    BrowserUseExternal = "browser_use_external", Stable, on;
    /// Desktop-app permissions, meant to be pinned by admins; no effect in the CLI.
    ComputerUse = "computer_use", Stable, on;
    /// Remote plugin catalog; runtime-settable.
    RemotePlugin = "remote_plugin", UnderDevelopment, off;
    /// Plugin share requests.
    PluginSharing = "plugin_sharing", Stable, on;
    /// Start-up offer to import other agents' configuration.
    ExternalMigration = "external_migration", Experimental, off;
    /// Hosted image generation tool where the provider supports it.
    ImageGeneration = "image_generation", Stable, on;
    /// Extension-based image generation.
    Imagegenext = "imagegenext", UnderDevelopment, off;
    /// Offer to install MCP servers a skill needs.
    SkillMcpDependencyInstall = "skill_mcp_dependency_install", Stable, on;
    /// No effect any more.
    SkillEnvVarDependencyPrompt = "skill_env_var_dependency_prompt", Removed, off;
    /// New `@` popup in the TUI; runtime-settable.
    MentionsV2 = "mentions_v2", UnderDevelopment, off;
    /// No effect any more (Enter always steers).
    Steer = "steer", Removed, on;
    /// `request_user_input` usable outside plan mode.
    DefaultModeRequestUserInput = "default_mode_request_user_input", UnderDevelopment, off;
    /// Allows `approvals_reviewer = auto_review`.
    GuardianApproval = "guardian_approval", Stable, on;
    /// Tools `get_goal create_goal update_goal`, `/goal`.
    Goals = "goals", Stable, on;
    /// No effect any more.
    CollaborationModes = "collaboration_modes", Removed, on;
    /// MCP approvals as elicitations; runtime-settable.
    ToolCallMcpElicitation = "tool_call_mcp_elicitation", Stable, on;
    /// Connector login failures as URL elicitations.
    AuthElicitation = "auth_elicitation", UnderDevelopment, off;
    /// Personality text in the base instructions (length changes when off).
    Personality = "personality", Stable, on;
    /// Native artifact tools.
    Artifact = "artifact", UnderDevelopment, off;
    /// Fast mode (`/fast`, service tier `priority`).
    FastMode = "fast_mode", Stable, on;
    /// Voice mode.
    RealtimeConversation = "realtime_conversation", UnderDevelopment, off;
    /// No effect any more (see `remote-control` command); still runtime-settable key.
    RemoteControl = "remote_control", Removed, off;
    /// No effect any more.
    ImageDetailOriginal = "image_detail_original", Removed, off;
    /// No effect any more (TUI always runs over the app-server).
    TuiAppServer = "tui_app_server", Removed, on;
    /// Inhibit system sleep during turns.
    PreventIdleSleep = "prevent_idle_sleep", Experimental, off;
    /// No effect any more.
    WorkspaceOwnerUsageNudge = "workspace_owner_usage_nudge", Removed, off;
    /// No effect any more (provider key `supports_websockets` decides).
    ResponsesWebsockets = "responses_websockets", Removed, off;
    /// No effect any more (provider key `supports_websockets` decides).
    ResponsesWebsocketsV2 = "responses_websockets_v2", Removed, off;
    /// Acknowledge processed responses on the websocket.
    ResponsesWebsocketResponseProcessed = "responses_websocket_response_processed", UnderDevelopment, off;
    /// Compaction through the normal Responses endpoint; adds its name to the beta header.
    RemoteCompactionV2 = "remote_compaction_v2", UnderDevelopment, off;
    /// Desktop dependency bundle.
    WorkspaceDependencies = "workspace_dependencies", Stable, on;
}
