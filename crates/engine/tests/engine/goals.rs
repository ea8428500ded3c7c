//! A goal makes its thread go on by itself, costs tokens, and outlives the process.

use quire_engine::{NewThread, ResumeTarget};
use quire_protocol::{EventKind, GoalStatus, Op, TurnStatus};
use serde_json::{Value, json};

use crate::world::{LIMIT, World, end, say, text, turn_end, until};

fn call(id: &str, name: &str, arguments: Value) -> Value {
    let call = json!({"name": name, "arguments": arguments, "call_id": id});
    json!({"events": [{"call": call}], "usage": {"input": 100, "cached": 20, "output": 10}})
}

fn speak(words: &str) -> Value {
    json!({"events": [{"say": words}], "usage": {"input": 100, "cached": 20, "output": 10}})
}

fn plan(id: &str) -> Value {
    call(id, "update_plan", json!({"plan": []}))
}

fn create(arguments: Value) -> Value {
    call("create", "create_goal", arguments)
}

#[tokio::test]
async fn an_idle_thread_goes_on_until_the_goal_is_reached() {
    let world = World::new(json!({"turns": [
        create(json!({"objective": "count <all>"})),
        speak("begun"),
        plan("work"),
        call("done", "update_goal", json!({"status": "complete"})),
        speak("reached"),
    ]}))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    let (_, first) = turn_end(&mut thread).await;
    let (status, second) = turn_end(&mut thread).await;
    assert_eq!(status, TurnStatus::Completed);
    let goals: Vec<_> = second
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::GoalUpdated(goal) => Some((goal.status, goal.tokens_used)),
            _ => None,
        })
        .collect();
    // 90 tokens a response: the one that set the goal is free, the one that reached it is not.
    assert_eq!(goals, [(GoalStatus::Active, 180), (GoalStatus::Active, 270), (GoalStatus::Complete, 270)]);
    let steered = world.input(2);
    let steering = text(steered.last().unwrap());
    assert!(steering.starts_with("<codex_internal_context source=\"goal\">\n"), "{steering}");
    assert!(steering.contains("count &lt;all&gt;"), "{steering}");
    let turn = |events: &[quire_protocol::Event]| {
        let id = events.iter().find_map(|event| event.turn_id.clone()).unwrap();
        uuid::Uuid::parse_str(id.as_str()).unwrap().get_version_num()
    };
    assert_eq!((turn(&first), turn(&second)), (7, 4));
    assert_eq!(world.model.sampling_requests().len(), 5);
    end(thread).await;
}

#[tokio::test]
async fn a_model_that_only_talks_is_stopped_after_three_turns() {
    let turns: Vec<_> =
        [create(json!({"objective": "x"}))].into_iter().chain((0..5).map(|_| speak("hm"))).collect();
    let world = World::new(json!({"turns": turns})).await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    until(&mut thread, |kind| matches!(kind, EventKind::Warning { .. })).await;
    turn_end(&mut thread).await;
    assert_eq!(world.model.sampling_requests().len(), 5);
    thread.handle.submit(say("go on")).await.unwrap();
    turn_end(&mut thread).await;
    assert_eq!(text(world.input(5).last().unwrap()), "go on");
    end(thread).await;
}

#[tokio::test]
async fn an_interrupt_holds_the_goal_back() {
    let hang = json!({"events": [{"pause_ms": 60_000}, {"say": "late"}]});
    let world = World::new(json!({"turns": [
        create(json!({"objective": "x"})), speak("begun"), hang,
        call("stop", "update_goal", json!({"status": "blocked"})), speak("yes?"),
    ]}))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    turn_end(&mut thread).await;
    world.model.wait_for_requests(3, LIMIT).await.unwrap();
    thread.handle.submit(Op::Interrupt).await.unwrap();
    assert_eq!(turn_end(&mut thread).await.0, TurnStatus::Interrupted);
    thread.handle.submit(say("hello")).await.unwrap();
    turn_end(&mut thread).await;
    assert_eq!(text(world.input(3).last().unwrap()), "hello");
    assert!(world.output("stop").unwrap().contains("\"status\": \"blocked\""));
    end(thread).await;
}

#[tokio::test]
async fn a_used_up_budget_ends_it_with_one_word_of_advice() {
    let world = World::new(json!({"turns": [
        create(json!({"objective": "x", "token_budget": 100})), plan("a"), plan("b"), plan("c"), speak("enough"),
    ]}))
    .await;
    let mut thread = world.start().await;
    thread.handle.submit(say("go")).await.unwrap();
    turn_end(&mut thread).await;
    let last = world.input(4);
    let told = |item: &&Value| text(item).contains("Token budget: 100");
    assert_eq!(last.iter().filter(told).count(), 1);
    assert!(world.input(3).iter().any(|item| told(&item)));
    end(thread).await;
    assert_eq!(world.model.outcome().unplayed, 0);
}

#[tokio::test]
async fn a_resumed_thread_knows_its_goal_and_waits_for_a_person() {
    let world = World::new(json!({"turns": [
        create(json!({"objective": "far away", "token_budget": 5000})), speak("begun"),
        call("get", "get_goal", json!({})), call("end", "update_goal", json!({"status": "complete"})), speak("so it is"),
    ]}))
    .await;
    // A one-shot run: its goal stays for the next.
    let once = NewThread { source: quire_protocol::SessionSource::exec(), ..World::new_thread() };
    let mut thread = world.engine.start_thread(world.config(), once).await.unwrap();
    let path = thread.info.path.clone().unwrap();
    thread.handle.submit(say("go")).await.unwrap();
    turn_end(&mut thread).await;
    end(thread).await;
    assert_eq!(world.model.sampling_requests().len(), 2);
    let target = ResumeTarget::Path(path);
    let mut thread = world.engine.resume_thread(world.config(), target, World::new_thread()).await.unwrap();
    thread.handle.submit(say("what was it?")).await.unwrap();
    turn_end(&mut thread).await;
    let told: Value = serde_json::from_str(&world.output("get").unwrap()).unwrap();
    assert_eq!(told["goal"]["objective"], "far away");
    assert_eq!(told["goal"]["tokensUsed"], 90);
    assert_eq!(told["remainingTokens"], 4910);
    end(thread).await;
}

#[tokio::test]
async fn an_ephemeral_thread_has_no_goal_tools() {
    let world = World::new(json!({"turns": [call("get", "get_goal", json!({})), speak("no")]})).await;
    let ephemeral = NewThread { ephemeral: true, ..World::new_thread() };
    let mut thread = world.engine.start_thread(world.config(), ephemeral).await.unwrap();
    thread.handle.submit(say("go")).await.unwrap();
    turn_end(&mut thread).await;
    let body = world.model.sampling_requests()[0].json();
    assert!(body["tools"].as_array().unwrap().iter().all(|tool| tool["name"] != "get_goal"));
    assert_eq!(world.output("get").unwrap(), "unsupported call: get_goal");
    end(thread).await;
}
