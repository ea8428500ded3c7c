//! Secrets that cannot be printed by accident.
//!
//! A value goes in once and comes out only through [`Secret::expose`]; every call of that is a place to look at when
//! asking where a credential may end up.

use std::fmt;

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
