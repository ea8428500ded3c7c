//! Taking prose out of requests and session files.
//!
//! In come request bodies and rollout lines, out come the same with the texts that each side writes in its own
//! words replaced: instructions, tool descriptions, developer messages. What programs parse stays: names, schemas,
//! roles, the number of parts, and the tags a text is wrapped in. Texts without a tag come from the user (config,
//! instruction files) and stay as they are.

use regex::Regex;
use serde_json::{Map, Value, json};

const PROSE: &str = "<prose>";

/// Knows what is prose.
#[derive(Debug)]
pub(crate) struct ProseFilter {
    tag: Regex,
}

impl ProseFilter {
    pub(crate) fn new() -> Result<Self, regex::Error> {
        Ok(Self { tag: Regex::new(r"</?[a-z][a-z_]*(?: [a-z]+)*>")? })
    }

    /// A request body.
    pub(crate) fn request(&self, body: &Value) -> Value {
        let Value::Object(map) = body else { return body.clone() };
        let mut fresh = Map::new();
        for (key, value) in map {
            let value = match key.as_str() {
                "instructions" => json!(PROSE),
                "tools" => without_descriptions(value),
                "input" => match value {
                    Value::Array(items) => items.iter().map(|item| self.item(item)).collect(),
                    other => other.clone(),
                },
                _ => value.clone(),
            };
            fresh.insert(key.clone(), value);
        }
        Value::Object(fresh)
    }

    /// A rollout line.
    pub(crate) fn rollout(&self, line: &Value) -> Value {
        let mut line = line.clone();
        let kind = line.get("type").and_then(Value::as_str).map(str::to_owned);
        let Some(payload) = line.get_mut("payload") else { return line };
        match kind.as_deref() {
            Some("session_meta") => {
                if let Some(text) = payload.pointer_mut("/base_instructions/text") {
                    *text = json!(PROSE);
                }
            }
            Some("response_item") => *payload = self.item(payload),
            _ => {}
        }
        line
    }

    /// One conversation item: developer messages are reduced to their tags.
    fn item(&self, item: &Value) -> Value {
        let role = item.get("role").and_then(Value::as_str);
        let mut item = item.clone();
        if item.get("type").and_then(Value::as_str) == Some("tool_search_output")
            && let Some(tools) = item.get_mut("tools")
        {
            *tools = without_descriptions(tools);
        }
        let wrapped_note =
            |text: &str| text.starts_with("<turn_aborted>") || text.starts_with("<user_action>");
        if let Some(parts) = item.get_mut("content").and_then(Value::as_array_mut) {
            for part in parts {
                if let Some(Value::String(text)) = part.get_mut("text")
                    && (role == Some("developer") || role == Some("user") && wrapped_note(text))
                {
                    *text = self.skeleton(text);
                }
            }
        }
        item
    }

    /// The tags of a text in order, with whatever stands between them left out; the text itself if it has none.
    fn skeleton(&self, text: &str) -> String {
        let tags: Vec<&str> = self.tag.find_iter(text).map(|found| found.as_str()).collect();
        let (Some(first), Some(last)) = (tags.first(), tags.last()) else { return text.to_owned() };
        let name = first.trim_start_matches('<').trim_end_matches('>');
        // The tags inside the wrapper belong to the prose.
        if text.starts_with(first) && last.trim_start_matches("</").trim_end_matches('>') == name {
            format!("{first}{PROSE}{last}")
        } else {
            tags.join(PROSE)
        }
    }
}

/// A tool list without its descriptions, at any depth. A property that is called `description` stays.
fn without_descriptions(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_descriptions).collect(),
        Value::Object(map) => {
            let mut fresh = Map::new();
            for (key, item) in map {
                let item = match item {
                    Value::String(_) if key == "description" => json!(PROSE),
                    other => without_descriptions(other),
                };
                fresh.insert(key.clone(), item);
            }
            Value::Object(fresh)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn developer_messages_keep_tags_and_user_messages_keep_text() {
        let filter = ProseFilter::new().unwrap();
        let body = json!({"model": "m", "instructions": "long", "input": [
            {"type": "message", "role": "developer", "content": [
                {"type": "input_text", "text": "<permissions instructions>\nown words <b>x</b>\n</permissions instructions>"},
                {"type": "input_text", "text": "from the config"}]},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "<environment_context>\n  <cwd>/w</cwd>"}]},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "<turn_aborted>\nown words\n</turn_aborted>"}]}]});
        let filtered = filter.request(&body);
        assert_eq!(filtered["instructions"], PROSE);
        let text = |item: usize, part: usize| filtered["input"][item]["content"][part]["text"].clone();
        assert_eq!(text(0, 0), "<permissions instructions><prose></permissions instructions>");
        assert_eq!(text(0, 1), "from the config");
        assert_eq!(text(1, 0), "<environment_context>\n  <cwd>/w</cwd>");
        assert_eq!(text(2, 0), "<turn_aborted><prose></turn_aborted>");
    }

    #[test]
    fn tools_keep_everything_but_descriptions() {
        let filter = ProseFilter::new().unwrap();
        let body = json!({"tools": [{"name": "f", "description": "d", "parameters": {"properties": {
            "description": {"type": "string", "description": "d"}}}}]});
        assert_eq!(
            filter.request(&body)["tools"],
            json!([{"name": "f", "description": PROSE, "parameters": {"properties": {
                "description": {"type": "string", "description": PROSE}}}}])
        );
    }

    #[test]
    fn rollout_lines_lose_base_instructions_only() {
        let filter = ProseFilter::new().unwrap();
        let line =
            json!({"type": "session_meta", "payload": {"id": "x", "base_instructions": {"text": "long"}}});
        assert_eq!(filter.rollout(&line)["payload"]["base_instructions"]["text"], PROSE);
        let event = json!({"type": "event_msg", "payload": {"type": "agent_message", "message": "hi"}});
        assert_eq!(filter.rollout(&event), event);
    }
}
