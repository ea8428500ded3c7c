//! `request_user_input`: questions with options for the person. Only plan mode may ask, and no front end offers plan
//! mode yet; in default mode the tool is listed and refuses, as in the reference.

use serde_json::{Value, json};

use super::{Gate, Refusal, Run, Tool, ToolCall, TurnScope, function, string};

pub(super) struct RequestUserInput;

impl Tool for RequestUserInput {
    fn name(&self) -> &'static str {
        "request_user_input"
    }

    fn spec(&self, _: &Gate<'_>) -> Option<Value> {
        let option = json!({
            "type": "object",
            "properties": {
                "description": string("What choosing it means."),
                "label": string("The option, in one to five words."),
            },
            "required": ["label", "description"],
            "additionalProperties": false,
        });
        let question = json!({
            "type": "object",
            "properties": {
                "header": string("Heading of a few words."),
                "id": string("Your name for the question, snake_case."),
                "options": {"type": "array", "description": "Two or three options, the recommended one first.", "items": option},
                "question": string("The question, in one sentence."),
            },
            "required": ["id", "header", "question", "options"],
            "additionalProperties": false,
        });
        let properties = json!({
            "questions": {"type": "array", "description": "One to three questions.", "items": question},
        });
        let description = "Asks the user to choose and waits for the answer. Works in Plan mode only.";
        Some(function(self.name(), description, properties, &["questions"]))
    }

    fn run<'a>(&'a self, _: &'a ToolCall, _: &'a TurnScope) -> Run<'a> {
        Box::pin(async { Err(Refusal::new("request_user_input is unavailable in Default mode")) })
    }
}
