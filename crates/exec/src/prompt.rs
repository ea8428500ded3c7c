//! Where the prompt comes from: the argument, standard input, or both (exec sheet §1).
//!
//! [`source`] decides without reading anything, [`decode`] turns the bytes of standard input into text, [`combine`]
//! joins the two. All three are pure; the reading itself is two lines in `prepare.rs`.
//! A newcomer's trap: a prompt argument of `""` is a prompt; blank standard input is none.

use std::borrow::Cow;

/// What has to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Only the argument counts.
    Argument(String),
    /// The argument, and standard input as extra material if it is not blank.
    ArgumentAndStdin(String),
    /// Standard input alone.
    Stdin {
        /// Whether a person is told that we wait for it.
        announced: bool,
    },
}

/// Why there is no prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// No argument, and standard input is a terminal.
    #[error("No prompt provided. Either specify one as an argument or pipe the prompt into stdin.")]
    Missing,
    /// Standard input holds nothing but white space.
    #[error("No prompt provided via stdin.")]
    Blank,
    /// Standard input is not text.
    #[error("Failed to read prompt from stdin: {0}")]
    Encoding(#[from] DecodeError),
    /// Standard input cannot be read.
    #[error("Failed to read prompt from stdin: {0}")]
    Io(String),
}

/// Why bytes are not text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A UTF-32 byte order mark.
    #[error("input appears to be {0}. Convert it to UTF-8 and retry.")]
    Utf32(&'static str),
    /// A byte order mark of UTF-16, but an odd number of bytes or a lone surrogate.
    #[error("input looked like {0} but is not valid. Convert it to UTF-8 and retry.")]
    Utf16(&'static str),
    /// Not UTF-8.
    #[error("input is not valid UTF-8 (invalid byte at offset {offset}). Convert it to UTF-8 and retry.")]
    Utf8 {
        /// Offset of the first bad byte.
        offset: usize,
    },
}

/// Decides where the prompt of a plain run comes from.
pub fn source(argument: Option<&str>, stdin_is_terminal: bool) -> Result<Source, PromptError> {
    match argument {
        Some("-") => Ok(Source::Stdin { announced: false }),
        Some(text) if stdin_is_terminal => Ok(Source::Argument(text.to_owned())),
        Some(text) => Ok(Source::ArgumentAndStdin(text.to_owned())),
        None if stdin_is_terminal => Err(PromptError::Missing),
        None => Ok(Source::Stdin { announced: true }),
    }
}

/// Decides where the prompt of a resumed run comes from: an argument never takes standard input along.
pub fn resume_source(argument: Option<&str>, stdin_is_terminal: bool) -> Result<Source, PromptError> {
    match source(argument, stdin_is_terminal)? {
        Source::ArgumentAndStdin(text) => Ok(Source::Argument(text)),
        other => Ok(other),
    }
}

impl Source {
    /// The line a person sees before standard input is read, if one is due.
    pub fn notice(&self) -> Option<&'static str> {
        match self {
            Self::Argument(_) | Self::Stdin { announced: false } => None,
            Self::ArgumentAndStdin(_) => Some("Reading additional input from stdin..."),
            Self::Stdin { announced: true } => Some("Reading prompt from stdin..."),
        }
    }

    /// Whether standard input has to be read.
    pub fn reads_stdin(&self) -> bool {
        !matches!(self, Self::Argument(_))
    }

    /// The prompt, once standard input (empty if it was not read) is there.
    pub fn combine(self, stdin: &[u8]) -> Result<String, PromptError> {
        match self {
            Self::Argument(text) => Ok(text),
            Self::ArgumentAndStdin(text) => {
                let extra = decode(stdin)?;
                if extra.trim().is_empty() {
                    return Ok(text);
                }
                let newline = if extra.ends_with('\n') { "" } else { "\n" };
                Ok(format!("{text}\n\n<stdin>\n{extra}{newline}</stdin>"))
            }
            Self::Stdin { .. } => {
                let text = decode(stdin)?;
                if text.trim().is_empty() { Err(PromptError::Blank) } else { Ok(text.into_owned()) }
            }
        }
    }
}

/// Text of any encoding that marks itself; without a mark it is UTF-8.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    // UTF-32LE begins with the mark of UTF-16LE, so it is looked for first.
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] => Err(DecodeError::Utf32("UTF-32LE")),
        [0, 0, 0xFE, 0xFF, ..] => Err(DecodeError::Utf32("UTF-32BE")),
        [0xFF, 0xFE, rest @ ..] => decode_utf16(rest, "UTF-16LE", u16::from_le_bytes).map(Cow::Owned),
        [0xFE, 0xFF, rest @ ..] => decode_utf16(rest, "UTF-16BE", u16::from_be_bytes).map(Cow::Owned),
        [0xEF, 0xBB, 0xBF, rest @ ..] => decode_utf8(rest, 3),
        _ => decode_utf8(bytes, 0),
    }
}

fn decode_utf8(bytes: &[u8], skipped: usize) -> Result<Cow<'_, str>, DecodeError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|error| DecodeError::Utf8 { offset: skipped + error.valid_up_to() })
}

fn decode_utf16(bytes: &[u8], name: &'static str, unit: fn([u8; 2]) -> u16) -> Result<String, DecodeError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(DecodeError::Utf16(name));
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<_, _>>()
        .map_err(|_| DecodeError::Utf16(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Argument, whether stdin is a terminal, stdin; and what comes out: notice and prompt or error.
    type Row =
        (Option<&'static str>, bool, &'static str, Option<&'static str>, Result<&'static str, PromptError>);

    const EXTRA: Option<&str> = Some("Reading additional input from stdin...");
    const PROMPT: Option<&str> = Some("Reading prompt from stdin...");

    fn outcome(
        row: &Row,
        decide: fn(Option<&str>, bool) -> Result<Source, PromptError>,
    ) -> (Option<&'static str>, Result<String, PromptError>) {
        match decide(row.0, row.1) {
            Err(error) => (None, Err(error)),
            Ok(source) => (source.notice(), source.combine(row.2.as_bytes())),
        }
    }

    #[test]
    fn sources_of_a_plain_run() {
        let rows: &[Row] = &[
            (Some("hi"), true, "", None, Ok("hi")),
            (Some("hi"), false, "more", EXTRA, Ok("hi\n\n<stdin>\nmore\n</stdin>")),
            (Some("hi"), false, "more\n", EXTRA, Ok("hi\n\n<stdin>\nmore\n</stdin>")),
            (Some("hi"), false, "more\n\n", EXTRA, Ok("hi\n\n<stdin>\nmore\n\n</stdin>")),
            (Some("hi"), false, "", EXTRA, Ok("hi")),
            (Some("hi"), false, " \n", EXTRA, Ok("hi")),
            (None, false, " text\n", PROMPT, Ok(" text\n")),
            (None, false, " \n", PROMPT, Err(PromptError::Blank)),
            (None, true, "", None, Err(PromptError::Missing)),
            (Some("-"), false, "text", None, Ok("text")),
            (Some("-"), true, "typed\n", None, Ok("typed\n")),
            (Some("-"), false, "", None, Err(PromptError::Blank)),
            (Some(""), true, "", None, Ok("")),
            (Some("  "), false, "", EXTRA, Ok("  ")),
        ];
        for row in rows {
            let (notice, prompt) = outcome(row, source);
            assert_eq!((notice, prompt), (row.3, row.4.clone().map(str::to_owned)), "{row:?}");
        }
    }

    #[test]
    fn a_resumed_run_with_an_argument_leaves_stdin_alone() {
        let row: Row = (Some("hi"), false, "more", None, Ok("hi"));
        assert_eq!(outcome(&row, resume_source), (None, Ok("hi".to_owned())));
        assert!(!resume_source(Some("hi"), false).unwrap().reads_stdin());
    }

    #[test]
    fn encodings() {
        let utf16 = |unit: fn(u16) -> [u8; 2], mark: [u8; 2]| {
            let mut bytes = mark.to_vec();
            bytes.extend("hé😀".encode_utf16().flat_map(unit));
            bytes
        };
        assert_eq!(decode(b"\xEF\xBB\xBFhi").unwrap(), "hi");
        assert_eq!(decode(&utf16(u16::to_le_bytes, [0xFF, 0xFE])).unwrap(), "hé😀");
        assert_eq!(decode(&utf16(u16::to_be_bytes, [0xFE, 0xFF])).unwrap(), "hé😀");
        assert_eq!(decode(b"h\0i\0").unwrap(), "h\0i\0", "without a mark it is UTF-8 with NULs");
        assert_eq!(decode(b"\xFF\xFE\0\0h\0\0\0"), Err(DecodeError::Utf32("UTF-32LE")));
        assert_eq!(decode(b"\0\0\xFE\xFF\0\0\0h"), Err(DecodeError::Utf32("UTF-32BE")));
        assert_eq!(decode(b"ab\xC3("), Err(DecodeError::Utf8 { offset: 2 }));
        assert_eq!(decode(b"\xEF\xBB\xBFa\xFF"), Err(DecodeError::Utf8 { offset: 4 }));
        assert_eq!(decode(b"\xFF\xFEa"), Err(DecodeError::Utf16("UTF-16LE")));
        assert_eq!(decode(b"\xFE\xFF\xD8\x00"), Err(DecodeError::Utf16("UTF-16BE")));
    }
}
