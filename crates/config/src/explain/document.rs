//! The JSON Schema of config.toml, and walking in it.
//!
//! What a newcomer would get wrong: the derived schema allows `null` wherever a key is optional, but TOML has no null; it is
//! taken out here.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

use super::AllowedValue;
use crate::schema::ConfigToml;

static DOCUMENT: LazyLock<Json> = LazyLock::new(|| {
    let mut schema = schemars::schema_for!(ConfigToml).to_value();
    tidy(&mut schema);
    if let Some(members) = schema.as_object_mut() {
        members.insert("title".to_owned(), json!("config.toml"));
        members.insert("description".to_owned(), json!("Settings of Quire, compatible with those of Codex."));
    }
    schema
});

/// The JSON Schema (draft 2020-12) of config.toml, for editors.
pub fn schema_json() -> &'static Json {
    &DOCUMENT
}

fn tidy(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            members.values_mut().for_each(tidy);
            if members.get("default") == Some(&Json::Null) {
                members.shift_remove("default");
            }
            if let Some(Json::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [single] = &types[..] {
                    let single = single.clone();
                    members.insert("type".to_owned(), single);
                }
            }
            if let Some(Json::Array(values)) = members.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            take_out_null_alternative(members);
            describe_form(members);
        }
        Json::Array(elements) => elements.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// One form of a value that has several: the key that makes the choice says what the form is.
fn describe_form(form: &mut Map<String, Json>) {
    let description = form.get("description").cloned();
    let Some(Json::Object(properties)) = form.get_mut("properties") else { return };
    if let Some(tag) = properties.get_mut("type").filter(|tag| tag.get("const").is_some()) {
        tag["description"] = json!("Which form this is; the other members depend on it.");
    }
    if properties.len() == 1
        && let (Some(description), Some((_, Json::Object(only)))) =
            (description, properties.iter_mut().next())
    {
        only.entry("description").or_insert(description);
    }
}

/// `anyOf: [T, null]` is `T`; what is said beside it (the key's own description) wins over what `T` says.
fn take_out_null_alternative(members: &mut Map<String, Json>) {
    let Some(Json::Array(alternatives)) = members.get_mut("anyOf") else { return };
    alternatives.retain(|alternative| alternative.get("type") != Some(&json!("null")));
    let [Json::Object(single)] = &mut alternatives[..] else { return };
    let single = std::mem::take(single);
    members.shift_remove("anyOf");
    for (name, value) in single {
        members.entry(name).or_insert(value);
    }
}

/// A schema within the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// As found: may hold a reference and, beside it, a description of the key.
    found: &'static Json,
    /// What it refers to.
    resolved: &'static Json,
}

/// The whole document.
pub(super) fn root() -> Node {
    Node::at(&DOCUMENT)
}

impl Node {
    fn at(found: &'static Json) -> Self {
        let mut resolved = found;
        while let Some(name) =
            resolved.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next())
        {
            match DOCUMENT.get("$defs").and_then(|definitions| definitions.get(name)) {
                Some(definition) => resolved = definition,
                None => break,
            }
        }
        Self { found, resolved }
    }

    /// The forms a value may have; itself when there is one.
    fn forms(self) -> Vec<Self> {
        let forms = ["anyOf", "oneOf"].iter().find_map(|key| self.resolved.get(key).and_then(Json::as_array));
        match forms {
            Some(forms) => forms.iter().flat_map(|form| Self::at(form).forms()).collect(),
            None => vec![self],
        }
    }

    /// Members with fixed names, those of all forms; the first form that has a name describes it.
    pub(super) fn members(self) -> impl Iterator<Item = (&'static str, Self)> {
        let tables = self.forms().into_iter().filter_map(|form| form.resolved.get("properties")?.as_object());
        let mut seen = HashSet::new();
        let members = tables.flatten().map(|(name, schema)| (name.as_str(), Self::at(schema)));
        members.filter(move |(name, _)| seen.insert(*name))
    }

    /// The member of a fixed name.
    pub(super) fn member(self, name: &str) -> Option<Self> {
        self.members().find(|(known, _)| *known == name).map(|(_, member)| member)
    }

    /// The member of any other name, in tables whose keys are the user's.
    pub(super) fn any_member(self) -> Option<Self> {
        self.forms().into_iter().find_map(|form| {
            let member = form.resolved.get("additionalProperties").filter(|schema| schema.is_object())?;
            Some(Self::at(member))
        })
    }

    /// An element, in lists of tables.
    pub(super) fn element(self) -> Option<Self> {
        let element = self.forms().into_iter().find_map(|form| form.resolved.get("items").map(Self::at))?;
        (element.members().next().is_some()).then_some(element)
    }

    fn said(self, key: &str) -> Option<&'static Json> {
        self.found.get(key).or_else(|| self.resolved.get(key))
    }

    pub(super) fn description(self) -> String {
        let text = self.said("description").and_then(Json::as_str).unwrap_or_default();
        text.replace('\n', " ")
    }

    pub(super) fn default(self) -> Option<&'static Json> {
        self.said("default").filter(|value| value.as_object().is_none_or(|members| members.len() <= 1))
    }

    pub(super) fn deprecated(self) -> bool {
        self.said("deprecated") == Some(&Json::Bool(true))
    }

    /// What a value is, in words.
    pub(super) fn kind(self) -> String {
        let mut kinds: Vec<String> = Vec::new();
        for form in self.forms() {
            let kind = form.kind_of_form();
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds.join(" or ")
    }

    fn kind_of_form(self) -> String {
        if self.resolved.get("const").is_some() || self.resolved.get("enum").is_some() {
            return "string".to_owned();
        }
        match self.resolved.get("type").and_then(Json::as_str) {
            Some("array") => match self.resolved.get("items").map(Self::at) {
                Some(element) => format!("list of {}s", element.kind()),
                None => "list".to_owned(),
            },
            Some("object") => "table".to_owned(),
            Some(simple) => simple.to_owned(),
            None => "any value".to_owned(),
        }
    }

    /// The values of a fixed set.
    pub(super) fn allowed(self) -> Vec<AllowedValue> {
        let value_of = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut allowed = Vec::new();
        for form in self.forms() {
            let description = || form.description();
            if let Some(value) = form.resolved.get("const") {
                allowed.push(AllowedValue { value: value_of(value), description: description() });
            }
            for value in form.resolved.get("enum").and_then(Json::as_array).into_iter().flatten() {
                allowed.push(AllowedValue { value: value_of(value), description: String::new() });
            }
        }
        allowed
    }
}
