//! `doctor`: the report, its forms, its exit code, and a sandbox that is really tried.

use serde_json::{Value, json};

use crate::support::{World, say};

#[tokio::test]
async fn reports_on_a_home_that_works() {
    let world = World::new(json!([say("never")])).await;
    let done = world.run(&["doctor", "--json"]).await;
    let report: Value = serde_json::from_str(&done.out).unwrap();
    let failed: Vec<_> = report["checks"]
        .as_object()
        .unwrap()
        .values()
        .filter(|check| check["status"] == "fail")
        .map(|check| (&check["id"], &check["summary"]))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(done.code, Some(0));
    let sandbox = &report["checks"]["quire.sandbox.enforcement"];
    assert_eq!(sandbox["status"], "ok", "{sandbox}");
    assert_eq!(sandbox["details"]["read-only"], "enforced");
    assert_eq!(sandbox["details"]["workspace-write"], "enforced");
}

#[tokio::test]
async fn a_broken_config_is_reported_and_fails() {
    let world = World::new(json!([say("never")])).await;
    std::fs::write(world.home.join("config.toml"), "model = \n").unwrap();
    let done = world.run(&["doctor"]).await;
    assert_eq!((done.code, done.err.as_str()), (Some(1), ""));
    assert!(done.out.starts_with("Quire Doctor v"), "{}", done.out);
    assert!(done.out.contains("  ✗ config "), "{}", done.out);
    assert!(done.out.contains("config.toml:1:9"), "{}", done.out);
    assert!(!done.out.contains('\u{1b}'), "colors without a terminal: {}", done.out);

    let short = world.run(&["doctor", "--summary", "--ascii"]).await;
    assert!(short.out.is_ascii(), "{}", short.out);
    assert!(short.out.contains("  [XX] config "), "{}", short.out);
    assert!(short.out.lines().count() < done.out.lines().count());
}
