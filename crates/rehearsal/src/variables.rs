//! `${name}` placeholders in scripts.
//!
//! In comes a tree of JSON values, out goes the same tree with every known placeholder replaced in every
//! string (keys are left alone). Unknown placeholders stay as they are, because scripts carry shell commands
//! and `${HOME}` means something there.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names and the texts that replace them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one variable, replacing an earlier value.
    pub fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), text.into());
    }

    /// The same set with one more variable.
    pub fn with(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.set(name, text);
        self
    }

    /// Replaces each known `${name}` in `text`. Replacements are not searched again.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, from) = rest.split_at(start);
            filled.push_str(before);
            let known = from.find('}').and_then(|end| self.0.get(&from[2..end]).map(|text| (text, end)));
            if let Some((replacement, end)) = known {
                filled.push_str(replacement);
                rest = &from[end + 1..];
            } else {
                filled.push_str("${");
                rest = &from[2..];
            }
        }
        filled.push_str(rest);
        filled
    }

    /// [`Self::fill`] for every string inside `value`.
    pub fn fill_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.fill_value(item)).collect()),
            Value::Object(map) => {
                Value::Object(map.iter().map(|(key, item)| (key.clone(), self.fill_value(item))).collect())
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn replaces_known_names_and_keeps_the_rest() {
        let variables = Variables::new().with("cwd", "/w").with("x", "${cwd}");
        assert_eq!(variables.fill("${cwd}/a ${HOME} ${x} ${"), "/w/a ${HOME} ${cwd} ${");
        assert_eq!(variables.fill("${a ${cwd}}"), "${a /w}");
    }

    #[test]
    fn fills_nested_strings_but_no_keys() {
        let variables = Variables::new().with("n", "1");
        let filled = variables.fill_value(&json!({"${n}": ["${n}", 2, {"k": "a${n}b"}]}));
        assert_eq!(filled, json!({"${n}": ["1", 2, {"k": "a1b"}]}));
    }
}
