//! The fallback for systems that give us no user namespaces: Landlock and the system call filter.
//!
//! In come the resolved rules, out comes the command's exit code, or the reason why this profile needs more.
//!
//! A newcomer's trap: Landlock can only grant below a folder, never take away again. A writable folder with protected
//! names in it cannot be expressed, so of the usual modes only read-only runs here; the others are refused.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::process;

use landlock::{
    ABI, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, Scope,
};
use nix::unistd::getpid;
use quire_protocol::{Access, NetworkAccess};

use super::filter::Filter;
use super::supervise::{self, Ended, Orphaned, Parent, Signals, fork_into};
use super::{become_command, complain, confine};
use crate::access::FileRules;
use crate::error::SandboxError;

/// Devices that swallow what is written to them.
const HARMLESS: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// The first version that sees every way to change a file's content.
const CONTENT: ABI = ABI::V3;

/// Runs the command, if Landlock can enforce all of the rules. `namespaces` tells why this is needed.
pub(super) fn run(
    rules: &FileRules,
    network: NetworkAccess,
    command: &[CString],
    namespaces: String,
) -> Result<Ended, SandboxError> {
    let ruleset = match enforceable(rules) {
        Ok(()) => read_only_rules().map_err(|error| format!("be used here ({error})")),
        Err(what) => Err(what),
    }
    .map_err(|landlock| SandboxError::Unenforceable { namespaces, landlock })?;
    let signals = Signals::hold()?;
    let (parent, helper) = (Parent::present(), getpid());
    let child = fork_into(0).map_err(|error| SandboxError::setup("starting the command", error))?;
    if let Some(child) = child {
        return Ok(supervise::watch(child, &signals, &parent, Orphaned::Kill));
    }
    let confined = supervise::die_with(helper)
        .and_then(|()| confine::drop_capabilities())
        .and_then(|()| confine::forbid_new_privileges())
        .and_then(|()| {
            ruleset.restrict_self().map_err(|error| SandboxError::setup("applying Landlock", as_io(error)))
        })
        .and_then(|_| Filter::new(network).freezing_metadata().install());
    let code = match confined {
        Ok(()) => {
            signals.restore();
            become_command(command)
        }
        Err(error) => complain(&error),
    };
    process::exit(code.into());
}

/// What of the rules is beyond Landlock, if anything.
fn enforceable(rules: &FileRules) -> Result<(), String> {
    if rules.base() != Some(Access::Read) {
        return Err("limit what is readable to single folders".into());
    }
    for (path, rule) in rules.by_depth() {
        match rule.access {
            Access::Read => {}
            Access::Write => {
                return Err(format!("protect .git, .agents and .codex in writable `{}`", path.display()));
            }
            Access::Deny => return Err(format!("hide `{}`", path.display())),
        }
    }
    Ok(())
}

/// Writing nowhere but to harmless devices; no signals and abstract sockets to the outside where the kernel can.
fn read_only_rules() -> Result<landlock::RulesetCreated, RulesetError> {
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_write(CONTENT))?
        .set_compatibility(CompatLevel::BestEffort)
        .scope(BitFlags::from(Scope::Signal) | Scope::AbstractUnixSocket)?
        .create()?
        .set_compatibility(CompatLevel::HardRequirement);
    for device in HARMLESS {
        // A device that is missing cannot be written to.
        if let Ok(file) =
            OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_CLOEXEC).open(device)
        {
            ruleset = ruleset.add_rule(PathBeneath::new(file, AccessFs::WriteFile | AccessFs::Truncate))?;
        }
    }
    Ok(ruleset)
}

fn as_io(error: RulesetError) -> std::io::Error {
    std::io::Error::other(error)
}
