//! Reading backwards must be cheap, and must find what reading everything finds.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

const META: &str = r#"{"timestamp":"t","type":"session_meta","payload":{"id":"01a1f834-b81e-7380-9af7-ff5a2bfcf253","timestamp":"t","cwd":"/w","originator":"o","cli_version":"v"}}"#;

fn line(kind: &str, payload: &str) -> String {
    format!(r#"{{"timestamp":"2026-11-20T09:06:07.095Z","type":"{kind}","payload":{payload}}}"#)
}

fn message(role: &str, text: &str) -> String {
    let part = if role == "assistant" { "output_text" } else { "input_text" };
    line(
        "response_item",
        &format!(r#"{{"type":"message","role":"{role}","content":[{{"type":"{part}","text":"{text}"}}]}}"#),
    )
}

fn started(turn: u8) -> String {
    line("event_msg", &format!(r#"{{"type":"task_started","turn_id":"t{turn}","model_context_window":1}}"#))
}

fn context(turn: u8, model: u8) -> String {
    line(
        "turn_context",
        &format!(
            r#"{{"turn_id":"t{turn}","cwd":"/w","approval_policy":"never","sandbox_policy":{{"type":"danger-full-access"}},"model":"m{model}"}}"#
        ),
    )
}

fn compacted(texts: &[&str]) -> String {
    let items: Vec<_> = texts
        .iter()
        .map(|text| {
            format!(
                r#"{{"type":"message","role":"user","content":[{{"type":"input_text","text":"{text}"}}]}}"#
            )
        })
        .collect();
    line("compacted", &format!(r#"{{"message":"S","replacement_history":[{}]}}"#, items.join(",")))
}

fn tokens(total: u64) -> String {
    let usage = |total| {
        format!(
            r#"{{"input_tokens":0,"cached_input_tokens":0,"output_tokens":0,"reasoning_output_tokens":0,"total_tokens":{total}}}"#
        )
    };
    line(
        "event_msg",
        &format!(
            r#"{{"type":"token_count","info":{{"total_token_usage":{},"last_token_usage":{},"model_context_window":null}},"rate_limits":null}}"#,
            usage(total),
            usage(1)
        ),
    )
}

/// Counts what is read.
struct Counting<R> {
    inner: R,
    read: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Counting<R> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

/// A session of more than 50 MB: turns with a large tool output each, compacted every 200 turns.
fn long_session(compactions: bool) -> String {
    let output = "x".repeat(20_000);
    let mut file = format!("{META}\n");
    for turn in 0..2500_u32 {
        let short = (turn % 250) as u8;
        let lines = [
            started(short),
            context(short, 1),
            message("user", &format!("U{turn}")),
            line("event_msg", &format!(r#"{{"type":"user_message","message":"U{turn}"}}"#)),
            line(
                "response_item",
                &format!(
                    r#"{{"type":"function_call","name":"exec_command","arguments":"{{}}","call_id":"c{turn}"}}"#
                ),
            ),
            line(
                "response_item",
                &format!(r#"{{"type":"function_call_output","call_id":"c{turn}","output":"{output}"}}"#),
            ),
            tokens(u64::from(turn)),
            line(
                "event_msg",
                &format!(r#"{{"type":"task_complete","turn_id":"t{short}","last_agent_message":null}}"#),
            ),
        ];
        file.extend(lines.iter().flat_map(|line| [line, "\n"]));
        if compactions && turn % 200 == 199 {
            let lines = [started(251), compacted(&["U", "summary"]), tokens(u64::from(turn))];
            file.extend(lines.iter().flat_map(|line| [line, "\n"]));
        }
    }
    file
}

#[test]
fn of_a_long_session_only_the_end_is_read() {
    let file = long_session(true);
    assert!(file.len() > 50_000_000);
    let mut source = Counting { inner: Cursor::new(file.as_bytes()), read: 0 };
    let loaded = load_from(&mut source, Path::new("long")).unwrap();
    // Two messages from the compaction, three items for each of the 100 turns since.
    assert_eq!(loaded.history.len(), 2 + 100 * 3);
    assert_eq!(loaded.token_info.unwrap().total_token_usage.total_tokens, 2499);
    assert_eq!(loaded.last_turn_context.unwrap().turn_id, Some(TurnId::new("t249")));
    assert_eq!(loaded.first_user_message.as_deref(), Some("U0"));
    // The 100 turns are 2 MB; they are read twice, once each way.
    assert!(source.read < 6_000_000, "read {} bytes", source.read);
}

#[test]
fn a_session_without_compaction_is_read_whole() {
    let file = long_session(false);
    let mut source = Counting { inner: Cursor::new(file.as_bytes()), read: 0 };
    let loaded = load_from(&mut source, Path::new("long")).unwrap();
    assert_eq!(loaded.history.len(), 2500 * 3);
    assert!(source.read < 2 * file.len() as u64 + 1_000_000, "read {} bytes", source.read);
}

#[test]
fn facts_far_behind_the_compaction_are_given_up() {
    // The only settings lie further back than is looked for them.
    let filler = format!("{}\n", message("assistant", &"x".repeat(1_000_000)));
    let file = format!(
        "{META}\n{}\n{}\n{}\n{}\n{}{}\n",
        started(1),
        context(1, 7),
        line("event_msg", r#"{"type":"user_message","message":"U1"}"#),
        line("event_msg", r#"{"type":"task_complete","turn_id":"t1","last_agent_message":null}"#),
        filler.repeat(LOOK_BACK as usize / 1_000_000 + 3),
        [started(2), compacted(&["U"])].join("\n"),
    );
    let mut source = Counting { inner: Cursor::new(file.as_bytes()), read: 0 };
    let loaded = load_from(&mut source, Path::new("far")).unwrap();
    assert_eq!((loaded.history.len(), loaded.previous_model), (1, None));
    assert!(source.read < file.len() as u64, "read {} of {} bytes", source.read, file.len());
}

/// Lines as they may stand in a file, in good and bad shape.
fn any_line() -> impl Strategy<Value = String> {
    let turn = 0_u8..3;
    prop_oneof![
        3 => turn.clone().prop_map(started),
        2 => (turn.clone(), 0_u8..3).prop_map(|(turn, model)| context(turn, model)),
        3 => turn.clone().prop_map(|turn| message("user", &format!("U{turn}"))),
        1 => Just(message("user", "<skill>s</skill>")),
        1 => Just(message("developer", "<model_switch>m</model_switch>")),
        2 => turn.clone().prop_map(|turn| message("assistant", &format!("A{turn}"))),
        1 => turn.clone().prop_map(|turn| line("event_msg", &format!(r#"{{"type":"user_message","message":"U{turn}"}}"#))),
        2 => turn.clone().prop_map(|turn| line("event_msg", &format!(r#"{{"type":"task_complete","turn_id":"t{turn}"}}"#))),
        1 => turn.clone().prop_map(|turn| line("event_msg", &format!(r#"{{"turn_id":"t{turn}","reason":"interrupted","type":"turn_aborted"}}"#))),
        2 => Just(compacted(&["C1", "C2"])),
        1 => Just(line("compacted", r#"{"message":"old"}"#)),
        2 => turn.prop_map(|turns| line("event_msg", &format!(r#"{{"type":"thread_rolled_back","num_turns":{turns}}}"#))),
        1 => (0_u64..9).prop_map(tokens),
        1 => Just(r#"{"type":"response_item","payload":{"role":"user","content":[],"type":"message"},"timestamp":"t"}"#.to_owned()),
        1 => Just(line("event_msg", r#"{"num_turns":1,"type":"thread_rolled_back"}"#)),
        1 => Just(line("response_item", r#"{"type":"message","role":"robot","content":[]}"#)),
        1 => Just(r#"{"timestamp":"t","type":"event_msg","payload":{"type":"task_started","turn"#.to_owned()),
        1 => Just("garbage".to_owned()),
        1 => Just("  \r".to_owned()),
        1 => Just(META.to_owned()),
    ]
}

/// The same facts without any shortcut: every line is parsed, none is dismissed, all are read.
fn outline_of_everything(file: &str) -> Outline {
    let mut outline = Outline::default();
    let mut end = file.len() as u64;
    for line in file.split_inclusive('\n').rev() {
        if let Ok(item) = parse(line.trim().as_bytes()) {
            outline.take(item, end);
        }
        end -= line.len() as u64;
    }
    outline.end_turn();
    outline
}

fn replay_of_everything(file: &str, outline: &Outline) -> Replay {
    let mut replay = Replay::default();
    replay.replace(outline.base.clone().unwrap_or_default());
    for line in file[outline.replay_from as usize..].lines() {
        if let Ok(item) = parse(line.trim().as_bytes()) {
            replay.apply(item);
        }
    }
    replay
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn shortcuts_change_nothing(lines in proptest::collection::vec(any_line(), 0..40), torn in any::<bool>()) {
        let mut file = format!("{META}\n{}", lines.join("\n"));
        if !torn {
            file.push('\n');
        }
        let loaded = load_from(Cursor::new(file.as_bytes()), Path::new("any")).unwrap();
        let outline = outline_of_everything(&file);
        let replay = replay_of_everything(&file, &outline);
        let context = match outline.context {
            Context::Told(context) if !replay.condensed_without_replacement => Some(*context),
            _ => None,
        };
        prop_assert_eq!(loaded.history, replay.history);
        prop_assert_eq!(loaded.last_turn_context, context);
        prop_assert_eq!(loaded.previous_model, outline.previous_model);
        prop_assert_eq!(loaded.token_info, outline.token_info);
    }
}

fn goal(thread: &str, tokens: u64) -> String {
    line(
        "event_msg",
        &format!(
            r#"{{"type":"thread_goal_updated","threadId":"{thread}","turnId":"t1","goal":{{"threadId":"{thread}","objective":"o","status":"budgetLimited","tokensUsed":{tokens},"timeUsedSeconds":0,"createdAt":1,"updatedAt":2}}}}"#
        ),
    )
}

#[test]
fn the_last_goal_of_this_thread_holds() {
    let head: SessionMeta =
        serde_json::from_value(serde_json::from_str::<serde_json::Value>(META).unwrap()["payload"].clone())
            .unwrap();
    let own = head.id.to_string();
    let file =
        [META.to_owned(), started(1), goal(&own, 1), goal(&own, 2), message("user", "U"), String::new()];
    let loaded = load_from(Cursor::new(file.join("\n")), Path::new("r.jsonl")).unwrap();
    assert_eq!(loaded.goal.map(|goal| goal.tokens_used), Some(2));
    let parent = "01a1f892-0408-77c3-bcb5-000000000000";
    let fork = [META.to_owned(), started(1), goal(parent, 1), message("user", "U"), String::new()];
    let loaded = load_from(Cursor::new(fork.join("\n")), Path::new("r.jsonl")).unwrap();
    assert_eq!(loaded.goal, None);
}
