//! The requests as bytes: request line, header order and values, body key order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

mod support;

use std::sync::Arc;

use quire_models::{ModelClient, Prompt, ProviderConfig, Sampling};
use quire_protocol::{ReasoningEffort, ReasoningSummary, ResponseItem, Verbosity};
use serde_json::{Value, json};
use support::{
    Request, Server, THREAD, client, done, hello, http, identity, prompt, raw_stream, read, sampling, sse,
};

async fn request_for(server: &Server, client: &ModelClient, prompt: &Prompt, sampling: &Sampling) -> Request {
    client.stream(prompt, sampling, &identity()).await.unwrap();
    server.requests().pop().unwrap()
}

async fn body_for(prompt: &Prompt, sampling: &Sampling) -> Value {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    request_for(&server, &server.client(), prompt, sampling).await.body
}

#[tokio::test]
async fn headers_in_the_order_of_the_reference() {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    let request = request_for(&server, &server.client(), &hello(), &sampling("gpt-5.5")).await;
    assert_eq!(request.line(), "POST /v1/responses HTTP/1.1");
    let window = format!("{THREAD}:0");
    let host = format!("127.0.0.1:{}", server.port);
    let length = request.header("content-length").unwrap();
    assert_eq!(
        request.headers(),
        [
            ("x-codex-beta-features", "terminal_resize_reflow"),
            ("x-codex-turn-metadata", r#"{"turn_id":"t"}"#),
            ("x-codex-window-id", window.as_str()),
            ("x-client-request-id", THREAD),
            ("session-id", THREAD),
            ("thread-id", THREAD),
            ("accept", "text/event-stream"),
            ("authorization", "Bearer k"),
            ("content-type", "application/json"),
            ("originator", "codex_exec"),
            ("user-agent", "codex_exec/0.136.0 t_st"),
            ("host", host.as_str()),
            ("content-length", length),
        ]
    );
}

#[tokio::test]
async fn provider_headers_come_first_and_keep_their_place() {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let provider = ProviderConfig {
        http_headers: vec![
            pair("X-B", "2"),
            pair("Authorization", "mine"),
            pair("bad name", "x"),
            pair("x-bad", "a\nb"),
            pair("a", "1"),
        ],
        env_http_headers: vec![pair("e1", "FROM_ENV"), pair("e2", "BLANK"), pair("e3", "UNSET")],
        query_params: vec![pair("q", "a b&c"), pair("api-version", "1")],
        ..server.provider()
    };
    let request = request_for(&server, &client(provider, None), &hello(), &sampling("gpt-5.5")).await;
    assert_eq!(request.line(), "POST /v1/responses?q=a%20b%26c&api-version=1 HTTP/1.1");
    assert_eq!(
        request.headers()[..5],
        [
            ("x-b", "2"),
            ("authorization", "Bearer k"),
            ("a", "1"),
            ("e1", "from env"),
            ("x-codex-beta-features", "terminal_resize_reflow"),
        ]
    );
    assert_eq!(request.headers().iter().filter(|(name, _)| *name == "authorization").count(), 1);
}

#[tokio::test]
async fn the_built_in_provider_says_its_version() {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    let provider = ProviderConfig { base_url: server.provider().base_url, ..ProviderConfig::openai() };
    let request = request_for(&server, &client(provider, Some("sk-1")), &hello(), &sampling("gpt-5.5")).await;
    assert_eq!(request.headers()[0], ("version", "0.136.0"));
    assert_eq!(request.header("authorization"), Some("Bearer sk-1"));
}

#[tokio::test]
async fn the_providers_own_credential_wins() {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    let bearer = |provider| {
        let server = &server;
        async move {
            let request =
                request_for(server, &client(provider, Some("sk")), &hello(), &sampling("gpt-5.5")).await;
            request.header("authorization").map(str::to_owned)
        }
    };
    let keyless = ProviderConfig { env_key: None, ..server.provider() };
    let literal = ProviderConfig {
        experimental_bearer_token: Some(quire_auth::Secret::new("literal")),
        ..keyless.clone()
    };
    assert_eq!(bearer(keyless).await.as_deref(), Some("Bearer sk"));
    assert_eq!(bearer(literal.clone()).await.as_deref(), Some("Bearer literal"));
    let both = ProviderConfig { env_key: Some("TEST_KEY".into()), ..literal };
    assert_eq!(bearer(both).await.as_deref(), Some("Bearer k"));
}

#[tokio::test]
async fn without_credential_there_is_no_authorization() {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    let provider = ProviderConfig { env_key: None, ..server.provider() };
    let request = request_for(&server, &client(provider, None), &hello(), &sampling("gpt-5.5")).await;
    assert_eq!(request.header("authorization"), None);
}

#[tokio::test]
async fn a_missing_key_variable_makes_no_request() {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    for (name, instructions, message) in [
        ("UNSET", None, "Missing environment variable: `UNSET`."),
        ("BLANK", Some("Get one at H."), "Missing environment variable: `BLANK`. Get one at H."),
    ] {
        let provider = ProviderConfig {
            env_key: Some(name.into()),
            env_key_instructions: instructions.map(str::to_owned),
            ..server.provider()
        };
        let (_, error) = read(&client(provider, Some("sk"))).await;
        assert_eq!(error.unwrap().message(), message);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_routing_token_sticks_to_the_turn() {
    let server = Server::start(vec![
        sse(&[("x-codex-turn-state", "first")], &[done()]),
        sse(&[("x-codex-turn-state", "second")], &[done()]),
    ])
    .await;
    let (client, turn) = (server.client(), identity());
    for _ in 0..3 {
        client.stream(&hello(), &sampling("gpt-5.5"), &turn).await.unwrap();
    }
    client.stream(&hello(), &sampling("gpt-5.5"), &identity()).await.unwrap();
    let requests = server.requests();
    let tokens: Vec<_> = requests.iter().map(|request| request.header("x-codex-turn-state")).collect();
    assert_eq!(tokens, [None, Some("first"), Some("first"), None]);
    assert_eq!(requests[1].headers()[1].0, "x-codex-turn-state", "between beta features and metadata");
}

#[tokio::test]
async fn the_body_has_the_keys_of_the_reference_in_order() {
    let body = body_for(&hello(), &sampling("gpt-5.5")).await;
    let golden = json!({
        "model": "gpt-5.5",
        "instructions": "Be good.",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "tools": [{"type": "function", "name": "t"}],
        "tool_choice": "auto",
        "parallel_tool_calls": true,
        "reasoning": {"effort": "medium"},
        "store": false,
        "stream": true,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": THREAD,
        "text": {"verbosity": "low"},
        "client_metadata": {"x-codex-installation-id": "i-1"},
    });
    // Compared as text: equality of values would not see the order of keys.
    assert_eq!(body.to_string(), golden.to_string());
}

#[tokio::test]
async fn every_optional_part_has_its_place() {
    let prompt = Prompt { output_schema: Some(json!({"type": "object"})), ..hello() };
    let sampling = Sampling {
        effort: Some(ReasoningEffort::Xhigh),
        summary: Some(ReasoningSummary::Concise),
        verbosity: Some(Verbosity::High),
        service_tier: Some("fast".into()),
        ..sampling("gpt-5.5-2026-01-01")
    };
    let body = body_for(&prompt, &sampling).await;
    assert_eq!(body["model"], "gpt-5.5-2026-01-01");
    assert_eq!(body["reasoning"].to_string(), r#"{"effort":"xhigh","summary":"concise"}"#);
    assert_eq!(
        body["text"].to_string(),
        r#"{"verbosity":"high","format":{"type":"json_schema","strict":true,"schema":{"type":"object"},"name":"codex_output_schema"}}"#
    );
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys[8..],
        ["stream", "include", "service_tier", "prompt_cache_key", "text", "client_metadata"]
    );
    assert_eq!(body["service_tier"], "priority");
}

#[tokio::test]
async fn models_without_reasoning_say_null() {
    let prompt = Prompt { instructions: String::new(), ..hello() };
    let asked = Sampling {
        effort: Some(ReasoningEffort::High),
        verbosity: Some(Verbosity::Low),
        service_tier: Some("fast".into()),
        ..sampling("gemma")
    };
    let body = body_for(&prompt, &asked).await;
    assert_eq!((&body["reasoning"], &body["include"]), (&Value::Null, &json!([])));
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "model",
        "input",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "include",
        "prompt_cache_key",
        "client_metadata",
    ];
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn summaries_follow_setting_then_catalog() {
    let auto = body_for(&hello(), &sampling("gpt-5.2")).await;
    assert_eq!(auto["reasoning"], json!({"effort": "medium", "summary": "auto"}));
    let none = Sampling { summary: Some(ReasoningSummary::None), ..sampling("gpt-5.2") };
    assert_eq!(body_for(&hello(), &none).await["reasoning"], json!({"effort": "medium"}));
}

/// One item of every kind as a provider sends it, ids and novelties included, and as it goes back.
fn round_trip() -> Vec<(Value, &'static str, Option<&'static str>)> {
    vec![
        (
            json!({"type":"message","id":"msg_1","status":"completed","role":"assistant","phase":"commentary",
                "content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"ok"}]}),
            r#"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"ok"}],"phase":"commentary"}"#,
            Some("msg_1"),
        ),
        (
            json!({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"s"}]}),
            r#"{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"content":null,"encrypted_content":null}"#,
            Some("rs_1"),
        ),
        (
            json!({"type":"function_call","id":"fc_1","status":"completed","name":"n","namespace":"ns","arguments":"{}",
                "call_id":"c1"}),
            r#"{"type":"function_call","name":"n","namespace":"ns","arguments":"{}","call_id":"c1"}"#,
            Some("fc_1"),
        ),
        (
            json!({"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"data:x","detail":"high"}]}),
            r#"{"type":"function_call_output","call_id":"c1","output":[{"type":"input_image","image_url":"data:x","detail":"high"}]}"#,
            None,
        ),
        (
            json!({"type":"custom_tool_call","id":"ct_1","status":"completed","call_id":"c2","name":"apply_patch","input":"*"}),
            r#"{"type":"custom_tool_call","status":"completed","call_id":"c2","name":"apply_patch","input":"*"}"#,
            Some("ct_1"),
        ),
        (
            json!({"type":"custom_tool_call_output","call_id":"c2","output":"text"}),
            r#"{"type":"custom_tool_call_output","call_id":"c2","output":"text"}"#,
            None,
        ),
        (
            json!({"type":"local_shell_call","id":"ls_1","call_id":"c3","status":"completed",
                "action":{"type":"exec","command":["echo"]}}),
            r#"{"type":"local_shell_call","call_id":"c3","status":"completed","action":{"type":"exec","command":["echo"],"timeout_ms":null,"working_directory":null,"env":null,"user":null}}"#,
            Some("ls_1"),
        ),
        (
            json!({"type":"tool_search_call","id":"ts_1","call_id":"c4","status":"completed","execution":"client",
                "arguments":{"query":"q","limit":2}}),
            r#"{"type":"tool_search_call","call_id":"c4","status":"completed","execution":"client","arguments":{"query":"q","limit":2}}"#,
            Some("ts_1"),
        ),
        (
            json!({"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}}),
            r#"{"type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}}"#,
            Some("ws_1"),
        ),
        (
            json!({"type":"image_generation_call","id":"ig_1","status":"completed","revised_prompt":"p","result":"B"}),
            r#"{"type":"image_generation_call","id":"ig_1","status":"completed","revised_prompt":"p","result":"B"}"#,
            None,
        ),
        (
            json!({"type":"compaction","id":"cm_1","encrypted_content":"BLOB"}),
            r#"{"type":"compaction","encrypted_content":"BLOB"}"#,
            None,
        ),
    ]
}

async fn replayed(provider: impl Fn(&Server) -> ProviderConfig) -> Value {
    let server = Server::start(vec![sse(&[], &[done()])]).await;
    let mut items: Vec<ResponseItem> =
        round_trip().into_iter().map(|(received, ..)| serde_json::from_value(received).unwrap()).collect();
    items.insert(1, serde_json::from_value(json!({"type": "novelty", "id": "x"})).unwrap());
    let client = client(provider(&server), None);
    request_for(&server, &client, &prompt(items), &sampling("gpt-5.5")).await.body
}

#[tokio::test]
async fn items_go_back_without_server_ids() {
    let body = replayed(Server::provider).await;
    let sent: Vec<_> = body["input"].as_array().unwrap().iter().map(Value::to_string).collect();
    let expected: Vec<_> = round_trip().into_iter().map(|(_, sent, _)| sent.to_owned()).collect();
    assert_eq!(sent, expected);
    assert_eq!(body["store"], false);
}

#[tokio::test]
async fn azure_gets_ids_back_at_the_end() {
    let body = replayed(|server| ProviderConfig { name: "Azure".into(), ..server.provider() }).await;
    let sent: Vec<_> = body["input"].as_array().unwrap().iter().map(Value::to_string).collect();
    let expected: Vec<_> = round_trip()
        .into_iter()
        .map(|(_, sent, id)| match id {
            Some(id) => format!(r#"{},"id":"{id}"}}"#, sent.strip_suffix('}').unwrap()),
            None => sent.to_owned(),
        })
        .collect();
    assert_eq!(sent, expected);
    assert_eq!(body["store"], true);
}

#[tokio::test]
async fn one_connection_serves_a_turn() {
    let whole = sse(&[], &[done()]);
    let server =
        Server::start(vec![whole.clone(), whole.clone(), http("404 Not Found", &[], "x"), whole]).await;
    let client = server.client();
    for _ in 0..4 {
        read(&client).await;
    }
    assert_eq!((server.requests().len(), server.connections()), (4, 1));
}

#[tokio::test]
async fn a_stream_without_end_does_not_hold_up_the_next_request() {
    let endless = support::Answer::Hang(raw_stream(&[], &[&format!("data: {}\n\n", done())]));
    let server = Server::start(vec![endless, sse(&[], &[done()])]).await;
    let client = server.client();
    for _ in 0..2 {
        let (_, error) = read(&client).await;
        assert!(error.is_none(), "{error:?}");
    }
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_token_from_a_command_is_refused_not_left_out() {
    let provider = ProviderConfig {
        name: "P".into(),
        auth_command: Some("get-token".into()),
        ..ProviderConfig::default()
    };
    let identity = quire_models::ClientIdentity { originator: "o".into(), user_agent: "u".into() };
    let error = ModelClient::new(provider, None, identity).unwrap_err().to_string();
    assert!(error.contains("`P`") && error.contains("`get-token`") && error.contains("env_key"), "{error}");
}

#[test]
fn clients_do_not_show_credentials() {
    let provider = ProviderConfig { base_url: Some("http://h/v1".into()), ..ProviderConfig::default() };
    let client = Arc::new(client(provider, Some("sk-secret")));
    assert!(!format!("{client:?}").contains("sk-secret"));
}
