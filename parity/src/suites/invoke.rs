//! Runs one program once, for suites: no terminal, an environment of its own, a time limit.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Nothing that a suite starts takes longer, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
/// Programs running at the same time.
const AT_ONCE: usize = 2;

/// How a program ended and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Exit code; `None` for a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// Runs `program` with nothing on standard input. Its home and its working folder are made below `folder`.
pub(crate) async fn run(program: &Path, arguments: &[String], folder: &Path) -> Result<Outcome> {
    run_with_stdin(program, arguments, folder, "").await
}

async fn run_with_stdin(program: &Path, arguments: &[String], folder: &Path, input: &str) -> Result<Outcome> {
    let (home, work) = (folder.join("home"), folder.join("work"));
    for needed in [&home, &work] {
        std::fs::create_dir_all(needed).with_context(|| format!("cannot create {}", needed.display()))?;
    }
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(&work)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", &home)
        .env("CODEX_HOME", &home)
        .env("TERM", "xterm")
        .env("LANG", "C.UTF-8")
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that refuses to begin does not read it.
        let _unread = pipe.write_all(input.as_bytes()).await;
    }
    let Ok(output) = tokio::time::timeout(LIMIT, child.wait_with_output()).await else {
        bail!("{} {} did not end within {LIMIT:?}", program.display(), arguments.join(" "));
    };
    let output = output.with_context(|| format!("cannot wait for {}", program.display()))?;
    Ok(Outcome {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Runs both programs with each of these argument lists, a few at a time, each in a fresh home, and gives the pairs in
/// order.
pub(crate) fn run_both(
    programs: [&Path; 2],
    lists: &[Vec<String>],
    folder: &Path,
) -> Result<Vec<[Outcome; 2]>> {
    let [reference, ours] = programs;
    let one = |(number, list): (usize, Vec<String>)| {
        let place = folder.join(number.to_string());
        async move {
            let first = run(reference, &list, &place.join("reference")).await?;
            let second = run(ours, &list, &place.join("ours")).await?;
            std::fs::remove_dir_all(&place).with_context(|| format!("cannot wipe {}", place.display()))?;
            anyhow::Ok([first, second])
        }
    };
    let pairs = stream::iter(lists.iter().cloned().enumerate()).map(one).buffered(AT_ONCE);
    block_on(pairs.try_collect())
}

/// Runs one program once.
pub(crate) fn run_one(program: &Path, arguments: &[String], folder: &Path) -> Result<Outcome> {
    block_on(run(program, arguments, folder))
}

/// Runs one program once with a text on standard input.
pub(crate) fn run_one_with_stdin(
    program: &Path,
    arguments: &[String],
    folder: &Path,
    input: &str,
) -> Result<Outcome> {
    block_on(run_with_stdin(program, arguments, folder, input))
}

/// Suites are called from within a runtime and must wait, so the work is done in a thread of its own.
fn block_on<T: Send>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let worker = scope
            .spawn(|| tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work));
        worker.join().unwrap_or_else(|_| bail!("the thread that runs the programs panicked"))
    })
}
