//! Playing a scenario with one binary.
//!
//! In comes a [`Scenario`] and a binary, out comes a [`Raw`] record: how each step ended, what it printed, what the
//! scripted model was asked, and what lies in the folders afterwards. Nothing is interpreted here.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use quire_rehearsal::{Options, Outcome, RecordedRequest, Rehearsal, Variables};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::scenario::{Moment, Scenario, SignalName, SignalPlan, Stdin, Step};
use crate::stage::{Stage, unhex};

/// A step that takes longer is killed and fails the scenario.
const STEP_LIMIT: Duration = Duration::from_mins(1);

/// Everything seen of one side.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) steps: Vec<StepRecord>,
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) outcome: Outcome,
    pub(crate) home: Tree,
    pub(crate) work: Tree,
    /// Port of the scripted model, which differs from run to run.
    pub(crate) port: u16,
}

/// One finished invocation.
#[derive(Debug)]
pub(crate) struct StepRecord {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Files by relative path.
pub(crate) type Tree = BTreeMap<String, Entry>;

/// One thing in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File { bytes: Vec<u8>, mode: u32 },
    Link { target: String },
}

/// Plays all steps and collects what is left.
pub(crate) async fn play(scenario: &Scenario, binary: &Path, out: &Path) -> Result<Raw> {
    let rehearsal = Rehearsal::start_with(scenario.script()?, Options::default()).await?;
    let stage = Stage::build(scenario, out, &rehearsal.base_url())?;
    let mut variables = stage.variables();
    for name in ["work", "codex_home", "user"] {
        rehearsal.set_variable(name, variables.fill(&format!("${{{name}}}")));
    }
    let mut steps = Vec::new();
    for (number, step) in scenario.steps().iter().enumerate() {
        let record = run_step(scenario, step, binary, &stage, &variables, &rehearsal)
            .await
            .with_context(|| format!("step {}", number + 1))?;
        if let Some(id) = thread_id(&record) {
            rehearsal.set_variable("thread_id", &id);
            variables.set("thread_id", id);
        }
        steps.push(record);
    }
    let (requests, port) = (rehearsal.requests(), rehearsal.address().port());
    let outcome = rehearsal.shutdown().await;
    let (home, work) = (collect(&stage.codex_home)?, collect(&stage.work)?);
    Ok(Raw { steps, requests, outcome, home, work, port })
}

async fn run_step(
    scenario: &Scenario,
    step: &Step,
    binary: &Path,
    stage: &Stage,
    variables: &Variables,
    rehearsal: &Rehearsal,
) -> Result<StepRecord> {
    let mut command = Command::new(binary);
    command
        .arg0("codex")
        .args(step.args.iter().map(|argument| variables.fill(argument)))
        .current_dir(stage.work.join(&step.cwd))
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .env("TERM", "xterm")
        .env("TZ", "Etc/UTC")
        .env("RUST_LOG", "off")
        .env("SHELL", "/bin/bash")
        .env("HOME", &stage.user)
        .env("CODEX_HOME", &stage.codex_home)
        .env("PARITY_KEY", "parity-key")
        .envs(scenario.env.iter().chain(&step.env).map(|(name, value)| (name, variables.fill(value))))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(if matches!(step.stdin, Stdin::Null) { Stdio::null() } else { Stdio::piped() })
        .kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
    let input = match &step.stdin {
        Stdin::Null => Vec::new(),
        Stdin::Text(text) => variables.fill(text).into_bytes(),
        Stdin::Hex(hex) => unhex(hex)?,
    };
    let whole = attend(&mut child, input, step.signal.as_ref(), rehearsal);
    match tokio::time::timeout(STEP_LIMIT, whole).await {
        Ok(record) => record,
        Err(_) => bail!("{:?} did not end within {STEP_LIMIT:?}", step.args),
    }
}

async fn attend(
    child: &mut Child,
    input: Vec<u8>,
    signal: Option<&SignalPlan>,
    rehearsal: &Rehearsal,
) -> Result<StepRecord> {
    let pid = Pid::from_raw(i32::try_from(child.id().context("the process is already gone")?)?);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read its input closes the pipe; that is its right.
            let _closed = stdin.write_all(&input).await;
        }
    };
    let (out_seen, err_seen) = (watch::Sender::new(Vec::new()), watch::Sender::new(Vec::new()));
    let mut out_watch = out_seen.subscribe();
    let mut err_watch = err_seen.subscribe();
    let disturb = async {
        let Some(plan) = signal else { return Ok(()) };
        let seen = |text: &str, bytes: &Vec<u8>| String::from_utf8_lossy(bytes).contains(text);
        let reached = match &plan.on {
            Moment::Stdout(text) => out_watch.wait_for(|bytes| seen(text, bytes)).await.is_ok(),
            Moment::Stderr(text) => err_watch.wait_for(|bytes| seen(text, bytes)).await.is_ok(),
            Moment::Requests(count) => rehearsal.wait_for_requests(*count, STEP_LIMIT).await.is_ok(),
        };
        if reached {
            let signal = match plan.name {
                SignalName::Int => Signal::SIGINT,
                SignalName::Term => Signal::SIGTERM,
                SignalName::Hup => Signal::SIGHUP,
            };
            kill(pid, signal)?;
        }
        anyhow::Ok(())
    };
    let ((), out, err, disturbed) =
        tokio::join!(feed, drain(stdout, out_seen), drain(stderr, err_seen), disturb);
    disturbed?;
    Ok(StepRecord { status: child.wait().await?, stdout: out?, stderr: err? })
}

/// Reads to the end; watchers see what has come so far and learn of the end by the sender's drop.
async fn drain(pipe: Option<impl AsyncRead + Unpin>, seen: watch::Sender<Vec<u8>>) -> Result<Vec<u8>> {
    let Some(mut pipe) = pipe else { return Ok(Vec::new()) };
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = pipe.read(&mut chunk).await?;
        if count == 0 {
            return Ok(seen.borrow().clone());
        }
        seen.send_modify(|bytes| bytes.extend_from_slice(&chunk[..count]));
    }
}

/// The thread id a step announced, as JSON or in the human header.
fn thread_id(record: &StepRecord) -> Option<String> {
    let between = |text: &str, before: &str, after: char| {
        let rest = text.split_once(before)?.1;
        Some(rest.split(after).next()?.to_owned())
    };
    between(&String::from_utf8_lossy(&record.stdout), "\"thread_id\":\"", '"')
        .or_else(|| between(&String::from_utf8_lossy(&record.stderr), "session id: ", '\n'))
}

/// Reads a folder (or notes a plain file), leaving out git's own data.
fn collect(folder: &Path) -> Result<Tree> {
    let mut tree = Tree::new();
    if folder.exists() {
        walk(folder, folder, &mut tree)?;
    }
    Ok(tree)
}

fn walk(root: &Path, path: &Path, tree: &mut Tree) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let meta = path.symlink_metadata()?;
    let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
    if meta.is_dir() {
        if name == ".git" {
            return Ok(());
        }
        for entry in std::fs::read_dir(path)? {
            walk(root, &entry?.path(), tree)?;
        }
    } else if meta.is_symlink() {
        let target = std::fs::read_link(path)?.to_string_lossy().into_owned();
        tree.insert(name, Entry::Link { target });
    } else if meta.is_file() {
        let mode = meta.permissions().mode() & 0o7777;
        tree.insert(name, Entry::File { bytes: std::fs::read(path)?, mode });
    }
    Ok(())
}

/// The exit code, or the signal that ended the process.
pub(crate) fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}
