//! What an administrator requires: requirements.toml, and managed_config.toml read as such (config sheet §11).
//!
//! In come two files and the name of this machine, out go [`Requirements`]; what the user configured is held against them
//! where the settings are assembled, and flags are held against them too. What a newcomer would get wrong: a value that is
//! not allowed is no error. It is replaced, and the user is told, unless it was a default.

mod check;
mod constrain;
mod keys;
mod limits;
mod view;

use std::fmt;
use std::path::{Path, PathBuf};

use quire_protocol::SandboxMode;

use crate::layer::Layer;
use crate::schema::{ApprovalPolicyToml, ApprovalsReviewer};
use crate::shell_environment::any_matches;

pub(crate) use constrain::Fallback;
pub use keys::{
    AppRequirement, AppToolRequirement, ComputerUseRequirements, FilesystemRequirements, ManagedHooks,
    McpServerIdentity, McpServerRequirement, NetworkRequirements, PatternToken, PermissionRequirements,
    PluginRequirement, PrefixRule, RemoteSandbox, RequiredSandboxMode, RequirementsToml, Residency,
    RuleDecision, RuleRequirements, WindowsRequirements,
};
pub use limits::{Disallowed, Limits};
pub use view::RequirementsView;

/// The file a requirement comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source(PathBuf);

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// What is wrong with the requirements.
#[derive(Debug, thiserror::Error)]
pub enum RequirementsError {
    /// The file is there but cannot be read.
    #[error("Failed to read requirements file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Bad syntax, or a value of the wrong type.
    #[error("Error parsing requirements file {}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A list that would allow nothing.
    #[error("field `{0}` cannot be empty")]
    Empty(&'static str),
    /// The one mode everything can fall back to is missing.
    #[error("invalid value for `allowed_sandbox_modes`: it must include 'read-only' (set by {source_file})")]
    NoReadOnly {
        /// The file.
        source_file: Source,
    },
    /// A bad command rule.
    #[error("invalid rules in requirements (set by {source_file}): {problem}")]
    Rules {
        /// The file.
        source_file: Source,
        /// What is wrong.
        problem: String,
    },
}

/// The effective requirements.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirements {
    keys: RequirementsToml,
    /// The file that is named in warnings: requirements.toml when there is one.
    source: Source,
}

impl Requirements {
    /// Reads the requirements; nothing when nobody requires anything. `hostname` is asked only when names of machines
    /// matter.
    pub(crate) fn load(
        file: &Path,
        managed: Option<&Layer>,
        managed_file: &Path,
        hostname: impl FnOnce() -> Option<String>,
    ) -> Result<Option<Self>, RequirementsError> {
        let read = read(file)?;
        let source = Source(if read.is_some() { file.to_owned() } else { managed_file.to_owned() });
        let mut keys = read.unwrap_or_default();
        if let Some(remote) = keys.remote_sandbox_config.take().filter(|entries| !entries.is_empty()) {
            let name = hostname().unwrap_or_default();
            if let Some(entry) = remote.into_iter().find(|entry| any_matches(&entry.hostname_patterns, &name))
            {
                keys.allowed_sandbox_modes = Some(entry.allowed_sandbox_modes);
            }
        }
        check::check(&keys, &source)?;
        if let Some(managed) = managed {
            add_managed(&mut keys, managed);
        }
        drop_empty(&mut keys);
        Ok((keys != RequirementsToml::default()).then_some(Self { keys, source }))
    }

    /// The keys, for rooms that enforce their own part.
    pub fn keys(&self) -> &RequirementsToml {
        &self.keys
    }
}

fn read(file: &Path) -> Result<Option<RequirementsToml>, RequirementsError> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(RequirementsError::Read { path: file.to_owned(), source }),
    };
    let parsed = toml::from_str(&text);
    parsed
        .map(Some)
        .map_err(|source| RequirementsError::Parse { path: file.to_owned(), source: Box::new(source) })
}

/// The older file fixes values; here that means: nothing else is allowed. What requirements.toml says itself wins. A value
/// of the wrong type is reported when the file is read as config.
fn add_managed(keys: &mut RequirementsToml, managed: &Layer) {
    fn get<T: serde::de::DeserializeOwned>(managed: &Layer, key: &str) -> Option<T> {
        managed.table.get(key).and_then(|value| value.clone().try_into().ok())
    }
    if let Some(policy) = get::<ApprovalPolicyToml>(managed, "approval_policy") {
        keys.allowed_approval_policies.get_or_insert_with(|| vec![policy]);
    }
    if let Some(reviewer) = get::<ApprovalsReviewer>(managed, "approvals_reviewer") {
        let mut allowed = vec![reviewer];
        if reviewer != ApprovalsReviewer::User {
            allowed.push(ApprovalsReviewer::User);
        }
        keys.allowed_approvals_reviewers.get_or_insert(allowed);
    }
    if let Some(mode) = get::<SandboxMode>(managed, "sandbox_mode") {
        let mode = RequiredSandboxMode::from(mode);
        let mut allowed = vec![RequiredSandboxMode::ReadOnly];
        if mode != RequiredSandboxMode::ReadOnly {
            allowed.push(mode);
        }
        keys.allowed_sandbox_modes.get_or_insert(allowed);
    }
}

/// Tables that say nothing do not count as requirements.
fn drop_empty(keys: &mut RequirementsToml) {
    keys.hooks.take_if(|hooks| *hooks == ManagedHooks::default());
    keys.computer_use.take_if(|use_of| *use_of == ComputerUseRequirements::default());
    keys.windows.take_if(|windows| *windows == WindowsRequirements::default());
    keys.guardian_policy_config.take_if(|text| text.trim().is_empty());
    keys.apps.take_if(|apps| apps.is_empty());
    keys.features.take_if(|features| features.is_empty());
    keys.plugins.take_if(|plugins| plugins.values().all(|plugin| plugin.mcp_servers.is_none()));
    keys.remote_sandbox_config = None;
}

impl From<SandboxMode> for RequiredSandboxMode {
    fn from(mode: SandboxMode) -> Self {
        match mode {
            SandboxMode::ReadOnly => Self::ReadOnly,
            SandboxMode::WorkspaceWrite => Self::WorkspaceWrite,
            SandboxMode::DangerFullAccess => Self::DangerFullAccess,
        }
    }
}
