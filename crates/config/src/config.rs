//! The settings a session runs under: every default applied, every reference resolved.
//!
//! In comes what the layers say together, out goes [`Config`]. What a newcomer would get wrong: a field that is `None`
//! here is not "off" but "as the model catalog says".

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quire_protocol::{
    ApprovalPolicy, PermissionProfile, ReasoningEffort, ReasoningSummary, SandboxMode, SandboxPolicy,
    Verbosity,
};
use toml::Table;

use crate::checks;
use crate::error::InvalidConfig;
use crate::features::{self, Feature, Features, Notice};
use crate::home::CodexHome;
use crate::key_path::KeyPath;
use crate::layer::{LayerSource, LayerStack, Paths, without_dots};
use crate::options::{LoadOptions, TypedOverrides};
use crate::permissions::{self, Permissions, Selection, Surroundings};
use crate::project::Project;
use crate::provider::{self, ModelProvider};
use crate::requirements::{Fallback, Limits, Requirements};
use crate::schema::{
    ApprovalsReviewer, AuthStore, AutoCompactScope, ConfigToml, FileOpener, ForcedLogin, History,
    Personality, TrustLevel, WebSearchMode, WebSearchSettings, WorkspaceIds,
};
use crate::shell_environment::ShellEnvironmentPolicy;

const DEFAULT_BACKGROUND_TERMINAL_MAX_TIMEOUT_MS: u64 = 300_000;

/// The settings of a session.
#[derive(Clone)]
pub struct Config {
    /// The home folder.
    pub home: CodexHome,
    /// The working folder.
    pub cwd: PathBuf,
    /// The project around it, and whether it is trusted.
    pub project: Project,
    /// Every layer, for listings.
    pub layers: LayerStack,
    /// What to tell at the start: things that were ignored or look wrong. Part of machine-readable output.
    pub warnings: Vec<String>,
    /// Keys that nothing reads. Not part of machine-readable output: the reference is silent about them, and files
    /// written for later versions are full of them. See [`Config::unknown_keys_warning`].
    pub unknown_keys: Vec<KeyPath>,
    /// What to tell about outdated spellings.
    pub deprecations: Vec<Notice>,
    /// Feature flags.
    pub features: Features,
    /// No warning about features under development.
    pub suppress_unstable_features_warning: bool,

    /// Model slug; the catalog's default when absent.
    pub model: Option<String>,
    /// Model for reviews; that of the session when absent.
    pub review_model: Option<String>,
    /// Id of the provider.
    pub model_provider_id: String,
    /// The provider.
    pub model_provider: ModelProvider,
    /// All providers by id.
    pub model_providers: BTreeMap<String, ModelProvider>,
    /// Provider of `--oss`.
    pub oss_provider: Option<String>,
    /// Backend of the `openai` provider.
    pub openai_base_url: Option<String>,
    /// Backend of ChatGPT.
    pub chatgpt_base_url: Option<String>,
    /// Context size in tokens.
    pub model_context_window: Option<i64>,
    /// Tokens at which the history is compacted.
    pub model_auto_compact_token_limit: Option<i64>,
    /// What counts against that limit.
    pub model_auto_compact_token_limit_scope: AutoCompactScope,
    /// How hard the model thinks.
    pub model_reasoning_effort: Option<ReasoningEffort>,
    /// The same in plan mode.
    pub plan_mode_reasoning_effort: Option<ReasoningEffort>,
    /// How much of its reasoning the model summarises.
    pub model_reasoning_summary: Option<ReasoningSummary>,
    /// How wordy the model answers.
    pub model_verbosity: Option<Verbosity>,
    /// Asks for summaries even when the catalog does not offer them.
    pub model_supports_reasoning_summaries: Option<bool>,
    /// A file that replaces the model catalog. Not read here.
    pub model_catalog_json: Option<PathBuf>,
    /// Service tier to ask for, as written.
    pub service_tier: Option<String>,
    /// Text that replaces the base instructions, from `instructions` or `model_instructions_file`.
    pub base_instructions: Option<String>,
    /// An extra message from the developer.
    pub developer_instructions: Option<String>,
    /// Text that replaces the compaction prompt.
    pub compact_prompt: Option<String>,
    /// Tone of the model.
    pub personality: Option<Personality>,
    /// Tells the model what it may touch.
    pub include_permissions_instructions: bool,
    /// Tells the model about apps.
    pub include_apps_instructions: bool,
    /// Tells the model about the collaboration mode.
    pub include_collaboration_mode_instructions: bool,
    /// Tells the model about its surroundings.
    pub include_environment_context: bool,

    /// Web search as configured, before the sandbox has its say; see [`Config::web_search_mode`].
    pub web_search: WebSearchMode,
    /// How the provider searches.
    pub web_search_settings: WebSearchSettings,
    /// Truncation budget of tool output in tokens.
    pub tool_output_token_limit: Option<usize>,
    /// Longest poll of a background terminal in milliseconds.
    pub background_terminal_max_timeout_ms: u64,
    /// Whether the model may ask for a login shell.
    pub allow_login_shell: bool,
    /// Environment of commands.
    pub shell_environment_policy: ShellEnvironmentPolicy,

    /// When a person is asked.
    pub approval_policy: ApprovalPolicy,
    /// Who is asked.
    pub approvals_reviewer: ApprovalsReviewer,
    /// What commands may touch: what is enforced.
    pub permission_profile: PermissionProfile,
    /// The same in the older vocabulary.
    pub sandbox_policy: SandboxPolicy,
    /// Name of the permission profile, when one was named.
    pub active_permission_profile: Option<String>,
    /// The folders commands work in; the working folder first.
    pub workspace_roots: Vec<PathBuf>,

    /// Cap of all instruction files together, in bytes.
    pub project_doc_max_bytes: usize,
    /// Other names of instruction files.
    pub project_doc_fallback_filenames: Vec<String>,
    /// Names by which a project root is recognised; `[".git"]` when absent.
    pub project_root_markers: Option<Vec<String>>,
    /// The prompt history.
    pub history: History,
    /// Folder of the databases.
    pub sqlite_home: PathBuf,
    /// Folder of the logs.
    pub log_dir: PathBuf,
    /// Where sign-ins are kept.
    pub cli_auth_credentials_store: AuthStore,
    /// The only sign-in that is allowed.
    pub forced_login_method: Option<ForcedLogin>,
    /// The only workspaces that are allowed; empty allows all.
    pub forced_chatgpt_workspace_ids: Vec<String>,
    /// Program that is told about every finished turn; empty tells nobody.
    pub notify: Vec<String>,
    /// Editor that file links open.
    pub file_opener: Option<FileOpener>,
    /// Hides reasoning from people.
    pub hide_agent_reasoning: bool,
    /// Shows people the raw reasoning.
    pub show_raw_agent_reasoning: bool,
    /// What an administrator requires; nothing when nobody requires anything.
    pub requirements: Option<Arc<Requirements>>,
    /// What the requirements let a running thread be changed to.
    pub limits: Limits,
    /// All keys as they are written, typed, without the defaults that need more than one key. Serialised, this is what
    /// `config/read` answers.
    pub written: Arc<ConfigToml>,
    /// All keys of all layers, merged, for rooms that read their own tables.
    pub merged: Table,
}

/// Shows what identifies a session. The rest may hold secrets: tokens of providers, variables of commands.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("home", &self.home)
            .field("cwd", &self.cwd)
            .field("model", &self.model)
            .field("model_provider_id", &self.model_provider_id)
            .field("approval_policy", &self.approval_policy)
            .field("sandbox_policy", &self.sandbox_policy)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// One line for people that names the keys nothing reads.
    pub fn unknown_keys_warning(&self) -> Option<String> {
        let names: Vec<_> = self.unknown_keys.iter().map(|path| format!("`{path}`")).collect();
        (!names.is_empty()).then(|| {
            format!(
                "Unknown config keys without effect: {}. `--strict-config` shows where.",
                names.join(", ")
            )
        })
    }

    /// Every leaf of the merged config and the layer it comes from.
    pub fn origins(&self) -> BTreeMap<String, LayerSource> {
        self.layers.origins()
    }

    /// Web search under the session's sandbox.
    pub fn web_search_mode(&self) -> WebSearchMode {
        self.web_search_mode_under(&self.sandbox_policy)
    }

    /// Web search under a sandbox: with none at all, cached results make no sense.
    pub fn web_search_mode_under(&self, policy: &SandboxPolicy) -> WebSearchMode {
        let live = self.requirements.as_ref().is_none_or(|all| all.allows_web_search(WebSearchMode::Live));
        match (self.web_search, policy) {
            (WebSearchMode::Cached, SandboxPolicy::DangerFullAccess) if live => WebSearchMode::Live,
            (mode, _) => mode,
        }
    }
}

/// What the layers say together.
pub(crate) struct Loaded {
    pub(crate) written: ConfigToml,
    pub(crate) merged: Table,
    pub(crate) unknown: Vec<KeyPath>,
    pub(crate) stack: LayerStack,
    pub(crate) project: Project,
    pub(crate) paths: Paths,
    pub(crate) warnings: Vec<String>,
    pub(crate) requirements: Option<Arc<Requirements>>,
}

impl Loaded {
    /// Applies defaults and the flags with a type, and checks what needs more than one key.
    pub(crate) fn assemble(mut self, options: &LoadOptions) -> Result<Config, InvalidConfig> {
        let typed = &options.typed;
        let approval_policy = self.approval_policy(typed);
        let Permissions { profile, policy, workspace_roots, name, warnings } =
            self.permissions(options, &approval_policy)?;
        self.warnings.extend(warnings);

        let providers = provider::table(&self.written, &*options.env)?;
        let chosen = self.choose_provider(typed)?;
        let model_provider = provider::find(&providers, &chosen.id)?.clone();
        let base_instructions = self.base_instructions(typed)?;
        let compact_prompt = self.compact_prompt()?;
        let web_search = self.web_search(typed);
        let approvals_reviewer = self.approvals_reviewer();
        let legacy_unified_exec = self.written.experimental_use_unified_exec_tool;
        let kept = Arc::new(self.written.clone());
        let flags = kept.features();
        let written = self.written;
        let tools = written.tools.unwrap_or_default();
        let environment = || (options.env)("CODEX_SQLITE_HOME").filter(|path| !path.trim().is_empty());
        let sqlite_home = written
            .sqlite_home
            .or_else(|| environment().map(|path| without_dots(&options.cwd.join(path))))
            .unwrap_or_else(|| options.home.as_path().to_owned());

        let mut features = Features::resolve(flags, legacy_unified_exec);
        self.warnings
            .extend(self.requirements.iter().flat_map(|requirements| requirements.pin(&mut features)));
        checks::check(&kept, &features)?;
        self.warnings.extend(kept.agents.iter().flat_map(checks::malformed_roles));
        if let Some(catalog) = &kept.model_catalog_json {
            checks::check_model_catalog(catalog)?;
        }

        Ok(Config {
            features,
            deprecations: features::notices(flags, legacy_unified_exec),
            warnings: self.warnings,
            unknown_keys: self.unknown,
            suppress_unstable_features_warning: written.suppress_unstable_features_warning.unwrap_or(false),

            model: typed.model.clone().or(chosen.default_model).or(written.model),
            review_model: written.review_model,
            model_provider_id: chosen.id,
            model_provider,
            model_providers: providers,
            oss_provider: written.oss_provider,
            openai_base_url: written.openai_base_url,
            chatgpt_base_url: written.chatgpt_base_url,
            model_context_window: written.model_context_window,
            model_auto_compact_token_limit: written.model_auto_compact_token_limit,
            model_auto_compact_token_limit_scope: written
                .model_auto_compact_token_limit_scope
                .unwrap_or_default(),
            model_reasoning_effort: written.model_reasoning_effort,
            plan_mode_reasoning_effort: written.plan_mode_reasoning_effort,
            model_reasoning_summary: written.model_reasoning_summary,
            model_verbosity: written.model_verbosity,
            model_supports_reasoning_summaries: written.model_supports_reasoning_summaries,
            model_catalog_json: written.model_catalog_json,
            service_tier: typed.service_tier.clone().or(written.service_tier),
            base_instructions,
            developer_instructions: typed.developer_instructions.clone().or(written.developer_instructions),
            compact_prompt,
            personality: typed.personality.or(written.personality),
            include_permissions_instructions: written.include_permissions_instructions.unwrap_or(true),
            include_apps_instructions: written.include_apps_instructions.unwrap_or(true),
            include_collaboration_mode_instructions: written
                .include_collaboration_mode_instructions
                .unwrap_or(true),
            include_environment_context: written.include_environment_context.unwrap_or(true),

            web_search,
            web_search_settings: tools.web_search.unwrap_or_default(),
            tool_output_token_limit: written.tool_output_token_limit,
            background_terminal_max_timeout_ms: written
                .background_terminal_max_timeout
                .unwrap_or(DEFAULT_BACKGROUND_TERMINAL_MAX_TIMEOUT_MS),
            allow_login_shell: written.allow_login_shell,
            shell_environment_policy: written.shell_environment_policy.into(),

            approval_policy,
            approvals_reviewer,
            permission_profile: profile,
            sandbox_policy: policy,
            active_permission_profile: name,
            workspace_roots,

            project_doc_max_bytes: written.project_doc_max_bytes,
            project_doc_fallback_filenames: written.project_doc_fallback_filenames,
            project_root_markers: written.project_root_markers,
            history: written.history,
            sqlite_home,
            log_dir: written.log_dir.unwrap_or_else(|| options.home.as_path().join("log")),
            cli_auth_credentials_store: written.cli_auth_credentials_store.unwrap_or_default(),
            forced_login_method: written.forced_login_method,
            forced_chatgpt_workspace_ids: written
                .forced_chatgpt_workspace_id
                .map(WorkspaceIds::into_vec)
                .unwrap_or_default(),
            notify: written.notify.unwrap_or_default(),
            file_opener: written.file_opener,
            hide_agent_reasoning: written.hide_agent_reasoning,
            show_raw_agent_reasoning: typed
                .show_raw_agent_reasoning
                .or(written.show_raw_agent_reasoning)
                .unwrap_or(false),
            limits: Limits::new(self.requirements.clone(), &self.paths),
            requirements: self.requirements,
            written: kept,
            merged: self.merged,
            home: options.home.clone(),
            cwd: options.cwd.clone(),
            project: self.project,
            layers: self.stack,
        })
    }

    /// Takes what is allowed instead of what is not, and tells about it.
    fn granted<T>(&mut self, wanted: T, hold: impl FnOnce(&Requirements, T) -> Fallback<T>) -> T {
        let Some(requirements) = self.requirements.clone() else { return wanted };
        let Fallback { value, warning } = hold(&requirements, wanted);
        self.warnings.extend(warning);
        value
    }

    fn approval_policy(&mut self, typed: &TypedOverrides) -> ApprovalPolicy {
        let implied = match self.project.trust {
            Some(TrustLevel::Untrusted) => ApprovalPolicy::Untrusted,
            Some(TrustLevel::Trusted) | None => ApprovalPolicy::OnRequest,
        };
        let chosen = if typed.bypass_approvals_and_sandbox {
            Some(ApprovalPolicy::Never)
        } else {
            typed.approval_policy.clone().or_else(|| self.written.approval_policy.clone().map(Into::into))
        };
        let told = chosen.is_some();
        self.granted(chosen.unwrap_or(implied), |requirements, wanted| {
            requirements.approval_policy(wanted, told)
        })
    }

    fn approvals_reviewer(&mut self) -> ApprovalsReviewer {
        let chosen = self.written.approvals_reviewer;
        self.granted(chosen.unwrap_or_default(), |requirements, wanted| {
            requirements.approvals_reviewer(wanted, chosen.is_some())
        })
    }

    fn permissions(
        &self,
        options: &LoadOptions,
        approval_policy: &ApprovalPolicy,
    ) -> Result<Permissions, InvalidConfig> {
        let typed = &options.typed;
        let extra_roots: Vec<_> = typed
            .additional_writable_roots
            .iter()
            .map(|root| without_dots(&options.cwd.join(root)))
            .collect();
        let workspace_write = self.written.sandbox_workspace_write.clone().unwrap_or_default();
        let tmpdir = (options.env)("TMPDIR").filter(|path| !path.is_empty()).map(PathBuf::from);
        let around = Surroundings {
            cwd: &options.cwd,
            extra_roots: &extra_roots,
            readable: &typed.additional_readable_roots,
            paths: &self.paths,
            tmpdir: tmpdir.as_deref(),
        };
        let selection = self.select_permissions(typed);
        let Some(requirements) = &self.requirements else {
            return Ok(permissions::resolve(
                selection,
                &workspace_write,
                self.written.permissions.as_ref(),
                &around,
            )?);
        };
        let all = requirements.add_profiles(self.written.permissions.clone())?;
        let defined =
            if matches!(selection, Selection::Profile(_)) { all } else { self.written.permissions.clone() };
        let mut granted = permissions::resolve(selection, &workspace_write, defined.as_ref(), &around)?;
        if !requirements.allows_profile(&granted.profile) {
            if granted.profile == PermissionProfile::Disabled && *approval_policy == ApprovalPolicy::Never {
                return Err(InvalidConfig::NeverWithoutFullAccess);
            }
            let fallback = Selection::Mode(SandboxMode::ReadOnly);
            granted = permissions::resolve(fallback, &workspace_write, None, &around)?;
            granted.warnings.push(requirements.profile_warning());
        }
        Limits::new(Some(Arc::clone(requirements)), &self.paths).add_denials(&mut granted.profile);
        Ok(granted)
    }

    /// The highest layer that sets either spelling decides; within one layer the profile wins.
    fn select_permissions(&self, typed: &TypedOverrides) -> Selection {
        if typed.bypass_approvals_and_sandbox {
            return Selection::Mode(SandboxMode::DangerFullAccess);
        }
        if let Some(mode) = typed.sandbox_mode {
            return Selection::Mode(mode);
        }
        if let Some(name) = &typed.default_permissions {
            return Selection::Profile(name.clone());
        }
        let deciding = self.stack.iter().filter(|layer| layer.disabled.is_none()).find(|layer| {
            ["default_permissions", "sandbox_mode"].iter().any(|key| layer.table.contains_key(*key))
        });
        let names_profile = deciding.is_some_and(|layer| layer.table.contains_key("default_permissions"));
        match (&self.written.default_permissions, self.written.sandbox_mode) {
            (Some(name), _) if names_profile => Selection::Profile(name.clone()),
            (_, Some(mode)) => Selection::Mode(mode),
            _ if self.project.trust.is_some() => Selection::Implied(SandboxMode::WorkspaceWrite),
            _ => Selection::Implied(SandboxMode::ReadOnly),
        }
    }

    fn choose_provider(&self, typed: &TypedOverrides) -> Result<ChosenProvider, InvalidConfig> {
        if let Some(local) = &typed.local_models {
            let id = local.provider.clone().or_else(|| self.written.oss_provider.clone());
            let id = id.ok_or(InvalidConfig::NoOssProvider)?;
            let default_model = provider::local_default_model(&id).map(str::to_owned);
            return Ok(ChosenProvider { id, default_model });
        }
        let id = typed.model_provider.clone().or_else(|| self.written.model_provider.clone());
        Ok(ChosenProvider { id: id.unwrap_or_else(|| provider::OPENAI.to_owned()), default_model: None })
    }

    fn base_instructions(&self, typed: &TypedOverrides) -> Result<Option<String>, InvalidConfig> {
        if typed.base_instructions.is_some() {
            return Ok(typed.base_instructions.clone());
        }
        match &self.written.model_instructions_file {
            Some(file) => read_text("model instructions file", file).map(Some),
            None => Ok(self.written.instructions.clone()),
        }
    }

    fn compact_prompt(&self) -> Result<Option<String>, InvalidConfig> {
        if self.written.compact_prompt.as_ref().is_some_and(|prompt| !prompt.trim().is_empty()) {
            return Ok(self.written.compact_prompt.clone());
        }
        let file = self.written.experimental_compact_prompt_file.as_ref();
        file.map(|file| read_text("experimental compact prompt file", file)).transpose()
    }

    /// The key beats the old flags; cached is the default.
    fn web_search(&mut self, typed: &TypedOverrides) -> WebSearchMode {
        let features = Features::resolve(self.written.features(), None);
        let flagged = features.enabled(Feature::WebSearchRequest).then_some(WebSearchMode::Live);
        let wanted =
            typed.web_search.or(self.written.web_search).or(flagged).unwrap_or(WebSearchMode::Cached);
        self.granted(wanted, Requirements::web_search)
    }
}

struct ChosenProvider {
    id: String,
    /// The model that goes with it, unless a flag names another.
    default_model: Option<String>,
}

/// Reads a file that a key names. Text around it is trimmed.
fn read_text(what: &'static str, file: &Path) -> Result<String, InvalidConfig> {
    let text = std::fs::read_to_string(file).map_err(|error| InvalidConfig::UnreadableFile {
        what,
        path: file.to_owned(),
        reason: error.to_string(),
    })?;
    let text = text.trim();
    if text.is_empty() {
        Err(InvalidConfig::EmptyFile { what, path: file.to_owned() })
    } else {
        Ok(text.to_owned())
    }
}
