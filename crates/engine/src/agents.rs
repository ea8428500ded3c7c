//! The sub-agents of a thread: real threads of the same engine that work for it (engine sheet §12.1).
//!
//! In come the wishes of the agent tools, out go how the agents stand and notes for the model when one is done. Each
//! agent has one task that reads its events; the thread waits for these tasks when it ends, after it ended the agents.
//!
//! What a newcomer would get wrong: an agent that is done is not gone. It keeps its place among the allowed few, and
//! can be spoken to again, until it is closed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quire_protocol::{
    AgentActivity, AgentState, Event, EventKind, Op, SessionSource, ThreadId, TurnId, TurnItem,
    TurnOverrides, TurnStatus, UserInput,
};
use rand::seq::IndexedRandom as _;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use crate::engine::{EngineError, StartedThread};
use crate::thread::ThreadHandle;

/// Agents a thread may have at a time.
const MAX_AGENTS: usize = 6;

/// Notes that may wait for a thread's model; beyond that the oldest gives way.
const MAX_MAIL: usize = 64;

/// Names given to agents.
const NICKNAMES: [&str; 40] = [
    "Abel",
    "Agnesi",
    "Ampere",
    "Babbage",
    "Banach",
    "Bohr",
    "Boole",
    "Cantor",
    "Carson",
    "Cauchy",
    "Curie",
    "Darwin",
    "Euler",
    "Faraday",
    "Fermi",
    "Franklin",
    "Galois",
    "Gauss",
    "Germain",
    "Goodall",
    "Hamilton",
    "Hertz",
    "Hopper",
    "Humboldt",
    "Hypatia",
    "Joule",
    "Kepler",
    "Lamarr",
    "Leibniz",
    "Lovelace",
    "Maxwell",
    "Meitner",
    "Mendel",
    "Noether",
    "Ohm",
    "Pascal",
    "Ramanujan",
    "Somerville",
    "Turing",
    "Volta",
];

/// Where a sub-agent comes from.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    /// The thread that started it.
    pub(crate) parent: ThreadId,
    /// The root of both.
    pub(crate) session_id: ThreadId,
    pub(crate) nickname: String,
    pub(crate) role: Option<String>,
}

impl Lineage {
    pub(crate) fn source(&self) -> SessionSource {
        SessionSource::spawned(self.parent, &self.nickname, self.role.as_deref())
    }
}

/// How an agent stands, in the words the model reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AgentStatus {
    PendingInit,
    Running,
    Interrupted,
    Completed(Option<String>),
    Errored(String),
    Shutdown,
    NotFound,
}

impl AgentStatus {
    /// Whether nothing more comes of it by itself.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::Completed(_) | Self::Errored(_) | Self::Shutdown | Self::NotFound)
    }

    pub(crate) const fn is_failure(&self) -> bool {
        matches!(self, Self::Errored(_) | Self::NotFound)
    }

    /// As clients are told it.
    pub(crate) fn state(&self) -> AgentState {
        let (status, message) = match self {
            Self::PendingInit => (AgentActivity::PendingInit, None),
            Self::Running => (AgentActivity::Running, None),
            Self::Interrupted => (AgentActivity::Interrupted, None),
            Self::Completed(message) => (AgentActivity::Completed, message.clone()),
            Self::Errored(message) => (AgentActivity::Errored, Some(message.clone())),
            Self::Shutdown => (AgentActivity::Shutdown, None),
            Self::NotFound => (AgentActivity::NotFound, None),
        };
        AgentState { status, message }
    }
}

/// Why something could not be done with an agent, in the words the model reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AgentError {
    #[error("agent with id {0} not found")]
    NotFound(ThreadId),
    #[error("collab spawn failed: agent thread limit reached")]
    Limit,
    #[error("collab spawn failed: {0}")]
    Start(EngineError),
}

/// The agents of one thread.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    state: Mutex<State>,
    followers: TaskTracker,
}

#[derive(Debug, Default)]
struct State {
    agents: HashMap<ThreadId, Agent>,
    /// Places taken by agents that are just being started.
    starting: usize,
    nicknames: HashSet<String>,
    /// Notes for the thread's model.
    mail: VecDeque<String>,
}

#[derive(Debug)]
struct Agent {
    handle: ThreadHandle,
    status: Arc<watch::Sender<AgentStatus>>,
}

/// A place among the allowed few, given back when dropped.
pub(crate) struct Place<'a>(&'a Agents);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().starting -= 1;
    }
}

impl Agents {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is complete before the lock is released, so a panic elsewhere leaves the state usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for an agent that is about to start.
    pub(crate) fn reserve(&self) -> Result<Place<'_>, AgentError> {
        let mut state = self.lock();
        if state.agents.len() + state.starting >= MAX_AGENTS {
            return Err(AgentError::Limit);
        }
        state.starting += 1;
        drop(state);
        Ok(Place(self))
    }

    /// A name no agent of this thread had yet.
    pub(crate) fn nickname(&self) -> String {
        let mut state = self.lock();
        let round = state.nicknames.len() / NICKNAMES.len();
        let named = |name: &str| if round == 0 { name.to_owned() } else { format!("{name} {}", round + 1) };
        let free: Vec<String> =
            NICKNAMES.iter().map(|name| named(name)).filter(|name| !state.nicknames.contains(name)).collect();
        let name = free.choose(&mut rand::rng()).cloned().unwrap_or_else(|| named("Agent"));
        state.nicknames.insert(name.clone());
        name
    }

    /// Takes an agent in, and follows what it does.
    pub(crate) fn adopt(self: &Arc<Self>, place: Place<'_>, started: StartedThread) -> ThreadId {
        let StartedThread { info, handle, events } = started;
        let status = Arc::new(watch::Sender::new(AgentStatus::PendingInit));
        let agent = Agent { handle, status: Arc::clone(&status) };
        self.lock().agents.insert(info.id, agent);
        drop(place);
        self.followers.spawn(follow(Arc::clone(self), info.id, events, status));
        info.id
    }

    pub(crate) fn status(&self, id: ThreadId) -> AgentStatus {
        self.lock().agents.get(&id).map_or(AgentStatus::NotFound, |agent| agent.status.borrow().clone())
    }

    /// Speaks to an agent; with `interrupt`, its turn is stopped first. Also tells how it stood until then.
    pub(crate) async fn send(
        &self,
        id: ThreadId,
        turn_id: TurnId,
        items: Vec<UserInput>,
        interrupt: bool,
    ) -> Result<AgentStatus, AgentError> {
        let found =
            self.lock().agents.get(&id).map(|agent| (agent.handle.clone(), Arc::clone(&agent.status)));
        let (handle, status) = found.ok_or(AgentError::NotFound(id))?;
        let before = status.borrow().clone();
        let gone = |_| AgentError::NotFound(id);
        if interrupt {
            handle.submit(Op::Interrupt).await.map_err(gone)?;
        }
        let overrides = Box::new(TurnOverrides::default());
        // It is not done any more: whoever waits for it waits for the answer to this.
        status.send_if_modified(|status| {
            let answered = matches!(status, AgentStatus::Completed(_) | AgentStatus::Errored(_));
            if answered {
                *status = AgentStatus::Running;
            }
            answered
        });
        handle
            .submit(Op::UserInput { turn_id, items, overrides, output_schema: None })
            .await
            .map_err(gone)?;
        Ok(before)
    }

    /// Waits until at least one of the agents is done. Those that are, in the order given; none when it took too long.
    pub(crate) async fn wait(&self, ids: &[ThreadId], at_most: Duration) -> Vec<(ThreadId, AgentStatus)> {
        let done = || -> Vec<_> {
            ids.iter().map(|id| (*id, self.status(*id))).filter(|(_, status)| status.is_final()).collect()
        };
        let watched: Vec<_> = {
            let state = self.lock();
            ids.iter().filter_map(|id| Some(state.agents.get(id)?.status.subscribe())).collect()
        };
        let at_once = done();
        if !at_once.is_empty() || watched.is_empty() {
            return at_once;
        }
        let each = watched.into_iter().map(|mut status| {
            Box::pin(async move {
                // An error means that the agent is gone, which is an end too.
                let _ = status.wait_for(AgentStatus::is_final).await;
            })
        });
        match tokio::time::timeout(at_most, futures::future::select_all(each)).await {
            Ok(_) => done(),
            Err(_) => Vec::new(),
        }
    }

    /// Ends an agent and gives its place back. Tells how it stood.
    pub(crate) async fn close(&self, id: ThreadId) -> Result<AgentStatus, AgentError> {
        let agent = self.lock().agents.remove(&id).ok_or(AgentError::NotFound(id))?;
        let before = agent.status.borrow().clone();
        let mut status = agent.status.subscribe();
        // One that ended by itself needs no telling.
        let _ = agent.handle.submit(Op::Shutdown).await;
        let _ = status.wait_for(|status| *status == AgentStatus::Shutdown).await;
        Ok(before)
    }

    /// The next note for the thread's model.
    pub(crate) fn take_mail(&self) -> Option<String> {
        self.lock().mail.pop_front()
    }

    pub(crate) fn has_mail(&self) -> bool {
        !self.lock().mail.is_empty()
    }

    fn post(&self, note: String) {
        let mut state = self.lock();
        if state.mail.len() == MAX_MAIL {
            state.mail.pop_front();
        }
        state.mail.push_back(note);
    }

    /// Ends all agents and waits for them.
    pub(crate) async fn shutdown(&self) {
        let agents: Vec<Agent> = self.lock().agents.drain().map(|(_, agent)| agent).collect();
        for agent in &agents {
            let _ = agent.handle.submit(Op::Shutdown).await;
        }
        self.followers.close();
        self.followers.wait().await;
    }
}

/// Reads what an agent tells until it is over. Its parent's model gets one note, at its first end.
async fn follow(
    agents: Arc<Agents>,
    id: ThreadId,
    mut events: mpsc::Receiver<Event>,
    status: Arc<watch::Sender<AgentStatus>>,
) {
    let mut last_words = None;
    let mut noted = false;
    while let Some(event) = events.recv().await {
        let now = match event.kind {
            EventKind::TurnStarted { .. } => {
                last_words = None;
                AgentStatus::Running
            }
            EventKind::ItemCompleted(TurnItem::AgentMessage { text, .. }) => {
                last_words = Some(text);
                continue;
            }
            EventKind::TurnCompleted { status: TurnStatus::Completed, .. } => {
                AgentStatus::Completed(last_words.take())
            }
            EventKind::TurnCompleted { error: Some(error), .. } => AgentStatus::Errored(error.message),
            EventKind::TurnCompleted { .. } => AgentStatus::Interrupted,
            EventKind::ShutdownComplete => AgentStatus::Shutdown,
            _ => continue,
        };
        if !noted && now.is_final() {
            noted = true;
            agents.post(notification(id, &now));
        }
        status.send_replace(now);
    }
    status.send_replace(AgentStatus::Shutdown);
}

fn notification(id: ThreadId, status: &AgentStatus) -> String {
    let note = serde_json::json!({"agent_path": id, "status": status});
    format!("<subagent_notification>\n{note}\n</subagent_notification>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seventh_agent_finds_no_place() {
        let agents = Agents::default();
        let places: Vec<_> = (0..MAX_AGENTS).map(|_| agents.reserve().ok().unwrap()).collect();
        assert!(matches!(agents.reserve(), Err(AgentError::Limit)));
        drop(places);
        assert!(agents.reserve().is_ok());
    }

    #[test]
    fn no_name_is_given_twice() {
        let agents = Agents::default();
        let names: HashSet<_> = (0..3 * NICKNAMES.len()).map(|_| agents.nickname()).collect();
        assert_eq!(names.len(), 3 * NICKNAMES.len());
    }

    #[test]
    fn statuses_read_as_the_model_expects_them() {
        let json = |status| serde_json::to_string(&status).unwrap();
        assert_eq!(json(AgentStatus::PendingInit), "\"pending_init\"");
        assert_eq!(json(AgentStatus::Completed(None)), r#"{"completed":null}"#);
        assert_eq!(json(AgentStatus::Errored("x".into())), r#"{"errored":"x"}"#);
        let id = "01a1f892-0408-77c3-bcb5-6fb4c1b69cf6".parse().unwrap();
        assert_eq!(
            notification(id, &AgentStatus::Completed(Some("y".into()))),
            "<subagent_notification>\n{\"agent_path\":\"01a1f892-0408-77c3-bcb5-6fb4c1b69cf6\",\
             \"status\":{\"completed\":\"y\"}}\n</subagent_notification>"
        );
    }
}
