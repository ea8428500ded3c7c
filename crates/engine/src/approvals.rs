//! May this run? The decision tables of the approvals sheet (§2 and §3), as pure functions.
//!
//! No front end can be asked yet, so "ask" is answered with a refusal that says so. The kernel enforces what is
//! decided here: a command that runs, runs in the sandbox of its profile.

use std::path::{Path, PathBuf};

use quire_protocol::{
    Access, ApprovalPolicy, FileSystemPath, FileSystemPolicy, PermissionProfile, SpecialPath,
};

/// What to do with a command or patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Go on, inside the sandbox.
    Run,
    /// Do not; the reason is for the model.
    Refuse(String),
}

const NOBODY_TO_ASK: &str = "this needs the user's approval, and this client cannot be asked";

/// Whether a profile leaves everything open or to somebody else.
pub(crate) fn is_unconfined(profile: &PermissionProfile) -> bool {
    matches!(profile, PermissionProfile::Disabled | PermissionProfile::External { .. })
}

/// Refuses a call that asks for more than the sandbox under a policy that does not allow asking. The two shell tools
/// word it differently: `verb` is `cannot` or `should not`.
pub(crate) fn escalation(policy: &ApprovalPolicy, verb: &str) -> Result<(), String> {
    let name = match policy {
        ApprovalPolicy::OnRequest => return Ok(()),
        ApprovalPolicy::Never => "Never",
        ApprovalPolicy::Untrusted => "UnlessTrusted",
        ApprovalPolicy::OnFailure => "OnFailure",
        ApprovalPolicy::Granular(_) => "Granular",
    };
    Err(format!(
        "approval policy is {name}; reject command — you {verb} ask for escalated permissions if the approval \
         policy is {name}"
    ))
}

/// Decides about a command. `shown` is the command line as the model knows it.
pub(crate) fn command(
    policy: &ApprovalPolicy,
    profile: &PermissionProfile,
    argv: &[String],
    shown: &str,
    escalated: bool,
) -> Decision {
    let ask = || Decision::Refuse(NOBODY_TO_ASK.to_owned());
    if *policy == ApprovalPolicy::Untrusted {
        return if quire_shell::safety::is_known_safe(argv) { Decision::Run } else { ask() };
    }
    if quire_shell::safety::is_dangerous(argv) {
        return match policy {
            ApprovalPolicy::Never if is_unconfined(profile) => Decision::Run,
            ApprovalPolicy::Never => Decision::Refuse(format!("`{shown}` rejected: blocked by policy")),
            _ => ask(),
        };
    }
    if escalated && !is_unconfined(profile) { ask() } else { Decision::Run }
}

/// Decides about a patch that writes these absolute paths.
pub(crate) fn patch(
    policy: &ApprovalPolicy,
    profile: &PermissionProfile,
    cwd: &Path,
    temp_dir: Option<&Path>,
    paths: &[PathBuf],
) -> Decision {
    if *policy == ApprovalPolicy::Untrusted {
        return Decision::Refuse(format!("patch rejected: {NOBODY_TO_ASK}"));
    }
    if is_unconfined(profile) || paths.iter().all(|path| can_write(profile, path, cwd, temp_dir)) {
        return Decision::Run;
    }
    let asks = match policy {
        ApprovalPolicy::OnRequest | ApprovalPolicy::OnFailure | ApprovalPolicy::Untrusted => true,
        ApprovalPolicy::Granular(granular) => granular.sandbox_approval,
        ApprovalPolicy::Never => false,
    };
    Decision::Refuse(if asks {
        format!("patch rejected: {NOBODY_TO_ASK}")
    } else if writes_nothing(profile) {
        "patch rejected: writing is blocked by read-only sandbox; rejected by user approval settings"
            .to_owned()
    } else {
        "patch rejected: writing outside of the project; rejected by user approval settings".to_owned()
    })
}

fn writes_nothing(profile: &PermissionProfile) -> bool {
    match profile {
        PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } => {
            entries.iter().all(|entry| entry.access != Access::Write)
        }
        _ => false,
    }
}

/// Whether the profile lets a path be written: the longest matching entry decides, and at equal length deny beats
/// write beats read (sandbox sheet §2.2). Links are not resolved here; the kernel's sandbox does that.
pub(crate) fn can_write(
    profile: &PermissionProfile,
    path: &Path,
    cwd: &Path,
    temp_dir: Option<&Path>,
) -> bool {
    let PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } =
        profile
    else {
        return true;
    };
    let mut best: Option<(usize, u8, bool)> = None;
    for entry in entries {
        for root in entry_roots(&entry.path, cwd, temp_dir) {
            if !path.starts_with(&root) {
                continue;
            }
            let rank = match entry.access {
                Access::Read => 0,
                Access::Write => 1,
                Access::Deny => 2,
            };
            let candidate = (root.components().count(), rank, entry.access == Access::Write);
            if best.is_none_or(|(depth, held, _)| (candidate.0, candidate.1) > (depth, held)) {
                best = Some(candidate);
            }
        }
    }
    best.is_some_and(|(_, _, write)| write)
}

fn entry_roots(path: &FileSystemPath, cwd: &Path, temp_dir: Option<&Path>) -> Vec<PathBuf> {
    match path {
        FileSystemPath::Path { path } => vec![path.clone()],
        FileSystemPath::Special { value } => match value {
            SpecialPath::Root => vec![PathBuf::from("/")],
            SpecialPath::ProjectRoots { subpath } => {
                vec![subpath.as_ref().map_or_else(|| cwd.to_owned(), |sub| cwd.join(sub))]
            }
            SpecialPath::Tmpdir => temp_dir.map(Path::to_owned).into_iter().collect(),
            SpecialPath::SlashTmp => vec![PathBuf::from("/tmp")],
            SpecialPath::Minimal | SpecialPath::Unknown { .. } => Vec::new(),
        },
        FileSystemPath::GlobPattern { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_protocol::SandboxPolicy;

    fn workspace() -> PermissionProfile {
        let policy = SandboxPolicy::WorkspaceWrite {
            writable_roots: vec![],
            network_access: false,
            exclude_tmpdir_env_var: false,
            exclude_slash_tmp: true,
        };
        PermissionProfile::from_policy(&policy, Path::new("/w"))
    }

    fn read_only() -> PermissionProfile {
        PermissionProfile::from_policy(&SandboxPolicy::ReadOnly { network_access: false }, Path::new("/w"))
    }

    #[test]
    fn the_longest_entry_decides() {
        let can =
            |path: &str| can_write(&workspace(), Path::new(path), Path::new("/w"), Some(Path::new("/t")));
        assert!(can("/w/a") && can("/w/sub/.git/x") && can("/t/x"));
        assert!(
            !can("/w/.git/config") && !can("/w/.codex") && !can("/etc/x") && !can("/tmp/x") && !can("/wx")
        );
    }

    #[test]
    fn never_refuses_what_it_would_have_to_ask_for() {
        let cwd = Path::new("/w");
        let out = vec![PathBuf::from("/etc/x")];
        let decide = |profile| patch(&ApprovalPolicy::Never, &profile, cwd, None, &out);
        assert!(
            matches!(decide(workspace()), Decision::Refuse(text) if text.contains("outside of the project"))
        );
        assert!(matches!(decide(read_only()), Decision::Refuse(text) if text.contains("read-only")));
        assert_eq!(decide(PermissionProfile::Disabled), Decision::Run);
    }

    #[test]
    fn dangerous_commands_need_a_person_or_full_access() {
        let rm: Vec<String> = ["rm", "-rf", "x"].map(str::to_owned).into();
        let decide = |policy, profile| command(&policy, &profile, &rm, "rm -rf x", false);
        assert_eq!(decide(ApprovalPolicy::Never, PermissionProfile::Disabled), Decision::Run);
        assert_eq!(
            decide(ApprovalPolicy::Never, workspace()),
            Decision::Refuse("`rm -rf x` rejected: blocked by policy".into())
        );
        assert!(matches!(decide(ApprovalPolicy::OnRequest, workspace()), Decision::Refuse(_)));
    }
}
