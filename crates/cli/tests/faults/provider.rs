//! A provider that is not there, or talks nonsense: told in one error, bounded, and the session survives it.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::support::{Ran, World, payloads, say, stored};

/// What the provider sends for every request.
#[derive(Clone, Copy)]
enum Answer {
    Bytes(&'static [u8]),
    /// An answer with this type and body.
    Page(&'static str, &'static str),
    /// A header without end.
    EndlessHeader,
    /// An event stream of one line that never ends.
    EndlessLine,
}

/// A provider that answers every request alike.
struct Nonsense {
    port: u16,
    requests: watch::Receiver<usize>,
}

impl Nonsense {
    async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, requests) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                read_request(&mut socket).await;
                count.send_modify(|count| *count += 1);
                // The client may hang up in the middle.
                tokio::spawn(async move { drop(send(&mut socket, answer).await) });
            }
        });
        Self { port, requests }
    }
}

async fn read_request(socket: &mut TcpStream) {
    let mut request = Vec::new();
    loop {
        if socket.read_buf(&mut request).await.unwrap() == 0 {
            return;
        }
        let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
        if request.len() >= end + 4 + length.trim().parse::<usize>().unwrap() {
            return;
        }
    }
}

async fn send(socket: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    let filler = vec![b'x'; 1 << 20];
    match answer {
        Answer::Bytes(bytes) => return socket.write_all(bytes).await,
        Answer::Page(kind, body) => {
            let page = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n{body}");
            return socket.write_all(page.as_bytes()).await;
        }
        Answer::EndlessHeader => socket.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?,
        Answer::EndlessLine => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ").await?;
        }
    }
    // Until the client has had enough.
    loop {
        socket.write_all(&filler).await?;
    }
}

const SSE: &str = "text/event-stream";
const SEND_FAILED: &str = "stream disconnected before completion: error sending request for url";
const CLOSED_EARLY: &str = "stream disconnected before completion: stream closed before response.completed";
const TOO_LARGE: &str = "the provider sent an event of more than 67108864 bytes";
const NOISE: &[u8] = b"\x00\xff\xfe\x8d\x1bGARBAGE\x07\r\n\x80\x81 \r\n\r\n\x00\x00";
const MESSAGE: &str = "data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"message\",\"role\":\"assistant\",\
                       \"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"}]}}\n\n";

/// Runs a turn with a provider at this port.
async fn ask(world: &World, port: u16) -> Ran {
    let url = format!("model_providers.rehearsal.base_url=\"http://127.0.0.1:{port}/v1\"");
    world.run(&["exec", "--json", "-c", &url, "hello there"]).await
}

/// The turn failed with this error, and was written down; the session goes on with a provider that works.
async fn assert_told(world: &World, ran: &Ran, name: &str, error: &str) {
    assert_eq!(ran.code, Some(1), "{name}: {}{}", ran.out, ran.err);
    assert_eq!(ran.err, "Reading additional input from stdin...\n", "{name}");
    let events = ran.events();
    let [.., told, failed] = &events[..] else { panic!("{name}: {}", ran.out) };
    assert_eq!((&told["type"], &failed["type"]), (&json!("error"), &json!("turn.failed")), "{name}");
    assert!(told["message"].as_str().unwrap().contains(error), "{name}: {told}");
    assert_eq!(told["message"], failed["error"]["message"], "{name}");
    assert!(told["message"].to_string().len() < 1000, "{name}: an error of {} bytes", told.to_string().len());
    let lines = stored(&world.rollouts()[0]);
    assert_eq!(payloads(&lines, "task_complete").count(), 1, "{name}: {lines:#?}");
    let resumed = world.run(&["exec", "--json", "resume", &ran.thread_id(), "again"]).await;
    assert_eq!(resumed.assert_code(0).events()[2]["item"]["text"], "Back.", "{name}");
    assert!(world.request(0)["input"].to_string().contains("hello there"), "{name}");
}

#[tokio::test]
async fn nonsense_is_told_once_and_the_session_goes_on() {
    // Name, what is sent, what is told, how many requests: each is made again once, if that may help.
    let rows = [
        ("noise instead of HTTP", Answer::Bytes(NOISE), SEND_FAILED, 2),
        ("nothing at all", Answer::Bytes(b""), SEND_FAILED, 2),
        ("half a status line", Answer::Bytes(b"HTTP/1.1 2"), SEND_FAILED, 2),
        ("an endless header", Answer::EndlessHeader, SEND_FAILED, 2),
        ("a web page", Answer::Page("text/html", "<html><body>Sign in</body></html>"), CLOSED_EARLY, 2),
        (
            "an event cut short",
            Answer::Page(SSE, "data: {\"type\":\"response.output_item.done\",\"it"),
            CLOSED_EARLY,
            2,
        ),
        (
            "an event that is no JSON",
            Answer::Page(SSE, "data: {\"type\":\"resp\n\ndata: [1\n\n"),
            CLOSED_EARLY,
            2,
        ),
        (
            "events of another kind",
            Answer::Page(SSE, "data: 7\n\ndata: null\n\ndata: {\"type\":3}\n\n"),
            CLOSED_EARLY,
            2,
        ),
        ("an endless line", Answer::EndlessLine, TOO_LARGE, 1),
    ];
    for (name, answer, error, requests) in rows {
        let world = World::new(json!([say("Back.")])).await;
        let provider = Nonsense::start(answer).await;
        let ran = ask(&world, provider.port).await;
        assert_told(&world, &ran, name, error).await;
        assert_eq!(*provider.requests.borrow(), requests, "{name}");
    }
}

/// A message that arrived before the stream broke is kept.
#[tokio::test]
async fn what_came_before_the_nonsense_counts() {
    let world = World::new(json!([say("Back.")])).await;
    let provider = Nonsense::start(Answer::Page(SSE, MESSAGE)).await;
    let ran = ask(&world, provider.port).await;
    assert_told(&world, &ran, "half an answer", CLOSED_EARLY).await;
    let texts: Vec<_> = ran.events().into_iter().map(|event| event["item"]["text"].clone()).collect();
    assert!(texts.contains(&json!("Hi")), "{texts:?}");
    assert!(world.request(0)["input"].to_string().contains("\"Hi\""));
}

/// Proxies and home-made servers lie about the type; what counts is what comes.
#[tokio::test]
async fn a_wrong_content_type_is_overlooked() {
    let body = "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\"}}\n\n";
    let page: &'static str = Box::leak(format!("{MESSAGE}{body}").into_boxed_str());
    let world = World::new(json!([say("unused")])).await;
    let provider = Nonsense::start(Answer::Page("application/json", page)).await;
    let ran = ask(&world, provider.port).await;
    assert_eq!(ran.assert_code(0).events()[2]["item"]["text"], "Hi");
}

#[tokio::test]
async fn nobody_listens() {
    let world = World::new(json!([say("Back.")])).await;
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let ran = ask(&world, port).await;
    assert_told(
        &world,
        &ran,
        "nobody listens",
        &format!("{SEND_FAILED} (http://127.0.0.1:{port}/v1/responses)"),
    )
    .await;
    let retry: Value = ran.events()[2].clone();
    assert!(retry["message"].as_str().unwrap().starts_with("Reconnecting... 1/1 ("), "{retry}");
}

#[tokio::test]
async fn a_key_that_is_not_there() {
    let world = World::new(json!([say("Back.")])).await;
    for key in [None, Some("")] {
        let mut command = world.command(&["exec", "--json", "hello there"]);
        match key {
            None => command.env_remove("REHEARSAL_KEY"),
            Some(key) => command.env("REHEARSAL_KEY", key),
        };
        let ran = crate::support::finish(command.spawn().unwrap()).await;
        assert!(world.model.requests().is_empty(), "asked without a key");
        if key.is_none() {
            std::fs::remove_dir_all(world.home.join("sessions")).unwrap();
        } else {
            assert_told(&world, &ran, "no key", "Missing environment variable: `REHEARSAL_KEY`.").await;
        }
    }
}
