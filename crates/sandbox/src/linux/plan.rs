//! From resolved file rules to an ordered list of mounts (sandbox sheet §5.3).
//!
//! In come rules about real paths, out come steps, outer folders first. Nothing is changed here; the file system is
//! only looked at.
//!
//! A newcomer's trap: a protected path that does not exist still needs a mount, or the command would simply create it.
//! Such a mount needs an empty mount point on the host for the time of the run ([`Mask`]).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use quire_protocol::Access;

use crate::access::{FileRules, Link, Rule};
use crate::error::SandboxError;

/// What lies under all steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    /// The host's tree, read-only.
    ReadOnly,
    /// The host's tree, writable.
    Writable,
    /// An empty tree that holds only what the steps put there.
    Empty,
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The host's path, writable.
    Writable(PathBuf),
    /// The host's path, read-only.
    ReadOnly(PathBuf),
    /// An empty folder nobody may read, or with `passable` one that can be walked through to the steps below it.
    HideFolder {
        /// Where.
        path: PathBuf,
        /// Whether something below stays reachable.
        passable: bool,
    },
    /// An empty file nobody may read.
    HideFile(PathBuf),
    /// What covers a mount point that exists only for this run.
    Mask(Mask),
}

impl Step {
    /// Where the mount goes.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Writable(path) | Self::ReadOnly(path) | Self::HideFile(path) => path,
            Self::HideFolder { path, .. } => path,
            Self::Mask(mask) => &mask.path,
        }
    }
}

/// A path that is missing (or an empty leftover of a mask) and must not be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mask {
    /// The path; its folder exists.
    pub path: PathBuf,
    /// What stands there meanwhile.
    pub kind: MaskKind,
}

/// The shape of a mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaskKind {
    /// An empty read-only folder, for the protected names.
    Folder,
    /// An empty file, for everything else.
    File,
}

/// All mounts of a run, in order.
#[derive(Debug)]
pub(super) struct Plan {
    /// What lies under the steps.
    pub base: Base,
    /// The mounts.
    pub steps: Vec<Step>,
    /// Links to re-create in an empty tree.
    pub links: Vec<Link>,
    /// Where the command starts.
    pub cwd: PathBuf,
    masks: Vec<Mask>,
}

impl Plan {
    /// Plans the mounts for `rules`. `registry` is the folder of the mask records, which no command may see.
    pub(super) fn new(rules: &FileRules, cwd: &Path, registry: &Path) -> Result<Self, SandboxError> {
        let base = match rules.base() {
            Some(Access::Read) => Base::ReadOnly,
            Some(Access::Write) => Base::Writable,
            Some(Access::Deny) | None => Base::Empty,
        };
        let mut steps: Vec<Step> = Vec::new();
        for (path, rule) in rules.by_depth() {
            if let Some(step) = step(rules, path, rule)?
                && !steps.contains(&step)
            {
                steps.push(step);
            }
        }
        let masks: Vec<Mask> = steps.iter().filter_map(as_mask).cloned().collect();
        let visible = matches!(rules.access(registry), Some(Access::Read | Access::Write));
        if visible && (!masks.is_empty() || registry.exists()) {
            steps.push(Step::HideFolder { path: registry.to_owned(), passable: false });
        }
        let cwd = fs::canonicalize(cwd)
            .map_err(|error| SandboxError::setup(format!("entering `{}`", cwd.display()), error))?;
        Ok(Self { base, steps, links: rules.links().to_vec(), cwd, masks })
    }

    /// The mount points that must exist on the host while the command runs.
    pub(super) fn masks(&self) -> &[Mask] {
        &self.masks
    }

    /// Leaves out masks that turned out to protect what cannot be created anyway.
    pub(super) fn skip(&mut self, needless: &[PathBuf]) {
        self.steps.retain(|step| as_mask(step).is_none_or(|mask| !needless.contains(&mask.path)));
    }
}

fn as_mask(step: &Step) -> Option<&Mask> {
    match step {
        Step::Mask(mask) => Some(mask),
        _ => None,
    }
}

/// The mount that makes `rule` true at `path`, if what lies around it does not already.
fn step(rules: &FileRules, path: &Path, rule: Rule) -> Result<Option<Step>, SandboxError> {
    let around = rules.access_above(path);
    let metadata = path.symlink_metadata();
    let step = match (rule.access, around) {
        (Access::Write, _) => metadata.is_ok().then(|| Step::Writable(path.to_owned())),
        (Access::Read, Some(Access::Read)) => None,
        (Access::Deny, None | Some(Access::Deny)) => None,
        (Access::Read, Some(Access::Write)) if rule.metadata && is_empty_folder(path) => {
            Some(Step::Mask(Mask { path: path.to_owned(), kind: MaskKind::Folder }))
        }
        (access, around) => match metadata {
            Ok(_) if access == Access::Read => Some(Step::ReadOnly(path.to_owned())),
            Ok(found) if found.is_dir() => {
                let passable = rules.by_depth().iter().any(|(below, rule)| {
                    *below != path && below.starts_with(path) && rule.access != Access::Deny
                });
                Some(Step::HideFolder { path: path.to_owned(), passable })
            }
            Ok(_) => Some(Step::HideFile(path.to_owned())),
            // What is missing needs care only where the command could create it.
            Err(_) if around == Some(Access::Write) => Some(Step::Mask(mask(path, rule)?)),
            Err(_) => None,
        },
    };
    Ok(step)
}

/// Whether there is nothing to read below a protected name: it is missing, or the leftover of a mask.
fn is_empty_folder(path: &Path) -> bool {
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

/// The mask for a missing path: at the first component that is missing.
fn mask(path: &Path, rule: Rule) -> Result<Mask, SandboxError> {
    let missing =
        path.ancestors().take_while(|ancestor| ancestor.symlink_metadata().is_err()).last().unwrap_or(path);
    if !missing.parent().is_some_and(Path::is_dir) {
        return Err(SandboxError::Mask {
            path: path.to_owned(),
            source: io::ErrorKind::NotADirectory.into(),
        });
    }
    let kind = if rule.metadata { MaskKind::Folder } else { MaskKind::File };
    Ok(Mask { path: missing.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Places;
    use quire_protocol::{FileSystemEntry, FileSystemPath};

    struct Fixture {
        _dir: tempfile::TempDir,
        ws: PathBuf,
        registry: PathBuf,
    }

    fn fixture() -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        let ws = base.join("ws");
        fs::create_dir_all(ws.join(".git/hooks")).unwrap();
        fs::write(ws.join("file.txt"), "x").unwrap();
        Fixture { _dir: dir, ws, registry: base.join("registry") }
    }

    fn plan(f: &Fixture, entries: &[(&Path, Access)]) -> Result<Plan, SandboxError> {
        let entries: Vec<_> = entries
            .iter()
            .map(|(path, access)| FileSystemEntry {
                path: FileSystemPath::Path { path: path.to_path_buf() },
                access: *access,
            })
            .collect();
        let rules = FileRules::resolve(&entries, &Places { policy_cwd: f.ws.clone(), tmpdir: None })?;
        Plan::new(&rules, &f.ws, &f.registry)
    }

    const ROOT: &str = "/";

    #[test]
    fn reading_everything_needs_no_step() {
        let f = fixture();
        let plan = plan(&f, &[(Path::new(ROOT), Access::Read), (&f.ws, Access::Read)]).unwrap();
        assert_eq!(plan.base, Base::ReadOnly);
        assert_eq!(plan.steps, []);
    }

    #[test]
    fn a_writable_root_is_bound_and_its_protected_names_covered() {
        let f = fixture();
        fs::create_dir(f.ws.join(".codex")).unwrap();
        let plan = plan(&f, &[(Path::new(ROOT), Access::Read), (&f.ws, Access::Write)]).unwrap();
        assert_eq!(plan.steps[0], Step::Writable(f.ws.clone()));
        assert!(plan.steps.contains(&Step::ReadOnly(f.ws.join(".git"))));
        let masked: Vec<_> = plan.masks().iter().map(|mask| (mask.path.clone(), mask.kind)).collect();
        // Missing, and the empty leftover alike.
        assert_eq!(
            masked,
            [(f.ws.join(".agents"), MaskKind::Folder), (f.ws.join(".codex"), MaskKind::Folder)]
        );
        assert_eq!(plan.steps.last().unwrap().path(), f.registry);
    }

    #[test]
    fn a_missing_path_is_masked_at_its_first_missing_component() {
        let f = fixture();
        let deep = f.ws.join("nope/deep/er");
        let plan =
            plan(&f, &[(Path::new(ROOT), Access::Read), (&f.ws, Access::Write), (&deep, Access::Deny)])
                .unwrap();
        assert!(plan.steps.contains(&Step::Mask(Mask { path: f.ws.join("nope"), kind: MaskKind::File })));
        // Where nothing can be created, nothing is needed.
        let plan = super::tests::plan(&f, &[(Path::new(ROOT), Access::Read), (&deep, Access::Deny)]).unwrap();
        assert_eq!(plan.steps, []);
    }

    #[test]
    fn hidden_folders_stay_passable_only_when_something_below_is_open() {
        let f = fixture();
        let (git, hooks) = (f.ws.join(".git"), f.ws.join(".git/hooks"));
        let closed = plan(&f, &[(Path::new(ROOT), Access::Read), (&git, Access::Deny)]).unwrap();
        assert_eq!(closed.steps, [Step::HideFolder { path: git.clone(), passable: false }]);
        let open = plan(&f, &[(Path::new(ROOT), Access::Read), (&git, Access::Deny), (&hooks, Access::Read)])
            .unwrap();
        assert_eq!(open.steps, [Step::HideFolder { path: git, passable: true }, Step::ReadOnly(hooks)]);
    }

    #[test]
    fn without_a_root_entry_only_what_is_named_is_there() {
        let f = fixture();
        let plan = plan(&f, &[(&f.ws.join("file.txt"), Access::Read)]).unwrap();
        assert_eq!(plan.base, Base::Empty);
        assert_eq!(plan.steps, [Step::ReadOnly(f.ws.join("file.txt"))]);
    }

    #[test]
    fn a_path_below_a_file_cannot_be_protected() {
        let f = fixture();
        let below = f.ws.join("file.txt/x");
        let error = plan(&f, &[(&f.ws, Access::Write), (&below, Access::Deny)]).unwrap_err();
        assert!(matches!(error, SandboxError::Mask { .. }), "{error}");
    }
}
