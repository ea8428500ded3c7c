//! `get_goal`, `create_goal`, `update_goal`: the model reads, sets and ends the thread's goal (tools sheet §6). What a
//! goal *does* is in [`crate::goals`].

use quire_protocol::{Goal, GoalStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Done, Gate, Refusal, Run, Tool, ToolCall, TurnScope, function, string};
use crate::goals::{self, GoalError, Goals};
use crate::prompts;

pub(super) struct GetGoal;
pub(super) struct CreateGoal;
pub(super) struct UpdateGoal;

#[derive(Deserialize)]
struct Wanted {
    objective: String,
    #[serde(default)]
    token_budget: Option<i64>,
}

#[derive(Deserialize)]
struct Update {
    status: GoalStatus,
}

/// What every goal tool answers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    goal: Option<&'a Goal>,
    remaining_tokens: Option<u64>,
    completion_budget_report: Option<&'static str>,
}

impl Tool for GetGoal {
    fn name(&self) -> &'static str {
        "get_goal"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let description = "Tells the goal of this thread, how it stands and what it has cost.";
        gate.goals.then(|| {
            let mut spec = function(self.name(), description, json!({}), &[]);
            spec["parameters"] =
                json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
            spec
        })
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move { report(call_goals(call, turn)?.get().as_ref(), None) })
    }
}

impl Tool for CreateGoal {
    fn name(&self) -> &'static str {
        "create_goal"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let properties = json!({
            "objective": string("What is to be reached, complete enough to be worked on without the user."),
            "token_budget": {"type": "integer", "description": "Tokens it may cost. Only if the user gave a limit."},
        });
        let description = "Gives this thread a goal, which it then pursues over many turns without being asked. \
            Only when the user wants that; an ordinary task needs no goal. A thread takes one goal.";
        gate.goals.then(|| function(self.name(), description, properties, &["objective"]))
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let goals = call_goals(call, turn)?;
            let Wanted { objective, token_budget } = call.arguments()?;
            turn.response_over.cancelled().await;
            let goal = goals.create(&objective, token_budget, turn.now_ms()).map_err(refused)?;
            goals::tell(&turn.outlet, &turn.turn_id, goal.clone()).await;
            report(Some(&goal), None)
        })
    }
}

impl Tool for UpdateGoal {
    fn name(&self) -> &'static str {
        UPDATE_GOAL
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let status = json!({
            "type": "string",
            "description": "complete: reached, and you checked it. blocked: you cannot go on without the user.",
            "enum": ["complete", "blocked"],
        });
        let description = "Ends the pursuit of this thread's goal.";
        gate.goals.then(|| function(self.name(), description, json!({"status": status}), &["status"]))
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let goals = call_goals(call, turn)?;
            let Update { status } = call.arguments()?;
            if !matches!(status, GoalStatus::Complete | GoalStatus::Blocked) {
                return Err(refused(GoalError::NotForTheModel));
            }
            turn.response_over.cancelled().await;
            if let Some(charged) = goals.charge(turn.now_ms()) {
                goals::tell(&turn.outlet, &turn.turn_id, charged).await;
            }
            let goal = goals.set_status(status, turn.now_ms()).map_err(refused)?;
            goals::tell(&turn.outlet, &turn.turn_id, goal.clone()).await;
            let has_cost = goal.token_budget.is_some() || goal.time_used_seconds > 0;
            let reached = goal.status == GoalStatus::Complete && has_cost;
            report(Some(&goal), reached.then_some(prompts::GOAL_REACHED))
        })
    }
}

/// The tool that charges the goal itself.
pub(crate) const UPDATE_GOAL: &str = "update_goal";

/// The thread's goals; a thread without them does not offer these tools.
fn call_goals<'a>(call: &ToolCall, turn: &'a TurnScope) -> Result<&'a Goals, Refusal> {
    turn.services.goals.as_ref().ok_or_else(|| Refusal(format!("unsupported call: {}", call.name)))
}

fn refused(error: GoalError) -> Refusal {
    Refusal(error.to_string())
}

fn report(goal: Option<&Goal>, completion_budget_report: Option<&'static str>) -> Result<Done, Refusal> {
    let remaining_tokens = goal.and_then(Goal::remaining_tokens);
    serde_json::to_string_pretty(&Report { goal, remaining_tokens, completion_budget_report })
        .map(Done::from)
        .map_err(|error| Refusal(format!("the goal cannot be told: {error}")))
}
