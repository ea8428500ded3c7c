//! Splitting a file into lines by bytes, forwards and backwards.
//!
//! In: anything that reads (and seeks). Out: one line at a time, without its `\n`, borrowed from an internal buffer.
//! A newcomer's trap: these are *bytes*. A rollout may hold broken UTF-8 in one line, and that line alone is lost.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

/// Longest line that is kept in memory. Inline images make lines of some ten megabytes; beyond this a line is reported
/// as [`Body::TooLong`] and its bytes are never held.
pub(crate) const MAX_LINE: usize = 128 * 1024 * 1024;

/// How much is read at once. Large enough that a typical turn is one read.
const BLOCK: usize = 256 * 1024;

/// One line of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Byte offset of its first byte.
    pub(crate) offset: u64,
    /// Byte offset behind its `\n`, or the end of the file.
    pub(crate) end: u64,
    /// What it holds.
    pub(crate) body: Body<'a>,
}

/// The bytes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    /// All of them, without the line end.
    Bytes(&'a [u8]),
    /// More than [`MAX_LINE`].
    TooLong,
}

impl<'a> Line<'a> {
    /// The bytes without surrounding white space; empty for a blank line, `None` for one that is too long.
    pub(crate) fn trimmed(&self) -> Option<&'a [u8]> {
        match self.body {
            Body::Bytes(bytes) => Some(bytes.trim_ascii()),
            Body::TooLong => None,
        }
    }
}

/// Reads lines from an offset to the end.
pub(crate) struct ForwardLines<R> {
    reader: BufReader<R>,
    offset: u64,
    line: Vec<u8>,
    max: usize,
}

impl<R: Read + Seek> ForwardLines<R> {
    /// Starts at `offset`, which must be the start of a line.
    pub(crate) fn new(mut source: R, offset: u64) -> io::Result<Self> {
        source.seek(SeekFrom::Start(offset))?;
        Ok(Self { reader: BufReader::with_capacity(BLOCK, source), offset, line: Vec::new(), max: MAX_LINE })
    }

    /// Like [`Self::new`], but reads little at first: for looking at the head of a file.
    pub(crate) fn head(mut source: R) -> io::Result<Self> {
        source.seek(SeekFrom::Start(0))?;
        Ok(Self {
            reader: BufReader::with_capacity(32 * 1024, source),
            offset: 0,
            line: Vec::new(),
            max: MAX_LINE,
        })
    }

    /// The next line, or `None` at the end of the file.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let start = self.offset;
        let mut too_long = false;
        self.line.clear();
        loop {
            let chunk = self.reader.fill_buf()?;
            if chunk.is_empty() {
                if self.offset == start {
                    return Ok(None);
                }
                break;
            }
            let (taken, complete) = match memchr::memchr(b'\n', chunk) {
                Some(at) => (&chunk[..at], true),
                None => (chunk, false),
            };
            if self.line.len() + taken.len() > self.max {
                too_long = true;
                self.line.clear();
            }
            if !too_long {
                self.line.extend_from_slice(taken);
            }
            let used = taken.len() + usize::from(complete);
            self.reader.consume(used);
            self.offset += used as u64;
            if complete {
                break;
            }
        }
        let body = if too_long { Body::TooLong } else { Body::Bytes(&self.line) };
        Ok(Some(Line { offset: start, end: self.offset, body }))
    }
}

/// Reads lines from the end to the start.
pub(crate) struct BackwardLines<R> {
    source: R,
    /// Bytes `[start, start + buffer.len())` of the file.
    buffer: Vec<u8>,
    start: u64,
    /// Length of the unconsumed part of `buffer`, its line end already cut off.
    left: usize,
    /// Everything at or behind this index of the unconsumed part is known to hold no `\n`.
    searched: usize,
    /// Offset behind the line that comes next, its `\n` included.
    line_end: u64,
    too_long: bool,
    done: bool,
    max: usize,
}

impl<R: Read + Seek> BackwardLines<R> {
    /// Starts at the end of the source.
    pub(crate) fn new(mut source: R) -> io::Result<Self> {
        let end = source.seek(SeekFrom::End(0))?;
        let mut lines = Self {
            source,
            buffer: Vec::new(),
            start: end,
            left: 0,
            searched: 0,
            line_end: end,
            too_long: false,
            done: end == 0,
            max: MAX_LINE,
        };
        if !lines.done {
            lines.read_before()?;
            // The `\n` of the last line ends that line; it does not begin another one.
            if lines.buffer.last() == Some(&b'\n') {
                lines.left -= 1;
                lines.searched = lines.left;
            }
        }
        Ok(lines)
    }

    /// The line before the one returned last, or `None` at the start of the file.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        if self.done {
            return Ok(None);
        }
        loop {
            if let Some(at) = memchr::memrchr(b'\n', &self.buffer[..self.searched]) {
                return Ok(Some(self.take_line(at + 1, at)));
            }
            self.searched = 0;
            if self.start == 0 {
                self.done = true;
                return Ok(Some(self.take_line(0, 0)));
            }
            if self.left > self.max {
                self.too_long = true;
                self.left = 0;
            }
            self.read_before()?;
        }
    }

    /// Cuts the line `[from, left)` off the unconsumed part, which then ends at `rest`.
    fn take_line(&mut self, from: usize, rest: usize) -> Line<'_> {
        let line = from..self.left;
        let offset = self.start + from as u64;
        let end = std::mem::replace(&mut self.line_end, offset);
        let too_long = std::mem::take(&mut self.too_long) || line.len() > self.max;
        self.left = rest;
        self.searched = rest;
        let body = if too_long { Body::TooLong } else { Body::Bytes(&self.buffer[line]) };
        Line { offset, end, body }
    }

    /// Puts the block before the buffer in front of its unconsumed part. Blocks grow with the unfinished line, so that a
    /// long line is copied a constant number of times.
    fn read_before(&mut self) -> io::Result<()> {
        let size = (BLOCK.max(self.left) as u64).min(self.start);
        let mut buffer = Vec::with_capacity(size as usize + self.left);
        self.source.seek(SeekFrom::Start(self.start - size))?;
        let read = self.source.by_ref().take(size).read_to_end(&mut buffer)?;
        if read as u64 != size {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was read",
            ));
        }
        buffer.extend_from_slice(&self.buffer[..self.left]);
        self.start -= size;
        self.left += size as usize;
        self.searched = size as usize;
        self.buffer = buffer;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    type Owned = (u64, u64, Option<Vec<u8>>);

    fn own(line: &Line<'_>) -> Owned {
        let body = match line.body {
            Body::Bytes(bytes) => Some(bytes.to_vec()),
            Body::TooLong => None,
        };
        (line.offset, line.end, body)
    }

    fn forward(bytes: &[u8], max: usize) -> Vec<Owned> {
        let mut lines = ForwardLines::new(Cursor::new(bytes), 0).unwrap();
        lines.max = max;
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            all.push(own(&line));
        }
        all
    }

    fn backward(bytes: &[u8], max: usize) -> Vec<Owned> {
        let mut lines = BackwardLines::new(Cursor::new(bytes)).unwrap();
        lines.max = max;
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            all.push(own(&line));
        }
        all.reverse();
        all
    }

    #[test]
    fn splits_like_the_standard_library() {
        for text in ["", "a", "a\n", "\n", "\n\n", "a\nb", "a\n\nb\n", "a\r\nb"] {
            let expected: Vec<&[u8]> = text.as_bytes().split_inclusive(|byte| *byte == b'\n').collect();
            let lines = forward(text.as_bytes(), MAX_LINE);
            assert_eq!(lines.len(), expected.len(), "{text:?}");
            for (line, expected) in lines.iter().zip(expected) {
                assert_eq!(
                    line.2.as_deref(),
                    Some(expected.strip_suffix(b"\n").unwrap_or(expected)),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn a_line_longer_than_the_limit_is_reported_and_the_others_survive() {
        // Longer than several blocks, so that both readers meet it in pieces.
        let long = vec![b'x'; 5 * BLOCK];
        let file = [b"one\n".as_slice(), &long, b"\ntwo\n"].concat();
        for lines in [forward(&file, BLOCK + 7), backward(&file, BLOCK + 7)] {
            let bodies: Vec<_> = lines.into_iter().map(|line| line.2).collect();
            assert_eq!(bodies, [Some(b"one".to_vec()), None, Some(b"two".to_vec())]);
        }
    }

    proptest! {
        #[test]
        fn backwards_is_forwards_reversed(
            parts in proptest::collection::vec((0_usize..4, any::<u8>(), 0_usize..200_000), 0..12),
            torn in any::<bool>(),
        ) {
            let mut bytes = Vec::new();
            for (newlines, byte, length) in parts {
                bytes.extend(std::iter::repeat_n(byte, length));
                bytes.extend(std::iter::repeat_n(b'\n', newlines));
            }
            if torn {
                bytes.push(b'x');
            }
            prop_assert_eq!(forward(&bytes, MAX_LINE), backward(&bytes, MAX_LINE));
        }
    }
}
