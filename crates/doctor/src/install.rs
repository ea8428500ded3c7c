//! How this program came to the machine: package managers announce themselves in the environment (peripherals sheet §7).

use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::host::Host;
use crate::program;

/// The package npm and bun know the program by.
const PACKAGE: &str = "@openai/codex";

/// Who installed the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manager {
    Npm,
    Bun,
    /// Built or copied by hand, or by a manager that does not tell.
    Other,
}

impl Manager {
    pub(crate) fn of(host: &Host) -> Self {
        if host.var_os("CODEX_MANAGED_BY_NPM").is_some() {
            Self::Npm
        } else if host.var_os("CODEX_MANAGED_BY_BUN").is_some() {
            Self::Bun
        } else {
            Self::Other
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Bun => "bun",
            Self::Other => "other",
        }
    }

    /// What would bring a newer version.
    pub(crate) fn update_action(self) -> String {
        match self {
            Self::Npm => format!("npm install -g {PACKAGE}"),
            Self::Bun => format!("bun install -g {PACKAGE}"),
            Self::Other => "manual or unknown".to_owned(),
        }
    }
}

/// The folder the package manager says the program runs from.
pub(crate) fn package_root(host: &Host) -> Option<PathBuf> {
    host.filled_var("CODEX_MANAGED_PACKAGE_ROOT").map(PathBuf::from)
}

/// Whether an update through npm would reach the program that runs.
pub(crate) enum NpmTarget {
    /// Not installed by npm.
    NotNpm,
    /// npm's starter did not tell where the package is.
    Unproven,
    /// npm gives no answer.
    Unknown(String),
    /// Where the program runs, and where npm would install.
    Known { running: PathBuf, npm: PathBuf },
}

impl NpmTarget {
    pub(crate) fn find(context: &Context<'_>) -> Self {
        if Manager::of(context.host) != Manager::Npm {
            return Self::NotNpm;
        }
        let Some(running) = package_root(context.host) else { return Self::Unproven };
        let Some(npm) = program::find_all(context.host, "npm").into_iter().next() else {
            return Self::Unknown("npm is not on PATH".to_owned());
        };
        match program::output(context, &npm, ["root", "-g"]) {
            Ok(root) => Self::Known { running, npm: Path::new(&root).join(PACKAGE) },
            Err(error) => Self::Unknown(format!("npm root -g: {error}")),
        }
    }

    /// Whether an update would change another installation.
    pub(crate) fn mismatch(&self) -> bool {
        let resolved = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        matches!(self, Self::Known { running, npm } if resolved(running) != resolved(npm))
    }
}
