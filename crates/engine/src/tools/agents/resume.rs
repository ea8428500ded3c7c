//! `resume_agent`: takes a closed agent up again, with all it knew.

use quire_protocol::{AgentTool, ThreadId};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMESPACE, Shown, agents_of, answer, parse_id, refused, spec};
use crate::agents::{AgentError, AgentStatus, Agents};
use crate::birth;
use crate::engine::ResumeTarget;
use crate::tools::{Gate, Namespace, Run, Tool, ToolCall, TurnScope, string};

pub(crate) struct ResumeAgent;

#[derive(Deserialize)]
struct Arguments {
    id: String,
}

impl Tool for ResumeAgent {
    fn name(&self) -> &'static str {
        "resume_agent"
    }

    fn namespace(&self) -> Option<&'static Namespace> {
        Some(&NAMESPACE)
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let description =
            "Takes up an agent that was closed. It remembers everything; tell it with send_input what to do.";
        spec(gate, self.name(), description, json!({"id": string("Id of the agent.")}), &["id"])
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let agents = agents_of(call, turn)?;
            let Arguments { id } = call.arguments()?;
            let id = parse_id(&id)?;
            let shown = Shown::new(call, turn, AgentTool::ResumeAgent);
            shown.started(turn, vec![id]).await;
            let resumed = resume(agents, turn, id).await;
            shown.completed(turn, &[(id, agents.status(id))]).await;
            resumed.map_err(refused)?;
            answer(&json!({"status": agents.status(id)}))
        })
    }
}

/// Takes the agent up, unless it is there already.
async fn resume(agents: &std::sync::Arc<Agents>, turn: &TurnScope, id: ThreadId) -> Result<(), AgentError> {
    if agents.status(id) != AgentStatus::NotFound {
        return Ok(());
    }
    let place = agents.reserve()?;
    let target = ResumeTarget::Id(id);
    let started =
        birth::resume_agent(&turn.services, turn.settings.clone(), target).await.map_err(|error| {
            tracing::debug!(%error, "an agent cannot be taken up");
            AgentError::NotFound(id)
        })?;
    agents.adopt(place, started);
    Ok(())
}
