//! Which project a folder belongs to, and whether the user trusts it (config sheet §4).
//!
//! In come the settings of the layers below the projects, the working folder and a way to find git roots; out go the
//! folders that may hold config and the trust decision of each. What a newcomer would get wrong: trust of a deeper
//! folder does not reach up, but trust of the root reaches down unless a folder says otherwise.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::schema::{ProjectConfig, TrustLevel};

/// Finds the root of the git repository around a folder; for a worktree, that of the main repository.
pub type GitRootFinder = Arc<dyn Fn(&Path) -> Option<PathBuf> + Send + Sync>;

/// The top-level keys of [`ProjectSettings`].
pub(crate) const PROJECT_SETTINGS: [&str; 2] = ["projects", "project_root_markers"];

/// The settings that decide about projects. They are read before project files are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ProjectSettings {
    pub(crate) projects: BTreeMap<String, ProjectConfig>,
    pub(crate) project_root_markers: Option<Vec<String>>,
}

/// The folder somebody works in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The topmost folder that belongs to it.
    pub root: PathBuf,
    /// What the user decided about the working folder; nothing when he did not.
    pub trust: Option<TrustLevel>,
    /// The folder to record such a decision for: the repository's root, else the working folder.
    pub trust_key: PathBuf,
}

/// Looks up decisions.
pub(crate) struct TrustTable<'a> {
    settings: &'a ProjectSettings,
    root: PathBuf,
    git_root: Option<PathBuf>,
}

impl<'a> TrustTable<'a> {
    pub(crate) fn new(settings: &'a ProjectSettings, cwd: &Path, find_git_root: &GitRootFinder) -> Self {
        let root = project_root(cwd, settings.project_root_markers.as_deref());
        Self { settings, root, git_root: find_git_root(cwd) }
    }

    /// The project of the working folder.
    pub(crate) fn project(&self, cwd: &Path) -> Project {
        Project {
            root: self.root.clone(),
            trust: self.of(cwd),
            trust_key: self.git_root.clone().unwrap_or_else(|| cwd.to_owned()),
        }
    }

    /// The decision about a folder inside the project.
    pub(crate) fn of(&self, folder: &Path) -> Option<TrustLevel> {
        [Some(folder), Some(&self.root), self.git_root.as_deref()]
            .into_iter()
            .flatten()
            .find_map(|path| self.entry(path))
    }

    /// The entry of exactly this path, as spelled or as the disk spells it.
    fn entry(&self, path: &Path) -> Option<TrustLevel> {
        let exact = |path: &Path| self.settings.projects.get(path.to_str()?)?.trust_level;
        exact(path).or_else(|| exact(&path.canonicalize().ok()?))
    }

    /// The folders that may hold a `.codex` folder, outermost first. The home is not one.
    pub(crate) fn config_folders(&self, cwd: &Path, home: &Path) -> Vec<PathBuf> {
        let same = |a: &Path, b: &Path| {
            a == b || a.canonicalize().ok().is_some_and(|a| b.canonicalize().ok() == Some(a))
        };
        let mut folders: Vec<_> = cwd
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.root))
            .filter(|folder| {
                let dot_codex = folder.join(".codex");
                dot_codex.is_dir() && !same(&dot_codex, home)
            })
            .map(Path::to_owned)
            .collect();
        folders.reverse();
        folders
    }
}

/// The nearest folder at or above that holds a marker; the folder itself when there is none.
fn project_root(cwd: &Path, markers: Option<&[String]>) -> PathBuf {
    let default = [".git".to_owned()];
    let markers = markers.unwrap_or(&default);
    cwd.ancestors()
        .find(|folder| markers.iter().any(|marker| folder.join(marker).exists()))
        .unwrap_or(cwd)
        .to_owned()
}
