//! What people and editors are told about keys.

use std::collections::BTreeSet;

use quire_config::explain::{all_keys, explain, schema_json, suggest};
use serde_json::{Value, json};

#[test]
fn a_key_in_words() {
    let doc = explain("web_search").unwrap();
    assert_eq!((doc.path.as_str(), doc.kind.as_str()), ("web_search", "string"));
    let values: Vec<_> = doc.allowed.iter().map(|allowed| allowed.value.as_str()).collect();
    assert_eq!(values, ["disabled", "cached", "live"]);
    assert_eq!(doc.default, Some(json!("cached")));
    assert!(doc.description.ends_with('.'));
    assert!(!doc.deprecated);

    for (key, path, kind, default) in [
        ("model_providers.x.base_url", "model_providers.<id>.base_url", "string", None),
        ("model_providers.<id>.base_url", "model_providers.<id>.base_url", "string", None),
        ("projects.\"/a.b\".trust_level", "projects.<id>.trust_level", "string", None),
        ("skills.config.0.path", "skills.config.path", "string", None),
        ("skills.config.path", "skills.config.path", "string", None),
        ("hooks.Stop.hooks", "hooks.Stop.hooks", "list of tables", Some(json!([]))),
        ("notify", "notify", "list of strings", None),
        ("forced_chatgpt_workspace_id", "forced_chatgpt_workspace_id", "string or list of strings", None),
        ("approval_policy", "approval_policy", "string or table", None),
        ("approval_policy.granular.rules", "approval_policy.granular.rules", "boolean", None),
        ("allow_login_shell", "allow_login_shell", "boolean", Some(json!(true))),
        ("project_root_markers", "project_root_markers", "list of strings", Some(json!([".git"]))),
        ("tui", "tui", "table", None),
        ("tui.notifications", "tui.notifications", "boolean or list of strings", Some(json!(true))),
        ("tui.keymap.list.accept", "tui.keymap.list.accept", "string or list of strings", None),
        ("mcp_servers.db.startup_timeout_sec", "mcp_servers.<id>.startup_timeout_sec", "number", None),
        ("agents.reviewer.description", "agents.<id>.description", "string", None),
        ("features.goals", "features.goals", "boolean", Some(json!(true))),
        ("features.multi_agent_v2.tool_namespace", "features.multi_agent_v2.tool_namespace", "string", None),
        ("permissions.p.network.domains", "permissions.<id>.network.domains", "table", None),
        ("permissions.p.filesystem.\"/x\"", "permissions.<id>.filesystem.<id>", "string or table", None),
        ("otel.exporter.otlp-http.protocol", "otel.exporter.otlp-http.protocol", "string", None),
    ] {
        let doc = explain(key).unwrap_or_else(|| panic!("{key}"));
        assert_eq!((doc.path.as_str(), doc.kind.as_str(), doc.default), (path, kind, default), "{key}");
    }
}

#[test]
fn old_names_lead_to_new_ones() {
    for (old, new) in [
        ("features.collab", "features.multi_agent"),
        ("memories.no_memories_if_mcp_or_web_search", "memories.disable_on_external_context"),
        ("experimental_use_unified_exec_tool", "features.unified_exec"),
    ] {
        let doc = explain(old).unwrap();
        assert_eq!((doc.instead.as_deref(), doc.path.as_str(), doc.deprecated), (Some(new), new, true));
    }
    assert!(explain("ghost_snapshot").unwrap().deprecated);
}

#[test]
fn unknown_keys_are_not_explained_but_guessed() {
    for (key, guess) in [
        ("modle", Some("model")),
        ("model_provder", Some("model_provider")),
        ("tui.them", Some("tui.theme")),
        ("model_providers.x.baseurl", Some("model_providers.<id>.base_url")),
        ("theme", Some("tui.theme")),
        ("qqqqqq", None),
        ("", None),
        ("a..b", None),
        ("\"a", None),
    ] {
        assert_eq!(explain(key), None, "{key}");
        assert_eq!(suggest(key).first().map(String::as_str), guess, "{key}: {:?}", suggest(key));
    }
}

/// One definition per key, and none without a sentence.
#[test]
fn every_key_is_explained() {
    let keys = all_keys();
    assert!(keys.len() > 450, "{}", keys.len());
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "a key is listed twice");
    for key in &keys {
        let doc = explain(key).unwrap_or_else(|| panic!("{key}"));
        assert_ne!(doc.kind, "", "{key}");
        let sentence = doc.description.trim_end_matches(')').ends_with(['.', 'd', 'e', 'l', 't']);
        assert!(sentence && !doc.description.is_empty(), "{key}: {:?}", doc.description);
    }
    let matrix: Value = serde_json::from_str(include_str!("../data/key-matrix.json")).unwrap();
    for key in matrix.as_object().unwrap().keys() {
        assert!(keys.contains(key), "{key}");
    }
}

#[test]
fn the_schema_is_one_editors_understand() {
    let schema = schema_json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["title"], "config.toml");
    fn walk(value: &Value, schema: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    let pointer = target.strip_prefix('#').unwrap();
                    assert!(schema.pointer(pointer).is_some(), "{target} leads nowhere");
                }
                assert_ne!(members.get("type"), Some(&json!("null")));
                members.values().for_each(|member| walk(member, schema));
            }
            Value::Array(elements) => elements.iter().for_each(|element| walk(element, schema)),
            _ => {}
        }
    }
    walk(schema, schema);
}
