//! One home, two programs: a session begun by either is gone on with by the other, and nobody loses a word.
//!
//! Needs the reference binary: its path in `QUIRE_ORACLE`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.
#![cfg(unix)]

mod support;

use std::path::PathBuf;

use serde_json::{Value, json};
use support::{Ran, World, call, finish, payloads, run, say, skip, stored};
use tokio::process::Command;

/// The reference, if it is there.
fn reference(test: &str) -> Option<PathBuf> {
    let path = std::env::var_os("QUIRE_ORACLE").filter(|path| !path.is_empty()).map(PathBuf::from);
    if path.is_none() {
        skip(test, "no reference binary (QUIRE_ORACLE)");
    }
    path
}

fn ours() -> PathBuf {
    env!("CARGO_BIN_EXE_quire").into()
}

async fn play(world: &World, program: &PathBuf, args: &[&str]) -> Ran {
    let mut command = Command::new(program);
    let prepared = world.command(args);
    let prepared = prepared.as_std();
    command.args(prepared.get_args()).current_dir(&world.project).kill_on_drop(true);
    for (name, value) in prepared.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let piped = std::process::Stdio::piped;
    command.stdin(std::process::Stdio::null()).stdout(piped()).stderr(piped());
    finish(command.spawn().unwrap()).await
}

/// A turn that thinks, runs a command, plans, changes a file and speaks; then answers of one line.
fn script() -> Value {
    let plan = json!({"plan": [{"step": "a", "status": "completed"}]});
    let patch = "*** Begin Patch\n*** Add File: n.txt\n+one\n*** End Patch";
    let mut turns = vec![
        json!({"events": [
            {"reason": "**Think**", "encrypted": "BLOB"},
            {"say": "First I look."},
            {"call": {"name": "exec_command", "arguments": {"cmd": "echo seen", "login": false}, "call_id": "c1"}}
        ]}),
        call("update_plan", &plan, "c2"),
        json!({"events": [{"custom": {"name": "apply_patch", "input": patch, "call_id": "c3"}}]}),
        run("exit 3", "c4"),
    ];
    turns.extend((0..8).map(|n| say(&format!("answer {n}"))));
    json!(turns)
}

/// What was said and done, as the model is told of it: without what each program adds of its own.
fn conversation(input: &Value) -> Vec<Value> {
    let own = |item: &Value| {
        let text = item["content"][0]["text"].as_str().unwrap_or_default();
        item["role"] == "developer" || text.starts_with("<environment_context>")
    };
    input.as_array().unwrap().iter().filter(|item| !own(item)).cloned().collect()
}

/// Begun by one, gone on with by the other, or by the same: the model is told the same.
#[tokio::test]
async fn the_other_program_tells_the_model_the_same() {
    let Some(reference) = reference("the_other_program_tells_the_model_the_same") else { return };
    for (first, second) in [(ours(), reference.clone()), (reference, ours())] {
        let mut told = Vec::new();
        for then in [&first, &second] {
            let world = World::new(script()).await;
            let ran = play(&world, &first, &["exec", "--json", "-s", "workspace-write", "look around"]).await;
            let id = ran.assert_code(0).thread_id();
            let ran = play(&world, then, &["exec", "--json", "resume", &id, "go on"]).await;
            assert_eq!(ran.assert_code(0).thread_id(), id);
            let usage = ran.events().last().unwrap()["usage"]["input_tokens"].clone();
            let requests = world.model.sampling_requests();
            let mut conversation = conversation(&requests.last().unwrap().json()["input"]);
            for item in &mut conversation {
                forget_accidents(item);
            }
            told.push((conversation, usage));
            assert_eq!(world.rollouts().len(), 1);
        }
        let [(same, same_usage), (other, other_usage)] = &told[..] else { panic!("two") };
        assert_eq!(same, other, "begun by {}", first.display());
        assert_eq!(same_usage, other_usage);
        let words = json!(same).to_string();
        for word in [
            "look around",
            "BLOB",
            "First I look.",
            "seen",
            "Plan updated",
            "A n.txt",
            "code 3",
            "answer 0",
            "go on",
        ] {
            assert!(words.contains(word), "{word}: {words}");
        }
    }
}

/// Two runs of one program differ in these: times and random numbers in the texts of outputs.
fn forget_accidents(item: &mut Value) {
    let Some(output) = item["output"].as_str() else { return };
    let kept: Vec<_> = output
        .lines()
        .filter(|line| !line.starts_with("Chunk ID: ") && !line.starts_with("Wall time: "))
        .collect();
    item["output"] = json!(kept.join("\n"));
}

#[tokio::test]
async fn both_take_turns_in_one_home() {
    let Some(reference) = reference("both_take_turns_in_one_home") else { return };
    let programs = [ours(), reference];
    for first in 0..2 {
        let turns: Vec<_> = (0..7).map(|n| say(&format!("answer {n}."))).collect();
        let world = World::new(json!(turns)).await;
        let mut id = String::new();
        for n in 0..7 {
            let (program, prompt) = (&programs[(first + n) % 2], format!("question {n}?"));
            let ran = if n == 0 {
                play(&world, program, &["exec", "--json", &prompt]).await
            } else if n % 3 == 0 {
                play(&world, program, &["exec", "--json", "resume", "--last", &prompt]).await
            } else {
                play(&world, program, &["exec", "--json", "resume", &id, &prompt]).await
            };
            ran.assert_code(0);
            if n > 0 {
                assert_eq!(ran.thread_id(), id, "turn {n}");
            }
            id = ran.thread_id();
            assert_eq!(ran.events().last().unwrap()["usage"]["input_tokens"], 100 * (n + 1), "turn {n}");
            let texts: Vec<_> = conversation(&world.request(n)["input"])
                .iter()
                .map(|item| item["content"][0]["text"].as_str().unwrap().to_owned())
                .collect();
            let expected: Vec<_> = (0..n)
                .flat_map(|n| [format!("question {n}?"), format!("answer {n}.")])
                .chain([prompt])
                .collect();
            assert_eq!(texts, expected, "turn {n}");
        }
        let [rollout] = &world.rollouts()[..] else { panic!("one session file: {:?}", world.rollouts()) };
        let lines = stored(rollout);
        assert_eq!(lines.len(), std::fs::read_to_string(rollout).unwrap().lines().count(), "a broken line");
        assert_eq!(payloads(&lines, "task_complete").count(), 7);
        assert_eq!(lines.iter().filter(|line| line["type"] == "session_meta").count(), 1);
    }
}

/// A line torn by a power cut, ended by ours, is no stumbling block for the reference.
#[tokio::test]
async fn what_ours_repaired_the_reference_reads() {
    let Some(reference) = reference("what_ours_repaired_the_reference_reads") else { return };
    let world = World::new(json!([say("one"), say("two"), say("three")])).await;
    let id = play(&world, &reference, &["exec", "--json", "first words"]).await.assert_code(0).thread_id();
    let rollout = world.rollouts().remove(0);
    let text = std::fs::read(&rollout).unwrap();
    std::fs::write(&rollout, &text[..text.len() - 20]).unwrap();
    play(&world, &ours(), &["exec", "--json", "resume", &id, "second words"]).await.assert_code(0);
    play(&world, &reference, &["exec", "--json", "resume", &id, "third words"]).await.assert_code(0);
    let told = world.request(2)["input"].to_string();
    for words in ["first words", "one", "second words", "two", "third words"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}
