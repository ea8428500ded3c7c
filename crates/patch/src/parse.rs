//! Text in, [`Patch`] out; pure, no disk.
//!
//! The parser forgives what models do wrong (padding around markers, a heredoc wrapper, a missing first `@@`) and
//! nothing else: junk anywhere means no part of the patch is used. Line numbers in errors count from 1 at the begin
//! marker, so a heredoc line before it does not count.

use std::path::PathBuf;

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ENVIRONMENT: &str = "*** Environment ID: ";
const ADD: &str = "*** Add File: ";
const DELETE: &str = "*** Delete File: ";
const UPDATE: &str = "*** Update File: ";
const MOVE: &str = "*** Move to: ";
const END_OF_FILE: &str = "*** End of File";
const HEREDOC_STARTS: [&str; 3] = ["<<EOF", "<<'EOF'", "<<\"EOF\""];

/// A parsed patch. It may have no hunks; [`verify`](crate::verify) and [`apply`](crate::apply) refuse it then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The value of an `*** Environment ID: ` line, trimmed, never empty. This crate gives it no meaning.
    pub environment_id: Option<String>,
    /// The changes, in the order in which they are to be made.
    pub hunks: Vec<Hunk>,
}

/// What a patch does with one file. Paths are as written: relative, absolute or `~/…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hunk {
    /// Writes a file, over an existing one if need be.
    Add {
        /// Where to.
        path: PathBuf,
        /// The whole text; empty or ending in a newline.
        content: String,
    },
    /// Removes a file.
    Delete {
        /// Which one.
        path: PathBuf,
    },
    /// Edits a file and perhaps moves it.
    Update {
        /// The file to read.
        path: PathBuf,
        /// The file to write instead; the one at `path` is removed then.
        move_to: Option<PathBuf>,
        /// At least one, in file order.
        chunks: Vec<Chunk>,
    },
}

/// One replacement inside a file. Lines carry no line ending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The text after `@@ `: a line to look for first. May be the empty string.
    pub context: Option<String>,
    /// The lines to find: unchanged and removed ones. Empty for a pure addition.
    pub old: Vec<String>,
    /// The lines to put there: unchanged and added ones.
    pub new: Vec<String>,
    /// The old lines must be the last ones of the file.
    pub at_end_of_file: bool,
}

/// Why a text is not a patch. The `Display` form is the one models see; the command line says it a little differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text as a whole is not a patch.
    #[error("invalid patch: {0}")]
    Patch(PatchFault),
    /// A line inside the patch is wrong.
    #[error("invalid hunk at line {line}, {fault}")]
    Hunk {
        /// Counted from 1 at the begin marker.
        line: usize,
        /// What is wrong with it.
        fault: HunkFault,
    },
}

impl ParseError {
    /// The message in the form of the `apply_patch` program.
    pub fn cli_message(&self) -> String {
        match self {
            Self::Patch(fault) => format!("Invalid patch: {fault}"),
            Self::Hunk { line, fault } => format!("Invalid patch hunk on line {line}: {fault}"),
        }
    }
}

/// What is wrong with the frame of a patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchFault {
    /// No begin marker.
    #[error("The first line of the patch must be '*** Begin Patch'")]
    FirstLine,
    /// No end marker.
    #[error("The last line of the patch must be '*** End Patch'")]
    LastLine,
    /// An environment line without a value.
    #[error("apply_patch environment_id cannot be empty")]
    EmptyEnvironmentId,
}

/// What is wrong with a line of a patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HunkFault {
    /// Something else where a file header is due.
    #[error(
        "'{0}' is not a valid hunk header. Valid hunk headers: '*** Add File: {{path}}', '*** Delete File: {{path}}', \
         '*** Update File: {{path}}'"
    )]
    Header(String),
    /// An update header without chunks.
    #[error("Update file hunk for path '{0}' is empty")]
    EmptyUpdate(String),
    /// An `@@` line without lines after it.
    #[error("Update hunk does not contain any lines")]
    EmptyChunk,
    /// The first line of a chunk has no valid first character.
    #[error(
        "Unexpected line found in update hunk: '{0}'. Every line should start with ' ' (context line), '+' (added \
         line), or '-' (removed line)"
    )]
    ChunkLine(String),
    /// A second chunk without `@@`.
    #[error("Expected update hunk to start with a @@ context marker, got: '{0}'")]
    MissingContextMarker(String),
}

/// Parses a whole patch. Never panics, whatever the text.
pub fn parse(text: &str) -> Result<Patch, ParseError> {
    let lines: Vec<&str> = text.trim().lines().collect();
    let lines = unwrap_heredoc(&lines).map_err(ParseError::Patch)?;
    let (environment_id, skipped) = environment_id(lines).map_err(ParseError::Patch)?;
    let body = lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default();
    let mut reader = Reader { body, at: skipped };
    let mut hunks = Vec::new();
    while let Some(line) = reader.peek() {
        hunks.push(reader.hunk(line)?);
    }
    Ok(Patch { environment_id, hunks })
}

/// Returns the lines from begin marker to end marker, both included.
fn unwrap_heredoc<'a, 'b>(lines: &'a [&'b str]) -> Result<&'a [&'b str], PatchFault> {
    let Err(fault) = check_frame(lines) else { return Ok(lines) };
    match lines {
        [first, inner @ .., last]
            if inner.len() >= 2 && HEREDOC_STARTS.contains(first) && last.ends_with("EOF") =>
        {
            check_frame(inner).map(|()| inner)
        }
        _ => Err(fault),
    }
}

fn check_frame(lines: &[&str]) -> Result<(), PatchFault> {
    match lines.first() {
        Some(first) if first.trim() != BEGIN => Err(PatchFault::FirstLine),
        _ if lines.last().is_some_and(|last| last.trim() == END) => Ok(()),
        _ => Err(PatchFault::LastLine),
    }
}

/// Returns the environment id and how many lines of the body it takes.
fn environment_id(lines: &[&str]) -> Result<(Option<String>, usize), PatchFault> {
    let Some(value) = lines.get(1).and_then(|line| line.trim_start().strip_prefix(ENVIRONMENT)) else {
        return Ok((None, 0));
    };
    match value.trim() {
        "" => Err(PatchFault::EmptyEnvironmentId),
        id => Ok((Some(id.to_owned()), 1)),
    }
}

/// A position in the lines between the two markers.
struct Reader<'a> {
    body: &'a [&'a str],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.body.get(self.at).copied()
    }

    /// An error at a body index; the begin marker is line 1, so the first body line is 2.
    fn error(index: usize, fault: HunkFault) -> ParseError {
        ParseError::Hunk { line: index + 2, fault }
    }

    fn hunk(&mut self, line: &str) -> Result<Hunk, ParseError> {
        let header = line.trim();
        let start = self.at;
        self.at += 1;
        if let Some(path) = header.strip_prefix(ADD) {
            Ok(Hunk::Add { path: path.into(), content: self.added_lines() })
        } else if let Some(path) = header.strip_prefix(DELETE) {
            Ok(Hunk::Delete { path: path.into() })
        } else if let Some(path) = header.strip_prefix(UPDATE) {
            let move_to = self.move_target();
            let chunks = self.chunks()?;
            if chunks.is_empty() {
                return Err(Self::error(start, HunkFault::EmptyUpdate(path.to_owned())));
            }
            Ok(Hunk::Update { path: path.into(), move_to, chunks })
        } else {
            Err(Self::error(start, HunkFault::Header(header.to_owned())))
        }
    }

    fn added_lines(&mut self) -> String {
        let mut content = String::new();
        while let Some(line) = self.peek().and_then(|line| line.strip_prefix('+')) {
            content.push_str(line);
            content.push('\n');
            self.at += 1;
        }
        content
    }

    fn move_target(&mut self) -> Option<PathBuf> {
        let target = self.peek()?.strip_prefix(MOVE)?;
        self.at += 1;
        Some(target.into())
    }

    fn chunks(&mut self) -> Result<Vec<Chunk>, ParseError> {
        let mut chunks = Vec::new();
        while let Some(line) = self.peek() {
            if line.trim().is_empty() {
                self.at += 1;
            } else if line.starts_with('*') {
                break;
            } else {
                chunks.push(self.chunk(line, chunks.is_empty())?);
            }
        }
        Ok(chunks)
    }

    fn chunk(&mut self, first_line: &str, is_first: bool) -> Result<Chunk, ParseError> {
        let start = self.at;
        let mut chunk = Chunk::default();
        if let Some(context) = first_line.strip_prefix("@@ ") {
            chunk.context = Some(context.to_owned());
            self.at += 1;
        } else if first_line == "@@" {
            self.at += 1;
        } else if !is_first {
            return Err(Self::error(start, HunkFault::MissingContextMarker(first_line.to_owned())));
        }
        let body_start = self.at;
        while let Some(line) = self.peek() {
            let is_empty = self.at == body_start;
            if line == END_OF_FILE && !is_empty {
                chunk.at_end_of_file = true;
                self.at += 1;
                return Ok(chunk);
            }
            match line.chars().next() {
                None | Some(' ') => {
                    let text = line.get(1..).unwrap_or_default();
                    chunk.old.push(text.to_owned());
                    chunk.new.push(text.to_owned());
                }
                Some('+') => chunk.new.push(line[1..].to_owned()),
                Some('-') => chunk.old.push(line[1..].to_owned()),
                Some(_) if !is_empty => return Ok(chunk),
                Some(_) if line == END_OF_FILE => break,
                // The reference counts one line from the chunk's start whether or not it has an `@@` line.
                Some(_) => return Err(Self::error(start + 1, HunkFault::ChunkLine(line.to_owned()))),
            }
            self.at += 1;
        }
        if self.at == body_start {
            return Err(Self::error(start + 1, HunkFault::EmptyChunk));
        }
        Ok(chunk)
    }
}
