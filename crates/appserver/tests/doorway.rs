//! The doorway's rules: handshake, errors, order, who hears what, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quire_appserver::{AppServer, AppServerOptions, Client, Notifications};
use quire_appserver_protocol::initialize::{ClientInfo, InitializeCapabilities, InitializeParams};
use quire_appserver_protocol::requests::{
    Initialize, ThreadResume, ThreadStart, ThreadUnsubscribe, TurnInterrupt, TurnStart,
};
use quire_appserver_protocol::thread::{
    ThreadResumeParams, ThreadSession, ThreadStartParams, ThreadUnsubscribeParams, ThreadUnsubscribeStatus,
};
use quire_appserver_protocol::turn::{TurnInterruptParams, TurnStartParams};
use quire_appserver_protocol::{RpcError, ServerNotification, rpc};
use quire_config::{CodexHome, LoadOptions};
use quire_engine::{Engine, EngineOptions, RandomIds, SystemClock};
use quire_protocol::{SandboxMode, SessionSource, ThreadId, TurnStatus, UserInput};
use quire_rehearsal::{Rehearsal, Script};
use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_mins(1);
const UNKNOWN: &str = "01a1f891-91a6-7fe1-a5bb-7a076f6506f4";

struct World {
    folder: TempDir,
    model: Rehearsal,
}

impl World {
    async fn new(turns: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("home")).unwrap();
        std::fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder, model: Rehearsal::start(Script::from_value(turns, "test").unwrap()).await.unwrap() }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home").canonicalize().unwrap()
    }

    fn server(&self) -> AppServer {
        let home = self.home();
        let mut config = LoadOptions::new(CodexHome::at(&home), self.folder.path().join("project"));
        // None, unless a test writes them.
        config.system.requirements = self.folder.path().join("requirements.toml");
        config.cli_overrides = vec![
            "model=\"gpt-5.5\"".to_owned(),
            "model_provider=\"r\"".to_owned(),
            format!("model_providers.r={{name=\"R\", base_url=\"{}\"}}", self.model.base_url()),
        ];
        AppServer::new(AppServerOptions {
            engine: Box::new(move |client| {
                Engine::new(EngineOptions {
                    home: home.clone(),
                    originator: client.name.clone(),
                    client,
                    helper_exe: "/nonexistent".into(),
                    env: std::env::vars_os().collect(),
                    clock: Arc::new(SystemClock),
                    ids: Arc::new(RandomIds),
                    recorder: None,
                })
            }),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            config,
            source: SessionSource::vscode(),
        })
    }
}

fn hello(opt_out: &[&str]) -> InitializeParams {
    InitializeParams {
        client_info: ClientInfo { name: "tester".into(), title: None, version: "1".into() },
        capabilities: Some(InitializeCapabilities {
            experimental_api: false,
            opt_out_notification_methods: Some(opt_out.iter().map(|&method| method.to_owned()).collect()),
        }),
    }
}

async fn connect(server: &AppServer, opt_out: &[&str]) -> (Client, Notifications) {
    let (client, notifications) = server.connect();
    client.request::<Initialize>(hello(opt_out)).await.unwrap();
    (client, notifications)
}

async fn start(client: &Client) -> ThreadSession {
    client.request::<ThreadStart>(ThreadStartParams::default()).await.unwrap()
}

fn text(text: &str) -> Vec<UserInput> {
    vec![UserInput::Text { text: text.into() }]
}

async fn next(notifications: &mut Notifications) -> ServerNotification {
    tokio::time::timeout(LIMIT, notifications.next())
        .await
        .expect("nothing is told")
        .expect("the connection ended")
}

/// Methods up to the end of the turn, and how it ended.
async fn turn(notifications: &mut Notifications) -> (Vec<&'static str>, TurnStatus) {
    let mut methods = Vec::new();
    loop {
        let notification = next(notifications).await;
        methods.push(notification.method());
        if let ServerNotification::TurnCompleted(it) = notification {
            return (methods, it.turn.status);
        }
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, RpcError>) -> (i64, String) {
    let error = result.unwrap_err();
    (error.code, error.message)
}

#[tokio::test]
async fn the_handshake_comes_first_and_once() {
    let world = World::new(json!([])).await;
    let server = world.server();
    let (client, _notifications) = server.connect();
    let early = client.request::<ThreadStart>(ThreadStartParams::default()).await;
    assert_eq!(refused(early), (rpc::INVALID_REQUEST, "Not initialized".into()));
    let bad = InitializeParams {
        client_info: ClientInfo { name: "a\nb".into(), ..hello(&[]).client_info },
        ..hello(&[])
    };
    assert!(refused(client.request::<Initialize>(bad).await).1.starts_with("Invalid clientInfo.name: "));
    let welcome = client.request::<Initialize>(hello(&[])).await.unwrap();
    assert!(welcome.user_agent.starts_with("tester/0.136.0 ("), "{}", welcome.user_agent);
    assert_eq!(
        (welcome.codex_home, welcome.platform_family.as_str()),
        (world.home(), std::env::consts::FAMILY)
    );
    let again = client.request::<Initialize>(hello(&[])).await;
    assert_eq!(refused(again), (rpc::INVALID_REQUEST, "Already initialized".into()));
}

#[tokio::test]
async fn a_turn_is_told_in_order() {
    let world = World::new(json!([{"events": [{"reason": "hm"}, {"say": "ok"}]}])).await;
    let server = world.server();
    let (client, mut notifications) = connect(&server, &[]).await;
    let session = start(&client).await;
    assert_eq!(
        (session.thread.preview.as_str(), session.thread.source.clone()),
        ("", SessionSource::vscode())
    );
    assert_eq!(next(&mut notifications).await.method(), "thread/started");
    client.request::<TurnStart>(TurnStartParams::new(session.thread.id, text("hi"))).await.unwrap();
    let (mut methods, status) = turn(&mut notifications).await;
    methods.dedup();
    assert_eq!(status, TurnStatus::Completed);
    assert_eq!(
        methods,
        [
            "thread/status/changed",
            "turn/started",
            "item/started",
            "item/completed",
            "item/started",
            "item/reasoning/summaryPartAdded",
            "item/reasoning/summaryTextDelta",
            "item/completed",
            "item/started",
            "item/agentMessage/delta",
            "item/completed",
            "thread/tokenUsage/updated",
            "account/rateLimits/updated",
            "thread/status/changed",
            "turn/completed",
        ]
    );
}

#[tokio::test]
async fn nobody_is_told_what_he_opted_out_of() {
    let flood = json!({"events": [{"delta_flood": {"count": 5000, "text": "x"}}]});
    let world = World::new(json!([flood])).await;
    let server = world.server();
    let unwanted = ["item/agentMessage/delta", "thread/started", "no/such/method"];
    let (client, mut notifications) = connect(&server, &unwanted).await;
    let id = start(&client).await.thread.id;
    client.request::<TurnStart>(TurnStartParams::new(id, text("hi"))).await.unwrap();
    let (methods, _) = turn(&mut notifications).await;
    assert!(methods.iter().all(|method| !unwanted.contains(method)), "{methods:?}");
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    const DELTAS: usize = 5000;
    let world = World::new(json!([{"events": [{"delta_flood": {"count": DELTAS, "text": "x"}}]}])).await;
    let server = world.server();
    let (client, mut notifications) = connect(&server, &[]).await;
    let id = start(&client).await.thread.id;
    client.request::<TurnStart>(TurnStartParams::new(id, text("hi"))).await.unwrap();
    // The model has long said everything when the first notification is read.
    world.model.wait_for_requests(1, LIMIT).await.unwrap();
    let (methods, _) = turn(&mut notifications).await;
    assert_eq!(methods.iter().filter(|method| **method == "item/agentMessage/delta").count(), DELTAS);
}

#[tokio::test]
async fn others_hear_of_the_thread_but_not_of_its_turns() {
    let world = World::new(json!([{"events": [{"say": "ok"}]}, {"events": [{"say": "ok"}]}])).await;
    let server = world.server();
    let (client, mut notifications) = connect(&server, &[]).await;
    let (other, mut heard) = connect(&server, &[]).await;
    let id = start(&client).await.thread.id;
    client.request::<TurnStart>(TurnStartParams::new(id, text("hi"))).await.unwrap();
    next(&mut notifications).await;
    turn(&mut notifications).await;
    let told: Vec<_> =
        std::iter::from_fn(|| heard.try_next()).map(|notification| notification.method()).collect();
    assert_eq!(told, ["thread/started", "thread/status/changed", "thread/status/changed"]);

    let unsubscribe = |thread: String| ThreadUnsubscribeParams { thread_id: thread };
    let status = |client: &Client, thread: String| {
        let client = client.clone();
        async move { client.request::<ThreadUnsubscribe>(unsubscribe(thread)).await.unwrap().status }
    };
    assert_eq!(status(&other, id.to_string()).await, ThreadUnsubscribeStatus::NotSubscribed);
    assert_eq!(status(&other, UNKNOWN.into()).await, ThreadUnsubscribeStatus::NotLoaded);

    let joined =
        other.request::<ThreadResume>(ThreadResumeParams { thread_id: id.to_string(), ..Default::default() });
    assert_eq!(joined.await.unwrap().thread.id, id);
    client.request::<TurnStart>(TurnStartParams::new(id, text("again"))).await.unwrap();
    assert_eq!(turn(&mut heard).await.1, TurnStatus::Completed);
    assert_eq!(status(&other, id.to_string()).await, ThreadUnsubscribeStatus::Unsubscribed);
}

#[tokio::test]
async fn interrupting() {
    let world = World::new(json!([{"events": [{"pause_ms": 1}], "cut": "hang"}])).await;
    let server = world.server();
    let (client, mut notifications) = connect(&server, &[]).await;
    let id = start(&client).await.thread.id;
    let interrupt = |turn_id: &str| {
        client.request::<TurnInterrupt>(TurnInterruptParams {
            thread_id: id.to_string(),
            turn_id: turn_id.to_owned(),
        })
    };
    assert_eq!(refused(interrupt("t").await), (rpc::INVALID_REQUEST, "no active turn to interrupt".into()));
    let started = client.request::<TurnStart>(TurnStartParams::new(id, text("hi"))).await.unwrap().turn;
    let wrong = format!("expected active turn id t but found {}", started.id);
    assert_eq!(refused(interrupt("t").await), (rpc::INVALID_REQUEST, wrong));
    world.model.wait_for_requests(1, LIMIT).await.unwrap();
    interrupt(started.id.as_str()).await.unwrap();
    assert_eq!(next(&mut notifications).await.method(), "thread/started");
    assert_eq!(turn(&mut notifications).await.1, TurnStatus::Interrupted);
    interrupt("").await.unwrap();
}

#[tokio::test]
async fn what_is_refused() {
    let world = World::new(json!([])).await;
    let server = world.server();
    let (client, _notifications) = connect(&server, &[]).await;
    let turn = |thread: &str| TurnStartParams {
        thread_id: thread.to_owned(),
        ..TurnStartParams::new(UNKNOWN.parse::<ThreadId>().unwrap(), text("hi"))
    };
    let (code, message) = refused(client.request::<TurnStart>(turn("nope")).await);
    assert_eq!(code, rpc::INVALID_REQUEST);
    assert!(message.starts_with("invalid thread id: invalid character"), "{message}");
    let missing = refused(client.request::<TurnStart>(turn(UNKNOWN)).await);
    assert_eq!(missing, (rpc::INVALID_REQUEST, format!("thread not found: {UNKNOWN}")));
    let resume = |thread: &str| {
        client.request::<ThreadResume>(ThreadResumeParams {
            thread_id: thread.to_owned(),
            ..Default::default()
        })
    };
    assert!(refused(resume("zz").await).1.starts_with("invalid session id: "));
    let unknown = refused(resume(UNKNOWN).await);
    assert_eq!(unknown, (rpc::INVALID_REQUEST, format!("no rollout found for thread id {UNKNOWN}")));
    let provider = ThreadStartParams { model_provider: Some("zz".into()), ..Default::default() };
    let (code, message) = refused(client.request::<ThreadStart>(provider).await);
    assert_eq!(code, rpc::INVALID_REQUEST);
    assert!(message.contains("`zz` not found"), "{message}");

    let id = start(&client).await.thread.id;
    let error = client
        .request::<TurnStart>(TurnStartParams::new(id, text(&"x".repeat((1 << 20) + 1))))
        .await
        .unwrap_err();
    assert_eq!(error.code, rpc::INVALID_PARAMS);
    assert_eq!(error.data.unwrap()["actual_chars"], (1 << 20) + 1);
}

#[tokio::test]
async fn a_request_that_writes_makes_the_project_trusted() {
    let world = World::new(json!([])).await;
    let server = world.server();
    let (client, _notifications) = connect(&server, &[]).await;
    let config = || std::fs::read_to_string(world.home().join("config.toml")).unwrap_or_default();
    let project = world.folder.path().join("project");
    let params = |sandbox| ThreadStartParams {
        cwd: Some(project.clone()),
        sandbox: Some(sandbox),
        ..Default::default()
    };
    client.request::<ThreadStart>(params(SandboxMode::ReadOnly)).await.unwrap();
    assert_eq!(config(), "");
    client.request::<ThreadStart>(params(SandboxMode::WorkspaceWrite)).await.unwrap();
    assert!(config().contains("trust_level = \"trusted\""), "{}", config());
}

#[tokio::test]
async fn shutdown_ends_running_turns_and_writes_the_log() {
    let world = World::new(json!([{"events": [{"pause_ms": 1}], "cut": "hang"}])).await;
    let server = world.server();
    let (client, _unread) = connect(&server, &[]).await;
    let session = start(&client).await;
    client.request::<TurnStart>(TurnStartParams::new(session.thread.id, text("hi"))).await.unwrap();
    world.model.wait_for_requests(1, LIMIT).await.unwrap();
    assert!(server.shutdown(LIMIT).await, "it did not end in time");
    let log = std::fs::read_to_string(session.thread.path.unwrap()).unwrap();
    assert!(log.lines().last().unwrap().contains("\"turn_aborted\""), "{log}");
    let late = client.request::<ThreadStart>(ThreadStartParams::default()).await;
    assert_eq!(refused(late), (rpc::INTERNAL, "the server is shutting down".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_administrator_forbids_is_refused_in_the_middle_of_a_thread_too() {
    let world = World::new(json!({"turns": []})).await;
    let required = "allowed_sandbox_modes = ['read-only']\nallowed_approval_policies = ['on-request']\n";
    std::fs::write(world.folder.path().join("requirements.toml"), required).unwrap();
    let server = world.server();
    let (client, _notifications) = connect(&server, &[]).await;
    let thread = start(&client).await;
    let ask = async |more: Value| {
        let mut params = json!({"threadId": thread.thread.id, "input": [{"type": "text", "text": "hi"}]});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let params = serde_json::from_value::<TurnStartParams>(params).unwrap();
        client.request::<TurnStart>(params).await.unwrap_err()
    };
    for (more, key) in [
        (json!({"sandboxPolicy": {"type": "dangerFullAccess"}}), "sandbox_mode"),
        (json!({"sandboxPolicy": {"type": "workspaceWrite"}}), "sandbox_mode"),
        (json!({"sandboxPolicy": {"type": "externalSandbox"}}), "sandbox_mode"),
        (json!({"approvalPolicy": "never"}), "approval_policy"),
    ] {
        let error = ask(more.clone()).await;
        assert_eq!(error.code, rpc::INVALID_REQUEST, "{more}");
        let start = format!("invalid thread settings override: invalid value for `{key}`: ");
        assert!(error.message.starts_with(&start), "{more}: {}", error.message);
    }
    assert!(world.model.sampling_requests().is_empty());
    server.shutdown(LIMIT).await;
}
