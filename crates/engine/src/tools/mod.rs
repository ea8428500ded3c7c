//! The built-in tools: one file each, with its spec, its arguments, its run and its output format (tools sheet).
//! Registering a tool is one line in [`ALL`], whose order is the order of the request.

mod agents;
mod apply_patch;
mod calls;
mod command;
mod exec_command;
mod goals;
mod request_user_input;
mod shell_command;
mod tool_search;
mod update_plan;
mod view_image;
mod web_search;
mod write_stdin;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use quire_config::Config;
use quire_models::ModelInfo;
use quire_patch::PathBase;
use quire_protocol::{
    ApprovalPolicy, EventKind, ModeKind, PermissionProfile, ResponseItem, RolloutEvent, SandboxPolicy,
    ToolOutput, TurnContext, TurnId,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::outputs::Outlet;
use crate::settings::Settings;
use crate::thread::Services;
pub(crate) use calls::Calls;
pub(crate) use command::completed_item;
pub(crate) use goals::UPDATE_GOAL;

/// All built-in tools in request order (tools sheet §1).
static ALL: &[&dyn Tool] = &[
    &exec_command::ExecCommand,
    &write_stdin::WriteStdin,
    &shell_command::ShellCommand,
    &update_plan::UpdatePlan,
    &goals::GetGoal,
    &goals::CreateGoal,
    &goals::UpdateGoal,
    &request_user_input::RequestUserInput,
    &apply_patch::ApplyPatch,
    &view_image::ViewImage,
    &agents::CloseAgent,
    &agents::ResumeAgent,
    &agents::SendInput,
    &agents::SpawnAgent,
    &agents::WaitAgent,
    &tool_search::ToolSearch,
    &web_search::WebSearch,
];

/// What a tool is offered on the ground of.
pub(crate) struct Gate<'a> {
    pub(crate) config: &'a Config,
    pub(crate) model: &'a ModelInfo,
    pub(crate) policy: &'a SandboxPolicy,
    /// The thread can have a goal.
    pub(crate) goals: bool,
    /// Whether the thread can have agents, and how their tools are offered.
    pub(crate) agents: AgentTools,
}

/// How the agent tools are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentTools {
    /// Not at all.
    Off,
    /// In the list.
    Listed,
    /// Found by `tool_search`.
    Deferred,
}

/// Tools that belong together; calls name it beside the tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Namespace {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

/// A future that borrows the tool and its surroundings.
pub(crate) type Run<'a> = Pin<Box<dyn Future<Output = Result<Done, Refusal>> + Send + 'a>>;

/// A tool the model may call.
pub(crate) trait Tool: Send + Sync {
    /// Its name on the wire.
    fn name(&self) -> &'static str;
    /// The namespace it is called in, if it is in one.
    fn namespace(&self) -> Option<&'static Namespace> {
        None
    }
    /// Its specification in wire form, or nothing when the gate is closed.
    fn spec(&self, gate: &Gate<'_>) -> Option<Value>;
    /// Whether calls may run beside other such calls; others run alone, in arrival order.
    fn parallel(&self) -> bool {
        false
    }
    /// Answers a call.
    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a>;
    /// What the model reads when the person stopped the turn after so many seconds of this call.
    fn interrupted_text(&self, seconds: f64) -> String {
        interrupted_text(seconds)
    }
}

fn interrupted_text(seconds: f64) -> String {
    format!("aborted by user after {seconds:.1}s")
}

/// What a finished call leaves.
pub(crate) struct Done {
    /// The answer for the model.
    pub(crate) output: Output,
    /// What to announce once the answer is recorded.
    pub(crate) then: Vec<EventKind>,
}

/// An answer for the model.
pub(crate) enum Output {
    /// Of a function or a free-form tool.
    Said(ToolOutput),
    /// Of a search for tools: specifications.
    Found(Vec<Value>),
}

impl From<ToolOutput> for Output {
    fn from(output: ToolOutput) -> Self {
        Self::Said(output)
    }
}

impl From<String> for Done {
    fn from(text: String) -> Self {
        Self { output: Output::Said(ToolOutput::Text(text)), then: Vec::new() }
    }
}

/// Why a call was not carried out, in the words the model reads. No item is shown for it.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl Refusal {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// One call of the model.
#[derive(Debug, Clone)]
pub(crate) struct ToolCall {
    pub(crate) call_id: String,
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) payload: Payload,
}

/// How the model passed its arguments.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// JSON text.
    Function(String),
    /// Free text.
    Custom(String),
    /// What to search tools for, unchecked.
    Search(Value),
}

impl ToolCall {
    /// The call an item makes, if it is one that we answer.
    pub(crate) fn from_item(item: &ResponseItem) -> Option<Self> {
        match item.clone() {
            ResponseItem::FunctionCall { name, namespace, arguments, call_id, .. } => {
                Some(Self { call_id, name, namespace, payload: Payload::Function(arguments) })
            }
            ResponseItem::CustomToolCall { name, input, call_id, .. } => {
                Some(Self { call_id, name, namespace: None, payload: Payload::Custom(input) })
            }
            ResponseItem::ToolSearchCall { call_id: Some(call_id), execution, arguments, .. }
                if execution == "client" =>
            {
                let name = tool_search::NAME.to_owned();
                Some(Self { call_id, name, namespace: None, payload: Payload::Search(arguments) })
            }
            _ => None,
        }
    }

    /// The JSON arguments.
    pub(crate) fn arguments<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        match &self.payload {
            Payload::Function(arguments) => serde_json::from_str(arguments)
                .map_err(|error| Refusal(format!("failed to parse function arguments: {error}"))),
            Payload::Custom(_) | Payload::Search(_) => Err(self.wrong_payload()),
        }
    }

    /// The free text.
    pub(crate) fn input(&self) -> Result<&str, Refusal> {
        match &self.payload {
            Payload::Custom(input) => Ok(input),
            Payload::Function(_) | Payload::Search(_) => Err(self.wrong_payload()),
        }
    }

    fn wrong_payload(&self) -> Refusal {
        Refusal(format!("tool {} invoked with incompatible payload", self.name))
    }
}

/// What a call may use: the thread's services and this turn's settings.
pub(crate) struct TurnScope {
    pub(crate) services: Arc<Services>,
    pub(crate) outlet: Outlet,
    pub(crate) turn_id: TurnId,
    pub(crate) cwd: PathBuf,
    pub(crate) approval_policy: ApprovalPolicy,
    pub(crate) profile: PermissionProfile,
    pub(crate) mode: ModeKind,
    pub(crate) model: Arc<ModelInfo>,
    pub(crate) diff: Arc<crate::turn_diff::TurnDiffTracker>,
    /// Ends with the response that makes the calls. Whatever needs its token count waits for this.
    pub(crate) response_over: CancellationToken,
    pub(crate) settings: Settings,
    /// What the model was sent before it made these calls.
    pub(crate) told: Arc<[ResponseItem]>,
    /// The context it was told.
    pub(crate) baseline: Option<TurnContext>,
}

impl TurnScope {
    /// A path as the model gave it, relative to the turn's folder; `.` and `..` are resolved by name alone.
    pub(crate) fn resolve(&self, path: &str) -> PathBuf {
        PathBase { cwd: self.cwd.clone(), home: None }.resolve(Path::new(path))
    }

    /// What paths in a patch are relative to.
    pub(crate) fn path_base(&self, cwd: &Path) -> PathBase {
        PathBase { cwd: cwd.to_owned(), home: self.services.user_home.clone() }
    }

    fn gate(&self) -> Gate<'_> {
        self.services.gate(&self.settings)
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.services.engine.options.clock.unix_ms()
    }

    pub(crate) async fn announce(&self, kind: EventKind) {
        self.outlet.announce(Some(&self.turn_id), kind).await;
    }

    pub(crate) async fn record_event(&self, event: RolloutEvent) {
        self.outlet.record_event(event).await;
    }
}

/// The tool a call names, if there is one and its gate is open.
pub(crate) fn find(call: &ToolCall, gate: &Gate<'_>) -> Result<&'static dyn Tool, Refusal> {
    ALL.iter()
        .copied()
        .find(|tool| {
            call.namespace.as_deref() == tool.namespace().map(|namespace| namespace.name)
                && tool.name() == call.name
                && tool.spec(gate).is_some()
        })
        .ok_or_else(|| {
            let name = format!("{}{}", call.namespace.as_deref().unwrap_or_default(), call.name);
            Refusal(match call.payload {
                Payload::Function(_) | Payload::Search(_) => format!("unsupported call: {name}"),
                Payload::Custom(_) => format!("unsupported custom tool call: {name}"),
            })
        })
}

/// The `tools` array of a request.
pub(crate) fn specs(gate: &Gate<'_>) -> Vec<Value> {
    let mut specs = Vec::new();
    for tool in ALL {
        let Some(spec) = tool.spec(gate) else { continue };
        match tool.namespace() {
            None => specs.push(spec),
            Some(_) if gate.agents == AgentTools::Deferred => {}
            Some(namespace) => add_to_namespace(&mut specs, namespace, spec),
        }
    }
    specs
}

/// The tools that `tool_search` finds, each in its namespace.
fn deferred(gate: &Gate<'_>) -> Vec<(&'static Namespace, Value)> {
    if gate.agents != AgentTools::Deferred {
        return Vec::new();
    }
    ALL.iter().filter_map(|tool| Some((tool.namespace()?, tool.spec(gate)?))).collect()
}

/// Puts a tool into its namespace, which is made if the list has none of that name.
fn add_to_namespace(specs: &mut Vec<Value>, namespace: &Namespace, spec: Value) {
    let known = specs.iter_mut().find(|held| held["type"] == "namespace" && held["name"] == namespace.name);
    if let Some(tools) = known.and_then(|held| held["tools"].as_array_mut()) {
        tools.push(spec);
        return;
    }
    let Namespace { name, description } = namespace;
    specs.push(json!({"type": "namespace", "name": name, "description": description, "tools": [spec]}));
}

/// A function tool in wire form; `properties` must be in alphabetical order.
fn function(name: &str, description: &str, properties: Value, required: &[&str]) -> Value {
    let mut parameters = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        parameters["required"] = json!(required);
    }
    parameters["additionalProperties"] = json!(false);
    json!({"type": "function", "name": name, "description": description, "strict": false, "parameters": parameters})
}

fn string(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn number(description: &str) -> Value {
    json!({"type": "number", "description": description})
}

fn boolean(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}
