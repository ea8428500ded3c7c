//! `login`, `login status`, `logout`: what is stored, and what is said.

use serde_json::json;

use crate::support::{World, say};

#[tokio::test]
async fn a_key_is_stored_told_and_forgotten() {
    let world = World::new(json!([say("never")])).await;
    let status = async || {
        let ran = world.run(&["login", "status"]).await;
        assert_eq!(ran.out, "");
        (ran.code.unwrap(), ran.err)
    };
    assert_eq!(status().await, (1, "Not logged in\n".to_owned()));

    let login = world.run_with_stdin(&["login", "--with-api-key"], b"  sk-test-1234567890abcdef\n").await;
    assert_eq!(login.code, Some(0), "{}", login.err);
    assert_eq!(login.err, "Reading API key from stdin...\nSuccessfully logged in\n");
    assert_eq!(status().await, (0, "Logged in using an API key - sk-test-***bcdef\n".to_owned()));

    let empty = world.run_with_stdin(&["login", "--with-api-key"], b" \n").await;
    assert_eq!(empty.code, Some(1));
    assert!(empty.err.ends_with("No API key provided via stdin.\n"), "{}", empty.err);

    for (said, code) in [("Successfully logged out\n", 0), ("Not logged in\n", 0)] {
        let logout = world.run(&["logout"]).await;
        assert_eq!((logout.err.as_str(), logout.code), (said, Some(code)));
    }
    assert!(!world.home.join("auth.json").exists());
}

#[tokio::test]
async fn a_key_on_the_command_line_or_against_the_configuration_is_refused() {
    let world = World::new(json!([say("never")])).await;
    let refused = world.run(&["login", "--api-key", "sk-secret-secret"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("--with-api-key") && !refused.err.contains("sk-secret"), "{}", refused.err);

    let both = world.run(&["login", "--with-api-key", "--with-access-token"]).await;
    assert_eq!(both.code, Some(1));

    let args = ["-c", "forced_login_method=\"chatgpt\"", "login", "--with-api-key"];
    let forbidden = world.run_with_stdin(&args, b"sk-key").await;
    assert_eq!(forbidden.code, Some(1));
    assert!(forbidden.err.contains("API key login is disabled."), "{}", forbidden.err);
    assert!(!world.home.join("auth.json").exists());
}

#[tokio::test]
async fn a_file_that_is_none_is_an_error_without_its_content() {
    let world = World::new(json!([say("never")])).await;
    std::fs::write(world.home.join("auth.json"), r#"{"OPENAI_API_KEY": ["sk-secret"]}"#).unwrap();
    let status = world.run(&["login", "status"]).await;
    assert_eq!(status.code, Some(1));
    assert!(status.err.starts_with("Error checking login status: "), "{}", status.err);
    assert!(status.err.contains("auth.json") && !status.err.contains("sk-secret"), "{}", status.err);
}
