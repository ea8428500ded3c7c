//! Short forms: what a script author writes, and the event sequences a provider would stream for it.
//!
//! In comes one short form (`say`, `reason`, `call`, …), out go Responses events. Ids are derived from the
//! turn and the position, so that the same script always streams the same bytes.

use serde_json::{Map, Value, json};

use crate::parse::{At, Mismatch};
use crate::script::{Step, Usage};

/// The keys that name a short form. A step with a `type` is a raw event, whatever else it holds.
const FORMS: &[&str] = &["say", "reason", "call", "custom", "delta_flood", "item", "wire", "pause_ms"];

/// A flood is held in memory as a whole.
const LARGEST_FLOOD: usize = 1_000_000;

/// Reads one element of a turn's `events`.
pub(crate) fn parse_step(at: &At<'_>) -> Result<Step, Mismatch> {
    let table = at.object()?;
    if table.get("type").is_some_and(Value::is_string) {
        return Ok(Step::Event(at.value.clone()));
    }
    let forms: Vec<&str> = FORMS.iter().copied().filter(|form| table.contains_key(*form)).collect();
    let [form] = forms[..] else {
        return Err(at.mismatch(format!(
            "a raw event (a table with a `type`) or exactly one short form ({})",
            FORMS.join(", ")
        )));
    };
    let inner = at.need(form)?;
    match form {
        "say" => {
            at.only(&["say", "phase"])?;
            let phase = at.get("phase")?.map(|phase| phase.string().map(str::to_owned)).transpose()?;
            Ok(Step::Say { text: inner.string()?.to_owned(), phase })
        }
        "reason" => {
            at.only(&["reason", "raw", "encrypted"])?;
            let parts = match inner.value {
                Value::String(text) => vec![text.clone()],
                _ => inner
                    .list()?
                    .iter()
                    .map(|part| part.string().map(str::to_owned))
                    .collect::<Result<_, _>>()?,
            };
            let raw = at.get("raw")?.map(|raw| raw.string().map(str::to_owned)).transpose()?;
            let encrypted = at.get("encrypted")?.map(|blob| blob.string().map(str::to_owned)).transpose()?;
            Ok(Step::Reason { parts, raw, encrypted })
        }
        "call" => {
            at.only(&["call"])?;
            parse_call(&inner)
        }
        "custom" => {
            at.only(&["custom"])?;
            inner.only(&["name", "input", "call_id"])?;
            Ok(Step::Custom {
                name: inner.need("name")?.string()?.to_owned(),
                input: inner.need("input")?.string()?.to_owned(),
                call_id: inner.need("call_id")?.string()?.to_owned(),
            })
        }
        "delta_flood" => {
            at.only(&["delta_flood"])?;
            inner.only(&["count", "text"])?;
            let count = inner.need("count")?;
            let count = usize::try_from(count.number()?)
                .ok()
                .filter(|count| *count <= LARGEST_FLOOD)
                .ok_or_else(|| count.mismatch(format!("at most {LARGEST_FLOOD} deltas")))?;
            Ok(Step::DeltaFlood { count, text: inner.need("text")?.string()?.to_owned() })
        }
        "item" => {
            at.only(&["item"])?;
            inner.need("type")?.string()?;
            Ok(Step::Item(inner.value.clone()))
        }
        "wire" => {
            at.only(&["wire"])?;
            Ok(Step::Wire(inner.string()?.to_owned()))
        }
        _ => {
            at.only(&["pause_ms"])?;
            Ok(Step::Pause(std::time::Duration::from_millis(inner.number()?)))
        }
    }
}

fn parse_call(at: &At<'_>) -> Result<Step, Mismatch> {
    at.only(&["name", "arguments", "call_id", "namespace"])?;
    let arguments = match at.get("arguments")? {
        None => "{}".to_owned(),
        Some(arguments) => match arguments.value {
            Value::String(text) => text.clone(),
            Value::Object(_) => arguments.value.to_string(),
            _ => return Err(arguments.mismatch("a table, or a string that is sent as it is")),
        },
    };
    Ok(Step::Call {
        name: at.need("name")?.string()?.to_owned(),
        arguments,
        call_id: at.need("call_id")?.string()?.to_owned(),
        namespace: at.get("namespace")?.map(|name| name.string().map(str::to_owned)).transpose()?,
    })
}

/// Where in the script a step stands; item ids are made of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) turn: usize,
    pub(crate) step: usize,
}

impl Position {
    fn id(self, prefix: &str) -> String {
        format!("{prefix}_{}_{}", self.turn + 1, self.step + 1)
    }
}

/// The events of one step. Steps without events ([`Step::Wire`], [`Step::Pause`]) give none.
pub(crate) fn expand(step: &Step, at: Position) -> Vec<Value> {
    match step {
        Step::Event(event) => vec![event.clone()],
        Step::Say { text, phase } => say(&pieces(text), phase.as_deref(), at),
        Step::DeltaFlood { count, text } => say(&vec![text.as_str(); *count], None, at),
        Step::Reason { parts, raw, encrypted } => reason(parts, raw.as_deref(), encrypted.as_deref(), at),
        Step::Call { name, arguments, call_id, namespace } => {
            let mut item = Map::new();
            item.insert("type".into(), json!("function_call"));
            item.insert("id".into(), json!(at.id("fc")));
            item.insert("name".into(), json!(name));
            if let Some(namespace) = namespace {
                item.insert("namespace".into(), json!(namespace));
            }
            item.insert("arguments".into(), json!(arguments));
            item.insert("call_id".into(), json!(call_id));
            vec![done(Value::Object(item), at)]
        }
        Step::Custom { name, input, call_id } => vec![done(
            json!({"type": "custom_tool_call", "id": at.id("ctc"), "status": "completed",
                "call_id": call_id, "name": name, "input": input}),
            at,
        )],
        Step::Item(item) => vec![done(item.clone(), at)],
        Step::Wire(_) | Step::Pause(_) => Vec::new(),
    }
}

/// `response.created`, which opens every answer.
pub(crate) fn created(turn: usize) -> Value {
    json!({"type": "response.created", "response": {"id": response_id(turn)}})
}

/// `response.completed` with the usage, which closes every answer.
pub(crate) fn completed(turn: usize, usage: &Usage) -> Value {
    json!({"type": "response.completed", "response": {"id": response_id(turn), "usage": {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }}})
}

fn response_id(turn: usize) -> String {
    format!("resp_{}", turn + 1)
}

fn done(item: Value, at: Position) -> Value {
    json!({"type": "response.output_item.done", "output_index": at.step, "item": item})
}

fn say(deltas: &[&str], phase: Option<&str>, at: Position) -> Vec<Value> {
    let id = at.id("msg");
    let message = |content: Value| {
        let mut item = json!({"type": "message", "id": id, "role": "assistant", "content": content});
        if let (Some(phase), Some(map)) = (phase, item.as_object_mut()) {
            map.insert("phase".into(), json!(phase));
        }
        item
    };
    let mut events = Vec::with_capacity(deltas.len() + 2);
    events.push(json!({"type": "response.output_item.added", "output_index": at.step,
        "item": message(json!([]))}));
    events.extend(deltas.iter().map(|delta| {
        json!({"type": "response.output_text.delta", "item_id": id, "output_index": at.step,
            "content_index": 0, "delta": delta})
    }));
    events.push(done(message(json!([{"type": "output_text", "text": deltas.concat()}])), at));
    events
}

fn reason(parts: &[String], raw: Option<&str>, encrypted: Option<&str>, at: Position) -> Vec<Value> {
    let id = at.id("rs");
    let mut events = vec![json!({"type": "response.output_item.added", "output_index": at.step,
        "item": {"type": "reasoning", "id": id, "summary": []}})];
    for (index, part) in parts.iter().enumerate() {
        events.push(json!({"type": "response.reasoning_summary_part.added", "item_id": id,
            "output_index": at.step, "summary_index": index}));
        events.extend(pieces(part).iter().map(|delta| {
            json!({"type": "response.reasoning_summary_text.delta", "item_id": id,
                "output_index": at.step, "summary_index": index, "delta": delta})
        }));
    }
    let summary: Vec<Value> =
        parts.iter().map(|part| json!({"type": "summary_text", "text": part})).collect();
    let mut item = json!({"type": "reasoning", "id": id, "summary": summary});
    if let Some(map) = item.as_object_mut() {
        if let Some(raw) = raw {
            events.push(json!({"type": "response.reasoning_text.delta", "item_id": id,
                "output_index": at.step, "content_index": 0, "delta": raw}));
            map.insert("content".into(), json!([{"type": "reasoning_text", "text": raw}]));
        }
        if let Some(encrypted) = encrypted {
            map.insert("encrypted_content".into(), json!(encrypted));
        }
    }
    events.push(done(item, at));
    events
}

/// Cuts a text into word-sized deltas, as providers do; blanks stay with the word before them.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '\n']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: Position = Position { turn: 0, step: 2 };

    fn step(value: &Value) -> Step {
        parse_step(&At::new(value, "events[0]")).unwrap()
    }

    fn kinds(events: &[Value]) -> Vec<&str> {
        events.iter().map(|event| event["type"].as_str().unwrap().trim_start_matches("response.")).collect()
    }

    #[test]
    fn say_opens_streams_and_closes_a_message() {
        let events = expand(&step(&json!({"say": "two words", "phase": "commentary"})), AT);
        assert_eq!(
            kinds(&events),
            ["output_item.added", "output_text.delta", "output_text.delta", "output_item.done"]
        );
        assert_eq!(events[3]["item"]["content"][0]["text"], "two words");
        assert_eq!(events[3]["item"]["phase"], "commentary");
        assert_eq!(events[3]["item"]["id"], "msg_1_3");
    }

    #[test]
    fn a_type_makes_a_raw_event() {
        let raw = json!({"type": "response.output_item.added", "item": {"type": "message"}});
        assert_eq!(step(&raw), Step::Event(raw));
    }

    #[test]
    fn calls_take_tables_or_raw_strings() {
        let table =
            expand(&step(&json!({"call": {"name": "f", "arguments": {"b": 1, "a": 2}, "call_id": "c"}})), AT);
        assert_eq!(table[0]["item"]["arguments"], "{\"b\":1,\"a\":2}");
        assert!(table[0]["item"].get("namespace").is_none());
        let raw = expand(
            &step(&json!({"call": {"name": "f", "arguments": "{oops", "call_id": "c", "namespace": "n"}})),
            AT,
        );
        assert_eq!(raw[0]["item"]["arguments"], "{oops");
        assert_eq!(raw[0]["item"]["namespace"], "n");
    }

    #[test]
    fn reason_streams_each_part() {
        let events = expand(&step(&json!({"reason": ["a", "b c"], "raw": "r", "encrypted": "E"})), AT);
        assert_eq!(
            kinds(&events),
            [
                "output_item.added",
                "reasoning_summary_part.added",
                "reasoning_summary_text.delta",
                "reasoning_summary_part.added",
                "reasoning_summary_text.delta",
                "reasoning_summary_text.delta",
                "reasoning_text.delta",
                "output_item.done",
            ]
        );
        assert_eq!(events[7]["item"]["encrypted_content"], "E");
    }

    #[test]
    fn floods_end_with_the_whole_text() {
        let events = expand(&step(&json!({"delta_flood": {"count": 3, "text": "ab"}})), AT);
        assert_eq!(events.len(), 5);
        assert_eq!(events[4]["item"]["content"][0]["text"], "ababab");
    }

    #[test]
    fn bad_steps_say_what_was_expected() {
        let cases = [
            (json!("x"), "events[0]", "a table"),
            (json!({"sya": "x"}), "events[0]", "short form"),
            (json!({"say": "x", "call": {}}), "events[0]", "exactly one short form"),
            (json!({"say": 1}), "events[0].say", "a string"),
            (json!({"call": {"name": "f"}}), "events[0].call", "`call_id`"),
            (
                json!({"call": {"name": "f", "call_id": "c", "arguments": 3}}),
                "events[0].call.arguments",
                "a table",
            ),
            (
                json!({"delta_flood": {"count": -1, "text": "x"}}),
                "events[0].delta_flood.count",
                "whole number",
            ),
        ];
        for (value, place, expected) in cases {
            let mismatch = parse_step(&At::new(&value, "events[0]")).unwrap_err();
            assert_eq!(mismatch.place, place, "{value}");
            assert!(mismatch.expected.contains(expected), "{value}: {}", mismatch.expected);
        }
    }

    proptest! {
        #[test]
        fn deltas_add_up_to_the_text(text in any::<String>()) {
            prop_assert_eq!(pieces(&text).concat(), text);
        }
    }
}
