//! `write_stdin`: types into a running session, or looks what it printed (tools sheet §3.1).

use std::time::Duration;

use quire_protocol::{EventKind, ToolOutput};
use serde::Deserialize;
use serde_json::{Value, json};

use super::exec_command::{MAX_YIELD_MS, MIN_YIELD_MS, Report, State, offers_sessions};
use super::{Done, Gate, Refusal, Run, Tool, ToolCall, TurnScope, function, number, string};

const MIN_POLL_MS: u64 = 5_000;

pub(super) struct WriteStdin;

#[derive(Deserialize)]
struct Arguments {
    session_id: i32,
    #[serde(default)]
    chars: String,
    #[serde(default)]
    yield_time_ms: Option<u64>,
    #[serde(default)]
    max_output_tokens: Option<usize>,
}

impl Tool for WriteStdin {
    fn name(&self) -> &'static str {
        "write_stdin"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        if !offers_sessions(gate) {
            return None;
        }
        let properties = json!({
            "chars": string("What to type; control characters allowed. Empty or left out: only look for new output."),
            "max_output_tokens": number("Longer output is cut in the middle. Default 10000."),
            "session_id": number("The session, as exec_command named it."),
            "yield_time_ms": number("How long to wait for output. Default 250, or 5000 when only looking."),
        });
        let description =
            "Types into a session that exec_command left running and answers with what it printed since.";
        Some(function(self.name(), description, properties, &["session_id"]))
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let arguments: Arguments = call.arguments()?;
            let id = arguments.session_id;
            let known = u32::try_from(id).ok().and_then(|id| Some((id, turn.services.sessions.get(id)?)));
            let (id, session) =
                known.ok_or_else(|| Refusal(format!("write_stdin failed: Unknown process id {id}")))?;
            let watch = turn.services.watches.get(id);
            let attention = match &watch {
                Some(watch) => Some(watch.attend().await),
                None => None,
            };
            let wait = if arguments.chars.is_empty() {
                let longest = turn.services.background_terminal_max_timeout_ms.max(MIN_POLL_MS);
                arguments.yield_time_ms.unwrap_or(MIN_POLL_MS).clamp(MIN_POLL_MS, longest)
            } else {
                if !session.is_tty() {
                    return Err(Refusal::new(
                        "write_stdin failed: stdin is closed for this session; rerun exec_command with tty=true to keep \
                         stdin open",
                    ));
                }
                session
                    .write_stdin(arguments.chars.as_bytes())
                    .await
                    .map_err(|error| Refusal(format!("write_stdin failed: {error}")))?;
                turn.announce(EventKind::TerminalInteraction {
                    item_id: call.call_id.clone(),
                    process_id: id.to_string(),
                    stdin: arguments.chars.clone(),
                })
                .await;
                arguments.yield_time_ms.unwrap_or(MIN_YIELD_MS).clamp(MIN_YIELD_MS, MAX_YIELD_MS)
            };
            let collected = session.collect(Duration::from_millis(wait)).await;
            let mut then = Vec::new();
            if collected.exit.is_some() {
                turn.services.sessions.remove(id);
                if let Some(attention) = attention {
                    then.extend(attention.take_end().await);
                }
            }
            let report = Report {
                chunk_id: turn.services.engine.options.ids.chunk_id(),
                wall: collected.wall,
                state: collected.exit.map_or(State::Running(id), State::Exited),
                output: &collected,
                max_tokens: arguments.max_output_tokens,
            };
            Ok(Done { output: ToolOutput::Text(report.render(turn)).into(), then })
        })
    }
}
