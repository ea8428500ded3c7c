//! From keys to what commands may touch (config sheet §9, sandbox sheet §3).
//!
//! In come the three-step `sandbox_mode` or a named profile; out go the [`PermissionProfile`] that is enforced and the
//! older [`SandboxPolicy`] that clients and rollouts still carry. What a newcomer would get wrong: a profile is built
//! with the *symbolic* workspace roots first and made concrete last, so the order of its lines is that of the reference.

mod error;
mod legacy_view;
mod named;

use std::path::{Path, PathBuf};

use quire_protocol::{
    Access, FileSystemEntry, FileSystemPath, FileSystemPolicy, NetworkAccess, PermissionProfile, SandboxMode,
    SandboxPolicy, SpecialPath,
};

pub use error::PermissionError;
use named::{add_roots, concrete};

use crate::layer::Paths;
use crate::schema::{PermissionsToml, SandboxWorkspaceWrite};

/// Names that stay read-only below every writable root.
const PROTECTED_NAMES: [&str; 3] = [".git", ".agents", ".codex"];
/// Profiles that exist without being defined.
const READ_ONLY: &str = ":read-only";
const WORKSPACE: &str = ":workspace";
const FULL_ACCESS: &str = ":danger-full-access";

/// Which of the two spellings counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// `sandbox_mode`.
    Mode(SandboxMode),
    /// `default_permissions`.
    Profile(String),
    /// Neither: what trust says. Keeps `[sandbox_workspace_write]`.
    Implied(SandboxMode),
}

/// What the decision depends on besides the selection.
pub(crate) struct Surroundings<'a> {
    pub(crate) cwd: &'a Path,
    /// Roots from the command line.
    pub(crate) extra_roots: &'a [PathBuf],
    /// Folders every profile must be able to read.
    pub(crate) readable: &'a [PathBuf],
    pub(crate) paths: &'a Paths,
    /// `$TMPDIR`, if it is set.
    pub(crate) tmpdir: Option<&'a Path>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permissions {
    pub(crate) profile: PermissionProfile,
    pub(crate) policy: SandboxPolicy,
    /// The working folder first.
    pub(crate) workspace_roots: Vec<PathBuf>,
    /// The name of the profile, when one was named.
    pub(crate) name: Option<String>,
    pub(crate) warnings: Vec<String>,
}

/// Decides.
pub(crate) fn resolve(
    selection: Selection,
    workspace_write: &SandboxWorkspaceWrite,
    defined: Option<&PermissionsToml>,
    around: &Surroundings<'_>,
) -> Result<Permissions, PermissionError> {
    match selection {
        Selection::Mode(mode) => Ok(legacy(mode, workspace_write, around)),
        Selection::Implied(mode) => {
            if defined.is_some_and(|table| !table.0.is_empty()) {
                return Err(PermissionError::NoDefault);
            }
            Ok(legacy(mode, workspace_write, around))
        }
        Selection::Profile(name) => by_name(name, defined, around),
    }
}

fn legacy(mode: SandboxMode, details: &SandboxWorkspaceWrite, around: &Surroundings<'_>) -> Permissions {
    let mut roots = Roots::new(around);
    let profile = match mode {
        SandboxMode::DangerFullAccess => PermissionProfile::Disabled,
        SandboxMode::ReadOnly => managed(read_only_lines(), None, false),
        SandboxMode::WorkspaceWrite => {
            roots.extend(details.writable_roots.iter().cloned());
            let mut entries = workspace_lines(details);
            entries.extend(details.writable_roots.iter().flat_map(|root| existing_metadata(root)));
            managed(concrete(entries, &roots.0), None, details.network_access)
        }
    };
    finish(profile, roots.0, None, Vec::new(), around)
}

fn by_name(
    name: String,
    defined: Option<&PermissionsToml>,
    around: &Surroundings<'_>,
) -> Result<Permissions, PermissionError> {
    if let Some(reserved) = defined.and_then(|table| table.0.keys().find(|name| name.starts_with(':'))) {
        return Err(PermissionError::ReservedName(reserved.clone()));
    }
    let mut roots = Roots::new(around);
    let mut warnings = Vec::new();
    let profile = match name.as_str() {
        FULL_ACCESS => PermissionProfile::Disabled,
        READ_ONLY => managed(read_only_lines(), None, false),
        WORKSPACE => {
            managed(concrete(workspace_lines(&SandboxWorkspaceWrite::default()), &roots.0), None, false)
        }
        built_in if built_in.starts_with(':') => return Err(PermissionError::UnknownBuiltIn(name)),
        _ => {
            let table = defined.ok_or(PermissionError::NoTable)?;
            if !table.0.contains_key(&name) {
                return Err(PermissionError::Undefined(name));
            }
            let flat = named::flatten(&name, table)?;
            let compiled = named::compile(&name, &flat, around, &mut warnings)?;
            let own_roots = flat.own.workspace_roots.unwrap_or_default();
            let own_roots: Vec<_> = own_roots
                .0
                .iter()
                .filter(|(_, counts)| **counts)
                .map(|(path, _)| around.paths.absolute(path, around.cwd))
                .collect();
            let entries = concrete(add_roots(compiled, &own_roots), &roots.0);
            roots.extend(own_roots);
            let filesystem = flat.own.filesystem.unwrap_or_default();
            let open = flat.own.network.and_then(|network| network.enabled).unwrap_or(false);
            managed(entries, filesystem.glob_scan_max_depth, open)
        }
    };
    Ok(finish(profile, roots.0, Some(name), warnings, around))
}

fn finish(
    mut profile: PermissionProfile,
    workspace_roots: Vec<PathBuf>,
    name: Option<String>,
    warnings: Vec<String>,
    around: &Surroundings<'_>,
) -> Permissions {
    add_readable(&mut profile, around.readable);
    let policy = legacy_view::policy_of(&profile, around);
    Permissions { profile, policy, workspace_roots, name, warnings }
}

/// Workspace roots, each once, the working folder first.
struct Roots(Vec<PathBuf>);

impl Roots {
    fn new(around: &Surroundings<'_>) -> Self {
        let mut roots = Self(vec![around.cwd.to_owned()]);
        roots.extend(around.extra_roots.iter().cloned());
        roots
    }

    fn extend(&mut self, more: impl IntoIterator<Item = PathBuf>) {
        for root in more {
            if !self.0.contains(&root) {
                self.0.push(root);
            }
        }
    }
}

fn special(value: SpecialPath, access: Access) -> FileSystemEntry {
    FileSystemEntry { path: FileSystemPath::Special { value }, access }
}

fn workspace(subpath: Option<&str>, access: Access) -> FileSystemEntry {
    special(SpecialPath::ProjectRoots { subpath: subpath.map(PathBuf::from) }, access)
}

fn plain(path: PathBuf, access: Access) -> FileSystemEntry {
    FileSystemEntry { path: FileSystemPath::Path { path }, access }
}

fn managed(
    entries: Vec<FileSystemEntry>,
    glob_scan_max_depth: Option<usize>,
    open: bool,
) -> PermissionProfile {
    PermissionProfile::Managed {
        file_system: FileSystemPolicy::Restricted { entries, glob_scan_max_depth },
        network: if open { NetworkAccess::Enabled } else { NetworkAccess::Restricted },
    }
}

fn read_only_lines() -> Vec<FileSystemEntry> {
    vec![special(SpecialPath::Root, Access::Read)]
}

fn workspace_lines(details: &SandboxWorkspaceWrite) -> Vec<FileSystemEntry> {
    let mut lines = vec![special(SpecialPath::Root, Access::Read), workspace(None, Access::Write)];
    if !details.exclude_slash_tmp {
        lines.push(special(SpecialPath::SlashTmp, Access::Write));
    }
    if !details.exclude_tmpdir_env_var {
        lines.push(special(SpecialPath::Tmpdir, Access::Write));
    }
    lines.extend(details.writable_roots.iter().map(|root| plain(root.clone(), Access::Write)));
    lines.extend(PROTECTED_NAMES.iter().map(|name| workspace(Some(name), Access::Read)));
    lines
}

/// The protected names that a configured root holds already: `.git` of any kind, the others as folders.
fn existing_metadata(root: &Path) -> impl Iterator<Item = FileSystemEntry> {
    PROTECTED_NAMES.iter().filter_map(move |name| {
        let path = root.join(name);
        let there = if *name == ".git" { path.exists() } else { path.is_dir() };
        there.then(|| plain(path, Access::Read))
    })
}

fn add_readable(profile: &mut PermissionProfile, readable: &[PathBuf]) {
    let PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } =
        profile
    else {
        return;
    };
    if !legacy_view::root_access(entries).readable {
        entries.extend(readable.iter().map(|path| plain(path.clone(), Access::Read)));
    }
}
