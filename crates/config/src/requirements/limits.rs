//! What the settings of a running thread may be changed to.
//!
//! In comes what a client asks for, out goes what is enforced, or the refusal. What a newcomer would get wrong: at a start a
//! value that is not allowed is replaced and told about; in the middle of a thread it is refused, because somebody has just
//! asked for it.

use std::path::Path;
use std::sync::Arc;

use quire_protocol::{ApprovalPolicy, FileSystemEntry, FileSystemPolicy, PermissionProfile, SandboxPolicy};
use serde::Serialize;

use super::Requirements;
use super::constrain::{mode_of, name};
use crate::layer::Paths;

/// The requirements as they bind a running thread. Nothing is bound by default.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    requirements: Option<Arc<Requirements>>,
    /// What commands may never read.
    denials: Vec<FileSystemEntry>,
}

/// A value that the requirements do not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid value for `{key}`: `{value}` is not in the allowed set [{}] (set by {source_file})", allowed.join(", "))]
pub struct Disallowed {
    /// The key it belongs to.
    pub key: &'static str,
    /// The value.
    pub value: String,
    /// What is allowed.
    pub allowed: Vec<String>,
    /// The file that says so.
    pub source_file: String,
}

impl Limits {
    pub(crate) fn new(requirements: Option<Arc<Requirements>>, paths: &Paths) -> Self {
        let denials = requirements.as_ref().map(|all| all.denials(paths)).unwrap_or_default();
        Self { requirements, denials }
    }

    /// Whether a thread may go over to this approval policy.
    pub fn check_approval_policy(&self, policy: &ApprovalPolicy) -> Result<(), Disallowed> {
        let Some(requirements) = &self.requirements else { return Ok(()) };
        match &requirements.keys.allowed_approval_policies {
            Some(allowed) if !allowed.iter().cloned().any(|one| ApprovalPolicy::from(one) == *policy) => {
                Err(requirements.refusal("approval_policy", name(policy), allowed))
            }
            _ => Ok(()),
        }
    }

    /// What a policy comes to in a folder, if a thread may go over to it.
    pub fn profile(&self, policy: &SandboxPolicy, cwd: &Path) -> Result<PermissionProfile, Disallowed> {
        let mut profile = PermissionProfile::from_policy(policy, cwd);
        if let Some(requirements) = &self.requirements
            && !requirements.allows_profile(&profile)
        {
            let allowed = requirements.keys.allowed_sandbox_modes.as_deref().unwrap_or_default();
            return Err(requirements.refusal("sandbox_mode", mode_of(&profile).as_str().to_owned(), allowed));
        }
        self.add_denials(&mut profile);
        Ok(profile)
    }

    /// Takes from a profile what no profile may read.
    pub(crate) fn add_denials(&self, profile: &mut PermissionProfile) {
        if let PermissionProfile::Managed {
            file_system: FileSystemPolicy::Restricted { entries, .. }, ..
        } = profile
        {
            entries.extend(self.denials.iter().cloned());
        }
    }
}

impl Requirements {
    fn refusal(&self, key: &'static str, value: String, allowed: &[impl Serialize]) -> Disallowed {
        Disallowed {
            key,
            value,
            allowed: allowed.iter().map(name).collect(),
            source_file: self.source.to_string(),
        }
    }
}
