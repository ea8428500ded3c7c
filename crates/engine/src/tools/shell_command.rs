//! `shell_command`: the one-shot shell tool, offered where sessions are off (tools sheet §4).

use std::time::Duration;

use quire_config::Feature;
use quire_process::{Completed, Exit};
use quire_protocol::{CommandSource, CommandStatus, EventKind, ToolOutput, TurnItem};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::command::{Command, SandboxPermissions, completed_item, login_parameter, permission_parameters};
use super::exec_command::offers_sessions;
use super::{Done, Gate, Refusal, Run, Tool, ToolCall, TurnScope, function, number, string};
use crate::approvals::{self, Decision};
use crate::truncate::{Budget, middle};

const DEFAULT_TIMEOUT_MS: u64 = 10_000;
const TIMEOUT_EXIT_CODE: i32 = 124;

pub(super) struct ShellCommand;

#[derive(Deserialize)]
struct Arguments {
    command: String,
    #[serde(default)]
    workdir: Option<String>,
    #[serde(default, alias = "timeout")]
    timeout_ms: Option<u64>,
    #[serde(default)]
    login: Option<bool>,
    #[serde(default)]
    sandbox_permissions: SandboxPermissions,
}

impl Tool for ShellCommand {
    fn name(&self) -> &'static str {
        "shell_command"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        if !gate.config.features.enabled(Feature::ShellTool) || offers_sessions(gate) {
            return None;
        }
        let mut properties = Map::new();
        properties.insert("command".to_owned(), string("The shell command."));
        permission_parameters(&mut properties);
        login_parameter(&mut properties, gate.config.allow_login_shell);
        properties
            .insert("timeout_ms".to_owned(), number("The command is killed after this long. Default 10000."));
        properties.insert("workdir".to_owned(), string("Folder to run in. Default: the working folder."));
        properties.sort_keys();
        let description = "Runs a shell command to its end and answers with exit code and output.";
        Some(function(self.name(), description, Value::Object(properties), &["command"]))
    }

    fn parallel(&self) -> bool {
        true
    }

    fn interrupted_text(&self, seconds: f64) -> String {
        format!("Wall time: {seconds:.1} seconds\naborted by user")
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let arguments: Arguments = call.arguments()?;
            let login = arguments.login.unwrap_or(turn.services.allow_login_shell);
            let cwd = turn.resolve(arguments.workdir.as_deref().unwrap_or_default());
            let command = Command::new(&turn.services.shell, &arguments.command, login, cwd);
            if let Some(answer) = command.as_patch(&call.call_id, turn).await {
                return answer;
            }
            if arguments.sandbox_permissions.asks_for_more() {
                approvals::escalation(&turn.approval_policy, "should not").map_err(Refusal)?;
            }
            let item = command.started_item(&call.call_id, CommandSource::Agent, None, turn);
            turn.announce(EventKind::ItemStarted(item.clone())).await;
            let timeout = Duration::from_millis(arguments.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS));
            let answer = match command.decide(turn, arguments.sandbox_permissions) {
                Decision::Refuse(reason) => Answer::not_run(reason, CommandStatus::Declined),
                Decision::Run => run_command(&command, timeout, turn).await,
            };
            let then = vec![EventKind::ItemCompleted(answer.item(&item))];
            Ok(Done { output: ToolOutput::Text(answer.text).into(), then })
        })
    }
}

async fn run_command(command: &Command, timeout: Duration, turn: &TurnScope) -> Answer {
    let failed =
        |reason: String| Answer::not_run(format!("execution error: {reason}"), CommandStatus::Failed);
    match command.spawn_request(turn, &[], false).await {
        Err(error) => failed(error.to_string()),
        Ok(request) => match quire_process::run_once(request, timeout).await {
            Err(error) => failed(format!("Io({:?})", error.io_error())),
            Ok(completed) => Answer::of(&completed, Budget::of_policy(turn.model.truncation_policy)),
        },
    }
}

/// What the model reads, and what people see.
struct Answer {
    text: String,
    shown_output: String,
    exit: i32,
    wall: Duration,
    status: CommandStatus,
}

impl Answer {
    fn not_run(text: String, status: CommandStatus) -> Self {
        Self { shown_output: text.clone(), text, exit: -1, wall: Duration::ZERO, status }
    }

    fn of(completed: &Completed, budget: Budget) -> Self {
        let wall = completed.wall;
        let shown_output = String::from_utf8_lossy(&completed.output).into_owned();
        let (exit, text) = match completed.exit {
            Exit::Code(code) => (code, report(code, wall, &shown_output, budget)),
            Exit::Signal(signal) => (-1, format!("execution error: Sandbox(Signal({signal}))")),
            Exit::TimedOut => {
                let line = format!("command timed out after {} milliseconds\n", wall.as_millis());
                (TIMEOUT_EXIT_CODE, report(TIMEOUT_EXIT_CODE, wall, &(line + &shown_output), budget))
            }
        };
        let status = if exit == 0 { CommandStatus::Completed } else { CommandStatus::Failed };
        Self { text, shown_output, exit, wall, status }
    }

    fn item(&self, started: &TurnItem) -> TurnItem {
        let mut item = completed_item(started, self.shown_output.clone(), self.exit, self.wall);
        if let TurnItem::CommandExecution { status, .. } = &mut item {
            *status = self.status;
        }
        item
    }
}

/// The answer's text; a cut output is preceded by its number of lines.
fn report(exit: i32, wall: Duration, output: &str, budget: Budget) -> String {
    let seconds = (wall.as_secs_f64() * 10.0).round() / 10.0;
    let (lines, shown) = match middle(output, budget) {
        None => (String::new(), output.to_owned()),
        Some(cut) => (format!("Total output lines: {}\n", output.lines().count()), cut),
    };
    format!("Exit code: {exit}\nWall time: {seconds} seconds\n{lines}Output:\n{shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_shapes() {
        let wall = Duration::from_millis(312);
        assert_eq!(
            report(3, wall, "out\n", Budget::tokens(10)),
            "Exit code: 3\nWall time: 0.3 seconds\nOutput:\nout\n"
        );
        assert_eq!(
            report(0, Duration::ZERO, "", Budget::tokens(10)),
            "Exit code: 0\nWall time: 0 seconds\nOutput:\n"
        );
        assert_eq!(
            report(0, Duration::ZERO, "abcd\nefgh\n", Budget::tokens(1)),
            "Exit code: 0\nWall time: 0 seconds\nTotal output lines: 2\nOutput:\nab…2 tokens truncated…h\n"
        );
    }
}
