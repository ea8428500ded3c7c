//! Loading, compared with what the reference sent to its model after resuming the very same files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::path::Path;

use quire_protocol::{ContentItem, ResponseItem, Role};
use quire_store::{LoadError, Loaded, load};
use serde::Deserialize;

/// The model the reference was told to use; a session last run with another one was greeted with a model switch.
const CURRENT_MODEL: &str = "gpt-5.5";

/// Where we differ on purpose: shapes that no version ever wrote, which we tolerate (or do not) for simplicity's sake.
const DIFFERENT: [&str; 6] = [
    // A `source` and tools of unknown shape are kept instead of refusing the session.
    "source odd",
    "source number",
    "dynamic_tools odd",
    // A message with an unknown role is dropped.
    "bad items",
    // A line with the same key twice is dropped.
    "upper type? dup key",
    // A provider-side shell call with an unknown status is kept.
    "local_shell status weird",
];

#[derive(Deserialize)]
struct Table {
    /// All distinct lines.
    lines: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The file: indices into the table, joined by newlines.
    lines: Vec<usize>,
    /// Which refusal, if it was refused.
    refused: Option<String>,
    /// The history as the model saw it.
    #[serde(default)]
    history: Vec<String>,
    /// Whether the model knew its context (`told`), knew an outdated one (`moved`), or got all of it anew (`none`).
    context: Option<String>,
    #[serde(default)]
    model_switch: bool,
}

/// An item in short. Items of which the reference sends more than they hold are named by kind and call.
fn short(item: &ResponseItem) -> String {
    let ResponseItem::Message { role, content, .. } = item else {
        let value = serde_json::to_value(item).unwrap();
        let call = value.get("call_id").and_then(|id| id.as_str()).unwrap_or("None");
        return format!("{}:{call}", value["type"].as_str().unwrap());
    };
    let role = match role {
        Role::Developer => 'd',
        Role::User => 'u',
        Role::Assistant => 'a',
        Role::System => 's',
    };
    let parts: Vec<_> = content
        .iter()
        .map(|part| match part {
            ContentItem::InputText { text } | ContentItem::OutputText { text } => text.as_str(),
            ContentItem::InputImage { .. } => "<img>",
        })
        .collect();
    format!("{role}:{}", parts.join("|"))
}

fn load_text(text: impl AsRef<[u8]>) -> Result<Loaded, LoadError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rollout.jsonl");
    std::fs::write(&path, text).unwrap();
    load(&path)
}

fn check(case: &Case, lines: &[String]) -> Result<(), String> {
    let text = case.lines.iter().map(|line| lines[*line].as_str()).collect::<Vec<_>>().join("\n");
    let loaded = match (load_text(text), case.refused.as_deref()) {
        (Ok(loaded), None) => loaded,
        (Err(LoadError::Empty { .. }), Some("empty")) => return Ok(()),
        (Err(LoadError::NoMeta { .. }), Some("no meta")) => return Ok(()),
        (result, expected) => return Err(format!("{:?}, expected {expected:?}", result.map(|_| "loaded"))),
    };
    let history: Vec<_> = loaded.history.iter().map(short).collect();
    if history != case.history {
        return Err(format!("\n  history  {history:?}\n  expected {:?}", case.history));
    }
    let context = match &loaded.last_turn_context {
        None => "none",
        Some(context) if context.cwd == Path::new("/w/demo") => "told",
        Some(_) => "moved",
    };
    if Some(context) != case.context.as_deref() {
        return Err(format!("context {context}, expected {:?}", case.context));
    }
    let switch = loaded.previous_model.as_deref().is_some_and(|model| model != CURRENT_MODEL);
    if switch != case.model_switch {
        return Err(format!(
            "previous model {:?}, expected a switch: {}",
            loaded.previous_model, case.model_switch
        ));
    }
    Ok(())
}

#[test]
fn every_file_gives_the_history_the_reference_sent() {
    let table: Table = serde_json::from_str(include_str!("data/resume_cases.json")).unwrap();
    assert!(table.cases.len() > 200);
    let wrong: Vec<_> = table
        .cases
        .iter()
        .filter(|case| !DIFFERENT.contains(&case.name.as_str()))
        .filter_map(|case| check(case, &table.lines).err().map(|why| format!("{}: {why}", case.name)))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.cases.len(), wrong.join("\n"));
}

const META: &str = r#"{"timestamp":"t","type":"session_meta","payload":{"id":"01a1f834-b81e-7380-9af7-ff5a2bfcf253","timestamp":"t","cwd":"/w","originator":"o","cli_version":"v"}}"#;

fn message(role: &str, text: &str) -> String {
    let kind = if role == "assistant" { "output_text" } else { "input_text" };
    let text = serde_json::to_string(text).unwrap();
    format!(
        r#"{{"timestamp":"t","type":"response_item","payload":{{"type":"message","role":"{role}","content":[{{"type":"{kind}","text":{text}}}]}}}}"#
    )
}

fn texts(loaded: &Loaded) -> Vec<String> {
    loaded.history.iter().map(short).collect()
}

#[test]
fn a_line_of_broken_utf8_is_skipped_with_a_notice() {
    let one = message("user", "one");
    let mut broken = message("user", "bro").into_bytes();
    let at = broken.windows(3).position(|bytes| bytes == b"bro").unwrap();
    broken[at] = 0xff;
    let two = message("user", "two");
    let file = [META.as_bytes(), b"\n", one.as_bytes(), b"\n", &broken, b"\n\xff\n", two.as_bytes()];
    let loaded = load_text(file.concat()).unwrap();
    assert_eq!(texts(&loaded), ["u:one", "u:two"]);
    assert_eq!(loaded.notices.len(), 2);
    let at = META.len() + one.len() + 2;
    assert!(loaded.notices[0].contains(&format!("byte {at} is not valid UTF-8")), "{:?}", loaded.notices);
}

#[test]
fn a_byte_order_mark_spoils_the_meta_line() {
    let file = format!("\u{feff}{META}\n{}\n", message("user", "one"));
    assert!(matches!(load_text(file), Err(LoadError::NoMeta { .. })));
}

#[test]
fn a_torn_last_line_is_told_and_costs_nothing_else() {
    for torn in [
        &message("user", "two")[..40],
        r#"{"timestamp":"t","type":"event_msg","payload":{"type":"agent_mess"#,
    ] {
        let loaded = load_text(format!("{META}\n{}\n{torn}", message("user", "one"))).unwrap();
        assert_eq!(texts(&loaded), ["u:one"]);
        assert_eq!(loaded.notices.len(), 1, "{torn}");
    }
    let whole = load_text(format!("{META}\n{}", message("user", "one"))).unwrap();
    assert_eq!(texts(&whole), ["u:one"]);
    assert!(whole.notices.is_empty());
}

#[test]
fn notices_are_bounded() {
    let loaded = load_text(format!("{META}\n{}", "garbage\n".repeat(1000))).unwrap();
    assert_eq!(loaded.notices.len(), 21);
    assert!(loaded.notices[20].ends_with("980 more lines were skipped"), "{}", loaded.notices[20]);
}

#[test]
fn unknown_kinds_are_skipped_in_silence() {
    let file = format!(
        "{META}\n{}\n{}\n{}\n{}\n",
        r#"{"timestamp":"t","ordinal":1,"type":"world_state","payload":{}}"#,
        r#"{"timestamp":"t","type":"event_msg","payload":{"type":"error","message":"m"}}"#,
        r#"{"timestamp":"t","type":"response_item","payload":{"type":"ghost_snapshot","ghost_commit":{}}}"#,
        message("user", "one"),
    );
    let loaded = load_text(file).unwrap();
    assert_eq!(texts(&loaded), ["u:one"]);
    assert!(loaded.notices.is_empty(), "{:?}", loaded.notices);
}

#[test]
fn the_first_meta_line_wins_and_newer_keys_are_ignored() {
    let other =
        META.replace("f253", "f2aa").replace("\"cwd\":\"/w\"", "\"cwd\":\"/other\",\"session_id\":\"x\"");
    let patch = META
        .replace("\"o\"", "\"o\",\"base_instructions\":{\"text\":\"later\"},\"memory_mode\":\"disabled\"");
    let loaded = load_text(format!("{META}\n{other}\n{patch}\n{}\n", message("user", "one"))).unwrap();
    assert_eq!(loaded.meta.id.to_string(), "01a1f834-b81e-7380-9af7-ff5a2bfcf253");
    assert_eq!(loaded.meta.cwd, Path::new("/w"));
    assert_eq!(loaded.base_instructions, None);
    assert_eq!(loaded.meta.memory_mode, None);
}

#[test]
fn totals_and_the_first_message_are_found() {
    let tokens = |total: u64| {
        format!(
            r#"{{"timestamp":"t","type":"event_msg","payload":{{"type":"token_count","info":{{"total_token_usage":{{"input_tokens":0,"cached_input_tokens":0,"output_tokens":0,"reasoning_output_tokens":0,"total_tokens":{total}}},"last_token_usage":{{"input_tokens":0,"cached_input_tokens":0,"output_tokens":0,"reasoning_output_tokens":0,"total_tokens":1}},"model_context_window":null}},"rate_limits":null}}}}"#
        )
    };
    let said = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!(
            r#"{{"timestamp":"t","type":"event_msg","payload":{{"type":"user_message","message":{text}}}}}"#
        )
    };
    let empty = r#"{"timestamp":"t","type":"event_msg","payload":{"type":"token_count","info":null,"rate_limits":{"limit_id":"late","limit_name":null,"primary":null,"secondary":null,"credits":null,"plan_type":null,"rate_limit_reached_type":null}}}"#;
    let asked = said("intro\n## My request for Codex:\n  fix it \n");
    let file = [META, &tokens(1), &said("  "), &asked, &said("more"), &tokens(7), empty].join("\n");
    let loaded = load_text(file).unwrap();
    assert_eq!(loaded.token_info.unwrap().total_token_usage.total_tokens, 7);
    assert_eq!(loaded.rate_limits.unwrap().limit_id.as_deref(), Some("late"));
    assert_eq!(loaded.first_user_message.as_deref(), Some("fix it"));
}

#[test]
fn a_missing_file_is_named() {
    let error = load(Path::new("/nowhere/rollout.jsonl")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/rollout.jsonl"), "{error}");
}
