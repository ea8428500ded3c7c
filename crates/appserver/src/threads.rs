//! The threads that run: what they do, and the task that hands their events on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quire_appserver_protocol::ServerNotification;
use quire_appserver_protocol::thread::{Thread, ThreadClosedNotification, ThreadSession, ThreadStatus};
use quire_config::Limits;
use quire_engine::{Clock, ThreadHandle};
use quire_protocol::{Event, EventKind, ThreadId, TurnId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::peers::Peers;
use crate::translate::Activity;

/// A thread that runs.
pub(crate) struct LoadedThread {
    pub(crate) id: ThreadId,
    pub(crate) handle: ThreadHandle,
    /// What its settings may be changed to.
    pub(crate) limits: Limits,
    session: ThreadSession,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    activity: Activity,
    /// Accepted by `turn/start`, not begun yet.
    accepted: Option<TurnId>,
}

impl LoadedThread {
    pub(crate) fn new(handle: ThreadHandle, session: ThreadSession, limits: Limits) -> Self {
        Self { id: session.thread.id, handle, limits, session, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every statement, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread and its settings, with what it does just now.
    pub(crate) fn session(&self) -> ThreadSession {
        let thread = Thread { status: self.lock().activity.status.clone(), ..self.session.thread.clone() };
        ThreadSession { thread, ..self.session.clone() }
    }

    /// Notes a turn that was accepted.
    pub(crate) fn accept(&self, turn: TurnId) {
        self.lock().accepted = Some(turn);
    }

    /// The turn that runs, or is about to.
    pub(crate) fn current_turn(&self) -> Option<TurnId> {
        let state = self.lock();
        state.activity.turn.clone().or_else(|| state.accepted.clone())
    }

    fn translate(&self, event: Event, now_ms: i64) -> Vec<ServerNotification> {
        let mut state = self.lock();
        if matches!(event.kind, EventKind::TurnStarted { .. } | EventKind::TurnCompleted { .. }) {
            state.accepted = None;
        }
        state.activity.translate(self.id, event, now_ms)
    }

    fn closed(&self) -> Vec<ServerNotification> {
        let status = self.lock().activity.enter(self.id, ThreadStatus::NotLoaded);
        let closed = ServerNotification::ThreadClosed(ThreadClosedNotification { thread_id: self.id });
        status.into_iter().chain([closed]).collect()
    }
}

/// All threads that run.
#[derive(Default)]
pub(crate) struct Threads {
    loaded: Mutex<HashMap<ThreadId, Arc<LoadedThread>>>,
}

impl Threads {
    fn lock(&self) -> MutexGuard<'_, HashMap<ThreadId, Arc<LoadedThread>>> {
        // The map is consistent after every statement, so a panic elsewhere leaves it usable.
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: ThreadId) -> Option<Arc<LoadedThread>> {
        self.lock().get(&id).cloned()
    }

    pub(crate) fn insert(&self, thread: Arc<LoadedThread>) {
        self.lock().insert(thread.id, thread);
    }

    pub(crate) fn all(&self) -> Vec<Arc<LoadedThread>> {
        self.lock().values().cloned().collect()
    }

    fn remove(&self, id: ThreadId) {
        self.lock().remove(&id);
    }
}

/// Hands a thread's events on until the thread is over or `abandoned`. Runs as a task of the server.
pub(crate) async fn forward(
    thread: Arc<LoadedThread>,
    mut events: mpsc::Receiver<Event>,
    threads: Arc<Threads>,
    peers: Arc<Peers>,
    clock: Arc<dyn Clock>,
    abandoned: CancellationToken,
) {
    loop {
        let event = tokio::select! {
            biased;
            () = abandoned.cancelled() => break,
            event = events.recv() => event,
        };
        let Some(event) = event else { break };
        let over = matches!(event.kind, EventKind::ShutdownComplete);
        for notification in thread.translate(event, clock.unix_ms()) {
            peers.tell(thread.id, notification).await;
        }
        if over {
            break;
        }
    }
    threads.remove(thread.id);
    for notification in thread.closed() {
        peers.tell(thread.id, notification).await;
    }
}
