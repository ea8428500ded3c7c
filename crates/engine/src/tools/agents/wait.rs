//! `wait_agent`: waits until an agent is done.

use std::time::Duration;

use quire_protocol::AgentTool;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{NAMESPACE, Shown, agents_of, answer, parse_id, spec};
use crate::tools::{Gate, Namespace, Refusal, Run, Tool, ToolCall, TurnScope, number};

pub(crate) struct WaitAgent;

const DEFAULT_MS: i64 = 30_000;
const SHORTEST_MS: i64 = 10_000;
const LONGEST_MS: i64 = 3_600_000;

#[derive(Deserialize)]
struct Arguments {
    targets: Vec<String>,
    #[serde(default)]
    timeout_ms: Option<i64>,
}

impl Tool for WaitAgent {
    fn name(&self) -> &'static str {
        "wait_agent"
    }

    fn namespace(&self) -> Option<&'static Namespace> {
        Some(&NAMESPACE)
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let targets =
            json!({"type": "array", "description": "Ids of the agents.", "items": {"type": "string"}});
        let timeout =
            number("How long at most; 30000 unless given, 10000 to 3600000. Rather wait long than often.");
        let properties = json!({"targets": targets, "timeout_ms": timeout});
        let description = "Waits until one of these agents is done, and answers how those stand that are. Empty when none \
            was done in time.";
        spec(gate, self.name(), description, properties, &["targets"])
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let agents = agents_of(call, turn)?;
            let Arguments { targets, timeout_ms } = call.arguments()?;
            if targets.is_empty() {
                return Err(Refusal::new("agent ids must be non-empty"));
            }
            let mut ids = targets.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>, _>>()?;
            let mut seen = std::collections::HashSet::new();
            ids.retain(|id| seen.insert(*id));
            let at_most = match timeout_ms.unwrap_or(DEFAULT_MS) {
                ..=0 => return Err(Refusal::new("timeout_ms must be greater than zero")),
                given => Duration::from_millis(given.clamp(SHORTEST_MS, LONGEST_MS).unsigned_abs()),
            };
            let shown = Shown::new(call, turn, AgentTool::Wait);
            shown.started(turn, ids.clone()).await;
            let done = agents.wait(&ids, at_most).await;
            shown.completed(turn, &done).await;
            let status: Map<String, Value> =
                done.iter().map(|(id, status)| (id.to_string(), json!(status))).collect();
            answer(&json!({"status": status, "timed_out": done.is_empty()}))
        })
    }
}
