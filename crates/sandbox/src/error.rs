//! Everything that can keep a sandbox from being built, in words for the person who asked for it.

use std::io;
use std::path::PathBuf;

/// Why a command was not started. Shown as one line; nothing ran when one of these is returned.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The profile cannot be handed to the helper (a path that is not UTF-8, for one).
    #[error("the permission profile cannot be written as JSON: {0}")]
    EncodeProfile(serde_json::Error),
    /// The helper was called with arguments it does not know.
    #[error("{0}; expected --sandbox-policy-cwd DIR --command-cwd DIR --permission-profile JSON -- COMMAND…")]
    Usage(String),
    /// A path entry is not absolute.
    #[error("the permission entry `{}` is not an absolute path", path.display())]
    RelativePath {
        /// The entry.
        path: PathBuf,
    },
    /// A pattern entry that is not a plain directory.
    #[error(
        "the pattern `{pattern}` cannot be enforced: only paths and `DIR/**` are supported, name the paths instead"
    )]
    Pattern {
        /// The pattern.
        pattern: String,
    },
    /// A protected path can be redirected by the command itself.
    #[error(
        "`{}` cannot be protected: `{}` is a symbolic link in a writable folder; remove the link",
        path.display(), link.display()
    )]
    WritableLink {
        /// The path to protect.
        path: PathBuf,
        /// The link on the way to it.
        link: PathBuf,
    },
    /// A writable folder is reached through a link that a command can redirect.
    #[error(
        "`{}` is not made writable: `{}` is a symbolic link in a writable folder; name the link's target instead",
        path.display(), link.display()
    )]
    WritableRootLink {
        /// The writable folder.
        path: PathBuf,
        /// The link on the way to it.
        link: PathBuf,
    },
    /// A path that does not exist cannot be kept from being created.
    #[error("`{}` cannot be protected while it is missing: {source}", path.display())]
    Mask {
        /// The path.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Neither namespaces nor Landlock can do it here.
    #[error(
        "this system cannot enforce the permission profile: {namespaces}, and Landlock alone cannot {landlock}"
    )]
    Unenforceable {
        /// Why namespaces cannot be used.
        namespaces: String,
        /// What Landlock lacks.
        landlock: String,
    },
    /// A step of the set-up failed.
    #[error("{action}: {source}")]
    Setup {
        /// What was tried.
        action: String,
        /// What the system said.
        source: io::Error,
    },
    /// The helper must be the only thread of its process.
    #[error("the sandbox helper was started in a process with several threads")]
    Threads,
    /// A standard stream would let the command walk the whole file system.
    #[error("file descriptor {fd} is an open directory, which would reach around the sandbox")]
    DirectoryStream {
        /// The number.
        fd: i32,
    },
    /// No enforcement for this processor or system.
    #[error(
        "sandboxed commands are not supported on {platform}; use full access or another sandbox around the program"
    )]
    UnsupportedPlatform {
        /// Its name.
        platform: &'static str,
    },
}

#[cfg(target_os = "linux")]
impl SandboxError {
    /// A failed system call and what it was for.
    pub(crate) fn setup(action: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Setup { action: action.into(), source: source.into() }
    }
}
