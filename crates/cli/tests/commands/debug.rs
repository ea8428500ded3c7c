//! `debug`: the catalog and what a model would be told.

use serde_json::{Value, json};

use crate::support::{World, say, tree};

#[tokio::test]
async fn models_come_with_the_text_they_get() {
    let world = World::new(json!([say("never")])).await;
    let ran = world.run(&["debug", "models", "--bundled"]).await;
    assert_eq!(ran.out.lines().count(), 1);
    let catalog: Value = serde_json::from_str(&ran.out).unwrap();
    let slugs: Vec<_> = catalog["models"].as_array().unwrap().iter().map(|model| &model["slug"]).collect();
    assert_eq!(slugs.first().unwrap().as_str(), Some("gpt-5.5"));
    let texts = |model: &Value| model["base_instructions"].as_str().unwrap().len();
    assert!(catalog["models"].as_array().unwrap().iter().all(|model| texts(model) > 100));
    assert!(!ran.out.contains("{{ personality }}\\n\\n{{"), "one place for a personality at most");
}

#[tokio::test]
async fn a_catalog_of_ones_own_takes_the_place_of_the_bundled_one() {
    let world = World::new(json!([say("never")])).await;
    let bundled = world.run(&["debug", "models", "--bundled"]).await;
    let mut catalog: Value = serde_json::from_str(&bundled.out).unwrap();
    let mut model = catalog["models"][0].take();
    model["slug"] = json!("mine");
    model["base_instructions"] = json!("Mine.");
    std::fs::write(world.home.join("models.json"), json!({ "models": [model] }).to_string()).unwrap();
    let own = world
        .run(&[
            "debug",
            "models",
            "-c",
            &format!("model_catalog_json={}", world.home.join("models.json").display()),
        ])
        .await;
    assert_eq!(own.code, Some(0), "{}", own.err);
    let own: Value = serde_json::from_str(&own.out).unwrap();
    assert_eq!(own["models"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&own["models"][0]["slug"], &own["models"][0]["base_instructions"]),
        (&json!("mine"), &json!("Mine."))
    );

    let missing = world.run(&["debug", "models", "-c", "model_catalog_json=/none.json"]).await;
    assert_eq!(missing.code, Some(1));
    assert!(missing.err.contains("/none.json"), "{}", missing.err);
}

#[tokio::test]
async fn prompt_input_is_what_would_be_sent_and_leaves_nothing_behind() {
    let world = World::new(json!([say("never")])).await;
    std::fs::write(world.project.join("AGENTS.md"), "Use tabs.").unwrap();
    let before = tree(&world.home);
    let ran = world.run(&["-s", "workspace-write", "debug", "prompt-input", "hello"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let items: Value = serde_json::from_str(&ran.out).unwrap();
    let roles: Vec<_> = items.as_array().unwrap().iter().map(|item| item["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["developer", "user", "user"]);
    assert!(items[0].to_string().contains("workspace-write"), "{items}");
    assert!(items[1].to_string().contains("Use tabs."), "{items}");
    assert_eq!(items[2]["content"][0]["text"], "hello");
    assert!(world.model.sampling_requests().is_empty());
    let after: Vec<_> = tree(&world.home).into_keys().filter(|name| !before.contains_key(name)).collect();
    assert!(after.iter().all(|name| name == "tmp" || name == "tmp/arg0"), "{after:?}");
}

#[tokio::test]
async fn send_message_shows_the_traffic_of_one_turn() {
    let world = World::new(json!([say("Hello.")])).await;
    let ran = world.run(&["debug", "app-server", "send-message-v2", "hi"]).await;
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.lines().all(|line| line.starts_with("> ") || line.starts_with("< ")), "{}", ran.out);
    for part in ["> {", ">   \"method\": \"turn/start\",", "<   \"method\": \"turn/completed\","] {
        assert!(ran.out.contains(part), "{part} is missing: {}", ran.out);
    }
    assert!(ran.out.contains("\"text\": \"Hello.\""), "{}", ran.out);
    assert_eq!(world.rollouts().len(), 1);
}
