//! What can be wrong with `[permissions]`.

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
