//! The name we go by. Started as `codex`, the program calls itself what the reference does.

use std::ffi::OsStr;
use std::path::Path;

use quire_protocol::REFERENCE_VERSION;

/// Our own version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Under which name the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// `quire`.
    Quire,
    /// `codex`: scripts that ask for name and version get the reference's.
    Codex,
}

impl Program {
    /// By the name the program was started with.
    pub(crate) fn of(argv0: Option<&OsStr>) -> Self {
        match argv0.and_then(|name| Path::new(name).file_stem()) {
            Some(stem) if stem == "codex" => Self::Codex,
            _ => Self::Quire,
        }
    }

    /// The name in usage lines.
    pub(crate) const fn command(self) -> &'static str {
        match self {
            Self::Quire => "quire",
            Self::Codex => "codex",
        }
    }

    /// The name in `--version`.
    pub(crate) const fn display_name(self) -> &'static str {
        match self {
            Self::Quire => "quire",
            Self::Codex => "codex-cli",
        }
    }

    /// The number in `--version`.
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Quire => VERSION,
            Self::Codex => REFERENCE_VERSION,
        }
    }

    /// First line of a transcript.
    pub(crate) fn title() -> String {
        format!("Quire v{VERSION} (codex {REFERENCE_VERSION} compatible)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_known_by_its_name() {
        for (argv0, program) in [
            ("quire", Program::Quire),
            ("/usr/bin/codex", Program::Codex),
            ("codex.exe", Program::Codex),
            ("./codex-next", Program::Quire),
            ("", Program::Quire),
        ] {
            assert_eq!(Program::of(Some(OsStr::new(argv0))), program, "{argv0}");
        }
    }
}
