//! Killed at any instant, a thread resumes with everything that was announced (ARCHITECTURE, invariant 9).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{World, call, finish, payloads, run, say, stored};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Instants that are tried.
const KILLS: usize = 200;
/// Runs that go on at the same time.
const WORKERS: usize = 2;
/// The first prompt.
const PROMPT: &str = "look, plan, write";

/// When a run is killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    Never,
    After(Duration),
    /// As soon as that many lines were read: an announcement is fresh, a record that follows it would be missing.
    AtLine(usize),
}

/// Thinks, speaks, reads twice, plans, changes a file, reads it, sums up.
fn script() -> Value {
    let plan = json!({"plan": [{"step": "edit it", "status": "in_progress"}]});
    let read = |cmd: &str| json!({"cmd": cmd, "login": false});
    let patch = "*** Begin Patch\n*** Add File: n.txt\n+added line\n*** End Patch";
    json!({
        "turns": [
            {"events": [
                {"reason": "**Look** around"},
                {"say": "I will look first."},
                {"call": {"name": "exec_command", "arguments": read("cat a.txt"), "call_id": "c1"}},
                {"call": {"name": "exec_command", "arguments": read("echo two; ls"), "call_id": "c2"}}
            ]},
            call("update_plan", &plan, "c3"),
            {"events": [{"custom": {"name": "apply_patch", "input": patch, "call_id": "c4"}}]},
            run("cat n.txt", "c5"),
            say("Done."),
        ],
        "after_last": "repeat_last"
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_announced_survives_a_kill_at_any_instant() {
    let started = Instant::now();
    let whole = Attempt::run(Kill::Never).await;
    let whole_run = started.elapsed();
    let lines = whole.announced.len();
    assert_eq!(whole.check("the whole run"), 8, "{:#?}", whole.announced);

    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            tokio::spawn(async move {
                let mut resumed = 0;
                for n in (worker..KILLS).step_by(WORKERS) {
                    // Half of the instants are spread over the run and a little beyond its usual end.
                    let kill = if (n / WORKERS).is_multiple_of(2) {
                        Kill::After(whole_run.mul_f64(n as f64 / KILLS as f64 * 1.1))
                    } else {
                        Kill::AtLine(1 + n / (2 * WORKERS) % lines)
                    };
                    let attempt = Attempt::run(kill).await;
                    attempt.check(&format!("{kill:?}"));
                    resumed += usize::from(attempt.resume(kill).await);
                }
                resumed
            })
        })
        .collect();
    let mut resumed = 0;
    for worker in workers {
        resumed += worker.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
    }
    // At least the runs that were killed behind the first announcement.
    assert!(resumed >= KILLS / 2 - KILLS / lines, "only {resumed} threads were there to be resumed");
}

/// The binary for a person without a profile: hundreds of runs must not start somebody's real one.
fn command(world: &World, args: &[&str]) -> tokio::process::Command {
    let mut command = world.command(args);
    command.env("HOME", &world.project);
    command
}

/// A run that was killed, and what it had said by then.
struct Attempt {
    world: World,
    announced: Vec<Value>,
}

impl Attempt {
    async fn run(kill: Kill) -> Self {
        let world = World::new(script()).await;
        std::fs::write(world.project.join("a.txt"), "first file\n").unwrap();
        let mut child =
            command(&world, &["exec", "--json", "-s", "workspace-write", PROMPT]).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut announced = Vec::new();
        let reading = async {
            // What is cut off at the end is no line, and nothing that was announced.
            while let Some(line) = lines.next_line().await.unwrap() {
                announced.extend(serde_json::from_str::<Value>(&line));
                if matches!(kill, Kill::AtLine(number) if number == announced.len()) {
                    return;
                }
            }
        };
        let limit = if let Kill::After(after) = kill { after } else { support::LIMIT };
        let reached = tokio::time::timeout(limit, reading).await;
        assert!(reached.is_ok() || matches!(kill, Kill::After(_)), "{kill:?}: the run hangs: {announced:#?}");
        if !matches!(kill, Kill::Never) {
            child.start_kill().unwrap();
        }
        while let Some(line) = lines.next_line().await.unwrap() {
            announced.extend(serde_json::from_str::<Value>(&line));
        }
        tokio::time::timeout(support::LIMIT, child.wait()).await.unwrap().unwrap();
        Self { world, announced }
    }

    fn items(&self, event: &str) -> impl Iterator<Item = &Value> {
        self.announced.iter().filter(move |line| line["type"] == event).map(|line| &line["item"])
    }

    fn thread_id(&self) -> Option<&str> {
        self.announced.first()?["thread_id"].as_str()
    }

    /// Everything announced is on disk. Tells how many items ended.
    fn check(&self, kill: &str) -> usize {
        let rollouts = self.world.rollouts();
        let lines = rollouts.first().map(|rollout| stored(rollout)).unwrap_or_default();
        let mut ended = 0;
        for item in self.items("item.completed") {
            assert!(is_stored(item, &lines), "{kill}: {item} ended, but is not in\n{}", text(&lines));
            ended += 1;
        }
        for item in self.items("item.started") {
            assert!(is_begun(item, &lines), "{kill}: {item} began, but is not in\n{}", text(&lines));
        }
        for (event, kind) in [("turn.started", "task_started"), ("turn.completed", "task_complete")] {
            let announced = self.announced.iter().any(|line| line["type"] == event);
            assert!(
                !announced || payloads(&lines, kind).next().is_some(),
                "{kill}: no {kind} in\n{}",
                text(&lines)
            );
        }
        ended
    }

    /// Resumes the thread, if there is one, and sees that the model is told of everything that was announced.
    async fn resume(&self, kill: Kill) -> bool {
        let (Some(id), false) = (self.thread_id(), self.world.rollouts().is_empty()) else {
            assert_eq!(self.announced.len().saturating_sub(1), 0, "{kill:?}: items without a rollout");
            return false;
        };
        let asked = self.world.model.sampling_requests().len();
        let ran =
            finish(command(&self.world, &["exec", "--json", "resume", id, "go on"]).spawn().unwrap()).await;
        ran.assert_code(0);
        assert_eq!(ran.shape().last().unwrap(), "turn.completed", "{kill:?}");
        let told = self.world.request(asked)["input"].clone();
        for item in self.items("item.completed") {
            assert!(is_told(item, &told), "{kill:?}: the model does not learn of {item} from\n{told:#}");
        }
        if self.items("item.completed").next().is_some() {
            assert!(told.to_string().contains(PROMPT), "{kill:?}: {told:#}");
        }
        assert_eq!(self.world.rollouts().len(), 1, "{kill:?}: the thread goes on in its file");
        true
    }
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Whether the log holds an item that ended, output and all.
fn is_stored(item: &Value, lines: &[Value]) -> bool {
    let has = |kind, field: &str, text: &Value| {
        payloads(lines, kind).any(|payload| holds(&payload[field], text.as_str().unwrap()))
    };
    match item["type"].as_str().unwrap() {
        "agent_message" => {
            has("agent_message", "message", &item["text"]) && has("message", "content", &item["text"])
        }
        "reasoning" => {
            has("agent_reasoning", "text", &item["text"]) && has("reasoning", "summary", &item["text"])
        }
        "command_execution" => has("function_call_output", "output", &item["aggregated_output"]),
        "file_change" => {
            has("patch_apply_end", "changes", &item["changes"][0]["path"])
                && has("custom_tool_call_output", "output", &json!("A n.txt"))
        }
        "todo_list" => is_begun(item, lines) && has("function_call_output", "output", &json!("Plan updated")),
        other => panic!("unexpected item {other}"),
    }
}

/// Whether the log holds the call of an item that began.
fn is_begun(item: &Value, lines: &[Value]) -> bool {
    let called = |kind, field: &str, text: &str| {
        payloads(lines, kind).any(|payload| payload[field].as_str().unwrap().contains(text))
    };
    match item["type"].as_str().unwrap() {
        "command_execution" => {
            let command = item["command"].as_str().unwrap();
            ["cat a.txt", "echo two; ls", "cat n.txt"]
                .iter()
                .any(|cmd| command.contains(cmd) && called("function_call", "arguments", cmd))
        }
        "file_change" => called("custom_tool_call", "input", "n.txt"),
        // A plan is what its call says; the answer to the model may still be on its way.
        "todo_list" => called("function_call", "arguments", item["items"][0]["text"].as_str().unwrap()),
        other => panic!("unexpected item {other}"),
    }
}

/// Whether a request's input tells the model of an item.
fn is_told(item: &Value, input: &Value) -> bool {
    let has = |kind: &str, text: &str| {
        input.as_array().unwrap().iter().any(|part| part["type"] == kind && holds(part, text))
    };
    match item["type"].as_str().unwrap() {
        "agent_message" => has("message", item["text"].as_str().unwrap()),
        "command_execution" => has("function_call_output", item["aggregated_output"].as_str().unwrap()),
        "file_change" => has("custom_tool_call_output", "A n.txt"),
        "reasoning" => has("reasoning", item["text"].as_str().unwrap()),
        "todo_list" => has("function_call", item["items"][0]["text"].as_str().unwrap()),
        other => panic!("unexpected item {other}"),
    }
}

/// Whether a text is somewhere in a value. An empty one is nowhere: it would prove nothing.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(held) => !text.is_empty() && held.contains(text),
        Value::Array(held) => held.iter().any(|held| holds(held, text)),
        Value::Object(held) => held.iter().any(|(key, held)| key == text || holds(held, text)),
        _ => false,
    }
}
