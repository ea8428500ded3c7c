//! A home, a repository and a scripted model, and the binary run in them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use quire_rehearsal::{Options, Rehearsal, Script};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// Nothing here takes long; what takes longer hangs.
pub const LIMIT: Duration = Duration::from_mins(1);

pub struct World {
    _folder: TempDir,
    pub home: PathBuf,
    pub project: PathBuf,
    pub model: Rehearsal,
}

/// What a finished run left.
pub struct Ran {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub out: String,
    pub err: String,
}

impl World {
    /// A world in which the model answers with these turns.
    pub async fn new(turns: Value) -> Self {
        // Not below the system's temporary folder, where no helper links are made.
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (home, project) = (root.join("home"), root.join("project"));
        std::fs::create_dir(&home).unwrap();
        std::fs::create_dir_all(project.join(".git")).unwrap();
        std::fs::write(project.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let script = Script::from_value(turns, "test").unwrap();
        let model = Rehearsal::start_with(script, Options::default()).await.unwrap();
        let config = format!(
            "model = \"gpt-5.5\"\nmodel_provider = \"rehearsal\"\n\n[model_providers.rehearsal]\nname = \"R\"\n\
             base_url = \"{}\"\nenv_key = \"REHEARSAL_KEY\"\nrequest_max_retries = 0\nstream_max_retries = 1\n",
            model.base_url()
        );
        std::fs::write(home.join("config.toml"), config).unwrap();
        Self { _folder: folder, home, project, model }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_quire"));
        command.args(args);
        command
    }

    /// Another program, which starts ours, in the same surroundings.
    pub fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.project)
            .env("CODEX_HOME", &self.home)
            // No profile of whoever runs the tests.
            .env("HOME", &self.home)
            .env("REHEARSAL_KEY", "k")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub async fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args).spawn().unwrap()).await
    }

    pub async fn run_with_stdin(&self, args: &[&str], stdin: &[u8]) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A run that refuses to begin does not read it.
        drop(pipe.write_all(stdin).await);
        drop(pipe);
        finish(child).await
    }

    /// Body of the k-th sampling request.
    pub fn request(&self, index: usize) -> Value {
        self.model.sampling_requests()[index].json()
    }

    pub async fn wait_for_request(&self, count: usize) {
        self.model.wait_for_requests(count, LIMIT).await.unwrap();
    }

    /// Every rollout file in the home.
    pub fn rollouts(&self) -> Vec<PathBuf> {
        files(&self.home.join("sessions"))
    }

    pub fn config(&self) -> String {
        std::fs::read_to_string(self.home.join("config.toml")).unwrap()
    }
}

pub async fn finish(child: Child) -> Ran {
    use std::os::unix::process::ExitStatusExt as _;
    let output = tokio::time::timeout(LIMIT, child.wait_with_output()).await.expect("the run hangs").unwrap();
    Ran {
        code: output.status.code(),
        signal: output.status.signal(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    /// Standard output as JSON lines; every line has to be one.
    pub fn events(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }

    /// The events' types, items with their own.
    pub fn shape(&self) -> Vec<String> {
        let shape = |event: &Value| {
            let kind = event["type"].as_str().unwrap();
            event["item"]["type"].as_str().map_or_else(|| kind.to_owned(), |item| format!("{kind} {item}"))
        };
        self.events().iter().map(shape).collect()
    }

    pub fn thread_id(&self) -> String {
        self.events()[0]["thread_id"].as_str().unwrap().to_owned()
    }

    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// A turn that says something.
pub fn say(text: &str) -> Value {
    json!({"events": [{"say": text}], "usage": {"input": 100, "cached": 40, "output": 20, "reasoning": 5}})
}

/// A turn that calls a function.
pub fn call(name: &str, arguments: &Value, call_id: &str) -> Value {
    json!({"events": [{"call": {"name": name, "arguments": arguments, "call_id": call_id}}]})
}

/// A turn that runs a command.
pub fn run(cmd: &str, call_id: &str) -> Value {
    call("exec_command", &json!({"cmd": cmd, "login": false}), call_id)
}

/// A turn in which the provider falls silent.
pub fn hang() -> Value {
    json!({"events": [{"pause_ms": 1}], "cut": "hang"})
}
