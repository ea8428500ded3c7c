//! Commands that need no home, no configuration and no model.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs the program with a home that is not there.
fn quire(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_quire"))
        .args(args)
        .env("CODEX_HOME", "/there/is/no/such/home")
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may be gone already.
    let _unread = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn scripts_for_shells() {
    for (args, beginning) in [
        (&["completion"][..], "_quire() {"),
        (&["completion", "zsh"], "#compdef quire"),
        (&["completion", "powershell"], "\nusing namespace"),
    ] {
        let ran = quire(args, b"");
        assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(0), ""), "{args:?}");
        assert!(text(&ran.stdout).starts_with(beginning), "{args:?}");
    }
}

#[test]
fn bytes_are_relayed_to_a_socket_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        peer.read_to_end(&mut heard).unwrap();
        peer.write_all(b"heard: ").unwrap();
        peer.write_all(&heard).unwrap();
        peer.shutdown(Shutdown::Both).unwrap();
    });
    let ran = quire(&["stdio-to-uds", path.to_str().unwrap()], b"\x00\xffbytes");
    server.join().unwrap();
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(0), &b"heard: \x00\xffbytes"[..]));
}

#[test]
fn a_socket_that_is_not_there() {
    let ran = quire(&["stdio-to-uds", "/none"], b"");
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).starts_with("Error: failed to connect to socket at /none\n"));
}

#[test]
fn the_file_helper_answers_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "hello\n").unwrap();
    let ask = |path: &Path| {
        let request = format!(r#"{{"operation":"fs/readFile","params":{{"path":"{}"}}}}"#, path.display());
        quire(&["--codex-run-as-fs-helper"], request.as_bytes())
    };
    let read = ask(&path);
    assert_eq!(
        (read.status.code(), text(&read.stdout)),
        (
            Some(0),
            "{\"status\":\"ok\",\"payload\":{\"operation\":\"fs/readFile\",\"response\":{\"dataBase64\":\"aGVsbG8K\"}}}\n"
        )
    );
    assert_eq!(
        text(&ask(&folder.path().join("none")).stdout),
        "{\"status\":\"error\",\"payload\":{\"code\":-32004,\"message\":\"No such file or directory (os error 2)\"}}\n"
    );
    let unreadable = quire(&["--codex-run-as-fs-helper"], b"{}");
    assert_eq!((unreadable.status.code(), text(&unreadable.stdout)), (Some(1), ""));
}

#[test]
fn the_interactive_mode_wants_a_terminal_that_can_do_something() {
    let ran = quire(&["hello"], b"");
    assert_eq!(ran.status.code(), Some(1));
    assert!(text(&ran.stderr).starts_with("ERROR: TERM is set to \"dumb\"."), "{}", text(&ran.stderr));
}

#[test]
fn refusals_come_before_the_home() {
    for (args, message) in [
        (&["--enable", "nope", "features", "list"][..], "Error: Unknown feature flag: nope\n"),
        (
            &["--strict-config", "features", "list"],
            "Error: `--strict-config` is not supported for `quire features`\n",
        ),
        (
            &["--remote", "ws://h:1", "features", "list"],
            "Error: `--remote ws://h:1` is only supported for interactive TUI commands, not `quire features list`\n",
        ),
    ] {
        let ran = quire(args, b"");
        assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(1), message), "{args:?}");
    }
}
