//! Secrets that cannot be printed by accident.
//!
//! A value goes in once and comes out only through [`Secret::expose`]; every call of that is a place to look at when
//! asking where a credential may end up.

use std::fmt;

/// Characters of a key that its hint begins with.
const SHOWN_FIRST: usize = 8;
/// Characters of a key that its hint ends with.
const SHOWN_LAST: usize = 5;

/// A text that must not be logged, shown or stored in recordings.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Enough of it to tell two keys apart: the first 8 and the last 5 characters, or nothing of a short one.
    pub fn hint(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        if characters.len() <= SHOWN_FIRST + SHOWN_LAST {
            return "***".to_owned();
        }
        let part = |range: &[char]| range.iter().collect::<String>();
        let (first, last) = (&characters[..SHOWN_FIRST], &characters[characters.len() - SHOWN_LAST..]);
        format!("{}***{}", part(first), part(last))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where a key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySource {
    /// The user gave it to this very run.
    Environment,
    /// It was stored by an earlier sign-in.
    Stored,
}

/// An API key, sent as bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    secret: Secret,
    source: KeySource,
}

impl ApiKey {
    /// A key from the given place.
    pub fn new(key: impl Into<String>, source: KeySource) -> Self {
        Self { secret: Secret::new(key), source }
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        self.secret.expose()
    }

    /// Where it came from.
    pub fn source(&self) -> KeySource {
        self.source
    }
}
