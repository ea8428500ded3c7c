//! Other programs, bounded in time and output.
//!
//! A newcomer's trap: a program named without a folder is looked up in the *host's* PATH, not in that of this process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;

use crate::context::Context;
use crate::host::Host;

/// No program gets more time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// No more of its output is read.
const MAX_OUTPUT: u64 = 64 * 1024;

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("{0}")]
    Start(std::io::Error),
    #[error("gave no answer within {} s", PATIENCE.as_secs())]
    TimedOut,
    #[error("exited with status {0}")]
    Failed(ExitStatus),
}

/// What it printed on standard output, trimmed, if it succeeded.
pub(crate) fn output<S: AsRef<OsStr>>(
    context: &Context<'_>,
    program: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Result<String, ProgramError> {
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(&context.host.cwd)
        .env_clear()
        .envs(context.host.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    context.runtime.block_on(async {
        let mut child = command.spawn().map_err(ProgramError::Start)?;
        let Some(stdout) = child.stdout.take() else { return Ok(String::new()) };
        let answer = async {
            let mut bytes = Vec::new();
            stdout.take(MAX_OUTPUT).read_to_end(&mut bytes).await?;
            Ok::<_, std::io::Error>((bytes, child.wait().await?))
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Err(_elapsed) => Err(ProgramError::TimedOut),
            Ok(Err(error)) => Err(ProgramError::Start(error)),
            Ok(Ok((bytes, status))) if status.success() => {
                Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
            }
            Ok(Ok((_, status))) => Err(ProgramError::Failed(status)),
        }
    })
}

/// Every executable of this name in the host's PATH, in order.
pub(crate) fn find_all(host: &Host, name: &str) -> Vec<PathBuf> {
    host.var_os("PATH").map_or_else(Vec::new, |path| find_all_in(path, name))
}

/// Every executable of this name in a list of folders. A folder listed twice counts once.
pub(crate) fn find_all_in(path: &OsStr, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
        let file = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        if executable(&file).is_ok() && !found.contains(&file) {
            found.push(file);
        }
    }
    found
}

/// Whether a file can be executed; if not, why.
pub(crate) fn executable(file: &Path) -> Result<(), String> {
    let facts = std::fs::metadata(file).map_err(|error| error.to_string())?;
    if !facts.is_file() {
        return Err("not a file".to_owned());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if facts.permissions().mode() & 0o111 == 0 {
            return Err(format!("{} is not executable", file.display()));
        }
    }
    Ok(())
}
