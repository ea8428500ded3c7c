//! `-c key=value` (config sheet §2).
//!
//! In comes the raw argument, out goes a path and a TOML value that can be laid over a table. What a newcomer would get
//! wrong: the key is split at *every* dot, quotes in it mean nothing; and a value that is no TOML is not an error but a
//! string.

use toml::{Table, Value};

/// Name under which a value is parsed. Any bare key would do.
const SLOT: &str = "value";

/// Why an override cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// There is no `=`.
    #[error("Invalid override (missing '='): {0}")]
    MissingEquals(String),
    /// There is nothing before the `=`.
    #[error("Empty key in override: {0}")]
    EmptyKey(String),
}

/// One parsed override.
#[derive(Debug, Clone, PartialEq)]
pub struct CliOverride {
    /// The keys from the root; empty ones are allowed.
    pub path: Vec<String>,
    /// The value.
    pub value: Value,
}

impl CliOverride {
    /// Reads `key=value`.
    pub fn parse(raw: &str) -> Result<Self, OverrideError> {
        let (key, value) = raw.split_once('=').ok_or_else(|| OverrideError::MissingEquals(raw.to_owned()))?;
        let key = key.trim();
        if key.is_empty() {
            return Err(OverrideError::EmptyKey(raw.to_owned()));
        }
        Ok(Self { path: key.split('.').map(str::to_owned).collect(), value: parse_value(value.trim()) })
    }

    /// `--enable` and `--disable`.
    pub(crate) fn feature(name: &str, on: bool) -> Self {
        Self { path: vec!["features".to_owned(), name.to_owned()], value: Value::Boolean(on) }
    }

    /// Sets the value in a table. What is in the way (a scalar on the path, an older value) is replaced.
    pub fn apply(self, table: &mut Table) {
        let mut path = self.path.into_iter();
        let Some(mut key) = path.next() else { return };
        let mut here = table;
        for next in path {
            let slot = here.entry(key).or_insert_with(|| Value::Table(Table::new()));
            if !slot.is_table() {
                *slot = Value::Table(Table::new());
            }
            let Value::Table(inner) = slot else { return };
            here = inner;
            key = next;
        }
        here.insert(key, self.value);
    }
}

fn parse_value(text: &str) -> Value {
    let parsed = format!("{SLOT} = {text}").parse::<Table>().ok().and_then(|mut table| table.remove(SLOT));
    parsed.unwrap_or_else(|| Value::String(text.trim_matches(['"', '\'']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        CliOverride::parse(&format!("k={text}")).unwrap().value.to_string()
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("1", "1"),
            ("1.5", "1.5"),
            ("true", "true"),
            ("0x10", "16"),
            ("1_000", "1000"),
            ("+1", "1"),
            ("1e3", "1000.0"),
            ("inf", "inf"),
            ("\"q\"", "\"q\""),
            ("'q'", "\"q\""),
            ("\"\"\"m\"\"\"", "\"m\""),
            ("[1,\"b\"]", "[1, \"b\"]"),
            ("[\n1]", "[1]"),
            ("{b=1}", "{ b = 1 }"),
            ("{a=1,}", "{ a = 1 }"),
            ("1979-05-27", "1979-05-27"),
            ("07:32:00", "07:32:00"),
            // Trailing comments and further lines are dropped,
            ("1 # c", "1"),
            ("1\nfoo=2", "1"),
            ("\"a\"\n[x]\ny=1", "\"a\""),
            // and what is no TOML is a string without its outer quotes.
            ("1\ngarbage", "\"\"\"\n1\ngarbage\"\"\""),
            ("low", "\"low\""),
            ("True", "\"True\""),
            ("\"un", "\"un\""),
            ("un\"", "\"un\""),
            ("\"un'", "\"un\""),
            ("'\"x\"", "\"x\""),
            ("\"a\" \"b\"", "'a\" \"b'"),
            ("\"a\"b\"", "'a\"b'"),
            ("1 2", "\"1 2\""),
            ("[1,b]", "\"[1,b]\""),
            ("a # b", "\"a # b\""),
            ("#c", "\"#c\""),
            ("a=b=c", "\"a=b=c\""),
            ("", "\"\""),
            ("   ", "\"\""),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn keys_split_at_every_dot() {
        for (raw, expected) in [
            ("a=1", vec!["a"]),
            (" a.b = 1", vec!["a", "b"]),
            ("x.\"a.b\"=1", vec!["x", "\"a", "b\""]),
            ("..=1", vec!["", "", ""]),
        ] {
            assert_eq!(CliOverride::parse(raw).unwrap().path, expected, "{raw}");
        }
    }

    #[test]
    fn refusals() {
        assert_eq!(CliOverride::parse("foo").unwrap_err().to_string(), "Invalid override (missing '='): foo");
        assert_eq!(CliOverride::parse("").unwrap_err().to_string(), "Invalid override (missing '='): ");
        assert_eq!(CliOverride::parse(" =x").unwrap_err().to_string(), "Empty key in override:  =x");
    }

    #[test]
    fn later_ones_replace_what_is_in_their_way() {
        for (raws, expected) in [
            (vec!["a=1", "a.b=2"], "a = { b = 2 }"),
            (vec!["d.b=2", "d={a=1}"], "d = { a = 1 }"),
            (vec!["d.b=2", "d.c=3", "d.b=4"], "d = { b = 4, c = 3 }"),
        ] {
            let mut table = Table::new();
            for raw in &raws {
                CliOverride::parse(raw).unwrap().apply(&mut table);
            }
            assert_eq!(table, expected.parse::<Table>().unwrap(), "{raws:?}");
        }
    }
}
