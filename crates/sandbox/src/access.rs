//! From the entries of a profile to one access per real path (sandbox sheet §2.2).
//!
//! In come entries that may be names (`project_roots`, `tmpdir`), symbolic links or missing; out comes a map from
//! canonical paths to what is allowed there, with the protected names of every writable root filled in.
//!
//! A newcomer's trap: a path is judged where it really is. A link that the command itself could redirect would move a
//! rule to another place, so such rules are refused instead of followed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::{fs, iter};

use quire_protocol::{Access, FileSystemEntry, FileSystemPath, PROTECTED_NAMES, SpecialPath};

use crate::error::SandboxError;

/// Where programs and their libraries live: the meaning of `minimal`.
const MINIMAL: [&str; 8] =
    ["/bin", "/sbin", "/usr", "/etc", "/lib", "/lib64", "/nix/store", "/run/current-system/sw"];

/// Links followed before a path counts as a loop; the kernel's own limit.
const MAX_LINKS: usize = 40;

/// What the machine-dependent names stand for.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `project_roots`.
    pub policy_cwd: PathBuf,
    /// `tmpdir`, when `$TMPDIR` is set and not empty.
    pub tmpdir: Option<PathBuf>,
}

/// What is allowed at one path and below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The access.
    pub access: Access,
    /// Whether it is there because of its name (`.git`, …), not because an entry asks for it.
    pub metadata: bool,
}

/// A symbolic link that was followed on the way to a rule's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// Where the link is; every folder above it is real.
    pub location: PathBuf,
    /// What it says.
    pub target: PathBuf,
}

/// The file half of a profile, resolved on this machine.
#[derive(Debug, Default)]
pub(crate) struct FileRules {
    rules: BTreeMap<PathBuf, Rule>,
    links: Vec<Link>,
}

impl FileRules {
    /// Resolves the entries of a restricted profile.
    pub(crate) fn resolve(entries: &[FileSystemEntry], places: &Places) -> Result<Self, SandboxError> {
        let mut files = Self::default();
        let mut walks = Vec::new();
        for entry in entries {
            for path in places_of(&entry.path, places)? {
                let walk = Walk::to(&path);
                if entry.access == Access::Write && !walk.exists() {
                    continue;
                }
                files.add(walk.real.clone(), entry.access);
                walks.push((path, entry.access, walk));
            }
        }
        files.protect_metadata();
        files.refuse_writable_links(&walks)?;
        files.links = walks.into_iter().flat_map(|(_, _, walk)| walk.links).collect();
        Ok(files)
    }

    /// What is allowed at `path`: the longest entry at or above it decides.
    pub(crate) fn access(&self, path: &Path) -> Option<Access> {
        path.ancestors().find_map(|ancestor| self.rules.get(ancestor)).map(|rule| rule.access)
    }

    /// What would be allowed at `path` if it had no entry of its own.
    pub(crate) fn access_above(&self, path: &Path) -> Option<Access> {
        path.parent().and_then(|parent| self.access(parent))
    }

    /// Every rule but the root's, outer folders first.
    pub(crate) fn by_depth(&self) -> Vec<(&Path, Rule)> {
        let mut rules: Vec<_> = self
            .rules
            .iter()
            .filter(|(path, _)| path.parent().is_some())
            .map(|(path, rule)| (path.as_path(), *rule))
            .collect();
        rules.sort_by_key(|(path, _)| path.components().count());
        rules
    }

    /// The access of everything no other rule speaks of.
    pub(crate) fn base(&self) -> Option<Access> {
        self.rules.get(Path::new("/")).map(|rule| rule.access)
    }

    /// The links that lead to the rules' paths.
    pub(crate) fn links(&self) -> &[Link] {
        &self.links
    }

    /// Adds an entry; at the same path deny beats write beats read.
    fn add(&mut self, path: PathBuf, access: Access) {
        let rule = Rule { access, metadata: false };
        self.rules
            .entry(path)
            .and_modify(|present| present.access = present.access.max(access))
            .or_insert(rule);
    }

    /// Makes the protected names of every writable root read-only, and what a `.git` file points to.
    fn protect_metadata(&mut self) {
        let roots: Vec<PathBuf> = self
            .rules
            .iter()
            .filter(|(path, rule)| rule.access == Access::Write && path.is_dir())
            .map(|(path, _)| path.clone())
            .collect();
        for root in roots {
            for name in PROTECTED_NAMES {
                match self.rules.entry(root.join(name)) {
                    Entry::Vacant(slot) => {
                        slot.insert(Rule { access: Access::Read, metadata: true });
                    }
                    // The session names them too; they stay protected names.
                    Entry::Occupied(mut slot) if slot.get().access == Access::Read => {
                        slot.get_mut().metadata = true;
                    }
                    Entry::Occupied(_) => {}
                }
            }
            for folder in linked_git_folders(&root) {
                self.rules.entry(folder).or_insert(Rule { access: Access::Read, metadata: false });
            }
        }
    }

    /// Refuses rules whose place the command could change by redirecting a link.
    fn refuse_writable_links(&self, walks: &[(PathBuf, Access, Walk)]) -> Result<(), SandboxError> {
        let writable = |link: &&Link| self.access(&link.location) == Some(Access::Write);
        let to_roots: Vec<&Link> = walks
            .iter()
            .filter(|(_, access, _)| *access == Access::Write)
            .flat_map(|(_, _, walk)| &walk.links)
            .collect();
        for (path, access, walk) in walks {
            if *access == Access::Write {
                if self.access_above(&walk.real) == Some(Access::Write) {
                    continue;
                }
                if let Some(link) = walk.links.iter().find(writable) {
                    return Err(SandboxError::WritableRootLink {
                        path: path.clone(),
                        link: link.location.clone(),
                    });
                }
            } else if let Some(link) =
                walk.links.iter().filter(|link| !to_roots.contains(link)).find(writable)
            {
                return Err(SandboxError::WritableLink { path: path.clone(), link: link.location.clone() });
            }
        }
        // Protected names that no entry spells out.
        for (path, rule) in &self.rules {
            if rule.metadata && path.is_symlink() {
                return Err(SandboxError::WritableLink { path: path.clone(), link: path.clone() });
            }
        }
        Ok(())
    }
}

/// The absolute paths an entry stands for.
fn places_of(path: &FileSystemPath, places: &Places) -> Result<Vec<PathBuf>, SandboxError> {
    let below = |subpath: &Option<PathBuf>| match subpath {
        Some(subpath) => places.policy_cwd.join(subpath),
        None => places.policy_cwd.clone(),
    };
    let paths = match path {
        FileSystemPath::Special { value } => match value {
            SpecialPath::Root => vec![PathBuf::from("/")],
            SpecialPath::Minimal => MINIMAL.iter().map(PathBuf::from).filter(|path| path.exists()).collect(),
            SpecialPath::ProjectRoots { subpath } => vec![below(subpath)],
            SpecialPath::Tmpdir => places.tmpdir.iter().cloned().collect(),
            SpecialPath::SlashTmp => iter::once(PathBuf::from("/tmp")).filter(|path| path.is_dir()).collect(),
            SpecialPath::Unknown { .. } => Vec::new(),
        },
        FileSystemPath::Path { path } => vec![path.clone()],
        FileSystemPath::GlobPattern { pattern } => {
            let plain = pattern.strip_suffix("/**").unwrap_or(pattern);
            if plain.contains(['*', '?', '[', ']', '{', '}']) {
                return Err(SandboxError::Pattern { pattern: pattern.clone() });
            }
            vec![PathBuf::from(if plain.is_empty() { "/" } else { plain })]
        }
    };
    match paths.iter().find(|path| !path.is_absolute()) {
        Some(path) => Err(SandboxError::RelativePath { path: path.clone() }),
        None => Ok(paths),
    }
}

/// The folders a worktree's or submodule's `.git` file leads to: its own, and the repository's it shares.
fn linked_git_folders(root: &Path) -> Vec<PathBuf> {
    let Ok(text) = fs::read_to_string(root.join(".git")) else {
        return Vec::new();
    };
    let Some(target) = text.strip_prefix("gitdir:").map(str::trim) else {
        return Vec::new();
    };
    let Ok(folder) = fs::canonicalize(root.join(target)) else {
        return Vec::new();
    };
    let shared = fs::read_to_string(folder.join("commondir"))
        .ok()
        .and_then(|text| fs::canonicalize(folder.join(text.trim())).ok());
    shared.into_iter().chain([folder]).collect()
}

/// A path followed component by component, remembering the links.
#[derive(Debug, Default)]
struct Walk {
    real: PathBuf,
    links: Vec<Link>,
}

impl Walk {
    /// Follows `path` (absolute). What does not exist is kept as written.
    fn to(path: &Path) -> Self {
        let mut walk = Self { real: PathBuf::from("/"), links: Vec::new() };
        let mut pending: Vec<OsString> = reversed(path);
        while let Some(name) = pending.pop() {
            if name == ".." {
                walk.real.pop();
                continue;
            }
            let location = walk.real.join(&name);
            match fs::read_link(&location) {
                Ok(target) if walk.links.len() < MAX_LINKS => {
                    if target.is_absolute() {
                        walk.real = PathBuf::from("/");
                    }
                    pending.extend(reversed(&target));
                    walk.links.push(Link { location, target });
                }
                _ => walk.real = location,
            }
        }
        walk
    }

    fn exists(&self) -> bool {
        self.real.symlink_metadata().is_ok()
    }
}

/// The names of a path, last one first; the root and `.` say nothing.
fn reversed(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Fixture {
        _dir: tempfile::TempDir,
        base: PathBuf,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::create_dir_all(base.join("ws/sub")).unwrap();
        fs::create_dir_all(base.join("out")).unwrap();
        Fixture { _dir: dir, base }
    }

    fn path(path: impl Into<PathBuf>, access: Access) -> FileSystemEntry {
        FileSystemEntry { path: FileSystemPath::Path { path: path.into() }, access }
    }

    fn resolve(fixture: &Fixture, entries: &[FileSystemEntry]) -> Result<FileRules, SandboxError> {
        let places = Places { policy_cwd: fixture.base.join("ws"), tmpdir: None };
        FileRules::resolve(entries, &places)
    }

    #[test]
    fn the_longest_entry_wins_and_deny_beats_write_beats_read() {
        let f = fixture();
        let ws = f.base.join("ws");
        let entries = [
            path("/", Access::Read),
            path(&ws, Access::Read),
            path(&ws, Access::Write),
            path(ws.join("sub"), Access::Write),
            path(ws.join("sub"), Access::Deny),
        ];
        let files = resolve(&f, &entries).unwrap();
        assert_eq!(files.access(Path::new("/etc/passwd")), Some(Access::Read));
        assert_eq!(files.access(&ws.join("a/b")), Some(Access::Write));
        assert_eq!(files.access(&ws.join("sub/x")), Some(Access::Deny));
        assert_eq!(files.access_above(&ws.join("sub")), Some(Access::Write));
        assert_eq!(resolve(&f, &[]).unwrap().access(&ws), None);
    }

    #[test]
    fn every_writable_root_gets_its_protected_names_unless_an_entry_opens_them() {
        let f = fixture();
        let (ws, out) = (f.base.join("ws"), f.base.join("out"));
        let entries =
            [path(&ws, Access::Write), path(&out, Access::Write), path(out.join(".git"), Access::Write)];
        fs::create_dir(out.join(".git")).unwrap();
        let files = resolve(&f, &entries).unwrap();
        for name in PROTECTED_NAMES {
            assert_eq!(files.access(&ws.join(name).join("x")), Some(Access::Read), "{name}");
        }
        assert_eq!(files.access(&out.join(".git/config")), Some(Access::Write));
        assert_eq!(files.access(&out.join(".codex")), Some(Access::Read));
    }

    #[test]
    fn missing_writable_roots_are_left_out() {
        let f = fixture();
        let files =
            resolve(&f, &[path("/", Access::Read), path(f.base.join("nope"), Access::Write)]).unwrap();
        assert_eq!(files.access(&f.base.join("nope")), Some(Access::Read));
    }

    #[test]
    fn a_worktree_protects_its_own_and_the_shared_repository() {
        let f = fixture();
        let shared = f.base.join("out/main.git");
        fs::create_dir_all(shared.join("worktrees/ws")).unwrap();
        fs::write(shared.join("worktrees/ws/commondir"), "../..\n").unwrap();
        fs::write(f.base.join("ws/.git"), "gitdir: ../out/main.git/worktrees/ws\n").unwrap();
        let entries = [path(f.base.join("ws"), Access::Write), path(f.base.join("out"), Access::Write)];
        let files = resolve(&f, &entries).unwrap();
        assert_eq!(files.access(&shared.join("hooks/pre-commit")), Some(Access::Read));
        assert_eq!(files.access(&shared.join("worktrees/ws/HEAD")), Some(Access::Read));
    }

    #[test]
    fn a_protected_link_in_a_writable_folder_is_refused() {
        let f = fixture();
        let ws = f.base.join("ws");
        symlink(f.base.join("out"), ws.join(".codex")).unwrap();
        for entries in [
            vec![path(&ws, Access::Write)],
            vec![path(&ws, Access::Write), path(ws.join(".codex"), Access::Read)],
        ] {
            let error = resolve(&f, &entries).unwrap_err();
            assert!(matches!(error, SandboxError::WritableLink { .. }), "{error}");
        }
    }

    #[test]
    fn a_writable_root_behind_a_redirectable_link_is_refused() {
        let f = fixture();
        let ws = f.base.join("ws");
        symlink(f.base.join("out"), ws.join("data")).unwrap();
        let error =
            resolve(&f, &[path(&ws, Access::Write), path(ws.join("data"), Access::Write)]).unwrap_err();
        assert!(matches!(error, SandboxError::WritableRootLink { .. }), "{error}");
        // The same link is harmless where nobody can redirect it, or when it leads to a writable place anyway.
        let files = resolve(&f, &[path("/", Access::Read), path(ws.join("data"), Access::Write)]).unwrap();
        assert_eq!(files.access(&f.base.join("out/x")), Some(Access::Write));
        assert!(files.links().iter().any(|link| link.location == ws.join("data")));
        symlink(ws.join("sub"), ws.join("alias")).unwrap();
        resolve(&f, &[path(&ws, Access::Write), path(ws.join("alias"), Access::Write)]).unwrap();
    }

    #[test]
    fn patterns_are_refused_unless_they_mean_a_folder() {
        let f = fixture();
        let glob = |pattern: &str| FileSystemEntry {
            path: FileSystemPath::GlobPattern { pattern: pattern.into() },
            access: Access::Deny,
        };
        assert!(matches!(resolve(&f, &[glob("/srv/**/*.env")]), Err(SandboxError::Pattern { .. })));
        assert!(matches!(resolve(&f, &[glob("relative/**")]), Err(SandboxError::RelativePath { .. })));
        let files = resolve(&f, &[path("/", Access::Read), glob("/srv/secret/**")]).unwrap();
        assert_eq!(files.access(Path::new("/srv/secret/a")), Some(Access::Deny));
    }

    #[test]
    fn rules_come_outer_folders_first_without_the_root() {
        let f = fixture();
        let ws = f.base.join("ws");
        let files = resolve(
            &f,
            &[path(ws.join("sub"), Access::Deny), path("/", Access::Read), path(&ws, Access::Write)],
        )
        .unwrap();
        let order: Vec<_> = files.by_depth().into_iter().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(order[0], ws);
        assert!(order.iter().all(|path| path != Path::new("/")));
        assert_eq!(files.base(), Some(Access::Read));
    }
}
