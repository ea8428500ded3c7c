//! The `apply_patch` program: a patch as the only argument or on stdin, changes in the current directory.
//!
//! The same binary is started under several names, so this is a function of its arguments and streams. There are no
//! options: `--help` is taken for a patch.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use crate::apply::apply;
use crate::parse::parse;
use crate::path::PathBase;

/// First argument under which the whole program reads a patch from stdin and applies it. Our own: a patch may be longer
/// than an argument can be.
pub const STDIN_FLAG: &str = "--quire-run-as-apply-patch-stdin";

const FAILED: u8 = 1;
const MISUSED: u8 = 2;

/// No patch is that long; what is longer is not read to its end.
const MAX_STDIN_BYTES: u64 = 256 * 1024 * 1024;

/// Runs as `apply_patch` (or `applypatch`) with the arguments after the program name; returns the exit code.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
    base: &PathBase,
) -> u8 {
    let mut args = args.into_iter();
    let text = match args.next() {
        Some(arg) => match arg.into_string() {
            Ok(text) => text,
            Err(_) => return refuse(stderr, FAILED, "Error: apply_patch requires a UTF-8 PATCH argument."),
        },
        None => match read_stdin(stdin) {
            Ok(text) if text.is_empty() => {
                let usage = "Usage: apply_patch 'PATCH'\n       echo 'PATCH' | apply_patch";
                return refuse(stderr, MISUSED, usage);
            }
            Ok(text) => text,
            Err(error) => {
                let message = format!("Error: Failed to read PATCH from stdin.\n{error}");
                return refuse(stderr, FAILED, &message);
            }
        },
    };
    if args.next().is_some() {
        return refuse(stderr, MISUSED, "Error: apply_patch accepts exactly one argument.");
    }
    run_patch(&text, stdout, stderr, base)
}

/// Runs `--codex-run-as-apply-patch` with the arguments after that flag; all but the first are ignored.
pub fn run_as_flag(
    args: impl IntoIterator<Item = OsString>,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
    base: &PathBase,
) -> u8 {
    match args.into_iter().next().map(OsString::into_string) {
        Some(Ok(text)) => run_patch(&text, stdout, stderr, base),
        _ => refuse(stderr, FAILED, "Error: --codex-run-as-apply-patch requires a UTF-8 PATCH argument."),
    }
}

fn run_patch(text: &str, stdout: &mut dyn Write, stderr: &mut dyn Write, base: &PathBase) -> u8 {
    let patch = match parse(text) {
        Ok(patch) => patch,
        Err(error) => return refuse(stderr, FAILED, &error.cli_message()),
    };
    match apply(&patch, base) {
        Ok(applied) => match stdout.write_all(applied.summary().as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => 0,
            Err(error) => {
                refuse(stderr, FAILED, &format!("Error: the patch is applied, but not reported: {error}"))
            }
        },
        Err(error) => refuse(stderr, FAILED, &error.to_string()),
    }
}

fn read_stdin(stdin: &mut dyn Read) -> io::Result<String> {
    let mut text = String::new();
    stdin.take(MAX_STDIN_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_STDIN_BYTES {
        return Err(io::Error::other(format!("the patch is longer than {MAX_STDIN_BYTES} bytes")));
    }
    Ok(text)
}

fn refuse(stderr: &mut dyn Write, code: u8, message: &str) -> u8 {
    // With stderr gone there is nobody left to tell; the exit code still does.
    let _ = writeln!(stderr, "{message}");
    code
}
