//! `--json`: the events of a run as JSON lines (exec sheet §8).
//!
//! A pure projection: notifications of the app server in, [`ThreadEvent`]s out. Scripts and SDKs parse these lines, so
//! names, key order and the rules for when a line appears are a contract. Item ids are our own (`item_0`, `item_1`…),
//! counted by first appearance; the app server's ids only connect the start of an item with its end.

use std::collections::{BTreeMap, HashMap};

use quire_appserver_protocol::notices::{
    DeprecationNoticeNotification, ErrorNotification, ModelRerouteReason,
};
use quire_appserver_protocol::turn::{TurnNotification, TurnPlanStep, TurnPlanStepStatus};
use quire_appserver_protocol::usage::TokenUsageBreakdown;
use quire_appserver_protocol::{ServerNotification, ThreadItem};
use quire_protocol::{
    AgentActivity, AgentCallStatus, AgentTool, CommandStatus, PatchKind, PatchStatus, ThreadId, TurnStatus,
    WebSearchAction,
};
use serde::Serialize;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum ThreadEvent {
    /// Always the first line.
    #[serde(rename = "thread.started")]
    ThreadStarted {
        /// The thread; the old one when resumed.
        thread_id: ThreadId,
    },
    /// The turn began.
    #[serde(rename = "turn.started")]
    TurnStarted,
    /// The turn ended well.
    #[serde(rename = "turn.completed")]
    TurnCompleted {
        /// Totals of the whole thread.
        usage: Usage,
    },
    /// The turn failed or was stopped.
    #[serde(rename = "turn.failed")]
    TurnFailed {
        /// Why.
        error: Failure,
    },
    /// An item began.
    #[serde(rename = "item.started")]
    ItemStarted {
        /// The item.
        item: Item,
    },
    /// An item changed before its end.
    #[serde(rename = "item.updated")]
    ItemUpdated {
        /// The item.
        item: Item,
    },
    /// An item reached its last state.
    #[serde(rename = "item.completed")]
    ItemCompleted {
        /// The item.
        item: Item,
    },
    /// Something went wrong with the stream. Not always fatal.
    #[serde(rename = "error")]
    Error {
        /// What.
        message: String,
    },
}

/// Tokens of a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Sent, cached ones included.
    pub input_tokens: u64,
    /// The cached part.
    pub cached_input_tokens: u64,
    /// Received, reasoning included.
    pub output_tokens: u64,
    /// The reasoning part.
    pub reasoning_output_tokens: u64,
}

impl From<&TokenUsageBreakdown> for Usage {
    fn from(total: &TokenUsageBreakdown) -> Self {
        Self {
            input_tokens: total.input_tokens,
            cached_input_tokens: total.cached_input_tokens,
            output_tokens: total.output_tokens,
            reasoning_output_tokens: total.reasoning_output_tokens,
        }
    }
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// For people.
    pub message: String,
}

/// An item with its id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// `item_N`.
    pub id: String,
    /// The rest.
    #[serde(flatten)]
    pub details: ItemDetails,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ItemDetails {
    /// The model spoke.
    AgentMessage {
        /// What it said.
        text: String,
    },
    /// The model thought.
    Reasoning {
        /// The summary.
        text: String,
    },
    /// A command.
    CommandExecution {
        /// Shell-quoted command line.
        command: String,
        /// What it printed; empty while it runs.
        aggregated_output: String,
        /// Exit code; null while it runs.
        exit_code: Option<i32>,
        /// How it stands.
        status: CommandState,
    },
    /// Files changed.
    FileChange {
        /// Which.
        changes: Vec<ChangedFile>,
        /// How it stands.
        status: ChangeState,
    },
    /// The model dealt with sub-agents.
    CollabToolCall {
        /// What it did.
        tool: CollabTool,
        /// The thread that called.
        sender_thread_id: ThreadId,
        /// The agents it is about.
        receiver_thread_ids: Vec<ThreadId>,
        /// What they were told.
        prompt: Option<String>,
        /// How they stand.
        agents_states: BTreeMap<ThreadId, CollabAgent>,
        /// How the call stands.
        status: ChangeState,
    },
    /// The provider searched the web.
    WebSearch {
        /// The model's own id of the search.
        call_id: String,
        /// Display query.
        query: String,
        /// What it did.
        action: SearchKind,
    },
    /// The plan.
    TodoList {
        /// Its steps.
        items: Vec<Todo>,
    },
    /// A notice.
    Error {
        /// The text.
        message: String,
    },
}

/// How a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Running.
    InProgress,
    /// Exit code 0.
    Completed,
    /// Any other end.
    Failed,
    /// Refused.
    Declined,
}

/// How a file change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Being applied.
    InProgress,
    /// Applied.
    Completed,
    /// Not (fully) applied.
    Failed,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    /// Absolute path.
    pub path: String,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Created or overwritten.
    Add,
    /// Removed.
    Delete,
    /// Edited or moved.
    Update,
}

/// What was done with sub-agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CollabTool {
    /// One was started.
    SpawnAgent,
    /// One was spoken to.
    SendInput,
    /// Some were waited for; taking one up again is reported so too.
    Wait,
    /// One was ended.
    CloseAgent,
}

/// How a sub-agent stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollabAgent {
    /// What it does.
    pub status: CollabActivity,
    /// Its last words, or why it failed.
    pub message: Option<String>,
}

/// What a sub-agent does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CollabActivity {
    /// It has not begun yet.
    PendingInit,
    /// It works.
    Running,
    /// It was stopped.
    Interrupted,
    /// Its last turn is done.
    Completed,
    /// Its last turn failed.
    Errored,
    /// It is closed.
    Shutdown,
    /// There is no such agent.
    NotFound,
}

impl From<AgentActivity> for CollabActivity {
    fn from(activity: AgentActivity) -> Self {
        match activity {
            AgentActivity::PendingInit => Self::PendingInit,
            AgentActivity::Running => Self::Running,
            AgentActivity::Interrupted => Self::Interrupted,
            AgentActivity::Completed => Self::Completed,
            AgentActivity::Errored => Self::Errored,
            AgentActivity::Shutdown => Self::Shutdown,
            AgentActivity::NotFound => Self::NotFound,
        }
    }
}

/// What a web search did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SearchKind {
    /// Searched.
    Search {
        /// The query.
        #[serde(skip_serializing_if = "Option::is_none")]
        query: Option<String>,
        /// All queries, when there were several.
        #[serde(skip_serializing_if = "Option::is_none")]
        queries: Option<Vec<String>>,
    },
    /// Not known yet, or anything else; opening a page is reported so too.
    Other,
}

/// One step of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Todo {
    /// What.
    pub text: String,
    /// Whether it is done.
    pub completed: bool,
}

/// The projection: what has to be remembered between notifications.
#[derive(Debug, Default)]
pub struct Projection {
    next_id: usize,
    open: HashMap<String, String>,
    plan: Option<(String, Vec<Todo>)>,
    usage: Usage,
}

impl Projection {
    /// A projection for a thread that has used this much so far.
    pub fn new(usage: Usage) -> Self {
        Self { usage, ..Self::default() }
    }

    /// The line that opens a run.
    pub fn thread_started(&self, thread_id: ThreadId) -> ThreadEvent {
        ThreadEvent::ThreadStarted { thread_id }
    }

    /// Lines for one notification: mostly none or one.
    pub fn apply(&mut self, notification: &ServerNotification) -> Vec<ThreadEvent> {
        match notification {
            ServerNotification::TurnStarted(_) => vec![ThreadEvent::TurnStarted],
            ServerNotification::TurnCompleted(it) => self.turn_completed(it),
            ServerNotification::ItemStarted(it) => self.item_started(&it.item),
            ServerNotification::ItemCompleted(it) => self.item_completed(&it.item),
            ServerNotification::TurnPlanUpdated(it) => vec![self.plan_updated(&it.plan)],
            ServerNotification::ThreadTokenUsageUpdated(it) => {
                self.usage = (&it.token_usage.total).into();
                Vec::new()
            }
            ServerNotification::Error(it) => vec![ThreadEvent::Error { message: error_text(it) }],
            ServerNotification::Warning(it) => vec![self.notice(it.message.clone())],
            ServerNotification::ConfigWarning(it) => {
                vec![self.notice(with_details(&it.summary, it.details.as_deref()))]
            }
            ServerNotification::DeprecationNotice(DeprecationNoticeNotification { summary, details }) => {
                vec![self.notice(with_details(summary, details.as_deref()))]
            }
            ServerNotification::ModelRerouted(it) => {
                let reason = match it.reason {
                    ModelRerouteReason::HighRiskCyberActivity => "HighRiskCyberActivity",
                };
                vec![self.notice(format!("model rerouted: {} -> {} ({reason})", it.from_model, it.to_model))]
            }
            _ => Vec::new(),
        }
    }

    /// An item of its own for something a person should know.
    pub fn notice(&mut self, message: String) -> ThreadEvent {
        let id = self.new_id();
        ThreadEvent::ItemCompleted { item: Item { id, details: ItemDetails::Error { message } } }
    }

    /// The line that ends a run which was stopped from outside.
    pub fn interrupted(&self) -> ThreadEvent {
        ThreadEvent::TurnFailed { error: Failure { message: "interrupted".to_owned() } }
    }

    fn new_id(&mut self) -> String {
        let id = format!("item_{}", self.next_id);
        self.next_id += 1;
        id
    }

    fn item_started(&mut self, item: &ThreadItem) -> Vec<ThreadEvent> {
        if matches!(item, ThreadItem::AgentMessage { .. } | ThreadItem::Reasoning { .. }) {
            return Vec::new();
        }
        let Some(details) = details(item) else { return Vec::new() };
        if let Some(id) = self.open.get(item.id()) {
            return vec![ThreadEvent::ItemUpdated { item: Item { id: id.clone(), details } }];
        }
        let id = self.new_id();
        self.open.insert(item.id().to_owned(), id.clone());
        vec![ThreadEvent::ItemStarted { item: Item { id, details } }]
    }

    fn item_completed(&mut self, item: &ThreadItem) -> Vec<ThreadEvent> {
        let Some(details) = details(item) else { return Vec::new() };
        let id = self.open.remove(item.id()).unwrap_or_else(|| self.new_id());
        vec![ThreadEvent::ItemCompleted { item: Item { id, details } }]
    }

    fn plan_updated(&mut self, plan: &[TurnPlanStep]) -> ThreadEvent {
        let items: Vec<Todo> = plan
            .iter()
            .map(|step| Todo {
                text: step.step.clone(),
                completed: step.status == TurnPlanStepStatus::Completed,
            })
            .collect();
        let known = self.plan.take().map(|(id, _)| id);
        let first = known.is_none();
        let id = known.unwrap_or_else(|| self.new_id());
        self.plan = Some((id.clone(), items.clone()));
        let item = Item { id, details: ItemDetails::TodoList { items } };
        if first { ThreadEvent::ItemStarted { item } } else { ThreadEvent::ItemUpdated { item } }
    }

    fn turn_completed(&mut self, it: &TurnNotification) -> Vec<ThreadEvent> {
        let mut lines = Vec::new();
        if let Some((id, items)) = self.plan.take() {
            lines.push(ThreadEvent::ItemCompleted {
                item: Item { id, details: ItemDetails::TodoList { items } },
            });
        }
        lines.push(match it.turn.status {
            TurnStatus::Completed | TurnStatus::InProgress => {
                ThreadEvent::TurnCompleted { usage: self.usage }
            }
            TurnStatus::Interrupted => self.interrupted(),
            TurnStatus::Failed => {
                let message =
                    it.turn.error.as_ref().map_or("the turn failed", |error| &error.message).to_owned();
                ThreadEvent::TurnFailed { error: Failure { message } }
            }
        });
        lines
    }
}

fn error_text(it: &ErrorNotification) -> String {
    with_details(&it.error.message, it.error.additional_details.as_deref())
}

fn with_details(text: &str, details: Option<&str>) -> String {
    match details {
        Some(details) => format!("{text} ({details})"),
        None => text.to_owned(),
    }
}

/// The item as scripts see it; `None` for kinds that have no line.
fn details(item: &ThreadItem) -> Option<ItemDetails> {
    Some(match item {
        ThreadItem::UserMessage { .. } | ThreadItem::ImageView { .. } => return None,
        ThreadItem::AgentMessage { text, .. } => ItemDetails::AgentMessage { text: text.clone() },
        ThreadItem::Reasoning { summary, .. } => {
            let text = summary.join("\n");
            if text.trim().is_empty() {
                return None;
            }
            ItemDetails::Reasoning { text }
        }
        ThreadItem::CommandExecution { command, aggregated_output, exit_code, status, .. } => {
            ItemDetails::CommandExecution {
                command: command.clone(),
                aggregated_output: aggregated_output.clone().unwrap_or_default(),
                exit_code: *exit_code,
                status: match status {
                    CommandStatus::InProgress => CommandState::InProgress,
                    CommandStatus::Completed => CommandState::Completed,
                    CommandStatus::Failed => CommandState::Failed,
                    CommandStatus::Declined => CommandState::Declined,
                },
            }
        }
        ThreadItem::FileChange { changes, status, .. } => ItemDetails::FileChange {
            changes: changes
                .iter()
                .map(|change| ChangedFile {
                    path: change.path.to_string_lossy().into_owned(),
                    kind: match change.kind {
                        PatchKind::Add => ChangeKind::Add,
                        PatchKind::Delete => ChangeKind::Delete,
                        PatchKind::Update { .. } => ChangeKind::Update,
                    },
                })
                .collect(),
            status: match status {
                PatchStatus::InProgress => ChangeState::InProgress,
                PatchStatus::Completed => ChangeState::Completed,
                PatchStatus::Failed | PatchStatus::Declined => ChangeState::Failed,
            },
        },
        ThreadItem::CollabAgentToolCall {
            tool,
            status,
            sender_thread_id,
            receiver_thread_ids,
            prompt,
            agents_states,
            ..
        } => ItemDetails::CollabToolCall {
            tool: match tool {
                AgentTool::SpawnAgent => CollabTool::SpawnAgent,
                AgentTool::SendInput => CollabTool::SendInput,
                AgentTool::Wait | AgentTool::ResumeAgent => CollabTool::Wait,
                AgentTool::CloseAgent => CollabTool::CloseAgent,
            },
            sender_thread_id: *sender_thread_id,
            receiver_thread_ids: receiver_thread_ids.clone(),
            prompt: prompt.clone(),
            agents_states: agents_states
                .iter()
                .map(|(id, state)| {
                    let message = state.message.clone();
                    (*id, CollabAgent { status: state.status.into(), message })
                })
                .collect(),
            status: match status {
                AgentCallStatus::InProgress => ChangeState::InProgress,
                AgentCallStatus::Completed => ChangeState::Completed,
                AgentCallStatus::Failed => ChangeState::Failed,
            },
        },
        ThreadItem::WebSearch { id, query, action } => ItemDetails::WebSearch {
            call_id: id.clone(),
            query: query.clone(),
            action: match action {
                Some(WebSearchAction::Search { query, queries }) => {
                    SearchKind::Search { query: query.clone(), queries: queries.clone() }
                }
                _ => SearchKind::Other,
            },
        },
    })
}
