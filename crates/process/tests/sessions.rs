//! Real processes: output, exits, terminals, kills.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::sync::Arc;
use std::time::Duration;

use quire_process::{Exit, MAX_SESSIONS, Session, SessionStore, SpawnRequest, run_once};

const LONG: Duration = Duration::from_secs(30);

fn sh(script: &str, tty: bool) -> SpawnRequest {
    SpawnRequest {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        cwd: "/".into(),
        env: vec![("PATH".into(), std::env::var_os("PATH").unwrap()), ("X".into(), "y".into())],
        tty,
        ..SpawnRequest::default()
    }
}

/// Collects until the text shows up.
async fn until(session: &Session, text: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(text) {
        let collected = session.collect(Duration::from_millis(50)).await;
        seen.push_str(&String::from_utf8_lossy(&collected.output));
        assert_eq!(collected.exit, None, "ended early: {seen}");
    }
    seen
}

/// Waits for something another process does.
async fn wait_for(condition: impl Fn() -> bool) {
    let happened = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, happened).await.expect("it should have happened by now");
}

/// Whether a process is over, or a zombie that nobody waited for yet.
fn is_gone(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).map_or(true, |stat| stat.contains(") Z "))
}

async fn run(script: &str) -> (String, i32) {
    let collected = Session::spawn(sh(script, false)).unwrap().collect(LONG).await;
    (String::from_utf8_lossy(&collected.output).into_owned(), collected.exit.unwrap())
}

#[tokio::test]
async fn both_outputs_in_order_and_the_exit_code() {
    assert_eq!(run("echo out; echo err >&2; echo $X; exit 3").await, ("out\nerr\ny\n".into(), 3));
}

#[tokio::test]
async fn a_signal_is_minus_one_with_pipes_and_one_with_a_terminal() {
    assert_eq!(run("kill -9 $$").await.1, -1);
    let session = Session::spawn(sh("kill -9 $$", true)).unwrap();
    assert_eq!(session.collect(LONG).await.exit, Some(1));
    assert_eq!(session.signal(), Some(9));
}

#[tokio::test]
async fn input_is_empty_without_a_terminal_and_fed_when_given() {
    assert_eq!(run("cat; echo end").await, ("end\n".into(), 0));
    let big = vec![b'x'; 300_000];
    let request = SpawnRequest { stdin: Some(big), ..sh("wc -c", false) };
    let done = run_once(request, LONG).await.unwrap();
    assert_eq!(String::from_utf8(done.output).unwrap().trim(), "300000");
}

#[tokio::test]
async fn a_missing_program_says_so() {
    let request = SpawnRequest { program: "/nonexistent/x".into(), ..sh("", false) };
    assert_eq!(Session::spawn(request).unwrap_err().to_string(), "No such file or directory (os error 2)");
    let request = SpawnRequest { cwd: "/nonexistent".into(), ..sh("true", false) };
    assert_eq!(Session::spawn(request).unwrap_err().to_string(), "No such file or directory (os error 2)");
}

#[tokio::test]
async fn much_output_is_bounded_and_keeps_both_ends() {
    let done = run_once(sh("echo first; head -c 3000000 /dev/zero | tr '\\0' x; echo last", false), LONG)
        .await
        .unwrap();
    assert_eq!(done.output.len(), 1024 * 1024);
    assert!(done.output.starts_with(b"first\n") && done.output.ends_with(b"xlast\n"));
}

#[tokio::test]
async fn a_background_child_neither_delays_nor_hides_output() {
    let session = Session::spawn(sh("echo before; sleep 30 & echo after", false)).unwrap();
    let collected = session.collect(LONG).await;
    assert_eq!((collected.output.as_slice(), collected.exit), (b"before\nafter\n".as_slice(), Some(0)));
    assert!(collected.wall < LONG / 2);
}

#[tokio::test]
async fn a_background_child_that_never_stops_writing_does_not_delay_either() {
    let session = Session::spawn(sh("echo mine; yes & echo $!", false)).unwrap();
    let collected = session.collect(LONG).await;
    assert_eq!(collected.exit, Some(0));
    assert!(collected.output.starts_with(b"mine\n"));
    drop(session);
}

#[tokio::test]
async fn everything_written_before_the_exit_is_there_despite_a_background_child() {
    let script = "sleep 5 & head -c 60000 /dev/zero | tr '\\0' x; kill -9 $$";
    for _ in 0..20 {
        let collected = Session::spawn(sh(script, false)).unwrap().collect(LONG).await;
        assert_eq!((collected.output.len(), collected.exit), (60_000, Some(-1)));
    }
}

#[tokio::test]
async fn a_long_command_is_left_running_and_asked_again() {
    let session = Session::spawn(sh("echo a; read line; echo got $line", true)).unwrap();
    assert_eq!(until(&session, "\n").await, "a\r\n");
    session.write_stdin(b"hello\n").await.unwrap();
    let second = session.collect(LONG).await;
    assert_eq!(String::from_utf8_lossy(&second.output), "hello\r\ngot hello\r\n");
    assert_eq!(second.exit, Some(0));
}

#[tokio::test]
async fn control_keys_reach_the_terminal() {
    let interrupted = Session::spawn(sh("echo ready; sleep 30", true)).unwrap();
    until(&interrupted, "ready\r\n").await;
    interrupted.write_stdin(b"\x03").await.unwrap();
    let end = interrupted.collect(LONG).await;
    assert_eq!((end.output.as_slice(), end.exit), (b"^C".as_slice(), Some(1)));
    let ended = Session::spawn(sh("cat; echo eof", true)).unwrap();
    ended.write_stdin(b"\x04").await.unwrap();
    let end = ended.collect(LONG).await;
    assert!(String::from_utf8_lossy(&end.output).ends_with("eof\r\n"));
}

#[tokio::test]
async fn observers_get_decoded_chunks() {
    let session = Session::spawn(sh("printf 'h\\303\\251'", false)).unwrap();
    let mut chunks = session.observe().unwrap();
    assert!(session.observe().is_none());
    let mut text = String::new();
    while let Some(chunk) = chunks.recv().await {
        text.push_str(&chunk);
    }
    assert_eq!(text, "hé");
}

#[tokio::test]
async fn a_timeout_kills_the_whole_tree() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let script = format!("setsid sleep 300 & echo $! > {0}; echo begun; wait", pid_file.display());
    let done = run_once(sh(&script, false), Duration::from_secs(2)).await.unwrap();
    assert_eq!(done.exit, Exit::TimedOut);
    assert_eq!(done.output, b"begun\n");
    let stray = std::fs::read_to_string(&pid_file).unwrap();
    wait_for(|| is_gone(&stray)).await;
}

/// The helper's keeper removes mount points after the helper is dead; whoever kills the tree must let it.
#[tokio::test]
async fn the_sandbox_helpers_keeper_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let cleaned = dir.path().join("cleaned");
    let keeper = format!(
        "while kill -0 $PPID_OF_HELPER 2>/dev/null; do sleep 0.01; done; echo > {}",
        cleaned.display()
    );
    let script =
        format!("export PPID_OF_HELPER=$$; setsid sh -c '{keeper}' >/dev/null 2>&1 & echo ready; wait");
    let mut request = sh(&script, false);
    request.arg0 = Some("codex-linux-sandbox".into());
    let session = Session::spawn(request).unwrap();
    until(&session, "ready\n").await;
    session.kill().await;
    assert_eq!(session.signal(), Some(9));
    wait_for(|| cleaned.exists()).await;
}

#[tokio::test]
async fn a_dropped_run_kills_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let pid_file = dir.path().join("pid");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; sleep 300", pid_file.display());
    let run = tokio::spawn(run_once(sh(&script, false), LONG));
    wait_for(|| pid_file.exists()).await;
    run.abort();
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    wait_for(|| is_gone(&pid)).await;
}

#[tokio::test]
async fn a_dropped_session_is_killed() {
    let session = Session::spawn(sh("echo $$; sleep 300", false)).unwrap();
    let pid = until(&session, "\n").await.trim().to_owned();
    drop(session);
    wait_for(|| is_gone(&pid)).await;
}

#[tokio::test]
async fn the_store_keeps_the_recent_and_evicts_the_ended_first() {
    let store = SessionStore::default();
    let ended = Arc::new(Session::spawn(sh("true", false)).unwrap());
    let first = store.insert(Arc::new(Session::spawn(sh("sleep 300", false)).unwrap()));
    let ended_id = store.insert(Arc::clone(&ended));
    ended.wait_exit().await;
    for _ in 2..MAX_SESSIONS {
        store.insert(Arc::new(Session::spawn(sh("sleep 300", false)).unwrap()));
    }
    store.insert(Arc::new(Session::spawn(sh("sleep 300", false)).unwrap()));
    assert!(store.get(ended_id).is_none());
    let oldest = store.get(first).unwrap();
    store.insert(Arc::new(Session::spawn(sh("sleep 300", false)).unwrap()));
    assert!(store.get(first).is_some(), "a used session stays");
    store.kill_all().await;
    assert!(store.get(first).is_none());
    assert!(oldest.has_exited());
}
