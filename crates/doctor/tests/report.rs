//! Whole reports on built homes: what the checks promise to people and scripts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.
#![cfg(unix)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use quire_config::{CodexHome, Config, ConfigError, LoadOptions};
use quire_doctor::{Host, Length, Network, Report, Status, Streams, Style, json, run, text};

/// Ids of the reference's checks.
const REFERENCE_IDS: [&str; 18] = [
    "app_server.status",
    "auth.credentials",
    "config.load",
    "git.environment",
    "installation",
    "mcp.config",
    "network.env",
    "network.provider_reachability",
    "network.websocket_reachability",
    "runtime.provenance",
    "runtime.search",
    "sandbox.helpers",
    "state.paths",
    "state.rollout_db_parity",
    "system.environment",
    "terminal.env",
    "terminal.title",
    "updates.status",
];

/// A home, a working folder and an environment.
struct World {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
    helper: Option<PathBuf>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "work", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let mut world = Self { folder, env: Vec::new(), helper: None };
        world.set("PATH", &std::env::var("PATH").unwrap_or_default());
        world.set("LANG", "C.UTF-8");
        world.set("TERM", "xterm");
        world
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn put(&self, path: &str, content: &str) -> &Self {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn set(&mut self, name: &str, value: &str) {
        self.env.retain(|(key, _)| key != name);
        self.env.push((name.to_owned(), value.to_owned()));
    }

    /// A program of the world's own.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let mut options = LoadOptions::new(CodexHome::at(self.home()), self.folder.path().join("work"));
        let env = self.env.clone();
        options.env =
            Arc::new(move |name| env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()));
        quire_config::load(options)
    }

    fn host(&self) -> Host {
        Host {
            program: "quire".into(),
            version: "1.2.3".into(),
            home: self.home(),
            cwd: self.folder.path().join("work"),
            executable: "/opt/quire".into(),
            helper_folder: None,
            sandbox_helper: self.helper.clone(),
            env: self.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
            streams: Streams::default(),
            terminal_size: None,
            no_color: false,
            now: UNIX_EPOCH + Duration::from_secs(7),
        }
    }

    fn examine(&self, network: Network) -> Report {
        run(&self.host(), &self.config(), network, |_| {}).unwrap()
    }
}

fn status(report: &Report, id: &str) -> Status {
    report.check(id).unwrap_or_else(|| panic!("no {id}")).status
}

fn value(report: &Report, id: &str, key: &str) -> String {
    report.check(id).unwrap().values(key).collect::<Vec<_>>().join("|")
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn an_empty_home_has_every_check_and_stays_empty() {
    let world = World::new();
    let report = world.examine(Network::Forbidden);
    let json = json(&report);
    let ids: Vec<_> = json["checks"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(ids.is_sorted());
    let theirs: Vec<_> = ids.iter().copied().filter(|id| !id.starts_with("quire.")).collect();
    assert_eq!(theirs, REFERENCE_IDS);
    assert_eq!(ids.len() - theirs.len(), 4);
    assert_eq!(json["generatedAt"], "7s since unix epoch");
    assert_eq!(json["overallStatus"], "fail");
    assert_eq!(status(&report, "auth.credentials"), Status::Fail);
    assert!(files(&world.home()).is_empty());
}

#[test]
fn every_row_that_is_not_well_says_what_to_do() {
    let mut world = World::new();
    world.set("TERM", "dumb");
    world.set("LANG", "C");
    world.set("CODEX_CA_CERTIFICATE", "/nowhere");
    world
        .put(
            "config.toml",
            "[mcp_servers.a]\ncommand = \"no-such-command\"\n[tui]\nterminal_title = [\"x\"]\n",
        )
        .put("state_5.sqlite", &"garbage ".repeat(100))
        .put("app-server-control/app-server-control.sock", "")
        .put("sessions/rollout-x.jsonl", "noise");
    let report = world.examine(Network::Forbidden);
    let bad: Vec<_> = report.checks.iter().filter(|check| check.status != Status::Ok).collect();
    assert!(bad.len() >= 8, "{}", bad.len());
    for check in bad {
        let by_issues = !check.issues.is_empty() && check.issues.iter().all(|issue| issue.remedy.is_some());
        assert!(check.remediation.is_some() || by_issues, "{} says nothing", check.id);
    }
}

#[test]
fn a_config_that_does_not_load_is_a_finding() {
    let world = World::new();
    world.put("config.toml", "model = \n");
    let report = world.examine(Network::Forbidden);
    let ids: Vec<_> =
        report.checks.iter().map(|check| check.id).filter(|id| !id.starts_with("quire.")).collect();
    let expected = [
        "system.environment",
        "runtime.provenance",
        "installation",
        "runtime.search",
        "git.environment",
        "terminal.env",
        "state.paths",
        "config.load",
        "network.env",
        "network.provider_reachability",
    ];
    assert_eq!(ids, expected);
    let check = report.check("config.load").unwrap();
    assert_eq!(check.status, Status::Fail);
    assert!(check.notes[0].contains("config.toml:1:9"), "{}", check.notes[0]);
}

#[test]
fn nobody_is_asked_unless_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let world = World::new();
    world.put(
        "config.toml",
        &format!(
            "model_provider = \"p\"\n[model_providers.p]\nname = \"P\"\nbase_url = \"http://{address}/v1\"\n\
             supports_websockets = true\n[mcp_servers.m]\nurl = \"http://{address}/mcp\"\n"
        ),
    );
    let report = world.examine(Network::Forbidden);
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody connected");
    for id in
        ["network.provider_reachability", "network.websocket_reachability", "quire.provider.reachability"]
    {
        assert!(report.check(id).unwrap().idle, "{id}");
    }

    listener.set_nonblocking(false).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _gone = stream.read(&mut request);
            let _gone =
                stream.write_all(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let report = world.examine(Network::Allowed);
    for id in ["network.provider_reachability", "quire.provider.reachability", "mcp.config"] {
        let check = report.check(id).unwrap();
        assert_eq!((check.status, check.idle), (Status::Ok, false), "{id}: {}", check.summary);
    }
    // Not signed, so being asked to sign is an answer.
    assert_eq!(value(&report, "network.websocket_reachability", "handshake result"), "HTTP 401 Unauthorized");
    assert!(value(&report, "quire.provider.reachability", "round trip").ends_with(" ms"));
}

#[test]
fn secrets_are_in_no_report() {
    let mut world = World::new();
    for name in ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN", "MY_KEY"] {
        world.set(name, "hush-environment");
    }
    world.set("HTTPS_PROXY", "http://user:hush-proxy@127.0.0.1:9");
    world
        .put("auth.json", r#"{"OPENAI_API_KEY":"hush-stored","tokens":{"access_token":"hush-access"}}"#)
        .put(
            "config.toml",
            "[mcp_servers.a]\nurl = \"http://user:hush-user@127.0.0.1:9/mcp/hush-path?k=hush-query\"\n\
         [mcp_servers.b]\ncommand = \"x\"\nenv = { K = \"hush-env\" }\nargs = [\"hush-arg\"]\n\
         [model_providers.p]\nname = \"P\"\nexperimental_bearer_token = \"hush-bearer\"\n",
        );
    let report = world.examine(Network::Allowed);
    let style = Style { length: Length::All, ..Style::default() };
    for shown in [json(&report).to_string(), text(&report, &style)] {
        assert!(!shown.contains("hush"), "{shown}");
        assert!(shown.contains("HTTPS_PROXY"), "{shown}");
    }
}

#[test]
fn a_config_error_repeats_no_value() {
    for (config, place) in [
        ("[model_providers.p]\nname = \"P\"\nexperimental_bearer_token = hush-bearer\n", "config.toml:3:"),
        (
            "[model_providers.p]\nname = \"P\"\nrequest_max_retries = \"hush-\\\"bearer\"\n",
            "request_max_retries",
        ),
    ] {
        let world = World::new();
        world.put("config.toml", config);
        let report = world.examine(Network::Forbidden);
        let note = &report.check("config.load").unwrap().notes[0];
        assert!(note.contains(place) && !note.contains("hush"), "{note}");
    }
}

#[test]
fn a_folder_that_cannot_be_read_hides_nothing_beside_it() {
    let world = World::new();
    let event = r#"{"type":"session_meta","payload":{"id":"x"}}"#;
    world.put("sessions/a/rollout-1.jsonl", event).put("sessions/c/rollout-2.jsonl", event);
    let closed = world.home().join("sessions/b");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is closed to the superuser.
    let errors = if fs::read_dir(&closed).is_ok() { "0" } else { "1" };
    let report = world.examine(Network::Forbidden);
    assert_eq!(value(&report, "state.rollout_db_parity", "rollout DB active files"), "2");
    assert_eq!(value(&report, "state.rollout_db_parity", "rollout DB scan errors"), errors);
    assert!(value(&report, "state.paths", "active rollout files").starts_with("2 files"));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn servers_that_cannot_start_count_by_whether_they_are_required() {
    for (config, expected) in [
        ("command = \"sh\"", Status::Ok),
        ("command = \"no-such-command\"", Status::Warning),
        ("command = \"no-such-command\"\nrequired = true", Status::Fail),
        ("command = \"no-such-command\"\nrequired = true\nenabled = false", Status::Ok),
        ("command = \"sh\"\nenv_vars = [\"NO_SUCH_VARIABLE\"]", Status::Warning),
        ("command = \"sh\"\ncwd = \"/no/such/folder\"", Status::Warning),
        ("command = \"sh\"\nenv = { PATH = \"/no/such/folder\" }", Status::Warning),
        ("url = \"http://127.0.0.1:9/\"\nbearer_token_env_var = \"NO_SUCH_VARIABLE\"", Status::Warning),
    ] {
        let world = World::new();
        world.put("config.toml", &format!("[mcp_servers.a]\n{config}\n"));
        let report = world.examine(Network::Forbidden);
        assert_eq!(status(&report, "mcp.config"), expected, "{config}");
    }
}

#[test]
fn a_damaged_database_fails_and_a_busy_one_does_not() {
    let world = World::new();
    let path = world.home().join("state_5.sqlite");
    let writer = rusqlite::Connection::open(&path).unwrap();
    writer
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE t(a); BEGIN EXCLUSIVE;",
        )
        .unwrap();
    let report = world.examine(Network::Forbidden);
    assert_eq!(status(&report, "state.paths"), Status::Ok);
    assert_eq!(value(&report, "state.paths", "state DB integrity"), "skipped (in use by another process)");
    drop(writer);

    fs::write(&path, "garbage ".repeat(1000)).unwrap();
    let before = files(&world.home());
    let report = world.examine(Network::Forbidden);
    assert_eq!(status(&report, "state.paths"), Status::Fail);
    assert!(report.check("state.paths").unwrap().remediation.as_ref().unwrap().contains("state_5.sqlite"));
    assert_eq!(files(&world.home()), before);
}

#[test]
fn files_that_slow_down_starts_are_named_and_the_home_is_measured() {
    let world = World::new();
    world.put("history.jsonl", "").put("sessions/2026/rollout-big.jsonl", "").put("notes/small", "12345");
    for (name, size) in [("history.jsonl", 60 << 20), ("sessions/2026/rollout-big.jsonl", 300 << 20)] {
        // Nothing is written: the files have holes.
        fs::OpenOptions::new().write(true).open(world.home().join(name)).unwrap().set_len(size).unwrap();
    }
    let report = world.examine(Network::Forbidden);
    let check = report.check("quire.home.slow_files").unwrap();
    assert_eq!(check.status, Status::Warning);
    let causes: Vec<_> = check.issues.iter().map(|issue| issue.cause.as_str()).collect();
    assert!(causes[0].contains("history.jsonl has 60.00 MB"), "{causes:?}");
    assert!(causes[1].contains("rollout-big.jsonl has 300.00 MB"), "{causes:?}");
    assert_eq!(value(&report, "quire.home.size", "files"), "3");
    assert_eq!(value(&report, "quire.home.size", "bytes"), ((360_u64 << 20) + 5).to_string());
    let biggest = value(&report, "quire.home.size", "biggest");
    assert!(biggest.starts_with("sessions: 300.00 MB in 1 files|history.jsonl: 60.00 MB"), "{biggest}");
}

#[test]
fn a_sandbox_that_lets_everything_through_is_found_out() {
    let mut world = World::new();
    let report = world.examine(Network::Forbidden);
    assert!(report.check("quire.sandbox.enforcement").unwrap().idle);

    // Runs the command without any sandbox.
    world.helper = Some(world.program("open", "while [ \"$1\" != -- ]; do shift; done; shift; exec \"$@\""));
    let report = world.examine(Network::Forbidden);
    let check = report.check("quire.sandbox.enforcement").unwrap();
    assert_eq!(check.status, Status::Fail);
    assert!(value(&report, check.id, "read-only").contains("a write into the workspace went through"));
    assert!(
        value(&report, check.id, "workspace-write").contains("a write outside of the workspace went through")
    );

    // Runs nothing at all.
    world.helper = Some(world.program("closed", "exit 0"));
    let report = world.examine(Network::Forbidden);
    assert_eq!(status(&report, "quire.sandbox.enforcement"), Status::Warning);
    assert_eq!(value(&report, "quire.sandbox.enforcement", "read-only"), "enforced");

    world.helper = Some(world.program("refusing", "echo no user namespaces >&2; exit 1"));
    let report = world.examine(Network::Forbidden);
    assert_eq!(status(&report, "quire.sandbox.enforcement"), Status::Warning);
    assert!(value(&report, "quire.sandbox.enforcement", "read-only").contains("no user namespaces"));
}

#[test]
fn a_program_that_never_answers_does_not_hold_the_report_up() {
    let mut world = World::new();
    let git = world.program("git", "exec sleep 1000");
    world.set("PATH", git.parent().unwrap().to_str().unwrap());
    world.program("sleep", "exec /bin/sleep 1000");
    let report = world.examine(Network::Forbidden);
    let check = report.check("git.environment").unwrap();
    assert_eq!(check.status, Status::Warning);
    assert!(check.issues[0].measured.as_ref().unwrap().contains("no answer"), "{:?}", check.issues);
}

#[test]
fn pipes_in_the_home_are_not_waited_for() {
    let world = World::new();
    for name in ["auth.json", "version.json"] {
        let made = std::process::Command::new("mkfifo").arg(world.home().join(name)).status().unwrap();
        assert!(made.success());
    }
    let report = world.examine(Network::Forbidden);
    assert!(report.check("auth.credentials").unwrap().notes[0].contains("not a file"));
    assert_eq!(value(&report, "updates.status", "version cache parse"), "not a file");
}

#[test]
fn progress_names_each_check_that_runs() {
    let world = World::new();
    let mut labels = Vec::new();
    let report =
        run(&world.host(), &world.config(), Network::Forbidden, |label| labels.push(label.to_owned()))
            .unwrap();
    assert_eq!(labels.len(), report.checks.len());
    assert!(labels.contains(&"credentials".to_owned()), "{labels:?}");
}
