//! The environment a login shell makes, taken once (tools sheet §3.3).
//!
//! A profile can take longer than most commands (version managers do). So the user's shell is run as a login shell once
//! per thread, beside the first request, and says what it exports; commands then run in a plain shell with those
//! variables. Nothing is written to disk: an environment is full of secrets.
//! A newcomer's trap: only exported variables matter. Functions and aliases of a profile do not reach a command either
//! way, in the reference as here.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quire_process::{Exit, SpawnRequest, run_once};
use quire_shell::Shell;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

/// First argument under which our own program prints its environment, each variable ended by a NUL byte.
pub const PRINT_ENVIRONMENT_FLAG: &str = "--quire-print-environment";

/// A profile that takes longer is not waited for; commands then run in real login shells.
const LIMIT: Duration = Duration::from_secs(10);

/// What a shell sets for itself.
const NOT_TAKEN: [&str; 4] = ["PWD", "OLDPWD", "SHLVL", "_"];

/// Variables by name.
type Variables = Vec<(OsString, OsString)>;

/// The login environment of one thread, taken when it is first wanted.
pub(crate) struct LoginEnvironment {
    source: Source,
    taken: Arc<OnceCell<Option<Arc<Variables>>>>,
}

#[derive(Clone)]
struct Source {
    shell: Shell,
    helper_exe: PathBuf,
    cwd: PathBuf,
    env: Variables,
}

impl LoginEnvironment {
    /// For commands of this shell that start in this folder with this environment.
    pub(crate) fn new(shell: Shell, helper_exe: PathBuf, cwd: PathBuf, env: Variables) -> Self {
        Self { source: Source { shell, helper_exe, cwd, env }, taken: Arc::default() }
    }

    /// Begins to take it, so that it is there when the first command comes. The task may be aborted at any time.
    pub(crate) fn begin(&self) -> JoinHandle<()> {
        let (source, taken) = (self.source.clone(), Arc::clone(&self.taken));
        tokio::spawn(async move {
            taken.get_or_init(|| take(source)).await;
        })
    }

    /// What a login shell exports; nothing when it could not be asked, or when the command is not of this shell and
    /// folder.
    pub(crate) async fn variables(&self, shell: &Shell, cwd: &Path) -> Option<Arc<Variables>> {
        if *shell != self.source.shell || cwd != self.source.cwd || !shell.kind.is_posix() {
            return None;
        }
        self.taken.get_or_init(|| take(self.source.clone())).await.clone()
    }
}

async fn take(source: Source) -> Option<Arc<Variables>> {
    let mut argv = source.shell.argv(&format!("exec \"$0\" {PRINT_ENVIRONMENT_FLAG}"), true).into_iter();
    let request = SpawnRequest {
        program: argv.next()?.into(),
        args: argv.map(OsString::from).chain([source.helper_exe.into_os_string()]).collect(),
        cwd: source.cwd,
        env: source.env,
        ..SpawnRequest::default()
    };
    let done = run_once(request, LIMIT).await.ok().filter(|done| done.exit == Exit::Code(0))?;
    let variables = parse(&done.output)?;
    Some(Arc::new(variables))
}

/// What a profile prints comes before the first variable and is left out with the marker that ends it.
fn parse(output: &[u8]) -> Option<Variables> {
    let marker = [PRINT_ENVIRONMENT_FLAG.as_bytes(), b"\0"].concat();
    let start = output.windows(marker.len()).position(|window| window == marker)? + marker.len();
    let variables = output[start..]
        .split(|byte| *byte == 0)
        .filter_map(|entry| {
            let at = entry.iter().position(|byte| *byte == b'=')?;
            let (name, value) = (&entry[..at], &entry[at + 1..]);
            let taken = !NOT_TAKEN.iter().any(|own| own.as_bytes() == name);
            taken.then(|| (OsString::from_vec(name.to_vec()), OsString::from_vec(value.to_vec())))
        })
        .collect();
    Some(variables)
}

/// Prints the environment of this process in the form [`LoginEnvironment`] reads.
pub fn print_environment(out: &mut impl std::io::Write) -> std::io::Result<()> {
    out.write_all(PRINT_ENVIRONMENT_FLAG.as_bytes())?;
    out.write_all(b"\0")?;
    for (name, value) in std::env::vars_os() {
        for part in [name.into_vec(), b"=".to_vec(), value.into_vec(), b"\0".to_vec()] {
            out.write_all(&part)?;
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_prints_is_not_taken_for_a_variable() {
        let output = format!("Welcome=home\n{PRINT_ENVIRONMENT_FLAG}\0A=1\0B=x=y\nz\0PWD=/w\0_=/bin/q\0");
        let expected: Variables = vec![("A".into(), "1".into()), ("B".into(), "x=y\nz".into())];
        assert_eq!(parse(output.as_bytes()), Some(expected));
        assert_eq!(parse(b"A=1\0"), None);
    }
}
