//! Starting a process with pipes or a terminal.
//!
//! In comes a complete request, out go the child and our ends. A newcomer's trap: a missing folder and a missing program
//! are the same error to the operating system, and the text of that error is part of what models read.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use nix::fcntl::OFlag;
use nix::pty::{Winsize, openpty};
use nix::unistd::pipe2;
use tokio::process::Child;

/// Size of the terminals we give out.
const WINDOW: Winsize = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

/// What to start. Nothing is taken from our own environment.
#[derive(Debug, Clone, Default)]
pub struct SpawnRequest {
    /// The executable.
    pub program: PathBuf,
    /// What it is told it is called, if not its path.
    pub arg0: Option<String>,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Where it starts.
    pub cwd: PathBuf,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// A terminal of 80 by 24 instead of pipes.
    pub tty: bool,
    /// What it reads from standard input; without this, and without a terminal, input is empty.
    pub stdin: Option<Vec<u8>>,
}

/// The process could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub struct SpawnError {
    #[from]
    source: io::Error,
}

impl SpawnError {
    /// What the operating system said.
    pub fn io_error(&self) -> &io::Error {
        &self.source
    }
}

/// A started process and our ends of its pipes.
pub(crate) struct Spawned {
    pub(crate) child: Child,
    pub(crate) output: OwnedFd,
    pub(crate) input: Option<OwnedFd>,
}

pub(crate) fn spawn(request: &SpawnRequest) -> Result<Spawned, SpawnError> {
    let mut command = std::process::Command::new(&request.program);
    if let Some(arg0) = &request.arg0 {
        command.arg0(arg0);
    }
    command.args(&request.args).current_dir(&request.cwd).env_clear().envs(request.env.iter().cloned());
    if request.tty { with_terminal(command) } else { with_pipes(command, request.stdin.is_some()) }
}

/// One pipe takes both outputs, so that lines keep the order they were written in.
fn with_pipes(mut command: std::process::Command, feeds_input: bool) -> Result<Spawned, SpawnError> {
    let (output, child_output) = pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
    let (child_input, input) = if feeds_input {
        let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(io::Error::from)?;
        (Stdio::from(read), Some(write))
    } else {
        (Stdio::null(), None)
    };
    command.stdin(child_input).stdout(child_output.try_clone()?).stderr(child_output).process_group(0);
    Ok(Spawned { child: start(command)?, output, input })
}

fn with_terminal(mut command: std::process::Command) -> Result<Spawned, SpawnError> {
    let pty = openpty(Some(&WINDOW), None).map_err(io::Error::from)?;
    for fd in [pty.master.as_fd(), pty.slave.as_fd()] {
        set_cloexec(fd)?;
    }
    command.stdin(pty.slave.try_clone()?).stdout(pty.slave.try_clone()?).stderr(pty.slave);
    own_terminal(&mut command);
    let input = pty.master.try_clone()?;
    Ok(Spawned { child: start(command)?, output: pty.master, input: Some(input) })
}

fn set_cloexec(fd: std::os::fd::BorrowedFd<'_>) -> io::Result<()> {
    nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    Ok(())
}

/// Makes the child leader of a session whose terminal is its standard input.
#[allow(unsafe_code)]
fn own_terminal(command: &mut std::process::Command) {
    // SAFETY: the closure runs between fork and exec and calls only setsid and ioctl, both async-signal-safe; it
    // allocates nothing and touches no lock.
    unsafe {
        command.pre_exec(|| {
            nix::unistd::setsid()?;
            if libc::ioctl(0, libc::TIOCSCTTY as _, 0) == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

fn start(command: std::process::Command) -> io::Result<Child> {
    let mut command = tokio::process::Command::from(command);
    command.kill_on_drop(true).spawn()
}
