//! What the keys of config.toml mean: a JSON Schema for editors, and one key at a time for people.
//!
//! Both come from the types in [`schema`](crate::schema): a key's doc comment is its description, its type its check. What
//! a newcomer would get wrong: TOML has no null. The types' own schemas allow it, since the app-server shows unset keys
//! that way; here it is taken out.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::features::Feature;
use crate::schema::ConfigToml;

/// How a name that people choose is written in the path of a key.
const ANY_NAME: &str = "<name>";

/// No table of ours is nested deeper; a schema that contains itself ends here.
const DEEPEST: usize = 8;

/// Suggestions for a key nobody knows.
const NEAREST: usize = 3;

/// Names less alike than this are no suggestion.
const ALIKE: f64 = 0.75;

/// What there is to know about a key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyDoc {
    /// The key, with `<name>` where people choose names.
    pub path: String,
    /// What it does.
    pub description: String,
    /// What it holds, in words.
    pub kind: String,
    /// The values it may have, each with what it means; empty when there is no such list.
    pub values: Vec<(String, String)>,
    /// What counts when it is not set, where that is one value.
    pub default: Option<Value>,
    /// Keys below it, each with what it does.
    pub members: Vec<(String, String)>,
}

/// No such key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no config key `{key}`{}", or_rather(nearest))]
pub struct UnknownKey {
    /// The key that was asked for.
    pub key: String,
    /// Keys that look like it, the likest first.
    pub nearest: Vec<String>,
}

fn or_rather(nearest: &[String]) -> String {
    match nearest {
        [] => String::new(),
        names => format!(". Did you mean `{}`?", names.join("`, `")),
    }
}

/// The JSON Schema (draft 2020-12) of config.toml.
pub fn schema_json() -> Value {
    let mut schema = schemars::schema_for!(ConfigToml).to_value();
    without_null(&mut schema);
    if let Value::Object(members) = &mut schema {
        members.insert("title".to_owned(), json!("config.toml of Quire, and of Codex CLI 0.136.0"));
        members.insert("description".to_owned(), json!("Unknown keys are tolerated, and told about."));
    }
    schema
}

/// Takes null out of a schema, and notes that only concern other readers.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(elements) => elements.iter_mut().for_each(without_null),
        Value::Object(members) => {
            members.remove("writeOnly");
            if members.get("default").is_some_and(Value::is_null) {
                members.remove("default");
            }
            if let Some(Value::Object(default)) = members.get_mut("default") {
                default.retain(|_, value| !value.is_null());
            }
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = &types[..] {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            for key in ["anyOf", "oneOf"] {
                let Some(Value::Array(forms)) = members.get_mut(key) else { continue };
                forms.retain(|form| form["type"] != "null");
                if let [Value::Object(only)] = &forms[..] {
                    let only = only.clone();
                    members.remove(key);
                    for (name, value) in only {
                        members.entry(name).or_insert(value);
                    }
                }
            }
            describe_form(members);
            members.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

/// One form of a value that has several: the key that makes the choice says what the form is.
fn describe_form(form: &mut Map<String, Value>) {
    let description = form.get("description").cloned();
    let Some(Value::Object(properties)) = form.get_mut("properties") else { return };
    if let Some(tag) = properties.get_mut("type").filter(|tag| tag.get("const").is_some()) {
        tag["description"] = json!("Which form this is; the other keys depend on it.");
    }
    if properties.len() == 1
        && let (Some(description), Some((_, Value::Object(only)))) =
            (description, properties.iter_mut().next())
    {
        only.entry("description").or_insert(description);
    }
}

/// What a key means. `path` are its parts, from the root.
pub fn explain(path: &[String]) -> Result<KeyDoc, UnknownKey> {
    if let Some(new) = new_name(path) {
        let mut doc = explain(&new)?;
        doc.description = format!("Old name of `{}`. {}", doc.path, doc.description);
        return Ok(doc);
    }
    let schema = schema_json();
    let root = Node { schema: &schema, root: &schema };
    let mut node = root;
    let mut shown = Vec::new();
    // A name that people choose has no text of its own; what holds it has.
    let mut description = String::new();
    for part in path {
        let Some((name, next)) = node.member(part) else {
            return Err(UnknownKey { key: path.join("."), nearest: nearest(root, &path.join(".")) });
        };
        shown.push(name);
        node = next;
        description = Some(node.description()).filter(|text| !text.is_empty()).unwrap_or(description);
    }
    Ok(KeyDoc {
        path: shown.join("."),
        description,
        kind: node.kind(),
        values: node.values(),
        default: node.find("default").cloned(),
        members: node.members().map(|(name, member)| (name, member.description())).collect(),
    })
}

/// The key that took the place of an old spelling.
fn new_name(path: &[String]) -> Option<Vec<String>> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let new = match path[..] {
        ["features", name] => {
            let key = Feature::from_name(name)?.key();
            (key != name).then_some(["features", key])?
        }
        ["experimental_use_unified_exec_tool"] => ["features", "unified_exec"],
        ["memories", "no_memories_if_mcp_or_web_search"] => ["memories", "disable_on_external_context"],
        _ => return None,
    };
    Some(new.map(str::to_owned).to_vec())
}

/// Keys that look like one, the likest first.
fn nearest(root: Node<'_>, key: &str) -> Vec<String> {
    let mut paths = Vec::new();
    collect(root, "", 0, &mut paths);
    let mut alike: Vec<_> = paths
        .into_iter()
        .map(|path| {
            let last = |text: &str| text.rsplit('.').next().unwrap_or_default().to_owned();
            // The whole path counts, and its last part alone: people often know no more.
            let likeness =
                strsim::jaro_winkler(&path, key).max(strsim::jaro_winkler(&last(&path), key) * 0.95);
            (likeness, path)
        })
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|(one, first), (other, second)| other.total_cmp(one).then_with(|| first.cmp(second)));
    alike.into_iter().take(NEAREST).map(|(_, path)| path).collect()
}

fn collect(node: Node<'_>, before: &str, depth: usize, paths: &mut Vec<String>) {
    if depth == DEEPEST {
        return;
    }
    for (name, member) in node.members() {
        let path = if before.is_empty() { name } else { format!("{before}.{name}") };
        collect(member, &path, depth + 1, paths);
        paths.push(path);
    }
}

/// A place in the schema.
#[derive(Clone, Copy)]
struct Node<'a> {
    schema: &'a Value,
    root: &'a Value,
}

impl<'a> Node<'a> {
    fn at(self, schema: &'a Value) -> Self {
        Self { schema, ..self }
    }

    /// The definition it refers to; itself if it stands for itself.
    fn target(self) -> &'a Value {
        let name = self.schema["$ref"].as_str().and_then(|text| text.strip_prefix("#/$defs/"));
        name.map_or(self.schema, |name| &self.root["$defs"][name])
    }

    /// What it says of itself, else what its definition says.
    fn find(self, keyword: &str) -> Option<&'a Value> {
        self.schema.get(keyword).or_else(|| self.target().get(keyword))
    }

    /// Its definition, and the forms it may take instead of one, and theirs.
    fn forms(self) -> Vec<Self> {
        let target = self.target();
        let below = ["anyOf", "oneOf"].into_iter().filter_map(|key| target.get(key)?.as_array()).flatten();
        let mut forms = vec![self.at(target)];
        forms.extend(below.flat_map(|form| self.at(form).forms()));
        forms
    }

    fn description(self) -> String {
        self.find("description").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// The keys below it. Names that people choose come last.
    fn members(self) -> impl Iterator<Item = (String, Self)> {
        let named = self.forms().into_iter().filter_map(|form| form.schema["properties"].as_object());
        let named = named.flat_map(Map::iter).map(move |(name, schema)| (name.clone(), self.at(schema)));
        // Several forms may share a key; the first describes it.
        let mut seen = HashSet::new();
        let named = named.filter(move |(name, _)| seen.insert(name.clone()));
        let chosen = self.forms().into_iter().filter_map(|form| form.schema.get("additionalProperties"));
        let chosen = chosen.filter(|schema| schema.is_object());
        let listed = self
            .forms()
            .into_iter()
            .filter_map(|form| form.schema["items"].get("$ref").and(form.schema.get("items")));
        named
            .chain(chosen.map(move |schema| (ANY_NAME.to_owned(), self.at(schema))))
            .chain(listed.map(move |schema| ("<index>".to_owned(), self.at(schema))))
    }

    /// The key below it of that name, and how its path shows it. An element of a list is found by its number.
    fn member(self, name: &str) -> Option<(String, Self)> {
        let numbered = name.parse::<usize>().is_ok();
        self.members().find(|(member, _)| match member.as_str() {
            ANY_NAME => true,
            "<index>" => numbered || name == "<index>",
            fixed => fixed == name,
        })
    }

    /// What it holds, in words.
    fn kind(self) -> String {
        let mut kinds: Vec<String> = Vec::new();
        for form in self.forms() {
            let kind = match form.schema["type"].as_str() {
                _ if form.schema.get("const").is_some() || form.schema.get("enum").is_some() => {
                    "one of the values below"
                }
                Some("boolean") => "true or false",
                Some("integer") => "whole number",
                Some("number") => "number",
                Some("string") => "text",
                Some("array") => &self.list_of(form),
                Some("object") => "table",
                _ => continue,
            };
            if !kinds.iter().any(|known| known == kind) {
                kinds.push(kind.to_owned());
            }
        }
        if kinds.is_empty() { "any value".to_owned() } else { kinds.join(", or ") }
    }

    fn list_of(self, form: Self) -> String {
        match form.schema.get("items") {
            Some(items) => format!("list of {}", plural(&self.at(items).kind())),
            None => "list".to_owned(),
        }
    }

    fn values(self) -> Vec<(String, String)> {
        let mut values = Vec::new();
        for form in self.forms() {
            let meaning = || form.schema["description"].as_str().unwrap_or_default().to_owned();
            if let Some(value) = form.schema.get("const") {
                values.push((plain(value), meaning()));
            }
            for value in form.schema["enum"].as_array().into_iter().flatten() {
                values.push((plain(value), String::new()));
            }
        }
        values
    }
}

fn plural(kind: &str) -> String {
    match kind {
        "text" => "texts".to_owned(),
        "table" => "tables".to_owned(),
        "whole number" => "whole numbers".to_owned(),
        other => other.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(key: &str) -> Result<KeyDoc, UnknownKey> {
        let path: Vec<_> = key.split('.').map(str::to_owned).collect();
        explain(&path)
    }

    #[test]
    fn the_schema_has_no_null_and_only_references_that_lead_somewhere() {
        fn visit(value: &Value, root: &Value) {
            match value {
                Value::String(text) if text.starts_with("#/$defs/") => {
                    let name = text.trim_start_matches("#/$defs/");
                    assert!(root["$defs"].get(name).is_some(), "{text}");
                }
                Value::Array(elements) => elements.iter().for_each(|element| visit(element, root)),
                Value::Object(members) => {
                    assert!(members.get("type").is_none_or(|kind| kind != "null"), "{value}");
                    assert!(!members.contains_key("default") || !members["default"].is_null(), "{value}");
                    members.values().for_each(|member| visit(member, root));
                }
                _ => {}
            }
        }
        let schema = schema_json();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        visit(&schema, &schema);
    }

    #[test]
    fn every_top_level_key_is_described() {
        let schema = schema_json();
        for key in schema["properties"].as_object().unwrap().keys() {
            let doc = ask(key).unwrap();
            assert!(!doc.description.is_empty() && doc.kind != "any value", "{key}: {doc:?}");
        }
    }

    #[test]
    fn every_key_below_is_listed_once_and_described() {
        let schema = schema_json();
        let mut paths = Vec::new();
        collect(Node { schema: &schema, root: &schema }, "", 0, &mut paths);
        let keys: Vec<_> = paths.iter().filter(|path| !path.ends_with('>')).collect();
        assert!(keys.len() > 450, "{}", keys.len());
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len());
        // The one name with dots in it would need its quotes.
        for key in keys.into_iter().filter(|key| !key.contains("gpt-5.1")) {
            let doc = ask(key).unwrap();
            assert!(!doc.description.is_empty() && !doc.kind.is_empty(), "{key}: {doc:?}");
        }
    }

    #[test]
    fn old_names_lead_to_new_ones() {
        for (old, new) in [
            ("features.collab", "features.multi_agent"),
            ("memories.no_memories_if_mcp_or_web_search", "memories.disable_on_external_context"),
            ("experimental_use_unified_exec_tool", "features.unified_exec"),
        ] {
            let doc = ask(old).unwrap();
            assert_eq!(doc.path, new);
            assert!(doc.description.starts_with(&format!("Old name of `{new}`. ")), "{}", doc.description);
        }
    }

    #[test]
    fn keys_are_found_at_any_depth() {
        for (key, path, kind) in [
            ("model", "model", "text"),
            ("model_providers.mine.base_url", "model_providers.<name>.base_url", "text"),
            ("mcp_servers.a.env.KEY", "mcp_servers.<name>.env.<name>", "text"),
            ("features.goals", "features.goals", "true or false"),
            ("notify", "notify", "list of texts"),
            ("approval_policy.granular.rules", "approval_policy.granular.rules", "true or false"),
            ("tui.notifications", "tui.notifications", "true or false, or list of texts"),
            (
                "permissions.p.filesystem./x",
                "permissions.<name>.filesystem.<name>",
                "one of the values below, or table",
            ),
            ("hooks.Stop.0.hooks.0.timeout", "hooks.Stop.<index>.hooks.<index>.timeout", "whole number"),
            ("mcp_servers.db.startup_timeout_sec", "mcp_servers.<name>.startup_timeout_sec", "number"),
            ("skills.config.0.enabled", "skills.config.<index>.enabled", "true or false"),
            ("projects./a.trust_level", "projects.<name>.trust_level", "one of the values below"),
        ] {
            let doc = ask(key).unwrap();
            assert_eq!((doc.path.as_str(), doc.kind.as_str()), (path, kind), "{key}");
        }
        let personality = ask("personality").unwrap();
        let names: Vec<_> = personality.values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["none", "friendly", "pragmatic"]);
        assert_eq!(
            ask("mcp_servers.a.env.KEY").unwrap().description,
            ask("mcp_servers.a.env").unwrap().description
        );
        assert!(ask("history").unwrap().members.iter().any(|(name, _)| name == "persistence"));
    }

    #[test]
    fn an_unknown_key_leads_to_its_neighbours() {
        for (key, expected) in
            [("modl", "model"), ("base_url", "model_providers.<name>.base_url"), ("tui.thema", "tui.theme")]
        {
            let error = ask(key).unwrap_err();
            assert!(error.nearest.iter().any(|near| near == expected), "{key}: {error}");
        }
        assert_eq!(ask("xyzzy.42").unwrap_err().to_string(), "there is no config key `xyzzy.42`");
    }
}
