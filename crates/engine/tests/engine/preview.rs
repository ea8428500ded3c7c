//! What a preview shows is what a first turn sends.

use quire_protocol::UserInput;
use serde_json::json;

use crate::world::{World, end, say, turn_end};

#[tokio::test(flavor = "multi_thread")]
async fn is_the_input_of_the_first_request() {
    let world = World::new(json!({"turns": [{"events": [{"say": "Hello."}]}]})).await;
    std::fs::write(world.home().join("AGENTS.md"), "Use tabs.").unwrap();
    let input = [UserInput::Text { text: "hi".into() }];
    let preview = world.engine.preview(&world.config(), &World::new_thread(), &input).await.unwrap();

    let mut thread = world.start().await;
    thread.handle.submit(say("hi")).await.unwrap();
    turn_end(&mut thread).await;
    end(thread).await;

    let sent = world.input(0);
    assert!(sent.len() >= 3, "{sent:?}");
    assert_eq!(serde_json::to_value(preview).unwrap(), json!(sent));
}
