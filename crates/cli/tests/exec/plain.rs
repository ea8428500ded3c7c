//! Plain turns: what comes out where.

use serde_json::{Value, json};

use crate::world::{World, call, run, say};

fn patch() -> Value {
    json!({"events": [{"custom": {"name": "apply_patch", "call_id": "p",
        "input": "*** Begin Patch\n*** Add File: n.txt\n+one\n*** End Patch"}}]})
}

#[tokio::test]
async fn json_lines_of_a_plain_answer() {
    let world = World::new(json!([say("Hello.")])).await;
    let ran = world.run(&["exec", "--json", "hi"]).await;
    ran.assert_code(0);
    assert_eq!(
        ran.shape(),
        ["thread.started", "turn.started", "item.completed agent_message", "turn.completed"]
    );
    let events = ran.events();
    assert_eq!(events[2]["item"], json!({"id": "item_0", "type": "agent_message", "text": "Hello."}));
    let usage = json!({"input_tokens": 100, "cached_input_tokens": 40, "output_tokens": 20, "reasoning_output_tokens": 5});
    assert_eq!(events[3]["usage"], usage);
    assert_eq!(ran.err, "Reading additional input from stdin...\n");
    let [rollout] = &world.rollouts()[..] else { panic!("one session file") };
    assert!(rollout.to_string_lossy().contains(&ran.thread_id()));
}

#[tokio::test]
async fn a_transcript_goes_to_stderr_and_the_answer_to_stdout() {
    let world = World::new(json!([say("Hello.")])).await;
    let ran = world.run(&["exec", "hi"]).await;
    ran.assert_code(0);
    assert_eq!(ran.out, "Hello.\n");
    let project = world.project.display();
    for part in [
        &format!(
            "--------\nworkdir: {project}\nmodel: gpt-5.5\nprovider: rehearsal\napproval: never\nsandbox: read-only\n"
        ),
        "reasoning effort: none\nreasoning summaries: none\nsession id: ",
        "\n--------\nuser\nhi\ncodex\nHello.\ntokens used\n80\n",
    ] {
        assert!(ran.err.contains(part), "{part}\n---\n{}", ran.err);
    }
    assert!(!ran.err.contains('\x1b'));
    let ran = world.run(&["exec", "--color", "always", "hi"]).await;
    assert!(ran.err.contains("\x1b[36muser\x1b[0m\nhi\n"), "{}", ran.err);
}

#[tokio::test]
async fn every_item_that_began_ends_before_the_turn_does() {
    let plan = json!({"plan": [{"step": "a", "status": "completed"}, {"step": "b", "status": "pending"}]});
    let turns = json!([run("echo out; exit 7", "c"), call("update_plan", &plan, "u"), patch(), say("Done.")]);
    let world = World::new(turns).await;
    let ran = world.run(&["exec", "--json", "-s", "workspace-write", "hi"]).await;
    ran.assert_code(0);
    assert_eq!(
        ran.shape(),
        [
            "thread.started",
            "turn.started",
            "item.started command_execution",
            "item.completed command_execution",
            "item.started todo_list",
            "item.started file_change",
            "item.completed file_change",
            "item.completed agent_message",
            "item.completed todo_list",
            "turn.completed",
        ]
    );
    let command = &ran.events()[3]["item"];
    assert_eq!((&command["exit_code"], &command["status"]), (&json!(7), &json!("failed")));
    assert!(command["aggregated_output"].as_str().unwrap().ends_with("out\n"));
    let change = &ran.events()[6]["item"];
    assert_eq!(change["changes"], json!([{"path": world.project.join("n.txt"), "kind": "add"}]));
    assert_eq!(std::fs::read_to_string(world.project.join("n.txt")).unwrap(), "one\n");
}

#[tokio::test]
async fn a_flood_of_deltas_is_one_message() {
    let world = World::new(json!([{"events": [{"delta_flood": {"count": 20_000, "text": "x"}}]}])).await;
    let ran = world.run(&["exec", "--json", "hi"]).await;
    ran.assert_code(0);
    assert_eq!(ran.events().len(), 4);
    assert_eq!(ran.events()[2]["item"]["text"].as_str().unwrap().len(), 20_000);
}

#[tokio::test]
async fn the_prompt_may_come_from_stdin() {
    let world = World::new(json!([say("a"), say("b")])).await;
    let ran = world.run_with_stdin(&["exec", "--json"], b"\xEF\xBB\xBFfrom stdin\n").await;
    ran.assert_code(0);
    assert_eq!(ran.err, "Reading prompt from stdin...\n");
    world.run_with_stdin(&["exec", "--json", "look"], b"extra").await.assert_code(0);
    assert_eq!(world.request(0).pointer("/input/2/content/0/text").unwrap(), "from stdin\n");
    assert_eq!(
        world.request(1).pointer("/input/2/content/0/text").unwrap(),
        "look\n\n<stdin>\nextra\n</stdin>"
    );
}

#[tokio::test]
async fn a_failed_turn_is_told_and_is_exit_1() {
    let world =
        World::new(json!({"turns": [{"status": 400, "body": "no such thing"}], "after_last": "repeat_last"}))
            .await;
    let ran = world.run(&["exec", "--json", "-o", "last.txt", "hi"]).await;
    ran.assert_code(1);
    assert_eq!(ran.shape(), ["thread.started", "turn.started", "error", "turn.failed"]);
    assert_eq!(ran.events()[2]["message"], "no such thing");
    assert_eq!(ran.events()[3]["error"], json!({"message": "no such thing"}));
    assert!(!world.project.join("last.txt").exists());
    let ran = world.run(&["exec", "hi"]).await;
    ran.assert_code(1);
    assert_eq!((ran.out.as_str(), ran.err.matches("ERROR: no such thing").count()), ("", 1));
}

#[tokio::test]
async fn the_answer_goes_to_a_file_too() {
    let silent = json!({"events": [{"reason": "hm"}]});
    let world = World::new(json!([say("Two\nlines"), silent, say("x")])).await;
    world.run(&["exec", "-o", "last.txt", "hi"]).await.assert_code(0);
    assert_eq!(std::fs::read_to_string(world.project.join("last.txt")).unwrap(), "Two\nlines");
    let ran = world.run(&["exec", "-o", "last.txt", "hi"]).await;
    ran.assert_code(0);
    assert!(
        ran.err.contains("Warning: no last agent message; wrote empty content to last.txt"),
        "{}",
        ran.err
    );
    assert_eq!(std::fs::read_to_string(world.project.join("last.txt")).unwrap(), "");
    let ran = world.run(&["exec", "-o", "no/such/folder", "hi"]).await;
    ran.assert_code(0);
    assert!(ran.err.contains("Failed to write last message file \"no/such/folder\": "), "{}", ran.err);
}

#[tokio::test]
async fn a_schema_is_handed_on() {
    let world = World::new(json!([say("{}")])).await;
    let schema = json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
    std::fs::write(world.project.join("schema.json"), schema.to_string()).unwrap();
    world.run(&["exec", "--json", "--output-schema", "schema.json", "hi"]).await.assert_code(0);
    let format = &world.request(0)["text"]["format"];
    assert_eq!(
        *format,
        json!({"type": "json_schema", "strict": true, "name": "codex_output_schema", "schema": schema})
    );
}

#[tokio::test]
async fn an_ephemeral_run_leaves_no_session() {
    let world = World::new(json!([say("a")])).await;
    world.run(&["exec", "--json", "--ephemeral", "hi"]).await.assert_code(0);
    assert!(world.rollouts().is_empty());
}

#[tokio::test]
async fn a_writing_run_makes_its_project_trusted_once() {
    let world = World::new(json!([say("a"), say("b"), say("c")])).await;
    world.run(&["exec", "hi"]).await.assert_code(0);
    assert!(!world.config().contains("trust_level"));
    let ran = world.run(&["exec", "-s", "workspace-write", "hi"]).await;
    assert!(ran.err.contains("trusted project"), "{}", ran.err);
    let entry = format!("[projects.\"{}\"]\ntrust_level = \"trusted\"\n", world.project.display());
    assert!(world.config().contains(&entry), "{}", world.config());
    let ran = world.run(&["exec", "-s", "workspace-write", "hi"]).await;
    assert!(!ran.err.contains("trusted project"), "{}", ran.err);
    assert_eq!(world.config().matches("trust_level").count(), 1);
}

#[tokio::test]
async fn a_recording_plays_back() {
    let world = World::new(json!([say("Recorded."), say("never asked for")])).await;
    world.run(&["exec", "--json", "--record", "session.json", "hi"]).await.assert_code(0);
    let recorded = std::fs::read_to_string(world.project.join("session.json")).unwrap();
    let replay = World::new(serde_json::from_str(&recorded).unwrap()).await;
    let ran = replay.run(&["exec", "hi"]).await;
    assert_eq!(ran.assert_code(0).out, "Recorded.\n");
}

#[tokio::test]
async fn variables_of_the_home_reach_the_provider() {
    let world = World::new(json!([say("a")])).await;
    std::fs::write(world.home.join(".env"), "REHEARSAL_KEY='from the file'\n").unwrap();
    world.run(&["exec", "--json", "hi"]).await.assert_code(0);
    let request = &world.model.sampling_requests()[0];
    let authorization = request.headers.iter().find(|(name, _)| name == "authorization").unwrap();
    assert_eq!(authorization.1, "Bearer from the file");
}

#[tokio::test]
async fn a_picture_that_is_not_there_is_told() {
    let world = World::new(json!([say("a"), say("b")])).await;
    let ran = world.run(&["exec", "--json", "-i", "none.png", "--", "hi"]).await;
    ran.assert_code(0);
    assert_eq!(ran.shape()[..3], ["thread.started", "item.completed error", "turn.started"]);
    assert!(
        ran.events()[1]["item"]["message"].as_str().unwrap().starts_with("image none.png cannot be read")
    );
    let ran = world.run(&["exec", "-i", "none.png", "--", "hi"]).await;
    assert!(ran.err.contains("warning: image none.png cannot be read"), "{}", ran.err);
}

#[tokio::test]
async fn a_session_that_ends_while_written_to_is_told_as_ended_once() {
    let begin = json!({"cmd": "read line; echo got $line; exit 3", "tty": true, "yield_time_ms": 250});
    let write = json!({"call": {"name": "write_stdin", "call_id": "w",
        "arguments": "{\"session_id\":${sid},\"chars\":\"x\\n\"}"}});
    let answer = json!({
        "capture": [{"name": "sid", "output_of": "c", "after": "session ID "}],
        "events": [write],
    });
    let world = World::new(json!([call("exec_command", &begin, "c"), answer, say("Done.")])).await;
    let ran = world.run(&["exec", "--json", "hi"]).await;
    ran.assert_code(0);
    assert_eq!(
        ran.shape(),
        [
            "thread.started",
            "turn.started",
            "item.started command_execution",
            "item.completed command_execution",
            "item.completed agent_message",
            "turn.completed"
        ]
    );
    let item = &ran.events()[3]["item"];
    assert_eq!(item["exit_code"], 3);
    assert!(item["aggregated_output"].as_str().unwrap().contains("got x"), "{item}");
}
