//! `auth.json` in the home folder (auth sheet §2). Only API keys are used and written yet.
//!
//! Unknown keys are ignored and so are the file's permissions: the reference leaves a group-readable file alone. The
//! trap is `auth_mode`: files written by old versions lack it, and then an API key wins over tokens beside it.

use std::fs::File;
use std::io::{ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::{ApiKey, AuthError, KeySource, Secret, StoredLogin};

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
    #[serde(default)]
    agent_identity: Option<IgnoredAny>,
}

impl AuthFile {
    fn key(&self) -> Option<&str> {
        self.openai_api_key.as_deref().map(str::trim).filter(|key| !key.is_empty())
    }

    fn mode(&self) -> AuthMode {
        let implied = if self.openai_api_key.is_some() { AuthMode::ApiKey } else { AuthMode::ChatGpt };
        self.auth_mode.unwrap_or(implied)
    }
}

/// `auth_mode`: how somebody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum AuthMode {
    /// With an API key.
    #[serde(rename = "apikey")]
    ApiKey,
    /// With a ChatGPT account.
    #[serde(rename = "chatgpt")]
    ChatGpt,
    /// With tokens of a ChatGPT account that the program around us keeps.
    #[serde(rename = "chatgptAuthTokens")]
    ChatGptAuthTokens,
    /// As an agent, with an access token.
    #[serde(rename = "agentIdentity")]
    AgentIdentity,
}

/// The stored key; none when there is no file or nobody is signed in.
pub(crate) fn load(home: &Path) -> Result<Option<ApiKey>, AuthError> {
    let path = home.join("auth.json");
    let Some(file) = parse(&path)? else { return Ok(None) };
    match (file.mode(), file.key()) {
        (AuthMode::ApiKey, Some(key)) => Ok(Some(ApiKey::new(key, KeySource::Stored))),
        (AuthMode::ApiKey, None) => Err(AuthError::MissingKey { path }),
        // A file without tokens, `{}` for one, is what a sign-out of some versions leaves behind.
        (AuthMode::ChatGpt, _) if file.tokens.is_none() => Ok(None),
        (AuthMode::ChatGpt | AuthMode::ChatGptAuthTokens | AuthMode::AgentIdentity, _) => {
            Err(AuthError::ChatGptSignIn { path })
        }
    }
}

/// What the file says about who is signed in, whether or not this version can use it.
pub(crate) fn stored(home: &Path) -> Result<Option<StoredLogin>, AuthError> {
    let path = home.join("auth.json");
    let Some(file) = parse(&path)? else { return Ok(None) };
    Ok(Some(match file.mode() {
        AuthMode::ApiKey => match file.openai_api_key {
            Some(key) => StoredLogin::ApiKey(Secret::new(key)),
            None => return Err(AuthError::MissingKey { path }),
        },
        AuthMode::ChatGpt | AuthMode::ChatGptAuthTokens => StoredLogin::ChatGpt,
        AuthMode::AgentIdentity => match file.agent_identity {
            Some(_) => StoredLogin::AgentIdentity,
            None => return Err(AuthError::MissingIdentity { path }),
        },
    }))
}

/// Puts an API key in place of whatever is stored. Nobody but the owner can read the result.
pub(crate) fn store_api_key(home: &Path, key: &Secret) -> Result<(), AuthError> {
    #[derive(Serialize)]
    struct Written<'a> {
        auth_mode: &'static str,
        #[serde(rename = "OPENAI_API_KEY")]
        openai_api_key: &'a str,
    }
    // A link stays a link; what it leads to is replaced.
    let path = home.join("auth.json");
    let target = path.canonicalize().unwrap_or(path);
    let failed = |source| AuthError::Write { path: target.clone(), source };
    let written = Written { auth_mode: "apikey", openai_api_key: key.expose() };
    let text = serde_json::to_string_pretty(&written).map_err(|error| failed(error.into()))?;
    // Temporary files have mode 0600 on Unix.
    let folder = target.parent().unwrap_or(home);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Forgets what is stored. False when there was nothing.
pub(crate) fn remove(home: &Path) -> Result<bool, AuthError> {
    let path = home.join("auth.json");
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(source) => Err(AuthError::Write { path, source }),
    }
}

fn parse(path: &PathBuf) -> Result<Option<AuthFile>, AuthError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| AuthError::Invalid { path: path.clone(), reason: describe(&error) })
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
