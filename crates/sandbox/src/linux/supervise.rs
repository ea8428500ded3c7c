//! Watching over a child: signals go down, its end comes up.
//!
//! In comes the child's pid, out comes its exit code (128 + n for signal n).
//!
//! A newcomer's trap: "die with the parent" is not `PR_SET_PDEATHSIG` here. That signal fires when the *thread* that
//! forked ends, and an asynchronous parent retires its threads at will; the helper watches the parent process instead.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{
    self, SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, killpg, sigprocmask,
};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getppid};

use crate::error::SandboxError;

/// What is passed on to the command.
const FORWARDED: [Signal; 7] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
];

/// How often a vanished parent is looked for on kernels without process descriptors.
const PARENT_POLL_MS: u16 = 250;

/// The signals of this process, held back and read as events.
pub(super) struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Holds back everything that is forwarded, and the news of children.
    pub(super) fn hold() -> Result<Self, SandboxError> {
        let failed = |error| SandboxError::setup("preparing signals", error);
        // Whoever started us may ignore the end of children; then the kernel would not keep their exit codes.
        restore_default(Signal::SIGCHLD);
        let mut held: SigSet = FORWARDED.into_iter().collect();
        held.add(Signal::SIGCHLD);
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&held), Some(&mut before)).map_err(failed)?;
        let fd =
            SignalFd::with_flags(&held, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map_err(failed)?;
        Ok(Self { fd, before })
    }

    /// The descriptor the signals are read from.
    pub(super) fn descriptor(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// Gives a child that becomes the command the signals this process was started with.
    pub(super) fn restore(&self) {
        // Cannot fail: the mask came from the kernel.
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }

    /// The next signal to pass on; news of children only wake the caller.
    fn next_forwarded(&self) -> Option<Signal> {
        loop {
            let event = self.fd.read_signal().ok().flatten()?;
            match Signal::try_from(event.ssi_signo as i32) {
                Ok(Signal::SIGCHLD) | Err(_) => {}
                Ok(signal) => return Some(signal),
            }
        }
    }
}

/// The runtime ignores broken pipes; commands expect the default.
pub(super) fn restore_broken_pipe_signal() {
    restore_default(Signal::SIGPIPE);
}

#[allow(unsafe_code)]
fn restore_default(signal: Signal) {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: installs the default action, no handler of ours runs. It cannot fail for a signal that can be handled.
    let _ = unsafe { signal::sigaction(signal, &default) };
}

/// The process that started this one.
pub(super) struct Parent {
    pid: Pid,
    fd: Option<OwnedFd>,
}

impl Parent {
    /// The present parent.
    pub(super) fn present() -> Self {
        Self::known(getppid())
    }

    /// A parent whose pid is known from before a fork; it may be gone already.
    pub(super) fn known(pid: Pid) -> Self {
        Self { pid, fd: open_process(pid).ok() }
    }

    fn is_gone(&self) -> bool {
        getppid() != self.pid
    }
}

/// What a child means to its watcher once the watcher's own parent is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Orphaned {
    /// End it, wait for the end.
    Kill,
    /// It watches us in turn and cleans up by itself.
    Leave,
}

/// Exit code of a watcher that lost its parent.
const ORPHANED: u8 = 137;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended {
    /// Its exit code, 128 + n if signal n ended it.
    pub code: u8,
    /// The signal that we passed on and that ended it.
    pub passed_on: Option<Signal>,
}

impl Ended {
    /// Ends this process the same way: of the signal that was meant for the command, else with its code.
    pub(super) fn follow(self) -> u8 {
        if let Some(signal) = self.passed_on {
            restore_default(signal);
            let _ = SigSet::from(signal).thread_unblock();
            // Returns only if the signal is not deadly after all.
            let _ = signal::raise(signal);
        }
        self.code
    }
}

/// Waits for `child`, passing signals on.
pub(super) fn watch(child: Pid, signals: &Signals, parent: &Parent, orphaned: Orphaned) -> Ended {
    let mut passed_on = Vec::new();
    let code = watch_for_code(child, signals, parent, orphaned, &mut passed_on);
    Ended { code, passed_on: passed_on.into_iter().find(|signal| code == 128 + *signal as u8) }
}

fn watch_for_code(
    child: Pid,
    signals: &Signals,
    parent: &Parent,
    orphaned: Orphaned,
    passed_on: &mut Vec<Signal>,
) -> u8 {
    let mut parent_alive = true;
    loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => return code as u8,
            Ok(WaitStatus::Signaled(_, signal, _)) => return 128 + signal as u8,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return ORPHANED,
        }
        wait_for_event(signals, parent_alive.then_some(parent));
        while let Some(signal) = signals.next_forwarded() {
            // The child may be a zombie by now; its status is read in the next round.
            let _ = kill(child, signal);
            if !passed_on.contains(&signal) {
                passed_on.push(signal);
            }
        }
        if parent_alive && parent.is_gone() {
            parent_alive = false;
            match orphaned {
                Orphaned::Kill => drop(kill(child, Signal::SIGKILL)),
                Orphaned::Leave => return ORPHANED,
            }
        }
    }
}

/// The life of the first process of a pid namespace: reaps everything, ends with the command.
pub(super) fn reap_until_exit(command: Pid, signals: &Signals) -> u8 {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == command => return code as u8,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == command => return 128 + signal as u8,
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::EINTR) => continue,
            Ok(_) => {}
            Err(_) => return ORPHANED,
        }
        wait_for_event(signals, None);
        while let Some(signal) = signals.next_forwarded() {
            // The whole group of the command, as a terminal would; alone while it has not made its group yet.
            if killpg(command, signal).is_err() {
                let _ = kill(command, signal);
            }
        }
    }
}

/// Ties this process to its watcher, which has a single thread that lives as long as it does: here the parent-death
/// signal is exact.
pub(super) fn die_with(watcher: Pid) -> Result<(), SandboxError> {
    let failed = |error| SandboxError::setup("tying the command to its parent", error);
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(failed)?;
    if getppid() == watcher { Ok(()) } else { Err(failed(Errno::ESRCH)) }
}

/// Sleeps until a signal arrives or the parent ends.
fn wait_for_event(signals: &Signals, parent: Option<&Parent>) {
    let mut fds = vec![PollFd::new(signals.fd.as_fd(), PollFlags::POLLIN)];
    let mut timeout = PollTimeout::NONE;
    match parent {
        Some(Parent { fd: Some(fd), .. }) => fds.push(PollFd::new(fd.as_fd(), PollFlags::POLLIN)),
        Some(Parent { fd: None, .. }) => timeout = PollTimeout::from(PARENT_POLL_MS),
        None => {}
    }
    // An interrupted wait only means another round for the caller.
    let _ = poll(&mut fds, timeout);
}

#[allow(unsafe_code)]
fn open_process(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes numbers only.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made this descriptor (close-on-exec) and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Forks, the child being in the new namespaces of `flags`; `None` in the child.
#[allow(unsafe_code)]
pub(super) fn fork_into(flags: libc::c_int) -> io::Result<Option<Pid>> {
    let flags = libc::c_long::from(flags | libc::SIGCHLD);
    // SAFETY: without a stack and without shared memory this is a plain fork; the helper has a single thread
    // (checked at its start), so the child's copy of every lock and allocator state is consistent.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        pid => Ok(Some(Pid::from_raw(pid as libc::pid_t))),
    }
}
