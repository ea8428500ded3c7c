//! `send_input`: speaks to an agent.

use quire_protocol::AgentTool;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMESPACE, Shown, Words, agents_of, answer, items_schema, parse_id, prompt_text, refused, spec};
use crate::agents::AgentStatus;
use crate::tools::{Gate, Namespace, Run, Tool, ToolCall, TurnScope, boolean, string};

pub(crate) struct SendInput;

#[derive(Deserialize)]
struct Arguments {
    target: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    items: Option<Vec<super::Part>>,
    #[serde(default)]
    interrupt: bool,
}

impl Tool for SendInput {
    fn name(&self) -> &'static str {
        "send_input"
    }

    fn namespace(&self) -> Option<&'static Namespace> {
        Some(&NAMESPACE)
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let properties = json!({
            "interrupt": boolean("Stop what it is doing first. Otherwise it hears you at its next step."),
            "items": items_schema(),
            "message": string("What to say to it."),
            "target": string("Id of the agent."),
        });
        let description = "Speaks to an agent, whether it works or is done with its last task.";
        spec(gate, self.name(), description, properties, &["target"])
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let agents = agents_of(call, turn)?;
            let Arguments { target, message, items, interrupt } = call.arguments()?;
            let id = parse_id(&target)?;
            let input = Words { message, items }.into_input()?;
            let prompt = Some(prompt_text(&input));
            let shown = Shown { prompt, ..Shown::new(call, turn, AgentTool::SendInput) };
            shown.started(turn, vec![id]).await;
            let submission = turn.services.engine.options.ids.turn_id();
            let sent = agents.send(id, submission.clone(), input, interrupt).await;
            let before = sent.as_ref().map_or(AgentStatus::NotFound, Clone::clone);
            shown.completed(turn, &[(id, before)]).await;
            sent.map_err(refused)?;
            answer(&json!({"submission_id": submission}))
        })
    }
}
