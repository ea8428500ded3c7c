//! Roots of a directory, found without running git (git-files sheet §1 and §6, config sheet §4).
//!
//! In: an absolute directory. Out: one of its ancestors, or the main work tree of its repository. Only a handful of file
//! system look-ups; they may be called from async code.
//!
//! A newcomer's trap: a `.git` *file* is a claim anybody can write. It is believed only when the repository it names
//! knows this very directory as one of its work trees; otherwise trust in a repository could be taken by a stranger.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Longer than any path a `.git` file may name.
const MAX_LINK_BYTES: u64 = 16 * 1024;

/// The nearest ancestor of `cwd` (itself included) that holds one of the markers; `cwd` if there is none.
pub fn project_root(cwd: &Path, markers: &[String]) -> PathBuf {
    // Every directory "holds" the empty name.
    let markers: Vec<_> = markers.iter().filter(|marker| !marker.is_empty()).collect();
    nearest_with(cwd, |directory| markers.iter().any(|marker| exists(&directory.join(marker))))
        .unwrap_or(cwd)
        .to_owned()
}

/// The nearest ancestor of `cwd` (itself included) that holds a `.git` of any kind.
pub fn git_root(cwd: &Path) -> Option<PathBuf> {
    nearest_with(cwd, |directory| exists(&directory.join(".git"))).map(Path::to_owned)
}

/// The root whose trust a directory shares: of a linked work tree the main work tree, else the git root itself.
///
/// Submodules, bare repositories, and `.git` files whose repository does not point back give the git root.
pub fn main_worktree_root(cwd: &Path) -> Option<PathBuf> {
    let root = git_root(cwd)?;
    Some(main_of_linked(&root).unwrap_or(root))
}

/// The main work tree, if `root` is a linked work tree that its repository acknowledges.
fn main_of_linked(root: &Path) -> Option<PathBuf> {
    let link = root.join(".git");
    // A symbolic link could borrow the `.git` file of a true work tree.
    if !fs::symlink_metadata(&link).ok()?.is_file() {
        return None;
    }
    let private = read_link_file(&link)?.strip_prefix("gitdir:").map(|path| root.join(path.trim()))?;
    let private = private.canonicalize().ok()?;

    // Back: the repository's note of where the work tree lies.
    let back = private.join(read_link_file(&private.join("gitdir"))?);
    if back.file_name()? != ".git" || back.parent()?.canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    // Up: the shared repository, which must be the one that holds the note.
    let common = private.join(read_link_file(&private.join("commondir"))?).canonicalize().ok()?;
    if private.parent()? != common.join("worktrees") || common.file_name()? != ".git" {
        return None;
    }
    common.parent().map(Path::to_owned)
}

fn read_link_file(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_LINK_BYTES).read_to_string(&mut text).ok()?;
    Some(text.trim().to_owned())
}

fn nearest_with(cwd: &Path, holds: impl Fn(&Path) -> bool) -> Option<&Path> {
    cwd.ancestors().find(|directory| holds(directory))
}

/// Whether an entry of this name is there, be it a dangling link.
fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
