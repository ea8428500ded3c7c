//! Ending a process with all it started.
//!
//! A newcomer's trap: what the sandbox helper started is left to the helper. Everything below it dies with it, except
//! the one process that has to outlive it for a moment to remove mount points from the host.

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// Kills the process group of `leader` and every descendant that left the group. What is already gone is no error.
pub(crate) fn kill_tree(leader: u32) {
    let leader = Pid::from_raw(leader as i32);
    let strays = descendants(leader);
    let _ = killpg(leader, Signal::SIGKILL);
    for stray in strays {
        let _ = kill(stray, Signal::SIGKILL);
    }
}

/// Asks every process of the group that `leader` leads to end.
pub fn ask_group_to_end(leader: u32) {
    let _ = killpg(Pid::from_raw(leader as i32), Signal::SIGTERM);
}

/// Kills the process group only: for places that must not read `/proc`.
pub(crate) fn kill_group(leader: u32) {
    let _ = killpg(Pid::from_raw(leader as i32), Signal::SIGKILL);
}

#[cfg(target_os = "linux")]
fn descendants(root: Pid) -> Vec<Pid> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        next += 1;
        if is_sandbox_helper(parent) {
            continue;
        }
        let children = format!("/proc/{parent}/task/{parent}/children");
        let children = std::fs::read_to_string(children).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw));
    }
    found.split_off(1)
}

/// Whether a process goes by the helper's name.
#[cfg(target_os = "linux")]
fn is_sandbox_helper(pid: Pid) -> bool {
    let command_line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command_line.split(|byte| *byte == 0).next() == Some(quire_sandbox::HELPER_ARG0.as_bytes())
}

#[cfg(not(target_os = "linux"))]
fn descendants(_: Pid) -> Vec<Pid> {
    Vec::new()
}
