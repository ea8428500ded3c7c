//! Asking the background server for its version over the control socket (app-server sheet §2.4).
//!
//! The server speaks WebSocket after an HTTP upgrade; one question and one answer need no more of it than is here. A
//! newcomer's trap: an offered extension makes the server hang up, so none is offered.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// More than any answer to `initialize`.
const MAX_BYTES: u64 = 64 * 1024;
/// A client must mask what it sends; with zeros, the text stays as it is.
const MASK: [u8; 4] = [0; 4];
const TEXT_FRAME: u8 = 0x81;
const MASKED: u8 = 0x80;
/// In place of a length: it follows in two bytes.
const LONG: u8 = 0x7e;
/// In place of a length: it follows in eight bytes.
const VERY_LONG: u8 = 0x7f;
const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: cXVpcmUgZG9jdG9yIGtleQ==\r\n\r\n";

/// The version of the server behind a control socket.
pub(crate) async fn version(socket: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(UPGRADE).await?;
    let (reading, mut writing) = stream.split();
    let mut reader = BufReader::new(reading.take(MAX_BYTES));
    let mut line = String::new();
    reader.read_line(&mut line).await?;
    if !line.starts_with("HTTP/1.1 101") {
        return Err(io::Error::other("no app server answers"));
    }
    while line.trim_end() != "" {
        line.clear();
        if reader.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    writing.write_all(&frame(&question())).await?;
    loop {
        if let Some(version) = version_in(&read_frame(&mut reader).await?) {
            return Ok(version);
        }
    }
}

fn question() -> Vec<u8> {
    let info = serde_json::json!({ "name": "quire-doctor", "version": env!("CARGO_PKG_VERSION") });
    let question = serde_json::json!({ "id": 0, "method": "initialize", "params": { "clientInfo": info } });
    question.to_string().into_bytes()
}

/// A text frame. The question is short, so the length always fits two bytes.
fn frame(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    let mut frame = vec![TEXT_FRAME, MASKED | LONG];
    frame.extend(length.to_be_bytes());
    frame.extend(MASK);
    frame.extend(text);
    frame
}

/// The content of the next frame. Servers do not mask.
async fn read_frame(reader: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let _kind = reader.read_u8().await?;
    let length = match reader.read_u8().await? {
        LONG => u64::from(reader.read_u16().await?),
        VERY_LONG => reader.read_u64().await?,
        short => u64::from(short),
    };
    if length > MAX_BYTES {
        return Err(io::Error::other("its answer is too long"));
    }
    let mut content = vec![0; length as usize];
    reader.read_exact(&mut content).await?;
    Ok(content)
}

/// The version in the user agent of an answer to `initialize`: `name/0.136.0 (…)`.
fn version_in(answer: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    let agent = answer.get("result")?.get("userAgent")?.as_str()?;
    let version = agent.split_once('/')?.1.split(' ').next()?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_what_follows_the_name() {
        let answer = br#"{"id":0,"result":{"userAgent":"quire-doctor/0.136.0 (Debian 12; x86_64) xterm"}}"#;
        assert_eq!(version_in(answer).as_deref(), Some("0.136.0"));
        assert_eq!(version_in(br#"{"method":"x"}"#), None);
    }

    #[tokio::test]
    async fn frames_of_all_lengths_are_read() {
        for length in [5_usize, 126, 60_000] {
            let mut bytes = vec![TEXT_FRAME];
            if length < 126 {
                bytes.push(length as u8);
            } else {
                bytes.push(126);
                bytes.extend((length as u16).to_be_bytes());
            }
            bytes.extend(vec![b'x'; length]);
            assert_eq!(read_frame(&mut bytes.as_slice()).await.unwrap().len(), length);
        }
        let mut endless: &[u8] = &[TEXT_FRAME, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assert!(read_frame(&mut endless).await.is_err());
    }
}
