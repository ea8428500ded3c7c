//! `quire debug app-server send-message-v2`: one turn with an app server of our own, all traffic shown.
//!
//! The server is a child that speaks lines of JSON. What a newcomer would get wrong: answers and notifications come in
//! any order, so everything is shown as it arrives and only then looked at.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use clap::Args;
use quire_protocol::REFERENCE_VERSION;
use serde_json::{Value, json};

use crate::commands::Outer;
use crate::exit::{Exit, print};
use crate::startup::Startup;
use crate::voice::Voice;

/// Name under which this client introduces itself.
const CLIENT: &str = "codex-toy-app-server";

/// What is longer is cut off, and then no message.
const LONGEST_LINE: u64 = 64 << 20;

/// Notifications that come by the hundred and show nothing new.
const MUTED: [&str; 6] = [
    "command/exec/outputDelta",
    "item/agentMessage/delta",
    "item/plan/delta",
    "item/fileChange/outputDelta",
    "item/reasoning/summaryTextDelta",
    "item/reasoning/textDelta",
];

/// Arguments of `debug app-server send-message-v2`.
#[derive(Debug, Args)]
pub(crate) struct SendMessageArgs {
    /// The message.
    #[arg(value_name = "USER_MESSAGE")]
    pub(crate) user_message: String,
}

/// Why the conversation ended early.
#[derive(Debug, thiserror::Error)]
enum TalkError {
    #[error("the app server cannot be started: {0}")]
    Start(std::io::Error),
    #[error("the app server does not listen any more: {0}")]
    Write(std::io::Error),
    #[error("the app server cannot be read: {0}")]
    Read(std::io::Error),
    #[error("the app server ended without an answer to `{0}`")]
    Ended(&'static str),
    #[error("the app server said something that is not JSON: {0}")]
    NoJson(serde_json::Error),
    #[error("`{method}` was refused: {message}")]
    Refused { method: &'static str, message: String },
    /// What is wrong with our own output was said already.
    #[error("standard output is closed")]
    Output(Exit),
}

/// Runs the command. A turn that fails is a failure.
pub(crate) fn run(args: &SendMessageArgs, outer: &Outer) -> Exit {
    let startup = match Startup::begin(Voice::Plain) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    match Talk::begin(&startup, outer).and_then(|talk| talk.one_turn(&args.user_message)) {
        Ok(true) => Exit::SUCCESS,
        Ok(false) => Exit::FAILURE,
        Err(TalkError::Output(exit)) => exit,
        Err(error) => Exit::error(error),
    }
}

/// A conversation with a server.
struct Talk {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Requests so far; each id is the number of its request.
    asked: u64,
}

impl Talk {
    fn begin(startup: &Startup, outer: &Outer) -> Result<Self, TalkError> {
        let mut command = Command::new(startup.executable());
        let overrides = &outer.overrides;
        for (flag, values) in
            [("-c", &overrides.config), ("--enable", &overrides.enable), ("--disable", &overrides.disable)]
        {
            command.args(values.iter().flat_map(|value| [flag, value]));
        }
        let mut server = command
            .arg("app-server")
            .env("CODEX_HOME", startup.home.as_path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(TalkError::Start)?;
        let closed = || TalkError::Start(std::io::ErrorKind::BrokenPipe.into());
        let input = server.stdin.take().ok_or_else(closed)?;
        let output = BufReader::new(server.stdout.take().ok_or_else(closed)?);
        Ok(Self { server, input, output, asked: 0 })
    }

    /// Introduces itself, starts a thread, sends the message and follows the turn. Whether the turn went well.
    fn one_turn(mut self, message: &str) -> Result<bool, TalkError> {
        let client = json!({"name": CLIENT, "title": "Quire Toy App Server", "version": REFERENCE_VERSION});
        let capabilities = json!({"experimentalApi": true, "optOutNotificationMethods": MUTED});
        self.ask("initialize", json!({"clientInfo": client, "capabilities": capabilities}))?;
        self.send(&json!({"method": "initialized"}))?;
        let started = self.ask("thread/start", json!({}))?;
        let input = json!([{"type": "text", "text": message}]);
        self.ask("turn/start", json!({"threadId": started["thread"]["id"], "input": input}))?;
        let completed = loop {
            let heard = self.hear("turn/start")?;
            if heard["method"] == "turn/completed" {
                break heard;
            }
        };
        drop(self.input);
        // What it still says is not part of the turn; how it ends is its own affair.
        let _ended = self.server.wait();
        Ok(completed["params"]["turn"]["status"] == "completed")
    }

    fn ask(&mut self, method: &'static str, params: Value) -> Result<Value, TalkError> {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({"id": id, "method": method, "params": params}))?;
        loop {
            let mut heard = self.hear(method)?;
            if heard["id"] != id {
                continue;
            }
            if let Some(error) = heard.get("error") {
                let message = error["message"].as_str().unwrap_or("no reason given").to_owned();
                return Err(TalkError::Refused { method, message });
            }
            return Ok(heard["result"].take());
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), TalkError> {
        show('>', message)?;
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).and_then(|()| self.input.flush()).map_err(TalkError::Write)
    }

    /// The next message; `asking` is what is waited for.
    fn hear(&mut self, asking: &'static str) -> Result<Value, TalkError> {
        let mut line = String::new();
        match self.output.by_ref().take(LONGEST_LINE).read_line(&mut line).map_err(TalkError::Read)? {
            0 => Err(TalkError::Ended(asking)),
            _ => {
                let message = serde_json::from_str(&line).map_err(TalkError::NoJson)?;
                show('<', &message)?;
                Ok(message)
            }
        }
    }
}

fn show(direction: char, message: &Value) -> Result<(), TalkError> {
    let text: String = format!("{message:#}").lines().map(|line| format!("{direction} {line}\n")).collect();
    match print(&text) {
        Exit::SUCCESS => Ok(()),
        exit => Err(TalkError::Output(exit)),
    }
}
