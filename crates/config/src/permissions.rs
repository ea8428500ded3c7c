//! From keys to what commands may touch (config sheet §9, sandbox sheet §3).
//!
//! In come the three-step `sandbox_mode` or a named profile; out go the [`PermissionProfile`] that is enforced and the
//! older [`SandboxPolicy`] that clients and rollouts still carry. What a newcomer would get wrong: a profile is built
//! with the *symbolic* workspace roots first and made concrete last, so the order of its lines is that of the reference.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use quire_protocol::{
    Access, FileSystemEntry, FileSystemPath, FileSystemPolicy, NetworkAccess, PermissionProfile, SandboxMode,
    SandboxPolicy, SpecialPath,
};

use crate::layer::Paths;
use crate::schema::{
    FilesystemPermission, FilesystemToml, PermissionProfileToml, PermissionsToml, SandboxWorkspaceWrite,
};

/// Names that stay read-only below every writable root.
const PROTECTED_NAMES: [&str; 3] = [".git", ".agents", ".codex"];
/// Profiles that exist without being defined.
const READ_ONLY: &str = ":read-only";
const WORKSPACE: &str = ":workspace";
const FULL_ACCESS: &str = ":danger-full-access";

/// What is wrong with the permission profiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// Profiles without a choice.
    #[error("config defines `[permissions]` profiles but does not set `default_permissions`")]
    NoDefault,
    /// A choice without profiles.
    #[error("default_permissions requires a `[permissions]` table")]
    NoTable,
    /// A name nobody defined.
    #[error("default_permissions refers to undefined profile `{0}`")]
    Undefined(String),
    /// A built-in name that does not exist.
    #[error("default_permissions refers to unknown built-in profile `{0}`")]
    UnknownBuiltIn(String),
    /// A name that only built-in profiles may have.
    #[error("permissions profile `{0}` uses a reserved built-in profile prefix")]
    ReservedName(String),
    /// A parent nobody defined.
    #[error("permissions profile `{profile}` extends undefined profile `{parent}`")]
    UndefinedParent {
        /// The profile.
        profile: String,
        /// Its parent.
        parent: String,
    },
    /// A parent that cannot be one.
    #[error("permissions profile `{profile}` cannot extend unsupported built-in profile `{parent}`")]
    UnsupportedParent {
        /// The profile.
        profile: String,
        /// Its parent.
        parent: String,
    },
    /// Parents that lead back.
    #[error("permissions profile inheritance cycle detected: {0}")]
    Cycle(String),
    /// A path without root.
    #[error("filesystem path `{0}` must be absolute, use `~/...`, or start with `:`")]
    RelativePath(String),
    /// A sub-path that leaves its folder.
    #[error("filesystem subpath `{0}` must be a descendant path without `.` or `..` components")]
    BadSubpath(String),
    /// Sub-paths where none are possible.
    #[error("filesystem path `{0}` does not support nested entries")]
    NoSubpaths(String),
    /// A pattern that allows something.
    #[error(
        "filesystem glob path `{path}` only supports `deny` access; use an exact path or trailing `/**` for `{access}` \
         subtree access"
    )]
    GlobNeedsDeny {
        /// The pattern.
        path: String,
        /// What it allows.
        access: &'static str,
    },
    /// A depth of zero.
    #[error("glob_scan_max_depth must be at least 1")]
    ZeroGlobDepth,
}

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
    /// Whether `$TMPDIR` is set.
    pub(crate) has_tmpdir: bool,
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
        Selection::Profile(name) => named(name, defined, around),
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

fn named(
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
            let flat = flatten(&name, table)?;
            let compiled = compile(&name, &flat, around, &mut warnings)?;
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
    let policy = project(&profile, around);
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

/// A profile with its parents laid under it.
struct Flat {
    /// What it starts from.
    base: Vec<FileSystemEntry>,
    own: PermissionProfileToml,
}

fn flatten(name: &str, table: &PermissionsToml) -> Result<Flat, PermissionError> {
    let mut chain = vec![name];
    let mut own = table.0.get(name).cloned().unwrap_or_default();
    loop {
        let profile = *chain.last().unwrap_or(&name);
        let Some(parent) = table.0.get(profile).and_then(|profile| profile.extends.as_deref()) else {
            return Ok(Flat { base: Vec::new(), own });
        };
        match parent {
            READ_ONLY => return Ok(Flat { base: read_only_lines(), own }),
            WORKSPACE => return Ok(Flat { base: workspace_lines(&SandboxWorkspaceWrite::default()), own }),
            built_in if built_in.starts_with(':') => {
                let (profile, parent) = (profile.to_owned(), parent.to_owned());
                return Err(PermissionError::UnsupportedParent { profile, parent });
            }
            _ => {}
        }
        if let Some(start) = chain.iter().position(|seen| *seen == parent) {
            chain.push(parent);
            return Err(PermissionError::Cycle(chain[start..].join(" -> ")));
        }
        let Some(below) = table.0.get(parent) else {
            let (profile, parent) = (profile.to_owned(), parent.to_owned());
            return Err(PermissionError::UndefinedParent { profile, parent });
        };
        own = lay_over(below.clone(), own);
        chain.push(parent);
    }
}

/// The child's lines replace the parent's; tables merge.
fn lay_over(mut parent: PermissionProfileToml, child: PermissionProfileToml) -> PermissionProfileToml {
    if let Some(roots) = child.workspace_roots {
        parent.workspace_roots.get_or_insert_default().0.extend(roots.0);
    }
    if let Some(filesystem) = child.filesystem {
        let below = parent.filesystem.get_or_insert_default();
        below.glob_scan_max_depth = filesystem.glob_scan_max_depth.or(below.glob_scan_max_depth);
        for (path, permission) in filesystem.entries {
            match (below.entries.get_mut(&path), permission) {
                (Some(FilesystemPermission::Scoped(old)), FilesystemPermission::Scoped(new)) => {
                    old.extend(new);
                }
                (_, permission) => {
                    below.entries.insert(path, permission);
                }
            }
        }
    }
    if let Some(network) = child.network {
        let below = parent.network.get_or_insert_default();
        below.enabled = network.enabled.or(below.enabled);
    }
    parent.description = child.description.or(parent.description);
    parent
}

fn compile(
    name: &str,
    flat: &Flat,
    around: &Surroundings<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<FileSystemEntry>, PermissionError> {
    let nothing = FilesystemToml::default();
    let filesystem = flat.own.filesystem.as_ref().unwrap_or(&nothing);
    if filesystem.glob_scan_max_depth == Some(0) {
        return Err(PermissionError::ZeroGlobDepth);
    }
    let mut entries = flat.base.clone();
    for (key, permission) in &filesystem.entries {
        let place = Place::parse(key, around)?;
        match permission {
            FilesystemPermission::Access(access) => entries.push(place.whole(key, *access, warnings)?),
            FilesystemPermission::Scoped(scoped) => {
                for (subpath, access) in scoped {
                    entries.push(place.below(key, subpath, *access, warnings)?);
                }
            }
        }
    }
    if entries.is_empty() {
        warnings.push(format!(
            "Permissions profile `{name}` has no filesystem entry that this version understands, so commands can read \
             nothing."
        ));
    }
    if filesystem.glob_scan_max_depth.is_none() && cfg!(not(target_os = "macos")) {
        warnings.extend(entries.iter().filter_map(unbounded_glob));
    }
    Ok(entries)
}

fn unbounded_glob(entry: &FileSystemEntry) -> Option<String> {
    let FileSystemPath::GlobPattern { pattern } = &entry.path else { return None };
    (entry.access == Access::Deny && pattern.contains("**")).then(|| {
        format!(
            "Filesystem deny-read glob `{pattern}` uses `**` without a limit. Set `glob_scan_max_depth` in the profile \
             to say how deep to look."
        )
    })
}

/// The left side of a line.
enum Place {
    Workspace,
    Special(SpecialPath),
    Unknown,
    Glob(String),
    Path(PathBuf),
}

/// Beginning of a pattern below the workspace roots, until they are known.
const WORKSPACE_GLOB: &str = ":workspace_roots/";

impl Place {
    fn parse(key: &str, around: &Surroundings<'_>) -> Result<Self, PermissionError> {
        if let Some(name) = key.strip_prefix(':') {
            return Ok(match name {
                "root" => Self::Special(SpecialPath::Root),
                "minimal" => Self::Special(SpecialPath::Minimal),
                "tmpdir" => Self::Special(SpecialPath::Tmpdir),
                "workspace_roots" => Self::Workspace,
                _ => Self::Unknown,
            });
        }
        let exact = key.strip_suffix("/**").filter(|stem| !is_glob(stem)).unwrap_or(key);
        if !(exact.starts_with('/') || exact == "~" || exact.starts_with("~/")) {
            return Err(PermissionError::RelativePath(exact.to_owned()));
        }
        let path = around.paths.absolute(exact, Path::new("/"));
        Ok(if is_glob(key) && exact == key {
            Self::Glob(path.to_string_lossy().into_owned())
        } else {
            Self::Path(path)
        })
    }

    fn whole(
        &self,
        key: &str,
        access: Access,
        warnings: &mut Vec<String>,
    ) -> Result<FileSystemEntry, PermissionError> {
        Ok(match self {
            Self::Workspace => workspace(None, access),
            Self::Special(value) => special(value.clone(), access),
            Self::Unknown => {
                warnings
                    .push(format!("Filesystem path `{key}` is not known to this version and has no effect."));
                special(SpecialPath::Unknown { path: key.to_owned(), subpath: None }, access)
            }
            Self::Glob(pattern) => glob(key, pattern.clone(), access)?,
            Self::Path(path) if key.ends_with("/**") && access == Access::Deny => {
                let pattern = path.join("**").to_string_lossy().into_owned();
                glob(key, pattern, access)?
            }
            Self::Path(path) => plain(path.clone(), access),
        })
    }

    fn below(
        &self,
        key: &str,
        subpath: &str,
        access: Access,
        warnings: &mut Vec<String>,
    ) -> Result<FileSystemEntry, PermissionError> {
        if subpath == "." {
            return self.whole(key, access, warnings);
        }
        let clean = descendant(subpath)?;
        if let Self::Unknown = self {
            warnings.push(format!(
                "Filesystem path `{key}` with the entry `{subpath}` is not known to this version and has no effect."
            ));
            let value = SpecialPath::Unknown { path: key.to_owned(), subpath: Some(clean) };
            return Ok(special(value, access));
        }
        let stem = subpath.strip_suffix("/**").filter(|stem| !is_glob(stem) && access != Access::Deny);
        let pattern = stem.is_none() && is_glob(subpath);
        let clean = stem.map_or(Ok(clean), descendant)?;
        match self {
            Self::Workspace if pattern => {
                glob(subpath, format!("{WORKSPACE_GLOB}{}", clean.display()), access)
            }
            Self::Workspace => Ok(special(SpecialPath::ProjectRoots { subpath: Some(clean) }, access)),
            Self::Path(path) if pattern => {
                glob(subpath, path.join(clean).to_string_lossy().into_owned(), access)
            }
            Self::Path(path) => Ok(plain(path.join(clean), access)),
            Self::Glob(base) => glob(key, format!("{base}/{}", clean.display()), access),
            Self::Special(_) | Self::Unknown => Err(PermissionError::NoSubpaths(key.to_owned())),
        }
    }
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', ']'])
}

fn glob(written: &str, pattern: String, access: Access) -> Result<FileSystemEntry, PermissionError> {
    let name = match access {
        Access::Deny => return Ok(FileSystemEntry { path: FileSystemPath::GlobPattern { pattern }, access }),
        Access::Read => "read",
        Access::Write => "write",
    };
    Err(PermissionError::GlobNeedsDeny { path: written.to_owned(), access: name })
}

fn descendant(subpath: &str) -> Result<PathBuf, PermissionError> {
    let path = Path::new(subpath);
    let inside = !subpath.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_)));
    // `components` drops inner and trailing `.`, which are refused too.
    let dotted = subpath.split('/').any(|part| part == ".");
    if inside && !dotted {
        Ok(path.components().collect())
    } else {
        Err(PermissionError::BadSubpath(subpath.to_owned()))
    }
}

/// The same line for each root; lines that do not speak of the workspace stay as they are.
fn per_root(entry: &FileSystemEntry, roots: &[PathBuf]) -> Option<Vec<FileSystemEntry>> {
    match &entry.path {
        FileSystemPath::Special { value: SpecialPath::ProjectRoots { subpath } } => {
            let below =
                |root: &PathBuf| subpath.as_ref().map_or_else(|| root.clone(), |subpath| root.join(subpath));
            Some(roots.iter().map(|root| plain(below(root), entry.access)).collect())
        }
        FileSystemPath::GlobPattern { pattern } => {
            let subpath = pattern.strip_prefix(WORKSPACE_GLOB)?;
            let below = |root: &PathBuf| FileSystemEntry {
                path: FileSystemPath::GlobPattern {
                    pattern: root.join(subpath).to_string_lossy().into_owned(),
                },
                access: entry.access,
            };
            Some(roots.iter().map(below).collect())
        }
        FileSystemPath::Special { .. } | FileSystemPath::Path { .. } => None,
    }
}

/// Adds the roots a profile names itself: behind everything else, each line once.
fn add_roots(mut entries: Vec<FileSystemEntry>, roots: &[PathBuf]) -> Vec<FileSystemEntry> {
    let more: Vec<_> = entries.iter().filter_map(|entry| per_root(entry, roots)).flatten().collect();
    for entry in more {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}

/// Puts the roots in place of the word for them.
fn concrete(entries: Vec<FileSystemEntry>, roots: &[PathBuf]) -> Vec<FileSystemEntry> {
    entries.into_iter().flat_map(|entry| per_root(&entry, roots).unwrap_or_else(|| vec![entry])).collect()
}

/// What can be said about `/` as a whole.
fn root_access(entries: &[FileSystemEntry]) -> (bool, bool, bool) {
    let is_root = |entry: &&FileSystemEntry| {
        matches!(&entry.path, FileSystemPath::Special { value: SpecialPath::Root })
            || matches!(&entry.path, FileSystemPath::Path { path } if path == Path::new("/"))
    };
    let roots: Vec<Access> = entries.iter().filter(is_root).map(|entry| entry.access).collect();
    let denied = roots.contains(&Access::Deny);
    let writable = !denied && roots.contains(&Access::Write);
    let readable = !denied && !roots.is_empty();
    let narrowed = entries.iter().any(|entry| !is_root(&entry) && entry.access != Access::Write);
    (readable, writable, writable && narrowed)
}

fn add_readable(profile: &mut PermissionProfile, readable: &[PathBuf]) {
    let PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } =
        profile
    else {
        return;
    };
    if !root_access(entries).0 {
        entries.extend(readable.iter().map(|path| plain(path.clone(), Access::Read)));
    }
}

/// The older policy that says about the same (sandbox sheet §2.4).
fn project(profile: &PermissionProfile, around: &Surroundings<'_>) -> SandboxPolicy {
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
    let (_, root_writable, narrowed) = root_access(entries);
    if root_writable && !narrowed {
        return unconfined(network);
    }
    let network_access = network == NetworkAccess::Enabled;
    if !entries.iter().any(|entry| entry.access == Access::Write) {
        return SandboxPolicy::ReadOnly { network_access };
    }
    let writable = |wanted: &SpecialPath| {
        entries.iter().any(|entry| {
            entry.access == Access::Write
                && matches!(&entry.path, FileSystemPath::Special { value } if value == wanted)
        })
    };
    let mut seen = BTreeSet::from([around.cwd]);
    let slash = Path::new("/");
    let writable_roots = entries
        .iter()
        .filter(|entry| entry.access == Access::Write)
        .filter_map(|entry| match &entry.path {
            FileSystemPath::Path { path } => Some(path.as_path()),
            FileSystemPath::Special { value: SpecialPath::Root } => Some(slash),
            _ => None,
        })
        .filter(|path| seen.insert(path))
        .map(Path::to_owned)
        .collect();
    SandboxPolicy::WorkspaceWrite {
        writable_roots,
        network_access,
        exclude_tmpdir_env_var: !(writable(&SpecialPath::Tmpdir) || root_writable && around.has_tmpdir),
        exclude_slash_tmp: !(writable(&SpecialPath::SlashTmp) || root_writable),
    }
}

fn unconfined(network: NetworkAccess) -> SandboxPolicy {
    match network {
        NetworkAccess::Enabled => SandboxPolicy::DangerFullAccess,
        NetworkAccess::Restricted => SandboxPolicy::ExternalSandbox { network_access: network },
    }
}
