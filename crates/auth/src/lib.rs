//! Credentials: which API key, if any, a request may carry (auth sheet §2 and §4).
//!
//! In come the home folder and a view of the environment, out goes at most one [`ApiKey`]. What a newcomer would get
//! wrong: `OPENAI_API_KEY` in the *environment* is not a credential; only `CODEX_API_KEY` is, and only for the
//! non-interactive commands. A front end that must not honour it passes an environment without it.

mod file;
mod secret;

use std::path::{Path, PathBuf};

pub use file::AuthMode;
pub use secret::{ApiKey, KeySource, Secret};

/// The variable that beats every stored credential.
const API_KEY_VARIABLE: &str = "CODEX_API_KEY";

/// Looks credentials up.
#[derive(Debug, Clone, Copy)]
pub struct Credentials;

impl Credentials {
    /// The key to use: `CODEX_API_KEY`, else the one stored in `auth.json` of the home folder, else none.
    ///
    /// The file is not opened when the variable is set. A sign-in that this version cannot use is an error, so that
    /// a request never goes out unauthenticated behind the user's back.
    pub fn load(home: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Option<ApiKey>, AuthError> {
        match Self::from_env(env) {
            Some(key) => Ok(Some(key)),
            None => file::load(home),
        }
    }

    /// The key in `CODEX_API_KEY`, unless it is unset or blank.
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Option<ApiKey> {
        let value = env(API_KEY_VARIABLE)?;
        let value = value.trim();
        (!value.is_empty()).then(|| ApiKey::new(value, KeySource::Environment))
    }
}

/// Who is signed in, as far as a file can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredLogin {
    /// With an API key.
    ApiKey(Secret),
    /// With a ChatGPT account.
    ChatGpt,
    /// As an agent, with an access token.
    AgentIdentity,
}

impl StoredLogin {
    /// What `auth.json` of the home folder says, whether or not this version can use it; `None` without a file.
    pub fn load(home: &Path) -> Result<Option<Self>, AuthError> {
        file::stored(home)
    }

    /// Stores an API key in place of whatever is there: atomically, readable by the owner alone.
    pub fn store_api_key(home: &Path, key: &Secret) -> Result<(), AuthError> {
        file::store_api_key(home, key)
    }

    /// Forgets what is stored. False when there was nothing.
    pub fn remove(home: &Path) -> Result<bool, AuthError> {
        file::remove(home)
    }
}

/// Why the stored credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The file is there but cannot be read.
    #[error("cannot read the stored credentials {}: {source}", path.display())]
    Read {
        /// `auth.json`.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is far bigger than credentials can be.
    #[error("the stored credentials {} are larger than {limit} bytes; sign in again to replace them", path.display())]
    TooLarge {
        /// `auth.json`.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// The file is not what it should be. The cause never quotes values.
    #[error("the stored credentials {} are not valid: {reason}; fix the file, or sign in again", path.display())]
    Invalid {
        /// `auth.json`.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The file says API key but holds none.
    #[error("API key auth is missing a key. Add OPENAI_API_KEY to {}, or sign in again", path.display())]
    MissingKey {
        /// `auth.json`.
        path: PathBuf,
    },
    /// The file says agent identity but holds none.
    #[error("agent identity auth is missing an agent identity token in {}; sign in again", path.display())]
    MissingIdentity {
        /// `auth.json`.
        path: PathBuf,
    },
    /// The file cannot be written or removed.
    #[error("cannot change the stored credentials {}: {source}", path.display())]
    Write {
        /// `auth.json`.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds a sign-in that only later versions understand.
    #[error(
        "{} holds a ChatGPT sign-in, and sign-in with ChatGPT is not supported yet; \
         set CODEX_API_KEY, store an API key, or use a model provider with its own key",
        path.display()
    )]
    ChatGptSignIn {
        /// `auth.json`.
        path: PathBuf,
    },
}
