//! The doorway as another process sees it: lines of JSON in, lines of JSON out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quire_appserver::stdio::{self, End};
use quire_appserver::{AppServer, AppServerOptions};
use quire_config::{CodexHome, LoadOptions, SystemPaths};
use quire_engine::{Engine, EngineOptions, RandomIds, SystemClock};
use quire_protocol::SessionSource;
use quire_rehearsal::{Rehearsal, Script};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_mins(1);
const HELLO: &str = r#"{"id":0,"method":"initialize","params":{"clientInfo":{"name":"t","version":"1"}}}"#;

struct World {
    folder: TempDir,
}

impl World {
    /// `home/` with this config, and `w/` to be in.
    fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "w/.git"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("home/config.toml"), config).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn server(&self, overrides: Vec<String>) -> AppServer {
        let home = self.path("home");
        let mut config = LoadOptions::new(CodexHome::at(&home), self.path("w"));
        config.cli_overrides = overrides;
        config.system = system(&self.path("etc"));
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

    fn talk(&self) -> Talk {
        Talk::with(self.server(Vec::new()))
    }
}

fn system(etc: &Path) -> SystemPaths {
    SystemPaths {
        config: etc.join("config.toml"),
        managed: etc.join("managed_config.toml"),
        requirements: etc.join("requirements.toml"),
    }
}

/// A client at the other end of the pipe.
struct Talk {
    input: Option<DuplexStream>,
    output: Option<Lines<BufReader<DuplexStream>>>,
    serving: JoinHandle<End>,
}

impl Talk {
    fn with(server: AppServer) -> Self {
        let (input, read) = tokio::io::duplex(1 << 16);
        let (written, output) = tokio::io::duplex(1 << 16);
        let serving = tokio::spawn(async move {
            let end = stdio::serve(&server, BufReader::new(read), written).await.unwrap();
            server.shutdown(LIMIT).await;
            end
        });
        Self { input: Some(input), output: Some(BufReader::new(output).lines()), serving }
    }

    async fn say(&mut self, line: &str) {
        self.input.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        let line = tokio::time::timeout(LIMIT, self.output.as_mut().unwrap().next_line()).await;
        serde_json::from_str(&line.expect("nothing is said").unwrap().expect("the connection ended")).unwrap()
    }

    /// Asks and hears the answer; what is told before is dropped.
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.say(&json!({"id": method, "method": method, "params": params}).to_string()).await;
        loop {
            let message = self.hear().await;
            if message["id"] == method {
                return message;
            }
        }
    }

    /// Closes the input and hears the rest.
    async fn end(mut self) -> (Vec<Value>, End) {
        drop(self.input.take());
        let mut rest = Vec::new();
        let mut output = self.output.take().unwrap();
        while let Some(line) = output.next_line().await.unwrap() {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        (rest, self.serving.await.unwrap())
    }
}

#[tokio::test]
async fn the_handshake_comes_first_and_once() {
    let world = World::with("");
    let mut talk = world.talk();
    for (line, error) in [
        (r#"{"id":1,"method":"config/read","params":{}}"#, "Not initialized"),
        (
            r#"{"id":2,"method":"initialize","params":{"clientInfo":{"name":"t"}}}"#,
            "Invalid request: missing field `version`",
        ),
        (r#"{"id":3,"method":"config/read"}"#, "Invalid request: missing field `params`"),
    ] {
        talk.say(line).await;
        let answer = talk.hear().await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["message"]), (&json!(-32600), &json!(error)));
    }
    // None of this is a message, so none of it is answered.
    for line in
        ["", "garbage", "[]", r#"{"id":null,"method":"config/read","params":{}}"#, r#"{"method":"x"}"#]
    {
        talk.say(line).await;
    }
    talk.say(HELLO).await;
    let hello = talk.hear().await;
    assert_eq!(hello["result"]["codexHome"], json!(world.path("home")));
    talk.say(HELLO).await;
    assert_eq!(
        talk.hear().await,
        json!({"id": 0, "error": {"code": -32600, "message": "Already initialized"}})
    );
    assert_eq!(talk.end().await, (vec![], End::Input));
}

#[tokio::test]
async fn requests_in_one_breath_are_carried_out_in_order() {
    let world = World::with("");
    let mut talk = world.talk();
    talk.say(HELLO).await;
    for number in 0..50 {
        let params = json!({"keyPath": "n", "value": number, "mergeStrategy": "replace"});
        talk.say(&json!({"id": number, "method": "config/value/write", "params": params}).to_string()).await;
    }
    talk.say(r#"{"id":"read","method":"config/read","params":{"includeLayers":true}}"#).await;
    // The end of input comes before most of the answers.
    let (answers, end) = talk.end().await;
    assert_eq!(end, End::Input);
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids.len(), 52, "{ids:?}");
    let read = answers.iter().find(|answer| answer["id"] == "read").unwrap();
    assert_eq!(read["result"]["layers"][0]["config"], json!({"n": 49}));
}

#[tokio::test]
async fn more_requests_than_fit_are_answered_too() {
    let world = World::with("");
    let mut talk = world.talk();
    talk.say(HELLO).await;
    let mut input = talk.input.take().unwrap();
    let asking = tokio::spawn(async move {
        for id in 1..=600 {
            let line = format!(
                "{{\"id\":{id},\"method\":\"experimentalFeature/list\",\"params\":{{\"limit\":1}}}}\n"
            );
            input.write_all(line.as_bytes()).await.unwrap();
        }
        input
    });
    let mut open: std::collections::BTreeSet<i64> = (0..=600).collect();
    while !open.is_empty() {
        let answer = talk.hear().await;
        assert!(open.remove(&answer["id"].as_i64().unwrap()), "{answer}");
        if let Some(error) = answer.get("error") {
            assert_eq!(error["code"], -32001, "{answer}");
        }
    }
    talk.input = Some(asking.await.unwrap());
    assert_eq!(talk.end().await, (vec![], End::Input));
}

#[tokio::test]
async fn a_broken_config_is_told_and_can_be_repaired() {
    let world = World::with("model = 3\n");
    let mut talk = world.talk();
    talk.say(HELLO).await;
    assert!(talk.hear().await.get("result").is_some());
    let warning = talk.hear().await;
    assert_eq!(warning["method"], "configWarning");
    let file = world.path("home/config.toml");
    assert_eq!(
        warning["params"]["details"],
        format!("{}:1:9: invalid type: integer `3`, expected a string", file.display())
    );
    assert_eq!(warning["params"]["path"], json!(file));
    assert_eq!(warning["params"]["range"]["start"], json!({"line": 1, "column": 9}));

    let unreadable = talk.ask("config/read", json!({})).await;
    assert_eq!(
        unreadable["error"],
        json!({"code": -32603, "message": "invalid configuration: invalid type: integer `3`, expected a string\nin `model`\n"})
    );
    let refused = talk.ask("thread/start", json!({})).await;
    assert_eq!(refused["error"]["code"], -32600);
    let write = json!({"keyPath": "model", "value": "m", "mergeStrategy": "replace"});
    assert_eq!(talk.ask("config/value/write", write).await["result"]["status"], "ok");
    assert_eq!(talk.ask("config/read", json!({})).await["result"]["config"]["model"], "m");
    talk.end().await;
}

#[tokio::test]
async fn folders_that_do_not_count_are_told_once() {
    let world = World::with("");
    std::fs::create_dir_all(world.path("w/.codex")).unwrap();
    std::fs::write(world.path("w/.codex/config.toml"), "model = \"p\"\n").unwrap();
    let mut talk = world.talk();
    talk.say(HELLO).await;
    let read = talk.ask("config/read", json!({"includeLayers": true, "cwd": world.path("w")})).await;
    let layer = &read["result"]["layers"][0];
    assert_eq!(layer["name"], json!({"type": "project", "dotCodexFolder": world.path("w/.codex")}));
    assert!(layer["disabledReason"].is_string());
    assert_eq!(read["result"]["config"]["model"], Value::Null);
    talk.end().await;

    for (opted_out, told) in [(json!([]), 1), (json!(["configWarning"]), 0)] {
        let mut talk = world.talk();
        let client = json!({"name": "t", "version": "1"});
        let params = json!({"clientInfo": client, "capabilities": {"optOutNotificationMethods": opted_out}});
        talk.say(&json!({"id": 1, "method": "initialize", "params": params}).to_string()).await;
        let (messages, _) = talk.end().await;
        let warnings: Vec<_> =
            messages.iter().filter(|message| message["method"] == "configWarning").collect();
        assert_eq!(warnings.len(), told);
        for warning in warnings {
            let summary = warning["params"]["summary"].as_str().unwrap();
            assert!(summary.contains(world.path("w/.codex").to_str().unwrap()), "{summary}");
        }
    }
}

#[tokio::test]
async fn a_switch_of_the_running_server_is_the_weakest_opinion() {
    let world = World::with("[features]\napps = true\n");
    let mut talk = world.talk();
    talk.say(HELLO).await;
    let switches = json!({"enablement": {"apps": false, "memories": true}});
    assert_eq!(talk.ask("experimentalFeature/enablement/set", switches.clone()).await["result"], switches);
    let features = talk.ask("config/read", json!({})).await["result"]["config"]["features"].clone();
    assert_eq!((&features["apps"], &features["memories"]), (&json!(true), &json!(true)));
    let refused = json!({"enablement": {"memories": false, "goals": false}});
    assert_eq!(talk.ask("experimentalFeature/enablement/set", refused).await["error"]["code"], -32600);
    let mut cursor = Value::Null;
    let mut flags = Vec::new();
    loop {
        let page = talk.ask("experimentalFeature/list", json!({"limit": 30, "cursor": cursor})).await;
        flags.extend(page["result"]["data"].as_array().unwrap().clone());
        cursor = page["result"]["nextCursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((flags.len(), &flags[0]["name"]), (79, &json!("undo")));
    let memories = flags.iter().find(|flag| flag["name"] == "memories").unwrap();
    assert_eq!(
        (&memories["enabled"], &memories["defaultEnabled"], &memories["stage"]),
        (&json!(true), &json!(false), &json!("beta"))
    );
    talk.end().await;
}

#[tokio::test]
async fn an_answer_comes_before_what_its_request_causes() {
    let world = World::with("");
    let turns = json!([{"events": [{"say": "ok"}]}]);
    let model = Rehearsal::start(Script::from_value(turns, "test").unwrap()).await.unwrap();
    let overrides = vec![
        "model=\"gpt-5.5\"".to_owned(),
        "model_provider=\"r\"".to_owned(),
        format!("model_providers.r={{name=\"R\", base_url=\"{}\"}}", model.base_url()),
    ];
    let mut talk = Talk::with(world.server(overrides));
    talk.say(HELLO).await;
    talk.hear().await;
    talk.say(r#"{"id":1,"method":"thread/start","params":{}}"#).await;
    let answer = talk.hear().await;
    assert_eq!(answer["id"], 1, "{answer}");
    assert_eq!(talk.hear().await["method"], "thread/started");
    let thread = answer["result"]["thread"]["id"].clone();
    let input = json!([{"type": "text", "text": "hello"}]);
    let params = json!({"threadId": thread, "input": input});
    talk.say(&json!({"id": 2, "method": "turn/start", "params": params}).to_string()).await;
    assert_eq!(talk.hear().await["id"], 2);
    let mut methods = Vec::new();
    while methods.last().is_none_or(|method| method != "turn/completed") {
        methods.push(talk.hear().await["method"].as_str().unwrap().to_owned());
    }
    assert!(methods.contains(&"turn/started".to_owned()), "{methods:?}");
    talk.end().await;
}

#[tokio::test]
async fn a_client_that_stops_reading_ends_the_connection() {
    let world = World::with("");
    let mut talk = world.talk();
    drop(talk.output.take());
    talk.say(HELLO).await;
    assert_eq!(tokio::time::timeout(LIMIT, talk.serving).await.unwrap().unwrap(), End::Output);
}
