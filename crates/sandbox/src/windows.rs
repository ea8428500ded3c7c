//! Windows: no enforcement yet, so sandboxed commands are refused.
//!
//! A newcomer's trap: refusing is the enforcement. Running the command unconfined here would turn "denied" into
//! "asked nicely".

use std::ffi::OsString;
use std::process::ExitCode;

use crate::error::SandboxError;

/// Refuses: one line on stderr, exit code 1.
pub fn helper_main(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    eprintln!("{}: {}", crate::HELPER_ARG0, SandboxError::UnsupportedPlatform { platform: "Windows" });
    ExitCode::from(1)
}
