//! `doctor --json` on many homes: which checks there are, what they say, which facts they found.
//!
//! Each case is a home, an environment and a server that answers for every address in it. What is prose is not compared;
//! facts, states, categories and the names of details are. A newcomer's trap: the reference always asks the network, ours
//! only with `--online`; cases that compare probes say `online = true`, and only the others
//! have their network checks excused.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Case, Filter, Sides};
use crate::snapshot::Facet;

const CASES: &str = include_str!("../../data/doctor.toml");

#[derive(Deserialize)]
struct Data {
    case: Vec<Spec>,
}

/// One case as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: String,
    #[serde(default)]
    config: Option<String>,
    /// Files of the home by path.
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    unset: Vec<String>,
    /// Arguments in front of `doctor`.
    #[serde(default)]
    before: Vec<String>,
    /// Ours may use the network as the reference does.
    #[serde(default)]
    online: bool,
    /// The working folder is a repository.
    #[serde(default)]
    git: bool,
    /// So many more session files.
    #[serde(default)]
    rollouts: usize,
    /// Statements that fill `state_5.sqlite`.
    #[serde(default)]
    state: Option<String>,
}

pub(crate) fn run(sides: &Sides, wanted: Filter<'_>) -> Result<Vec<Case>> {
    let data: Data = toml::from_str(CASES).context("data/doctor.toml")?;
    let server = Server::start()?;
    let facts = Facts::new()?;
    let mut cases = Vec::new();
    for spec in data.case {
        let network = if spec.online { "online" } else { "offline" };
        let name = format!("doctor/{network}/{}", spec.name);
        if !wanted(&name) {
            continue;
        }
        let mut seen = Vec::new();
        for (program, ours) in sides.both().into_iter().zip([false, true]) {
            let stage = build(&spec, &sides.folder, &server).with_context(|| name.clone())?;
            seen.push(examine(&spec, program, ours, &stage, &server, &facts).with_context(|| name.clone())?);
        }
        let [(reference_exit, reference), (ours_exit, ours)] =
            <[_; 2]>::try_from(seen).map_err(|_| anyhow::anyhow!("{name}: not two sides"))?;
        cases.push(Case {
            name,
            facets: vec![
                (Facet::Exit, json!(reference_exit), json!(ours_exit)),
                (Facet::Stdout, reference, ours),
            ],
        });
    }
    Ok(cases)
}

struct Stage {
    home: PathBuf,
    work: PathBuf,
}

/// A fresh home and working folder, at the same place for both sides.
fn build(spec: &Spec, folder: &Path, server: &Server) -> Result<Stage> {
    const ID: &str = "019e0000-0000-7000-8000-";
    let root = folder.join(&spec.name);
    if root.exists() {
        std::fs::remove_dir_all(&root)?;
    }
    let stage = Stage { home: root.join("home"), work: root.join("work") };
    std::fs::create_dir_all(&stage.home)?;
    std::fs::create_dir_all(&stage.work)?;
    let fill = |text: &str| {
        text.replace("{server}", &server.address).replace("{home}", &stage.home.display().to_string())
    };
    let put = |path: &str, text: &str| -> Result<()> {
        let path = stage.home.join(path);
        std::fs::create_dir_all(path.parent().context("no parent")?)?;
        Ok(std::fs::write(path, text)?)
    };
    if let Some(config) = &spec.config {
        put("config.toml", &fill(config))?;
    }
    for (path, text) in &spec.files {
        put(path, &fill(text))?;
    }
    for number in 0..spec.rollouts {
        let id = format!("{ID}{number:012}");
        let meta = json!({ "timestamp": "2026-11-20T10:00:00Z", "type": "session_meta", "payload": {
            "id": id, "timestamp": "2026-11-20T10:00:00Z", "cwd": "/x", "originator": "codex",
            "cli_version": "0.136.0", "source": "exec", "model_provider": "openai" } });
        put(&format!("sessions/2026/11/20/rollout-2026-11-20T10-00-00-{id}.jsonl"), &format!("{meta}\n"))?;
    }
    if let Some(statements) = &spec.state {
        let database = rusqlite::Connection::open(stage.home.join("state_5.sqlite"))?;
        database.execute_batch(&fill(statements))?;
    }
    if spec.git {
        let done = Command::new("git").args(["init", "-q", "-b", "main"]).arg(&stage.work).status()?;
        ensure!(done.success(), "git init failed");
    }
    Ok(stage)
}

/// Runs one side. Its exit code, and what of the report is compared.
fn examine(
    spec: &Spec,
    program: &Path,
    ours: bool,
    stage: &Stage,
    server: &Server,
    facts: &Facts,
) -> Result<(Option<i32>, Value)> {
    let mut command = Command::new(program);
    command.args(&spec.before).args(["doctor", "--json"]);
    if ours && spec.online {
        command.arg("--online");
    }
    command.env_clear().env("CODEX_HOME", &stage.home).env("HOME", &stage.work).current_dir(&stage.work);
    for (name, value) in [("LANG", "C.UTF-8"), ("TERM", "xterm")] {
        command.env(name, value);
    }
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    for (name, value) in &spec.env {
        command.env(name, value.replace("{server}", &server.address));
    }
    for name in &spec.unset {
        command.env_remove(name);
    }
    let output = command.stdin(Stdio::null()).output().context("cannot run doctor")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report: Value = serde_json::from_str(&text).with_context(|| {
        format!("no report: {}", String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default())
    })?;
    Ok((output.status.code(), facts.of(&report)))
}

/// Takes the prose out of a report.
struct Facts {
    helper: Regex,
    reason: Regex,
    port: Regex,
}

/// Details whose values are words, or differ by where the program lies: check (or all), key.
const WORDS: [(&str, &str); 14] = [
    ("auth.credentials", "stored auth issue"),
    ("installation", "current executable"),
    ("runtime.provenance", "current executable"),
    ("runtime.search", "search command"),
    ("runtime.search", "search command readiness"),
    ("state.rollout_db_parity", "rollout DB read error"),
    ("updates.status", "latest version probe"),
    ("updates.status", "version cache parse"),
    ("app_server.status", "app-server version"),
    ("network.websocket_reachability", "handshake transport error"),
    ("network.websocket_reachability", "DNS"),
    ("network.provider_reachability", "ChatGPT base URL"),
    ("mcp.config", "optional reachability failed"),
    ("mcp.config", "required reachability failed"),
];

impl Facts {
    fn new() -> Result<Self> {
        Ok(Self {
            helper: Regex::new("codex-arg0[A-Za-z0-9]{6}")?,
            reason: Regex::new(r"(?s) (\(.*|reachable.*|returned.*|route exists.*|connect failed.*)$")?,
            port: Regex::new(r"127\.0\.0\.1:\d+")?,
        })
    }

    fn of(&self, report: &Value) -> Value {
        let mut out = Map::new();
        out.insert("schema".into(), json!([report["schemaVersion"], report["codexVersion"]]));
        out.insert("keys".into(), keys(report));
        for (id, check) in report["checks"].as_object().into_iter().flatten() {
            let details = check["details"].as_object().into_iter().flatten();
            let details: Map<_, _> =
                details.map(|(key, value)| (key.clone(), self.value(id, key, value))).collect();
            let issues = check["issues"].as_array().into_iter().flatten();
            let issues: Vec<_> =
                issues.map(|issue| json!([issue["severity"], issue["fields"], keys(issue)])).collect();
            let keys: Vec<_> = check
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, _)| key)
                .filter(|key| !["issues", "notes"].contains(&key.as_str()))
                .collect();
            let facts = json!({
                "keys": keys,
                "category": check["category"],
                "status": check["status"],
                "details": details,
                "issues": issues,
            });
            out.insert(id.clone(), facts);
        }
        Value::Object(out)
    }

    fn value(&self, id: &str, key: &str, value: &Value) -> Value {
        if WORDS.contains(&(id, key)) || (id == "mcp.config" && !key.ends_with(" servers")) {
            return Value::Null;
        }
        match value {
            Value::Array(values) => {
                let mut values: Vec<_> = values.iter().map(|value| self.text(id, key, value)).collect();
                values.sort_by_key(Value::to_string);
                values.into()
            }
            one => self.text(id, key, one),
        }
    }

    fn text(&self, id: &str, key: &str, value: &Value) -> Value {
        let Some(text) = value.as_str() else { return value.clone() };
        if key.ends_with(" integrity") && text != "ok" && !text.starts_with("skipped") {
            return "<broken>".into();
        }
        if key == "terminal size" && text.starts_with("unavailable") {
            return "unavailable".into();
        }
        if matches!(key, "install method" | "install context") {
            return text.split(' ').next().unwrap_or_default().into();
        }
        let text = self.helper.replace_all(text, "<helper>");
        let text = self.port.replace_all(&text, "<server>");
        let reasoned =
            key.ends_with(" sample") || id == "network.provider_reachability" || id == "network.env";
        if reasoned { self.reason.replace(&text, "").into() } else { text.into() }
    }
}

/// The keys of an object, in order.
fn keys(object: &Value) -> Value {
    object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// A server for every address of a case. A path below `/sNNN/` is answered with that status when it is read with GET.
struct Server {
    address: String,
}

impl Server {
    /// Lives as long as the program does.
    fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = format!("http://{}", listener.local_addr()?);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that hangs up early has what it wanted.
                let _hung_up = answer(stream);
            }
        });
        Ok(Self { address })
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    const MAX: usize = 16 * 1024;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && request.len() < MAX && stream.read(&mut byte)? == 1 {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let named = path.strip_prefix("/s").and_then(|rest| rest.get(..3)?.parse().ok());
    let status: u16 = named.filter(|_| method == "GET").unwrap_or(200);
    write!(stream, "HTTP/1.1 {status} Answer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}
