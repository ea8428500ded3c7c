//! From a path as written in a patch to an absolute one.
//!
//! The resolution is lexical: `a/../b` is `b` even when `a` does not exist or is a symlink. So what is shown to a
//! person and checked against rules is what is written.

use std::path::{Component, Path, PathBuf};

/// What relative and `~` paths of a patch refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathBase {
    /// An absolute directory.
    pub cwd: PathBuf,
    /// The user's home directory; without one `~` is a name like any other.
    pub home: Option<PathBuf>,
}

impl PathBase {
    /// The absolute path that `written` stands for, without `.` and `..`.
    pub fn resolve(&self, written: &Path) -> PathBuf {
        let from_home = self.home.as_ref().and_then(|home| Some(home.join(written.strip_prefix("~").ok()?)));
        let mut resolved = PathBuf::new();
        for component in from_home.unwrap_or_else(|| self.cwd.join(written)).components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => {
                    resolved.pop();
                }
                other => resolved.push(other),
            }
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::PathBase;

    #[test]
    fn paths_resolve_without_looking_at_the_disk() {
        let base = PathBase { cwd: "/w/d".into(), home: Some("/home/u".into()) };
        let rows = [
            ("f", "/w/d/f"),
            ("./f", "/w/d/f"),
            ("../f", "/w/f"),
            ("../../../../f", "/f"),
            ("no/../f", "/w/d/f"),
            ("/x/./y", "/x/y"),
            ("f/", "/w/d/f"),
            ("  f", "/w/d/  f"),
            ("~", "/home/u"),
            ("~/f", "/home/u/f"),
            ("~/../f", "/home/f"),
            ("~f", "/w/d/~f"),
            ("$HOME/f", "/w/d/$HOME/f"),
            ("", "/w/d"),
        ];
        for (written, resolved) in rows {
            assert_eq!(base.resolve(Path::new(written)), Path::new(resolved), "{written:?}");
        }
    }

    #[test]
    fn without_a_home_a_tilde_is_a_name() {
        let base = PathBase { cwd: "/w".into(), home: None };
        assert_eq!(base.resolve(Path::new("~/f")), Path::new("/w/~/f"));
    }
}
