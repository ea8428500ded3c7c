//! Agents: threads that a thread starts, and how its model deals with them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quire_engine::{IdSource, RandomIds};
use quire_protocol::{
    AgentActivity, AgentCallStatus, AgentTool, Event, EventKind, Op, ThreadId, TurnId, TurnItem, TurnStatus,
};
use serde_json::{Value, json};

use crate::world::{LIMIT, World, end, say, text, turn_end};

const PARENT: &str = "01a1f892-0408-77c3-bcb5-000000000000";
const CHILD: &str = "01a1f892-0408-77c3-bcb5-000000000001";

/// Threads are numbered, so that a script can name an agent before there is one.
#[derive(Default)]
struct NumberedThreads(AtomicUsize);

impl IdSource for NumberedThreads {
    fn thread_id(&self) -> ThreadId {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        format!("01a1f892-0408-77c3-bcb5-{number:012}").parse().unwrap()
    }

    fn turn_id(&self) -> TurnId {
        RandomIds.turn_id()
    }

    fn item_id(&self) -> String {
        RandomIds.item_id()
    }

    fn chunk_id(&self) -> String {
        RandomIds.chunk_id()
    }
}

async fn world(turns: Value) -> World {
    World::with_ids(json!({"turns": turns}), Arc::new(NumberedThreads::default())).await
}

fn call(id: &str, name: &str, arguments: Value) -> Value {
    json!({"call": {"name": name, "namespace": "multi_agent_v1", "arguments": arguments, "call_id": id}})
}

fn calls(calls: &[(&str, &str, Value)]) -> Value {
    let calls: Vec<_> = calls.iter().map(|(id, name, arguments)| call(id, name, arguments.clone())).collect();
    json!({"events": calls})
}

fn speak(words: &str) -> Value {
    json!({"events": [{"say": words}]})
}

fn wait(id: &str) -> (&str, &str, Value) {
    (id, "wait_agent", json!({"targets": [CHILD]}))
}

fn notes(input: &[Value]) -> Vec<&str> {
    input.iter().map(text).filter(|text| text.starts_with("<subagent_notification>")).collect()
}

/// The completed agent calls: what, how it went, and how the agents stood.
fn shown(events: &[Event]) -> Vec<(AgentTool, AgentCallStatus, Vec<AgentActivity>)> {
    let call = |event: &Event| match &event.kind {
        EventKind::ItemCompleted(TurnItem::CollabAgentToolCall { tool, status, agents_states, .. }) => {
            Some((*tool, *status, agents_states.values().map(|state| state.status).collect()))
        }
        _ => None,
    };
    events.iter().filter_map(call).collect()
}

fn rollout(home: &Path, id: &str) -> Vec<Value> {
    let path = quire_store::find_by_id(home, id.parse().unwrap()).unwrap();
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_agent_works_reports_is_closed_and_taken_up_again() {
    let world = world(json!([
        calls(&[("spawn", "spawn_agent", json!({"message": "look", "agent_type": "explorer"})), wait("w1")]),
        speak("found it"),
        calls(&[("more", "send_input", json!({"target": CHILD, "message": "more"})), wait("w2")]),
        speak("found more"),
        calls(&[
            ("close", "close_agent", json!({"target": CHILD})),
            wait("w3"),
            ("gone", "send_input", json!({"target": CHILD, "message": "hey"})),
            ("resume", "resume_agent", json!({"id": CHILD})),
            ("again", "send_input", json!({"target": CHILD, "message": "again"})),
            wait("w4"),
        ]),
        speak("still here"),
        speak("done"),
    ]))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    let (status, events) = turn_end(&mut thread).await;
    assert_eq!(status, TurnStatus::Completed);

    let spawned: Value = serde_json::from_str(&world.output("spawn").unwrap()).unwrap();
    assert_eq!(spawned["agent_id"], CHILD);
    let done = |words| json!({"status": {CHILD: {"completed": words}}, "timed_out": false}).to_string();
    assert_eq!(world.output("w1").unwrap(), done("found it"));
    assert_eq!(world.output("w2").unwrap(), done("found more"));
    assert_eq!(world.output("close").unwrap(), r#"{"previous_status":{"completed":"found more"}}"#);
    assert_eq!(
        world.output("w3").unwrap(),
        json!({"status": {CHILD: "not_found"}, "timed_out": false}).to_string()
    );
    assert_eq!(world.output("gone").unwrap(), format!("agent with id {CHILD} not found"));
    assert_eq!(world.output("resume").unwrap(), r#"{"status":"pending_init"}"#);
    assert_eq!(world.output("w4").unwrap(), done("still here"));
    // One note per life.
    assert_eq!(notes(&world.input(2)).len(), 1);
    assert_eq!(notes(&world.input(4)).len(), 1);
    let last = world.input(6);
    let note = json!({"agent_path": CHILD, "status": {"completed": "still here"}});
    assert_eq!(notes(&last)[1..], [format!("<subagent_notification>\n{note}\n</subagent_notification>")]);

    use AgentActivity::{Completed, NotFound, PendingInit};
    use AgentCallStatus::{Completed as Done, Failed};
    assert_eq!(
        shown(&events),
        [
            (AgentTool::SpawnAgent, Done, vec![PendingInit]),
            (AgentTool::Wait, Done, vec![Completed]),
            (AgentTool::SendInput, Done, vec![Completed]),
            (AgentTool::Wait, Done, vec![Completed]),
            (AgentTool::CloseAgent, Done, vec![Completed]),
            (AgentTool::Wait, Failed, vec![NotFound]),
            (AgentTool::SendInput, Failed, vec![NotFound]),
            (AgentTool::ResumeAgent, Done, vec![PendingInit]),
            (AgentTool::SendInput, Done, vec![PendingInit]),
            (AgentTool::Wait, Done, vec![Completed]),
        ]
    );
    end(thread).await;
}

#[tokio::test]
async fn an_agent_says_whose_it_is_and_has_no_agents() {
    let world = world(json!([
        calls(&[("spawn", "spawn_agent", json!({"message": "look", "agent_type": "worker"})), wait("w")]),
        speak("done"),
        speak("thanks"),
    ]))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    turn_end(&mut thread).await;
    let request = &world.model.sampling_requests()[1];
    for (name, value) in [
        ("x-openai-subagent", "collab_spawn"),
        ("x-codex-parent-thread-id", PARENT),
        ("session-id", PARENT),
        ("thread-id", CHILD),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    let metadata: Value = serde_json::from_str(request.header("x-codex-turn-metadata").unwrap()).unwrap();
    let keys: Vec<_> = metadata.as_object().unwrap().keys().take(6).cloned().collect();
    assert_eq!(
        keys,
        [
            "session_id",
            "thread_id",
            "forked_from_thread_id",
            "parent_thread_id",
            "subagent_kind",
            "thread_source"
        ]
    );
    let body = request.json();
    assert_eq!(body["prompt_cache_key"], CHILD);
    assert!(body["tools"].as_array().unwrap().iter().all(|tool| tool["type"] != "tool_search"));
    end(thread).await;

    let meta = rollout(world.home(), CHILD)[0]["payload"].clone();
    let spawn = &meta["source"]["subagent"]["thread_spawn"];
    assert_eq!(spawn["parent_thread_id"], PARENT);
    assert_eq!((&spawn["agent_role"], &meta["agent_role"]), (&json!("worker"), &json!("worker")));
    assert_eq!(spawn["agent_nickname"], meta["agent_nickname"]);
    assert_eq!((&meta["thread_source"], &meta["forked_from_id"]), (&json!("subagent"), &json!(PARENT)));
}

#[tokio::test]
async fn a_forked_agent_knows_what_was_said() {
    let fork = json!({"message": "and now you", "fork_context": true});
    let world = world(json!([
        speak("hello"),
        calls(&[
            ("spawn", "spawn_agent", fork),
            wait("w"),
            ("close", "close_agent", json!({"target": CHILD})),
            ("resume", "resume_agent", json!({"id": CHILD})),
            ("again", "send_input", json!({"target": CHILD, "message": "again"})),
            wait("w2")
        ]),
        speak("me too"),
        speak("again"),
        speak("fine"),
    ]))
    .await;
    let mut thread = world.start().await;
    for words in ["hi", "go"] {
        thread.handle.submit(say(words)).await.unwrap();
        turn_end(&mut thread).await;
    }
    let parent = world.input(1);
    let known = world.input(2);
    assert_eq!(known[..parent.len()], parent[..], "as its parent was told, context included");
    assert_eq!(known[parent.len()..].iter().map(text).collect::<Vec<_>>(), ["and now you"]);
    let resumed = world.input(3);
    assert_eq!(resumed[..known.len()], known[..], "a stored agent knows it too");
    assert_eq!(resumed[known.len()..].iter().map(text).collect::<Vec<_>>(), ["me too", "again"]);
    end(thread).await;
}

#[tokio::test]
async fn an_agent_that_fails_says_why() {
    let world = world(json!([
        calls(&[("spawn", "spawn_agent", json!({"message": "look"})), wait("w")]),
        {"status": 400, "body": {"error": {"message": "no"}}},
        speak("pity"),
    ]))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    let (status, events) = turn_end(&mut thread).await;
    assert_eq!(status, TurnStatus::Completed);
    let told: Value = serde_json::from_str(&world.output("w").unwrap()).unwrap();
    assert!(told["status"][CHILD]["errored"].is_string(), "{told}");
    assert_eq!(shown(&events)[1], (AgentTool::Wait, AgentCallStatus::Failed, vec![AgentActivity::Errored]));
    end(thread).await;
}

#[tokio::test]
async fn an_interrupting_word_is_heard_after_the_stop() {
    let stop = json!({"target": CHILD, "message": "rather this", "interrupt": true});
    let hang = json!({"events": [{"pause_ms": 600_000}, {"say": "late"}]});
    let world = world(json!([
        calls(&[("spawn", "spawn_agent", json!({"message": "this"})), wait("w1")]),
        hang,
        calls(&[("stop", "send_input", stop), wait("w2")]),
        speak("did that"),
        speak("fine"),
    ]))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    world.model.wait_for_requests(2, LIMIT).await.unwrap();
    thread.handle.submit(Op::Interrupt).await.unwrap();
    assert_eq!(turn_end(&mut thread).await.0, TurnStatus::Interrupted);
    thread.handle.submit(say("it should do something else")).await.unwrap();
    assert_eq!(turn_end(&mut thread).await.0, TurnStatus::Completed);
    assert!(world.output("w2").unwrap().contains("did that"));
    let heard = world.input(3);
    assert_eq!(text(heard.last().unwrap()), "rather this");
    assert!(text(&heard[heard.len() - 2]).starts_with("<turn_aborted>"), "{heard:?}");
    end(thread).await;
}

#[tokio::test]
async fn agents_end_with_their_thread() {
    let world = world(json!([
        calls(&[("spawn", "spawn_agent", json!({"message": "slow"})), wait("w")]),
        {"events": [{"pause_ms": 600_000}, {"say": "late"}]},
    ]))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    world.model.wait_for_requests(2, LIMIT).await.unwrap();
    thread.handle.submit(Op::Interrupt).await.unwrap();
    assert_eq!(turn_end(&mut thread).await.0, TurnStatus::Interrupted);
    end(thread).await;
    let last = rollout(world.home(), CHILD).pop().unwrap();
    assert_eq!(last["payload"]["type"], "turn_aborted");
}

#[tokio::test]
async fn a_seventh_agent_is_refused() {
    let ids: Vec<String> = (0..7).map(|n| format!("s{n}")).collect();
    let seven: Vec<_> = ids.iter().map(|id| (id.as_str(), "spawn_agent", json!({"message": "x"}))).collect();
    let script = json!({"turns": [calls(&seven), speak("ok")], "after_last": "repeat_last"});
    let world = World::with_ids(script, Arc::new(NumberedThreads::default())).await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    turn_end(&mut thread).await;
    assert!(world.output("s5").unwrap().contains("agent_id"));
    assert_eq!(world.output("s6").unwrap(), "collab spawn failed: agent thread limit reached");
    end(thread).await;
}

#[tokio::test]
async fn the_tools_are_searched_for_or_listed() {
    let search = json!({"item": {"type": "tool_search_call", "call_id": "find", "execution": "client",
        "status": "completed", "arguments": {"query": "close agent", "limit": 1}}});
    let world = world(json!([{"events": [search]}, speak("ok"), speak("ok")])).await;
    for model in [None, Some("some-other-model")] {
        let mut thread =
            world.engine.start_thread(world.config_with(model), World::new_thread()).await.unwrap();
        thread.handle.submit(say("go")).await.unwrap();
        turn_end(&mut thread).await;
        end(thread).await;
    }
    let names = |request: usize| -> Vec<String> {
        let body = world.model.sampling_requests()[request].json();
        let name = |tool: &Value| tool.get("name").unwrap_or(&tool["type"]).as_str().unwrap().to_owned();
        body["tools"].as_array().unwrap().iter().map(name).collect()
    };
    let common = [
        "exec_command",
        "write_stdin",
        "update_plan",
        "get_goal",
        "create_goal",
        "update_goal",
        "request_user_input",
    ];
    assert_eq!(names(0), [&common[..], &["apply_patch", "view_image", "tool_search", "web_search"]].concat());
    assert_eq!(names(2), [&common[..], &["view_image", "multi_agent_v1", "web_search"]].concat());
    let found = world.input(1).pop().unwrap();
    assert_eq!((&found["type"], &found["call_id"]), (&json!("tool_search_output"), &json!("find")));
    assert_eq!(found["tools"][0]["name"], "multi_agent_v1");
    let tools = found["tools"][0]["tools"].as_array().unwrap();
    assert_eq!((tools.len(), &tools[0]["name"]), (1, &json!("close_agent")));
    assert_eq!(tools[0]["defer_loading"], true);
}
