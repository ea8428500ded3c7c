//! Going on with a session.

use serde_json::json;

use crate::world::{World, say};

const UNKNOWN: &str = "01a1f891-91a6-7fe1-a5bb-7a076f6506f4";

#[tokio::test]
async fn by_id_by_name_and_the_last() {
    let world = World::new(json!([say("one"), say("two"), say("three"), say("four")])).await;
    let id = world.run(&["exec", "--json", "first"]).await.assert_code(0).thread_id();
    let name = json!({"id": id, "thread_name": "kitchen", "updated_at": "2026-01-01T00:00:00Z"});
    std::fs::write(world.home.join("session_index.jsonl"), format!("{name}\n")).unwrap();
    let ways: [&[&str]; 3] = [
        &["exec", "--json", "resume", &id, "again"],
        &["exec", "resume", "--json", "kitchen", "again"],
        &["exec", "--json", "resume", "--last", "again"],
    ];
    for (index, way) in ways.iter().enumerate() {
        let ran = world.run(way).await;
        assert_eq!(ran.assert_code(0).thread_id(), id, "{way:?}");
        assert_eq!(ran.err, "", "resume with a prompt never reads stdin");
        let usage = ran.events().last().unwrap()["usage"].clone();
        assert_eq!(usage["input_tokens"], 100 * (index + 2), "usage goes on from the old totals");
        let input = world.request(index + 1)["input"].to_string();
        assert!(input.contains("first") && input.contains("\"one\"") && input.contains("again"), "{input}");
    }
    assert_eq!(world.rollouts().len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_begun_anew() {
    let world = World::new(json!([say("one"), say("two")])).await;
    let ran = world.run(&["exec", "resume", UNKNOWN, "x"]).await;
    let line = format!(
        "Error: thread/resume: thread/resume failed: no rollout found for thread id {UNKNOWN} (code -32600)\n"
    );
    assert_eq!(ran.assert_code(1).err, line);
    let ran = world.run(&["exec", "resume", "--last", "x"]).await;
    assert!(ran.assert_code(1).err.contains("no session of"), "{}", ran.err);

    let id = world.run(&["exec", "--json", "first"]).await.assert_code(0).thread_id();
    let name = json!({"id": id, "thread_name": "kitchen", "updated_at": "2026-01-01T00:00:00Z"});
    std::fs::write(world.home.join("session_index.jsonl"), format!("{name}\n")).unwrap();
    let ran = world.run(&["exec", "resume", "kitchn", "x"]).await;
    assert!(ran.assert_code(1).err.contains("`kitchn`. Similar ones: kitchen"), "{}", ran.err);
    assert_eq!((world.rollouts().len(), world.model.sampling_requests().len()), (1, 1));
}

#[tokio::test]
async fn the_last_of_another_folder_only_with_all() {
    let world = World::new(json!([say("one"), say("two")])).await;
    let id = world.run(&["exec", "--json", "first"]).await.assert_code(0).thread_id();
    let other = world.project.join("below");
    std::fs::create_dir(&other).unwrap();
    world.run(&["exec", "-C", "below", "resume", "--last", "x"]).await.assert_code(1);
    let ran = world.run(&["exec", "--json", "-C", "below", "resume", "--last", "--all", "x"]).await;
    assert_eq!(ran.assert_code(0).thread_id(), id);
}

#[tokio::test]
async fn pictures_before_resume_do_not_lose_the_session() {
    let world = World::new(json!([say("one"), say("two")])).await;
    let id = world.run(&["exec", "--json", "first"]).await.assert_code(0).thread_id();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";
    std::fs::write(world.project.join("dot.png"), png).unwrap();
    let ran = world.run(&["exec", "--json", "--image", "dot.png", "resume", &id, "look"]).await;
    assert_eq!(ran.assert_code(0).thread_id(), id);
    assert!(world.request(1)["input"].to_string().contains("data:image/png;base64,"));
}
