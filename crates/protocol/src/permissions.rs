//! What a command may touch, and when a person is asked (sandbox sheet §2, approvals sheet §1).
//!
//! Two vocabularies exist side by side: the [`PermissionProfile`] is what is enforced; the older [`SandboxPolicy`] is
//! still accepted from clients and written to rollouts. Paths in a profile need not exist.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The three modes people choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMode {
    /// Read everything, write nothing.
    ReadOnly,
    /// Write in the workspace and the temporary folders.
    WorkspaceWrite,
    /// No sandbox at all.
    DangerFullAccess,
}

impl SandboxMode {
    /// The name as written in config, flags and prompts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::DangerFullAccess => "danger-full-access",
        }
    }
}

/// The older four-variant value, as rollouts spell it (kebab-case tags).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum SandboxPolicy {
    /// No sandbox.
    DangerFullAccess,
    /// Read only.
    ReadOnly {
        /// Whether the network is open. Written only when true.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        network_access: bool,
    },
    /// Somebody else confines us.
    ExternalSandbox {
        /// Whether that somebody lets the network through.
        #[serde(default)]
        network_access: NetworkAccess,
    },
    /// Workspace and temporary folders are writable.
    WorkspaceWrite {
        /// Further writable folders.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        writable_roots: Vec<PathBuf>,
        /// Whether the network is open.
        #[serde(default)]
        network_access: bool,
        /// Whether `$TMPDIR` stays read-only.
        #[serde(default)]
        exclude_tmpdir_env_var: bool,
        /// Whether `/tmp` stays read-only.
        #[serde(default)]
        exclude_slash_tmp: bool,
    },
}

/// Network of a sandboxed command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkAccess {
    /// None.
    #[default]
    Restricted,
    /// All.
    Enabled,
}

/// What a path entry allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
    /// Neither.
    #[serde(alias = "none")]
    Deny,
}

/// A path that depends on the machine or the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SpecialPath {
    /// `/`.
    Root,
    /// What programs need to start at all.
    Minimal,
    /// The workspace roots, or a folder below each.
    #[serde(alias = "current_working_directory")]
    ProjectRoots {
        /// Folder below the roots.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subpath: Option<PathBuf>,
    },
    /// `$TMPDIR`.
    Tmpdir,
    /// `/tmp`.
    SlashTmp,
    /// A name of a later version: kept, without effect.
    Unknown {
        /// The name.
        path: String,
        /// Folder below it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subpath: Option<PathBuf>,
    },
}

/// Which path an entry speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FileSystemPath {
    /// A name that is resolved on the machine.
    Special {
        /// The name.
        value: SpecialPath,
    },
    /// An absolute path and all below it.
    Path {
        /// The path.
        path: PathBuf,
    },
    /// Every path that matches.
    GlobPattern {
        /// The pattern.
        pattern: String,
    },
}

/// One line of a file system policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystemEntry {
    /// Which path.
    pub path: FileSystemPath,
    /// What is allowed there.
    pub access: Access,
}

/// Files of a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FileSystemPolicy {
    /// Only what the entries allow.
    Restricted {
        /// The entries; the longest path wins, at equal length deny beats write beats read.
        entries: Vec<FileSystemEntry>,
        /// How deep globs are looked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        glob_scan_max_depth: Option<usize>,
    },
    /// Everything.
    Unrestricted,
}

/// What one command may touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PermissionProfile {
    /// Enforced by us.
    Managed {
        /// Files.
        file_system: FileSystemPolicy,
        /// Network.
        network: NetworkAccess,
    },
    /// No sandbox.
    Disabled,
    /// Enforced by somebody around us.
    External {
        /// Network, as that somebody has it.
        network: NetworkAccess,
    },
}

/// The names that stay read-only below every writable root.
pub const PROTECTED_NAMES: [&str; 3] = [".git", ".agents", ".codex"];

impl PermissionProfile {
    /// The profile of a legacy policy for a workspace root, which the policy's own writable roots join (sandbox sheet
    /// §2.3; entry order as the reference writes it).
    pub fn from_policy(policy: &SandboxPolicy, workspace_root: &std::path::Path) -> Self {
        let special = |value, access| FileSystemEntry { path: FileSystemPath::Special { value }, access };
        let path = |path: PathBuf, access| FileSystemEntry { path: FileSystemPath::Path { path }, access };
        let network = |open: bool| if open { NetworkAccess::Enabled } else { NetworkAccess::Restricted };
        match policy {
            SandboxPolicy::DangerFullAccess => Self::Disabled,
            SandboxPolicy::ExternalSandbox { network_access } => Self::External { network: *network_access },
            SandboxPolicy::ReadOnly { network_access } => Self::Managed {
                file_system: FileSystemPolicy::Restricted {
                    entries: vec![special(SpecialPath::Root, Access::Read)],
                    glob_scan_max_depth: None,
                },
                network: network(*network_access),
            },
            SandboxPolicy::WorkspaceWrite {
                writable_roots,
                network_access,
                exclude_tmpdir_env_var,
                exclude_slash_tmp,
            } => {
                let roots: Vec<_> = std::iter::once(workspace_root.to_owned())
                    .chain(writable_roots.iter().filter(|root| *root != workspace_root).cloned())
                    .collect();
                let mut entries = vec![special(SpecialPath::Root, Access::Read)];
                entries.extend(roots.iter().map(|root| path(root.clone(), Access::Write)));
                if !exclude_slash_tmp {
                    entries.push(special(SpecialPath::SlashTmp, Access::Write));
                }
                if !exclude_tmpdir_env_var {
                    entries.push(special(SpecialPath::Tmpdir, Access::Write));
                }
                for name in PROTECTED_NAMES {
                    entries.extend(roots.iter().map(|root| path(root.join(name), Access::Read)));
                }
                Self::Managed {
                    file_system: FileSystemPolicy::Restricted { entries, glob_scan_max_depth: None },
                    network: network(*network_access),
                }
            }
        }
    }

    /// Whether the network is open.
    pub fn network(&self) -> NetworkAccess {
        match self {
            Self::Managed { network, .. } | Self::External { network } => *network,
            Self::Disabled => NetworkAccess::Enabled,
        }
    }
}

/// When a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPolicy {
    /// Everything that is not known to be safe.
    Untrusted,
    /// When a sandboxed run failed.
    OnFailure,
    /// When the model asks for more.
    OnRequest,
    /// Never.
    Never,
    /// Each kind of question can be turned into a refusal.
    Granular(GranularApproval),
}

/// Which kinds of questions may reach a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GranularApproval {
    /// Commands and patches that want out of the sandbox.
    pub sandbox_approval: bool,
    /// Command rules that say "prompt".
    pub rules: bool,
    /// Skills.
    #[serde(default)]
    pub skill_approval: bool,
    /// The model asking for permissions.
    #[serde(default)]
    pub request_permissions: bool,
    /// MCP servers asking.
    pub mcp_elicitations: bool,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn workspace_write_lists_roots_then_temporary_folders_then_protected_names() {
        let policy: SandboxPolicy = serde_json::from_str(
            r#"{"type":"workspace-write","writable_roots":["/x"],"network_access":true}"#,
        )
        .unwrap();
        let profile = PermissionProfile::from_policy(&policy, Path::new("/w"));
        assert_eq!(
            serde_json::to_string(&profile).unwrap(),
            concat!(
                r#"{"type":"managed","file_system":{"type":"restricted","entries":["#,
                r#"{"path":{"type":"special","value":{"kind":"root"}},"access":"read"},"#,
                r#"{"path":{"type":"path","path":"/w"},"access":"write"},"#,
                r#"{"path":{"type":"path","path":"/x"},"access":"write"},"#,
                r#"{"path":{"type":"special","value":{"kind":"slash_tmp"}},"access":"write"},"#,
                r#"{"path":{"type":"special","value":{"kind":"tmpdir"}},"access":"write"},"#,
                r#"{"path":{"type":"path","path":"/w/.git"},"access":"read"},"#,
                r#"{"path":{"type":"path","path":"/x/.git"},"access":"read"},"#,
                r#"{"path":{"type":"path","path":"/w/.agents"},"access":"read"},"#,
                r#"{"path":{"type":"path","path":"/x/.agents"},"access":"read"},"#,
                r#"{"path":{"type":"path","path":"/w/.codex"},"access":"read"},"#,
                r#"{"path":{"type":"path","path":"/x/.codex"},"access":"read"}]},"network":"enabled"}"#,
            )
        );
    }
}
