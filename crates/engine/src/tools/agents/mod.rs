//! `multi_agent_v1`: the model starts agents, speaks to them, waits for them and ends them (tools sheet §11). What an
//! agent *is* is in [`crate::agents`]; here is what the five tools share.
//!
//! What a newcomer would get wrong: an item is begun only when the arguments make sense, and from then on it is always
//! completed, also when the call is refused.

mod close;
mod resume;
mod send_input;
mod spawn;
mod wait;

use std::collections::BTreeMap;
use std::path::PathBuf;

use quire_protocol::{
    AgentCallStatus, AgentState, AgentTool, EventKind, ReasoningEffort, ThreadId, TurnItem, UserInput,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{AgentTools, Done, Gate, Namespace, Refusal, ToolCall, TurnScope, function, string};
use crate::agents::{AgentError, AgentStatus, Agents};

pub(super) use close::CloseAgent;
pub(super) use resume::ResumeAgent;
pub(super) use send_input::SendInput;
pub(super) use spawn::SpawnAgent;
pub(super) use wait::WaitAgent;

static NAMESPACE: Namespace = Namespace {
    name: "multi_agent_v1",
    description: "Agents: further threads that work for this one, side by side with it.",
};

/// A specification that is there when agents are.
fn spec(
    gate: &Gate<'_>,
    name: &str,
    description: &str,
    properties: Value,
    required: &[&str],
) -> Option<Value> {
    (gate.agents != AgentTools::Off).then(|| function(name, description, properties, required))
}

/// The thread's agents; a thread that cannot have any does not offer these tools.
fn agents_of<'a>(call: &ToolCall, turn: &'a TurnScope) -> Result<&'a std::sync::Arc<Agents>, Refusal> {
    let name = || format!("unsupported call: {}{}", NAMESPACE.name, call.name);
    turn.services.agents.as_ref().ok_or_else(|| Refusal(name()))
}

fn parse_id(text: &str) -> Result<ThreadId, Refusal> {
    uuid::Uuid::parse_str(text).map(ThreadId::from_uuid).map_err(|error| {
        // The reference shows the error of an older parser, which had another name for this.
        let shown = format!("{error:?}").replace("ParseLength", "ParseSimpleLength");
        Refusal(format!("invalid agent id {text}: {shown}"))
    })
}

fn answer(value: &impl Serialize) -> Result<Done, Refusal> {
    serde_json::to_string(value)
        .map(Done::from)
        .map_err(|error| Refusal(format!("the answer cannot be told: {error}")))
}

fn refused(error: AgentError) -> Refusal {
    Refusal(error.to_string())
}

/// What an agent is told: one text, or parts.
#[derive(Debug, Deserialize)]
struct Words {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    items: Option<Vec<Part>>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part {
    Text { text: String },
    Image { image_url: String },
    LocalImage { path: PathBuf },
    Skill { name: String, path: PathBuf },
    Mention { name: String, path: String },
}

impl Words {
    fn into_input(self) -> Result<Vec<UserInput>, Refusal> {
        match (self.message, self.items) {
            (Some(_), Some(_)) => Err(Refusal::new("Provide either message or items, but not both")),
            (None, None) => Err(Refusal::new("Provide one of: message or items")),
            (Some(text), None) if text.trim().is_empty() => {
                Err(Refusal::new("Empty message can't be sent to an agent"))
            }
            (Some(text), None) => Ok(vec![UserInput::Text { text }]),
            (None, Some(parts)) if parts.is_empty() => Err(Refusal::new("Items can't be empty")),
            (None, Some(parts)) => Ok(parts.into_iter().map(Part::into_input).collect()),
        }
    }
}

impl Part {
    fn into_input(self) -> UserInput {
        match self {
            Self::Text { text } => UserInput::Text { text },
            Self::Image { image_url: url } => UserInput::Image { url, detail: None },
            Self::LocalImage { path } => UserInput::LocalImage { path, detail: None },
            Self::Skill { name, path } => UserInput::Text { text: format!("[${name}]({})", path.display()) },
            Self::Mention { name, path } => UserInput::Text { text: format!("[${name}]({path})") },
        }
    }
}

/// Input in one text, for display.
fn prompt_text(input: &[UserInput]) -> String {
    let lines: Vec<String> = input
        .iter()
        .map(|part| match part {
            UserInput::Text { text } => text.clone(),
            UserInput::Image { .. } => "[image]".to_owned(),
            UserInput::LocalImage { path, .. } => format!("[local_image:{}]", path.display()),
        })
        .collect();
    lines.join("\n")
}

/// Schema of `items`.
fn items_schema() -> Value {
    let item = json!({
        "type": "object",
        "properties": {
            "image_url": string("Address of an image, for type image."),
            "name": string("Name, for types skill and mention."),
            "path": string("Path, for types local_image, skill and mention."),
            "text": string("The text, for type text."),
            "type": string("text, image, local_image, skill or mention."),
        },
        "additionalProperties": false,
    });
    json!({"type": "array", "description": "Parts to say instead of a message.", "items": item})
}

/// A call as people see it.
struct Shown {
    id: String,
    tool: AgentTool,
    sender: ThreadId,
    prompt: Option<String>,
    model: Option<String>,
    effort: Option<ReasoningEffort>,
}

impl Shown {
    fn new(call: &ToolCall, turn: &TurnScope, tool: AgentTool) -> Self {
        let (id, sender) = (call.call_id.clone(), turn.services.thread_id);
        Self { id, tool, sender, prompt: None, model: None, effort: None }
    }

    fn item(
        &self,
        status: AgentCallStatus,
        receivers: Vec<ThreadId>,
        states: BTreeMap<ThreadId, AgentState>,
    ) -> TurnItem {
        TurnItem::CollabAgentToolCall {
            id: self.id.clone(),
            tool: self.tool,
            status,
            sender_thread_id: self.sender,
            receiver_thread_ids: receivers,
            prompt: self.prompt.clone(),
            model: self.model.clone(),
            reasoning_effort: self.effort,
            agents_states: states,
        }
    }

    async fn started(&self, turn: &TurnScope, receivers: Vec<ThreadId>) {
        let item = self.item(AgentCallStatus::InProgress, receivers, BTreeMap::new());
        turn.announce(EventKind::ItemStarted(item)).await;
    }

    /// The call is over; it failed if an agent did.
    async fn completed(&self, turn: &TurnScope, agents: &[(ThreadId, AgentStatus)]) {
        let failed = agents.iter().any(|(_, status)| status.is_failure());
        let status = if failed { AgentCallStatus::Failed } else { AgentCallStatus::Completed };
        let states = agents.iter().map(|(id, status)| (*id, status.state())).collect();
        let item = self.item(status, agents.iter().map(|(id, _)| *id).collect(), states);
        turn.announce(EventKind::ItemCompleted(item)).await;
    }

    /// The call came to nothing.
    async fn failed(&self, turn: &TurnScope) {
        let item = self.item(AgentCallStatus::Failed, Vec::new(), BTreeMap::new());
        turn.announce(EventKind::ItemCompleted(item)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(value: Value) -> Result<Vec<UserInput>, String> {
        serde_json::from_value::<Words>(value).unwrap().into_input().map_err(|Refusal(text)| text)
    }

    #[test]
    fn an_agent_is_told_one_thing() {
        assert_eq!(words(json!({})).unwrap_err(), "Provide one of: message or items");
        assert_eq!(
            words(json!({"message": "a", "items": []})).unwrap_err(),
            "Provide either message or items, but not both"
        );
        assert_eq!(words(json!({"message": " "})).unwrap_err(), "Empty message can't be sent to an agent");
        assert_eq!(words(json!({"items": []})).unwrap_err(), "Items can't be empty");
        let parts = json!({"items": [{"type": "text", "text": "a"}, {"type": "image", "image_url": "data:x"},
            {"type": "local_image", "path": "/p.png"}]});
        assert_eq!(prompt_text(&words(parts).unwrap()), "a\n[image]\n[local_image:/p.png]");
    }

    #[test]
    fn an_id_that_is_none_is_refused() {
        let Refusal(text) = parse_id("bad").unwrap_err();
        assert_eq!(text, "invalid agent id bad: Error(ParseSimpleLength { len: 3 })");
    }
}
