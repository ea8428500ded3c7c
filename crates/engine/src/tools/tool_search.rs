//! `tool_search`: finds tools that are not in the request's list (tools sheet §8).
//!
//! What is found is told in the answer and nowhere else; the provider takes it from there. Ranking is BM25 over names,
//! descriptions and parameters. What a newcomer would get wrong: a tool can be called without having been searched for.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    AgentTools, Done, Gate, Output, Payload, Refusal, Run, Tool, ToolCall, TurnScope, add_to_namespace,
    deferred, number, string,
};

pub(super) struct ToolSearch;

pub(super) const NAME: &str = "tool_search";

/// Tools told unless the model wants another number.
const DEFAULT_LIMIT: usize = 8;

/// How fast a word that is said again loses weight, and how much a long text is held against a tool.
const SATURATION: f64 = 1.2;
const LENGTH_WEIGHT: f64 = 0.75;

/// Words that say nothing of what a tool is for.
const FILLERS: [&str; 18] = [
    "a", "an", "and", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "the", "to", "when",
    "with", "you",
];

#[derive(Deserialize)]
struct Arguments {
    query: String,
    #[serde(default)]
    limit: Option<usize>,
}

impl Tool for ToolSearch {
    fn name(&self) -> &'static str {
        NAME
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        if gate.agents != AgentTools::Deferred {
            return None;
        }
        let mut sources: Vec<String> = deferred(gate)
            .iter()
            .map(|(namespace, _)| format!("- {}: {}", namespace.name, namespace.description))
            .collect();
        sources.dedup();
        let description = format!(
            "Finds tools that you have but that are not listed here. They are about:\n{}",
            sources.join("\n")
        );
        let parameters = json!({
            "type": "object",
            "properties": {
                "limit": number("How many tools at most; 8 unless given."),
                "query": string("Words for what you want to do."),
            },
            "required": ["query"],
            "additionalProperties": false,
        });
        Some(json!({
            "type": NAME, "execution": "client", "description": description, "parameters": parameters,
        }))
    }

    fn parallel(&self) -> bool {
        true
    }

    fn run<'a>(&'a self, call: &'a ToolCall, turn: &'a TurnScope) -> Run<'a> {
        Box::pin(async move {
            let Payload::Search(arguments) = &call.payload else { return Err(call.wrong_payload()) };
            let Arguments { query, limit } = serde_json::from_value(arguments.clone())
                .map_err(|error| Refusal(format!("failed to parse search arguments: {error}")))?;
            let tools = deferred(&turn.gate());
            let specs: Vec<&Value> = tools.iter().map(|(_, spec)| spec).collect();
            let mut found = Vec::new();
            for at in rank(&query, &specs).into_iter().take(limit.unwrap_or(DEFAULT_LIMIT)) {
                let (namespace, spec) = &tools[at];
                add_to_namespace(&mut found, namespace, marked_as_deferred(spec));
            }
            Ok(Done { output: Output::Found(found), then: Vec::new() })
        })
    }
}

/// The specification with the mark that it was not listed, in the reference's place.
fn marked_as_deferred(spec: &Value) -> Value {
    let mut marked = Map::new();
    for (key, value) in spec.as_object().into_iter().flatten() {
        if key == "parameters" {
            marked.insert("defer_loading".to_owned(), json!(true));
        }
        marked.insert(key.clone(), value.clone());
    }
    Value::Object(marked)
}

/// The tools that fit a query, best first.
fn rank(query: &str, specs: &[&Value]) -> Vec<usize> {
    let texts: Vec<Vec<String>> = specs.iter().map(|spec| words(&searchable(spec))).collect();
    let count = texts.len() as f64;
    let mean = texts.iter().map(Vec::len).sum::<usize>() as f64 / count.max(1.0);
    let mut holders: HashMap<&str, f64> = HashMap::new();
    for text in &texts {
        let distinct: std::collections::HashSet<&str> = text.iter().map(String::as_str).collect();
        for word in distinct {
            *holders.entry(word).or_default() += 1.0;
        }
    }
    let query = words(query);
    let score = |text: &Vec<String>| -> f64 {
        let weight = SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * text.len() as f64 / mean);
        let one = |word: &String| {
            let said = text.iter().filter(|held| *held == word).count() as f64;
            let holders = holders.get(word.as_str()).copied().unwrap_or(0.0);
            let rarity = (1.0 + (count - holders + 0.5) / (holders + 0.5)).ln();
            rarity * said * (SATURATION + 1.0) / (said + weight)
        };
        query.iter().map(one).sum()
    };
    let mut ranked: Vec<(usize, f64)> =
        texts.iter().map(score).enumerate().filter(|(_, score)| *score > 0.0).collect();
    ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    ranked.into_iter().map(|(at, _)| at).collect()
}

/// All words of a tool: name, description, names and descriptions of its parameters.
fn searchable(spec: &Value) -> String {
    let mut text = String::new();
    let mut add = |value: &Value| {
        text.push_str(value.as_str().unwrap_or_default());
        text.push(' ');
    };
    add(&spec["name"]);
    add(&spec["description"]);
    for (name, parameter) in spec["parameters"]["properties"].as_object().into_iter().flatten() {
        add(&json!(name));
        add(&parameter["description"]);
    }
    text
}

/// Words in small letters, without fillers and without the `s` of a plural.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !FILLERS.contains(&word.as_str()))
        .map(|word| match word.strip_suffix('s') {
            Some(one) if one.len() > 2 && !one.ends_with('s') => one.to_owned(),
            _ => word,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, description: &str, parameter: &str) -> Value {
        json!({"type": "function", "name": name, "description": description, "strict": false,
            "parameters": {"type": "object", "properties": {parameter: {"type": "string", "description": ""}}}})
    }

    fn found(query: &str) -> Vec<usize> {
        let tools = [
            tool("spawn_agent", "Starts an agent", "message"),
            tool("wait_agent", "Waits for agents", "timeout_ms"),
            tool("send_mail", "Sends a letter for the user to the office", "address"),
        ];
        rank(query, &tools.iter().collect::<Vec<_>>())
    }

    #[test]
    fn rare_words_decide() {
        assert_eq!(found("wait for an agent"), [1, 0]);
        assert_eq!(found("Spawn agents"), [0, 1]);
        assert_eq!(found("address"), [2]);
        assert_eq!(found("zebra"), [0; 0]);
        assert_eq!(found(""), [0; 0]);
        assert_eq!(found("for the"), [0; 0]);
    }

    #[test]
    fn the_mark_stands_before_the_parameters() {
        let marked = marked_as_deferred(&tool("t", "d", "p"));
        let keys: Vec<_> = marked.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["type", "name", "description", "strict", "defer_loading", "parameters"]);
    }
}
