//! Actions on processes, privileges and namespaces.
#![allow(unsafe_code)]
// SAFETY of every call below: numbers, static C strings and buffers of this frame; nothing outlives a call.

use std::fs::{self, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, chroot, getpid, getsid};

use crate::attempt::{Attempt, below, call, io, number};

const NONE: Option<&str> = None;

/// Tries a process action; `None` if the name is not one.
pub(crate) fn run(name: &str) -> Option<Attempt> {
    processes(name).or_else(|| privileges(name)).or_else(|| namespaces(name))
}

fn wish(holds: bool, otherwise: Errno) -> Attempt {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn processes(name: &str) -> Option<Attempt> {
    let mut byte = 1_u8;
    let place = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let own = std::process::id() as i32;
    Some(match name {
        "proc.signal_host_pid" => kill(Pid::from_raw(number("PROBE_HOST_PID")), None),
        "proc.pid_is_small" => wish(own < 1000, Errno::ERANGE),
        "ptrace.traceme" => in_child(|| call(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) })),
        "ptrace.attach_child" => {
            let mut child = Command::new("sleep").arg("60").spawn().unwrap();
            let result = call(unsafe { libc::ptrace(libc::PTRACE_ATTACH, child.id(), 0, 0) });
            child.kill().unwrap();
            child.wait().unwrap();
            result
        }
        "ptrace.process_vm_readv_self" => {
            call(unsafe { libc::process_vm_readv(own, &raw const place, 1, &raw const place, 1, 0) })
        }
        "ptrace.process_vm_writev_self" => {
            call(unsafe { libc::process_vm_writev(own, &raw const place, 1, &raw const place, 1, 0) })
        }
        "sys.io_uring_setup" => {
            let mut parameters = [0_u8; 120];
            call(unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) })
        }
        "sys.pidfd_getfd" => {
            let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, own, 0) };
            call(unsafe { libc::syscall(libc::SYS_pidfd_getfd, fd, 0, 0) })
        }
        "misc.fork_exec_true" => io(Command::new("true").status()),
        _ => return None,
    })
}

fn privileges(name: &str) -> Option<Attempt> {
    let mut zeroes = [0_u8; 128];
    Some(match name {
        "priv.no_new_privs_set" => wish(prctl::get_no_new_privs().unwrap(), Errno::ENOENT),
        "priv.seccomp_filter_active" => {
            let status = fs::read_to_string("/proc/self/status").unwrap();
            wish(status.lines().any(|line| line == "Seccomp:\t2"), Errno::ENOENT)
        }
        "priv.dumpable" => wish(prctl::get_dumpable().unwrap(), Errno::ENOENT),
        "priv.setuid_1" => in_child(|| call(unsafe { libc::setuid(1) })),
        "priv.sethostname" => nix::unistd::sethostname(nix::unistd::gethostname().unwrap()),
        "priv.bpf" => call(unsafe { libc::syscall(libc::SYS_bpf, 0, zeroes.as_mut_ptr(), zeroes.len()) }),
        "priv.add_key" => call(unsafe {
            let (kind, label) = (c"user".as_ptr(), c"probe".as_ptr());
            libc::syscall(libc::SYS_add_key, kind, label, c"x".as_ptr(), 1, -3)
        }),
        "priv.perf_event_open" => {
            zeroes[0] = 1;
            zeroes[4] = 128;
            call(unsafe { libc::syscall(libc::SYS_perf_event_open, zeroes.as_mut_ptr(), 0, -1, -1, 0) })
        }
        "priv.setrlimit_core_unlimited" => {
            let (_, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
            setrlimit(Resource::RLIMIT_CORE, hard, hard)
        }
        "priv.tiocsti" => call(unsafe { libc::ioctl(0, libc::TIOCSTI, c"x".as_ptr()) }),
        "priv.session_leader_of_own_session" => {
            wish(getsid(None).unwrap() != Pid::from_raw(0), Errno::ENOENT)
        }
        "priv.memfd_exec" => call(unsafe { libc::memfd_create(c"probe".as_ptr(), 0) }),
        _ => return None,
    })
}

fn namespaces(name: &str) -> Option<Attempt> {
    let remount = || {
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
        mount(NONE, "/", NONE, flags, NONE)
    };
    let outside = || below("PROBE_OUTSIDE", "esc.txt");
    let git = || below("PROBE_WORKSPACE", ".git");
    Some(match name {
        "ns.unshare_user" => in_child(|| unshare(CloneFlags::CLONE_NEWUSER)),
        "ns.unshare_user_mount" => in_child(|| unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)),
        "ns.unshare_net" => in_child(|| unshare(CloneFlags::CLONE_NEWNET)),
        "ns.unshare_userns_remount_rw" => in_child(|| {
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)?;
            remount()
        }),
        "ns.mount_tmpfs_in_ws" => {
            let place = below("PROBE_WORKSPACE", "");
            in_child(|| mount(Some("tmpfs"), &place, Some("tmpfs"), MsFlags::empty(), NONE))
        }
        "ns.setns_pid1_mnt" => in_child(|| {
            let namespace = fs::File::open("/proc/1/ns/mnt").map_err(|_| Errno::EACCES)?;
            setns(namespace.as_fd(), CloneFlags::CLONE_NEWNS)
        }),
        "ns.chroot" => in_child(|| chroot("/tmp")),
        "ns.remount_root_rw" => in_child(remount),
        "esc.remount_rw_then_write" => in_child(|| {
            remount()?;
            io(fs::write(outside(), "x"))
        }),
        "esc.mount_proc_over" => {
            in_child(|| mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), NONE))
        }
        "ns.umount_dot_git" => in_child(|| umount2(&git(), MntFlags::MNT_DETACH)),
        "esc.umount_git_then_write" => in_child(|| {
            umount2(&git(), MntFlags::MNT_DETACH)?;
            io(OpenOptions::new().append(true).open(git().join("config")))
        }),
        // A child started by the command is confined like the command.
        "child.write_outside" => in_child(|| io(fs::write(outside(), "x"))),
        _ => return None,
    })
}

/// Tries in a child, so that a success changes nothing for the actions after it. The exit code carries the errno.
fn in_child(action: impl FnOnce() -> Attempt) -> Attempt {
    match unsafe { nix::unistd::fork() }.unwrap() {
        nix::unistd::ForkResult::Child => {
            let code = action().map_or_else(|errno| errno as i32, |()| 0);
            unsafe { libc::_exit(code) }
        }
        nix::unistd::ForkResult::Parent { child } => match nix::sys::wait::waitpid(child, None).unwrap() {
            nix::sys::wait::WaitStatus::Exited(_, 0) => Ok(()),
            nix::sys::wait::WaitStatus::Exited(_, code) => Err(Errno::from_raw(code)),
            status => panic!("{status:?}"),
        },
    }
}

/// Forbids further user namespaces in one of our own, then runs `command`; its first word may be followed by `as NAME`.
pub(crate) fn without_namespaces(command: &[String]) -> ExitCode {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER).unwrap();
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1")).unwrap();
    fs::write("/proc/self/setgroups", "deny").unwrap();
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1")).unwrap();
    fs::write("/proc/sys/user/max_user_namespaces", "0").unwrap();
    let error = Command::new(&command[0]).arg0(quire_sandbox::HELPER_ARG0).args(&command[1..]).exec();
    panic!("{error}");
}

/// Says it is ready, waits for a signal, exits with its number.
pub(crate) fn wait_for_signal() -> ExitCode {
    let set: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR1].into_iter().collect();
    set.thread_block().unwrap();
    println!("ready {}", getpid());
    ExitCode::from(set.wait().unwrap() as u8)
}
