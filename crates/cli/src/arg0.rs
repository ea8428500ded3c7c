//! The helper folder: links to this executable under the names children call it by (home-layout sheet §3.5).
//!
//! Each process makes `$CODEX_HOME/tmp/arg0/codex-arg0XXXXXX` with the links and a `.lock` it holds while it lives, puts
//! it in front of the PATH its children get, and removes it at the end. Folders whose lock nobody holds are left-overs
//! of killed processes and are swept at the next start.
//!
//! A newcomer's trap: the folder is refused under the system's temporary folder, where others could plant links.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

const LOCK: &str = ".lock";
const PREFIX: &str = "codex-arg0";

/// Names under which the patch program is called.
pub(crate) const APPLY_PATCH: [&str; 2] = ["apply_patch", "applypatch"];
/// Name of the interceptor of shell execs. Only the link exists so far.
pub(crate) const EXECVE_WRAPPER: &str = "codex-execve-wrapper";

/// Why there is no helper folder. The program runs without it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HelperError {
    /// The home is in a place others can write to.
    #[error("Refusing to create helper binaries under temporary dir {0:?}")]
    Temporary(PathBuf),
    /// A file could not be made.
    #[error("{path:?}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The folder of this process. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct HelperFolder {
    folder: TempDir,
    _lock: File,
}

impl HelperFolder {
    /// Makes the folder below this home, with links to `executable`. `temporary` is the system's temporary folder.
    pub(crate) fn create(home: &Path, executable: &Path, temporary: &Path) -> Result<Self, HelperError> {
        let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if resolved(home).starts_with(resolved(temporary)) {
            return Err(HelperError::Temporary(temporary.to_owned()));
        }
        let parent = home.join("tmp").join("arg0");
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| HelperError::Io { path, source }
        };
        fs::create_dir_all(&parent).map_err(at(&parent))?;
        restrict(&parent).map_err(at(&parent))?;
        sweep(&parent);
        let folder = new_folder().tempdir_in(&parent).map_err(at(&parent))?;
        let lock_path = folder.path().join(LOCK);
        let lock = File::create(&lock_path).map_err(at(&lock_path))?;
        lock.try_lock().map_err(|error| at(&lock_path)(error.into()))?;
        for name in APPLY_PATCH.iter().copied().chain([quire_sandbox::HELPER_ARG0, EXECVE_WRAPPER]) {
            let link = folder.path().join(name);
            make_link(executable, &link).map_err(at(&link))?;
        }
        Ok(Self { folder, _lock: lock })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// PATH with the folder in front.
    pub(crate) fn path_with(&self, path: Option<&OsStr>) -> OsString {
        let mut out = self.folder.path().as_os_str().to_owned();
        if let Some(path) = path.filter(|path| !path.is_empty()) {
            out.push(if cfg!(windows) { ";" } else { ":" });
            out.push(path);
        }
        out
    }
}

/// Removes folders of processes that are gone. What cannot be removed is left for the next start.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        // A folder without a lock file is one that is just being made.
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        match lock.try_lock() {
            Ok(()) => drop(fs::remove_dir_all(entry.path())),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

/// A folder others may look into, like everything else in the home.
fn new_folder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o755));
    }
    builder
}

#[cfg(unix)]
fn restrict(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn make_link(executable: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(executable, link)
}

#[cfg(not(unix))]
fn make_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "helper links are not made on this system yet"))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn home() -> (TempDir, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("not-the-home");
        (home, elsewhere)
    }

    fn folders(home: &Path) -> Vec<PathBuf> {
        fs::read_dir(home.join("tmp/arg0")).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn holds_the_links_and_goes_away() {
        let (home, temporary) = home();
        let helper = HelperFolder::create(home.path(), Path::new("/bin/sh"), &temporary).unwrap();
        let [folder] = &folders(home.path())[..] else { panic!("one folder") };
        for name in ["apply_patch", "applypatch", "codex-linux-sandbox", "codex-execve-wrapper"] {
            assert_eq!(fs::read_link(folder.join(name)).unwrap(), Path::new("/bin/sh"));
        }
        assert!(folder.file_name().unwrap().to_str().unwrap().starts_with("codex-arg0"));
        let mode = fs::metadata(home.path().join("tmp/arg0")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let path = helper.path_with(Some(OsStr::new("/usr/bin")));
        assert_eq!(path, OsString::from(format!("{}:/usr/bin", folder.display())));
        assert_eq!(helper.path_with(None), folder.as_os_str());
        drop(helper);
        assert!(folders(home.path()).is_empty());
    }

    #[test]
    fn sweeps_what_a_killed_process_left_but_nothing_that_lives() {
        let (home, temporary) = home();
        let living = HelperFolder::create(home.path(), Path::new("/bin/sh"), &temporary).unwrap();
        let stale = home.path().join("tmp/arg0/codex-arg0stale1");
        fs::create_dir(&stale).unwrap();
        fs::write(stale.join(LOCK), "").unwrap();
        let unborn = home.path().join("tmp/arg0/codex-arg0unborn");
        fs::create_dir(&unborn).unwrap();
        let second = HelperFolder::create(home.path(), Path::new("/bin/sh"), &temporary).unwrap();
        assert!(!stale.exists());
        assert!(unborn.exists());
        assert!(living.folder.path().exists());
        assert!(second.folder.path().exists());
    }

    #[test]
    fn refuses_a_home_below_the_temporary_folder() {
        let (home, _) = home();
        let error = HelperFolder::create(home.path(), Path::new("/bin/sh"), home.path().parent().unwrap())
            .unwrap_err();
        assert!(matches!(error, HelperError::Temporary(_)), "{error}");
        assert!(!home.path().join("tmp").exists());
    }
}
