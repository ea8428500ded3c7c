//! `auth.json` in the home folder, as far as API keys go (auth sheet §2).
//!
//! Unknown keys are ignored and so are the file's permissions: the reference leaves a group-readable file alone. The
//! trap is `auth_mode`: files written by old versions lack it, and then an API key wins over tokens beside it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{ApiKey, AuthError, KeySource};

/// No set of credentials comes near this.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Deserialize)]
struct AuthFile {
    #[serde(default)]
    auth_mode: Option<AuthMode>,
    #[serde(default, rename = "OPENAI_API_KEY")]
    openai_api_key: Option<String>,
    #[serde(default)]
    tokens: Option<IgnoredAny>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
enum AuthMode {
    #[serde(rename = "apikey")]
    ApiKey,
    #[serde(rename = "chatgpt")]
    ChatGpt,
    #[serde(rename = "chatgptAuthTokens")]
    ChatGptAuthTokens,
    #[serde(rename = "agentIdentity")]
    AgentIdentity,
}

/// The stored key; none when there is no file or nobody is signed in.
pub(crate) fn load(home: &Path) -> Result<Option<ApiKey>, AuthError> {
    let path = home.join("auth.json");
    let Some(bytes) = read(&path)? else { return Ok(None) };
    let stored: AuthFile = serde_json::from_slice(&bytes)
        .map_err(|error| AuthError::Invalid { path: path.clone(), reason: describe(&error) })?;
    let key = stored.openai_api_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
    let mode = stored.auth_mode.unwrap_or(if key.is_some() { AuthMode::ApiKey } else { AuthMode::ChatGpt });
    match (mode, key) {
        (AuthMode::ApiKey, Some(key)) => Ok(Some(ApiKey::new(key, KeySource::Stored))),
        (AuthMode::ApiKey, None) => Err(AuthError::MissingKey { path }),
        // A file without tokens, `{}` for one, is what a sign-out of some versions leaves behind.
        (AuthMode::ChatGpt, _) if stored.tokens.is_none() => Ok(None),
        (AuthMode::ChatGpt | AuthMode::ChatGptAuthTokens | AuthMode::AgentIdentity, _) => {
            Err(AuthError::ChatGptSignIn { path })
        }
    }
}

fn read(path: &PathBuf) -> Result<Option<Vec<u8>>, AuthError> {
    let failed = |source| AuthError::Read { path: path.clone(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(AuthError::TooLarge { path: path.clone(), limit: MAX_BYTES });
    }
    Ok(Some(bytes))
}

/// serde's own messages may quote a value ("invalid type: string \"sk-…\""), and values here are secrets.
fn describe(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => format!(
            "an entry near line {line} column {column} has an unexpected type or value (auth_mode is one of apikey, \
             chatgpt, chatgptAuthTokens, agentIdentity; OPENAI_API_KEY is a string or null)"
        ),
        _ => format!("not JSON at line {line} column {column}"),
    }
}
