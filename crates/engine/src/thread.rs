//! A thread: one actor that owns history, log and running processes, and takes ops one at a time.
//!
//! Ops that arrive while a turn runs either stop it or are put before the model at its next sampling. The actor ends
//! when it is told to, or when the last [`ThreadHandle`] is gone.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use quire_config::Config;
use quire_models::ModelClient;
use quire_process::SessionStore;
use quire_protocol::{
    EventKind, Op, RateLimitSnapshot, RolloutItem, SessionSource, ThreadId, ThreadSource, TokenUsageInfo,
    TurnContext, TurnId,
};
use quire_repo::Instructions;
use quire_shell::Shell;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::agents::{Agents, Lineage};
use crate::context::Parts;
use crate::engine::{Engine, NewThread};
use crate::goals::Goals;
use crate::history::History;
use crate::login_env::LoginEnvironment;
use crate::outputs::Outlet;
use crate::settings::Settings;
use crate::tools::{AgentTools, Gate};
use crate::turn::{self, Cause, TurnStart};
use crate::watches::Watches;

/// The thread is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the thread is closed")]
pub struct ThreadClosed;

/// Takes ops for a thread.
#[derive(Debug, Clone)]
pub struct ThreadHandle {
    pub(crate) ops: mpsc::Sender<Op>,
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
    pub(crate) ephemeral: bool,
    pub(crate) installation_id: String,
    pub(crate) client: ModelClient,
    pub(crate) shell: Shell,
    pub(crate) command_env: Vec<(OsString, OsString)>,
    /// `None` with the feature `shell_snapshot` off.
    pub(crate) login_env: Option<LoginEnvironment>,
    pub(crate) search_path: Option<OsString>,
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
    pub(crate) watches: Watches,
    pub(crate) watchers: TaskTracker,
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
    pub(crate) fn new_agent(&self) -> NewThread {
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
        Parts::of(&self.config)
    }
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

/// The actor.
pub(crate) async fn run(
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
