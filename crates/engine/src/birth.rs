//! How a thread begins: new, as another one's agent, or from its log.
//!
//! In come a configuration and wishes; what has to be read is read, and everything is put together into the state that
//! the actor of `thread.rs` then owns. Nothing is written here: the log appears with the first turn.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quire_config::{Config, Feature, Personality};
use quire_models::{ClientIdentity, ModelClient};
use quire_process::SessionStore;
use quire_protocol::{
    BaseInstructions, EventKind, Goal, REFERENCE_VERSION, RateLimitSnapshot, ResponseItem, RolloutItem,
    SessionMeta, SessionSource, ThreadId, TurnContext,
};
use quire_repo::{DiscoverOptions, Instructions};
use quire_shell::Shell;
use quire_store::{Loaded, RolloutWriter};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::agents::Lineage;
use crate::engine::{Engine, EngineError, NewThread, ResumeTarget, StartedThread, ThreadInfo};
use crate::goals::Goals;
use crate::history::History;
use crate::identity;
use crate::login_env::LoginEnvironment;
use crate::outputs::Outlet;
use crate::prompts;
use crate::settings::Settings;
use crate::thread::{self, Services, ThreadHandle, ThreadState};
use crate::watches::Watches;

/// Events that may wait for a slow listener before the thread waits too.
const EVENT_QUEUE: usize = 1024;

/// Ops that may wait for a busy thread.
const OP_QUEUE: usize = 64;

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
    let home = options.home.clone();
    let discover = discover_options(&home, config);
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

/// Where instruction files are looked for.
pub(crate) fn discover_options(home: &Path, config: &Config) -> DiscoverOptions {
    DiscoverOptions {
        home: home.to_owned(),
        cwd: config.cwd.clone(),
        markers: config.project_root_markers.clone().unwrap_or_else(|| vec![".git".to_owned()]),
        max_bytes: config.project_doc_max_bytes,
        fallback_names: config.project_doc_fallback_filenames.clone(),
    }
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
    mut born: Born,
) -> StartedThread {
    let (event_sender, events) = mpsc::channel(EVENT_QUEUE);
    let (ops, op_receiver) = mpsc::channel(OP_QUEUE);
    for notice in &prepared.instructions.notices {
        tracing::warn!("{notice}");
    }
    let info = thread_info(&engine, &config, &params, &prepared, &settings, &born);
    let announcements = start_announcements(&config, &params.source, info.notices.clone());
    let fork = std::mem::take(&mut born.fork);
    let writer = born.writer.take();
    let loaded = born.loaded.take();
    let goal = loaded.as_ref().and_then(|loaded| loaded.goal.clone());
    let services = Arc::new(services(engine, config, params, prepared, &settings, born, &info, goal));
    let mut state = ThreadState {
        outlet: Outlet::new(writer, event_sender),
        services,
        settings,
        history: History::default(),
        baseline: None,
        previous_model: None,
        usage: None,
        rate_limits: RateLimitSnapshot::default(),
        window: 0,
    };
    if let Some(loaded) = loaded {
        state.history = History::from_items(loaded.history);
        state.baseline = loaded.last_turn_context;
        state.previous_model = loaded.previous_model;
        state.window = loaded.compactions;
        state.usage = loaded.token_info;
        state.rate_limits = loaded.rate_limits.unwrap_or_default();
    }
    let inherited = inherit(&mut state, fork);
    tokio::spawn(thread::run(state, op_receiver, inherited, announcements));
    StartedThread { info, handle: ThreadHandle { ops }, events }
}

fn thread_info(
    engine: &Engine,
    config: &Config,
    params: &NewThread,
    prepared: &Prepared,
    settings: &Settings,
    born: &Born,
) -> ThreadInfo {
    let loaded = born.loaded.as_ref();
    ThreadInfo {
        id: born.id,
        session_id: born.lineage.as_ref().map_or(born.id, |lineage| lineage.session_id),
        preview: loaded.and_then(|loaded| loaded.first_user_message.clone()).unwrap_or_default(),
        ephemeral: params.ephemeral,
        model_provider: config.model_provider_id.clone(),
        model: settings.model.clone(),
        created_at: born.created_at,
        updated_at: engine.options.clock.unix_ms() / 1000,
        path: born.path.clone(),
        cwd: settings.cwd.clone(),
        source: loaded.map_or_else(|| params.source.clone(), |loaded| loaded.meta.source.clone()),
        // Whose thread it is does not change with who resumes it.
        thread_source: loaded.and_then(|loaded| loaded.meta.thread_source).or(params.thread_source),
        git: loaded.and_then(|loaded| loaded.meta.git.clone()),
        service_tier: config.service_tier.clone(),
        approval_policy: settings.approval_policy.clone(),
        sandbox_policy: settings.sandbox_policy.clone(),
        effort: settings.effort,
        summary: settings.summary.or(config.model_reasoning_summary).unwrap_or_default(),
        workspace_roots: settings.workspace_roots.clone(),
        instruction_sources: prepared.instructions.sources.clone(),
        notices: loaded.map(|loaded| loaded.notices.clone()).unwrap_or_default(),
        token_usage: loaded.and_then(|loaded| loaded.token_info.clone()),
    }
}

#[allow(clippy::too_many_arguments)] // Each is a different thing that is moved in once, from one caller.
fn services(
    engine: Arc<Engine>,
    config: Config,
    params: NewThread,
    prepared: Prepared,
    settings: &Settings,
    born: Born,
    info: &ThreadInfo,
    goal: Option<Goal>,
) -> Services {
    let env = &engine.options.env;
    let on = |feature| config.features.enabled(feature);
    // A one-shot run ends with its turn; a turn begun after it would be cut off at once. An agent answers to its parent.
    let continues = params.source != SessionSource::exec() && born.lineage.is_none();
    let shell = user_shell(env);
    let command_env = command_env(&config, env);
    Services {
        thread_id: born.id,
        thread_source: info.thread_source,
        ephemeral: params.ephemeral,
        installation_id: prepared.installation_id,
        client: prepared.client,
        login_env: on(Feature::ShellSnapshot).then(|| {
            let helper = engine.options.helper_exe.clone();
            LoginEnvironment::new(shell.clone(), helper, settings.cwd.clone(), command_env.clone())
        }),
        shell,
        command_env,
        search_path: search_path(env),
        user_home: variable(env, "HOME").map(PathBuf::from),
        temp_dir: variable(env, "TMPDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from),
        allow_login_shell: config.allow_login_shell,
        background_terminal_max_timeout_ms: config.background_terminal_max_timeout_ms,
        base_instructions: born.base.text,
        personality: born.base.personality,
        developer_instructions: params
            .developer_instructions
            .or_else(|| config.developer_instructions.clone()),
        instructions: prepared.instructions,
        sessions: SessionStore::default(),
        goals: (on(Feature::Goals) && !params.ephemeral).then(|| Goals::new(born.id, goal, continues)),
        agents: (on(Feature::MultiAgent) && born.lineage.is_none()).then(Arc::default),
        lineage: born.lineage,
        watches: Watches::default(),
        watchers: TaskTracker::new(),
        engine,
        config,
    }
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
fn start_announcements(config: &Config, source: &SessionSource, notices: Vec<String>) -> Vec<EventKind> {
    let warnings =
        config.warnings.iter().cloned().chain(notices).map(|message| EventKind::Warning { message });
    let unstable = unstable_warning(config, source).map(|message| EventKind::Warning { message });
    let deprecations = config.deprecations.iter().map(|notice| EventKind::Deprecation {
        summary: notice.summary.clone(),
        details: notice.details.clone(),
    });
    deprecations.chain(warnings).chain(unstable).collect()
}

/// What to tell about features that are not ready. A one-shot run says nothing: its output is read by programs.
fn unstable_warning(config: &Config, source: &SessionSource) -> Option<String> {
    let mut unstable = config.features.unstable().peekable();
    let wanted = !config.suppress_unstable_features_warning && *source != SessionSource::exec();
    (wanted && unstable.peek().is_some())
        .then(|| quire_config::unstable_warning(unstable, &config.home.config_file()))
}

/// The system text of a thread, and what it leaves to be said elsewhere.
pub(crate) struct BaseText {
    pub(crate) text: String,
    /// The personality, when the text came with the thread and may not speak of it.
    pub(crate) personality: Option<&'static str>,
}

/// The system text: what the caller or the user set, what the thread had, or ours for the model.
pub(crate) fn base_text(
    config: &Config,
    params: &NewThread,
    stored: Option<String>,
    settings: &Settings,
) -> BaseText {
    let personality = match settings.personality.filter(|_| settings.info.supports_personality) {
        Some(Personality::Friendly) => Some(prompts::FRIENDLY),
        Some(Personality::Pragmatic) => Some(prompts::PRAGMATIC),
        Some(Personality::None) | None => None,
    };
    let ours = || {
        prompts::base(settings.info.apply_patch_tool_type.is_some())
            .replace(prompts::PERSONALITY_PLACE, personality.unwrap_or_default())
    };
    if let Some(text) = params.base_instructions.clone().or_else(|| config.base_instructions.clone()) {
        return BaseText { text, personality: None };
    }
    match stored {
        Some(text) if text != ours() => BaseText { text, personality },
        _ => BaseText { text: ours(), personality: None },
    }
}

pub(crate) fn user_shell(env: &[(OsString, OsString)]) -> Shell {
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

pub(crate) fn variable(env: &[(OsString, OsString)], name: &str) -> Option<String> {
    env.iter().find(|(held, _)| held == name).and_then(|(_, value)| value.clone().into_string().ok())
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| EngineError::Home(format!("a background task failed: {error}")))
}
