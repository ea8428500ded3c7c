//! The home folder: where config, sign-in and sessions live (home-layout sheet §1, cli sheet §9).
//!
//! In comes a lookup of environment variables, out goes a [`CodexHome`]. What a newcomer would get wrong: a home named
//! by `CODEX_HOME` must exist and is canonicalised, while the default one need not exist yet and is used as spelled.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// The home folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodexHome(PathBuf);

/// Why there is no home. Callers put `Error finding codex home: ` in front.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// `CODEX_HOME` names nothing.
    #[error("CODEX_HOME points to {0:?}, but that path does not exist")]
    Missing(PathBuf),
    /// `CODEX_HOME` names something else.
    #[error("CODEX_HOME points to {0:?}, but that path is not a directory")]
    NotADirectory(PathBuf),
    /// `CODEX_HOME` cannot be looked at.
    #[error("CODEX_HOME points to {path:?}, which cannot be read: {source}")]
    Unreadable {
        /// The value.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Neither the environment nor the user database knows a home.
    #[error("Could not find home directory. Set HOME, or CODEX_HOME to an existing folder.")]
    NoUserHome,
}

impl CodexHome {
    /// A home at a known place.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// The user's config file.
    pub fn config_file(&self) -> PathBuf {
        self.0.join("config.toml")
    }

    /// The config file of a profile.
    pub fn profile_file(&self, profile: &crate::ProfileName) -> PathBuf {
        self.0.join(format!("{}.config.toml", profile.as_str()))
    }

    /// The variables to set before anything else.
    pub fn dotenv_file(&self) -> PathBuf {
        self.0.join(".env")
    }
}

impl AsRef<Path> for CodexHome {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

/// Finds the home. A relative `CODEX_HOME` counts from the process's working folder.
pub fn resolve(env: impl Fn(&str) -> Option<OsString>) -> Result<CodexHome, HomeError> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = set("CODEX_HOME") {
        return named(path).map(CodexHome);
    }
    let user_home = set("HOME").or_else(home_of_user).ok_or(HomeError::NoUserHome)?;
    Ok(CodexHome(user_home.join(".codex")))
}

fn named(path: PathBuf) -> Result<PathBuf, HomeError> {
    match std::fs::canonicalize(&path) {
        Ok(found) if found.is_dir() => Ok(found),
        Ok(_) => Err(HomeError::NotADirectory(path)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Err(HomeError::Missing(path)),
        Err(source) => Err(HomeError::Unreadable { path, source }),
    }
}

#[cfg(unix)]
fn home_of_user() -> Option<PathBuf> {
    nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.dir)
}

#[cfg(not(unix))]
fn home_of_user() -> Option<PathBuf> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve_with(vars: &[(&str, &Path)]) -> Result<CodexHome, HomeError> {
        resolve(|name| {
            vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_os_str().to_owned())
        })
    }

    #[test]
    fn a_named_home_exists_and_is_canonical() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("real");
        std::fs::create_dir(&real).unwrap();
        #[cfg(unix)]
        {
            let link = dir.path().join("link");
            std::os::unix::fs::symlink(&real, &link).unwrap();
            assert_eq!(resolve_with(&[("CODEX_HOME", &link)]).unwrap().as_path(), real);
        }
        let missing = dir.path().join("missing");
        let error = resolve_with(&[("CODEX_HOME", &missing)]).unwrap_err().to_string();
        assert_eq!(error, format!("CODEX_HOME points to {missing:?}, but that path does not exist"));
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = resolve_with(&[("CODEX_HOME", &file)]).unwrap_err().to_string();
        assert_eq!(error, format!("CODEX_HOME points to {file:?}, but that path is not a directory"));
    }

    #[test]
    fn the_default_home_need_not_exist() {
        let found =
            resolve_with(&[("CODEX_HOME", Path::new("")), ("HOME", Path::new("/nowhere/u"))]).unwrap();
        assert_eq!(found.as_path(), Path::new("/nowhere/u/.codex"));
        assert_eq!(found.config_file(), Path::new("/nowhere/u/.codex/config.toml"));
    }

    #[cfg(unix)]
    #[test]
    fn without_variables_the_user_database_knows() {
        let home = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap().unwrap().dir;
        assert_eq!(resolve_with(&[]).unwrap().as_path(), home.join(".codex"));
    }
}
