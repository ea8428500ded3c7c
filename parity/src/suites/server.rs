//! One side's `app-server`, asked one request after the other.
//!
//! In come a binary, places and arguments, out go answers and what the server told by itself. Everything waits for at
//! most [`PATIENCE`]. What surprises newcomers: files below `/etc/codex` are laid over the machine's own in a private
//! mount namespace, so nothing outside of the process sees them.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lays a folder over `/etc` and becomes the program.
const OVERLAY: &str = r#"mount -t overlay overlay -o "lowerdir=$1:/etc" /etc && shift && exec "$@""#;

/// Where a server runs.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `CODEX_HOME`, and `HOME` too.
    pub(crate) home: PathBuf,
    /// The folder it is started in.
    pub(crate) cwd: PathBuf,
    /// Arguments behind `app-server`.
    pub(crate) args: Vec<String>,
    /// A folder to lay over `/etc`.
    pub(crate) etc: Option<PathBuf>,
}

/// A server that has done its handshake.
pub(crate) struct Server {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    next: i64,
    told: Vec<Value>,
}

impl Server {
    /// Starts one, which has to work.
    pub(crate) fn start(binary: &Path, place: &Place) -> Result<Self> {
        Self::try_start(binary, place)?.context("the server refused to start")
    }

    /// Starts one; nothing when the program refuses to (exit code 1).
    pub(crate) fn try_start(binary: &Path, place: &Place) -> Result<Option<Self>> {
        let mut child = command(binary, place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the server has no output")?;
        let (tell, messages) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(message) = serde_json::from_str(&line) else { continue };
                if tell.send(message).is_err() {
                    return;
                }
            }
        });
        let mut server = Self { child, input, messages, next: 0, told: Vec::new() };
        let client = json!({"name": "parity", "version": "1"});
        let capabilities = json!({"experimentalApi": true});
        match server.ask("initialize", &json!({"clientInfo": client, "capabilities": capabilities})) {
            Ok(_) => Ok(Some(server)),
            Err(error) => {
                drop(server.input.take());
                match server.child.wait()?.code() {
                    Some(1) => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }

    /// Asks and waits for the answer: `{"result": …}` or `{"error": …}`, keys in alphabetical order.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        let id = self.next;
        self.next += 1;
        let input = self.input.as_mut().context("the server has no input any more")?;
        writeln!(input, "{}", json!({"id": id, "method": method, "params": params}))
            .with_context(|| format!("cannot ask {method}"))?;
        loop {
            let mut message = self.messages.recv_timeout(PATIENCE).map_err(|error| match error {
                RecvTimeoutError::Timeout => anyhow!("{method} was not answered"),
                RecvTimeoutError::Disconnected => anyhow!("the server ended before it answered {method}"),
            })?;
            if message["id"] != id {
                self.told.push(message);
                continue;
            }
            let parts = message.as_object_mut().context("an answer is no object")?;
            parts.remove("id");
            message.sort_all_objects();
            return Ok(message);
        }
    }

    /// Closes its input, waits for its end and gives what it told.
    pub(crate) fn stop(mut self) -> Result<Vec<Value>> {
        drop(self.input.take());
        loop {
            match self.messages.recv_timeout(PATIENCE) {
                Ok(message) => self.told.push(message),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("the server did not end with its input"),
            }
        }
        self.child.wait().context("the server cannot be waited for")?;
        Ok(std::mem::take(&mut self.told))
    }
}

impl Drop for Server {
    /// Leaves no process behind when a suite breaks off.
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Runs a command of the program to its end: exit code and the lines of standard output.
pub(crate) fn run(binary: &Path, place: &Place, args: &[String]) -> Result<(Option<i32>, String)> {
    let output = surroundings(Command::new(binary), place)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// Whether folders can be laid over `/etc` here.
pub(crate) fn etc_can_be_overlaid(folder: &Path) -> bool {
    let tried = Command::new("unshare")
        .args(["-m", "sh", "-c", OVERLAY, "sh"])
        .arg(folder)
        .arg("true")
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

fn command(binary: &Path, place: &Place) -> Command {
    let mut command = match &place.etc {
        None => Command::new(binary),
        Some(etc) => {
            let mut unshare = Command::new("unshare");
            unshare.args(["-m", "sh", "-c", OVERLAY, "sh"]).arg(etc).arg(binary);
            unshare
        }
    };
    command.arg("app-server").args(&place.args);
    surroundings(command, place)
}

fn surroundings(mut command: Command, place: &Place) -> Command {
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", &place.home)
        .env("CODEX_HOME", &place.home)
        .current_dir(&place.cwd);
    command
}
