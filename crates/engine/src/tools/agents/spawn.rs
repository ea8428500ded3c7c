//! `spawn_agent`: starts an agent with a task.

use quire_models::{Catalog, ModelInfo};
use quire_protocol::{AgentTool, MessagePhase, ReasoningEffort, ResponseItem, Role, UserInput};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{NAMESPACE, Part, Shown, Words, agents_of, answer, items_schema, prompt_text, refused, spec};
use crate::agents::{AgentError, AgentStatus, Agents, Lineage};
use crate::birth::{self, Fork};
use crate::tools::{Gate, Namespace, Refusal, Run, Tool, ToolCall, TurnScope, boolean, string};

pub(crate) struct SpawnAgent;

/// What an agent can be. The role is a word between the models; it changes nothing of the thread.
const ROLES: [(&str, &str); 3] = [
    ("default", "anything"),
    ("explorer", "answers a question about the code; changes nothing"),
    ("worker", "makes a change in files that are its alone"),
];

#[derive(Deserialize)]
struct Arguments {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    items: Option<Vec<Part>>,
    #[serde(default)]
    agent_type: Option<String>,
    #[serde(default)]
    fork_context: bool,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    reasoning_effort: Option<ReasoningEffort>,
    #[serde(default)]
    service_tier: Option<String>,
}

/// Which agent is wanted.
struct Wanted {
    role: Option<String>,
    fork: bool,
    model: Option<String>,
    effort: Option<ReasoningEffort>,
    service_tier: Option<String>,
}

impl Tool for SpawnAgent {
    fn name(&self) -> &'static str {
        "spawn_agent"
    }

    fn namespace(&self) -> Option<&'static Namespace> {
        Some(&NAMESPACE)
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let roles = ROLES.map(|(name, purpose)| format!("{name}: {purpose}")).join("; ");
        let properties = json!({
            "agent_type": string(&format!("What it is for. {roles}.")),
            "fork_context": boolean("Let it know this conversation. Otherwise it knows only what you tell it."),
            "items": items_schema(),
            "message": string("Its task, with all it needs to know."),
            "model": string("Another model than yours. Only if the user wants that."),
            "reasoning_effort": string("Another effort than yours."),
            "service_tier": string("Another service tier than yours."),
        });
        let description = "Starts an agent (a subagent to delegate to) that works on a task in parallel to you, in the \
            same folder and under the same permissions. Only when the user asked for agents or parallel work. Give it a \
            task that does not get in the way of yours, go on with your own work, and wait for it when you need what it \
            found. Answers its id.";
        spec(gate, self.name(), description, properties, &[])
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let agents = agents_of(call, turn)?;
            let arguments: Arguments = call.arguments()?;
            let input = Words { message: arguments.message, items: arguments.items }.into_input()?;
            let wanted = Wanted {
                role: arguments.agent_type,
                fork: arguments.fork_context,
                model: arguments.model,
                effort: arguments.reasoning_effort,
                service_tier: arguments.service_tier,
            };
            let shown = Shown {
                prompt: Some(prompt_text(&input)),
                model: wanted.model.clone(),
                effort: wanted.effort,
                ..Shown::new(call, turn, AgentTool::SpawnAgent)
            };
            shown.started(turn, Vec::new()).await;
            let (id, nickname) = match spawn(agents, turn, wanted, input).await {
                Ok(spawned) => spawned,
                Err(refusal) => {
                    shown.failed(turn).await;
                    return Err(refusal);
                }
            };
            shown.completed(turn, &[(id, AgentStatus::PendingInit)]).await;
            answer(&json!({"agent_id": id, "nickname": nickname}))
        })
    }
}

async fn spawn(
    agents: &std::sync::Arc<Agents>,
    turn: &TurnScope,
    wanted: Wanted,
    input: Vec<UserInput>,
) -> Result<(quire_protocol::ThreadId, String), Refusal> {
    let services = &turn.services;
    if let Some(role) = &wanted.role
        && ROLES.iter().all(|(name, _)| name != role)
    {
        return Err(Refusal(format!("unknown agent_type '{role}'")));
    }
    if let Some(model) = &wanted.model {
        check_model(model)?;
    }
    let mut config = services.config.clone();
    let settings = turn.settings.clone().with_model(wanted.model, wanted.effort, &config);
    if let Some(tier) = wanted.service_tier {
        check_tier(&tier, &settings.model, &settings.info)?;
        config.service_tier = Some(tier);
    }
    let place = agents.reserve().map_err(refused)?;
    let nickname = agents.nickname();
    let lineage = Lineage {
        parent: services.thread_id,
        session_id: services.session_id(),
        nickname: nickname.clone(),
        role: wanted.role,
    };
    let fork = if wanted.fork { fork(turn) } else { Fork::default() };
    let started = birth::start_agent(services, settings, config, lineage, fork)
        .await
        .map_err(|error| refused(AgentError::Start(error)))?;
    let id = agents.adopt(place, started);
    let turn_id = services.engine.options.ids.turn_id();
    agents.send(id, turn_id, input, false).await.map_err(refused)?;
    Ok((id, nickname))
}

fn check_model(model: &str) -> Result<(), Refusal> {
    let mut known: Vec<_> = Catalog::bundled().models().iter().collect();
    if known.iter().any(|known| known.slug == model) {
        return Ok(());
    }
    known.sort_by_key(|known| known.priority);
    let known: Vec<_> = known.iter().map(|known| known.slug.as_str()).collect();
    let known = known.join(", ");
    Err(Refusal(format!("Unknown model `{model}` for spawn_agent. Available models: {known}")))
}

fn check_tier(tier: &str, model: &str, info: &ModelInfo) -> Result<(), Refusal> {
    if info.service_tier(tier).is_some() {
        return Ok(());
    }
    let known: Vec<_> = info.service_tiers.iter().map(|tier| tier.id.as_str()).collect();
    let known = known.join(", ");
    Err(Refusal(format!(
        "Service tier `{tier}` is not supported for model `{model}`. Supported service tiers: {known}"
    )))
}

/// What was said so far: no calls, no thoughts, nothing of the response that starts the agent.
fn fork(turn: &TurnScope) -> Fork {
    let said = |item: &&ResponseItem| match item {
        ResponseItem::Message { role: Role::Assistant, phase, .. } => {
            *phase != Some(MessagePhase::Commentary)
        }
        ResponseItem::Message { .. } => true,
        _ => false,
    };
    Fork { history: turn.told.iter().filter(said).cloned().collect(), baseline: turn.baseline.clone() }
}
