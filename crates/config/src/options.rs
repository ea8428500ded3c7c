//! What [`crate::load`] is told: places, flags and lookups. Everything comes in as a value, nothing is read from the
//! process.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use quire_protocol::{ApprovalPolicy, SandboxMode};

use crate::home::CodexHome;
use crate::project::GitRootFinder;
use crate::schema::{Personality, WebSearchMode};

/// Looks up an environment variable.
pub type EnvLookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Tells the name of this machine.
pub type HostnameLookup = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// The name of a profile: letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileName(String);

/// A `--profile` that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid --profile value `{0}`; pass a plain name such as `work`")]
pub struct ProfileNameError(String);

impl ProfileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !name.is_empty() && name.chars().all(plain) {
            Ok(Self(name.to_owned()))
        } else {
            Err(ProfileNameError(name.to_owned()))
        }
    }
}

/// Files outside the home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemPaths {
    /// The machine's config.
    pub config: PathBuf,
    /// What an administrator fixed, in the old way.
    pub managed: PathBuf,
    /// What an administrator requires.
    pub requirements: PathBuf,
}

impl Default for SystemPaths {
    fn default() -> Self {
        let folder = Path::new("/etc/codex");
        Self {
            config: folder.join("config.toml"),
            managed: folder.join("managed_config.toml"),
            requirements: folder.join("requirements.toml"),
        }
    }
}

/// `--oss`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalModels {
    /// `--local-provider`; the config's `oss_provider` when absent.
    pub provider: Option<String>,
}

/// Flags that have a key of their own and win over every layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TypedOverrides {
    /// `--model`.
    pub model: Option<String>,
    /// Provider id, from clients.
    pub model_provider: Option<String>,
    /// `--oss`.
    pub local_models: Option<LocalModels>,
    /// `--sandbox`.
    pub sandbox_mode: Option<SandboxMode>,
    /// A permission profile, from clients.
    pub default_permissions: Option<String>,
    /// `--ask-for-approval`, or `never` for programs without a person.
    pub approval_policy: Option<ApprovalPolicy>,
    /// `--dangerously-bypass-approvals-and-sandbox`: no sandbox and no questions, whatever else is said.
    pub bypass_approvals_and_sandbox: bool,
    /// `--add-dir`; relative ones count from the working folder.
    pub additional_writable_roots: Vec<PathBuf>,
    /// Folders that commands must be able to read under every profile, such as that of our own helpers.
    pub additional_readable_roots: Vec<PathBuf>,
    /// `--search` and the like.
    pub web_search: Option<WebSearchMode>,
    /// Base instructions, from clients.
    pub base_instructions: Option<String>,
    /// Developer instructions, from clients.
    pub developer_instructions: Option<String>,
    /// Personality, from clients.
    pub personality: Option<Personality>,
    /// Service tier, from clients.
    pub service_tier: Option<String>,
    /// Shows raw reasoning.
    pub show_raw_agent_reasoning: Option<bool>,
}

/// Everything loading depends on.
#[derive(Clone)]
pub struct LoadOptions {
    /// The home folder.
    pub home: CodexHome,
    /// The working folder. Absolute; must exist.
    pub cwd: PathBuf,
    /// `-c key=value`, raw, in order.
    pub cli_overrides: Vec<String>,
    /// `--enable`, in order.
    pub enable: Vec<String>,
    /// `--disable`, in order. They win over `--enable`.
    pub disable: Vec<String>,
    /// `--profile`.
    pub profile: Option<ProfileName>,
    /// Leaves out the user's config and the profile.
    pub ignore_user_config: bool,
    /// Reads the config of the project around the working folder.
    pub projects: bool,
    /// Refuses unknown keys.
    pub strict: bool,
    /// Flags with a type.
    pub typed: TypedOverrides,
    /// Environment variables.
    pub env: EnvLookup,
    /// Git repositories.
    pub git_root: GitRootFinder,
    /// Files outside the home.
    pub system: SystemPaths,
    /// The name of this machine, asked for only when requirements depend on it.
    pub hostname: HostnameLookup,
}

impl LoadOptions {
    /// Options without flags, variables or git, for the real system paths and host name.
    pub fn new(home: CodexHome, cwd: impl Into<PathBuf>) -> Self {
        Self {
            home,
            cwd: cwd.into(),
            cli_overrides: Vec::new(),
            enable: Vec::new(),
            disable: Vec::new(),
            profile: None,
            ignore_user_config: false,
            projects: true,
            strict: false,
            typed: TypedOverrides::default(),
            env: Arc::new(|_| None),
            git_root: Arc::new(|_| None),
            system: SystemPaths::default(),
            hostname: Arc::new(host_name),
        }
    }
}

#[cfg(unix)]
fn host_name() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

#[cfg(not(unix))]
fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

impl fmt::Debug for LoadOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("home", &self.home)
            .field("cwd", &self.cwd)
            .field("cli_overrides", &self.cli_overrides)
            .field("profile", &self.profile)
            .field("strict", &self.strict)
            .field("typed", &self.typed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_names() {
        for good in ["work", "a-b_C9"] {
            assert_eq!(good.parse::<ProfileName>().unwrap().as_str(), good);
        }
        for bad in ["", "a.b", "../x", "a b", "ä"] {
            let error = bad.parse::<ProfileName>().unwrap_err().to_string();
            assert_eq!(error, format!("invalid --profile value `{bad}`; pass a plain name such as `work`"));
        }
    }
}
