//! New user, mount, pid, ipc and (without network) network namespaces around a command.
//!
//! In comes the plan, out comes the command's exit code, or the reason why namespaces are not to be had on this system.
//!
//! A newcomer's trap: the namespaces are made by `clone`, not by `unshare` in the helper. The helper stays outside, so
//! that it still sees the host when mount points have to be removed again.

use std::ffi::CString;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::{fs, mem, process};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Uid, getegid, geteuid, getpid, setsid};
use quire_protocol::NetworkAccess;

use super::filter::Filter;
use super::masks::Masks;
use super::plan::Plan;
use super::supervise::{self, Ended, Orphaned, Parent, Signals, fork_into};
use super::{become_command, complain, confine, descriptors, mounts};
use crate::error::SandboxError;

/// How a run went.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The command ran and ended.
    Exited(Ended),
    /// This system gives us no namespaces; nothing ran.
    Unavailable(String),
}

/// Longest reason read from the inside.
const REASON_BYTES: u64 = 4096;
/// Exit code by which the keeper tells that namespaces are unavailable; the reason comes through a pipe.
const KEEPER_UNAVAILABLE: u8 = 1;

/// Runs the command inside the plan.
pub(super) fn run(plan: Plan, network: NetworkAccess, command: &[CString]) -> Result<Outcome, SandboxError> {
    let signals = Signals::hold()?;
    let parent = Parent::present();
    if plan.masks().is_empty() {
        return enclose(&plan, network, command, &signals, &parent);
    }
    keep(plan, network, command, &signals, &parent)
}

/// Puts a keeper between us and the namespaces: a process in its own session, out of reach of a kill aimed at our
/// group, that removes the mount points it made on the host.
fn keep(
    plan: Plan,
    network: NetworkAccess,
    command: &[CString],
    signals: &Signals,
    parent: &Parent,
) -> Result<Outcome, SandboxError> {
    let (mut reader, writer) = pipe()?;
    let helper = getpid();
    let Some(keeper) = fork_into(0).map_err(|error| SandboxError::setup("starting the keeper", error))?
    else {
        drop(reader);
        process::exit(keeper_main(plan, network, command, signals, &Parent::known(helper), writer).into());
    };
    drop(writer);
    let ended = supervise::watch(keeper, signals, parent, Orphaned::Leave);
    let reason = if ended.code == KEEPER_UNAVAILABLE { read_reason(&mut reader) } else { String::new() };
    Ok(if reason.is_empty() { Outcome::Exited(ended) } else { Outcome::Unavailable(reason) })
}

fn keeper_main(
    mut plan: Plan,
    network: NetworkAccess,
    command: &[CString],
    signals: &Signals,
    helper: &Parent,
    mut writer: PipeWriter,
) -> u8 {
    // Fails only for a group leader, which a fresh fork is not.
    let _ = setsid();
    let outcome = Masks::hold(plan.masks()).and_then(|masks| {
        plan.skip(masks.needless());
        enclose(&plan, network, command, signals, helper)
    });
    match outcome {
        Ok(Outcome::Exited(ended)) => ended.code,
        Ok(Outcome::Unavailable(reason)) => {
            // If the helper is gone nobody needs the reason.
            let _ = writer.write_all(reason.as_bytes());
            KEEPER_UNAVAILABLE
        }
        Err(error) => complain(&error),
    }
}

/// Makes the namespaces and watches over what runs in them.
fn enclose(
    plan: &Plan,
    network: NetworkAccess,
    command: &[CString],
    signals: &Signals,
    parent: &Parent,
) -> Result<Outcome, SandboxError> {
    let (mut reader, writer) = pipe()?;
    let mut flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC;
    if network == NetworkAccess::Restricted {
        flags |= libc::CLONE_NEWNET;
    }
    let ids = Ids::own();
    let init = match fork_into(flags) {
        Ok(Some(pid)) => pid,
        Ok(None) => {
            drop(reader);
            process::exit(init_main(plan, network, command, signals, writer, ids).into());
        }
        Err(error) if is_refusal(&error) => {
            return Ok(Outcome::Unavailable(format!("user namespaces cannot be created ({error})")));
        }
        Err(error) => return Err(SandboxError::setup("creating namespaces", error)),
    };
    drop(writer);
    let reason = read_reason(&mut reader);
    if reason.is_empty() {
        return Ok(Outcome::Exited(supervise::watch(init, signals, parent, Orphaned::Kill)));
    }
    // It has said its last word and is exiting; the status carries nothing more.
    let _ = waitpid(init, None);
    Ok(Outcome::Unavailable(reason))
}

/// The first process of the namespaces.
fn init_main(
    plan: &Plan,
    network: NetworkAccess,
    command: &[CString],
    signals: &Signals,
    mut writer: PipeWriter,
    ids: Ids,
) -> u8 {
    if let Err(error) = die_with_watcher(&writer) {
        return complain(&error);
    }
    // Systems that allow user namespaces but take their powers away show it in one of these two.
    if let Err(error) = ids.map().and_then(|()| mounts::detach_from_host()) {
        // Without a watcher nobody needs the reason.
        let _ = write!(writer, "user namespaces are restricted ({error})");
        return super::REFUSED;
    }
    let confined = mounts::build(plan)
        .and_then(|()| {
            // Also tells the watcher that the set-up is done. Its value must not close the number a second time.
            mem::forget(writer);
            descriptors::close_own(signals.descriptor())
        })
        .and_then(|()| confine::drop_capabilities())
        .and_then(|()| confine::forbid_new_privileges())
        .and_then(|()| Filter::new(network).install());
    if let Err(error) = confined {
        return complain(&error);
    }
    // The init leaves the group a terminal or a caller might signal; signals arrive through the watcher alone.
    let _ = setsid();
    match fork_into(0) {
        Ok(Some(pid)) => supervise::reap_until_exit(pid, signals),
        Ok(None) => {
            let _ = setsid();
            signals.restore();
            process::exit(become_command(command).into());
        }
        Err(error) => complain(&SandboxError::setup("starting the command", error)),
    }
}

/// The watcher has a single thread that lives as long as it does, so the parent-death signal is exact here. The pipe
/// tells when the watcher died before the signal was armed.
fn die_with_watcher(writer: &PipeWriter) -> Result<(), SandboxError> {
    let failed = |error| SandboxError::setup("tying the sandbox to its parent", error);
    prctl::set_pdeathsig(Signal::SIGKILL).map_err(failed)?;
    let mut fds = [PollFd::new(writer.as_fd(), PollFlags::empty())];
    poll(&mut fds, PollTimeout::ZERO).map_err(failed)?;
    if fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR)) {
        return Err(failed(Errno::ESRCH));
    }
    Ok(())
}

/// The user and group a namespace is made for; read outside, because inside they have no number until mapped.
#[derive(Clone, Copy)]
struct Ids {
    uid: Uid,
    gid: Gid,
}

impl Ids {
    fn own() -> Self {
        Self { uid: geteuid(), gid: getegid() }
    }

    /// Maps both to themselves in the namespace of this process; all others become "nobody".
    fn map(self) -> io::Result<()> {
        let Self { uid, gid } = self;
        fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
    }
}

/// Whether an error of `clone` means that this system does not want namespaces, rather than being short of something.
fn is_refusal(error: &io::Error) -> bool {
    let refusals = [libc::EPERM, libc::EACCES, libc::EINVAL, libc::ENOSPC, libc::ENOSYS, libc::EUSERS];
    error.raw_os_error().is_some_and(|code| refusals.contains(&code))
}

fn pipe() -> Result<(PipeReader, PipeWriter), SandboxError> {
    io::pipe().map_err(|error| SandboxError::setup("making a pipe", error))
}

/// Reads until the other side is done setting up; empty means all went well (or was complained about).
fn read_reason(reader: &mut PipeReader) -> String {
    let mut reason = Vec::new();
    // An error reads like silence: the exit code tells the rest.
    let _ = reader.take(REASON_BYTES).read_to_end(&mut reason);
    String::from_utf8_lossy(&reason).into_owned()
}
