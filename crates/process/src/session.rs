//! A running process: read by a task of its own, asked by whoever holds the session.
//!
//! In comes a [`SpawnRequest`], out come the output so far (bounded), the exit code and decoded chunks for one observer.
//!
//! A newcomer's trap: the end of the output is not the end of the process. Others may hold the pipe, so the exit is
//! waited for first, then what the pipe held at that moment, then only a short grace.

use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use tokio::io::unix::AsyncFd;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::buffer::HeadTail;
use crate::process_tree;
use crate::spawn::{SpawnError, SpawnRequest, Spawned, spawn};
use crate::utf8::Decoder;

/// Bytes read, and told to an observer, at once.
const CHUNK: usize = 8192;

/// Chunks told to an observer at most; what comes after is still in the output.
const MAX_DELTAS: usize = 10_000;

/// Chunks that may wait for an observer.
const DELTA_QUEUE: usize = 256;

/// How long output is waited for after the exit, when somebody else still holds the pipe.
const GRACE: Duration = Duration::from_millis(50);

/// How long a terminal may take to swallow what is typed.
const INPUT_LIMIT: Duration = Duration::from_secs(5);

/// How long an ended process may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// What a wait brought.
#[derive(Debug)]
pub struct Collected {
    /// What was printed since the last time, the middle dropped beyond 1 MiB.
    pub output: Vec<u8>,
    /// Bytes dropped from the middle of it.
    pub dropped: usize,
    /// Exit code, if the process is over.
    pub exit: Option<i32>,
    /// How long this wait took.
    pub wall: Duration,
}

/// A process that runs, or ran. Dropped, it is killed and no longer read.
#[derive(Debug)]
pub struct Session {
    pid: u32,
    tty: bool,
    started: Instant,
    shared: Arc<Shared>,
    input: Option<AsyncFd<OwnedFd>>,
    deltas: Mutex<Option<mpsc::Receiver<String>>>,
    exit: watch::Receiver<Option<Ended>>,
    progress: watch::Receiver<Progress>,
    /// What reads from and writes to it, ended with the session.
    tasks: Vec<AbortHandle>,
}

#[derive(Debug)]
struct Shared {
    output: AsyncFd<OwnedFd>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    all: HeadTail,
    fresh: HeadTail,
    /// Bytes read since the start.
    read: u64,
}

/// How far the output is read.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    read: u64,
    /// Nobody can write any more and all is read.
    drained: bool,
}

#[derive(Debug, Clone, Copy)]
struct Ended {
    status: ExitStatus,
    at: Instant,
}

impl Session {
    /// Starts a process. Must be called within a tokio runtime.
    pub fn spawn(request: SpawnRequest) -> Result<Self, SpawnError> {
        let Spawned { child, output, input } = spawn(&request)?;
        let pid = child.id().unwrap_or_default();
        let shared = Arc::new(Shared { output: nonblocking(output)?, kept: Mutex::default() });
        let input = input.map(nonblocking).transpose()?;
        let (delta_sender, deltas) = mpsc::channel(DELTA_QUEUE);
        let (progress_sender, progress) = watch::channel(Progress::default());
        let (exit_sender, exit) = watch::channel(None);
        let reader = tokio::spawn(read_output(Arc::clone(&shared), delta_sender, progress_sender));
        // Ends with the process, which the session kills when it goes.
        tokio::spawn(wait(child, exit_sender));
        let mut session = Self {
            pid,
            tty: request.tty,
            started: Instant::now(),
            shared,
            input,
            deltas: Mutex::new(Some(deltas)),
            exit,
            progress,
            tasks: vec![reader.abort_handle()],
        };
        if let (Some(bytes), Some(pipe)) = (request.stdin, session.input.take_if(|_| !request.tty)) {
            // The pipe closes with the task; a process that does not want its input is no error.
            let feeder = tokio::spawn(async move { write_all(&pipe, &bytes).await });
            session.tasks.push(feeder.abort_handle());
        }
        Ok(session)
    }

    /// Whether it has a terminal.
    pub fn is_tty(&self) -> bool {
        self.tty
    }

    /// What it prints, chunk by chunk, decoded. Only the first caller gets it; a slow one misses chunks.
    pub fn observe(&self) -> Option<mpsc::Receiver<String>> {
        self.deltas.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Types into its terminal.
    pub async fn write_stdin(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(input) = &self.input else { return Err(ErrorKind::BrokenPipe.into()) };
        tokio::time::timeout(INPUT_LIMIT, write_all(input, bytes)).await.unwrap_or_else(|_| {
            Err(io::Error::new(ErrorKind::TimedOut, "the program does not read its input"))
        })
    }

    /// Waits until the process is over or the time is up, then takes what it printed.
    pub async fn collect(&self, at_most: Duration) -> Collected {
        let began = Instant::now();
        let exit = tokio::time::timeout(at_most, self.wait_exit()).await.ok();
        let fresh = std::mem::take(&mut self.shared.kept().fresh);
        Collected { output: fresh.to_vec(), dropped: fresh.dropped(), exit, wall: began.elapsed() }
    }

    /// Waits until the process is over and all it wrote is read; answers with the exit code.
    pub async fn wait_exit(&self) -> i32 {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await.ok().and_then(|ended| *ended);
        // What is in the pipe now may come from the process and is waited for. What others write after its exit is
        // not: a background child that holds the pipe open gets the grace, even if it never stops writing.
        let written = self.shared.written();
        let mut progress = self.progress.clone();
        // An error means that reading ended.
        let _ = progress.wait_for(|progress| progress.drained || progress.read >= written).await;
        let _ = tokio::time::timeout(GRACE, progress.wait_for(|progress| progress.drained)).await;
        ended.map_or(-1, |ended| self.exit_code(ended.status))
    }

    /// The exit code by which a process that was killed is known: -1, or 1 behind a terminal.
    fn exit_code(&self, status: ExitStatus) -> i32 {
        status.code().unwrap_or(if self.tty { 1 } else { -1 })
    }

    /// The signal that ended it, if one did.
    pub fn signal(&self) -> Option<i32> {
        self.exit.borrow().and_then(|ended| ended.status.signal())
    }

    /// Whether it is over.
    pub fn has_exited(&self) -> bool {
        self.exit.borrow().is_some()
    }

    /// How long it has run, or ran.
    pub fn wall(&self) -> Duration {
        self.exit
            .borrow()
            .map_or_else(|| self.started.elapsed(), |ended| ended.at.duration_since(self.started))
    }

    /// Everything it printed, the middle dropped beyond 1 MiB.
    pub fn all_output(&self) -> Vec<u8> {
        self.shared.kept().all.to_vec()
    }

    /// Kills it with all it started, and waits until it is gone.
    pub async fn kill(&self) {
        if !self.has_exited() {
            let pid = self.pid;
            // Reading /proc is blocking work.
            let _ = tokio::task::spawn_blocking(move || process_tree::kill_tree(pid)).await;
        }
        let mut exit = self.exit.clone();
        let _ = tokio::time::timeout(KILL_LIMIT, exit.wait_for(Option::is_some)).await;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.has_exited() {
            process_tree::kill_group(self.pid);
        }
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes written so far, read or still in the pipe. Reading happens under the lock, so none are in between.
    fn written(&self) -> u64 {
        let kept = self.kept();
        kept.read + bytes_waiting(self.output.get_ref())
    }
}

#[allow(unsafe_code)]
fn nonblocking(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    let flags = OFlag::from_bits_truncate(fcntl(&fd, FcntlArg::F_GETFL)?);
    fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    // SAFETY: an `OwnedFd` answers with the same open descriptor as long as it lives, and nobody gets it mutably here.
    Ok(unsafe { AsyncFd::register(fd) }?)
}

async fn wait(mut child: Child, exit: watch::Sender<Option<Ended>>) {
    match child.wait().await {
        Ok(status) => drop(exit.send(Some(Ended { status, at: Instant::now() }))),
        Err(error) => tracing::error!("cannot wait for a process: {error}"),
    }
}

async fn read_output(shared: Arc<Shared>, deltas: mpsc::Sender<String>, progress: watch::Sender<Progress>) {
    let mut chunk = [0; CHUNK];
    let mut decoder = Decoder::default();
    let mut told = 0;
    while let Some(read) = read_chunk(&shared, &mut chunk).await {
        progress.send_modify(|progress| progress.read += read as u64);
        if told < MAX_DELTAS && !deltas.is_closed() {
            told += 1;
            let text = decoder.decode(&chunk[..read]);
            if !text.is_empty() {
                let _ = deltas.try_send(text);
            }
        }
    }
    let rest = decoder.finish();
    if !rest.is_empty() {
        let _ = deltas.try_send(rest);
    }
    progress.send_modify(|progress| progress.drained = true);
}

/// Reads and keeps the next bytes; nothing at the end. A terminal whose last user is gone answers with an error: also
/// the end.
async fn read_chunk(shared: &Shared, chunk: &mut [u8]) -> Option<usize> {
    loop {
        let mut ready = shared.output.readable().await.ok()?;
        let result = ready.try_io(|fd| {
            let mut kept = shared.kept();
            let read = nix::unistd::read(fd.get_ref(), chunk)?;
            kept.all.push(&chunk[..read]);
            kept.fresh.push(&chunk[..read]);
            kept.read += read as u64;
            Ok(read)
        });
        match result {
            Ok(Ok(0)) => return None,
            Ok(Ok(read)) => return Some(read),
            Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            Ok(Err(_)) => return None,
            Err(_would_block) => {}
        }
    }
}

async fn write_all(input: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut ready = input.writable().await?;
        match ready.try_io(|fd| Ok(nix::unistd::write(fd.get_ref(), bytes)?)) {
            Ok(Ok(written)) => bytes = &bytes[written..],
            Ok(Err(error)) if error.kind() == ErrorKind::Interrupted => {}
            Ok(Err(error)) => return Err(error),
            Err(_would_block) => {}
        }
    }
    Ok(())
}

/// Bytes that could be read without waiting.
#[allow(unsafe_code)]
fn bytes_waiting(fd: &OwnedFd) -> u64 {
    let mut waiting: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the given address, which is a live local of that type; the descriptor is open
    // as long as `fd` is borrowed.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONREAD as _, &raw mut waiting) };
    if result == 0 { u64::try_from(waiting).unwrap_or(0) } else { 0 }
}
