//! Running the `git` program to read (git-files sheet §1).
//!
//! In: a directory and arguments. Out: what git printed, or nothing: no git, a failure and a slow answer are all the
//! same to those who ask for facts that nobody depends on.
//!
//! A newcomer's trap: a repository is foreign code. Its hooks and its file monitor are switched off for every call, and
//! no lock is taken, so that a look never gets in the way of the person's own git.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(5);

/// More than any answer we want; the rest is not read.
const MAX_OUTPUT: u64 = 256 * 1024;

/// The git program.
pub(crate) struct Git {
    program: OsString,
    limit: Duration,
}

impl Default for Git {
    fn default() -> Self {
        Self { program: "git".into(), limit: LIMIT }
    }
}

impl Git {
    #[cfg(test)]
    pub(crate) fn of(program: impl Into<OsString>, limit: Duration) -> Self {
        Self { program: program.into(), limit }
    }

    /// What a call prints, without surrounding white space. `None` when it fails, or prints too much.
    pub(crate) async fn text(&self, cwd: &Path, arguments: &[&str]) -> Option<String> {
        let answer = async {
            let (mut child, mut stdout) = self.start(cwd, arguments)?;
            let mut output = Vec::new();
            (&mut stdout).take(MAX_OUTPUT + 1).read_to_end(&mut output).await.ok()?;
            if output.len() as u64 > MAX_OUTPUT || !child.wait().await.ok()?.success() {
                return None;
            }
            Some(String::from_utf8_lossy(&output).trim().to_owned())
        };
        tokio::time::timeout(self.limit, answer).await.ok().flatten()
    }

    /// Whether a call prints anything. The answer comes with the first byte, however much would follow.
    pub(crate) async fn prints(&self, cwd: &Path, arguments: &[&str]) -> Option<bool> {
        let answer = async {
            let (mut child, mut stdout) = self.start(cwd, arguments)?;
            let printed = stdout.read(&mut [0]).await.ok()? > 0;
            (printed || child.wait().await.ok()?.success()).then_some(printed)
        };
        tokio::time::timeout(self.limit, answer).await.ok().flatten()
    }

    /// Starts a call; it is killed when the child is dropped.
    fn start(&self, cwd: &Path, arguments: &[&str]) -> Option<(Child, impl AsyncRead + Unpin + use<>)> {
        let mut child = Command::new(&self.program)
            .args(["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"])
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .current_dir(cwd)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .ok()?;
        let stdout = child.stdout.take()?;
        Some((child, stdout))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A program in place of git.
    fn stand_in(directory: &Path, script: &str, limit: Duration) -> Git {
        let program = directory.join("git");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Git::of(program, limit)
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn every_call_is_made_harmless() {
        let directory = tempfile::tempdir().unwrap();
        let git = stand_in(directory.path(), "echo \"$* | $GIT_OPTIONAL_LOCKS | $(pwd -P)\"", LONG);
        let cwd = directory.path().canonicalize().unwrap();
        assert_eq!(
            git.text(&cwd, &["rev-parse", "HEAD"]).await.unwrap(),
            format!(
                "-c core.hooksPath=/dev/null -c core.fsmonitor=false rev-parse HEAD | 0 | {}",
                cwd.display()
            )
        );
    }

    #[tokio::test]
    async fn no_git_no_answer() {
        let directory = tempfile::tempdir().unwrap();
        let git = Git::of(directory.path().join("missing"), LONG);
        assert_eq!(git.text(directory.path(), &["x"]).await, None);
        assert_eq!(git.prints(directory.path(), &["x"]).await, None);
    }

    #[tokio::test]
    async fn a_failure_is_no_answer_and_silence_is_one() {
        let directory = tempfile::tempdir().unwrap();
        let git = stand_in(directory.path(), "exit $5", LONG);
        assert_eq!(git.prints(directory.path(), &["1"]).await, None);
        assert_eq!(git.prints(directory.path(), &["0"]).await, Some(false));
        assert_eq!(git.text(directory.path(), &["1"]).await, None);
        assert_eq!(git.text(directory.path(), &["0"]).await.as_deref(), Some(""));
    }

    #[tokio::test]
    async fn the_first_byte_answers_and_endless_output_is_cut_off() {
        let directory = tempfile::tempdir().unwrap();
        let git = stand_in(directory.path(), "exec yes", LONG);
        assert_eq!(git.prints(directory.path(), &[]).await, Some(true));
        assert_eq!(git.text(directory.path(), &[]).await, None);
    }

    #[tokio::test]
    async fn a_slow_call_is_no_answer() {
        let directory = tempfile::tempdir().unwrap();
        let git = stand_in(directory.path(), "exec sleep 1000", Duration::from_millis(50));
        assert_eq!(git.text(directory.path(), &[]).await, None);
        assert_eq!(git.prints(directory.path(), &[]).await, None);
    }
}
