//! Arguments and streams of the program; what a patch does is tested elsewhere.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use quire_patch::{PathBase, cli};

const PATCH: &str = "*** Begin Patch\n*** Add File: n\n+n\n*** End Patch";
const DONE: &str = "Success. Updated the following files:\nA n\n";

/// Runs in a fresh directory; returns exit code, stdout and stderr.
fn run(flag: bool, args: &[OsString], input: &[u8]) -> (u8, String, String) {
    let directory = tempfile::tempdir().unwrap();
    let base = PathBase { cwd: directory.path().to_owned(), home: None };
    let (mut stdin, mut stdout, mut stderr) = (input, Vec::new(), Vec::new());
    let args = args.to_vec();
    let code = if flag {
        cli::run_as_flag(args, &mut stdout, &mut stderr, &base)
    } else {
        cli::run(args, &mut stdin, &mut stdout, &mut stderr, &base)
    };
    (code, String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn arguments_and_streams() {
    let not_utf8 = OsString::from_vec(vec![0xff]);
    let argument_error = "Error: apply_patch requires a UTF-8 PATCH argument.\n";
    let flag_error = "Error: --codex-run-as-apply-patch requires a UTF-8 PATCH argument.\n";
    let two = vec![PATCH.into(), "x".into()];
    let usage = "Usage: apply_patch 'PATCH'\n       echo 'PATCH' | apply_patch\n";
    let not_text = "Error: Failed to read PATCH from stdin.\nstream did not contain valid UTF-8\n";
    let too_many = "Error: apply_patch accepts exactly one argument.\n";
    let rows = [
        (false, vec![PATCH.into()], "".as_bytes(), 0, DONE, ""),
        (false, vec![], PATCH.as_bytes(), 0, DONE, ""),
        (false, vec![], b"", 2, "", usage),
        (false, vec![], b"\xff", 1, "", not_text),
        (false, two.clone(), b"", 2, "", too_many),
        (false, vec![not_utf8.clone()], b"", 1, "", argument_error),
        (false, vec![not_utf8.clone(), "x".into()], b"", 1, "", argument_error),
        (true, two, b"", 0, DONE, ""),
        (true, vec![], PATCH.as_bytes(), 1, "", flag_error),
        (true, vec![not_utf8], b"", 1, "", flag_error),
    ];
    for (flag, args, input, code, stdout, stderr) in rows {
        assert_eq!(run(flag, &args, input), (code, stdout.to_owned(), stderr.to_owned()), "{flag} {args:?}");
    }
}
