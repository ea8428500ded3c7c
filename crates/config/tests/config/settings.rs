//! Defaults, and keys that need more than copying.

use quire_config::{Feature, Inherit, Personality, SearchContextSize, WebSearchMode};
use quire_protocol::{
    ApprovalPolicy, GranularApproval, ReasoningEffort, ReasoningSummary, SandboxMode, Verbosity,
};

use crate::world::World;

#[test]
fn an_empty_config() {
    let world = World::new();
    let config = world.load();
    assert_eq!((config.model.as_deref(), config.model_provider_id.as_str()), (None, "openai"));
    assert_eq!((config.model_reasoning_effort, config.model_verbosity), (None, None));
    assert_eq!(config.project_doc_max_bytes, 32768);
    assert_eq!(config.background_terminal_max_timeout_ms, 300_000);
    assert!(config.allow_login_shell);
    assert!(config.include_permissions_instructions && config.include_environment_context);
    assert!(config.include_apps_instructions && config.include_collaboration_mode_instructions);
    assert!(!config.hide_agent_reasoning && !config.show_raw_agent_reasoning);
    assert_eq!(config.shell_environment_policy.inherit, Inherit::All);
    assert_eq!(config.sqlite_home, world.path("home"));
    assert_eq!(config.log_dir, world.path("home/log"));
    assert_eq!(config.web_search_mode(), WebSearchMode::Cached);
    assert_eq!((config.warnings.len(), config.deprecations.len()), (0, 0));
}

#[test]
fn a_full_config() {
    let config = World::with(
        "model = 'm'\nmodel_reasoning_effort = 'xhigh'\nmodel_reasoning_summary = 'concise'\nmodel_verbosity = 'low'\n\
         model_context_window = -1\npersonality = 'friendly'\nproject_doc_fallback_filenames = ['A.md']\n\
         notify = ['a', 'b']\nmodel_provider = 'p'\nforced_chatgpt_workspace_id = 'ws'\n\
         [history]\nmax_bytes = 5\n[model_providers.p]\nname = 'P'\nbase_url = 'http://x'\n[quire]\nmine = 1\n\
         [approval_policy.granular]\nsandbox_approval = true\nrules = false\nmcp_elicitations = true\n",
    )
    .load();
    assert_eq!(config.model.as_deref(), Some("m"));
    assert_eq!(config.model_reasoning_effort, Some(ReasoningEffort::Xhigh));
    assert_eq!(config.model_reasoning_summary, Some(ReasoningSummary::Concise));
    assert_eq!(config.model_verbosity, Some(Verbosity::Low));
    assert_eq!(config.model_context_window, Some(-1));
    assert_eq!(config.personality, Some(Personality::Friendly));
    assert_eq!(config.model_provider.base_url.as_deref(), Some("http://x"));
    assert_eq!(config.forced_chatgpt_workspace_ids, ["ws"]);
    assert_eq!(config.history.max_bytes, Some(5));
    assert!(config.unknown_keys_warning().unwrap().contains("`quire.mine`"));
    let granular = GranularApproval {
        sandbox_approval: true,
        rules: false,
        skill_approval: false,
        request_permissions: false,
        mcp_elicitations: true,
    };
    assert_eq!(config.approval_policy, ApprovalPolicy::Granular(granular));
}

#[test]
fn flags_with_a_type_win_over_every_layer() {
    let world = World::with("model = 'user'\n").flags(&["model=flag", "approval_policy=on-failure"]);
    let config = world
        .options(|options| {
            options.typed.model = Some("typed".to_owned());
            options.typed.approval_policy = Some(ApprovalPolicy::Never);
            options.typed.web_search = Some(WebSearchMode::Live);
        })
        .load();
    assert_eq!(config.model.as_deref(), Some("typed"));
    assert_eq!(config.approval_policy, ApprovalPolicy::Never);
    assert_eq!(config.web_search_mode(), WebSearchMode::Live);
}

#[test]
fn base_instructions_come_from_a_file_or_a_key() {
    let world = World::with("instructions = 'key'\nmodel_instructions_file = 'i.md'\n")
        .file("home/i.md", "\n file \n");
    assert_eq!(world.load().base_instructions.as_deref(), Some("file"));
    assert_eq!(World::with("instructions = 'key'\n").load().base_instructions.as_deref(), Some("key"));
    let empty = World::with("model_instructions_file = 'i.md'\n").file("home/i.md", " \n");
    assert_eq!(empty.error(), "Error: model instructions file is empty: @/home/i.md");
}

#[test]
fn web_search_modes() {
    let mode = |text: &str, sandbox: Option<SandboxMode>| {
        World::with(text).options(|options| options.typed.sandbox_mode = sandbox).load().web_search_mode()
    };
    for (text, sandbox, expected) in [
        ("", None, WebSearchMode::Cached),
        ("[features]\nweb_search_request = true\n", None, WebSearchMode::Live),
        ("[features]\nweb_search = true\n", None, WebSearchMode::Live),
        ("[features]\nweb_search_cached = true\n", None, WebSearchMode::Cached),
        ("web_search = 'disabled'\n[features]\nweb_search_request = true\n", None, WebSearchMode::Disabled),
        ("", Some(SandboxMode::DangerFullAccess), WebSearchMode::Live),
        ("web_search = 'cached'\n", Some(SandboxMode::DangerFullAccess), WebSearchMode::Live),
        ("web_search = 'disabled'\n", Some(SandboxMode::DangerFullAccess), WebSearchMode::Disabled),
        ("", Some(SandboxMode::WorkspaceWrite), WebSearchMode::Cached),
    ] {
        assert_eq!(mode(text, sandbox), expected, "{text} {sandbox:?}");
    }
}

#[test]
fn web_search_settings() {
    let config = World::with(
        "[tools.web_search]\ncontext_size = 'high'\nallowed_domains = ['a']\nlocation = {city = 'Bern'}\n",
    )
    .load();
    assert_eq!(config.web_search_settings.context_size, Some(SearchContextSize::High));
    assert_eq!(config.web_search_settings.allowed_domains.unwrap(), ["a"]);
    assert_eq!(config.web_search_settings.location.unwrap().city.as_deref(), Some("Bern"));
    let old = World::with("[tools]\nweb_search = true\n").load();
    assert_eq!((old.web_search_settings.allowed_domains, old.warnings.len()), (None, 0));
}

#[test]
fn the_databases_follow_key_then_variable_then_home() {
    let vars = [("CODEX_SQLITE_HOME", "db")];
    assert_eq!(World::new().env(&vars).load().sqlite_home.file_name().unwrap(), "db");
    let world = World::new().env(&vars);
    assert_eq!(world.load().sqlite_home, world.path("w/db"));
    let world = World::with("sqlite_home = 'own'\n").env(&vars);
    assert_eq!(world.load().sqlite_home, world.path("home/own"));
}

#[test]
fn the_old_key_of_unified_exec() {
    let config = World::with("experimental_use_unified_exec_tool = false\n").load();
    assert!(!config.features.enabled(Feature::UnifiedExec));
    assert_eq!(config.deprecations.len(), 1);
    let config =
        World::with("experimental_use_unified_exec_tool = false\n[features]\nunified_exec = true\n").load();
    assert!(config.features.enabled(Feature::UnifiedExec));
}

#[test]
fn debug_output_keeps_secrets() {
    let world = World::with("[model_providers.p]\nname = 'P'\nexperimental_bearer_token = 'hush'\n");
    let config = world.flags(&["shell_environment_policy.set.A=hush"]).load();
    assert!(!format!("{config:?} {:?} {:?}", config.layers, config.model_providers).contains("hush"));
}
