//! One command from start to end.
//!
//! A newcomer's trap: there is no clean-up to call. The session lives in the future, so dropping the future kills.

use std::time::Duration;

use crate::session::Session;
use crate::spawn::{SpawnError, SpawnRequest};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
    /// By us, because it took too long.
    TimedOut,
}

/// A command that is over.
#[derive(Debug)]
pub struct Completed {
    /// How it ended.
    pub exit: Exit,
    /// What it printed, the middle dropped beyond 1 MiB.
    pub output: Vec<u8>,
    /// How long it took.
    pub wall: Duration,
}

/// Runs a command; kills it with all it started when the time is up, or when this future is dropped.
pub async fn run_once(request: SpawnRequest, timeout: Duration) -> Result<Completed, SpawnError> {
    let session = Session::spawn(request)?;
    // Nobody follows the output, so nothing needs to be decoded or queued.
    drop(session.observe());
    let exit = if let Ok(code) = tokio::time::timeout(timeout, session.wait_exit()).await {
        session.signal().map_or(Exit::Code(code), Exit::Signal)
    } else {
        session.kill().await;
        session.wait_exit().await;
        Exit::TimedOut
    };
    Ok(Completed { exit, output: session.all_output(), wall: session.wall() })
}
