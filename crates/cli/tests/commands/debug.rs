//! `debug`: the catalog and what a model would be told.

use serde_json::{Value, json};

use crate::support::{World, say};

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
