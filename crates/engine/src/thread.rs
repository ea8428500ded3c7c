//! A thread: one actor that owns history, log and running processes, and takes ops one at a time.
//!
//! Ops that arrive while a turn runs either stop it or are put before the model at its next sampling. The actor ends
//! when it is told to, or when the last [`ThreadHandle`] is gone.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use quire_config::{Config, Feature, Personality};
use quire_models::{Catalog, ClientIdentity, ModelClient, ModelInfo, ModelOverrides};
use quire_process::SessionStore;
use quire_protocol::{
    ApprovalPolicy, BaseInstructions, CollaborationMode, CollaborationSettings, EventKind, FileSystemPolicy,
    FileSystemSandboxPolicy, ModeKind, Op, PermissionProfile, REFERENCE_VERSION, RateLimitSnapshot,
    ReasoningEffort, ReasoningSummary, ResponseItem, RolloutItem, SandboxPolicy, SessionMeta, SessionSource,
    ThreadId, ThreadSource, TokenUsageInfo, TurnContext, TurnId, TurnOverrides,
};
use quire_repo::{DiscoverOptions, Instructions};
use quire_shell::Shell;
use quire_store::{Loaded, RolloutWriter};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::agents::{Agents, Lineage};
use crate::context::Parts;
use crate::engine::{Engine, EngineError, NewThread, ResumeTarget, StartedThread, ThreadInfo};
use crate::goals::Goals;
use crate::history::History;
use crate::identity;
use crate::login_env::LoginEnvironment;
use crate::outputs::Outlet;
use crate::prompts;
use crate::tools::{AgentTools, Gate};
use crate::turn::{self, Cause, TurnStart};

/// Events that may wait for a slow listener before the thread waits too.
const EVENT_QUEUE: usize = 1024;

/// Ops that may wait for a busy thread.
const OP_QUEUE: usize = 64;

/// The thread is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the thread is closed")]
pub struct ThreadClosed;

/// Takes ops for a thread.
#[derive(Debug, Clone)]
pub struct ThreadHandle {
    ops: mpsc::Sender<Op>,
}

impl ThreadHandle {
    /// Hands over an op; waits while the thread's queue is full.
    pub async fn submit(&self, op: Op) -> Result<(), ThreadClosed> {
        self.ops.send(op).await.map_err(|_| ThreadClosed)
    }
}

/// What the turns of a thread use and none of them changes.
pub(crate) struct Services {
    pub(crate) engine: Arc<Engine>,
    pub(crate) config: Config,
    pub(crate) thread_id: ThreadId,
    pub(crate) thread_source: Option<ThreadSource>,
    ephemeral: bool,
    pub(crate) installation_id: String,
    pub(crate) client: ModelClient,
    pub(crate) shell: Shell,
    pub(crate) command_env: Vec<(OsString, OsString)>,
    /// `None` with the feature `shell_snapshot` off.
    pub(crate) login_env: Option<LoginEnvironment>,
    search_path: Option<OsString>,
    pub(crate) user_home: Option<PathBuf>,
    pub(crate) temp_dir: Option<PathBuf>,
    pub(crate) allow_login_shell: bool,
    pub(crate) background_terminal_max_timeout_ms: u64,
    pub(crate) base_instructions: String,
    /// The personality, when the base instructions may not speak of it.
    pub(crate) personality: Option<&'static str>,
    pub(crate) developer_instructions: Option<String>,
    pub(crate) instructions: Instructions,
    pub(crate) sessions: SessionStore,
    /// Nothing where a thread cannot have a goal.
    pub(crate) goals: Option<Goals>,
    /// Where this thread comes from, if another one started it.
    pub(crate) lineage: Option<Lineage>,
    /// Nothing where a thread cannot have agents; agents cannot.
    pub(crate) agents: Option<Arc<Agents>>,
    watchers: TaskTracker,
}

impl Services {
    /// Takes a task that watches a process; it is waited for when the thread ends.
    pub(crate) fn own(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.watchers.spawn(task);
    }

    /// What tools are offered on the ground of under these settings.
    pub(crate) fn gate<'a>(&'a self, settings: &'a Settings) -> Gate<'a> {
        Gate {
            config: &self.config,
            model: &settings.info,
            policy: &settings.sandbox_policy,
            goals: self.goals.is_some(),
            agents: match &self.agents {
                None => AgentTools::Off,
                Some(_) if settings.info.supports_search_tool => AgentTools::Deferred,
                Some(_) => AgentTools::Listed,
            },
        }
    }

    /// The root of this thread's session.
    pub(crate) fn session_id(&self) -> ThreadId {
        self.lineage.as_ref().map_or(self.thread_id, |lineage| lineage.session_id)
    }

    /// Looks a program up where commands would find it.
    pub(crate) fn find_program(&self, name: &str) -> Option<PathBuf> {
        quire_shell::find_program(name, self.search_path.as_deref()?)
    }

    /// How an agent of this thread begins.
    fn new_agent(&self) -> NewThread {
        NewThread {
            ephemeral: self.ephemeral,
            source: SessionSource::default(),
            thread_source: Some(ThreadSource::Subagent),
            base_instructions: None,
            developer_instructions: self.developer_instructions.clone(),
        }
    }

    /// Which context parts the configuration wants.
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            permissions: self.config.include_permissions_instructions,
            environment: self.config.include_environment_context,
        }
    }
}

/// Settings that turns run under and may change.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) cwd: PathBuf,
    pub(crate) approval_policy: ApprovalPolicy,
    pub(crate) sandbox_policy: SandboxPolicy,
    pub(crate) profile: PermissionProfile,
    pub(crate) model: String,
    pub(crate) info: Arc<ModelInfo>,
    pub(crate) effort: Option<ReasoningEffort>,
    /// What a turn asked for; the configured one is not part of a turn's record.
    pub(crate) summary: Option<ReasoningSummary>,
    pub(crate) personality: Option<Personality>,
    workspace_roots: Vec<PathBuf>,
}

impl Settings {
    fn from_config(config: &Config) -> Self {
        let default_model =
            || Catalog::bundled().default_model().map(|model| model.slug.clone()).unwrap_or_default();
        let model = config.model.clone().unwrap_or_else(default_model);
        Self {
            cwd: config.cwd.clone(),
            approval_policy: config.approval_policy.clone(),
            sandbox_policy: config.sandbox_policy.clone(),
            profile: config.permission_profile.clone(),
            info: model_info(&model, config),
            model,
            effort: config.model_reasoning_effort,
            summary: None,
            workspace_roots: config.workspace_roots.clone(),
            personality: config
                .features
                .enabled(Feature::Personality)
                .then(|| config.personality.unwrap_or(Personality::Pragmatic)),
        }
    }

    /// These settings with another model, or another effort.
    pub(crate) fn with_model(
        mut self,
        model: Option<String>,
        effort: Option<ReasoningEffort>,
        config: &Config,
    ) -> Self {
        if let Some(model) = model {
            self.info = model_info(&model, config);
            self.model = model;
            self.effort = None;
        }
        self.effort = effort.or(self.effort);
        self
    }

    fn apply(&mut self, overrides: TurnOverrides, config: &Config) {
        let moved = overrides.cwd.is_some() || overrides.sandbox_policy.is_some();
        if let Some(cwd) = overrides.cwd {
            self.cwd = cwd;
        }
        if let Some(policy) = overrides.sandbox_policy {
            self.sandbox_policy = policy;
        }
        if moved {
            self.profile = PermissionProfile::from_policy(&self.sandbox_policy, &self.cwd);
            self.workspace_roots = vec![self.cwd.clone()];
            if let SandboxPolicy::WorkspaceWrite { writable_roots, .. } = &self.sandbox_policy {
                self.workspace_roots.extend(writable_roots.iter().filter(|root| **root != self.cwd).cloned());
            }
        }
        if let Some(policy) = overrides.approval_policy {
            self.approval_policy = policy;
        }
        if let Some(model) = overrides.model {
            self.info = model_info(&model, config);
            self.model = model;
        }
        self.effort = overrides.effort.or(self.effort);
        self.summary = overrides.summary.or(self.summary);
    }

    /// The record of these settings for one turn.
    pub(crate) fn turn_context(&self, turn_id: &TurnId, now: &jiff::Zoned) -> TurnContext {
        TurnContext {
            turn_id: Some(turn_id.clone()),
            cwd: self.cwd.clone(),
            workspace_roots: self.workspace_roots.clone(),
            current_date: Some(now.strftime("%Y-%m-%d").to_string()),
            timezone: Some(now.time_zone().iana_name().unwrap_or("Etc/UTC").to_owned()),
            approval_policy: self.approval_policy.clone(),
            sandbox_policy: self.sandbox_policy.clone(),
            permission_profile: Some(self.profile.clone()),
            file_system_sandbox_policy: self.file_system_policy(),
            model: self.model.clone(),
            personality: self.personality.map(|personality| personality_name(personality).to_owned()),
            collaboration_mode: Some(CollaborationMode {
                mode: ModeKind::Default,
                settings: CollaborationSettings {
                    model: self.model.clone(),
                    reasoning_effort: self.effort,
                    developer_instructions: None,
                },
            }),
            realtime_active: Some(false),
            effort: self.effort,
            summary: self.summary.unwrap_or_default(),
        }
    }

    /// The file part of the profile, where the older policy cannot say it: the protected names.
    fn file_system_policy(&self) -> Option<FileSystemSandboxPolicy> {
        match (&self.sandbox_policy, &self.profile) {
            (
                SandboxPolicy::WorkspaceWrite { .. },
                PermissionProfile::Managed {
                    file_system: FileSystemPolicy::Restricted { entries, glob_scan_max_depth },
                    ..
                },
            ) => Some(FileSystemSandboxPolicy::Restricted {
                entries: entries.clone(),
                glob_scan_max_depth: *glob_scan_max_depth,
            }),
            _ => None,
        }
    }

    /// Usable tokens of the context window.
    pub(crate) fn usable_window(&self) -> Option<u64> {
        self.info.usable_context_tokens()
    }
}

fn model_info(model: &str, config: &Config) -> Arc<ModelInfo> {
    let overrides = ModelOverrides {
        context_window: config.model_context_window.and_then(|tokens| tokens.try_into().ok()),
        auto_compact_token_limit: config
            .model_auto_compact_token_limit
            .and_then(|tokens| tokens.try_into().ok()),
        tool_output_limit: config.tool_output_token_limit,
        supports_reasoning_summaries: config.model_supports_reasoning_summaries == Some(true),
    };
    let known = Catalog::bundled().lookup(model);
    Arc::new(ModelInfo::clone(known.info()).with_overrides(&overrides))
}

/// What turns change.
pub(crate) struct ThreadState {
    pub(crate) services: Arc<Services>,
    pub(crate) outlet: Outlet,
    pub(crate) settings: Settings,
    pub(crate) history: History,
    /// The context the model was last told; `None` before the first turn.
    pub(crate) baseline: Option<TurnContext>,
    /// The model of the turn before, also where a compaction hides what it was told.
    pub(crate) previous_model: Option<String>,
    pub(crate) usage: Option<TokenUsageInfo>,
    pub(crate) rate_limits: RateLimitSnapshot,
    pub(crate) window: u32,
}

impl ThreadState {
    /// What this thread's tools are offered on the ground of.
    pub(crate) fn gate(&self) -> Gate<'_> {
        self.services.gate(&self.settings)
    }
}

/// Starts a thread.
pub(crate) async fn start(
    engine: Arc<Engine>,
    config: Config,
    params: NewThread,
) -> Result<StartedThread, EngineError> {
    let settings = Settings::from_config(&config);
    begin(engine, config, params, settings, None).await
}

/// Starts a thread that works for another one: under the settings of that one's turn, and knowing what `fork` holds.
pub(crate) async fn start_agent(
    parent: &Services,
    settings: Settings,
    config: Config,
    lineage: Lineage,
    fork: Fork,
) -> Result<StartedThread, EngineError> {
    let params = NewThread { source: lineage.source(), ..parent.new_agent() };
    begin(Arc::clone(&parent.engine), config, params, settings, Some((lineage, fork))).await
}

/// What an agent knows from the start.
#[derive(Default)]
pub(crate) struct Fork {
    pub(crate) history: Vec<ResponseItem>,
    /// The context its model was told in that history.
    pub(crate) baseline: Option<TurnContext>,
}

async fn begin(
    engine: Arc<Engine>,
    config: Config,
    params: NewThread,
    settings: Settings,
    agent: Option<(Lineage, Fork)>,
) -> Result<StartedThread, EngineError> {
    let id = engine.options.ids.thread_id();
    let prepared = prepare(&engine, &config).await?;
    let (lineage, fork) = agent.unzip();
    let base = base_text(&config, &params, None, &settings);
    let now = engine.options.clock.unix_ms();
    let writer = (!params.ephemeral).then(|| {
        let meta = SessionMeta {
            id,
            forked_from_id: lineage.as_ref().map(|lineage| lineage.parent),
            timestamp: quire_store::utc_timestamp(now),
            cwd: settings.cwd.clone(),
            originator: engine.options.originator.clone(),
            cli_version: REFERENCE_VERSION.to_owned(),
            source: params.source.clone(),
            thread_source: params.thread_source,
            agent_nickname: lineage.as_ref().map(|lineage| lineage.nickname.clone()),
            agent_role: lineage.as_ref().and_then(|lineage| lineage.role.clone()),
            agent_path: None,
            model_provider: Some(config.model_provider_id.clone()),
            base_instructions: Some(BaseInstructions { text: base.text.clone() }),
            dynamic_tools: None,
            memory_mode: None,
            git: None,
        };
        // Looked up now, needed only when the first line is written.
        let cwd = settings.cwd.clone();
        let lookup = tokio::spawn(async move { quire_repo::session_git_facts(&cwd).await });
        let facts = async move { lookup.await.ok().flatten() };
        RolloutWriter::create_with_facts(
            &engine.options.home,
            meta,
            Arc::clone(&engine.options.clock),
            Some(facts),
        )
    });
    let path = writer.as_ref().map(|writer| writer.path().to_owned());
    let fork = fork.unwrap_or_default();
    let born = Born { id, path, writer, created_at: now / 1000, base, loaded: None, lineage, fork };
    Ok(assemble(engine, config, params, prepared, settings, born))
}

/// Goes on with a stored thread.
pub(crate) async fn resume(
    engine: Arc<Engine>,
    config: Config,
    target: ResumeTarget,
    params: NewThread,
) -> Result<StartedThread, EngineError> {
    let settings = Settings::from_config(&config);
    go_on(engine, config, target, params, settings, None).await
}

/// Goes on with a thread that worked for another one.
pub(crate) async fn resume_agent(
    parent: &Services,
    settings: Settings,
    target: ResumeTarget,
) -> Result<StartedThread, EngineError> {
    let params = parent.new_agent();
    let kin = (parent.thread_id, parent.session_id());
    go_on(Arc::clone(&parent.engine), parent.config.clone(), target, params, settings, Some(kin)).await
}

/// `kin` are the parent and the session of an agent; then only one that this parent started is taken.
async fn go_on(
    engine: Arc<Engine>,
    config: Config,
    target: ResumeTarget,
    params: NewThread,
    settings: Settings,
    kin: Option<(ThreadId, ThreadId)>,
) -> Result<StartedThread, EngineError> {
    let prepared = prepare(&engine, &config).await?;
    let home = engine.options.home.clone();
    let found = blocking(move || -> Result<(PathBuf, Loaded), String> {
        let path = match target {
            ResumeTarget::Path(path) => path,
            ResumeTarget::Id(id) => quire_store::find_by_id(&home, id).map_err(|error| error.to_string())?,
        };
        let loaded = quire_store::load(&path).map_err(|error| error.to_string())?;
        Ok((path, loaded))
    });
    let (path, mut loaded) = found.await?.map_err(EngineError::Rollout)?;
    let lineage = kin.map(|(parent, session_id)| lineage_of(&loaded, parent, session_id)).transpose()?;
    let base = base_text(&config, &params, loaded.base_instructions.take(), &settings);
    let writer = RolloutWriter::resume(path.clone(), Arc::clone(&engine.options.clock));
    let created_at = loaded.meta.timestamp.parse().map_or(0, jiff::Timestamp::as_second);
    let born = Born {
        id: loaded.meta.id,
        path: Some(path),
        writer: Some(writer),
        created_at,
        base,
        loaded: Some(loaded),
        lineage,
        fork: Fork::default(),
    };
    Ok(assemble(engine, config, params, prepared, settings, born))
}

/// Where a stored agent comes from; refused if another thread started it.
fn lineage_of(loaded: &Loaded, parent: ThreadId, session_id: ThreadId) -> Result<Lineage, EngineError> {
    let meta = &loaded.meta;
    if meta.source.parent() != Some(parent) {
        return Err(EngineError::Rollout(format!("thread {} is no agent of thread {parent}", meta.id)));
    }
    let nickname = meta.agent_nickname.clone().unwrap_or_default();
    Ok(Lineage { parent, session_id, nickname, role: meta.agent_role.clone() })
}

/// What had to be read before a thread can be put together.
struct Prepared {
    installation_id: String,
    client: ModelClient,
    instructions: Instructions,
}

async fn prepare(engine: &Engine, config: &Config) -> Result<Prepared, EngineError> {
    let options = &engine.options;
    let (home, cwd) = (options.home.clone(), config.cwd.clone());
    let discover = DiscoverOptions {
        home: home.clone(),
        cwd: cwd.clone(),
        markers: config.project_root_markers.clone().unwrap_or_else(|| vec![".git".to_owned()]),
        max_bytes: config.project_doc_max_bytes,
        fallback_names: config.project_doc_fallback_filenames.clone(),
    };
    let read = blocking(move || {
        let installation_id = quire_store::installation_id(&home).map_err(|error| {
            EngineError::Home(format!("cannot use {}: {error}", home.join("installation_id").display()))
        })?;
        Ok::<_, EngineError>((installation_id, quire_repo::discover(&discover)))
    });
    let (installation_id, instructions) = read.await??;
    let env = |name: &str| variable(&options.env, name);
    let identity = ClientIdentity {
        originator: options.originator.clone(),
        user_agent: identity::user_agent(
            &options.originator,
            &options.client,
            &identity::terminal_token(env),
        ),
    };
    let provider = crate::provider::from_config(&config.model_provider);
    let model_error = |error: &dyn std::fmt::Display| EngineError::Model(error.to_string());
    let key = provider.credential(&options.home, env).map_err(|error| model_error(&error))?;
    let variables = options.env.clone();
    let mut client = ModelClient::new(provider, key, identity)
        .map_err(|error| model_error(&error))?
        .with_environment(Arc::new(move |name: &str| variable(&variables, name)));
    if let Some(recorder) = &options.recorder {
        client = client.with_recorder(Arc::clone(recorder));
    }
    Ok(Prepared { installation_id, client, instructions })
}

/// Identity and past of a thread.
struct Born {
    id: ThreadId,
    path: Option<PathBuf>,
    writer: Option<RolloutWriter>,
    created_at: i64,
    base: BaseText,
    loaded: Option<Loaded>,
    lineage: Option<Lineage>,
    fork: Fork,
}

fn assemble(
    engine: Arc<Engine>,
    config: Config,
    params: NewThread,
    prepared: Prepared,
    settings: Settings,
    born: Born,
) -> StartedThread {
    let (event_sender, events) = mpsc::channel(EVENT_QUEUE);
    let (ops, op_receiver) = mpsc::channel(OP_QUEUE);
    let env = engine.options.env.clone();
    let notices = born.loaded.as_ref().map(|loaded| loaded.notices.clone()).unwrap_or_default();
    for notice in &prepared.instructions.notices {
        tracing::warn!("{notice}");
    }
    // Whose thread it is does not change with who resumes it.
    let stored_source = born.loaded.as_ref().and_then(|loaded| loaded.meta.thread_source);
    let thread_source = stored_source.or(params.thread_source);
    let info = ThreadInfo {
        id: born.id,
        session_id: born.lineage.as_ref().map_or(born.id, |lineage| lineage.session_id),
        preview: born
            .loaded
            .as_ref()
            .and_then(|loaded| loaded.first_user_message.clone())
            .unwrap_or_default(),
        ephemeral: params.ephemeral,
        model_provider: config.model_provider_id.clone(),
        model: settings.model.clone(),
        created_at: born.created_at,
        updated_at: engine.options.clock.unix_ms() / 1000,
        path: born.path.clone(),
        cwd: settings.cwd.clone(),
        source: born
            .loaded
            .as_ref()
            .map_or_else(|| params.source.clone(), |loaded| loaded.meta.source.clone()),
        thread_source,
        git: born.loaded.as_ref().and_then(|loaded| loaded.meta.git.clone()),
        service_tier: config.service_tier.clone(),
        approval_policy: settings.approval_policy.clone(),
        sandbox_policy: settings.sandbox_policy.clone(),
        effort: settings.effort,
        summary: settings.summary.or(config.model_reasoning_summary).unwrap_or_default(),
        workspace_roots: settings.workspace_roots.clone(),
        instruction_sources: prepared.instructions.sources.clone(),
        notices: notices.clone(),
        token_usage: born.loaded.as_ref().and_then(|loaded| loaded.token_info.clone()),
    };
    let announcements = start_announcements(&config, notices);
    let has_goals = config.features.enabled(Feature::Goals) && !params.ephemeral;
    let goal = born.loaded.as_ref().and_then(|loaded| loaded.goal.clone());
    // A one-shot run ends with its turn; a turn begun after it would be cut off at once. An agent answers to its parent.
    let continues = params.source != SessionSource::exec() && born.lineage.is_none();
    let has_agents = config.features.enabled(Feature::MultiAgent) && born.lineage.is_none();
    let goals = has_goals.then(|| Goals::new(born.id, goal, continues));
    let shell = user_shell(&env);
    let command_env = command_env(&config, &env);
    let login_env = config.features.enabled(Feature::ShellSnapshot).then(|| {
        let helper = engine.options.helper_exe.clone();
        LoginEnvironment::new(shell.clone(), helper, settings.cwd.clone(), command_env.clone())
    });
    let services = Arc::new(Services {
        thread_id: born.id,
        thread_source,
        ephemeral: params.ephemeral,
        installation_id: prepared.installation_id,
        client: prepared.client,
        shell,
        command_env,
        login_env,
        search_path: search_path(&env),
        user_home: variable(&env, "HOME").map(PathBuf::from),
        temp_dir: variable(&env, "TMPDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from),
        allow_login_shell: config.allow_login_shell,
        background_terminal_max_timeout_ms: config.background_terminal_max_timeout_ms,
        base_instructions: born.base.text,
        personality: born.base.personality,
        developer_instructions: params
            .developer_instructions
            .or_else(|| config.developer_instructions.clone()),
        instructions: prepared.instructions,
        sessions: SessionStore::default(),
        goals,
        lineage: born.lineage,
        agents: has_agents.then(Arc::default),
        watchers: TaskTracker::new(),
        engine,
        config,
    });
    let mut state = ThreadState {
        outlet: Outlet::new(born.writer, event_sender),
        services,
        settings,
        history: History::default(),
        baseline: None,
        previous_model: None,
        usage: None,
        rate_limits: RateLimitSnapshot::default(),
        window: 0,
    };
    if let Some(loaded) = born.loaded {
        state.history = History::from_items(loaded.history);
        state.baseline = loaded.last_turn_context;
        state.previous_model = loaded.previous_model;
        state.window = loaded.compactions;
        state.usage = loaded.token_info;
        state.rate_limits = loaded.rate_limits.unwrap_or_default();
    }
    let inherited = inherit(&mut state, born.fork);
    tokio::spawn(run(state, op_receiver, inherited, announcements));
    StartedThread { info, handle: ThreadHandle { ops }, events }
}

/// Gives a new agent what it knows from its parent. The lines to write before its first turn.
fn inherit(state: &mut ThreadState, fork: Fork) -> Vec<RolloutItem> {
    let Fork { history, baseline } = fork;
    if history.is_empty() {
        return Vec::new();
    }
    let lines = history.iter().cloned().map(RolloutItem::ResponseItem);
    let lines = lines.chain(baseline.clone().map(RolloutItem::TurnContext)).collect();
    state.previous_model = baseline.as_ref().map(|context| context.model.clone());
    state.baseline = baseline;
    state.history = History::from_items(history);
    lines
}

/// What the person should know before the first turn.
fn start_announcements(config: &Config, notices: Vec<String>) -> Vec<EventKind> {
    let warnings =
        config.warnings.iter().cloned().chain(notices).map(|message| EventKind::Warning { message });
    let deprecations = config.deprecations.iter().map(|notice| EventKind::Deprecation {
        summary: notice.summary.clone(),
        details: notice.details.clone(),
    });
    deprecations.chain(warnings).collect()
}

/// The actor.
async fn run(
    mut state: ThreadState,
    mut ops: mpsc::Receiver<Op>,
    inherited: Vec<RolloutItem>,
    announcements: Vec<EventKind>,
) {
    if !inherited.is_empty() {
        state.outlet.record(inherited).await;
    }
    for kind in announcements {
        state.outlet.announce(None, kind).await;
    }
    let mut late = None;
    while let Some(wake) = next_wake(&state, &mut late, &mut ops).await {
        let start = match wake {
            Wake::Op(Op::Interrupt) => continue,
            Wake::Op(Op::Shutdown) => break,
            Wake::Op(Op::UserInput { turn_id, items, overrides, output_schema }) => {
                let services = Arc::clone(&state.services);
                state.settings.apply(*overrides, &services.config);
                TurnStart::new(turn_id, Cause::Person(items), output_schema)
            }
            Wake::Goal(steering) => {
                // Version 4, as in the reference: not every reader takes such a turn for one a person began.
                let turn_id = TurnId::new(state.services.engine.options.ids.item_id());
                TurnStart::new(turn_id, Cause::Goal(steering), None)
            }
        };
        if !run_turn(&mut state, &mut ops, &mut late, start).await {
            break;
        }
    }
    shutdown(&state).await;
}

/// What makes an idle thread do something.
enum Wake {
    /// It was told to.
    Op(Op),
    /// Its goal, with the words that begin the turn.
    Goal(String),
}

/// Waits for something to do. What waits in the queue comes before the goal. Nothing when nobody holds the thread.
async fn next_wake(state: &ThreadState, late: &mut Option<Op>, ops: &mut mpsc::Receiver<Op>) -> Option<Wake> {
    if let Some(op) = late.take() {
        return Some(Wake::Op(op));
    }
    match ops.try_recv() {
        Ok(op) => return Some(Wake::Op(op)),
        Err(mpsc::error::TryRecvError::Disconnected) => return None,
        Err(mpsc::error::TryRecvError::Empty) => {}
    }
    match state.services.goals.as_ref().and_then(Goals::continuation) {
        Some(steering) => Some(Wake::Goal(steering)),
        None => ops.recv().await.map(Wake::Op),
    }
}

/// Runs one turn while ops keep coming in. False when the thread is to end after it.
///
/// A turn that is winding down takes no input any more: what comes is left in the queue, or is `late` if it was taken
/// from there already, and begins the next turn.
async fn run_turn(
    state: &mut ThreadState,
    ops: &mut mpsc::Receiver<Op>,
    late: &mut Option<Op>,
    start: TurnStart,
) -> bool {
    let services = Arc::clone(&state.services);
    let cancel = start.cancel.clone();
    let mailbox = start.mailbox.clone();
    let turn = turn::run(state, start);
    tokio::pin!(turn);
    let mut open = true;
    loop {
        tokio::select! {
            () = &mut turn => return open,
            op = ops.recv(), if open && mailbox.is_open() => match op {
                Some(Op::Interrupt) => {
                    cancel.cancel();
                    mailbox.close();
                }
                Some(op @ Op::UserInput { .. }) if !mailbox.is_open() => *late = Some(op),
                Some(Op::UserInput { items, .. }) => {
                    if let Some(goals) = &services.goals {
                        goals.person_spoke();
                    }
                    mailbox.put(items);
                }
                Some(Op::Shutdown) | None => {
                    open = false;
                    cancel.cancel();
                    mailbox.close();
                }
            },
        }
    }
}

async fn shutdown(state: &ThreadState) {
    if let Some(agents) = &state.services.agents {
        agents.shutdown().await;
    }
    state.services.sessions.kill_all().await;
    state.services.watchers.close();
    state.services.watchers.wait().await;
    state.outlet.close().await;
    state.outlet.announce(None, EventKind::ShutdownComplete).await;
}

/// The system text of a thread, and what it leaves to be said elsewhere.
struct BaseText {
    text: String,
    /// The personality, when the text came with the thread and may not speak of it.
    personality: Option<&'static str>,
}

/// The system text: what the caller or the user set, what the thread had, or ours for the model.
fn base_text(config: &Config, params: &NewThread, stored: Option<String>, settings: &Settings) -> BaseText {
    let personality = match settings.personality.filter(|_| settings.info.supports_personality) {
        Some(Personality::Friendly) => Some(prompts::FRIENDLY),
        Some(Personality::Pragmatic) => Some(prompts::PRAGMATIC),
        Some(Personality::None) | None => None,
    };
    let ours = || {
        let mut text = prompts::BASE.replace("{{ personality }}\n", personality.unwrap_or_default());
        if settings.info.apply_patch_tool_type.is_none() {
            text.push_str(prompts::PATCH_BY_SHELL);
        }
        text
    };
    if let Some(text) = params.base_instructions.clone().or_else(|| config.base_instructions.clone()) {
        return BaseText { text, personality: None };
    }
    match stored {
        Some(text) if text != ours() => BaseText { text, personality },
        _ => BaseText { text: ours(), personality: None },
    }
}

fn user_shell(env: &[(OsString, OsString)]) -> Shell {
    let variable = variable(env, "SHELL").map(PathBuf::from);
    let search_path = search_path(env);
    let find = |name: &str| quire_shell::find_program(name, search_path.as_deref()?);
    Shell::user_default(quire_shell::login_shell().as_deref(), variable.as_deref(), find)
}

fn search_path(env: &[(OsString, OsString)]) -> Option<OsString> {
    env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone())
}

/// Our environment as the user's policy lets commands see it. Variables that are no text are not passed on.
fn command_env(config: &Config, env: &[(OsString, OsString)]) -> Vec<(OsString, OsString)> {
    let text = env.iter().filter_map(|(name, value)| {
        Some((name.clone().into_string().ok()?, value.clone().into_string().ok()?))
    });
    config
        .shell_environment_policy
        .apply(text)
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

const fn personality_name(personality: Personality) -> &'static str {
    match personality {
        Personality::None => "none",
        Personality::Friendly => "friendly",
        Personality::Pragmatic => "pragmatic",
    }
}

fn variable(env: &[(OsString, OsString)], name: &str) -> Option<String> {
    env.iter().find(|(held, _)| held == name).and_then(|(_, value)| value.clone().into_string().ok())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| EngineError::Home(format!("a background task failed: {error}")))
}
