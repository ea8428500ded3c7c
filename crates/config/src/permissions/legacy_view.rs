//! The older policy that says about the same as a profile (sandbox sheet §2.4).
//!
//! In comes a concrete profile, out goes the [`SandboxPolicy`] that older clients and rollouts carry. It may say less
//! than the profile; nothing is enforced by it.

use std::collections::BTreeSet;
use std::path::Path;

use quire_protocol::{
    Access, FileSystemEntry, FileSystemPath, FileSystemPolicy, NetworkAccess, PermissionProfile,
    SandboxPolicy, SpecialPath,
};

use super::Surroundings;

/// What can be said about `/` as a whole.
pub(super) struct RootAccess {
    pub(super) readable: bool,
    writable: bool,
    /// Writable but for some places.
    narrowed: bool,
}

pub(super) fn root_access(entries: &[FileSystemEntry]) -> RootAccess {
    let is_root = |entry: &&FileSystemEntry| {
        matches!(&entry.path, FileSystemPath::Special { value: SpecialPath::Root })
            || matches!(&entry.path, FileSystemPath::Path { path } if path == Path::new("/"))
    };
    let roots: Vec<Access> = entries.iter().filter(is_root).map(|entry| entry.access).collect();
    let denied = roots.contains(&Access::Deny);
    let writable = !denied && roots.contains(&Access::Write);
    let readable = !denied && !roots.is_empty();
    let narrowed = entries.iter().any(|entry| !is_root(&entry) && entry.access != Access::Write);
    RootAccess { readable, writable, narrowed }
}

/// The older policy that says about the same (sandbox sheet §2.4).
pub(super) fn policy_of(profile: &PermissionProfile, around: &Surroundings<'_>) -> SandboxPolicy {
    let (entries, network) = match profile {
        PermissionProfile::Disabled => return SandboxPolicy::DangerFullAccess,
        PermissionProfile::External { network } => {
            return SandboxPolicy::ExternalSandbox { network_access: *network };
        }
        PermissionProfile::Managed { file_system: FileSystemPolicy::Unrestricted, network } => {
            return unconfined(*network);
        }
        PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, network } => {
            (entries, *network)
        }
    };
    let root = root_access(entries);
    if root.writable && !root.narrowed {
        return unconfined(network);
    }
    let network_access = network == NetworkAccess::Enabled;
    let writes: Vec<&FileSystemPath> =
        entries.iter().filter(|entry| entry.access == Access::Write).map(|entry| &entry.path).collect();
    let in_workspace =
        writes.iter().any(|path| matches!(path, FileSystemPath::Path { path } if path == around.cwd));
    let view = if in_workspace { spelled_out(&writes) } else { looked_up(&writes, around) };
    let WriteView { roots, tmpdir, slash_tmp } = view;
    if roots.is_empty()
        && !tmpdir
        && !slash_tmp
        && !writes.iter().any(|path| is_special(path, &SpecialPath::Tmpdir))
    {
        return SandboxPolicy::ReadOnly { network_access };
    }
    let mut seen = BTreeSet::from([around.cwd]);
    SandboxPolicy::WorkspaceWrite {
        writable_roots: roots.into_iter().filter(|path| seen.insert(path)).map(Path::to_owned).collect(),
        network_access,
        exclude_tmpdir_env_var: !tmpdir,
        exclude_slash_tmp: !slash_tmp,
    }
}

/// What is writable, as the policy spells it.
struct WriteView<'a> {
    roots: Vec<&'a Path>,
    tmpdir: bool,
    slash_tmp: bool,
}

fn is_special(path: &FileSystemPath, wanted: &SpecialPath) -> bool {
    matches!(path, FileSystemPath::Special { value } if value == wanted)
}

/// With a writable working folder the names of the temporary folders are kept as they are.
fn spelled_out<'a>(writes: &[&'a FileSystemPath]) -> WriteView<'a> {
    let roots = writes.iter().filter_map(|path| match path {
        FileSystemPath::Path { path } => Some(path.as_path()),
        _ => None,
    });
    let has = |wanted: &SpecialPath| writes.iter().any(|path| is_special(path, wanted));
    WriteView {
        roots: roots.collect(),
        tmpdir: has(&SpecialPath::Tmpdir) || has(&SpecialPath::Root),
        slash_tmp: has(&SpecialPath::SlashTmp) || has(&SpecialPath::Root),
    }
}

/// Without one every name becomes its folder, and the temporary folders count when they lie in such a folder.
fn looked_up<'a>(writes: &[&'a FileSystemPath], around: &'a Surroundings<'_>) -> WriteView<'a> {
    let (slash, slash_tmp) = (Path::new("/"), Path::new("/tmp"));
    let roots: Vec<&Path> = writes
        .iter()
        .filter_map(|path| match path {
            FileSystemPath::Path { path } => Some(path.as_path()),
            FileSystemPath::Special { value: SpecialPath::Root } => Some(slash),
            FileSystemPath::Special { value: SpecialPath::Tmpdir } => around.tmpdir,
            FileSystemPath::Special { value: SpecialPath::SlashTmp } => Some(slash_tmp),
            _ => None,
        })
        .collect();
    let covers = |folder: &Path| roots.iter().any(|root| folder.starts_with(root));
    WriteView { tmpdir: around.tmpdir.is_some_and(covers), slash_tmp: covers(slash_tmp), roots }
}

fn unconfined(network: NetworkAccess) -> SandboxPolicy {
    match network {
        NetworkAccess::Enabled => SandboxPolicy::DangerFullAccess,
        NetworkAccess::Restricted => SandboxPolicy::ExternalSandbox { network_access: network },
    }
}
