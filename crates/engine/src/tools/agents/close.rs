//! `close_agent`: ends an agent, so that another can be started in its place.

use quire_protocol::AgentTool;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMESPACE, Shown, agents_of, answer, parse_id, refused, spec};
use crate::agents::AgentStatus;
use crate::tools::{Gate, Namespace, Run, Tool, ToolCall, TurnScope, string};

pub(crate) struct CloseAgent;

#[derive(Deserialize)]
struct Arguments {
    target: String,
}

impl Tool for CloseAgent {
    fn name(&self) -> &'static str {
        "close_agent"
    }

    fn namespace(&self) -> Option<&'static Namespace> {
        Some(&NAMESPACE)
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let description = "Ends an agent you no longer need, even if it still works, and makes room for another. \
            Answers how it stood.";
        let properties = json!({"target": string("Id of the agent.")});
        spec(gate, self.name(), description, properties, &["target"])
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let agents = agents_of(call, turn)?;
            let Arguments { target } = call.arguments()?;
            let id = parse_id(&target)?;
            let shown = Shown::new(call, turn, AgentTool::CloseAgent);
            shown.started(turn, vec![id]).await;
            let closed = agents.close(id).await;
            let before = closed.as_ref().map_or(AgentStatus::NotFound, Clone::clone);
            shown.completed(turn, &[(id, before)]).await;
            answer(&json!({"previous_status": closed.map_err(refused)?}))
        })
    }
}
