//! Taking the place of a file: one writer of ours at a time, and never over a change of somebody else's.
//!
//! In comes the path people know, out goes the file it leads to. What a newcomer would get wrong: the lock lies beside
//! the file, in a folder of our own, because the file itself is replaced and a lock on it would guard a file that is
//! no longer there. Other programs do not know that lock; against them the text is compared right before it is replaced.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::EditError;

/// How often a file that others keep changing is read again.
pub(super) const MOST_ATTEMPTS: usize = 50;

/// Symlinks that lead through more links than this are refused.
const MAX_LINKS: usize = 40;

/// How long another process of ours may keep us waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait before the lock is tried again.
const PAUSE: Duration = Duration::from_millis(5);

/// A file that may be replaced.
pub(super) struct Target {
    /// As people know it.
    named: PathBuf,
    /// The end of its chain of symlinks, which need not exist.
    path: PathBuf,
}

impl Target {
    pub(super) fn of(file: &Path) -> Result<Self, EditError> {
        let path = follow_links(file).map_err(|source| EditError::Read { path: file.to_owned(), source })?;
        Ok(Self { named: file.to_owned(), path })
    }

    /// Waits until no other writer of ours is at it. The lock ends with the value.
    pub(super) fn lock(&self) -> Result<File, EditError> {
        let folder = folder_of(&self.named).join("quire");
        let refuse = |source| EditError::Write { path: self.named.clone(), source };
        create_folder(&folder).map_err(refuse)?;
        let file = lock_file(&folder.join("config.lock")).map_err(refuse)?;
        let give_up = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(EditError::Busy { path: self.named.clone() }),
                // Where files cannot be locked, the comparison before the replacement has to do.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(source)) => return Err(refuse(source)),
            }
        }
    }

    /// The text; empty when there is no file.
    pub(super) fn read(&self) -> Result<String, EditError> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(source) => Err(EditError::Read { path: self.path.clone(), source }),
        }
    }

    /// Takes the file's place unless it says something else than `old` by now. Only the owner can read the result.
    pub(super) fn replace(&self, old: &str, new: &str) -> Result<bool, EditError> {
        let refuse = |source| EditError::Write { path: self.path.clone(), source };
        let temporary = self.temporary(new).map_err(refuse)?;
        if self.read()? != old {
            return Ok(false);
        }
        temporary.persist(&self.path).map_err(|error| refuse(error.error))?;
        Ok(true)
    }

    fn temporary(&self, text: &str) -> io::Result<tempfile::NamedTempFile> {
        let folder = folder_of(&self.path);
        std::fs::create_dir_all(folder)?;
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(text.as_bytes())?;
        if let Ok(old) = std::fs::metadata(&self.path) {
            keep_private(temporary.as_file(), &old)?;
        }
        temporary.as_file().sync_all()?;
        Ok(temporary)
    }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files have mode 0600; a stricter mode of the old file stays.
#[cfg(unix)]
fn keep_private(new: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = old.permissions().mode() & 0o600;
    new.set_permissions(std::fs::Permissions::from_mode(mode))
}

/// Only Unix has mode bits.
#[cfg(not(unix))]
fn keep_private(_new: &File, _old: &Metadata) -> io::Result<()> {
    Ok(())
}

fn lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The file a chain of symlinks ends at, which need not exist.
fn follow_links(file: &Path) -> io::Result<PathBuf> {
    let mut path = file.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(next) => path = path.parent().unwrap_or(Path::new("")).join(next),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}
