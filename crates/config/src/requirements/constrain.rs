//! Holding values against the requirements.

use std::path::Path;

use quire_protocol::{
    Access, ApprovalPolicy, FileSystemEntry, FileSystemPath, FileSystemPolicy, PermissionProfile,
};
use serde::Serialize;

use super::{RequiredSandboxMode, Requirements};
use crate::error::InvalidConfig;
use crate::features::{Feature, Features};
use crate::layer::Paths;
use crate::permissions::PermissionError;
use crate::schema::{ApprovalsReviewer, PermissionsToml, WebSearchMode};

/// A value that is allowed, and what to tell when it is not the one that was asked for.
pub(crate) struct Fallback<T> {
    pub(crate) value: T,
    pub(crate) warning: Option<String>,
}

impl<T> Fallback<T> {
    const fn granted(value: T) -> Self {
        Self { value, warning: None }
    }
}

/// Permission profiles that exist without being defined.
const BUILT_IN_PROFILES: [&str; 3] = [":read-only", ":workspace", ":danger-full-access"];
/// Which web search mode takes the place of one that is not allowed: the first that is.
const WEB_SEARCH_FALLBACKS: [WebSearchMode; 2] = [WebSearchMode::Cached, WebSearchMode::Live];

impl Requirements {
    fn disallowed(&self, key: &str, fallback: &str) -> String {
        format!(
            "Configured value for `{key}` is disallowed by requirements; falling back to required value `{fallback}` (set by \
             {}).",
            self.source
        )
    }

    /// The approval policy. `chosen` says that somebody asked for it; nobody is told that a default does not count.
    pub(crate) fn approval_policy(&self, wanted: ApprovalPolicy, chosen: bool) -> Fallback<ApprovalPolicy> {
        let Some(allowed) = &self.keys.allowed_approval_policies else { return Fallback::granted(wanted) };
        let mut allowed = allowed.iter().cloned().map(ApprovalPolicy::from);
        let Some(first) = allowed.next() else { return Fallback::granted(wanted) };
        if first == wanted || allowed.any(|policy| policy == wanted) {
            return Fallback::granted(wanted);
        }
        let warning = chosen.then(|| self.disallowed("approval_policy", &name(&first)));
        Fallback { value: first, warning }
    }

    /// The reviewer.
    pub(crate) fn approvals_reviewer(
        &self,
        wanted: ApprovalsReviewer,
        chosen: bool,
    ) -> Fallback<ApprovalsReviewer> {
        let by_person = |reviewer: ApprovalsReviewer| reviewer == ApprovalsReviewer::User;
        let allowed = self.keys.allowed_approvals_reviewers.as_deref().unwrap_or_default();
        match allowed.first() {
            Some(first) if !allowed.iter().any(|one| by_person(*one) == by_person(wanted)) => {
                let warning = chosen.then(|| self.disallowed("approvals_reviewer", &name(first)));
                Fallback { value: *first, warning }
            }
            _ => Fallback::granted(wanted),
        }
    }

    /// The web search mode. Nobody is surprised by an answer from the index, so that comes first.
    pub(crate) fn web_search(&self, wanted: WebSearchMode) -> Fallback<WebSearchMode> {
        if self.allows_web_search(wanted) {
            return Fallback::granted(wanted);
        }
        let value = WEB_SEARCH_FALLBACKS.into_iter().find(|mode| self.allows_web_search(*mode));
        let value = value.unwrap_or(WebSearchMode::Disabled);
        Fallback { value, warning: Some(self.disallowed("web_search_mode", &name(&value))) }
    }

    /// Whether a web search mode is allowed.
    pub(crate) fn allows_web_search(&self, mode: WebSearchMode) -> bool {
        mode == WebSearchMode::Disabled
            || self.keys.allowed_web_search_modes.as_ref().is_none_or(|allowed| allowed.contains(&mode))
    }

    /// Whether what a profile lets commands do is allowed.
    pub(crate) fn allows_profile(&self, profile: &PermissionProfile) -> bool {
        let mode = mode_of(profile);
        let confined = matches!(mode, RequiredSandboxMode::ReadOnly | RequiredSandboxMode::WorkspaceWrite);
        // What must not be read can be kept from commands only in a sandbox of ours.
        (confined || self.deny_read().is_empty())
            && self.keys.allowed_sandbox_modes.as_ref().is_none_or(|allowed| allowed.contains(&mode))
    }

    /// What to tell about a profile that is not allowed.
    pub(crate) fn profile_warning(&self) -> String {
        self.disallowed("permission_profile", RequiredSandboxMode::ReadOnly.as_str())
    }

    fn deny_read(&self) -> &[String] {
        let filesystem =
            self.keys.permissions.as_ref().and_then(|permissions| permissions.filesystem.as_ref());
        filesystem.and_then(|filesystem| filesystem.deny_read.as_deref()).unwrap_or_default()
    }

    /// What no profile may read.
    pub(crate) fn denials(&self, paths: &Paths) -> Vec<FileSystemEntry> {
        let base = self.source.0.parent().unwrap_or(Path::new("/"));
        let denied = |written: &String| {
            let path = paths.absolute(written, base);
            let path = if written.contains(['*', '?', '[']) {
                FileSystemPath::GlobPattern { pattern: path.to_string_lossy().into_owned() }
            } else {
                FileSystemPath::Path { path }
            };
            FileSystemEntry { path, access: Access::Deny }
        };
        self.deny_read().iter().map(denied).collect()
    }

    /// The user's profiles and those of the requirements.
    pub(crate) fn add_profiles(
        &self,
        defined: Option<PermissionsToml>,
    ) -> Result<Option<PermissionsToml>, InvalidConfig> {
        let required = self.keys.permissions.iter().flat_map(|permissions| &permissions.profiles);
        let mut all = defined;
        for (name, profile) in required {
            if name.starts_with(':') {
                return Err(PermissionError::ReservedName(name.clone()).into());
            }
            let table = all.get_or_insert_default();
            if table.0.insert(name.clone(), profile.clone()).is_some() {
                return Err(InvalidConfig::Bounds(format!(
                    "requirements.toml permissions profile `{name}` conflicts with a config-defined profile of the same name"
                )));
            }
        }
        self.check_offered(all.as_ref())?;
        Ok(all)
    }

    fn check_offered(&self, defined: Option<&PermissionsToml>) -> Result<(), InvalidConfig> {
        let Some(offered) = &self.keys.allowed_permissions else { return Ok(()) };
        if offered.is_empty() {
            let text = "requirements.toml allowed_permissions must include at least one profile";
            return Err(InvalidConfig::Bounds(text.to_owned()));
        }
        let known = |name: &String| {
            BUILT_IN_PROFILES.contains(&name.as_str())
                || defined.is_some_and(|table| table.0.contains_key(name))
        };
        match offered.iter().find(|name| !known(name)) {
            Some(name) => Err(InvalidConfig::Bounds(format!(
                "requirements.toml allowed_permissions refers to undefined profile `{name}`"
            ))),
            None => Ok(()),
        }
    }

    /// Fixes feature flags. Returns what to tell about names that are unknown or outdated.
    pub(crate) fn pin(&self, features: &mut Features) -> Vec<String> {
        let mut warnings = Vec::new();
        for (name, on) in self.keys.features.iter().flatten() {
            match Feature::from_name(name) {
                None => warnings
                    .push(format!("Ignoring unknown `features` requirement `{name}` from {}", self.source)),
                Some(feature) => {
                    if feature.key() != name {
                        warnings.push(format!(
                            "Using legacy `features` requirement `{name}` from {}; its name is `{}` now",
                            self.source,
                            feature.key()
                        ));
                    }
                    features.set(feature, *on);
                }
            }
        }
        warnings
    }
}

/// The word for a value, as written in a config file.
pub(super) fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(form)) => form.keys().next().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

pub(super) fn mode_of(profile: &PermissionProfile) -> RequiredSandboxMode {
    match profile {
        PermissionProfile::Disabled => RequiredSandboxMode::DangerFullAccess,
        PermissionProfile::External { .. } => RequiredSandboxMode::ExternalSandbox,
        PermissionProfile::Managed { file_system: FileSystemPolicy::Unrestricted, .. } => {
            RequiredSandboxMode::DangerFullAccess
        }
        PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } => {
            if entries.iter().any(|entry| entry.access == Access::Write) {
                RequiredSandboxMode::WorkspaceWrite
            } else {
                RequiredSandboxMode::ReadOnly
            }
        }
    }
}
