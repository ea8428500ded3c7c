//! Giving up privileges for good: capabilities and the way back to them.
//!
//! A newcomer's trap: uid 0 regains every capability of the *bounding set* at the next exec. Clearing the process's own
//! sets is not enough; the bounding set goes first, while there is still the right to drop it.

use std::io;

use nix::errno::Errno;
use nix::sys::prctl;

use crate::error::SandboxError;

/// Above the last capability any kernel knows.
const CAPABILITY_LIMIT: libc::c_int = 64;

/// No exec will ever raise privileges again (set-uid files, file capabilities).
pub(super) fn forbid_new_privileges() -> Result<(), SandboxError> {
    prctl::set_no_new_privs().map_err(|error| SandboxError::setup("setting no_new_privs", error))
}

/// Drops all capabilities, also those of uid 0 after an exec.
pub(super) fn drop_capabilities() -> Result<(), SandboxError> {
    let failed = |error| SandboxError::setup("dropping capabilities", error);
    for capability in 0..CAPABILITY_LIMIT {
        match drop_from_bounding_set(capability) {
            Ok(()) => {}
            // Past the last one.
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => break,
            Err(error) => return Err(failed(error)),
        }
    }
    clear_capabilities().map_err(failed)
}

#[allow(unsafe_code)]
fn drop_from_bounding_set(capability: libc::c_int) -> io::Result<()> {
    // SAFETY: takes a number, touches no memory of ours.
    let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// `struct __user_cap_header_struct` of the kernel.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: libc::c_int,
}

/// `struct __user_cap_data_struct` of the kernel.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapabilitySets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The 64-bit version of the two structures.
const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

#[allow(unsafe_code)]
fn clear_capabilities() -> io::Result<()> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION_3, pid: 0 };
    let sets = [CapabilitySets::default(); 2];
    // SAFETY: the kernel reads a header and, for version 3, two data structures, all of which outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
