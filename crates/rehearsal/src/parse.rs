//! Reading script values with errors that name the place.
//!
//! In comes a [`serde_json::Value`] tree (TOML scripts are converted first), out come typed pieces or a
//! [`Mismatch`] saying where, what was expected and what was found. Hand-written on purpose: derived
//! deserialisers of alternatives can only say "did not match any variant".

use serde_json::{Map, Value};

/// A value that is not what the script format asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) place: String,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// A value together with the way that led to it.
#[derive(Debug, Clone)]
pub(crate) struct At<'a> {
    pub(crate) value: &'a Value,
    place: String,
}

impl<'a> At<'a> {
    pub(crate) fn new(value: &'a Value, place: impl Into<String>) -> Self {
        Self { value, place: place.into() }
    }

    pub(crate) fn mismatch(&self, expected: impl Into<String>) -> Mismatch {
        Mismatch { place: self.place.clone(), expected: expected.into(), found: describe(self.value) }
    }

    pub(crate) fn object(&self) -> Result<&'a Map<String, Value>, Mismatch> {
        self.value.as_object().ok_or_else(|| self.mismatch("a table"))
    }

    pub(crate) fn string(&self) -> Result<&'a str, Mismatch> {
        self.value.as_str().ok_or_else(|| self.mismatch("a string"))
    }

    pub(crate) fn number(&self) -> Result<u64, Mismatch> {
        self.value.as_u64().ok_or_else(|| self.mismatch("a whole number, zero or more"))
    }

    pub(crate) fn boolean(&self) -> Result<bool, Mismatch> {
        self.value.as_bool().ok_or_else(|| self.mismatch("true or false"))
    }

    pub(crate) fn list(&self) -> Result<Vec<At<'a>>, Mismatch> {
        let items = self.value.as_array().ok_or_else(|| self.mismatch("a list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| At::new(value, format!("{}[{index}]", self.place)))
            .collect())
    }

    /// The value under `key`, or `None` when the key is absent. Fails if this is not a table.
    pub(crate) fn get(&self, key: &str) -> Result<Option<At<'a>>, Mismatch> {
        Ok(self.object()?.get(key).map(|value| At::new(value, format!("{}.{key}", self.place))))
    }

    /// The value under `key`, which must be there.
    pub(crate) fn need(&self, key: &str) -> Result<At<'a>, Mismatch> {
        self.get(key)?.ok_or_else(|| self.mismatch(format!("a table with the key `{key}`")))
    }

    /// Every entry of a table of strings (numbers and booleans are taken as their text).
    pub(crate) fn string_map(&self) -> Result<Vec<(String, String)>, Mismatch> {
        let mut pairs = Vec::new();
        for (key, value) in self.object()? {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                other => return Err(At::new(other, format!("{}.{key}", self.place)).mismatch("a string")),
            };
            pairs.push((key.clone(), text));
        }
        Ok(pairs)
    }

    /// Refuses keys that the format does not know, so that a misspelt key is never silently without effect.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Mismatch> {
        for (key, value) in self.object()? {
            if !known.contains(&key.as_str()) {
                return Err(At::new(value, format!("{}.{key}", self.place))
                    .mismatch(format!("one of the keys {}", known.join(", "))));
            }
        }
        Ok(())
    }
}

/// A short picture of a value for error messages.
pub(crate) fn describe(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    let head: String = text.chars().take(LONGEST).collect();
    format!("{head}…")
}
