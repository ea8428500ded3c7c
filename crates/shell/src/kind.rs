//! Which shell runs a script, and with which arguments.
//!
//! The user's own shell comes from the user database. The variable `SHELL` is only asked where there is no entry, since
//! it says what started this program, not what the user chose. A model may name a shell; a name we cannot follow
//! silently means `/bin/sh`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A family of shells that take a script as an argument in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShellKind {
    /// GNU bash.
    Bash,
    /// The Z shell.
    Zsh,
    /// Any shell called `sh`.
    Sh,
    /// Windows PowerShell or PowerShell 7.
    PowerShell,
    /// The Windows command interpreter.
    Cmd,
}

impl ShellKind {
    /// The kind of a program by its file name, with or without extension; names are case-sensitive.
    pub fn of_program(program: &Path) -> Option<Self> {
        match program.file_stem()?.to_str()? {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "sh" => Some(Self::Sh),
            "pwsh" | "powershell" => Some(Self::PowerShell),
            "cmd" => Some(Self::Cmd),
            _ => None,
        }
    }

    /// The name models are told.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Sh => "sh",
            Self::PowerShell => "powershell",
            Self::Cmd => "cmd",
        }
    }

    /// Whether scripts for it follow the grammar of [`script`](crate::script).
    pub fn is_posix(self) -> bool {
        matches!(self, Self::Bash | Self::Zsh | Self::Sh)
    }

    /// Program names to look for, best first.
    fn program_names(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["bash"],
            Self::Zsh => &["zsh"],
            Self::Sh => &["sh"],
            Self::PowerShell => &["pwsh", "powershell"],
            Self::Cmd => &["cmd"],
        }
    }

    /// Where the program is when it is not in the search path.
    fn usual_place(self) -> Option<&'static Path> {
        let path = match self {
            Self::Bash => "/bin/bash",
            Self::Zsh => "/bin/zsh",
            Self::Sh => "/bin/sh",
            Self::PowerShell | Self::Cmd => return None,
        };
        Some(Path::new(path)).filter(|path| path.is_file())
    }
}

/// A shell to run scripts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// How to talk to it.
    pub kind: ShellKind,
    /// The program, as it will be the first argument.
    pub path: PathBuf,
}

impl Shell {
    /// The user's shell.
    ///
    /// `login_shell` is the entry of the user database (see [`login_shell`]), `shell_variable` the value of `SHELL`;
    /// shells we cannot talk to (fish, nologin) fall back to bash, zsh, sh. `find` looks a name up in the search path
    /// (see [`find_program`]).
    pub fn user_default(
        login_shell: Option<&Path>,
        shell_variable: Option<&Path>,
        find: impl Fn(&str) -> Option<PathBuf>,
    ) -> Self {
        let named = login_shell.or(shell_variable).filter(|path| path.is_file());
        if let Some(path) = named
            && let Some(kind) = ShellKind::of_program(path)
        {
            return Self { kind, path: path.to_owned() };
        }
        let kinds: &[ShellKind] = if cfg!(windows) {
            &[ShellKind::PowerShell, ShellKind::Cmd]
        } else {
            &[ShellKind::Bash, ShellKind::Zsh]
        };
        kinds.iter().find_map(|kind| Self::find(*kind, &find)).unwrap_or_else(Self::last_resort)
    }

    /// The shell for the `shell` argument of a model's call, given the user's own shell (`self`).
    ///
    /// A path of an existing file is used as it is; else the user's shell if it is of that kind; else what `find` finds.
    /// A shell we cannot talk to or find means `/bin/sh`.
    pub fn resolve(&self, argument: &str, find: impl Fn(&str) -> Option<PathBuf>) -> Self {
        let path = Path::new(argument);
        let Some(kind) = ShellKind::of_program(path) else { return Self::last_resort() };
        if path.components().count() > 1 && path.is_file() {
            return Self { kind, path: path.to_owned() };
        }
        if self.kind == kind {
            return self.clone();
        }
        Self::find(kind, &find).unwrap_or_else(Self::last_resort)
    }

    /// The argument vector that runs `script`; with `login` the shell reads the user's profile first.
    pub fn argv(&self, script: &str, login: bool) -> Vec<String> {
        let flags: &[&str] = match (self.kind, login) {
            (ShellKind::Bash | ShellKind::Zsh | ShellKind::Sh, true) => &["-lc"],
            (ShellKind::Bash | ShellKind::Zsh | ShellKind::Sh, false) => &["-c"],
            (ShellKind::PowerShell, true) => &["-Command"],
            (ShellKind::PowerShell, false) => &["-NoProfile", "-Command"],
            (ShellKind::Cmd, _) => &["/c"],
        };
        let program = self.path.to_string_lossy();
        std::iter::once(program.as_ref())
            .chain(flags.iter().copied())
            .chain([script])
            .map(str::to_owned)
            .collect()
    }

    /// The name models are told.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn find(kind: ShellKind, find: impl Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        let found = kind.program_names().iter().find_map(|name| find(name));
        let path = found.or_else(|| kind.usual_place().map(Path::to_owned))?;
        Some(Self { kind, path })
    }

    fn last_resort() -> Self {
        if cfg!(windows) {
            Self { kind: ShellKind::Cmd, path: "cmd.exe".into() }
        } else {
            Self { kind: ShellKind::Sh, path: "/bin/sh".into() }
        }
    }
}

/// Looks a program up in a search path (the value of `PATH`).
pub fn find_program(name: &str, search_path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(search_path).map(|directory| directory.join(name)).find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// The login shell of the user this program runs as, from the user database; where that is a network service, this
/// waits for it.
#[cfg(unix)]
pub fn login_shell() -> Option<PathBuf> {
    let user = nix::unistd::User::from_uid(nix::unistd::Uid::current()).ok()??;
    Some(user.shell).filter(|shell| !shell.as_os_str().is_empty())
}

/// The login shell of the user this program runs as: there is no such thing on this system.
#[cfg(not(unix))]
pub fn login_shell() -> Option<PathBuf> {
    None
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use super::{Shell, ShellKind, find_program};

    fn nothing(_: &str) -> Option<PathBuf> {
        None
    }

    #[allow(clippy::unnecessary_wraps)] // It stands in for a search that can fail.
    fn in_opt(name: &str) -> Option<PathBuf> {
        Some(Path::new("/opt").join(name))
    }

    /// A directory with executables of these names.
    fn programs(names: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for name in names {
            let path = directory.path().join(name);
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        directory
    }

    #[test]
    fn the_user_database_wins_over_the_variable() {
        let directory = programs(&["bash", "zsh", "fish"]);
        let path = |name: &str| directory.path().join(name);
        let default = |login: Option<&str>, variable: Option<&str>| {
            let (login, variable) = (login.map(path), variable.map(path));
            Shell::user_default(login.as_deref(), variable.as_deref(), in_opt).path
        };
        assert_eq!(default(Some("bash"), Some("zsh")), path("bash"));
        assert_eq!(default(None, Some("zsh")), path("zsh"));
        // Not ours to talk to, or not there.
        assert_eq!(default(Some("fish"), None), Path::new("/opt/bash"));
        assert_eq!(default(Some("missing/zsh"), None), Path::new("/opt/bash"));
        assert_eq!(default(None, None), Path::new("/opt/bash"));
    }

    #[test]
    fn a_named_shell_is_followed_as_far_as_it_can_be() {
        let directory = programs(&["zsh", "bash"]);
        let own = Shell { kind: ShellKind::Bash, path: "/own/bash".into() };
        let zsh = directory.path().join("zsh").display().to_string();
        let rows = [
            ("bash", "/own/bash"),
            ("/no/such/bash", "/own/bash"),
            ("bash.exe", "/own/bash"),
            ("zsh", "/opt/zsh"),
            ("/no/such/zsh", "/opt/zsh"),
            (zsh.as_str(), zsh.as_str()),
            ("sh", "/opt/sh"),
            ("pwsh", "/opt/pwsh"),
            ("BASH", "/bin/sh"),
            ("fish", "/bin/sh"),
            ("bash -x", "/bin/sh"),
            ("", "/bin/sh"),
        ];
        for (argument, path) in rows {
            assert_eq!(own.resolve(argument, in_opt).path, Path::new(path), "{argument}");
        }
        assert_eq!(own.resolve("pwsh", nothing).path, Path::new("/bin/sh"));
    }

    #[test]
    fn argument_vectors() {
        let argv = |kind, login| Shell { kind, path: "/x/shell".into() }.argv("ls; ls", login).join("|");
        assert_eq!(argv(ShellKind::Bash, true), "/x/shell|-lc|ls; ls");
        assert_eq!(argv(ShellKind::Sh, false), "/x/shell|-c|ls; ls");
        assert_eq!(argv(ShellKind::PowerShell, true), "/x/shell|-Command|ls; ls");
        assert_eq!(argv(ShellKind::PowerShell, false), "/x/shell|-NoProfile|-Command|ls; ls");
        assert_eq!(argv(ShellKind::Cmd, true), "/x/shell|/c|ls; ls");
    }

    #[test]
    fn programs_are_found_only_if_they_can_run() {
        let (with, without) = (programs(&["zsh"]), programs(&[]));
        fs::write(without.path().join("zsh"), "").unwrap();
        let search_path = std::env::join_paths([without.path(), with.path()]).unwrap();
        assert_eq!(find_program("zsh", &search_path), Some(with.path().join("zsh")));
        assert_eq!(find_program("bash", &search_path), None);
    }
}
