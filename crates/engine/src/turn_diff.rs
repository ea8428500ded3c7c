//! The turn's changes as one git-style diff (engine sheet §15): only what patches changed, net-zero files left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha1::{Digest as _, Sha1};

/// Files above this size are left out of the diff: showing them would cost more than it tells.
const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

const NO_BLOB: &str = "0000000000000000000000000000000000000000";

/// Remembers what files looked like before the turn's first patch touched them.
#[derive(Debug, Default)]
pub(crate) struct TurnDiffTracker {
    files: Mutex<BTreeMap<PathBuf, Tracked>>,
}

#[derive(Debug, Clone)]
struct Tracked {
    before: Option<Vec<u8>>,
    now: Option<Vec<u8>>,
}

impl TurnDiffTracker {
    /// Call before a patch is applied, with every path it touches.
    pub(crate) fn before_patch<'a>(&self, paths: impl IntoIterator<Item = &'a PathBuf>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            files.entry(path.clone()).or_insert_with(|| {
                let before = read(path);
                Tracked { now: before.clone(), before }
            });
        }
    }

    /// Call after it was applied.
    pub(crate) fn after_patch<'a>(&self, paths: impl IntoIterator<Item = &'a PathBuf>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        for path in paths {
            if let Some(tracked) = files.get_mut(path) {
                tracked.now = read(path);
            }
        }
    }

    /// The diff of the turn so far; `None` when nothing is different. Paths are relative to the repository of `cwd`.
    pub(crate) fn unified_diff(&self, cwd: &Path) -> Option<String> {
        let root = quire_repo::git_root(cwd).unwrap_or_else(|| cwd.to_owned());
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = String::new();
        for (path, tracked) in files.iter().filter(|(_, tracked)| tracked.before != tracked.now) {
            write_file(&mut out, path.strip_prefix(&root).unwrap_or(path), tracked);
        }
        (!out.is_empty()).then_some(out)
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let facts = std::fs::metadata(path).ok()?;
    (facts.is_file() && facts.len() <= MAX_FILE_BYTES as u64).then(|| std::fs::read(path).ok()).flatten()
}

fn write_file(out: &mut String, shown: &Path, tracked: &Tracked) {
    let shown = shown.display();
    let _ = writeln!(out, "diff --git a/{shown} b/{shown}");
    match (&tracked.before, &tracked.now) {
        (None, _) => out.push_str("new file mode 100644\n"),
        (_, None) => out.push_str("deleted file mode 100644\n"),
        _ => {}
    }
    let _ =
        writeln!(out, "index {}..{}", blob_id(tracked.before.as_deref()), blob_id(tracked.now.as_deref()));
    let old_name = if tracked.before.is_some() { format!("a/{shown}") } else { "/dev/null".to_owned() };
    let new_name = if tracked.now.is_some() { format!("b/{shown}") } else { "/dev/null".to_owned() };
    let text = |side: &Option<Vec<u8>>| String::from_utf8(side.clone().unwrap_or_default());
    match (text(&tracked.before), text(&tracked.now)) {
        (Ok(before), Ok(now)) => {
            let diff = similar::TextDiff::from_lines(&before, &now);
            let _ = write!(out, "{}", diff.unified_diff().context_radius(3).header(&old_name, &new_name));
        }
        _ => {
            let _ = writeln!(out, "Binary files {old_name} and {new_name} differ");
        }
    }
}

/// The id git would give a file's content.
fn blob_id(content: Option<&[u8]>) -> String {
    let Some(content) = content else { return NO_BLOB.to_owned() };
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", content.len()));
    hash.update(content);
    hash.finalize().iter().fold(String::with_capacity(40), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_additions_edits_and_deletions_but_no_net_zero() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path(".git")).unwrap();
        std::fs::write(path("edit.txt"), "a\nb\n").unwrap();
        std::fs::write(path("gone.txt"), "x\n").unwrap();
        std::fs::write(path("same.txt"), "s\n").unwrap();
        let all = ["add.txt", "edit.txt", "gone.txt", "same.txt"].map(path);
        let tracker = TurnDiffTracker::default();
        tracker.before_patch(&all);
        std::fs::write(path("add.txt"), "n\n").unwrap();
        std::fs::write(path("edit.txt"), "a\nB\n").unwrap();
        std::fs::remove_file(path("gone.txt")).unwrap();
        tracker.after_patch(&all);
        let diff = tracker.unified_diff(dir.path()).unwrap();
        let expected = "diff --git a/add.txt b/add.txt\nnew file mode 100644\n\
            index 0000000000000000000000000000000000000000..8ba3a16384aacc37d01564b28401755ce8053f51\n\
            --- /dev/null\n+++ b/add.txt\n@@ -0,0 +1 @@\n+n\n\
            diff --git a/edit.txt b/edit.txt\n\
            index 422c2b7ab3b3c668038da977e4e93a5fc623169c..0b29a5d6d62e0a7ac5a1ab5fd6ed3eea18aa9ffe\n";
        assert!(diff.starts_with(&expected[..expected.find("index 422c").unwrap()]), "{diff}");
        assert!(diff.contains("--- a/edit.txt\n+++ b/edit.txt\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n"), "{diff}");
        assert!(diff.contains("deleted file mode 100644\n"), "{diff}");
        assert!(!diff.contains("same.txt"), "{diff}");
    }
}
