//! A server of raw bytes on the loopback interface, and the values a request needs.
#![allow(dead_code, unreachable_pub)] // Each test file uses its own part.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use quire_auth::{ApiKey, KeySource};
use quire_models::{
    Backoff, Catalog, ClientIdentity, ModelClient, ModelError, ModelEvent, ModelStream, Prompt,
    ProviderConfig, RequestIdentity, Sampling, TurnState,
};
use quire_protocol::{ResponseItem, Role};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub const THREAD: &str = "01a1f881-d01a-7203-91c5-9804f4df65a8";

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Sends these bytes, then waits for the next request.
    Bytes(Vec<u8>),
    /// Sends these bytes, then closes.
    Cut(Vec<u8>),
    /// Sends these bytes, then keeps the connection open and silent.
    Hang(Vec<u8>),
}

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Request {
    pub head: String,
    pub body: Value,
}

impl Request {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    /// Names and values in order.
    pub fn headers(&self) -> Vec<(&str, &str)> {
        self.head.lines().skip(1).map(|line| line.split_once(": ").unwrap()).collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

#[derive(Default)]
struct Seen {
    requests: Vec<Request>,
    connections: usize,
}

pub struct Server {
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Plays one answer per request, the last one again and again.
    pub async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let task = tokio::spawn(accept(listener, Arc::new(answers), Arc::clone(&seen)));
        Self { port, seen, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1/responses", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.seen.lock().unwrap().requests.clone()
    }

    pub fn connections(&self) -> usize {
        self.seen.lock().unwrap().connections
    }

    /// A provider here, without retries.
    pub fn provider(&self) -> ProviderConfig {
        ProviderConfig {
            name: "Test".into(),
            base_url: Some(format!("http://127.0.0.1:{}/v1", self.port)),
            env_key: Some("TEST_KEY".into()),
            request_max_retries: 0,
            ..ProviderConfig::default()
        }
    }

    pub fn client(&self) -> ModelClient {
        client(self.provider(), None)
    }
}

async fn accept(listener: TcpListener, answers: Arc<Vec<Answer>>, seen: Arc<Mutex<Seen>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((socket, _)) = listener.accept().await {
        seen.lock().unwrap().connections += 1;
        connections.spawn(serve(socket, Arc::clone(&answers), Arc::clone(&seen)));
    }
}

async fn serve(mut socket: TcpStream, answers: Arc<Vec<Answer>>, seen: Arc<Mutex<Seen>>) {
    while let Some(request) = read_request(&mut socket).await {
        let answer = {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request);
            answers[(seen.requests.len() - 1).min(answers.len() - 1)].clone()
        };
        match answer {
            Answer::Bytes(bytes) => socket.write_all(&bytes).await.unwrap(),
            Answer::Cut(bytes) => {
                socket.write_all(&bytes).await.unwrap();
                return;
            }
            Answer::Hang(bytes) => {
                socket.write_all(&bytes).await.unwrap();
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse::<usize>()
        .unwrap();
    while bytes.len() < head_end + 4 + length {
        if socket.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[head_end + 4..]).unwrap();
    Some(Request { head, body })
}

/// A whole HTTP answer.
pub fn http(status: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    Answer::Bytes(format!("{text}\r\n{body}").into_bytes())
}

/// A whole event stream, chunked.
pub fn sse(headers: &[(&str, &str)], events: &[Value]) -> Answer {
    let mut bytes = sse_start(headers, events);
    bytes.extend(b"0\r\n\r\n");
    Answer::Bytes(bytes)
}

/// The beginning of an event stream, chunked.
pub fn sse_start(headers: &[(&str, &str)], events: &[Value]) -> Vec<u8> {
    let raw: Vec<_> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    raw_stream(headers, &raw.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The beginning of a chunked answer with these chunks.
pub fn raw_stream(headers: &[(&str, &str)], chunks: &[&str]) -> Vec<u8> {
    let mut text =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n".to_owned();
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").unwrap();
    }
    text += "\r\n";
    for chunk in chunks {
        write!(text, "{:x}\r\n{chunk}\r\n", chunk.len()).unwrap();
    }
    text.into_bytes()
}

pub fn done() -> Value {
    json!({"type": "response.completed", "response": {"id": "r1"}})
}

pub fn client(provider: ProviderConfig, key: Option<&str>) -> ModelClient {
    let identity =
        ClientIdentity { originator: "codex_exec".into(), user_agent: "codex_exec/0.136.0 tést".into() };
    ModelClient::new(provider, key.map(|key| ApiKey::new(key, KeySource::Stored)), identity)
        .unwrap()
        .with_environment(Arc::new(env))
        .with_backoff(Backoff { first: std::time::Duration::ZERO })
}

fn env(name: &str) -> Option<String> {
    match name {
        "TEST_KEY" => Some("k".into()),
        "BLANK" => Some("  ".into()),
        "FROM_ENV" => Some("from env".into()),
        _ => None,
    }
}

pub fn prompt(input: Vec<ResponseItem>) -> Prompt {
    Prompt {
        instructions: "Be good.".into(),
        input: input.into(),
        tools: Arc::new([json!({"type": "function", "name": "t"})]),
        parallel_tool_calls: true,
        output_schema: None,
    }
}

pub fn hello() -> Prompt {
    prompt(vec![ResponseItem::message(Role::User, "hi")])
}

pub fn sampling(model: &str) -> Sampling {
    Sampling {
        model: model.into(),
        info: Arc::clone(Catalog::bundled().lookup(model).info()),
        effort: None,
        summary: None,
        verbosity: None,
        service_tier: None,
    }
}

pub fn identity() -> RequestIdentity {
    RequestIdentity {
        thread_id: THREAD.parse().unwrap(),
        session_id: THREAD.parse().unwrap(),
        spawned_by: None,
        window_id: format!("{THREAD}:0"),
        turn_metadata: r#"{"turn_id":"t"}"#.into(),
        installation_id: "i-1".into(),
        beta_features: Some("terminal_resize_reflow".into()),
        turn_state: TurnState::default(),
    }
}

/// Asks once, with the default model.
pub async fn ask(client: &ModelClient) -> Result<ModelStream, ModelError> {
    client.stream(&hello(), &sampling("gpt-5.5"), &identity()).await
}

/// All events of an answer, and the error it ended with, if it did.
pub async fn read(client: &ModelClient) -> (Vec<ModelEvent>, Option<ModelError>) {
    let mut stream = match ask(client).await {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut events = Vec::new();
    while let Some(next) = stream.next().await {
        match next {
            Ok(event) => events.push(event),
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                return (events, Some(error));
            }
        }
    }
    assert!(stream.next().await.is_none(), "nothing follows the end");
    (events, None)
}
