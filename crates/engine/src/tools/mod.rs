//! The built-in tools: one file each, with its spec, its arguments, its run and its output format (tools sheet).
//! Registering a tool is one line in [`ALL`], whose order is the order of the request.

mod apply_patch;
mod calls;
mod command;
mod exec_command;
mod goals;
mod request_user_input;
mod shell_command;
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
    ToolOutput, TurnId,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::outputs::Outlet;
use crate::thread::Services;
pub(crate) use calls::Calls;
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
    &web_search::WebSearch,
];

/// What a tool is offered on the ground of.
pub(crate) struct Gate<'a> {
    pub(crate) config: &'a Config,
    pub(crate) model: &'a ModelInfo,
    pub(crate) policy: &'a SandboxPolicy,
    /// The thread can have a goal.
    pub(crate) goals: bool,
}

/// A future that borrows the tool and its surroundings.
pub(crate) type Run<'a> = Pin<Box<dyn Future<Output = Result<Done, Refusal>> + Send + 'a>>;

/// A tool the model may call.
pub(crate) trait Tool: Send + Sync {
    /// Its name on the wire.
    fn name(&self) -> &'static str;
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
    pub(crate) output: ToolOutput,
    /// What to announce once the answer is recorded.
    pub(crate) then: Vec<EventKind>,
}

impl From<String> for Done {
    fn from(text: String) -> Self {
        Self { output: ToolOutput::Text(text), then: Vec::new() }
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
            _ => None,
        }
    }

    /// The JSON arguments.
    pub(crate) fn arguments<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        match &self.payload {
            Payload::Function(arguments) => serde_json::from_str(arguments)
                .map_err(|error| Refusal(format!("failed to parse function arguments: {error}"))),
            Payload::Custom(_) => Err(self.wrong_payload()),
        }
    }

    /// The free text.
    pub(crate) fn input(&self) -> Result<&str, Refusal> {
        match &self.payload {
            Payload::Custom(input) => Ok(input),
            Payload::Function(_) => Err(self.wrong_payload()),
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
        .find(|tool| call.namespace.is_none() && tool.name() == call.name && tool.spec(gate).is_some())
        .ok_or_else(|| {
            let name = format!("{}{}", call.namespace.as_deref().unwrap_or_default(), call.name);
            Refusal(match call.payload {
                Payload::Function(_) => format!("unsupported call: {name}"),
                Payload::Custom(_) => format!("unsupported custom tool call: {name}"),
            })
        })
}

/// The `tools` array of a request.
pub(crate) fn specs(gate: &Gate<'_>) -> Vec<Value> {
    ALL.iter().filter_map(|tool| tool.spec(gate)).collect()
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
