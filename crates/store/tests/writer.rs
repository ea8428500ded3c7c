//! Writing rollouts: shapes, places, failures, and that what is written is what is read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::future::Ready;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;
use proptest::prelude::*;
use quire_protocol::{
    Compacted, ContentItem, GitFacts, MessagePhase, ReasoningSummaryPart, ResponseItem, Role, RolloutEvent,
    RolloutItem, RolloutLine, SessionMeta, ToolOutput,
};
use quire_store::{Clock, RolloutWriter, StoreError, load};
use tempfile::TempDir;

struct Fixed;

impl Clock for Fixed {
    fn unix_ms(&self) -> i64 {
        1_795_165_567_095 // 2026-11-20T09:06:07.095Z
    }

    fn zone(&self) -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(-10))
    }
}

fn meta() -> SessionMeta {
    serde_json::from_str(
        r#"{"id":"01a1f834-b81e-7380-9af7-ff5a2bfcf253","timestamp":"2026-11-20T09:06:07.006Z","cwd":"/w/demo",
            "originator":"acme-ide","cli_version":"0.136.0","source":"vscode","model_provider":"parity",
            "base_instructions":{"text":"be kind"}}"#,
    )
    .unwrap()
}

fn create(home: &TempDir) -> RolloutWriter {
    RolloutWriter::create(home.path(), meta(), Arc::new(Fixed))
}

fn said(text: &str) -> RolloutItem {
    RolloutItem::ResponseItem(ResponseItem::message(Role::User, text))
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn nothing_is_on_disk_until_something_is_said() {
    let home = tempfile::tempdir().unwrap();
    let writer = create(&home);
    writer.sync().await.unwrap();
    writer.append(vec![RolloutItem::EventMsg(RolloutEvent::Other)]).await.unwrap();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    // Local time in the path: ten hours behind UTC, it is still the 19th.
    let expected =
        "sessions/2026/11/19/rollout-2026-11-19T23-06-07-01a1f834-b81e-7380-9af7-ff5a2bfcf253.jsonl";
    assert_eq!(writer.path(), home.path().join(expected));
    writer.append(vec![said("hello")]).await.unwrap();
    assert_eq!(lines(writer.path()).len(), 2);
    writer.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_empty_append_makes_the_file() {
    let home = tempfile::tempdir().unwrap();
    let writer = create(&home);
    writer.append(Vec::new()).await.unwrap();
    assert_eq!(lines(writer.path()).len(), 1);
}

#[tokio::test]
async fn transcripts_are_for_the_owner_alone() {
    let home = tempfile::tempdir().unwrap();
    let writer = create(&home);
    writer.append(vec![said("secret")]).await.unwrap();
    assert_eq!(mode(writer.path()), 0o600);
    for directory in writer.path().ancestors().skip(1).take(4) {
        assert_eq!(mode(directory), 0o700, "{}", directory.display());
    }
}

#[tokio::test]
async fn lines_have_the_shape_of_the_reference() {
    // The worked example of the rollout sheet, §5.
    let golden = include_str!("data/worked_example.jsonl");
    let home = tempfile::tempdir().unwrap();
    let mut items: Vec<RolloutItem> =
        golden.lines().map(|line| serde_json::from_str::<RolloutLine>(line).unwrap().item).collect();
    let RolloutItem::SessionMeta(meta) = items.remove(0) else {
        panic!("the example starts with a meta line")
    };
    let writer = RolloutWriter::create(home.path(), meta, Arc::new(Fixed));
    writer.append(items).await.unwrap();
    writer.shutdown().await.unwrap();
    let written = lines(writer.path());
    let expected: Vec<_> = golden.lines().collect();
    assert_eq!(written.len(), expected.len());
    for (written, expected) in written.iter().zip(expected) {
        assert_eq!(written, expected);
    }
}

#[tokio::test]
async fn git_is_asked_right_before_the_first_line() {
    let home = tempfile::tempdir().unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&asked);
    let facts = async move {
        flag.store(true, Ordering::SeqCst);
        Some(GitFacts { branch: Some("main".to_owned()), ..GitFacts::default() })
    };
    let writer = RolloutWriter::create_with_facts(home.path(), meta(), Arc::new(Fixed), Some(facts));
    writer.sync().await.unwrap();
    assert!(!asked.load(Ordering::SeqCst));
    writer.append(vec![said("hello")]).await.unwrap();
    assert!(
        lines(writer.path())[0]
            .ends_with(r#""base_instructions":{"text":"be kind"},"git":{"branch":"main"}}}"#)
    );
}

#[tokio::test]
async fn unknown_kinds_are_not_stored() {
    let home = tempfile::tempdir().unwrap();
    let writer = create(&home);
    let replacement = vec![ResponseItem::message(Role::User, "kept"), ResponseItem::Other];
    writer
        .append(vec![
            RolloutItem::ResponseItem(ResponseItem::Other),
            RolloutItem::Compacted(Compacted {
                message: "m".to_owned(),
                replacement_history: Some(replacement),
            }),
            RolloutItem::EventMsg(RolloutEvent::Other),
        ])
        .await
        .unwrap();
    let lines = lines(writer.path());
    assert_eq!(lines.len(), 2);
    assert!(!lines[1].contains("other"), "{}", lines[1]);
}

#[tokio::test]
async fn a_torn_line_is_ended_and_nothing_new_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let writer = create(&home);
    writer.append(vec![said("one"), said("two")]).await.unwrap();
    writer.shutdown().await.unwrap();
    let path = writer.path().to_owned();
    let whole = std::fs::read(&path).unwrap();
    // Cut in the middle of a line, and right before its end.
    for (cut, survivors) in
        [(whole.len() - 20, vec!["one", "three"]), (whole.len() - 1, vec!["one", "two", "three"])]
    {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let writer = RolloutWriter::resume(path.clone(), Arc::new(Fixed));
        writer.append(vec![said("three")]).await.unwrap();
        writer.shutdown().await.unwrap();
        let expected: Vec<_> =
            survivors.iter().map(|text| ResponseItem::message(Role::User, *text)).collect();
        assert_eq!(load(&path).unwrap().history, expected, "cut at {cut}");
    }
}

#[test]
fn appenders_at_once_break_no_line() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("shared.jsonl");
    std::fs::write(
        &path,
        format!(
            "{{\"timestamp\":\"t\",\"type\":\"session_meta\",\"payload\":{}}}\n",
            serde_json::to_string(&meta()).unwrap()
        ),
    )
    .unwrap();
    std::thread::scope(|scope| {
        for appender in 0..4 {
            let path = path.clone();
            scope.spawn(move || {
                runtime().block_on(async {
                    let writer = RolloutWriter::resume(path, Arc::new(Fixed));
                    for number in 0..50 {
                        // Of many lengths, some larger than a page.
                        let text = format!("{appender}-{number}-{}", "x".repeat(number * 199));
                        writer.append(vec![said(&text), said("short")]).await.unwrap();
                    }
                    writer.shutdown().await.unwrap();
                });
            });
        }
    });
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.notices, Vec::<String>::new());
    assert_eq!(loaded.history.len(), 4 * 50 * 2);
}

#[tokio::test]
async fn a_home_that_cannot_be_written_is_named() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("sessions"), "in the way").unwrap();
    let writer = create(&home);
    let error = writer.append(vec![said("one")]).await.unwrap_err();
    assert!(matches!(error, StoreError::CreateDirectory { .. }), "{error}");
    assert!(
        error.to_string().contains(&home.path().join("sessions/2026/11/19").display().to_string()),
        "{error}"
    );
    // Once the way is free, nothing is missing.
    std::fs::remove_file(home.path().join("sessions")).unwrap();
    writer.append(vec![said("two")]).await.unwrap();
    let history = load(writer.path()).unwrap().history;
    assert_eq!(history, [ResponseItem::message(Role::User, "one"), ResponseItem::message(Role::User, "two")]);
}

#[tokio::test]
async fn after_shutdown_nothing_is_taken() {
    let home = tempfile::tempdir().unwrap();
    let writer = create(&home);
    writer.append(vec![said("one")]).await.unwrap();
    writer.shutdown().await.unwrap();
    assert!(matches!(writer.append(vec![said("two")]).await, Err(StoreError::Closed { .. })));
    assert!(matches!(writer.shutdown().await, Err(StoreError::Closed { .. })));
}

#[test]
fn a_caller_that_stops_waiting_does_not_stop_the_write() {
    let home = tempfile::tempdir().unwrap();
    let path: PathBuf = runtime().block_on(async {
        let writer = create(&home);
        let path = writer.path().to_owned();
        for number in 0..20 {
            // Given to the writer, but nobody waits for the answer.
            let append = writer.append(vec![said(&number.to_string())]);
            poll_once(append).await;
        }
        writer.shutdown().await.unwrap();
        path
    });
    assert_eq!(load(&path).unwrap().history.len(), 20);
}

/// Polls a future once and drops it.
async fn poll_once<F: Future>(future: F) {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        let _ = future.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn any_item() -> impl Strategy<Value = ResponseItem> {
    let text = any::<String>();
    let phase =
        prop_oneof![Just(None), Just(Some(MessagePhase::Commentary)), Just(Some(MessagePhase::FinalAnswer))];
    prop_oneof![
        text.prop_map(|text| ResponseItem::message(Role::User, text)),
        text.prop_map(|text| ResponseItem::message(Role::Developer, text)),
        (text, phase).prop_map(|(text, phase)| ResponseItem::Message {
            id: None,
            role: Role::Assistant,
            content: vec![ContentItem::OutputText { text }],
            phase
        }),
        (text, any::<Option<String>>()).prop_map(|(text, encrypted_content)| {
            ResponseItem::Reasoning {
                id: None,
                summary: vec![ReasoningSummaryPart::SummaryText { text }],
                content: None,
                encrypted_content,
            }
        }),
        (text, text).prop_map(|(arguments, call_id)| ResponseItem::FunctionCall {
            id: None,
            name: "exec_command".to_owned(),
            namespace: None,
            arguments,
            call_id
        }),
        (text, text).prop_map(|(call_id, output)| ResponseItem::FunctionCallOutput {
            call_id,
            output: ToolOutput::Text(output)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_what_is_read(
        history in proptest::collection::vec(any_item(), 0..20),
        batch in 1_usize..5,
    ) {
        let home = tempfile::tempdir().unwrap();
        let path = runtime().block_on(async {
            let writer = RolloutWriter::create_with_facts(home.path(), meta(), Arc::new(Fixed), None::<Ready<_>>);
            writer.append(Vec::new()).await.unwrap();
            for items in history.chunks(batch) {
                writer.append(items.iter().cloned().map(RolloutItem::ResponseItem).collect()).await.unwrap();
            }
            writer.shutdown().await.unwrap();
            writer.path().to_owned()
        });
        let loaded = load(&path).unwrap();
        prop_assert_eq!(loaded.history, history);
        prop_assert_eq!(loaded.meta, meta());
        prop_assert_eq!(loaded.notices, Vec::<String>::new());
    }
}
