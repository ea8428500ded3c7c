//! The file helper: one operation on files, asked for in JSON on standard input, answered in JSON on standard output
//! (exec-server sheet §5 and §6).
//!
//! The exec server starts it behind a sandbox, so that files are touched under the rules of a command. It obeys: what
//! it may not do, the kernel refuses. A newcomer's trap: a failed operation is an answer and exit 0; only a request
//! that cannot be read is exit 1.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::exit::say;

/// The largest file that is read.
const LARGEST_FILE: u64 = 512 << 20;
/// The largest request: a file of that size in base64, and its frame.
const LARGEST_REQUEST: u64 = LARGEST_FILE / 3 * 4 + (1 << 20);

/// Answers one request. Exit 1 if it cannot be read or the answer not be written.
pub(crate) fn run(input: impl Read, output: &mut impl Write) -> ExitCode {
    match serve(input, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("fs sandbox helper failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum HelperError {
    #[error("{0}")]
    Request(#[from] serde_json::Error),
    #[error("standard input or output broke: {0}")]
    Stream(#[from] io::Error),
}

fn serve(input: impl Read, output: &mut impl Write) -> Result<(), HelperError> {
    let mut text = Vec::new();
    input.take(LARGEST_REQUEST).read_to_end(&mut text)?;
    let request: Request = serde_json::from_slice(&text)?;
    drop(text);
    let mut answer = serde_json::to_vec(&Answer::from(request.answer()))?;
    answer.push(b'\n');
    output.write_all(&answer)?;
    Ok(output.flush()?)
}

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(tag = "operation", content = "params")]
enum Request {
    #[serde(rename = "fs/readFile")]
    ReadFile(At),
    #[serde(rename = "fs/writeFile")]
    WriteFile(WriteParams),
    #[serde(rename = "fs/createDirectory")]
    CreateDirectory(Create),
    #[serde(rename = "fs/getMetadata")]
    GetMetadata(At),
    #[serde(rename = "fs/readDirectory")]
    ReadDirectory(At),
    #[serde(rename = "fs/remove")]
    Remove(Remove),
    #[serde(rename = "fs/copy")]
    Copy(Copy),
}

/// An operation on one path.
#[derive(Debug, Deserialize)]
struct At {
    path: AbsolutePath,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WriteParams {
    path: AbsolutePath,
    data_base64: String,
}

#[derive(Debug, Deserialize)]
struct Create {
    path: AbsolutePath,
    recursive: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Remove {
    path: AbsolutePath,
    recursive: Option<bool>,
    force: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Copy {
    source_path: AbsolutePath,
    destination_path: AbsolutePath,
    recursive: bool,
}

/// A path that means the same in every working folder.
#[derive(Debug)]
struct AbsolutePath(PathBuf);

impl<'de> Deserialize<'de> for AbsolutePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        if path.is_absolute() {
            Ok(Self(path))
        } else {
            Err(D::Error::custom(format_args!("`{}` is not an absolute path", path.display())))
        }
    }
}

/// The frame of an answer.
#[derive(Debug, Serialize)]
#[serde(tag = "status", content = "payload", rename_all = "lowercase")]
enum Answer {
    Ok(Response),
    Error(Failure),
}

impl From<Result<Response, Failure>> for Answer {
    fn from(result: Result<Response, Failure>) -> Self {
        result.map_or_else(Self::Error, Self::Ok)
    }
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(tag = "operation", content = "response")]
enum Response {
    #[serde(rename = "fs/readFile")]
    ReadFile(Contents),
    #[serde(rename = "fs/writeFile")]
    WriteFile(Done),
    #[serde(rename = "fs/createDirectory")]
    CreateDirectory(Done),
    #[serde(rename = "fs/getMetadata")]
    GetMetadata(Facts),
    #[serde(rename = "fs/readDirectory")]
    ReadDirectory(Listing),
    #[serde(rename = "fs/remove")]
    Remove(Done),
    #[serde(rename = "fs/copy")]
    Copy(Done),
}

/// Nothing to tell.
#[derive(Debug, Serialize)]
struct Done {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Contents {
    data_base64: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    is_directory: bool,
    is_file: bool,
    is_symlink: bool,
    created_at_ms: u64,
    modified_at_ms: u64,
}

#[derive(Debug, Serialize)]
struct Listing {
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    file_name: String,
    is_directory: bool,
    is_file: bool,
}

/// Why it did not work, as JSON-RPC tells it.
#[derive(Debug, Serialize)]
struct Failure {
    code: i32,
    message: String,
}

impl Failure {
    const NOT_FOUND: i32 = -32004;
    const INVALID_REQUEST: i32 = -32600;
    const INTERNAL: i32 = -32603;

    fn invalid(message: impl Into<String>) -> Self {
        Self { code: Self::INVALID_REQUEST, message: message.into() }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => Self::NOT_FOUND,
            io::ErrorKind::InvalidInput => Self::INVALID_REQUEST,
            _ => Self::INTERNAL,
        };
        Self { code, message: error.to_string() }
    }
}

impl Request {
    fn answer(self) -> Result<Response, Failure> {
        Ok(match self {
            Self::ReadFile(At { path }) => Response::ReadFile(read_file(&path.0)?),
            Self::WriteFile(WriteParams { path, data_base64 }) => {
                let data = STANDARD.decode(data_base64).map_err(|error| {
                    Failure::invalid(format!("fs/writeFile requires valid base64 dataBase64: {error}"))
                })?;
                fs::write(path.0, data)?;
                Response::WriteFile(Done {})
            }
            Self::CreateDirectory(Create { path, recursive }) => {
                if recursive.unwrap_or(true) {
                    fs::create_dir_all(path.0)?;
                } else {
                    fs::create_dir(path.0)?;
                }
                Response::CreateDirectory(Done {})
            }
            Self::GetMetadata(At { path }) => Response::GetMetadata(facts(&path.0)?),
            Self::ReadDirectory(At { path }) => Response::ReadDirectory(list(&path.0)?),
            Self::Remove(Remove { path, recursive, force }) => {
                match remove(&path.0, recursive.unwrap_or(true)) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound && force.unwrap_or(true) => {}
                    result => result?,
                }
                Response::Remove(Done {})
            }
            Self::Copy(order) => {
                copy(&order)?;
                Response::Copy(Done {})
            }
        })
    }
}

fn read_file(path: &Path) -> Result<Contents, Failure> {
    let mut data = Vec::new();
    // One byte more tells a file that is too large from one that just fits, whatever its length was said to be.
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut data)?;
    if data.len() as u64 > LARGEST_FILE {
        return Err(Failure::invalid(format!("the file is larger than {LARGEST_FILE} bytes")));
    }
    Ok(Contents { data_base64: STANDARD.encode(data) })
}

/// What the path is; all but `is_symlink` is told of where it leads.
fn facts(path: &Path) -> Result<Facts, Failure> {
    let target = fs::metadata(path)?;
    Ok(Facts {
        is_directory: target.is_dir(),
        is_file: target.is_file(),
        is_symlink: fs::symlink_metadata(path)?.is_symlink(),
        created_at_ms: milliseconds(target.created()),
        modified_at_ms: milliseconds(target.modified()),
    })
}

/// Milliseconds since 1970; 0 if nobody knows.
fn milliseconds(time: io::Result<SystemTime>) -> u64 {
    time.ok()
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok())
        .map_or(0, |age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
}

fn list(path: &Path) -> Result<Listing, Failure> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A link that leads nowhere is neither.
        let target = fs::metadata(entry.path()).ok();
        entries.push(Entry {
            file_name: entry.file_name().to_string_lossy().into_owned(),
            is_directory: target.as_ref().is_some_and(Metadata::is_dir),
            is_file: target.as_ref().is_some_and(Metadata::is_file),
        });
    }
    Ok(Listing { entries })
}

fn remove(path: &Path, recursive: bool) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true if recursive => fs::remove_dir_all(path),
        true => fs::remove_dir(path),
        false => fs::remove_file(path),
    }
}

fn copy(order: &Copy) -> Result<(), Failure> {
    let (from, to) = (&order.source_path.0, &order.destination_path.0);
    let source = fs::symlink_metadata(from)?;
    if !source.is_dir() {
        return copy_one(&source, from, to);
    }
    if !order.recursive {
        return Err(Failure::invalid("fs/copy requires recursive: true when sourcePath is a directory"));
    }
    if resolved(to)?.starts_with(resolved(from)?) {
        return Err(Failure::invalid("fs/copy cannot copy a directory to itself or one of its descendants"));
    }
    copy_tree(from, to)
}

/// The path without links and dots; parts that do not exist yet stay as they are.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut there = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                there.pop();
            }
            part => there.push(part),
        }
        match there.canonicalize() {
            Ok(real) => there = real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(there)
}

/// Copies a folder, one level of it at a time, so that its depth costs no stack.
fn copy_tree(from: &Path, to: &Path) -> Result<(), Failure> {
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            let source = fs::symlink_metadata(&from)?;
            if source.is_dir() {
                open.push((from, to));
            } else {
                copy_one(&source, &from, &to)?;
            }
        }
    }
    Ok(())
}

fn copy_one(source: &Metadata, from: &Path, to: &Path) -> Result<(), Failure> {
    if source.is_symlink() {
        Ok(link(&fs::read_link(from)?, to)?)
    } else if source.is_file() {
        fs::copy(from, to)?;
        Ok(())
    } else {
        Err(Failure::invalid("fs/copy only supports regular files, directories, and symlinks"))
    }
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: &Path, at: &Path) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        format!("{} would be a symbolic link, which is not made on this system", at.display()),
    ))
}

#[cfg(test)]
mod tests;
