//! `web_search`: run by the provider; we only offer it and show what came of it (tools sheet §9).

use quire_config::WebSearchMode;
use quire_models::WebSearchTool;
use serde_json::{Map, Value, json};

use super::{Gate, Refusal, Run, Tool, ToolCall, TurnScope};

pub(super) struct WebSearch;

impl Tool for WebSearch {
    fn name(&self) -> &'static str {
        "web_search"
    }

    fn spec(&self, gate: &Gate<'_>) -> Option<Value> {
        let live = match gate.config.web_search_mode_under(gate.policy) {
            WebSearchMode::Disabled => return None,
            WebSearchMode::Cached => false,
            WebSearchMode::Live => true,
        };
        let mut spec = Map::new();
        spec.insert("type".to_owned(), json!("web_search"));
        spec.insert("external_web_access".to_owned(), json!(live));
        let settings = &gate.config.web_search_settings;
        if let Some(domains) = &settings.allowed_domains {
            spec.insert("filters".to_owned(), json!({"allowed_domains": domains}));
        }
        if let Some(location) = &settings.location {
            let mut place = Map::new();
            place.insert("type".to_owned(), json!("approximate"));
            let parts = [
                ("country", &location.country),
                ("region", &location.region),
                ("city", &location.city),
                ("timezone", &location.timezone),
            ];
            for (key, value) in parts {
                if let Some(value) = value {
                    place.insert(key.to_owned(), json!(value));
                }
            }
            spec.insert("user_location".to_owned(), Value::Object(place));
        }
        if let Some(size) = &settings.context_size {
            spec.insert("search_context_size".to_owned(), json!(size));
        }
        if gate.model.web_search_tool_type == WebSearchTool::TextAndImage {
            spec.insert("search_content_types".to_owned(), json!(["text", "image"]));
        }
        Some(Value::Object(spec))
    }

    fn run<'a>(&'a self, call: &'a ToolCall, _: &'a TurnScope) -> Run<'a> {
        Box::pin(async move { Err(Refusal(format!("unsupported call: {}", call.name))) })
    }
}
