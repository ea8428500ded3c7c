//! Appending to a rollout (rollout sheet §2).
//!
//! In: items, in the order they must be stored. Out: an answer once their lines are written. One task owns the file and
//! takes commands from a bounded channel, so callers on any thread share a writer without a lock.
//!
//! A newcomer's trap: creating a writer creates no file. The file appears with the first append, its first line holding
//! the session's facts; a thread nobody spoke to leaves nothing behind.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use quire_protocol::{GitFacts, RolloutItem, SessionMeta};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::clock::{Clock, rollout_path};
use crate::error::StoreError;
use crate::log_file::LogFile;

/// Commands that may wait for the disk; callers wait beyond that.
const QUEUE: usize = 256;

/// How long the first append waits for git.
const FACTS_LIMIT: Duration = Duration::from_secs(15);

type Done = oneshot::Sender<Result<(), StoreError>>;

enum Command {
    Append(Vec<RolloutItem>, Done),
    Sync(Done),
    Shutdown(Done),
}

/// Appends to one rollout file.
///
/// Dropped without [`Self::shutdown`], it still writes what it was given, in the background.
pub struct RolloutWriter {
    path: PathBuf,
    commands: mpsc::Sender<Command>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl RolloutWriter {
    /// Reserves the path of a new session; nothing is written yet. Must be called within a tokio runtime.
    ///
    /// The path is named after `meta.timestamp` in the clock's zone.
    pub fn create(home: &Path, meta: SessionMeta, clock: Arc<dyn Clock>) -> Self {
        Self::create_with_facts(home, meta, clock, None::<std::future::Ready<_>>)
    }

    /// Like [`Self::create`]; `facts` is awaited right before the first line is written and fills `meta.git`.
    pub fn create_with_facts<F>(
        home: &Path,
        meta: SessionMeta,
        clock: Arc<dyn Clock>,
        facts: Option<F>,
    ) -> Self
    where
        F: Future<Output = Option<GitFacts>> + Send + 'static,
    {
        let began = meta.timestamp.parse().map_or_else(|_| clock.unix_ms(), Timestamp::as_millisecond);
        let path = rollout_path(home, meta.id, began, &clock.zone());
        Self::start(LogFile::new(path, Some(meta), clock), facts.map(|facts| Box::pin(facts) as BoxFuture<_>))
    }

    /// Appends to an existing rollout. It is opened with the first append; if its last line was cut short, that line is
    /// ended first. Must be called within a tokio runtime.
    pub fn resume(path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self::start(LogFile::new(path, None, clock), None)
    }

    fn start(log: LogFile, facts: Option<BoxFuture<'static, Option<GitFacts>>>) -> Self {
        let path = log.path().to_owned();
        let (commands, queue) = mpsc::channel(QUEUE);
        let task = tokio::spawn(serve(log, queue, facts));
        Self { path, commands, task: Mutex::new(Some(task)) }
    }

    /// Where the rollout is, or will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes items and returns once their lines are written. Kinds that are not stored are left out; an empty list
    /// merely makes sure that the file exists.
    ///
    /// On [`StoreError::Write`], `Open` and `CreateDirectory` the items are kept and written by the next append that
    /// works, in order. A caller that stops waiting does not stop the write.
    pub async fn append(&self, items: Vec<RolloutItem>) -> Result<(), StoreError> {
        self.ask(|done| Command::Append(items, done)).await
    }

    /// Forces everything to disk; for the end of a turn. Does nothing as long as there is no file.
    pub async fn sync(&self) -> Result<(), StoreError> {
        self.ask(Command::Sync).await
    }

    /// Writes what waits, forces it to disk and ends the writer. Later calls answer [`StoreError::Closed`].
    pub async fn shutdown(&self) -> Result<(), StoreError> {
        let result = self.ask(Command::Shutdown).await;
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, path = %self.path.display(), "the writer of a session file did not end well");
        }
        result
    }

    async fn ask(&self, command: impl FnOnce(Done) -> Command) -> Result<(), StoreError> {
        let closed = || StoreError::Closed { path: self.path.clone() };
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

/// The task that owns the file. Ends on shutdown, or when all handles are gone and everything is written.
async fn serve(
    mut log: LogFile,
    mut queue: mpsc::Receiver<Command>,
    mut facts: Option<BoxFuture<'static, Option<GitFacts>>>,
) {
    while let Some(command) = queue.recv().await {
        let (done, result) = match command {
            Command::Append(items, done) => {
                if let Some(facts) = facts.take() {
                    log.set_git(tokio::time::timeout(FACTS_LIMIT, facts).await.unwrap_or_default());
                }
                (done, blocking(log, |log| log.append(items)).await)
            }
            Command::Sync(done) => (done, blocking(log, LogFile::sync).await),
            Command::Shutdown(done) => {
                if let Some((_, result)) = blocking(log, LogFile::sync).await {
                    // A caller that gave up waiting has no use for the answer.
                    let _ = done.send(result);
                }
                return;
            }
        };
        // Without a result the blocking thread is gone, the file with it: callers see `Closed`.
        let Some((returned, result)) = result else { return };
        log = returned;
        let _ = done.send(result);
    }
}

async fn blocking<T: Send + 'static>(
    mut log: LogFile,
    work: impl FnOnce(&mut LogFile) -> T + Send + 'static,
) -> Option<(LogFile, T)> {
    let path = log.path().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let result = work(&mut log);
        (log, result)
    });
    work.await
        .inspect_err(
            |error| tracing::error!(%error, path = %path.display(), "writing a session file was cut off"),
        )
        .ok()
}
