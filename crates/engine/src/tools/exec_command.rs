//! `exec_command`: runs a shell command, waits a while, and leaves it running as a session if it takes longer
//! (tools sheet §3).

use std::sync::Arc;
use std::time::Duration;

use quire_config::Feature;
use quire_process::{Collected, Session};
use quire_protocol::{CommandSource, EventKind, ToolOutput};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::command::{Command, PLAIN_TERMINAL, SandboxPermissions, login_parameter, permission_parameters};
use super::{Done, Gate, Output, Refusal, Run, Tool, ToolCall, TurnScope, boolean, function, number, string};
use crate::approvals::{self, Decision};
use crate::truncate::{Budget, approx_tokens, tool_text};
use crate::watches::Watch;

const DEFAULT_YIELD_MS: u64 = 10_000;
pub(super) const MIN_YIELD_MS: u64 = 250;
pub(super) const MAX_YIELD_MS: u64 = 30_000;
const DEFAULT_OUTPUT_TOKENS: usize = 10_000;

pub(super) struct ExecCommand;

/// The name and the number of fields show in the error a model reads when it sends something else than an object.
#[derive(Deserialize)]
#[serde(rename = "ExecCommandArgs")]
struct Arguments {
    cmd: String,
    #[serde(default)]
    workdir: Option<String>,
    #[serde(default)]
    shell: Option<String>,
    #[serde(default)]
    tty: bool,
    #[serde(default)]
    login: Option<bool>,
    #[serde(default)]
    yield_time_ms: Option<u64>,
    #[serde(default)]
    max_output_tokens: Option<usize>,
    #[serde(default)]
    sandbox_permissions: SandboxPermissions,
    #[serde(default, rename = "additional_permissions")]
    _additional_permissions: Option<Value>,
    #[serde(default, rename = "justification")]
    _justification: Option<String>,
    #[serde(default, rename = "prefix_rule")]
    _prefix_rule: Option<Vec<String>>,
}

impl Tool for ExecCommand {
    fn name(&self) -> &'static str {
        "exec_command"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        if !offers_sessions(gate) {
            return None;
        }
        let mut properties = Map::new();
        properties.insert("cmd".to_owned(), string("The shell command."));
        permission_parameters(&mut properties);
        login_parameter(&mut properties, gate.config.allow_login_shell);
        properties.insert(
            "max_output_tokens".to_owned(),
            number("Longer output is cut in the middle. Default 10000."),
        );
        properties.insert("shell".to_owned(), string("Shell to use instead of the user's."));
        properties.insert(
            "tty".to_owned(),
            boolean(
                "Run in a terminal (needed to type into it later). Default false: plain pipes, no input.",
            ),
        );
        properties.insert("workdir".to_owned(), string("Folder to run in. Default: the working folder."));
        properties.insert(
            "yield_time_ms".to_owned(),
            number("How long to wait for output before the command is left running. Default 10000."),
        );
        properties.sort_keys();
        let description = "Runs a shell command. Answers with its output, or, if it still runs after the wait, with a \
            session id for write_stdin.";
        Some(function(self.name(), description, Value::Object(properties), &["cmd"]))
    }

    fn parallel(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let arguments: Arguments = call.arguments()?;
            let command = prepare(&arguments, turn);
            if let Some(answer) = command.as_patch(&call.call_id, turn).await {
                return answer.map(session_header_for_patch);
            }
            if arguments.sandbox_permissions.asks_for_more() {
                approvals::escalation(&turn.approval_policy, "cannot").map_err(Refusal)?;
            }
            if let Decision::Refuse(reason) = command.decide(turn, arguments.sandbox_permissions) {
                return Err(rejected(&command.shown, &reason));
            }
            let session = start(&command, arguments.tty, turn).await?;
            let session = Arc::new(session);
            let process_id = turn.services.sessions.insert(Arc::clone(&session));
            let item = command.started_item(
                &call.call_id,
                CommandSource::UnifiedExecStartup,
                Some(process_id.to_string()),
                turn,
            );
            turn.announce(EventKind::ItemStarted(item.clone())).await;
            let watch = Watch::new(item, Arc::clone(&session), turn.turn_id.clone(), turn.outlet.clone());
            let attention = watch.attend().await;
            turn.services.own(Arc::clone(&watch).follow());
            turn.services.watches.keep(process_id, Arc::clone(&watch));
            let wait = arguments.yield_time_ms.unwrap_or(DEFAULT_YIELD_MS).clamp(MIN_YIELD_MS, MAX_YIELD_MS);
            let collected = session.collect(Duration::from_millis(wait)).await;
            let mut then = Vec::new();
            if collected.exit.is_some() {
                turn.services.sessions.remove(process_id);
                then.extend(attention.take_end().await);
            }
            let report = Report {
                chunk_id: turn.services.engine.options.ids.chunk_id(),
                wall: collected.wall,
                state: collected.exit.map_or(State::Running(process_id), State::Exited),
                output: &collected,
                max_tokens: arguments.max_output_tokens,
            };
            Ok(Done { output: ToolOutput::Text(report.render(turn)).into(), then })
        })
    }
}

/// Whether the model gets session tools or the one-shot tool.
pub(super) fn offers_sessions(gate: &Gate<'_>) -> bool {
    let on = |feature| gate.config.features.enabled(feature);
    on(Feature::ShellTool) && on(Feature::UnifiedExec) && !on(Feature::ShellZshFork)
}

fn prepare(arguments: &Arguments, turn: &TurnScope) -> Command {
    let services = &turn.services;
    let shell = arguments.shell.as_deref().map_or_else(
        || services.shell.clone(),
        |name| services.shell.resolve(name, |program| services.find_program(program)),
    );
    let login = arguments.login.unwrap_or(services.allow_login_shell);
    let cwd = turn.resolve(arguments.workdir.as_deref().unwrap_or_default());
    Command::new(&shell, &arguments.cmd, login, cwd)
}

async fn start(command: &Command, tty: bool, turn: &TurnScope) -> Result<Session, Refusal> {
    let failed = |reason: String| {
        rejected(&command.shown, &format!("Failed to create unified exec process: {reason}"))
    };
    let request =
        command.spawn_request(turn, &PLAIN_TERMINAL, tty).await.map_err(|error| failed(error.to_string()))?;
    Session::spawn(request).map_err(|error| failed(error.to_string()))
}

/// A refusal in the shape the model knows.
pub(super) fn rejected(shown: &str, reason: &str) -> Refusal {
    let rejected = format!("Rejected({reason:?})");
    Refusal(format!("exec_command failed for `{shown}`: CreateProcess {{ message: {rejected:?} }}"))
}

/// An intercepted patch answers like a command that took no time.
fn session_header_for_patch(done: Done) -> Done {
    let Output::Said(output) = &done.output else { return done };
    let text = format!("Wall time: 0.0000 seconds\nOutput:\n{}", output.text());
    Done { output: ToolOutput::Text(text).into(), then: done.then }
}

/// How a session stands when its output is reported.
pub(super) enum State {
    Exited(i32),
    Running(u32),
}

/// One answer about a session's output.
pub(super) struct Report<'a> {
    pub(super) chunk_id: String,
    pub(super) wall: Duration,
    pub(super) state: State,
    pub(super) output: &'a Collected,
    pub(super) max_tokens: Option<usize>,
}

impl Report<'_> {
    /// The text the model reads.
    pub(super) fn render(&self, turn: &TurnScope) -> String {
        let output = String::from_utf8_lossy(&self.output.output);
        let wanted = self.max_tokens.unwrap_or(DEFAULT_OUTPUT_TOKENS);
        let budget = Budget::tokens(wanted.min(Budget::policy_tokens(turn.model.truncation_policy)));
        let state = match self.state {
            State::Exited(code) => format!("Process exited with code {code}"),
            State::Running(id) => format!("Process running with session ID {id}"),
        };
        format!(
            "Chunk ID: {}\nWall time: {:.4} seconds\n{state}\nOriginal token count: {}\nOutput:\n{}",
            self.chunk_id,
            self.wall.as_secs_f64(),
            approx_tokens(self.output.dropped + output.len()),
            tool_text(&output, budget, self.output.dropped),
        )
    }
}
