//! The Linux sandbox, built in the helper's own process without any other program (sandbox sheet §5 and §13).
//!
//! In come the helper's arguments, out comes the exit code of the command (128 + n when signal n ended it).
//!
//! ```text
//! helper ── watches its parent, forwards signals
//!   └ keeper (only if empty mount points must exist on the host) ── creates them, removes them however the run ends
//!       └ init of the new namespaces ── mounts, drops privileges, installs the filter, reaps
//!           └ the command
//! ```
//!
//! A newcomer's trap: the init is confined exactly like the command. They share a uid and a pid namespace, so anything
//! the init could still do, the command could make it do.

mod args;
mod confine;
mod descriptors;
mod filter;
mod landlock;
mod masks;
mod mount_table;
mod mounts;
mod namespaces;
mod plan;
mod supervise;

use std::ffi::{CString, OsString};
use std::io;
use std::process::ExitCode;

use nix::errno::Errno;
use nix::unistd::execvp;
use quire_protocol::{FileSystemPolicy, NetworkAccess, PermissionProfile};

use self::args::HelperCall;
use self::filter::Filter;
use self::namespaces::Outcome;
use self::plan::Plan;
use crate::HELPER_ARG0;
use crate::access::{FileRules, Places};
use crate::command::full_write;
use crate::error::SandboxError;

/// Exit code when no sandbox could be built.
const REFUSED: u8 = 1;
/// Exit code when the command exists but cannot be run, as shells use it.
const CANNOT_RUN: u8 = 126;
/// Exit code when the command does not exist, as shells use it.
const NOT_FOUND: u8 = 127;

/// The sandbox helper: `args` are the program's arguments without its name.
///
/// Call it first thing in `main` when the program's name is [`HELPER_ARG0`]: the process must still have a single
/// thread. Problems are one line on stderr; nothing runs unless everything is enforced.
pub fn helper_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let code = HelperCall::parse(args).and_then(|call| run(&call)).unwrap_or_else(|error| complain(&error));
    ExitCode::from(code)
}

/// One line for the person, and the code that says nothing ran.
fn complain(error: &SandboxError) -> u8 {
    eprintln!("{HELPER_ARG0}: {error}");
    REFUSED
}

/// Picks the lightest enforcement that is complete.
fn run(call: &HelperCall) -> Result<u8, SandboxError> {
    let PermissionProfile::Managed { file_system, network } = &call.profile else {
        return Ok(become_command(&call.command));
    };
    require_single_thread()?;
    let open_files = match file_system {
        FileSystemPolicy::Restricted { entries, .. } if !full_write(file_system) => entries,
        _ if *network == NetworkAccess::Enabled => return Ok(become_command(&call.command)),
        _ => {
            confine::forbid_new_privileges()?;
            Filter::new(*network).install()?;
            return Ok(become_command(&call.command));
        }
    };
    descriptors::hide_directories()?;
    let tmpdir = std::env::var_os("TMPDIR").filter(|dir| !dir.is_empty()).map(Into::into);
    let places = Places { policy_cwd: call.policy_cwd.clone(), tmpdir };
    let rules = FileRules::resolve(open_files, &places)?;
    let plan = Plan::new(&rules, &call.command_cwd, &masks::registry()?)?;
    match namespaces::run(plan, *network, &call.command)? {
        Outcome::Exited(ended) => Ok(ended.follow()),
        Outcome::Unavailable(reason) => Ok(landlock::run(&rules, *network, &call.command, reason)?.follow()),
    }
}

/// Replaces this process by the command; returns only when that failed.
fn become_command(command: &[CString]) -> u8 {
    supervise::restore_broken_pipe_signal();
    let Some(program) = command.first() else {
        return NOT_FOUND;
    };
    let Err(error) = execvp(program, command);
    eprintln!("{HELPER_ARG0}: cannot run `{}`: {}", program.to_string_lossy(), io::Error::from(error));
    if error == Errno::ENOENT { NOT_FOUND } else { CANNOT_RUN }
}

/// Forking and namespaces are only sound with one thread.
fn require_single_thread() -> Result<(), SandboxError> {
    let tasks = std::fs::read_dir("/proc/self/task")
        .map_err(|error| SandboxError::setup("reading /proc/self/task", error))?;
    if tasks.count() == 1 { Ok(()) } else { Err(SandboxError::Threads) }
}
