//! What is stored in `auth.json`, as facts without values (auth sheet §2).
//!
//! A newcomer's trap: a file without `auth_mode` is of an old version; an API key in it then wins over a ChatGPT
//! sign-in. Nothing that could be a key leaves this module.

use std::io::ErrorKind;
use std::path::Path;

use quire_auth::AuthMode;
use serde::Deserialize;

use crate::access::read_bounded;

/// No set of credentials comes near this.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
struct Written {
    auth_mode: Option<AuthMode>,
    #[serde(rename = "OPENAI_API_KEY")]
    api_key: Option<String>,
    tokens: Option<Tokens>,
    last_refresh: Option<serde::de::IgnoredAny>,
    agent_identity: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    refresh_token: String,
}

/// The mode as reports name it.
pub(crate) const fn mode_name(mode: AuthMode) -> &'static str {
    match mode {
        AuthMode::ApiKey => "api_key",
        AuthMode::ChatGpt => "chatgpt",
        AuthMode::ChatGptAuthTokens => "chatgpt_auth_tokens",
        AuthMode::AgentIdentity => "agent_identity",
    }
}

/// The facts of a stored sign-in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) mode: AuthMode,
    pub(crate) has_api_key: bool,
    pub(crate) has_tokens: bool,
    pub(crate) has_identity: bool,
    /// What is missing for the sign-in to work.
    pub(crate) issues: Vec<&'static str>,
}

impl Stored {
    /// Reads the file; `None` when there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, String> {
        let bytes = match read_bounded(path, MAX_BYTES + 1) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("{} is larger than {MAX_BYTES} bytes", path.display()));
        }
        // serde's own messages may quote a value, and values here are secrets.
        let written: Written = serde_json::from_slice(&bytes).map_err(|error| {
            format!("{} is not valid at line {} column {}", path.display(), error.line(), error.column())
        })?;
        Ok(Some(Self::of(&written)))
    }

    fn of(written: &Written) -> Self {
        let filled = |text: &str| !text.trim().is_empty();
        let implied = if written.api_key.is_some() { AuthMode::ApiKey } else { AuthMode::ChatGpt };
        let mode = written.auth_mode.unwrap_or(implied);
        let mut issues = Vec::new();
        match mode {
            AuthMode::ApiKey => {
                if !written.api_key.as_deref().is_some_and(filled) {
                    issues.push("the sign-in is by API key, but OPENAI_API_KEY is empty");
                }
            }
            AuthMode::ChatGpt | AuthMode::ChatGptAuthTokens => {
                match &written.tokens {
                    None => issues.push("the ChatGPT sign-in holds no credentials"),
                    Some(tokens) => {
                        if !filled(&tokens.access_token) {
                            issues.push("the ChatGPT sign-in holds no access credential");
                        }
                        if mode == AuthMode::ChatGpt && !filled(&tokens.refresh_token) {
                            issues.push("the ChatGPT sign-in cannot be renewed");
                        }
                    }
                }
                if written.last_refresh.is_none() {
                    issues.push("the time of the last refresh is not stored");
                }
            }
            AuthMode::AgentIdentity => {
                if written.agent_identity.is_none() {
                    issues.push("the sign-in is by agent identity, but none is stored");
                }
            }
        }
        Self {
            mode,
            has_api_key: written.api_key.is_some(),
            has_tokens: written.tokens.is_some(),
            has_identity: written.agent_identity.is_some(),
            issues,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Stored {
        Stored::of(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_mode_of_old_files_is_implied_by_what_they_hold() {
        assert_eq!(stored(r#"{"OPENAI_API_KEY":"k","tokens":{}}"#).mode, AuthMode::ApiKey);
        assert_eq!(stored("{}").mode, AuthMode::ChatGpt);
    }

    #[test]
    fn what_is_missing_is_counted() {
        for (text, missing) in [
            (r#"{"OPENAI_API_KEY":"k"}"#, 0),
            (r#"{"auth_mode":"apikey"}"#, 1),
            (r#"{"auth_mode":"apikey","OPENAI_API_KEY":" "}"#, 1),
            ("{}", 2),
            (r#"{"tokens":{"access_token":"a","refresh_token":"b"},"last_refresh":"x"}"#, 0),
            (r#"{"tokens":{},"last_refresh":"x"}"#, 2),
            (r#"{"auth_mode":"chatgptAuthTokens","tokens":{"access_token":"a"}}"#, 1),
            (r#"{"auth_mode":"agentIdentity","agent_identity":"x"}"#, 0),
            (r#"{"auth_mode":"agentIdentity"}"#, 1),
        ] {
            assert_eq!(stored(text).issues.len(), missing, "{text}");
        }
    }
}
