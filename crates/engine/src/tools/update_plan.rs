//! `update_plan`: the model keeps a checklist that the person sees.

use quire_protocol::{EventKind, ModeKind, PlanStep};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, Gate, Refusal, Run, Tool, ToolCall, TurnScope, function, string};

pub(super) struct UpdatePlan;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    #[serde(default)]
    explanation: Option<String>,
    plan: Vec<PlanStep>,
}

impl Tool for UpdatePlan {
    fn name(&self) -> &'static str {
        "update_plan"
    }

    fn spec(&self, _: &Gate<'_>) -> Option<Value> {
        let step = json!({
            "type": "object",
            "properties": {
                "status": {"type": "string", "description": "State of the step.", "enum": ["pending", "in_progress", "completed"]},
                "step": string("What is to be done, in a few words."),
            },
            "required": ["step", "status"],
            "additionalProperties": false,
        });
        let properties = json!({
            "explanation": string("Why the plan changed, if that needs saying."),
            "plan": {"type": "array", "description": "All steps in order.", "items": step},
        });
        let description =
            "Sets the checklist the user sees. Send every step each time; keep one step in progress.";
        Some(function(self.name(), description, properties, &["plan"]))
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            if turn.mode == ModeKind::Plan {
                return Err(Refusal::new(
                    "update_plan is a TODO/checklist tool and is not allowed in Plan mode",
                ));
            }
            let Arguments { explanation, plan } = call.arguments()?;
            turn.announce(EventKind::PlanUpdated { explanation, plan }).await;
            Ok(Done::from("Plan updated".to_owned()))
        })
    }
}
