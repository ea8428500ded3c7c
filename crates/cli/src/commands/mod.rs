//! One file per command.

pub(crate) mod app_server;
pub(crate) mod demo;
pub(crate) mod exec;

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Threads that run an agent's tasks. It waits most of the time; two keep a slow decode from holding up the rest.
const WORKERS: usize = 2;

/// The runtime, for commands that need one.
fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
}
