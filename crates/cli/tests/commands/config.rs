//! `config`: what counts, who says so, and what a key means.

use serde_json::{Value, json};

use crate::support::{World, say};

#[tokio::test]
async fn what_is_shown_could_be_a_config_itself() {
    let world = World::new(json!([say("never")])).await;
    let file = world.home.join("config.toml");
    let more = "\n[mcp_servers.s]\ncommand = \"c\"\nenv = { A = \"hidden\" }\n[projects.\"/a.b\"]\ntrust_level = \"trusted\"\n";
    std::fs::write(&file, world.config() + more).unwrap();
    let shown = world.run(&["config", "show", "--origins", "-c", "web_search=live"]).await;
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(shown.out.contains(&format!("model = \"gpt-5.5\"  # {}:1:9\n", file.display())), "{}", shown.out);
    assert!(shown.out.contains("web_search = \"live\"  # the command line\n"), "{}", shown.out);
    assert!(!shown.out.contains("hidden"), "{}", shown.out);

    let all = world.run(&["config", "show", "--secrets"]).await;
    let again: toml::Table = all.out.parse().unwrap();
    assert_eq!(again, world.config().parse::<toml::Table>().unwrap());
}

#[tokio::test]
async fn folders_that_do_not_count_are_named() {
    let world = World::new(json!([say("never")])).await;
    std::fs::create_dir(world.project.join(".codex")).unwrap();
    std::fs::write(world.project.join(".codex/config.toml"), "model = \"theirs\"\n").unwrap();
    let before = world.run(&["config", "show"]).await;
    assert!(
        before.out.contains("model = \"gpt-5.5\"\n") && before.out.contains("# Does not count: "),
        "{}",
        before.out
    );

    let trust = format!("\n[projects.\"{}\"]\ntrust_level = \"trusted\"\n", world.project.display());
    std::fs::write(world.home.join("config.toml"), world.config() + &trust).unwrap();
    let after = world.run(&["config", "explain", "model"]).await;
    let (theirs, ours) =
        (after.out.find("set to:   \"theirs\"").unwrap(), after.out.find("hidden:   \"gpt-5.5\"").unwrap());
    assert!(theirs < ours, "{}", after.out);
}

#[tokio::test]
async fn json_holds_defaults_origins_and_layers() {
    let world = World::new(json!([say("never")])).await;
    let shown = world.run(&["config", "show", "--json"]).await;
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(shown["config"]["project_doc_max_bytes"], 32768);
    assert_eq!(shown["config"]["model_providers"]["rehearsal"]["name"], "R");
    assert_eq!(shown["origins"]["model"]["line"], 1);
    assert!(shown["layers"].as_array().unwrap().iter().any(|layer| layer["disabled"].is_null()));
}

#[tokio::test]
async fn keys_are_explained_and_unknown_ones_lead_to_their_neighbours() {
    let world = World::new(json!([say("never")])).await;
    let known = world.run(&["config", "explain", "model_providers.rehearsal.base_url"]).await;
    assert_eq!(known.code, Some(0), "{}", known.err);
    assert!(known.out.starts_with("model_providers.<name>.base_url\n"), "{}", known.out);
    assert!(known.out.contains("config.toml:6:"), "{}", known.out);
    let unknown = world.run(&["config", "explain", "modell"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (Some(1), ""));
    assert!(unknown.err.contains("Did you mean `model`"), "{}", unknown.err);
    let schema = world.run(&["config", "schema"]).await;
    let schema: Value = serde_json::from_str(&schema.out).unwrap();
    assert_eq!(schema["properties"]["model"]["type"], "string");
}
