//! Profiles of the user's own: inheritance, and from written lines to entries.
//!
//! In comes `[permissions]` and a name, out go the entries with the workspace roots still symbolic. What a newcomer
//! would get wrong: lines are sorted by key, not kept in file order, and a line of a child takes the place of its
//! parent's.

use std::path::{Component, Path, PathBuf};

use quire_protocol::{Access, FileSystemEntry, FileSystemPath, SpecialPath};

use super::{
    PermissionError, READ_ONLY, Surroundings, WORKSPACE, plain, read_only_lines, special, workspace,
    workspace_lines,
};
use crate::schema::{
    FilesystemPermission, FilesystemToml, PermissionProfileToml, PermissionsToml, SandboxWorkspaceWrite,
};

/// Beginning of a pattern below the workspace roots, until they are known.
const WORKSPACE_GLOB: &str = ":workspace_roots/";

/// A profile with its parents laid under it.
pub(super) struct Flat {
    /// What it starts from.
    base: Vec<FileSystemEntry>,
    pub(super) own: PermissionProfileToml,
}

pub(super) fn flatten(name: &str, table: &PermissionsToml) -> Result<Flat, PermissionError> {
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

pub(super) fn compile(
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
        match permission {
            FilesystemPermission::Access(access) => {
                entries.push(Line { key, subpath: None, access: *access }.entry(around, warnings)?);
            }
            FilesystemPermission::Scoped(scoped) => {
                for (subpath, access) in scoped {
                    entries
                        .push(Line { key, subpath: Some(subpath), access: *access }.entry(around, warnings)?);
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

/// One written line.
struct Line<'a> {
    key: &'a str,
    /// Below the key; `.` is the key itself.
    subpath: Option<&'a str>,
    access: Access,
}

/// What the last part of a line names.
struct Target<'a> {
    text: &'a str,
    is_pattern: bool,
}

impl Line<'_> {
    fn entry(
        &self,
        around: &Surroundings<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<FileSystemEntry, PermissionError> {
        let below = self.subpath.filter(|subpath| *subpath != ".");
        let Some(name) = self.key.strip_prefix(':') else { return self.path(below, around) };
        let value = match name {
            "workspace_roots" => return self.workspace(below),
            "root" => SpecialPath::Root,
            "minimal" => SpecialPath::Minimal,
            "tmpdir" => SpecialPath::Tmpdir,
            _ => return self.unknown(below, warnings),
        };
        match below {
            None => Ok(special(value, self.access)),
            Some(_) => Err(PermissionError::NoSubpaths(self.key.to_owned())),
        }
    }

    fn workspace(&self, below: Option<&str>) -> Result<FileSystemEntry, PermissionError> {
        let Some(subpath) = below else { return Ok(workspace(None, self.access)) };
        let target = self.target(subpath)?;
        let clean = descendant(target.text)?;
        if target.is_pattern {
            return Ok(self.pattern(format!("{WORKSPACE_GLOB}{}", clean.display())));
        }
        Ok(special(SpecialPath::ProjectRoots { subpath: Some(clean) }, self.access))
    }

    fn path(
        &self,
        below: Option<&str>,
        around: &Surroundings<'_>,
    ) -> Result<FileSystemEntry, PermissionError> {
        // With sub-paths the key itself is taken literally. A deny on it would protect nothing, so it stays a pattern.
        let base = match self.subpath {
            None => self.target(self.key)?,
            Some(_) => {
                Target { text: self.key, is_pattern: self.access == Access::Deny && is_glob(self.key) }
            }
        };
        if !(base.text.starts_with('/') || base.text == "~" || base.text.starts_with("~/")) {
            return Err(PermissionError::RelativePath(base.text.to_owned()));
        }
        let mut path = around.paths.absolute(base.text, Path::new("/"));
        let mut is_pattern = base.is_pattern;
        if let Some(subpath) = below {
            let target = self.target(subpath)?;
            path.push(descendant(target.text)?);
            is_pattern |= target.is_pattern;
        }
        Ok(if is_pattern {
            self.pattern(path.to_string_lossy().into_owned())
        } else {
            plain(path, self.access)
        })
    }

    fn unknown(
        &self,
        below: Option<&str>,
        warnings: &mut Vec<String>,
    ) -> Result<FileSystemEntry, PermissionError> {
        let key = self.key;
        let entry = below.map(|subpath| format!(" with the entry `{subpath}`")).unwrap_or_default();
        warnings
            .push(format!("Filesystem path `{key}`{entry} is not known to this version and has no effect."));
        let subpath = below.map(descendant).transpose()?;
        Ok(special(SpecialPath::Unknown { path: key.to_owned(), subpath }, self.access))
    }

    /// A trailing `/**` is the same as the folder; any other pattern can only deny.
    fn target<'t>(&self, written: &'t str) -> Result<Target<'t>, PermissionError> {
        let name = match self.access {
            Access::Deny => return Ok(Target { text: written, is_pattern: is_glob(written) }),
            Access::Read => "read",
            Access::Write => "write",
        };
        let text = written.strip_suffix("/**").unwrap_or(written);
        if is_glob(text) {
            return Err(PermissionError::GlobNeedsDeny { path: written.to_owned(), access: name });
        }
        Ok(Target { text, is_pattern: false })
    }

    fn pattern(&self, pattern: String) -> FileSystemEntry {
        FileSystemEntry { path: FileSystemPath::GlobPattern { pattern }, access: self.access }
    }
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', ']'])
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
pub(super) fn add_roots(mut entries: Vec<FileSystemEntry>, roots: &[PathBuf]) -> Vec<FileSystemEntry> {
    let more: Vec<_> = entries.iter().filter_map(|entry| per_root(entry, roots)).flatten().collect();
    for entry in more {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}

/// Puts the roots in place of the word for them.
pub(super) fn concrete(entries: Vec<FileSystemEntry>, roots: &[PathBuf]) -> Vec<FileSystemEntry> {
    entries.into_iter().flat_map(|entry| per_root(&entry, roots).unwrap_or_else(|| vec![entry])).collect()
}
