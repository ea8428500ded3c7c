//! One turn, as a story.
//!
//! The turn begins and is written down. What changed around the model since it last listened is told to it, then the
//! person's words. It is sampled; its calls are answered; it is sampled again, until nothing is left to answer. The
//! turn ends: completed, failed or interrupted, and always written down.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use quire_models::{ModelError, TurnState};
use quire_protocol::{
    CodexErrorInfo, EventKind, ModeKind, ResponseItem, Role, RolloutEvent, RolloutItem, TurnError, TurnId,
    TurnItem, TurnStatus, UserInput,
};
use quire_repo::WorkspaceFacts;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::context::{self, Surroundings};
use crate::goals::{self, Goals, Settled, TurnEnd};
use crate::prompts;
use crate::sampling;
use crate::thread::ThreadState;
use crate::turn_diff::TurnDiffTracker;

/// Inputs that may wait for a running turn's next sampling.
const MAX_WAITING_INPUTS: usize = 64;

/// What a turn starts with.
pub(crate) struct TurnStart {
    pub(crate) turn_id: TurnId,
    pub(crate) cause: Cause,
    pub(crate) output_schema: Option<Value>,
    pub(crate) cancel: CancellationToken,
    pub(crate) mailbox: Mailbox,
}

impl TurnStart {
    pub(crate) fn new(turn_id: TurnId, cause: Cause, output_schema: Option<Value>) -> Self {
        Self { turn_id, cause, output_schema, cancel: CancellationToken::new(), mailbox: Mailbox::default() }
    }
}

/// What a turn begins with.
pub(crate) enum Cause {
    /// A person's words.
    Person(Vec<UserInput>),
    /// The thread's goal: words for the model that no person sees.
    Goal(String),
}

/// Input that arrives while a turn runs. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Letters>>);

#[derive(Default)]
struct Letters {
    waiting: VecDeque<Vec<UserInput>>,
    closed: bool,
}

impl Mailbox {
    /// Adds input; beyond the bound the oldest gives way.
    pub(crate) fn put(&self, input: Vec<UserInput>) {
        let mut letters = self.lock();
        if letters.waiting.len() == MAX_WAITING_INPUTS {
            letters.waiting.pop_front();
        }
        letters.waiting.push_back(input);
    }

    /// Whether the turn still takes input.
    pub(crate) fn is_open(&self) -> bool {
        !self.lock().closed
    }

    /// Takes no more input.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    fn take(&self) -> Option<Vec<UserInput>> {
        self.lock().waiting.pop_front()
    }

    fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Letters> {
        // Every change is complete before the lock is released, so a panic elsewhere leaves the box usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A turn while it runs.
pub(crate) struct Turn {
    pub(crate) id: TurnId,
    pub(crate) started_unix_ms: i64,
    pub(crate) started: Instant,
    pub(crate) cancel: CancellationToken,
    pub(crate) output_schema: Option<Value>,
    /// Sticky routing token of the provider.
    pub(crate) routing: TurnState,
    pub(crate) diff: Arc<TurnDiffTracker>,
    pub(crate) workspaces: WorkspaceLookup,
    pub(crate) first_token: Option<Instant>,
    pub(crate) last_message: Option<String>,
    pub(crate) rerouted: bool,
    pub(crate) used_tools: bool,
}

/// Why a turn stops before the model is done.
pub(crate) enum Stop {
    Interrupted,
    Failed(Box<ModelError>),
}

/// Runs a turn from start to end.
pub(crate) async fn run(thread: &mut ThreadState, start: TurnStart) {
    let TurnStart { turn_id, cause, output_schema, cancel, mailbox } = start;
    let mut turn = begin(thread, turn_id, output_schema, cancel).await;
    if let Some(goals) = &thread.services.goals {
        goals.turn_began(matches!(cause, Cause::Goal(_)), turn.started_unix_ms);
    }
    tell_context(thread, &turn).await;
    match cause {
        Cause::Person(input) => tell_input(thread, &turn, &input).await,
        Cause::Goal(steering) => steer(thread, steering).await,
    }
    let outcome = work(thread, &mut turn, &mailbox).await;
    mailbox.close();
    thread.services.watches.settle().await;
    end(thread, turn, outcome).await;
}

/// Samples until nothing is left to answer.
async fn work(thread: &mut ThreadState, turn: &mut Turn, mailbox: &Mailbox) -> Result<(), Stop> {
    loop {
        let wants_more = sampling::sample(thread, turn).await?;
        thread.services.watches.settle().await;
        if let Some(unified_diff) = turn.diff.unified_diff(&thread.settings.cwd) {
            thread.outlet.announce(Some(&turn.id), EventKind::TurnDiff { unified_diff }).await;
        }
        let has_mail = thread.services.agents.as_ref().is_some_and(|agents| agents.has_mail());
        if !wants_more && mailbox.is_empty() && !has_mail {
            return Ok(());
        }
        while let Some(input) = mailbox.take() {
            tell_input(thread, turn, &input).await;
        }
        while let Some(note) = thread.services.agents.as_ref().and_then(|agents| agents.take_mail()) {
            steer(thread, note).await;
        }
        if let Some(text) = thread.services.goals.as_ref().and_then(Goals::take_wrap_up) {
            steer(thread, text).await;
        }
    }
}

async fn begin(
    thread: &mut ThreadState,
    id: TurnId,
    output_schema: Option<Value>,
    cancel: CancellationToken,
) -> Turn {
    let started_unix_ms = thread.services.engine.options.clock.unix_ms();
    let turn = Turn {
        id,
        started_unix_ms,
        started: Instant::now(),
        cancel,
        output_schema,
        routing: TurnState::default(),
        diff: Arc::default(),
        workspaces: WorkspaceLookup::start(thread.settings.cwd.clone()),
        first_token: None,
        last_message: None,
        rerouted: false,
        used_tools: false,
    };
    thread
        .outlet
        .record_event(RolloutEvent::TaskStarted {
            turn_id: Some(turn.id.clone()),
            started_at: Some(started_unix_ms / 1000),
            model_context_window: thread.settings.usable_window(),
            collaboration_mode_kind: ModeKind::Default,
        })
        .await;
    thread
        .outlet
        .announce(Some(&turn.id), EventKind::TurnStarted { started_at: started_unix_ms / 1000 })
        .await;
    turn
}

/// Tells the model what changed around it, and writes down the settings of the turn.
async fn tell_context(thread: &mut ThreadState, turn: &Turn) {
    let services = Arc::clone(&thread.services);
    let clock = &services.engine.options.clock;
    let now =
        jiff::Timestamp::from_millisecond(turn.started_unix_ms).unwrap_or_default().to_zoned(clock.zone());
    let context = thread.settings.turn_context(&turn.id, &now);
    let surroundings = Surroundings {
        shell: services.shell.name(),
        developer_instructions: services.developer_instructions.as_deref(),
        personality: services.personality,
        instructions: services.instructions.text.as_deref(),
        previous_model: thread.previous_model.as_deref(),
        base_instructions: &services.base_instructions,
        temp_dir: services.temp_dir.as_deref(),
        parts: services.parts(),
    };
    let messages = context::messages(thread.baseline.as_ref(), &context, &surroundings);
    let mut lines: Vec<_> = messages.iter().cloned().map(RolloutItem::ResponseItem).collect();
    lines.push(RolloutItem::TurnContext(context.clone()));
    thread.outlet.record(lines).await;
    for message in messages {
        thread.history.push(message);
    }
    thread.previous_model = Some(context.model.clone());
    thread.baseline = Some(context);
}

/// Puts a person's input before the model.
async fn tell_input(thread: &mut ThreadState, turn: &Turn, input: &[UserInput]) {
    if input.is_empty() {
        return;
    }
    let message = context::user_message(input).await;
    thread
        .outlet
        .record(vec![
            RolloutItem::ResponseItem(message.clone()),
            RolloutItem::EventMsg(RolloutEvent::user_message(input)),
        ])
        .await;
    thread.history.push(message);
    let id = thread.services.engine.options.ids.item_id();
    let item = TurnItem::UserMessage { id, client_id: None, content: input.to_vec() };
    thread.outlet.announce(Some(&turn.id), EventKind::ItemStarted(item.clone())).await;
    thread.outlet.announce(Some(&turn.id), EventKind::ItemCompleted(item)).await;
}

/// Puts words of ours before the model, in the user's role.
async fn steer(thread: &mut ThreadState, text: String) {
    let message = ResponseItem::message(Role::User, text);
    thread.outlet.record(vec![RolloutItem::ResponseItem(message.clone())]).await;
    thread.history.push(message);
}

/// Charges the goal with the turn, and notes what the turn's end means for it.
async fn settle_goal(thread: &ThreadState, turn: &Turn, outcome: &Result<(), Stop>) {
    let Some(goals) = &thread.services.goals else { return };
    let end = match outcome {
        Ok(()) => TurnEnd::Done { used_tools: turn.used_tools },
        Err(Stop::Failed(error)) if error.info() == CodexErrorInfo::UsageLimitExceeded => TurnEnd::OutOfQuota,
        Err(_) => TurnEnd::Stopped,
    };
    let Settled { goal, notice } = goals.turn_ended(end, thread.services.engine.options.clock.unix_ms());
    if let Some(goal) = goal {
        goals::tell(&thread.outlet, &turn.id, goal).await;
    }
    if let Some(message) = notice {
        thread.outlet.announce(Some(&turn.id), EventKind::Warning { message }).await;
    }
}

/// Writes down how the turn ended, then tells.
async fn end(thread: &mut ThreadState, turn: Turn, outcome: Result<(), Stop>) {
    settle_goal(thread, &turn, &outcome).await;
    let (status, error) = match outcome {
        Ok(()) => (TurnStatus::Completed, None),
        Err(Stop::Interrupted) => (TurnStatus::Interrupted, None),
        Err(Stop::Failed(error)) => (TurnStatus::Failed, Some(turn_error(&error))),
    };
    let completed_unix_ms = thread.services.engine.options.clock.unix_ms();
    let completed_at = completed_unix_ms / 1000;
    let duration_ms = turn.started.elapsed().as_millis() as i64;
    let event = if status == TurnStatus::Interrupted {
        mark_interrupted(thread).await;
        RolloutEvent::TurnAborted {
            turn_id: Some(turn.id.clone()),
            reason: "interrupted".to_owned(),
            completed_at: Some(completed_at),
            duration_ms: Some(duration_ms),
        }
    } else {
        RolloutEvent::TaskComplete {
            turn_id: Some(turn.id.clone()),
            last_agent_message: turn.last_message.clone().filter(|_| error.is_none()),
            completed_at: Some(completed_at),
            duration_ms: Some(duration_ms),
            time_to_first_token_ms: turn
                .first_token
                .map(|at| at.duration_since(turn.started).as_millis() as i64),
        }
    };
    thread.outlet.record_event(event).await;
    thread.outlet.sync().await;
    if let Some(error) = &error {
        let kind = EventKind::Error { error: error.clone(), will_retry: false };
        thread.outlet.announce(Some(&turn.id), kind).await;
    }
    let started_at = turn.started_unix_ms / 1000;
    let kind = EventKind::TurnCompleted { status, error, started_at, completed_at, duration_ms };
    thread.outlet.announce(Some(&turn.id), kind).await;
}

/// Leaves a note for the model that the stop was deliberate.
async fn mark_interrupted(thread: &mut ThreadState) {
    steer(thread, format!("<turn_aborted>\n{}\n</turn_aborted>", prompts::TURN_ABORTED)).await;
}

pub(crate) fn turn_error(error: &ModelError) -> TurnError {
    TurnError { message: error.message(), codex_error_info: Some(error.info()), additional_details: None }
}

/// Repository facts for the request headers, looked up beside the turn: a slow `git status` delays nothing, a request
/// that goes out first goes without.
pub(crate) struct WorkspaceLookup {
    facts: Arc<Mutex<Option<(std::path::PathBuf, WorkspaceFacts)>>>,
    _task: AbortOnDrop,
}

impl WorkspaceLookup {
    fn start(cwd: std::path::PathBuf) -> Self {
        let facts = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&facts);
        let task = tokio::spawn(async move {
            let found = quire_repo::workspace_facts(&cwd).await;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = found;
        });
        Self { facts, _task: AbortOnDrop(task) }
    }

    /// What is known by now.
    pub(crate) fn known(&self) -> Option<(std::path::PathBuf, WorkspaceFacts)> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A task that ends with its owner.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
