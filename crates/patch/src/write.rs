//! Writing one file so that a reader sees the old text or the new one, never half of it.
//!
//! Normally: a temporary file beside the target, then a rename. Where a rename would change more than the content
//! (several hard links, a foreign owner) or is not allowed (a directory that may not be written, a bind
//! mount), the file is written in place. A symlink stays one: its target is written.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// As many as Linux follows.
const MAX_SYMLINKS: usize = 40;

/// Writes `content` to `path`, creating missing parent directories.
///
/// `permissions` replaces those of the file; without it an existing file keeps its own and a new one gets the default.
pub(crate) fn write_file(path: &Path, content: &str, permissions: Option<&Permissions>) -> io::Result<()> {
    let target = follow_symlinks(path)?;
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let existing = match fs::symlink_metadata(&target) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            // Opening a pipe could wait without end.
            return Err(io::Error::new(io::ErrorKind::Unsupported, "not a regular file"));
        }
        Ok(metadata) => {
            // A file that may not be written is not replaced either, though its directory would allow it.
            OpenOptions::new().write(true).open(&target)?;
            Some(metadata)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let permissions = permissions.cloned().or_else(|| existing.as_ref().map(Metadata::permissions));
    if replace(&target, content, existing.as_ref(), permissions.as_ref()).is_ok_and(|replaced| replaced) {
        return Ok(());
    }
    fs::write(&target, content)?;
    match permissions {
        Some(permissions) if existing.is_none_or(|existing| existing.permissions() != permissions) => {
            fs::set_permissions(&target, permissions)
        }
        _ => Ok(()),
    }
}

/// The file a write to `path` ends up in; it need not exist.
fn follow_symlinks(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_SYMLINKS {
        match fs::read_link(&target) {
            Ok(link) => target = target.parent().unwrap_or(Path::new("/")).join(link),
            // Not a symlink, or nothing there.
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// Returns false where a rename would change more than the content.
fn replace(
    target: &Path,
    content: &str,
    existing: Option<&Metadata>,
    permissions: Option<&Permissions>,
) -> io::Result<bool> {
    let Some(parent) = target.parent() else { return Ok(false) };
    let mut temporary = new_file_beside(parent)?;
    if let Some(existing) = existing
        && !is_replaceable(existing, &temporary.as_file().metadata()?)
    {
        return Ok(false);
    }
    temporary.write_all(content.as_bytes())?;
    if let Some(permissions) = permissions {
        File::set_permissions(temporary.as_file(), permissions.clone())?;
    }
    temporary.persist(target)?;
    Ok(true)
}

#[cfg(unix)]
fn new_file_beside(parent: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    // The umask is applied to it: what any program would give a new file.
    tempfile::Builder::new()
        .prefix(".apply_patch")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(parent)
}

#[cfg(not(unix))]
fn new_file_beside(parent: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".apply_patch").tempfile_in(parent)
}

#[cfg(unix)]
fn is_replaceable(existing: &Metadata, replacement: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    existing.is_file()
        && existing.nlink() == 1
        && existing.uid() == replacement.uid()
        && existing.gid() == replacement.gid()
}

#[cfg(not(unix))]
fn is_replaceable(existing: &Metadata, _replacement: &Metadata) -> bool {
    existing.is_file()
}
