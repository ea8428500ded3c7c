//! The server itself: accepts connections on the loopback interface and plays the script.
//!
//! In come HTTP/1.1 requests, out go the script's answers; every request is recorded before it is answered.
//! Dropping the [`Rehearsal`] stops the server and closes its connections, also those that hang on purpose.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::request::RecordedRequest;
use crate::script::{AfterLast, Cut, Reply, Script, Step, Turn};
use crate::short::{self, Position};
use crate::sse;
use crate::variables::Variables;

/// Requests with a larger body are refused with HTTP 413.
const LARGEST_BODY: usize = 256 << 20;
/// Later requests are refused with HTTP 500, so that a client gone wild cannot fill the memory.
const MOST_REQUESTS: usize = 10_000;

type Body = UnsyncBoxBody<Bytes, Broken>;

/// Settings of a server beside its script.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// Values for the script's placeholders.
    pub variables: Variables,
}

/// The server could not start or did not see what it waited for.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The port is taken or sockets are forbidden.
    #[error("the rehearsal server cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// Port asked for.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// Fewer requests came than were waited for.
    #[error("waited {waited:?} for {wanted} requests, but only {seen} came")]
    TooFewRequests {
        /// How long.
        waited: Duration,
        /// Requests waited for.
        wanted: usize,
        /// Requests seen.
        seen: usize,
    },
}

/// One expectation of the script that was not met, or one request too many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Turn of the script, from 1.
    pub turn: usize,
    /// What was wrong, in a sentence.
    pub text: String,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "turn {}: {}", self.turn, self.text)
    }
}

/// How the rehearsal went so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Expectations not met.
    pub failures: Vec<Failure>,
    /// Turns of the script that no request has asked for.
    pub unplayed: usize,
}

impl Outcome {
    /// Every turn was played and nothing failed.
    pub fn is_success(&self) -> bool {
        self.failures.is_empty() && self.unplayed == 0
    }
}

/// A running server.
#[derive(Debug)]
pub struct Rehearsal {
    address: SocketAddr,
    stage: Arc<Stage>,
    stop: watch::Sender<bool>,
    acceptor: Option<JoinHandle<()>>,
}

/// What connections share.
#[derive(Debug)]
struct Stage {
    script: Script,
    state: Mutex<State>,
    /// Number of requests so far; waiting is done on this.
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    variables: Variables,
    requests: Vec<RecordedRequest>,
    next_turn: usize,
    failures: Vec<Failure>,
}

impl Rehearsal {
    /// Starts a server for `script` on a free port. Needs a tokio runtime with I/O and time.
    pub async fn start(script: Script) -> Result<Self, RehearsalError> {
        Self::start_with(script, Options::default()).await
    }

    /// Starts a server with a given port and placeholder values.
    pub async fn start_with(script: Script, options: Options) -> Result<Self, RehearsalError> {
        let listen = |source| RehearsalError::Listen { port: options.port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let state = State { variables: options.variables, ..State::default() };
        let stage = Arc::new(Stage { script, state: Mutex::new(state), count: watch::Sender::new(0) });
        let (stop, stopped) = watch::channel(false);
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&stage), stopped));
        Ok(Self { address, stage, stop, acceptor: Some(acceptor) })
    }

    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The provider base URL, `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Everything asked so far, in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.stage.lock().requests.clone()
    }

    /// The sampling requests (`POST …/responses`) so far.
    pub fn sampling_requests(&self) -> Vec<RecordedRequest> {
        self.stage.lock().requests.iter().filter(|request| request.is_sampling()).cloned().collect()
    }

    /// Sets a placeholder for the turns still to come.
    pub fn set_variable(&self, name: impl Into<String>, text: impl Into<String>) {
        self.stage.lock().variables.set(name, text);
    }

    /// Waits until at least `wanted` requests of any kind have arrived.
    pub async fn wait_for_requests(&self, wanted: usize, at_most: Duration) -> Result<(), RehearsalError> {
        let mut count = self.stage.count.subscribe();
        let reached = tokio::time::timeout(at_most, count.wait_for(|seen| *seen >= wanted)).await;
        match reached {
            Ok(Ok(_)) => Ok(()),
            _ => Err(RehearsalError::TooFewRequests {
                waited: at_most,
                wanted,
                seen: *self.stage.count.borrow(),
            }),
        }
    }

    /// Expectations not met so far.
    pub fn failures(&self) -> Vec<Failure> {
        self.stage.lock().failures.clone()
    }

    /// Expectations not met and turns not played so far.
    pub fn outcome(&self) -> Outcome {
        let state = self.stage.lock();
        Outcome {
            failures: state.failures.clone(),
            unplayed: self.stage.script.len().saturating_sub(state.next_turn),
        }
    }

    /// Stops the server, closes all connections, and tells how it went.
    pub async fn shutdown(mut self) -> Outcome {
        self.stop.send_replace(true);
        if let Some(acceptor) = self.acceptor.take() {
            // The acceptor neither panics nor is cancelled before this point; there is no result to lose.
            let _ended = acceptor.await;
        }
        self.outcome()
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        if let Some(acceptor) = &self.acceptor {
            acceptor.abort();
        }
    }
}

async fn accept(listener: TcpListener, stage: Arc<Stage>, mut stopped: watch::Receiver<bool>) {
    // Dropping the set closes every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                // A failed accept concerns one client that is already gone.
                if let Ok((socket, _)) = accepted {
                    connections.spawn(serve(socket, Arc::clone(&stage)));
                }
            }
        }
    }
}

async fn serve(socket: TcpStream, stage: Arc<Stage>) {
    // Small events must leave at once; if the option cannot be set they only come a little later.
    let _set = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let stage = Arc::clone(&stage);
        async move { stage.answer(request).await }
    });
    // Errors are the client hanging up or a cut the script asked for: both are visible on the client's side.
    let _ended =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

/// Why a connection is dropped without a proper end.
#[derive(Debug, thiserror::Error)]
#[error("the script cuts the connection here")]
struct Broken;

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// What is decided about a request while the state is locked.
enum Decision {
    Plain(Reply),
    Play { turn: Box<Turn>, index: usize },
}

impl Stage {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent after every statement, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
            return plain(&complaint(413, "the request body cannot be read or is too large"));
        };
        let recorded = RecordedRequest {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            body: body.to_bytes(),
        };
        let decision = self.decide(recorded);
        self.count.send_modify(|count| *count += 1);
        match decision {
            Decision::Plain(reply) => plain(&reply),
            Decision::Play { turn, index } => play(*turn, index).await,
        }
    }

    fn decide(&self, request: RecordedRequest) -> Decision {
        let mut state = self.lock();
        if state.requests.len() >= MOST_REQUESTS {
            return Decision::Plain(complaint(500, "the rehearsal server has seen too many requests"));
        }
        let decision = if request.is_sampling() {
            self.decide_turn(&mut state, &request)
        } else {
            let route = self
                .script
                .routes
                .iter()
                .find(|route| route.method == request.method && route.path == request.path);
            Decision::Plain(route.map_or_else(
                || complaint(404, "the rehearsal script has no route for this request"),
                |route| route.reply.clone(),
            ))
        };
        state.requests.push(request);
        decision
    }

    fn decide_turn(&self, state: &mut State, request: &RecordedRequest) -> Decision {
        let asked = state.next_turn;
        state.next_turn += 1;
        let last = self.script.len().saturating_sub(1);
        let index = match self.script.after_last {
            AfterLast::RepeatLast => asked.min(last),
            AfterLast::Error => asked,
        };
        match rehearse(&self.script, index, &mut state.variables, request) {
            Ok(turn) => Decision::Play { turn: Box::new(turn), index },
            Err(text) => {
                state.failures.push(Failure { turn: index + 1, text: text.clone() });
                Decision::Plain(complaint(500, &format!("rehearsal turn {}: {text}", index + 1)))
            }
        }
    }
}

/// The turn for this request, placeholders filled and expectations checked; the error is for people.
fn rehearse(
    script: &Script,
    index: usize,
    variables: &mut Variables,
    request: &RecordedRequest,
) -> Result<Turn, String> {
    let read = |variables: &Variables| match script.turn(index, variables) {
        Some(turn) => turn.map_err(|error| error.to_string()),
        None => Err(format!("script exhausted: it has only {} turns", script.len())),
    };
    let turn = read(variables)?;
    turn.expect.iter().try_for_each(|expectation| expectation.check(request))?;
    if turn.capture.is_empty() {
        return Ok(turn);
    }
    for capture in &turn.capture {
        variables.set(&capture.name, capture.take(request)?);
    }
    read(variables)
}

fn complaint(status: u16, text: &str) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: serde_json::json!({"error": {"message": text}}).to_string(),
    }
}

fn plain(reply: &Reply) -> Result<Response<Body>, Broken> {
    let body = Full::new(Bytes::from(reply.body.clone())).map_err(Broken::from).boxed_unsync();
    respond(reply, None, body)
}

fn respond(reply: &Reply, content_type: Option<&str>, body: Body) -> Result<Response<Body>, Broken> {
    let mut builder = Response::builder().status(reply.status);
    if let Some(kind) = content_type
        && !reply.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
    {
        builder = builder.header("content-type", kind);
    }
    for (name, value) in &reply.headers {
        builder = builder.header(name.as_str(), value.as_str());
    }
    builder
        .body(body)
        .or_else(|error| plain(&complaint(500, &format!("the script's answer is no HTTP: {error}"))))
}

/// What the body does next.
enum Beat {
    Send(Bytes),
    Wait(Duration),
    Hang,
    Break,
}

async fn play(turn: Turn, index: usize) -> Result<Response<Body>, Broken> {
    tokio::time::sleep(turn.delivery.delay).await;
    let cut = turn.cut;
    if cut == Some(Cut::BeforeHeaders) {
        return Err(Broken);
    }
    let Some(steps) = &turn.steps else {
        return match cut {
            None => plain(&turn.reply),
            Some(_) => respond(&turn.reply, None, streamed(closing(cut).into_iter().collect())),
        };
    };
    let mut beats = beats(&turn, steps, index);
    beats.extend(closing(cut));
    respond(&turn.reply, Some("text/event-stream"), streamed(beats))
}

fn closing(cut: Option<Cut>) -> Option<Beat> {
    match cut {
        Some(Cut::AfterEvents) => Some(Beat::Break),
        Some(Cut::Hang) => Some(Beat::Hang),
        Some(Cut::CleanEof | Cut::BeforeHeaders) | None => None,
    }
}

fn beats(turn: &Turn, steps: &[Step], index: usize) -> VecDeque<Beat> {
    let mut beats = VecDeque::new();
    let send = |beats: &mut VecDeque<Beat>, text: String| {
        if !beats.is_empty() && !turn.delivery.between.is_zero() {
            beats.push_back(Beat::Wait(turn.delivery.between));
        }
        beats.extend(sse::split(Bytes::from(text), &turn.delivery).into_iter().map(Beat::Send));
    };
    if !turn.raw {
        send(&mut beats, sse::encode(&short::created(index), &turn.delivery));
    }
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Wire(text) => send(&mut beats, text.clone()),
            Step::Pause(time) => beats.push_back(Beat::Wait(*time)),
            other => {
                for event in short::expand(other, Position { turn: index, step: number }) {
                    send(&mut beats, sse::encode(&event, &turn.delivery));
                }
            }
        }
    }
    if !turn.raw && turn.cut.is_none() {
        send(&mut beats, sse::encode(&short::completed(index, &turn.usage), &turn.delivery));
    }
    beats
}

fn streamed(beats: VecDeque<Beat>) -> Body {
    let frames = stream::unfold(beats, |mut beats| async move {
        loop {
            match beats.pop_front()? {
                Beat::Send(bytes) => return Some((Ok(Frame::data(bytes)), beats)),
                Beat::Wait(time) => tokio::time::sleep(time).await,
                Beat::Hang => std::future::pending::<()>().await,
                Beat::Break => {
                    // The connection flushes what it holds when its body is not ready; without this pause
                    // the last events would be dropped together with the connection.
                    tokio::task::yield_now().await;
                    return Some((Err(Broken), VecDeque::new()));
                }
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
