//! Server-sent events from bytes: chunks go in as they arrive, the data of whole events comes out.
//!
//! Everything but `data` is ignored, and so are events without any. Lines may end in LF, CRLF or CR. Nothing here looks
//! at UTF-8, so that a chunk may end anywhere. What a newcomer would get wrong: an event is complete only at its blank
//! line; [`SseReader::finish`] is for servers that forget the last one.

use memchr::memchr2;

/// An event, or a line, was longer than the reader is willing to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge {
    /// The bound in bytes.
    pub(crate) limit: usize,
}

/// Cuts a byte stream into events.
#[derive(Debug)]
pub(crate) struct SseReader {
    /// Bytes received and not yet consumed begin at `start`; up to `scanned` there is no line end among them.
    buffer: Vec<u8>,
    start: usize,
    scanned: usize,
    /// The last line ended in CR: a LF right after belongs to it.
    after_cr: bool,
    at_beginning: bool,
    /// Data of the event being read.
    data: Vec<u8>,
    has_data: bool,
    limit: usize,
}

impl SseReader {
    /// `limit` bounds the bytes of a line and of an event's data.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            scanned: 0,
            after_cr: false,
            at_beginning: true,
            data: Vec::new(),
            has_data: false,
            limit,
        }
    }

    /// Adds bytes. Call [`Self::next_event`] until it has none before adding more.
    pub(crate) fn push(&mut self, chunk: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(chunk);
    }

    /// Reads the next whole event into place; [`Self::data`] is its data. False: more bytes are needed.
    pub(crate) fn next_event(&mut self) -> Result<bool, TooLarge> {
        if !self.has_data {
            self.data.clear(); // The event handed out last.
        }
        while let Some(end) = self.line_end() {
            let line = self.start..end;
            self.after_cr = self.buffer[end] == b'\r';
            self.start = end + 1;
            self.scanned = self.start;
            if line.is_empty() {
                if std::mem::take(&mut self.has_data) {
                    return Ok(true);
                }
            } else {
                self.take_line(line)?;
            }
        }
        if self.buffer.len() - self.start > self.limit { Err(self.too_large()) } else { Ok(false) }
    }

    /// The stream is over. Completes an event whose blank line, or even line end, is missing. True: there was one.
    pub(crate) fn finish(&mut self) -> Result<bool, TooLarge> {
        let rest = self.start..self.buffer.len();
        self.start = rest.end;
        self.scanned = rest.end;
        if !rest.is_empty() {
            self.take_line(rest)?;
        }
        Ok(std::mem::take(&mut self.has_data))
    }

    /// The data of the event just read.
    pub(crate) fn data(&self) -> &[u8] {
        &self.data
    }

    fn line_end(&mut self) -> Option<usize> {
        if std::mem::take(&mut self.after_cr) {
            match self.buffer.get(self.start) {
                Some(b'\n') => {
                    self.start += 1;
                    self.scanned = self.scanned.max(self.start);
                }
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        let found = memchr2(b'\n', b'\r', &self.buffer[self.scanned..]).map(|offset| self.scanned + offset);
        if found.is_none() {
            self.scanned = self.buffer.len();
        }
        found
    }

    fn take_line(&mut self, line: std::ops::Range<usize>) -> Result<(), TooLarge> {
        let mut line = &self.buffer[line];
        if std::mem::take(&mut self.at_beginning) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        let value = match line.strip_prefix(b"data") {
            Some([]) => &[],
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            _ => return Ok(()),
        };
        if self.data.len() + value.len() >= self.limit {
            return Err(self.too_large());
        }
        if self.has_data {
            self.data.push(b'\n');
        }
        self.has_data = true;
        self.data.extend_from_slice(value);
        Ok(())
    }

    fn too_large(&self) -> TooLarge {
        TooLarge { limit: self.limit }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Events of a stream that arrives in the given pieces.
    fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
        let mut reader = SseReader::new(1 << 20);
        let mut events = Vec::new();
        for piece in pieces {
            reader.push(piece);
            while reader.next_event().unwrap() {
                events.push(reader.data().to_vec());
            }
        }
        if reader.finish().unwrap() {
            events.push(reader.data().to_vec());
        }
        events
    }

    fn read_all(stream: &str) -> Vec<String> {
        read([stream.as_bytes()]).into_iter().map(|data| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn the_forms_servers_use() {
        assert_eq!(read_all("data: a\n\ndata: b\n\n"), ["a", "b"]);
        assert_eq!(read_all("event: x\r\ndata:a\r\nid: 1\r\n\r\n"), ["a"]);
        assert_eq!(read_all("data: a\rdata: b\r\rdata: c\r\r"), ["a\nb", "c"]);
        assert_eq!(read_all(": comment\n\ndata: one\ndata: two\ndata:three\n\n"), ["one\ntwo\nthree"]);
        assert_eq!(read_all("data\n\n"), [""]);
        assert_eq!(read_all("data:  two spaces\n\n"), [" two spaces"]);
        assert_eq!(read_all("\u{FEFF}data: a\n\n"), ["a"]);
        assert_eq!(read_all("database: x\n data: y\n\n"), Vec::<String>::new());
        assert_eq!(read_all("\n\n\nevent: x\n\n"), Vec::<String>::new());
    }

    #[test]
    fn a_last_event_may_lack_its_end() {
        assert_eq!(read_all("data: a\n\ndata: b\n"), ["a", "b"]);
        assert_eq!(read_all("data: a\n\ndata: b"), ["a", "b"]);
        assert_eq!(read_all("data: a\n\nevent: x"), ["a"]);
    }

    #[test]
    fn size_is_bounded() {
        let mut endless_line = SseReader::new(10);
        endless_line.push(b"data: 5678");
        assert_eq!(endless_line.next_event(), Ok(false));
        endless_line.push(b"9");
        assert_eq!(endless_line.next_event(), Err(TooLarge { limit: 10 }));
        let mut endless_event = SseReader::new(10);
        endless_event.push(b"data: 1234\ndata: 5678\n");
        assert_eq!(endless_event.next_event(), Ok(false));
        endless_event.push(b"data: 9\n");
        assert_eq!(endless_event.next_event(), Err(TooLarge { limit: 10 }));
    }

    fn fragment() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "data: ",
            "data:",
            "data",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "{\"type\":\"x\"}",
            "ü€😀",
            "event: e",
            ": c",
            " ",
            "id",
        ])
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            parts in prop::collection::vec(fragment(), 0..40),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let stream = parts.concat().into_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            at.extend([0, stream.len()]);
            at.sort_unstable();
            let pieces = at.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
            prop_assert_eq!(read(pieces), read([&stream[..]]));
            prop_assert_eq!(read(stream.chunks(1)), read([&stream[..]]));
        }
    }
}
