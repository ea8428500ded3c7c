//! Everything that can be wrong with a config, in the words and shapes a person sees (config sheet §5).
//!
//! [`ConfigError`]'s `Display` is the whole text that `exec`, the TUI and `review` print, prefix included. What a
//! newcomer would get wrong: a type error names its key first, since the value may come from any layer, and its file and
//! line last; other commands put what [`ConfigError::location`] says in front.

use std::io;
use std::path::PathBuf;

use crate::cli_override::OverrideError;
use crate::key_path::KeyPath;
use crate::locate::Location;
use crate::permissions::PermissionError;
use crate::requirements::RequirementsError;

/// Which kind of file could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A file of the user or the system.
    Config,
    /// `.codex/config.toml` of a project.
    Project,
}

impl FileKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config file",
            Self::Project => "project config file",
        }
    }
}

/// A last line with the place, if a file is to blame.
fn at(location: Option<&Location>) -> String {
    location.map_or_else(String::new, |location| format!("\nat {location}"))
}

/// Why the config could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `--enable` or `--disable` of a name nobody knows.
    #[error("Error: Unknown feature flag: {0}")]
    UnknownFeature(String),
    /// A `-c` without `=` or without key.
    #[error("Error parsing -c overrides: {0}")]
    Override(#[from] OverrideError),
    /// A file is there but cannot be read, or is no text.
    #[error("Error loading config.toml: Failed to read {} {}: {source}", kind.as_str(), path.display())]
    Read {
        /// Whose file.
        kind: FileKind,
        /// The file.
        path: PathBuf,
        /// Why; UTF-8 errors come wrapped.
        source: io::Error,
    },
    /// A place in a file: bad syntax, or in strict mode an unknown key or a value of the wrong type.
    #[error("Error loading config.toml:\n{location}: {message}\n{}", location.excerpt)]
    InFile {
        /// Where.
        location: Box<Location>,
        /// The key, unless the syntax is bad.
        path: Option<KeyPath>,
        /// What is wrong.
        message: String,
    },
    /// Bad syntax in the file of a trusted project.
    #[error(
        "Error loading config.toml: Error parsing project config file {}: TOML parse error at line {}, column {}\n{}\n\
         {message}",
        location.file.display(), location.line, location.column, location.excerpt
    )]
    ProjectSyntax {
        /// Where.
        location: Box<Location>,
        /// What is wrong.
        message: String,
    },
    /// A value of the merged config does not fit its key.
    #[error("Error loading config.toml: {message}\nin `{path}`{}", at(location.as_deref()))]
    Value {
        /// The key.
        path: KeyPath,
        /// What was found and what was expected.
        message: String,
        /// The file that holds the value; nothing when it came from the command line.
        location: Option<Box<Location>>,
    },
    /// Strict mode: `-c` of a key nobody knows.
    #[error("Error loading config.toml: unknown configuration field `{path}` in -c/--config override")]
    UnknownOverride {
        /// The key.
        path: KeyPath,
    },
    /// `--profile` besides profiles of the old kind.
    #[error(
        "Error loading config.toml: --profile `{profile}` cannot be used while {} contains legacy `profile = \
         \"{profile}\"` or `[profiles.{profile}]` config; move those settings to {} and delete them there.",
        config.display(), profile_file.display()
    )]
    ProfileConflict {
        /// The name.
        profile: String,
        /// The user's config.
        config: PathBuf,
        /// Where the settings belong.
        profile_file: PathBuf,
    },
    /// What an administrator requires cannot be read.
    #[error("Error loading config.toml: {0}")]
    Requirements(#[from] RequirementsError),
    /// Each key by itself is fine, together they are not.
    #[error("Error: {0}")]
    Invalid(#[from] InvalidConfig),
}

impl ConfigError {
    /// Where in which file, as far as it is known.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::InFile { location, .. } | Self::ProjectSyntax { location, .. } => Some(location),
            Self::Value { location, .. } => location.as_deref(),
            _ => None,
        }
    }

    /// The key that is to blame, as far as it is known.
    pub fn key(&self) -> Option<&KeyPath> {
        match self {
            Self::InFile { path, .. } => path.as_ref(),
            Self::Value { path, .. } | Self::UnknownOverride { path } => Some(path),
            _ => None,
        }
    }

    /// What is wrong, without prefix, place and excerpt.
    pub fn message(&self) -> String {
        match self {
            Self::InFile { message, .. }
            | Self::ProjectSyntax { message, .. }
            | Self::Value { message, .. } => message.clone(),
            other => {
                let text = other.to_string();
                let prefixes = ["Error loading config.toml: ", "Error: "];
                prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(&text).to_owned()
            }
        }
    }
}

/// A config whose keys contradict each other or name something that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// No provider of that id.
    #[error("Model provider `{0}` not found")]
    UnknownProvider(String),
    /// A removed provider.
    #[error(
        "`ollama-chat` is no longer supported.\nWrite `ollama` instead in `model_provider`, `oss_provider` or \
         `--local-provider`."
    )]
    LegacyOllamaChat,
    /// `amazon-bedrock` with more than its account.
    #[error(
        "model_providers.amazon-bedrock only supports changing `aws.profile` and `aws.region`; other non-default \
         provider fields are not supported"
    )]
    BedrockFields,
    /// `--oss` and nobody says which.
    #[error(
        "No default OSS provider configured. Use --local-provider=provider or set oss_provider to one of: lmstudio, \
         ollama in config.toml"
    )]
    NoOssProvider,
    /// A profile selected the old way.
    #[error(
        "legacy `profile = \"{0}\"` config is no longer supported; use `--profile {0}` with `{0}.config.toml` instead"
    )]
    LegacyProfile(String),
    /// A removed key.
    #[error("`experimental_thread_store_endpoint` is no longer supported; remove it from config.toml")]
    ThreadStoreEndpoint,
    /// No sandbox and no questions, where the first is not allowed: nothing would get done.
    #[error(
        "`approval_policy = \"never\"` cannot be used because requirements do not allow `sandbox_mode = \
         \"danger-full-access\"`; pass another approval policy, such as `on-request`, or a sandbox mode that is allowed."
    )]
    NeverWithoutFullAccess,
    /// A number or a name out of its bounds, or two keys that exclude each other.
    #[error("{0}")]
    Bounds(String),
    /// A file that a key names cannot be read.
    #[error("failed to read {what} {}: {reason}", path.display())]
    UnreadableFile {
        /// What the file is.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that a key names holds nothing.
    #[error("{what} is empty: {}", path.display())]
    EmptyFile {
        /// What the file is.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The permission profiles.
    #[error(transparent)]
    Permissions(#[from] PermissionError),
}
