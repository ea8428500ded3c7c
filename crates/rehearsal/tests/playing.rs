//! The server seen from the wire: a bare TCP client that knows nothing of the server's code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::time::Duration;

use quire_rehearsal::{Options, Outcome, RecordedExchange, Recorder, Rehearsal, Script, Variables};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back on one connection.
struct Answer {
    head: String,
    body: Vec<u8>,
    /// The chunked body had its closing chunk (or its full length).
    complete: bool,
    chunks: usize,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn events(&self) -> Vec<Value> {
        self.text()
            .replace("\r\n", "\n")
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    fn kinds(&self) -> Vec<String> {
        self.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }
}

async fn send(rehearsal: &Rehearsal, method: &str, target: &str, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(rehearsal.address()).await.unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nhost: x\r\nx-b: 2\r\nx-a: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
    socket
}

async fn ask(rehearsal: &Rehearsal, method: &str, target: &str, body: &str) -> Answer {
    let mut socket = send(rehearsal, method, target, body).await;
    let mut raw = Vec::new();
    // A cut may show as a reset; what came before counts.
    let _cut = socket.read_to_end(&mut raw).await;
    parse(&raw)
}

fn parse(raw: &[u8]) -> Answer {
    let split = raw.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(split) = split else {
        return Answer { head: String::new(), body: Vec::new(), complete: false, chunks: 0 };
    };
    let head = String::from_utf8(raw[..split].to_vec()).unwrap();
    let mut rest = &raw[split + 4..];
    if !head.contains("transfer-encoding: chunked") {
        return Answer { head, body: rest.to_vec(), complete: true, chunks: 1 };
    }
    let (mut body, mut complete, mut chunks) = (Vec::new(), false, 0);
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if size == 0 {
            complete = true;
            break;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        chunks += 1;
        rest = &rest[end + 2 + size + 2..];
    }
    Answer { head, body, complete, chunks }
}

async fn start(script: Value) -> Rehearsal {
    Rehearsal::start(Script::from_value(script, "test").unwrap()).await.unwrap()
}

async fn model(rehearsal: &Rehearsal) -> Answer {
    ask(rehearsal, "POST", "/v1/responses", "{}").await
}

#[tokio::test]
async fn turns_come_in_order_and_end_with_an_error() {
    let rehearsal = start(json!([
        {"events": [{"say": "one"}], "usage": {"input": 5, "cached": 1, "output": 2}},
        {"events": [{"call": {"name": "f", "call_id": "c"}}]},
    ]))
    .await;
    let first = model(&rehearsal).await;
    assert_eq!(
        first.kinds(),
        [
            "response.created",
            "response.output_item.added",
            "response.output_text.delta",
            "response.output_item.done",
            "response.completed"
        ]
    );
    assert!(first.head.contains("content-type: text/event-stream"));
    assert_eq!(first.events()[4]["response"]["usage"]["total_tokens"], 7);
    assert!(first.complete);
    assert_eq!(model(&rehearsal).await.events()[1]["item"]["name"], "f");
    let third = model(&rehearsal).await;
    assert_eq!(third.status(), 500);
    assert!(third.text().contains("script exhausted: it has only 2 turns"), "{}", third.text());
    let outcome = rehearsal.shutdown().await;
    assert_eq!(outcome.failures.len(), 1);
    assert_eq!(outcome.unplayed, 0);
}

#[tokio::test]
async fn the_last_turn_can_repeat() {
    let rehearsal =
        start(json!({"after_last": "repeat_last", "turns": [{"events": [{"say": "again"}]}]})).await;
    for _ in 0..3 {
        assert!(model(&rehearsal).await.text().contains("again"));
    }
    assert!(rehearsal.outcome().is_success());
}

#[tokio::test]
async fn requests_are_recorded_as_they_came() {
    let rehearsal = start(json!({"turns": [{"events": []}],
        "routes": [{"path": "/v1/models", "body": {"models": []}}]}))
    .await;
    assert_eq!(ask(&rehearsal, "GET", "/v1/models?client_version=1", "").await.text(), "{\"models\":[]}");
    assert_eq!(ask(&rehearsal, "GET", "/nowhere", "").await.status(), 404);
    ask(&rehearsal, "POST", "/v1/responses", "{\"b\":1,\"a\":2}").await;
    rehearsal.wait_for_requests(3, Duration::from_secs(10)).await.unwrap();
    let requests = rehearsal.requests();
    assert_eq!(requests[0].query.as_deref(), Some("client_version=1"));
    let names: Vec<&str> = requests[2].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "x-b", "x-a", "connection", "content-length"]);
    assert_eq!(requests[2].json().to_string(), "{\"b\":1,\"a\":2}");
    assert_eq!(rehearsal.sampling_requests().len(), 1);
    let missing = rehearsal.wait_for_requests(4, Duration::from_millis(1)).await.unwrap_err();
    assert!(missing.to_string().contains("for 4 requests, but only 3 came"), "{missing}");
}

#[tokio::test]
async fn a_failed_expectation_answers_500_and_is_kept() {
    let rehearsal = start(json!([
        {"events": [{"say": "x"}], "expect": [
            {"pointer": "/model", "equals": "m"}, {"header": "x-a", "equals": "1"}]},
        {"events": [{"say": "y"}], "expect": [{"output_of": "c1", "contains": "hello"}]},
    ]))
    .await;
    let bad = ask(&rehearsal, "POST", "/v1/responses", "{\"model\":\"other\"}").await;
    assert_eq!(bad.status(), 500);
    assert!(bad.text().contains("rehearsal turn 1: pointer /model"), "{}", bad.text());
    let body = json!({"input": [{"type": "function_call_output", "call_id": "c1", "output": "hello"}]});
    let good = ask(&rehearsal, "POST", "/v1/responses", &body.to_string()).await;
    assert_eq!(good.status(), 200);
    let failures = rehearsal.failures();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].to_string(), "turn 1: pointer /model: expected \"m\", found \"other\"");
}

#[tokio::test]
async fn cuts_show_on_the_wire() {
    let rehearsal = start(json!([
        {"cut": "before_headers"},
        {"events": [{"say": "half"}], "cut": "after_events"},
        {"events": [{"say": "half"}], "cut": "clean_eof"},
        {"status": 503, "headers": {"retry-after": 2}, "body": "busy"},
    ]))
    .await;
    let none = model(&rehearsal).await;
    assert!(none.head.is_empty());
    let cut = model(&rehearsal).await;
    assert_eq!(cut.kinds().last().unwrap(), "response.output_item.done");
    assert!(!cut.complete);
    let eof = model(&rehearsal).await;
    assert_eq!(eof.kinds().last().unwrap(), "response.output_item.done");
    assert!(eof.complete);
    let busy = model(&rehearsal).await;
    assert_eq!((busy.status(), busy.text().as_str()), (503, "busy"));
    assert!(busy.head.contains("retry-after: 2"));
}

#[tokio::test]
async fn a_hanging_answer_stays_open_until_shutdown() {
    let rehearsal = start(json!([{"events": [{"say": "and then"}], "cut": "hang"}])).await;
    let mut socket = send(&rehearsal, "POST", "/v1/responses", "{}").await;
    let mut raw = Vec::new();
    while !String::from_utf8_lossy(&raw).contains("output_item.done") {
        assert_ne!(socket.read_buf(&mut raw).await.unwrap(), 0, "closed too early");
    }
    assert!(!parse(&raw).complete);
    let outcome = rehearsal.shutdown().await;
    assert!(outcome.is_success());
    let _reset = socket.read_to_end(&mut raw).await;
    assert!(!parse(&raw).complete);
}

#[tokio::test]
async fn delivery_options_change_the_bytes_only() {
    let rehearsal = start(json!([
        {"events": [{"say": "grüße ✓"}], "crlf": true, "chunk_bytes": 3},
        {"events": [{"wire": ": comment\n\ndata: [DONE]\n\n"}], "raw": true},
    ]))
    .await;
    let torn = model(&rehearsal).await;
    assert!(torn.chunks > 20 && torn.complete);
    assert!(torn.text().contains("\r\n\r\n"));
    assert_eq!(torn.events()[4]["item"]["content"][0]["text"], "grüße ✓");
    assert_eq!(model(&rehearsal).await.text(), ": comment\n\ndata: [DONE]\n\n");
}

#[tokio::test]
async fn placeholders_are_filled_when_the_turn_is_played() {
    let script = json!([
        {"events": [{"say": "in ${cwd} as ${thread}"}]},
        {"events": [{"say": "in ${cwd} as ${thread}"}]},
    ]);
    let options = Options { port: 0, variables: Variables::new().with("cwd", "/w") };
    let rehearsal =
        Rehearsal::start_with(Script::from_value(script, "test").unwrap(), options).await.unwrap();
    assert!(model(&rehearsal).await.text().contains("\"text\":\"in /w as ${thread}\""));
    rehearsal.set_variable("thread", "t1");
    assert!(model(&rehearsal).await.text().contains("\"text\":\"in /w as t1\""));
}

#[tokio::test]
async fn captured_words_reach_this_turn_and_later_ones() {
    let capture = json!([{"name": "sid", "output_of": "c1", "after": "session ID "}]);
    let rehearsal = start(json!([
        {"events": [{"say": "now ${sid}"}], "capture": capture},
        {"events": [{"say": "still ${sid}"}]},
        {"events": [], "capture": [{"name": "x", "output_of": "c9", "after": "y"}]},
    ]))
    .await;
    let body =
        json!({"input": [{"type": "function_call_output", "call_id": "c1", "output": "session ID 4711\n"}]});
    let first = ask(&rehearsal, "POST", "/v1/responses", &body.to_string()).await;
    assert!(first.text().contains("now 4711"));
    assert!(model(&rehearsal).await.text().contains("still 4711"));
    assert_eq!(model(&rehearsal).await.status(), 500);
}

#[tokio::test]
async fn a_recording_plays_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording.json");
    let mut recorder = Recorder::new(&path).unwrap();
    assert!(Script::load(&path).unwrap().is_empty());
    let events =
        vec![json!({"type": "response.created", "response": {"id": "r"}}), json!({"say": "no event"})];
    let streamed = RecordedExchange {
        status: 200,
        headers: vec![
            ("Authorization".into(), "Bearer secret".into()),
            ("Set-Cookie".into(), "secret".into()),
            ("X-Codex-Primary-Used-Percent".into(), "12".into()),
        ],
        events: events.clone(),
        body: None,
        cut: true,
    };
    recorder.record_exchange(&streamed).unwrap();
    let refused =
        RecordedExchange { status: 429, body: Some("slow down".into()), ..RecordedExchange::default() };
    recorder.record_exchange(&refused).unwrap();

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("secret"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let rehearsal = Rehearsal::start(Script::load(&path).unwrap()).await.unwrap();
    let first = model(&rehearsal).await;
    assert_eq!(first.events(), events);
    assert!(!first.complete);
    assert!(first.head.contains("x-codex-primary-used-percent: 12"));
    let second = model(&rehearsal).await;
    assert_eq!((second.status(), second.text().as_str()), (429, "slow down"));
    assert_eq!(rehearsal.shutdown().await, Outcome::default());
}

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let first = start(json!([])).await;
    let options = Options { port: first.address().port(), ..Options::default() };
    let error =
        Rehearsal::start_with(Script::from_value(json!([]), "t").unwrap(), options).await.unwrap_err();
    assert!(error.to_string().contains(&format!("127.0.0.1:{}", first.address().port())), "{error}");
}

#[test]
fn the_documented_examples_are_valid() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rehearsal.md")).unwrap();
    let mut checked = 0;
    for block in text.split("```").skip(1).step_by(2) {
        let (language, body) = block.split_once('\n').unwrap();
        match language {
            "json" => Script::from_json(body, "docs/rehearsal.md").map(drop).unwrap(),
            "toml" => Script::from_toml(body, "docs/rehearsal.md").map(drop).unwrap(),
            _ => continue,
        }
        checked += 1;
    }
    assert!(checked >= 4, "only {checked} examples found");
}
