//! The machine as the checks see it: every fact about the process comes in here as a value.
//!
//! A newcomer's trap: the environment holds secrets. Checks look single variables up and never print values of
//! variables that could hold one.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::SystemTime;

/// Whether checks may speak to other machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Only if the person asked for it.
    Allowed,
    /// Nothing leaves the machine.
    Forbidden,
}

/// Which standard streams are terminals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Streams {
    /// Standard input is a terminal.
    pub stdin: bool,
    /// Standard output is a terminal.
    pub stdout: bool,
    /// Standard error is a terminal.
    pub stderr: bool,
}

/// What the process knows about itself and its surroundings.
#[derive(Debug, Clone)]
pub struct Host {
    /// The name the program goes by: `quire` or `codex`.
    pub program: String,
    /// The version the program goes by.
    pub version: String,
    /// The home folder, absolute.
    pub home: PathBuf,
    /// The working folder, absolute.
    pub cwd: PathBuf,
    /// This program.
    pub executable: PathBuf,
    /// The folder of links under which children call this program, when there is one.
    pub helper_folder: Option<PathBuf>,
    /// The program that acts as sandbox helper; enforcement is not tried without it.
    pub sandbox_helper: Option<PathBuf>,
    /// All environment variables.
    pub env: Vec<(OsString, OsString)>,
    /// Which streams are terminals.
    pub streams: Streams,
    /// Columns and rows of the terminal, when there is one.
    pub terminal_size: Option<(u16, u16)>,
    /// `--no-color` was given.
    pub no_color: bool,
    /// The present.
    pub now: SystemTime,
}

impl Host {
    /// A variable as text; `None` when it is unset or not UTF-8.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.var_os(name).and_then(OsStr::to_str)
    }

    /// The same for a variable that must hold something besides blanks.
    pub fn filled_var(&self, name: &str) -> Option<&str> {
        self.var(name).filter(|value| !value.trim().is_empty())
    }

    /// A variable in the system's own encoding.
    pub fn var_os(&self, name: &str) -> Option<&OsStr> {
        self.env.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_os_str())
    }
}
