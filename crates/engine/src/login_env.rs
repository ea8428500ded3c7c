//! The environment a login shell makes, taken once (tools sheet §3.3).
//!
//! A profile can take longer than most commands (version managers do). So the user's shell is run as a login shell once
//! per thread, when the first command comes, and says what it exports; commands then run in a plain shell with those
//! variables. A thread without commands runs no profile.
//! A newcomer's trap: a profile must never be killed, nor lose its output, half way: it may hold a lock of some version
//! manager that nobody would release. So it writes to a file rather than a pipe, it outlives a turn and even us, and it
//! is only *asked* to end when it takes too long.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quire_shell::Shell;
use tokio::sync::SetOnce;

/// First argument under which our own program prints its environment, each variable ended by a NUL byte.
pub const PRINT_ENVIRONMENT_FLAG: &str = "--quire-print-environment";

/// A profile that takes longer is not waited for; commands then run in real login shells.
const LIMIT: Duration = Duration::from_secs(10);

/// Larger environments cannot be passed to a program anyway.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What a shell sets for itself.
const NOT_TAKEN: [&str; 4] = ["PWD", "OLDPWD", "SHLVL", "_"];

/// Variables by name.
type Variables = Vec<(OsString, OsString)>;

/// The login environment of one thread, taken when the first command wants it.
pub(crate) struct LoginEnvironment {
    source: Source,
    begun: AtomicBool,
    taken: Arc<SetOnce<Option<Arc<Variables>>>>,
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
        Self {
            source: Source { shell, helper_exe, cwd, env },
            begun: AtomicBool::new(false),
            taken: Arc::default(),
        }
    }

    /// What a login shell exports; nothing when it could not be asked, or when the command is not of this shell and
    /// folder. The first call asks, and all wait for its answer; a call that is given up does not stop the asking.
    pub(crate) async fn variables(&self, shell: &Shell, cwd: &Path) -> Option<Arc<Variables>> {
        if *shell != self.source.shell || cwd != self.source.cwd || !shell.kind.is_posix() {
            return None;
        }
        if !self.begun.swap(true, Ordering::Relaxed) {
            let (source, taken) = (self.source.clone(), Arc::clone(&self.taken));
            tokio::spawn(async move {
                // Only this task sets it.
                let _ = taken.set(take(source).await);
            });
        }
        self.taken.wait().await.clone()
    }
}

async fn take(source: Source) -> Option<Arc<Variables>> {
    match ask_login_shell(source).await {
        Ok(output) => parse(&output).map(Arc::new),
        Err(error) => {
            tracing::warn!("the login shell's environment could not be taken: {error}");
            None
        }
    }
}

async fn ask_login_shell(source: Source) -> io::Result<Vec<u8>> {
    let mut file = tempfile::tempfile()?;
    let argv = source.shell.argv(&format!("exec \"$0\" {PRINT_ENVIRONMENT_FLAG}"), true);
    let mut child = tokio::process::Command::new(&argv[0])
        .args(&argv[1..])
        .arg(&source.helper_exe)
        .current_dir(&source.cwd)
        .env_clear()
        .envs(source.env)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()?;
    match tokio::time::timeout(LIMIT, child.wait()).await {
        Ok(status) => {
            if !status?.success() {
                return Err(io::Error::other("it failed"));
            }
        }
        Err(_) => {
            child.id().inspect(|leader| quire_process::ask_group_to_end(*leader));
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    tokio::task::spawn_blocking(move || read_back(&mut file)).await?
}

fn read_back(file: &mut File) -> io::Result<Vec<u8>> {
    let mut output = Vec::new();
    file.rewind()?;
    file.take(MAX_BYTES).read_to_end(&mut output)?;
    Ok(output)
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
