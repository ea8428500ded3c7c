//! What a run looks like, told by recorded runs: the same notifications in, the same lines out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::path::PathBuf;

use quire_appserver_protocol::ServerNotification;
use quire_exec::human::{self, Reasoning};
use quire_exec::jsonl;

const RUNS: [&str; 6] = ["tools", "refused", "busy", "retry", "silent", "search"];

fn data(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn notifications(run: &str) -> Vec<ServerNotification> {
    data(&format!("{run}.notifications.jsonl"))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

fn transcript(run: &str, coloured: bool) -> String {
    let mut projection = human::Projection::new(coloured, Reasoning::Summary);
    notifications(run).iter().map(|notification| projection.apply(notification)).collect()
}

#[test]
fn json_lines_of_recorded_runs() {
    for run in RUNS {
        let mut projection = jsonl::Projection::default();
        let thread = "01a1f892-0408-77c3-bcb5-6fb4c1b69cf6".parse().unwrap();
        let mut events = vec![projection.thread_started(thread)];
        for notification in notifications(run) {
            events.extend(projection.apply(&notification));
        }
        let lines: String = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
        assert_eq!(lines, data(&format!("{run}.exec.jsonl")), "{run}");
    }
}

#[test]
fn transcripts_of_recorded_runs() {
    for run in RUNS {
        assert_eq!(transcript(run, false), data(&format!("{run}.plain.txt")), "{run}");
        assert_eq!(transcript(run, true), data(&format!("{run}.colour.txt")), "{run} in colour");
    }
}

#[test]
fn thoughts_are_shown_as_configured() {
    let notification = r#"{"method":"item/completed","params":{"item":{"type":"reasoning","id":"r","summary":["short"],
        "content":["long"]},"threadId":"01a1f892-0408-77c3-bcb5-6fb4c1b69cf6","turnId":"t","completedAtMs":1}}"#;
    let notification: ServerNotification = serde_json::from_str(notification).unwrap();
    let shown = |reasoning| human::Projection::new(false, reasoning).apply(&notification);
    assert_eq!(shown(Reasoning::Summary), "short\n");
    assert_eq!(shown(Reasoning::Raw), "long\n");
    assert_eq!(shown(Reasoning::Hidden), "");
}

#[test]
fn output_without_a_newline_gets_one() {
    let item = |state: &str, output: &str, code: &str| {
        format!(
            r#"{{"method":"item/completed","params":{{"item":{{"type":"commandExecution","id":"c","command":"x","cwd":"/w",
            "processId":null,"source":"agent","status":"{state}","commandActions":[],"aggregatedOutput":{output},
            "exitCode":{code},"durationMs":1705}},"threadId":"01a1f892-0408-77c3-bcb5-6fb4c1b69cf6","turnId":"t",
            "completedAtMs":1}}}}"#
        )
    };
    let shown = |text: String| human::Projection::default().apply(&serde_json::from_str(&text).unwrap());
    assert_eq!(shown(item("completed", r#""abc""#, "0")), " succeeded in 1705ms:\nabc\n");
    assert_eq!(shown(item("completed", r#""""#, "0")), " succeeded in 1705ms:\n");
    assert_eq!(shown(item("failed", r#""a\n""#, "3")), " exited 3 in 1705ms:\na\n\n");
}

#[test]
fn agent_calls_are_lines() {
    let (parent, child) = ("01a1f892-0408-77c3-bcb5-6fb4c1b69cf6", "01a1f8d1-5c11-74e3-b61f-8e9615430ca9");
    let notification = |method: &str,
                        time: &str,
                        tool: &str,
                        status: &str,
                        states: &str|
     -> ServerNotification {
        let text = format!(
            r#"{{"method":"item/{method}","params":{{"item":{{"type":"collabAgentToolCall","id":"c1","tool":"{tool}",
            "status":"{status}","senderThreadId":"{parent}","receiverThreadIds":["{child}"],"prompt":null,"model":null,
            "reasoningEffort":null,"agentsStates":{states}}},"threadId":"{parent}","turnId":"t","{time}":1}}}}"#
        );
        serde_json::from_str(&text).unwrap()
    };
    let state = format!(r#"{{"{child}":{{"status":"pendingInit","message":null}}}}"#);
    let run = [
        notification("started", "startedAtMs", "resumeAgent", "inProgress", "{}"),
        notification("completed", "completedAtMs", "resumeAgent", "completed", &state),
    ];
    let mut projection = jsonl::Projection::default();
    let lines: Vec<_> = run
        .iter()
        .flat_map(|notification| projection.apply(notification))
        .map(|event| serde_json::to_string(&event).unwrap())
        .collect();
    // Taking an agent up again is told as waiting for it, as in the reference.
    let line = |event: &str, states: &str, status: &str| {
        format!(
            r#"{{"type":"item.{event}","item":{{"id":"item_0","type":"collab_tool_call","tool":"wait","sender_thread_id":"{parent}","receiver_thread_ids":["{child}"],"prompt":null,"agents_states":{states},"status":"{status}"}}}}"#
        )
    };
    let state = format!(r#"{{"{child}":{{"status":"pending_init","message":null}}}}"#);
    assert_eq!(lines, [line("started", "{}", "in_progress"), line("completed", &state, "completed")]);
    let mut human = human::Projection::new(false, Reasoning::Summary);
    let shown: String = run.iter().map(|notification| human.apply(notification)).collect();
    assert_eq!(shown, "collab: ResumeAgent\n");
}
