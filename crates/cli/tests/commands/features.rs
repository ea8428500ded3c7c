//! `features`: listed, switched, and kept in the file.

use serde_json::{Value, json};

use crate::support::{World, say};

#[tokio::test]
async fn are_listed_in_columns_and_as_json() {
    let world = World::new(json!([say("never")])).await;
    let listed = world.run(&["features", "list"]).await;
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    let goals = listed.out.lines().find(|line| line.starts_with("goals ")).unwrap();
    assert_eq!(goals.split_whitespace().collect::<Vec<_>>(), ["goals", "stable", "true"]);
    let names: Vec<_> = listed.out.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.is_sorted() && names.len() == 79, "{names:?}");

    let changed = world.run(&["features", "list", "--json", "--changed", "--disable", "collab"]).await;
    let changed: Value = serde_json::from_str(&changed.out).unwrap();
    assert_eq!(
        changed,
        json!([{"name": "multi_agent", "stage": "stable", "enabled": false, "default": true}])
    );
}

#[tokio::test]
async fn are_switched_in_the_file() {
    let world = World::new(json!([say("never")])).await;
    let before = world.config();
    let enabled = world.run(&["features", "enable", "code_mode"]).await;
    assert_eq!(
        (enabled.code, enabled.out.as_str()),
        (Some(0), "Enabled feature `code_mode` in config.toml.\n")
    );
    assert!(enabled.err.starts_with("Under-development features enabled: code_mode. "), "{}", enabled.err);
    assert_eq!(world.config(), format!("{before}\n[features]\ncode_mode = true\n"));

    let disabled = world.run(&["features", "disable", "code_mode"]).await;
    assert_eq!(disabled.out, "Disabled feature `code_mode` in config.toml.\n");
    assert!(!world.config().contains("code_mode"), "{}", world.config());
    assert_eq!(disabled.err, "");

    let unknown = world.run(&["features", "enable", "nope"]).await;
    assert_eq!((unknown.code, unknown.err.as_str()), (Some(1), "Error: Unknown feature flag: nope\n"));
}

#[tokio::test]
async fn a_broken_file_is_left_alone() {
    let world = World::new(json!([say("never")])).await;
    let file = world.home.join("config.toml");
    std::fs::write(&file, "model = \n").unwrap();
    for args in [&["features", "enable", "goals"][..], &["features", "list"]] {
        let refused = world.run(args).await;
        assert_eq!(refused.code, Some(1));
        assert!(refused.err.contains("config.toml:1:9: "), "{}", refused.err);
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "model = \n");
}
