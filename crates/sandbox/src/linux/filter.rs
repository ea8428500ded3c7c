//! The system call filter: a small classic BPF program (sandbox sheet §5.4 and §13).
//!
//! In comes whether the network is open, out comes a program that answers `EPERM` for what is denied and allows the
//! rest.
//!
//! A newcomer's trap: calls have other numbers in the 32-bit and x32 tables of the same kernel. A filter that only
//! compares numbers can be walked around through them, so the first instructions refuse every foreign table.

use std::io;

use nix::errno::Errno;
use quire_protocol::NetworkAccess;

use crate::error::SandboxError;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xC000_00B7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCH: u32 = 0;

/// Calls of the x32 table carry this bit; no call of the native table does.
const X32_BIT: u32 = 0x4000_0000;

/// Offsets in the kernel's `seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
/// Lower half of argument `n` (little-endian).
const fn argument(n: u32) -> u32 {
    16 + 8 * n
}

/// Denied in every sandbox: looking into other processes, and kernel surfaces with a history of holes.
const ALWAYS: [libc::c_long; 23] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    SYS_OPEN_TREE_ATTR,
];
const SYS_OPEN_TREE_ATTR: libc::c_long = 467;

/// Denied without network, besides sockets of other families than unix.
const NETWORK: [libc::c_long; 13] = [
    libc::SYS_connect,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_getpeername,
    libc::SYS_getsockname,
    libc::SYS_shutdown,
    libc::SYS_sendto,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
];

/// Changes of metadata that Landlock cannot see; denied with `EROFS` where it stands in for a read-only mount.
const METADATA: &[libc::c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SYS_SETXATTRAT,
    SYS_REMOVEXATTRAT,
    SYS_FILE_SETATTR,
];
const SYS_FCHMODAT2: libc::c_long = 452;
const SYS_SETXATTRAT: libc::c_long = 463;
const SYS_REMOVEXATTRAT: libc::c_long = 466;
const SYS_FILE_SETATTR: libc::c_long = 469;

/// `ioctl` requests that change a file's attributes through a read-only descriptor.
const METADATA_IOCTLS: [u32; 4] = [
    0x4008_6602, // FS_IOC_SETFLAGS
    0x4004_6602, // FS_IOC32_SETFLAGS
    0x401c_5820, // FS_IOC_FSSETXATTR
    0x4008_7602, // FS_IOC_SETVERSION
];

/// A filter ready to be installed.
#[derive(Debug)]
pub(super) struct Filter {
    network: NetworkAccess,
    metadata: bool,
}

impl Filter {
    /// The filter of a profile with this network.
    pub(super) fn new(network: NetworkAccess) -> Self {
        Self { network, metadata: false }
    }

    /// Also freezes modes, owners, times and attributes of all files.
    pub(super) fn freezing_metadata(mut self) -> Self {
        self.metadata = true;
        self
    }

    /// Puts the filter on this process and everything it starts, for good. Needs `no_new_privs`.
    pub(super) fn install(&self) -> Result<(), SandboxError> {
        if ARCH == 0 {
            return Err(SandboxError::UnsupportedPlatform { platform: std::env::consts::ARCH });
        }
        let program = self.program();
        // Without the flag, kernels before 5.16 slow every filtered process down to guard against speculation.
        let installed = set_filter(&program, libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW);
        let installed = match installed {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => set_filter(&program, 0),
            other => other,
        };
        installed.map_err(|error| SandboxError::setup("installing the system call filter", error))
    }

    fn program(&self) -> Vec<libc::sock_filter> {
        let mut code = Vec::with_capacity(160);
        code.push(load(ARCHITECTURE));
        code.extend(unless_equal(ARCH, libc::SECCOMP_RET_KILL_PROCESS));
        code.push(load(NUMBER));
        // x32 has the architecture of the native table; no native number reaches the bit.
        code.push(jump(libc::BPF_JGE, X32_BIT, 0, 1));
        code.push(answer(refuse(Errno::EPERM)));
        for number in ALWAYS {
            code.extend(when_equal(number as u32, refuse(Errno::EPERM)));
        }
        if self.metadata {
            for number in METADATA {
                code.extend(when_equal(*number as u32, refuse(Errno::EROFS)));
            }
        }
        if self.network == NetworkAccess::Restricted {
            for number in NETWORK {
                code.extend(when_equal(number as u32, refuse(Errno::EPERM)));
            }
            let sockets = socket_check();
            let length = sockets.len() as u8;
            code.push(jump(libc::BPF_JEQ, libc::SYS_socket as u32, 1, 0));
            code.push(jump(libc::BPF_JEQ, libc::SYS_socketpair as u32, 0, length));
            code.extend(sockets);
        }
        if self.metadata {
            let requests = ioctl_check();
            code.push(jump(libc::BPF_JEQ, libc::SYS_ioctl as u32, 0, requests.len() as u8));
            code.extend(requests);
        }
        code.push(answer(libc::SECCOMP_RET_ALLOW));
        code
    }
}

/// Only unix sockets, and of those no datagram ones: a datagram can be sent to any path with `sendmsg`, which must
/// stay allowed because descriptors are passed with it.
fn socket_check() -> Vec<libc::sock_filter> {
    let mut code = vec![load(argument(0))];
    code.extend(unless_equal(libc::AF_UNIX as u32, refuse(Errno::EPERM)));
    code.push(load(argument(1)));
    code.push(statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0xf));
    code.extend(when_equal(libc::SOCK_DGRAM as u32, refuse(Errno::EPERM)));
    // The kernel turns raw unix sockets into datagram ones.
    code.extend(when_equal(libc::SOCK_RAW as u32, refuse(Errno::EPERM)));
    code.push(answer(libc::SECCOMP_RET_ALLOW));
    code
}

fn ioctl_check() -> Vec<libc::sock_filter> {
    let mut code = vec![load(argument(1))];
    for request in METADATA_IOCTLS {
        code.extend(when_equal(request, refuse(Errno::EROFS)));
    }
    code.push(answer(libc::SECCOMP_RET_ALLOW));
    code
}

const fn refuse(errno: Errno) -> u32 {
    libc::SECCOMP_RET_ERRNO | (errno as u32 & libc::SECCOMP_RET_DATA)
}

fn when_equal(value: u32, verdict: u32) -> [libc::sock_filter; 2] {
    [jump(libc::BPF_JEQ, value, 0, 1), answer(verdict)]
}

fn unless_equal(value: u32, verdict: u32) -> [libc::sock_filter; 2] {
    [jump(libc::BPF_JEQ, value, 1, 0), answer(verdict)]
}

fn load(offset: u32) -> libc::sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset)
}

fn answer(verdict: u32) -> libc::sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, verdict)
}

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn jump(condition: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_JMP | condition | libc::BPF_K) as u16, jt, jf, k }
}

#[allow(unsafe_code)]
fn set_filter(program: &[libc::sock_filter], flags: libc::c_ulong) -> io::Result<()> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: `program` points to `len` initialised instructions that outlive the call; the kernel copies them and
    // writes nothing.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program like the kernel would.
    fn verdict(filter: &Filter, arch: u32, number: libc::c_long, args: [u32; 2]) -> u32 {
        let program = filter.program();
        let (mut accumulator, mut at) = (0_u32, 0_usize);
        loop {
            let step = program[at];
            at += 1;
            let code = u32::from(step.code);
            match code & 0x07 {
                libc::BPF_LD => {
                    accumulator = match step.k {
                        NUMBER => number as u32,
                        ARCHITECTURE => arch,
                        16 => args[0],
                        24 => args[1],
                        other => panic!("load of {other}"),
                    }
                }
                libc::BPF_ALU => accumulator &= step.k,
                libc::BPF_JMP => {
                    let taken = if code & 0xf0 == libc::BPF_JGE {
                        accumulator >= step.k
                    } else {
                        accumulator == step.k
                    };
                    at += usize::from(if taken { step.jt } else { step.jf });
                }
                libc::BPF_RET => return step.k,
                other => panic!("class {other}"),
            }
        }
    }

    const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    const EROFS: u32 = libc::SECCOMP_RET_ERRNO | libc::EROFS as u32;
    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;

    #[test]
    fn the_always_row_holds_with_and_without_network() {
        for network in [NetworkAccess::Enabled, NetworkAccess::Restricted] {
            let filter = Filter::new(network);
            for number in ALWAYS {
                assert_eq!(verdict(&filter, ARCH, number, [0; 2]), EPERM, "{number}");
            }
            for number in
                [libc::SYS_read, libc::SYS_sendmsg, libc::SYS_recvmsg, libc::SYS_recvfrom, libc::SYS_clone]
            {
                assert_eq!(verdict(&filter, ARCH, number, [0; 2]), ALLOW, "{number}");
            }
        }
    }

    #[test]
    fn sockets_without_network_are_connected_unix_ones_only() {
        let closed = Filter::new(NetworkAccess::Restricted);
        let open = Filter::new(NetworkAccess::Enabled);
        let call = |filter, number, domain: i32, kind: i32| {
            verdict(filter, ARCH, number, [domain as u32, kind as u32])
        };
        for number in [libc::SYS_socket, libc::SYS_socketpair] {
            let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
            assert_eq!(call(&closed, number, libc::AF_UNIX, libc::SOCK_STREAM | flags), ALLOW);
            assert_eq!(call(&closed, number, libc::AF_UNIX, libc::SOCK_SEQPACKET), ALLOW);
            assert_eq!(call(&closed, number, libc::AF_UNIX, libc::SOCK_DGRAM | flags), EPERM);
            assert_eq!(call(&closed, number, libc::AF_UNIX, libc::SOCK_RAW), EPERM);
            assert_eq!(call(&closed, number, libc::AF_INET, libc::SOCK_STREAM), EPERM);
            assert_eq!(call(&open, number, libc::AF_INET, libc::SOCK_STREAM), ALLOW);
        }
        for number in NETWORK {
            assert_eq!(verdict(&closed, ARCH, number, [0; 2]), EPERM, "{number}");
            assert_eq!(verdict(&open, ARCH, number, [0; 2]), ALLOW, "{number}");
        }
    }

    #[test]
    fn foreign_call_tables_are_refused() {
        let filter = Filter::new(NetworkAccess::Enabled);
        assert_eq!(verdict(&filter, 0x4000_0003, libc::SYS_read, [0; 2]), libc::SECCOMP_RET_KILL_PROCESS);
        assert_eq!(verdict(&filter, ARCH, libc::SYS_read | libc::c_long::from(X32_BIT), [0; 2]), EPERM);
    }

    #[test]
    fn metadata_is_frozen_only_on_request() {
        let frozen = Filter::new(NetworkAccess::Restricted).freezing_metadata();
        let plain = Filter::new(NetworkAccess::Restricted);
        for number in METADATA {
            assert_eq!(verdict(&frozen, ARCH, *number, [0; 2]), EROFS, "{number}");
            assert_eq!(verdict(&plain, ARCH, *number, [0; 2]), ALLOW, "{number}");
        }
        assert_eq!(verdict(&frozen, ARCH, libc::SYS_ioctl, [3, METADATA_IOCTLS[0]]), EROFS);
        assert_eq!(verdict(&frozen, ARCH, libc::SYS_ioctl, [3, 0x5401]), ALLOW);
        assert_eq!(verdict(&frozen, ARCH, libc::SYS_socket, [libc::AF_UNIX as u32, 1]), ALLOW);
    }
}
