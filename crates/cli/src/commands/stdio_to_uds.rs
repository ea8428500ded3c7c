//! `quire stdio-to-uds`: relays bytes between standard input and output and a Unix socket (peripherals sheet §5).
//!
//! The end of standard input closes our half of the connection; the command ends when the socket's other side does.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;

/// Arguments of `stdio-to-uds`.
#[derive(Debug, Args)]
pub(crate) struct StdioToUdsArgs {
    /// The socket.
    #[arg(value_name = "SOCKET_PATH", value_hint = clap::ValueHint::Unknown)]
    pub(crate) socket_path: PathBuf,
}

/// Runs the command.
#[cfg(unix)]
pub(crate) fn run(args: &StdioToUdsArgs) -> Exit {
    use std::os::unix::net::UnixStream;

    let socket = match UnixStream::connect(&args.socket_path) {
        Ok(socket) => socket,
        Err(error) => {
            return Exit::error(format_args!(
                "failed to connect to socket at {}\n\nCaused by:\n    {error}",
                args.socket_path.display()
            ));
        }
    };
    match relay::run(socket) {
        Ok(()) => Exit::SUCCESS,
        Err(error) => Exit::error(format_args!("the connection broke: {error}")),
    }
}

/// Runs the command.
#[cfg(not(unix))]
pub(crate) fn run(_: &StdioToUdsArgs) -> Exit {
    Exit::error("stdio-to-uds needs Unix sockets, which this system does not have")
}

#[cfg(unix)]
mod relay {
    //! Two directions, one thread each.

    use std::io::{self, Read, Write as _};
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// Relays until the other side of the socket closes. A reader of standard input that still waits ends with the
    /// process.
    pub(super) fn run(socket: UnixStream) -> io::Result<()> {
        let mut upstream = socket.try_clone()?;
        let _reader = thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            // A broken connection shows in the other direction, which reports it.
            let _ended = io::copy(&mut io::stdin().lock(), &mut upstream);
            let _closed = upstream.shutdown(Shutdown::Write);
        })?;
        copy_at_once(socket, &mut io::stdout().lock())
    }

    /// Copies without holding anything back: standard output may be a pipe to a program that waits for an answer.
    fn copy_at_once(mut from: impl Read, to: &mut io::StdoutLock<'_>) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    to.write_all(&buffer[..count])?;
                    to.flush()?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
