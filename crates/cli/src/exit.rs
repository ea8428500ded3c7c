//! How the process ends (CLI sheet §7), and how it speaks its last words.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// With this code.
    Code(u8),
    /// From this signal, as if we had never caught it, so that whoever started us sees what happened.
    Signal(i32),
}

impl Exit {
    /// All is well.
    pub(crate) const SUCCESS: Self = Self::Code(0);
    /// Something went wrong.
    pub(crate) const FAILURE: Self = Self::Code(1);
    /// The command line was wrong.
    pub(crate) const USAGE: Self = Self::Code(2);
    /// Nobody reads standard output: the code shells give a program that died from SIGPIPE.
    pub(crate) const PIPE_CLOSED: Self = Self::Code(141);

    /// Says `Error: …` and ends with a failure.
    pub(crate) fn error(message: impl Display) -> Self {
        say(format_args!("Error: {message}"));
        Self::FAILURE
    }

    /// Ends.
    pub(crate) fn leave(self) -> ExitCode {
        match self {
            Self::Code(code) => ExitCode::from(code),
            Self::Signal(signal) => {
                die_from(signal);
                // Still here: the signal is blocked. Shells report 128 + n for a signal, so do we.
                ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
            }
        }
    }
}

/// Writes a result to standard output. Nobody listening any more is not our mistake; anything else is said.
pub(crate) fn print(text: &str) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::PIPE_CLOSED,
        Err(error) => Exit::error(format_args!("cannot write to standard output: {error}")),
    }
}

/// A line on standard error. Nothing can be done if it is closed.
pub(crate) fn say(line: impl Display) {
    let _closed = writeln!(std::io::stderr(), "{line}");
}

#[cfg(unix)]
#[allow(unsafe_code)]
fn die_from(signal: i32) {
    // SAFETY: both calls take plain numbers; giving a signal its default action back and raising it touches no memory
    // of ours, and no other thread of this process depends on the handler that goes away.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

#[cfg(not(unix))]
fn die_from(_: i32) {}
