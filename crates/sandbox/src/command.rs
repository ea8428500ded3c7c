//! When a command needs the helper, and how the helper is called (sandbox sheet §4 and §5.2).
//!
//! A newcomer's trap: the helper's arguments are compared as text by clients, so their order and the key order of the
//! profile JSON are part of the contract.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use quire_protocol::{
    Access, FileSystemPath, FileSystemPolicy, NetworkAccess, PermissionProfile, SpecialPath,
};

use crate::error::SandboxError;

/// The name under which this executable is the sandbox helper.
pub const HELPER_ARG0: &str = "codex-linux-sandbox";

/// How to start the helper; the command itself goes behind `args`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxCommand {
    /// The executable to start.
    pub program: PathBuf,
    /// What it is called by.
    pub arg0: &'static str,
    /// Its arguments, ending with `--`.
    pub args: Vec<OsString>,
}

impl SandboxCommand {
    /// The helper call for a profile, or `None` when the profile needs no sandbox.
    ///
    /// `policy_cwd` is the folder that `project_roots` stands for, `command_cwd` where the command starts, `helper_exe`
    /// this program (or an alias of it).
    pub fn for_profile(
        profile: &PermissionProfile,
        policy_cwd: &Path,
        command_cwd: &Path,
        helper_exe: &Path,
    ) -> Result<Option<Self>, SandboxError> {
        if !needs_sandbox(profile) {
            return Ok(None);
        }
        let json = serde_json::to_string(profile).map_err(SandboxError::EncodeProfile)?;
        let args = vec![
            "--sandbox-policy-cwd".into(),
            policy_cwd.into(),
            "--command-cwd".into(),
            command_cwd.into(),
            "--permission-profile".into(),
            json.into(),
            "--".into(),
        ];
        Ok(Some(Self { program: helper_exe.to_owned(), arg0: HELPER_ARG0, args }))
    }

    /// All arguments for running `command` (program first) behind the helper.
    pub fn args_with<S: AsRef<OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Vec<OsString> {
        self.args.iter().cloned().chain(command.into_iter().map(|arg| arg.as_ref().to_owned())).collect()
    }
}

/// Whether anything is forbidden that we would have to enforce.
fn needs_sandbox(profile: &PermissionProfile) -> bool {
    match profile {
        PermissionProfile::Disabled | PermissionProfile::External { .. } => false,
        PermissionProfile::Managed { network: NetworkAccess::Restricted, .. } => true,
        PermissionProfile::Managed { file_system, network: NetworkAccess::Enabled } => {
            !full_write(file_system)
        }
    }
}

/// Whether every path is writable: the root is, and no entry narrows it.
pub(crate) fn full_write(files: &FileSystemPolicy) -> bool {
    let FileSystemPolicy::Restricted { entries, .. } = files else {
        return true;
    };
    let is_root = |path: &FileSystemPath| match path {
        FileSystemPath::Special { value } => *value == SpecialPath::Root,
        FileSystemPath::Path { path } => path == Path::new("/"),
        FileSystemPath::GlobPattern { .. } => false,
    };
    let narrows = entries.iter().any(|entry| match entry.access {
        Access::Write => false,
        // Reading the root is implied by writing it; any other entry, or a deny, takes something away.
        Access::Read => !is_root(&entry.path) && !is_unknown(&entry.path),
        Access::Deny => !is_unknown(&entry.path),
    });
    !narrows && entries.iter().any(|entry| entry.access == Access::Write && is_root(&entry.path))
}

/// Names of later versions have no effect.
fn is_unknown(path: &FileSystemPath) -> bool {
    matches!(path, FileSystemPath::Special { value: SpecialPath::Unknown { .. } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_protocol::{FileSystemEntry, SandboxPolicy};

    fn command(profile: &PermissionProfile) -> Option<SandboxCommand> {
        SandboxCommand::for_profile(
            profile,
            Path::new("/srv/proj"),
            Path::new("/srv/proj/sub"),
            Path::new("/bin/quire"),
        )
        .unwrap()
    }

    fn root(access: Access) -> FileSystemEntry {
        FileSystemEntry { path: FileSystemPath::Special { value: SpecialPath::Root }, access }
    }

    fn managed(entries: Vec<FileSystemEntry>, network: NetworkAccess) -> PermissionProfile {
        PermissionProfile::Managed {
            file_system: FileSystemPolicy::Restricted { entries, glob_scan_max_depth: None },
            network,
        }
    }

    #[test]
    fn a_read_only_profile_is_wrapped_with_the_arguments_in_contract_order() {
        let profile = PermissionProfile::from_policy(
            &SandboxPolicy::ReadOnly { network_access: false },
            Path::new("/srv/proj"),
        );
        let wrapped = command(&profile).unwrap();
        assert_eq!(wrapped.program, Path::new("/bin/quire"));
        assert_eq!(wrapped.arg0, "codex-linux-sandbox");
        let json = concat!(
            r#"{"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"special","#,
            r#""value":{"kind":"root"}},"access":"read"}]},"network":"restricted"}"#
        );
        let expected = [
            "--sandbox-policy-cwd",
            "/srv/proj",
            "--command-cwd",
            "/srv/proj/sub",
            "--permission-profile",
            json,
            "--",
            "ls",
            "-l",
        ];
        assert_eq!(wrapped.args_with(["ls", "-l"]), expected);
    }

    #[test]
    fn nothing_forbidden_means_no_helper() {
        assert_eq!(command(&PermissionProfile::Disabled), None);
        assert_eq!(command(&PermissionProfile::External { network: NetworkAccess::Restricted }), None);
        assert_eq!(command(&managed(vec![root(Access::Write)], NetworkAccess::Enabled)), None);
        let unrestricted = PermissionProfile::Managed {
            file_system: FileSystemPolicy::Unrestricted,
            network: NetworkAccess::Enabled,
        };
        assert_eq!(command(&unrestricted), None);
    }

    #[test]
    fn a_closed_network_or_any_narrowing_entry_needs_the_helper() {
        let deny = FileSystemEntry {
            path: FileSystemPath::Path { path: "/srv/secret".into() },
            access: Access::Deny,
        };
        assert!(command(&managed(vec![root(Access::Write)], NetworkAccess::Restricted)).is_some());
        assert!(command(&managed(vec![root(Access::Write), deny], NetworkAccess::Enabled)).is_some());
        assert!(command(&managed(vec![root(Access::Read)], NetworkAccess::Enabled)).is_some());
        assert!(command(&managed(vec![], NetworkAccess::Enabled)).is_some());
    }
}
