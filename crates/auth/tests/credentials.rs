//! Which key is found, for each kind of stored file and environment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use quire_auth::{ApiKey, AuthError, Credentials, KeySource, Secret, StoredLogin};

fn no_env(_: &str) -> Option<String> {
    None
}

fn load_file(content: &str) -> Result<Option<ApiKey>, AuthError> {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("auth.json"), content).unwrap();
    Credentials::load(home.path(), no_env)
}

fn stored_key(content: &str) -> Option<String> {
    load_file(content).unwrap().map(|key| {
        assert_eq!(key.source(), KeySource::Stored);
        key.expose().to_owned()
    })
}

#[test]
fn nothing_stored_is_no_key() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(Credentials::load(home.path(), no_env).unwrap(), None);
    assert_eq!(stored_key("{}"), None);
    assert_eq!(stored_key(r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":null}"#), None);
    // The key a ChatGPT login exchanged for is not used while the mode is `chatgpt`.
    assert_eq!(stored_key(r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":"sk-x"}"#), None);
}

#[test]
fn a_stored_key_is_found() {
    assert_eq!(stored_key(r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-1"}"#).as_deref(), Some("sk-1"));
    assert_eq!(stored_key(r#"{"OPENAI_API_KEY":"sk-2","tokens":{"x":1}}"#).as_deref(), Some("sk-2"));
    assert_eq!(
        stored_key(r#"{"auth_mode":"apikey","OPENAI_API_KEY":" sk-3\n","novelty":[1]}"#).as_deref(),
        Some("sk-3")
    );
}

#[test]
fn the_environment_beats_the_file_and_even_a_broken_one() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("auth.json"), "not json").unwrap();
    let env = |name: &str| (name == "CODEX_API_KEY").then(|| " sk-env \n".to_owned());
    let key = Credentials::load(home.path(), env).unwrap().unwrap();
    assert_eq!((key.expose(), key.source()), ("sk-env", KeySource::Environment));
    let blank = |_: &str| Some("  ".to_owned());
    assert!(matches!(Credentials::load(home.path(), blank), Err(AuthError::Invalid { .. })));
}

#[test]
fn openai_api_key_in_the_environment_is_no_credential() {
    let home = tempfile::tempdir().unwrap();
    let env = |name: &str| (name == "OPENAI_API_KEY").then(|| "sk-env".to_owned());
    assert_eq!(Credentials::load(home.path(), env).unwrap(), None);
}

#[test]
fn sign_ins_of_other_kinds_say_so() {
    for content in [
        r#"{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{"access_token":"a"}}"#,
        r#"{"tokens":{"access_token":"a"}}"#,
        r#"{"auth_mode":"chatgptAuthTokens"}"#,
        r#"{"auth_mode":"agentIdentity","agent_identity":"e.y.j"}"#,
    ] {
        let error = load_file(content).unwrap_err();
        assert!(matches!(error, AuthError::ChatGptSignIn { .. }), "{content}: {error}");
        assert!(error.to_string().contains("sign-in with ChatGPT is not supported yet"));
    }
}

#[test]
fn api_key_mode_without_key_is_an_error() {
    for content in [r#"{"auth_mode":"apikey"}"#, r#"{"auth_mode":"apikey","OPENAI_API_KEY":" "}"#] {
        let error = load_file(content).unwrap_err();
        assert!(error.to_string().starts_with("API key auth is missing a key."), "{error}");
    }
}

#[test]
fn errors_and_debug_output_never_show_a_secret() {
    for content in [
        r#"{"auth_mode":"sk-secret"}"#,
        r#"{"OPENAI_API_KEY":["sk-secret"]}"#,
        r#"{"OPENAI_API_KEY":"sk-secret" x"#,
        r#""sk-secret""#,
    ] {
        let error = load_file(content).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sk-secret"), "{error:?}");
        assert!(error.to_string().contains("auth.json"), "{error}");
    }
    let key = ApiKey::new("sk-secret", KeySource::Stored);
    assert!(!format!("{key:?} {key:#?}").contains("sk-secret"));
}

#[test]
fn an_oversized_file_is_refused() {
    let error = load_file(&" ".repeat(1 << 21)).unwrap_err();
    assert!(matches!(error, AuthError::TooLarge { .. }));
}

#[test]
fn who_is_signed_in() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(StoredLogin::load(home.path()).unwrap(), None);
    for (text, expected) in [
        ("{}", StoredLogin::ChatGpt),
        (r#"{"auth_mode":"chatgptAuthTokens"}"#, StoredLogin::ChatGpt),
        (r#"{"auth_mode":"apikey","OPENAI_API_KEY":""}"#, StoredLogin::ApiKey(Secret::new(""))),
        (r#"{"OPENAI_API_KEY":"sk-1","tokens":{}}"#, StoredLogin::ApiKey(Secret::new("sk-1"))),
        (r#"{"auth_mode":"agentIdentity","agent_identity":"jwt"}"#, StoredLogin::AgentIdentity),
    ] {
        std::fs::write(home.path().join("auth.json"), text).unwrap();
        assert_eq!(StoredLogin::load(home.path()).unwrap(), Some(expected), "{text}");
    }
    for text in [
        "3",
        "junk",
        r#"{"auth_mode":"bogus"}"#,
        r#"{"auth_mode":"apikey"}"#,
        r#"{"auth_mode":"agentIdentity"}"#,
    ] {
        std::fs::write(home.path().join("auth.json"), text).unwrap();
        assert!(StoredLogin::load(home.path()).is_err(), "{text}");
    }
}

#[test]
fn a_key_is_stored_for_the_owner_alone_and_forgotten() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("auth.json");
    StoredLogin::store_api_key(home.path(), &Secret::new("sk-one")).unwrap();
    StoredLogin::store_api_key(home.path(), &Secret::new("sk-two")).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text, "{\n  \"auth_mode\": \"apikey\",\n  \"OPENAI_API_KEY\": \"sk-two\"\n}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let key = Credentials::load(home.path(), |_| None).unwrap().unwrap();
    assert_eq!(key.expose(), "sk-two");
    assert!(StoredLogin::remove(home.path()).unwrap());
    assert!(!StoredLogin::remove(home.path()).unwrap());
}

#[test]
fn a_hint_shows_nothing_of_a_short_key() {
    for (key, hint) in [
        ("", "***"),
        ("sk-1234567890", "***"),
        ("sk-12345678901", "sk-12345***78901"),
        ("ключключ-12345x", "ключключ***2345x"),
    ] {
        assert_eq!(Secret::new(key).hint(), hint, "{key}");
    }
}
