//! One function per request (app-server sheet §9 and §10).
//!
//! A handler answers first and lets things happen after: `thread/started` follows the answer to `thread/start`, and
//! nothing of a turn is told before `turn/start` was answered.

use std::sync::Arc;

use quire_appserver_protocol::prompt::{PromptPreviewParams, PromptPreviewResponse};
use quire_appserver_protocol::thread::{
    ApprovalsReviewer, FoundThread, Thread, ThreadFindParams, ThreadFindResponse, ThreadResumeParams,
    ThreadSession, ThreadStartParams, ThreadStartedNotification, ThreadStatus,
    ThreadStatusChangedNotification, ThreadUnsubscribeParams, ThreadUnsubscribeResponse,
    ThreadUnsubscribeStatus,
};
use quire_appserver_protocol::turn::{
    Turn, TurnInterruptParams, TurnInterruptResponse, TurnStartParams, TurnStartResponse,
};
use quire_appserver_protocol::{ClientResponse, RpcError, ServerNotification, rpc};
use quire_config::Limits;
use quire_engine::{EngineError, NewThread, ResumeTarget, StartedThread, ThreadInfo};
use quire_protocol::{Event, Op, REFERENCE_VERSION, ThreadId, TurnOverrides, UserInput};
use quire_store::LocateError;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::client::Responder;
use crate::config::{self, Beginning, Overrides};
use crate::peers::PeerId;
use crate::server::{Shared, answer, refuse};
use crate::threads::{LoadedThread, forward};

/// Suggestions when no thread has the name.
const NEAREST: usize = 3;

/// Characters of text one input may have.
const LONGEST_INPUT: usize = 1 << 20;

/// `thread/start`.
pub(crate) async fn thread_start(
    shared: &Arc<Shared>,
    peer: PeerId,
    params: ThreadStartParams,
    respond: Responder,
) {
    let new = new_thread(shared, &params);
    let started = async {
        let config = config::load(shared, Overrides::from(params), Beginning::New).await?;
        let limits = config.limits.clone();
        let started = shared.engine()?.start_thread(config, new).await;
        started.map(|started| (started, limits)).map_err(|error| match error {
            EngineError::Model(text) => RpcError::invalid_request(text),
            error @ (EngineError::Home(_) | EngineError::Rollout(_)) => {
                RpcError::internal(format!("error creating thread: {error}"))
            }
        })
    };
    match started.await {
        Ok((started, limits)) => {
            let (thread, events) = register(shared, peer, started, limits);
            let session = thread.session();
            let started = ThreadStartedNotification { thread: Box::new(session.thread.clone()) };
            answer(respond, Ok(ClientResponse::ThreadStart(session)));
            shared.peers.tell(thread.id, ServerNotification::ThreadStarted(started)).await;
            run(shared, thread, events).await;
        }
        Err(error) => refuse(respond, error),
    }
}

/// `thread/resume`. A thread that runs is joined as it is; overrides are for stored ones.
pub(crate) async fn thread_resume(
    shared: &Arc<Shared>,
    peer: PeerId,
    params: ThreadResumeParams,
    respond: Responder,
) {
    let target = match (&params.path, parse_id(&params.thread_id, "session")) {
        (Some(path), _) => ResumeTarget::Path(path.clone()),
        (None, Ok(id)) => ResumeTarget::Id(id),
        (None, Err(error)) => return refuse(respond, error),
    };
    if let ResumeTarget::Id(id) = target
        && let Some(thread) = shared.threads.get(id)
    {
        shared.peers.subscribe(peer, id);
        return answer(respond, Ok(ClientResponse::ThreadResume(thread.session())));
    }
    let new = NewThread {
        ephemeral: false,
        source: shared.options.source.clone(),
        thread_source: None,
        base_instructions: params.base_instructions.clone(),
        developer_instructions: params.developer_instructions.clone(),
    };
    let resumed = async {
        let config = config::load(shared, Overrides::from(params), Beginning::Resumed).await?;
        let limits = config.limits.clone();
        let resumed = shared.engine()?.resume_thread(config, target, new).await;
        resumed.map(|resumed| (resumed, limits)).map_err(|error| match error {
            EngineError::Rollout(text) | EngineError::Model(text) => RpcError::invalid_request(text),
            error @ EngineError::Home(_) => RpcError::internal(format!("error creating thread: {error}")),
        })
    };
    match resumed.await {
        Ok((resumed, limits)) => {
            let (thread, events) = register(shared, peer, resumed, limits);
            let status = ThreadStatusChangedNotification { thread_id: thread.id, status: ThreadStatus::Idle };
            shared.peers.tell(thread.id, ServerNotification::ThreadStatusChanged(status)).await;
            answer(respond, Ok(ClientResponse::ThreadResume(thread.session())));
            run(shared, thread, events).await;
        }
        Err(error) => refuse(respond, error),
    }
}

/// Notes a thread as running, with this connection as its first subscriber.
fn register(
    shared: &Shared,
    peer: PeerId,
    started: StartedThread,
    limits: Limits,
) -> (Arc<LoadedThread>, mpsc::Receiver<Event>) {
    let StartedThread { info, handle, events } = started;
    let thread = Arc::new(LoadedThread::new(handle, session_of(info), limits));
    shared.threads.insert(Arc::clone(&thread));
    shared.peers.subscribe(peer, thread.id);
    (thread, events)
}

/// Lets a thread's events flow. What was odd about a stored thread is among them.
async fn run(shared: &Shared, thread: Arc<LoadedThread>, events: mpsc::Receiver<Event>) {
    let handle = thread.handle.clone();
    shared.tasks.spawn(forward(
        thread,
        events,
        Arc::clone(&shared.threads),
        Arc::clone(&shared.peers),
        Arc::clone(&shared.options.clock),
        shared.abandoned.clone(),
    ));
    if shared.tasks.is_closed() {
        // The server began to end while this thread began, and did not see it.
        let _over = handle.submit(Op::Shutdown).await;
    }
}

/// `thread/unsubscribe`.
pub(crate) fn thread_unsubscribe(
    shared: &Shared,
    peer: PeerId,
    params: &ThreadUnsubscribeParams,
) -> Result<ThreadUnsubscribeResponse, RpcError> {
    let id = parse_id(&params.thread_id, "thread")?;
    let status = match shared.threads.get(id) {
        None => ThreadUnsubscribeStatus::NotLoaded,
        Some(_) if shared.peers.unsubscribe(peer, id) => ThreadUnsubscribeStatus::Unsubscribed,
        Some(_) => ThreadUnsubscribeStatus::NotSubscribed,
    };
    Ok(ThreadUnsubscribeResponse { status })
}

/// `quire/thread/find`.
pub(crate) async fn thread_find(
    shared: &Shared,
    params: ThreadFindParams,
) -> Result<ThreadFindResponse, RpcError> {
    let home = shared.options.config.home.as_path().to_owned();
    let search = move || -> Result<ThreadFindResponse, LocateError> {
        let found = match &params {
            ThreadFindParams::Name(name) => quire_store::find_by_name(&home, name)?,
            ThreadFindParams::Latest { cwd } => quire_store::latest(&home, cwd.as_deref())?,
        };
        let nearest = match (&found, &params) {
            (None, ThreadFindParams::Name(name)) => quire_store::nearest(&home, name, NEAREST)?,
            _ => Vec::new(),
        };
        Ok(ThreadFindResponse { found: found.map(|it| FoundThread { id: it.id, path: it.path }), nearest })
    };
    tokio::task::spawn_blocking(search)
        .await
        .map_err(|error| RpcError::internal(format!("the search for stored threads broke: {error}")))?
        .map_err(|error| RpcError::invalid_request(error.to_string()))
}

/// `quire/prompt/preview`.
pub(crate) async fn prompt_preview(
    shared: &Shared,
    params: PromptPreviewParams,
) -> Result<PromptPreviewResponse, RpcError> {
    let PromptPreviewParams { thread, input } = params;
    check_length(&input)?;
    let new = new_thread(shared, &thread);
    let config = config::load(shared, Overrides::from(thread), Beginning::Imagined).await?;
    let items = shared.engine()?.preview(&config, &new, &input).await;
    items.map(|items| PromptPreviewResponse { items }).map_err(|error| RpcError::internal(error.to_string()))
}

/// What params say about a new thread beyond its configuration.
fn new_thread(shared: &Shared, params: &ThreadStartParams) -> NewThread {
    NewThread {
        ephemeral: params.ephemeral.unwrap_or(false),
        source: shared.options.source.clone(),
        thread_source: params.thread_source,
        base_instructions: params.base_instructions.clone(),
        developer_instructions: params.developer_instructions.clone(),
    }
}

/// `turn/start`. While a turn runs, the input is added to it, and the id in the answer is never heard of again.
pub(crate) async fn turn_start(shared: &Shared, params: TurnStartParams, respond: Responder) {
    let thread = match find(shared, &params.thread_id).and_then(|thread| {
        check_length(&params.input)?;
        check_limits(&thread, &params)?;
        Ok(thread)
    }) {
        Ok(thread) => thread,
        Err(error) => return refuse(respond, error),
    };
    let turn_id = shared.options.ids.turn_id();
    let op = Op::UserInput {
        turn_id: turn_id.clone(),
        items: params.input,
        overrides: Box::new(TurnOverrides {
            cwd: params.cwd,
            approval_policy: params.approval_policy,
            sandbox_policy: params.sandbox_policy.map(Into::into),
            model: params.model,
            effort: params.effort,
            summary: params.summary,
        }),
        output_schema: params.output_schema,
    };
    thread.accept(turn_id.clone());
    answer(respond, Ok(ClientResponse::TurnStart(TurnStartResponse { turn: Turn::accepted(turn_id) })));
    // A thread that ended since it was found tells so with `thread/closed`.
    let _closed = thread.handle.submit(op).await;
}

/// `turn/interrupt`.
pub(crate) async fn turn_interrupt(
    shared: &Shared,
    params: TurnInterruptParams,
) -> Result<TurnInterruptResponse, RpcError> {
    let thread = find(shared, &params.thread_id)?;
    if !params.turn_id.is_empty() {
        match thread.current_turn() {
            None => return Err(RpcError::invalid_request("no active turn to interrupt")),
            Some(turn) if turn.as_str() != params.turn_id => {
                let text = format!("expected active turn id {} but found {turn}", params.turn_id);
                return Err(RpcError::invalid_request(text));
            }
            Some(_) => {}
        }
    }
    thread.handle.submit(Op::Interrupt).await.map_err(|_| not_found(thread.id))?;
    Ok(TurnInterruptResponse {})
}

/// The thread of an id, if it runs.
pub(crate) fn find(shared: &Shared, thread_id: &str) -> Result<Arc<LoadedThread>, RpcError> {
    let id = parse_id(thread_id, "thread")?;
    shared.threads.get(id).ok_or_else(|| not_found(id))
}

fn not_found(id: ThreadId) -> RpcError {
    RpcError::invalid_request(format!("thread not found: {id}"))
}

fn parse_id(text: &str, what: &str) -> Result<ThreadId, RpcError> {
    Uuid::parse_str(text)
        .map(ThreadId::from_uuid)
        .map_err(|error| RpcError::invalid_request(format!("invalid {what} id: {error}")))
}

/// What an administrator does not allow, no client gets by asking for it in the middle of a thread.
fn check_limits(thread: &LoadedThread, params: &TurnStartParams) -> Result<(), RpcError> {
    let (limits, session) = (&thread.limits, thread.session());
    let approval =
        params.approval_policy.as_ref().map_or(Ok(()), |policy| limits.check_approval_policy(policy));
    let sandbox = params.sandbox_policy.clone().map_or(Ok(()), |policy| {
        let cwd = params.cwd.as_ref().unwrap_or(&session.cwd);
        limits.profile(&policy.into(), cwd).map(drop)
    });
    sandbox
        .and(approval)
        .map_err(|refused| RpcError::invalid_request(format!("invalid thread settings override: {refused}")))
}

fn check_length(input: &[UserInput]) -> Result<(), RpcError> {
    let length: usize = input
        .iter()
        .map(|part| match part {
            UserInput::Text { text } => text.chars().count(),
            UserInput::Image { .. } | UserInput::LocalImage { .. } => 0,
        })
        .sum();
    if length <= LONGEST_INPUT {
        return Ok(());
    }
    let data = serde_json::json!({
        "input_error_code": "input_too_large", "max_chars": LONGEST_INPUT, "actual_chars": length,
    });
    let message = format!("the input has {length} characters, but one turn takes at most {LONGEST_INPUT}");
    Err(RpcError { code: rpc::INVALID_PARAMS, message, data: Some(data) })
}

fn session_of(info: ThreadInfo) -> ThreadSession {
    let thread = Thread {
        id: info.id,
        session_id: info.session_id,
        forked_from_id: None,
        preview: info.preview,
        ephemeral: info.ephemeral,
        model_provider: info.model_provider.clone(),
        created_at: info.created_at,
        updated_at: info.updated_at,
        status: ThreadStatus::Idle,
        path: info.path,
        cwd: info.cwd.clone(),
        cli_version: REFERENCE_VERSION.to_owned(),
        source: info.source,
        thread_source: info.thread_source,
        agent_nickname: None,
        agent_role: None,
        git_info: info.git.map(Into::into),
        name: None,
        turns: Vec::new(),
    };
    ThreadSession {
        thread,
        model: info.model,
        model_provider: info.model_provider,
        service_tier: info.service_tier,
        cwd: info.cwd,
        runtime_workspace_roots: info.workspace_roots,
        instruction_sources: info.instruction_sources,
        approval_policy: info.approval_policy,
        approvals_reviewer: ApprovalsReviewer::default(),
        sandbox: info.sandbox_policy.into(),
        active_permission_profile: None,
        reasoning_effort: info.effort,
    }
}
