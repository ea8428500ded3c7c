//! The run itself: a connection to the app server, one turn, its events shown as they come.
//!
//! Everything that could be wrong with arguments, files or configuration was found in `prepare.rs`; what is left to
//! fail here is the thread and the turn. The loop at the heart waits for four things at once (an event, room to write,
//! a signal, a closed standard output), so that none of them can hold up another.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use quire_appserver::{AppServer, Client, Notifications};
use quire_appserver_protocol::initialize::{ClientInfo, InitializeCapabilities, InitializeParams};
use quire_appserver_protocol::requests::{
    Initialize, ThreadFind, ThreadResume, ThreadStart, TurnInterrupt, TurnStart,
};
use quire_appserver_protocol::thread::{
    ThreadFindParams, ThreadFindResponse, ThreadResumeParams, ThreadSession, ThreadStartParams,
};
use quire_appserver_protocol::turn::{TurnInterruptParams, TurnStartParams};
use quire_appserver_protocol::{Method, RpcError, ServerNotification, ThreadItem};
use quire_protocol::{ThreadId, TurnId, TurnStatus, UserInput};
use serde_json::Value;

use crate::human::{self, Header};
use crate::jsonl;
use crate::output::{Closed, Output, Stream};
use crate::signals::{Signals, Stop};
use crate::view::{View, lines};

/// How long threads may take to end: processes are killed, the log is written out.
const GRACE: Duration = Duration::from_secs(2);
/// The same when a person is in a hurry.
const HURRY: Duration = Duration::from_millis(300);
/// How long an interrupted turn may take to say so.
const INTERRUPT_LIMIT: Duration = Duration::from_secs(5);

/// A run, completely decided.
#[derive(Debug)]
pub struct Plan {
    /// Name and version we introduce ourselves with.
    pub client: ClientInfo,
    /// The thread to work in.
    pub target: Target,
    /// The input, pictures first.
    pub input: Vec<UserInput>,
    /// JSON Schema of the final answer.
    pub output_schema: Option<Value>,
    /// How the run is shown.
    pub style: Style,
    /// Where the final answer is written as well.
    pub last_message_file: Option<PathBuf>,
    /// What anybody should know before the turn: a warning in the transcript, an item among the JSON lines.
    pub warnings: Vec<String>,
}

/// The thread to work in.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A new one.
    New(Box<ThreadStartParams>),
    /// A stored one, with everything but its id in the params.
    Stored(Which, Box<ThreadResumeParams>),
}

/// Which stored thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By id.
    Id(ThreadId),
    /// By name.
    Name(String),
    /// The newest, of this folder or of any.
    Latest(Option<PathBuf>),
}

/// How a run is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Style {
    /// As a transcript.
    Human(HumanStyle),
    /// As JSON lines.
    Json,
}

/// How the transcript looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HumanStyle {
    /// First line: product and version.
    pub title: String,
    /// With ANSI colours.
    pub coloured: bool,
    /// What is shown of the model's thinking.
    pub reasoning: human::Reasoning,
    /// Reasoning summary as configured, for the header.
    pub summary: Option<String>,
    /// The prompt, for the header.
    pub prompt: String,
    /// Notes that are for people alone.
    pub notes: Vec<String>,
    /// Print the final answer on standard output too; off when the person has just seen it.
    pub repeats_answer: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The turn completed.
    Completed,
    /// The turn failed or was interrupted.
    Failed,
    /// Somebody asked the program to end.
    Stopped(Stop),
    /// Nobody reads standard output any more.
    StdoutClosed,
}

/// What is known after a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub finish: Finish,
    /// The session's file; `None` when there is none, or the run ended before a thread began.
    pub session_file: Option<PathBuf>,
}

/// Why there was no turn.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Signals cannot be watched.
    #[error("cannot watch for signals: {0}")]
    Signals(#[from] io::Error),
    /// The server refused.
    #[error("{method}: {method} failed: {error}")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// Its answer.
        error: RpcError,
    },
    /// No stored thread is what was asked for.
    #[error("{0}")]
    NotFound(String),
    /// The thread ended without a turn's end.
    #[error("the thread ended before the turn did")]
    ThreadLost,
}

/// Runs a plan on a server of its own, and ends the server.
pub async fn run(plan: Plan, server: AppServer) -> Result<Report, RunError> {
    let mut signals = Signals::listen()?;
    let output = Output::of_process();
    let (client, notifications) = server.connect();
    let outcome = drive(plan, client, notifications, &output, &mut signals).await;
    let grace = match &outcome {
        Ok(Ended { hurried: true, .. }) => HURRY,
        _ => GRACE,
    };
    if !server.shutdown(grace).await {
        tracing::warn!("some threads did not end within {grace:?}");
    }
    let written = tokio::time::timeout(GRACE, output.finish()).await;
    let Ended { finish, session_file, .. } = outcome?;
    let finish = match written {
        Ok(Err(Closed)) if finish == Finish::Completed => Finish::StdoutClosed,
        _ => finish,
    };
    Ok(Report { finish, session_file })
}

/// How the conversation with the server ended.
struct Ended {
    finish: Finish,
    session_file: Option<PathBuf>,
    /// A second signal came.
    hurried: bool,
}

impl From<Finish> for Ended {
    fn from(finish: Finish) -> Self {
        Self { finish, session_file: None, hurried: false }
    }
}

/// Connects, opens the thread, starts the turn and follows it.
async fn drive(
    plan: Plan,
    client: Client,
    notifications: Notifications,
    output: &Output,
    signals: &mut Signals,
) -> Result<Ended, RunError> {
    let mut view = match &plan.style {
        Style::Human(style) => View::Human(human::Projection::new(style.coloured, style.reasoning)),
        Style::Json => View::Json(jsonl::Projection::default()),
    };
    let begun = tokio::select! {
        biased;
        stop = signals.next() => return Ok(Finish::Stopped(stop).into()),
        begun = begin(&plan, &client, view.unwanted()) => begun?,
    };
    let opening = opening(&plan, &mut view, &begun);
    if output.write(view.stream(), opening).await.is_err() {
        return Ok(Finish::StdoutClosed.into());
    }
    let thread_id = begun.thread.id;
    let turn = tokio::select! {
        biased;
        stop = signals.next() => return Ok(Finish::Stopped(stop).into()),
        turn = start_turn(&plan, &client, thread_id) => turn?,
    };
    let answer_to_stdout = matches!(&plan.style, Style::Human(style) if style.repeats_answer);
    let follower = Follower {
        client,
        notifications,
        output,
        signals,
        view: &mut view,
        thread_id,
        turn,
        last_message_file: plan.last_message_file,
        answer_to_stdout,
        answer: None,
        pending: Vec::new(),
        stopping: None,
    };
    let ended = follower.follow().await?;
    Ok(Ended { session_file: begun.thread.path, ..ended })
}

async fn begin(plan: &Plan, client: &Client, unwanted: Vec<String>) -> Result<ThreadSession, RunError> {
    let capabilities =
        InitializeCapabilities { experimental_api: true, opt_out_notification_methods: Some(unwanted) };
    let hello = InitializeParams { client_info: plan.client.clone(), capabilities: Some(capabilities) };
    ask::<Initialize>(client, hello).await?;
    match &plan.target {
        Target::New(params) => ask::<ThreadStart>(client, (**params).clone()).await,
        Target::Stored(which, params) => {
            let params = locate(client, which, (**params).clone()).await?;
            ask::<ThreadResume>(client, params).await
        }
    }
}

/// Fills in which thread is meant.
async fn locate(
    client: &Client,
    which: &Which,
    params: ThreadResumeParams,
) -> Result<ThreadResumeParams, RunError> {
    let search = match which {
        Which::Id(id) => return Ok(ThreadResumeParams { thread_id: id.to_string(), ..params }),
        Which::Name(name) => ThreadFindParams::Name(name.clone()),
        Which::Latest(cwd) => ThreadFindParams::Latest { cwd: cwd.clone() },
    };
    let ThreadFindResponse { found, nearest } = ask::<ThreadFind>(client, search).await?;
    match found {
        Some(found) => {
            Ok(ThreadResumeParams { thread_id: found.id.to_string(), path: Some(found.path), ..params })
        }
        None => Err(RunError::NotFound(not_found(which, &nearest))),
    }
}

fn not_found(which: &Which, nearest: &[String]) -> String {
    match which {
        Which::Id(id) => format!("no session has the id {id}"),
        Which::Name(name) if nearest.is_empty() => {
            format!("no session has the id or name `{name}`, and none has one like it")
        }
        Which::Name(name) => {
            format!("no session has the id or name `{name}`. Similar ones: {}", nearest.join(", "))
        }
        Which::Latest(Some(cwd)) => {
            format!("no session of {} is stored. With --all, `--last` takes one of any folder", cwd.display())
        }
        Which::Latest(None) => "no session is stored".to_owned(),
    }
}

async fn start_turn(plan: &Plan, client: &Client, thread_id: ThreadId) -> Result<TurnId, RunError> {
    let params = TurnStartParams {
        output_schema: plan.output_schema.clone(),
        ..TurnStartParams::new(thread_id, plan.input.clone())
    };
    Ok(ask::<TurnStart>(client, params).await?.turn.id)
}

async fn ask<M: Method>(client: &Client, params: M::Params) -> Result<M::Result, RunError> {
    client.request::<M>(params).await.map_err(|error| RunError::Refused { method: M::NAME, error })
}

/// The first text of the run: the header, or the first line.
fn opening(plan: &Plan, view: &mut View, session: &ThreadSession) -> String {
    match (view, &plan.style) {
        (View::Human(projection), Style::Human(style)) => {
            let mut text = projection.header(&Header {
                title: style.title.clone(),
                workdir: session.cwd.to_string_lossy().into_owned(),
                model: session.model.clone(),
                provider: session.model_provider.clone(),
                approval: session.approval_policy.clone(),
                sandbox: session.sandbox.clone(),
                effort: session.reasoning_effort.map(|effort| effort.as_str().to_owned()),
                summary: style.summary.clone(),
                session_id: session.thread.id,
                prompt: style.prompt.clone(),
            });
            for note in style.notes.iter().chain(&plan.warnings) {
                text.push_str(&projection.warning(note));
            }
            text
        }
        (View::Json(projection), _) => {
            let started = projection.thread_started(session.thread.id);
            let warnings = plan.warnings.iter().map(|warning| projection.notice(warning.clone()));
            lines(&[started].into_iter().chain(warnings).collect::<Vec<_>>())
        }
        (View::Human(_), Style::Json) => String::new(),
    }
}

/// Follows one turn to its end.
struct Follower<'a> {
    client: Client,
    notifications: Notifications,
    output: &'a Output,
    signals: &'a mut Signals,
    view: &'a mut View,
    thread_id: ThreadId,
    turn: TurnId,
    last_message_file: Option<PathBuf>,
    answer_to_stdout: bool,
    /// Text of the last message of the turn so far.
    answer: Option<String>,
    /// Text not yet handed over. While there is some, no further notification is taken.
    pending: Vec<(Stream, String)>,
    stopping: Option<Stop>,
}

impl Follower<'_> {
    async fn follow(mut self) -> Result<Ended, RunError> {
        let mut finished: Option<Finish> = None;
        let limit = tokio::time::sleep(Duration::MAX);
        tokio::pin!(limit);
        loop {
            if let (Some(finish), true) = (finished, self.pending.is_empty()) {
                return Ok(finish.into());
            }
            tokio::select! {
                biased;
                stop = self.signals.next() => {
                    if self.stopping.is_some() || finished.is_some() {
                        return Ok(Ended { hurried: true, ..Finish::Stopped(stop).into() });
                    }
                    if stop != Stop::Interrupt {
                        self.put(self.view.stopped());
                        return Ok(self.hand_over_or_stop(stop).await);
                    }
                    self.stopping = Some(stop);
                    self.interrupt();
                    limit.as_mut().reset(tokio::time::Instant::now() + INTERRUPT_LIMIT);
                }
                () = &mut limit, if self.stopping.is_some() => return Ok(Finish::Stopped(Stop::Interrupt).into()),
                () = self.output.closed() => return Ok(Finish::StdoutClosed.into()),
                room = self.output.room(), if !self.pending.is_empty() => {
                    let Ok(room) = room else { return Ok(Finish::StdoutClosed.into()) };
                    let (stream, text) = self.pending.remove(0);
                    room.put(stream, text);
                }
                notification = self.notifications.next(), if self.pending.is_empty() => {
                    let Some(notification) = notification else { return Err(RunError::ThreadLost) };
                    finished = self.take(&notification).await?;
                    while finished.is_none() && let Some(next) = self.notifications.try_next() {
                        finished = self.take(&next).await?;
                    }
                }
            }
        }
    }

    /// Takes one notification; tells how the turn ended when it did.
    async fn take(&mut self, notification: &ServerNotification) -> Result<Option<Finish>, RunError> {
        match notification {
            ServerNotification::ItemCompleted(it) if it.turn_id == self.turn => {
                if let ThreadItem::AgentMessage { text, .. } = &it.item {
                    self.answer = Some(text.clone());
                }
            }
            ServerNotification::ThreadClosed(it) if it.thread_id == self.thread_id => {
                return Err(RunError::ThreadLost);
            }
            ServerNotification::TurnCompleted(it) if it.turn.id == self.turn => {
                let completed = it.turn.status == TurnStatus::Completed;
                if completed {
                    self.write_answer_file().await;
                }
                self.show(notification);
                if completed
                    && self.answer_to_stdout
                    && let Some(answer) = self.answer.take()
                {
                    self.pending.push((Stream::Out, answer + "\n"));
                }
                return Ok(Some(match self.stopping {
                    Some(stop) => Finish::Stopped(stop),
                    None if completed => Finish::Completed,
                    None => Finish::Failed,
                }));
            }
            _ => {}
        }
        self.show(notification);
        Ok(None)
    }

    fn show(&mut self, notification: &ServerNotification) {
        let text = self.view.apply(notification);
        self.put(text);
    }

    /// Queues text for the view's stream; joins it to what waits for the same stream.
    fn put(&mut self, text: String) {
        let stream = self.view.stream();
        match self.pending.last_mut() {
            _ if text.is_empty() => {}
            Some((last, waiting)) if *last == stream => waiting.push_str(&text),
            _ => self.pending.push((stream, text)),
        }
    }

    /// Asks for the turn to be stopped, without waiting for the answer: events must be read meanwhile.
    fn interrupt(&self) {
        let client = self.client.clone();
        let params = TurnInterruptParams { thread_id: self.thread_id.to_string(), turn_id: String::new() };
        tokio::spawn(async move {
            if let Err(error) = client.request::<TurnInterrupt>(params).await {
                tracing::warn!("the turn could not be interrupted: {error}");
            }
        });
    }

    /// Hands over what waits as far as it goes at once, then stops.
    async fn hand_over_or_stop(&mut self, stop: Stop) -> Ended {
        let handing = async {
            for (stream, text) in self.pending.drain(..) {
                if self.output.write(stream, text).await.is_err() {
                    break;
                }
            }
        };
        let hurried = tokio::time::timeout(HURRY, handing).await.is_err();
        Ended { hurried, ..Finish::Stopped(stop).into() }
    }

    /// Writes the final answer to the file that was asked for. Failing to is a line, not a failed run.
    async fn write_answer_file(&mut self) {
        let Some(path) = self.last_message_file.take() else { return };
        let answer = self.answer.clone();
        let missing = answer.is_none();
        let target = path.clone();
        let written = tokio::task::spawn_blocking(move || std::fs::write(target, answer.unwrap_or_default()))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        let note = match written {
            Err(error) => format!("Failed to write last message file \"{}\": {error}\n", path.display()),
            Ok(()) if missing => {
                format!("Warning: no last agent message; wrote empty content to {}\n", path.display())
            }
            Ok(()) => return,
        };
        self.pending.push((Stream::Err, note));
    }
}
