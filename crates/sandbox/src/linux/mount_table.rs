//! Mount flags: reading the host's, changing ours.
//!
//! A newcomer's trap: flags belong to each mount, not to a directory. Making `/` read-only says nothing about what is
//! mounted below it, and a bind copies the flags its source has at that moment.

use std::ffi::{CStr, OsString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;

/// One mount of this namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mounted {
    at: PathBuf,
    flags: MsFlags,
}

/// The mounts of a namespace at one moment.
#[derive(Debug)]
pub(super) struct MountTable {
    mounts: Vec<Mounted>,
}

impl MountTable {
    /// Reads the present mounts.
    pub(super) fn read() -> io::Result<Self> {
        Ok(Self::parse(&fs::read("/proc/self/mountinfo")?))
    }

    fn parse(text: &[u8]) -> Self {
        let mut mounts: Vec<Mounted> = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            let mut fields = line.split(|byte| *byte == b' ');
            let (Some(at), Some(options)) = (fields.nth(4), fields.next()) else { continue };
            let mounted = Mounted { at: unescape(at), flags: flags(options) };
            // Of several mounts on one path the last is the visible one.
            mounts.retain(|other| other.at != mounted.at);
            mounts.push(mounted);
        }
        Self { mounts }
    }

    /// Where `path` and what is mounted below it lie on mounts that are not read-only: the path itself, if so, and
    /// every such mount point below.
    pub(super) fn writable_within(&self, path: &Path) -> Vec<PathBuf> {
        let own = self.mounts.iter().filter(|mounted| path.starts_with(&mounted.at));
        let own = own.max_by_key(|mounted| mounted.at.components().count());
        let own = own.filter(|mounted| !mounted.flags.contains(MsFlags::MS_RDONLY)).map(|_| path.to_owned());
        let below = self.mounts.iter().filter(|mounted| mounted.at != path && mounted.at.starts_with(path));
        let below = below.filter(|mounted| !mounted.flags.contains(MsFlags::MS_RDONLY));
        own.into_iter().chain(below.map(|mounted| mounted.at.clone())).collect()
    }
}

fn flags(options: &[u8]) -> MsFlags {
    options.split(|byte| *byte == b',').fold(MsFlags::empty(), |flags, option| {
        flags
            | match option {
                b"ro" => MsFlags::MS_RDONLY,
                b"nosuid" => MsFlags::MS_NOSUID,
                b"nodev" => MsFlags::MS_NODEV,
                b"noexec" => MsFlags::MS_NOEXEC,
                b"noatime" => MsFlags::MS_NOATIME,
                b"nodiratime" => MsFlags::MS_NODIRATIME,
                b"relatime" => MsFlags::MS_RELATIME,
                _ => MsFlags::empty(),
            }
    })
}

/// Undoes the kernel's octal escapes of blanks and backslashes.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let code = (first == b'\\')
            .then(|| tail.get(..3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        if let Some(code) = code {
            bytes.push(code);
            rest = &tail[3..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    OsString::from_vec(bytes).into()
}

/// Opens a path for mounting, refusing every link on the way: the paths of a plan are real, so a link means that
/// somebody is swapping folders under us.
pub(super) fn open_exact(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_SYMLINKS);
    match openat2(AT_FDCWD, path, how) {
        Err(Errno::ENOSYS) => Ok(open(path, flags, Mode::empty())?),
        other => Ok(other?),
    }
}

/// The name by which mount calls reach an open descriptor.
pub(super) fn fd_path(fd: &impl AsRawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// Adds `read-only`, `nosuid`, `nodev` to the mount at `path` and to all below it.
pub(super) fn make_read_only(path: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    add_flags(path, flags, libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV)
}

/// Adds `nosuid` and `nodev` to the mount at `path` and to all below it.
pub(super) fn make_plain(path: &Path) -> io::Result<()> {
    add_flags(path, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV)
}

/// Takes `read-only` away from the single mount at `path`.
pub(super) fn make_writable(path: &Path) -> io::Result<()> {
    take_flags(path, MsFlags::MS_RDONLY, libc::MOUNT_ATTR_RDONLY)
}

/// Makes the device node bound at `path` usable, where its source lies on a mount that is restricted by now.
pub(super) fn make_device(path: &Path) -> io::Result<()> {
    take_flags(path, MsFlags::MS_RDONLY | MsFlags::MS_NODEV, libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NODEV)
}

fn take_flags(path: &Path, flags: MsFlags, attributes: u64) -> io::Result<()> {
    let fd = open_exact(path)?;
    match set_attributes(fd.as_fd(), false, 0, attributes) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            let table = MountTable::read()?;
            let present = table.mounts.iter().find(|mounted| mounted.at == path).map(|mounted| mounted.flags);
            remount(path, present.unwrap_or(MsFlags::empty()) - flags)
        }
        other => other,
    }
}

fn add_flags(path: &Path, flags: MsFlags, attributes: u64) -> io::Result<()> {
    let fd = open_exact(path)?;
    match set_attributes(fd.as_fd(), true, attributes, 0) {
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => add_flags_one_by_one(path, flags),
        other => other,
    }
}

/// For kernels before 5.12.
fn add_flags_one_by_one(path: &Path, flags: MsFlags) -> io::Result<()> {
    for mounted in MountTable::read()?.mounts.iter().filter(|mounted| mounted.at.starts_with(path)) {
        match remount(&mounted.at, mounted.flags | flags) {
            Ok(()) => {}
            // Under another mount, or in a folder we cannot enter: then the command cannot reach it either.
            Err(error) if mounted.at != path && is_unreachable(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_unreachable(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| [libc::EACCES, libc::ENOENT, libc::EINVAL].contains(&code))
}

fn remount(path: &Path, flags: MsFlags) -> io::Result<()> {
    let flags = flags | MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
    Ok(mount(None::<&CStr>, path, None::<&CStr>, flags, None::<&CStr>)?)
}

#[allow(unsafe_code)]
fn set_attributes(fd: BorrowedFd<'_>, recursive: bool, set: u64, clear: u64) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: clear, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string, the structure has the size given and is only read.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> MountTable {
        MountTable::parse(
            b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
              23 22 8:2 / /srv ro,nosuid - ext4 /dev/sdb rw\n\
              24 22 8:3 / /srv/my\\040data rw,noexec,noatime - ext4 /dev/sdc rw\n\
              25 22 8:4 / /home rw - ext4 /dev/sdd rw\n\
              26 25 8:5 / /home ro - ext4 /dev/sde rw\n",
        )
    }

    #[test]
    fn reads_points_and_flags() {
        let table = table();
        let found = table.mounts.iter().find(|mounted| mounted.at == Path::new("/srv/my data")).unwrap();
        assert_eq!(found.flags, MsFlags::MS_NOEXEC | MsFlags::MS_NOATIME);
        // The later mount on the same path covers the earlier.
        let homes: Vec<_> = table.mounts.iter().filter(|mounted| mounted.at == Path::new("/home")).collect();
        assert_eq!(homes.len(), 1);
        assert!(homes[0].flags.contains(MsFlags::MS_RDONLY));
    }

    #[test]
    fn only_mounts_that_the_host_has_writable_become_writable() {
        let table = table();
        let within = |path: &str| table.writable_within(Path::new(path));
        assert_eq!(within("/tmp"), [Path::new("/tmp")]);
        assert_eq!(within("/srv"), [Path::new("/srv/my data")]);
        assert_eq!(within("/srv/other"), [] as [PathBuf; 0]);
        assert_eq!(within("/srv/my data/x"), [Path::new("/srv/my data/x")]);
        assert_eq!(within("/home/me"), [] as [PathBuf; 0]);
    }

    #[test]
    fn paths_with_links_are_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        fs::create_dir_all(base.join("real/sub")).unwrap();
        std::os::unix::fs::symlink("real", base.join("link")).unwrap();
        open_exact(&base.join("real/sub")).unwrap();
        assert_eq!(open_exact(&base.join("link/sub")).unwrap_err().raw_os_error(), Some(libc::ELOOP));
    }
}
