//! One file per command: its arguments and what it does, side by side.
//!
//! [`Outer`] is what the root hands down. A newcomer's trap: `-c`, `--enable` and `--disable` of every level arrive in
//! [`Outer::overrides`], already settled, so no command declares them again.

pub(crate) mod app_server;
pub(crate) mod apply;
pub(crate) mod archive;
pub(crate) mod cloud;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod debug;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod exec_server;
pub(crate) mod execpolicy;
pub(crate) mod features;
pub(crate) mod fork;
pub(crate) mod interactive;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod mcp;
pub(crate) mod mcp_server;
pub(crate) mod plugin;
pub(crate) mod remote_control;
pub(crate) mod responses_api_proxy;
pub(crate) mod resume;
pub(crate) mod review;
pub(crate) mod sandbox;
pub(crate) mod stdio_to_uds;
pub(crate) mod update;

use std::io;

use quire_exec::args::OverrideArgs;
use tokio::runtime::{Builder, Runtime};

use crate::exit::Exit;
use crate::program::Program;
use interactive::InteractiveArgs;

/// Threads that run an agent's tasks. It waits most of the time; two keep a slow decode from holding up the rest.
const WORKERS: usize = 2;

/// What the levels above a command were told.
#[derive(Debug)]
pub(crate) struct Outer {
    /// The name the program runs under.
    pub(crate) program: Program,
    /// `-c`, `--enable` and `--disable`: of each, the occurrences at the innermost level that has any.
    pub(crate) overrides: OverrideArgs,
    /// Flags of the root, for commands that inherit them.
    pub(crate) flags: InteractiveArgs,
}

impl Outer {
    /// Says that a command is not there yet, and what helps meanwhile (a sentence, or nothing).
    pub(crate) fn not_there(&self, command: &str, meanwhile: &str) -> Exit {
        let name = self.program.command();
        let gap = if meanwhile.is_empty() { "" } else { " " };
        Exit::error(format_args!("`{name} {command}` is not there yet.{gap}{meanwhile}"))
    }
}

/// The runtime, for commands that need one.
fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()
}
