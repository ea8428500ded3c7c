//! The two streams of a run, written by a thread of their own.
//!
//! In goes text, in order; out it comes on standard output or standard error, flushed whenever nothing more waits.
//! A slow reader of a pipe thus never holds up the async runtime or a signal. When standard output is gone (`| head`),
//! [`Output::closed`] tells; nothing panics. Text for a closed standard error is dropped, like any program's.

use std::io::{self, Write};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

/// Chunks that may wait. A reader that stops reading stops the run, not the memory.
const WAITING: usize = 256;

/// Where a text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Standard output is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("standard output is closed")]
pub struct Closed;

/// Handle to the writing thread.
#[derive(Debug)]
pub struct Output {
    queue: mpsc::Sender<(Stream, String)>,
    writer: JoinHandle<Result<(), Closed>>,
}

impl Output {
    /// Starts writing to these two.
    pub fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let writer = std::thread::spawn(move || write_all(waiting, out, err));
        Self { queue, writer }
    }

    /// Starts writing to the process's own streams.
    pub fn of_process() -> Self {
        Self::new(io::stdout(), io::stderr())
    }

    /// Hands text over. Waits while too much is waiting already. Empty text is nothing.
    pub async fn write(&self, stream: Stream, text: String) -> Result<(), Closed> {
        if text.is_empty() {
            return Ok(());
        }
        self.queue.send((stream, text)).await.map_err(|_| Closed)
    }

    /// Waits for room to hand over one more text. Cancel safe.
    pub async fn room(&self) -> Result<Room<'_>, Closed> {
        self.queue.reserve().await.map(Room).map_err(|_| Closed)
    }

    /// Completes when standard output is gone.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }

    /// Waits until everything is written.
    pub async fn finish(self) -> Result<(), Closed> {
        let Self { queue, writer } = self;
        drop(queue);
        // A writer that panicked has lost what was left; for the caller that is the same as a closed stream.
        tokio::task::spawn_blocking(move || writer.join().unwrap_or(Err(Closed))).await.unwrap_or(Err(Closed))
    }
}

/// Room for one text.
#[derive(Debug)]
pub struct Room<'a>(mpsc::Permit<'a, (Stream, String)>);

impl Room<'_> {
    /// Hands the text over.
    pub fn put(self, stream: Stream, text: String) {
        self.0.send((stream, text));
    }
}

/// Standard output takes nothing more. A reader that went away knows; anything else (a full disk) has to be said.
fn lost(error: &io::Error, err: &mut impl Write) -> Closed {
    if error.kind() != io::ErrorKind::BrokenPipe {
        drop(writeln!(err, "Error: cannot write to standard output: {error}"));
    }
    Closed
}

/// Writes until nobody can send any more, or standard output is gone. Returning drops the queue, which tells senders.
fn write_all(
    mut waiting: mpsc::Receiver<(Stream, String)>,
    mut out: impl Write,
    mut err: impl Write,
) -> Result<(), Closed> {
    while let Some(first) = waiting.blocking_recv() {
        let mut next = Some(first);
        while let Some((stream, text)) = next {
            match stream {
                Stream::Out => out.write_all(text.as_bytes()).map_err(|error| lost(&error, &mut err))?,
                Stream::Err => drop(err.write_all(text.as_bytes())),
            }
            next = waiting.try_recv().ok();
        }
        out.flush().map_err(|error| lost(&error, &mut err))?;
        drop(err.flush());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[tokio::test]
    async fn writes_in_order_and_to_the_right_stream() {
        let (out, err) = (Shared::default(), Shared::default());
        let output = Output::new(out.clone(), err.clone());
        for number in 0..1000 {
            output.write(Stream::Out, format!("{number}\n")).await.unwrap();
        }
        output.write(Stream::Err, "note\n".into()).await.unwrap();
        output.finish().await.unwrap();
        let written = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        assert!(written.lines().map(|line| line.parse::<u32>().unwrap()).eq(0..1000));
        assert_eq!(*err.0.lock().unwrap(), b"note\n");
    }

    #[tokio::test]
    async fn a_closed_stdout_is_told() {
        let output = Output::new(Broken, io::sink());
        output.write(Stream::Out, "x".into()).await.unwrap();
        output.closed().await;
        assert_eq!(output.write(Stream::Out, "y".into()).await, Err(Closed));
        assert_eq!(output.finish().await, Err(Closed));
    }

    #[tokio::test]
    async fn a_closed_stderr_is_nobody_s_business() {
        let out = Shared::default();
        let output = Output::new(out.clone(), Broken);
        output.write(Stream::Err, "lost".into()).await.unwrap();
        output.write(Stream::Out, "kept".into()).await.unwrap();
        output.finish().await.unwrap();
        assert_eq!(*out.0.lock().unwrap(), b"kept");
    }
}
