//! Which inherited descriptors the command may see.
//!
//! A newcomer's trap: a mount namespace does not reach what is already open. Through an inherited directory the whole
//! file system could be walked around the read-only mounts, so directories never pass; pipes, terminals and files that
//! somebody redirected on purpose do.

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};

use crate::error::SandboxError;

/// Closes inherited directories and path-only descriptors at the next exec; refuses directories as standard streams.
pub(super) fn hide_directories() -> Result<(), SandboxError> {
    for number in open_now()? {
        let fd = borrow(number);
        // The descriptor of the listing itself is closed by now.
        let Ok(stat) = fstat(fd) else { continue };
        let is_dir = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
        let is_path = fcntl(fd, FcntlArg::F_GETFL)
            .is_ok_and(|flags| OFlag::from_bits_truncate(flags).contains(OFlag::O_PATH));
        if !is_dir && !is_path {
            continue;
        }
        if number <= 2 {
            return Err(SandboxError::DirectoryStream { fd: number });
        }
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
            .map_err(|error| SandboxError::setup(format!("closing descriptor {number}"), error))?;
    }
    Ok(())
}

/// Closes everything that would end at an exec, but for `kept`: for a process that never execs and must hold no more
/// than the command it starts, which could take descriptors from it (`pidfd_getfd`).
///
/// The values that own these descriptors must not be dropped afterwards; the caller exits without unwinding.
pub(super) fn close_own(kept: RawFd) -> Result<(), SandboxError> {
    for number in open_now()? {
        let ends_at_exec = fcntl(borrow(number), FcntlArg::F_GETFD)
            .is_ok_and(|flags| FdFlag::from_bits_truncate(flags).contains(FdFlag::FD_CLOEXEC));
        if ends_at_exec && number != kept {
            // Fails only for the listing, which is closed already.
            let _ = nix::unistd::close(number);
        }
    }
    Ok(())
}

fn open_now() -> Result<Vec<RawFd>, SandboxError> {
    let listing =
        fs::read_dir("/proc/self/fd").map_err(|error| SandboxError::setup("reading /proc/self/fd", error))?;
    Ok(listing.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
}

#[allow(unsafe_code)]
fn borrow<'fd>(fd: RawFd) -> BorrowedFd<'fd> {
    // SAFETY: only used for calls that check the number themselves (EBADF) and keep nothing; the process has a single
    // thread, so the number cannot change its meaning in between.
    unsafe { BorrowedFd::borrow_raw(fd) }
}
