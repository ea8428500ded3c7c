//! One connection over standard input and output: a line of JSON is a message (app-server sheet §2.1).
//!
//! In come a reader and a writer, out comes how it ended. What a newcomer would get wrong: a client that does not read
//! slows down everything it asks for, because the queue to it is bounded; and the end of input is the end of the
//! connection, after the answers to what was asked.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::AppServer;
use crate::wire::{Connection, Outgoing, WAITING, hand_on};

/// The longest line that is read, in bytes. Images travel in lines.
const LONGEST_LINE: usize = 64 << 20;

/// How long answers that are still on their way are waited for, and a client that has to read them.
const GRACE: Duration = Duration::from_secs(2);

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The client closed our input.
    Input,
    /// The client closed our output.
    Output,
}

/// Serves one client until either side of the pipe is closed. The server itself goes on.
pub async fn serve(
    server: &AppServer,
    input: impl AsyncBufRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> io::Result<End> {
    let (client, notifications) = server.connect();
    let (out, queue) = mpsc::channel(WAITING);
    let connection = Connection::new(client, out.clone());
    let mut writing = pin!(write_all(queue, output));
    let reading = async {
        read_all(&connection, input).await?;
        // What was asked is answered, if it does not take long.
        connection.idle(GRACE).await;
        io::Result::Ok(())
    };
    let end = tokio::select! {
        read = reading => read.map(|()| End::Input),
        written = &mut writing => return written.map(|()| End::Output),
        () = hand_on(notifications, out) => Ok(End::Output),
    };
    drop(connection);
    // The queue ends with its last sender; a client that does not read is not waited for.
    match tokio::time::timeout(GRACE, writing).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(())) | Err(_) => end,
    }
}

async fn read_all(connection: &Connection, mut input: impl AsyncBufRead + Unpin) -> io::Result<()> {
    let mut lines = Lines::default();
    while let Some(line) = lines.next(&mut input).await? {
        match line {
            Line::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => connection.take(text).await,
                Err(error) => tracing::warn!(%error, "skipped a line that is no text"),
            },
            Line::TooLong => connection.send(Outgoing::too_long(LONGEST_LINE)).await,
        }
    }
    Ok(())
}

/// Ends well when nobody reads any more.
async fn write_all(
    mut queue: mpsc::Receiver<Outgoing>,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some(message) = queue.recv().await {
        let mut line = message.line().map_err(io::Error::other)?;
        line.push('\n');
        let written = async {
            output.write_all(line.as_bytes()).await?;
            if queue.is_empty() { output.flush().await } else { Ok(()) }
        };
        match written.await {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// A line of input.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Text(&'a [u8]),
    /// It was skipped.
    TooLong,
}

/// Reads lines of bounded length.
#[derive(Default)]
struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// The next line without its end. The last one needs no end.
    async fn next(&mut self, input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut too_long = false;
        loop {
            let available = input.fill_buf().await?;
            if available.is_empty() {
                let nothing = self.line.is_empty() && !too_long;
                return Ok(if nothing { None } else { Some(self.taken(too_long)) });
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            if self.line.len() + part.len() > LONGEST_LINE {
                too_long = true;
                self.line = Vec::new();
            } else if !too_long {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            input.consume(used);
            if end.is_some() {
                return Ok(Some(self.taken(too_long)));
            }
        }
    }

    fn taken(&self, too_long: bool) -> Line<'_> {
        if too_long { Line::TooLong } else { Line::Text(&self.line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_whole() {
        let mut bytes = b"first\n".to_vec();
        bytes.resize(bytes.len() + LONGEST_LINE + 1, b'x');
        bytes.extend_from_slice(b"\n\nlast");
        let mut input = tokio::io::BufReader::new(&bytes[..]);
        let mut lines = Lines::default();
        for expected in [Line::Text(b"first"), Line::TooLong, Line::Text(b""), Line::Text(b"last")] {
            assert_eq!(lines.next(&mut input).await.unwrap(), Some(expected));
        }
        assert_eq!(lines.next(&mut input).await.unwrap(), None);
    }
}
