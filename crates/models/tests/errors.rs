//! The error table: number of requests, message, class and retry of every row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

mod support;

use std::time::Duration;

use quire_models::{ModelError, ProviderConfig, Retry, backoff};
use quire_protocol::CodexErrorInfo;
use serde_json::{Value, json};
use support::{Answer, Server, client, done, http, raw_stream, read, sse, sse_start};

const AGAIN: Retry = Retry::Stream { delay: None };

/// The error that an answer leads to, and how many requests it took with two request retries.
async fn failure(answer: Answer) -> (ModelError, usize, String) {
    let server = Server::start(vec![answer]).await;
    let provider =
        ProviderConfig { request_max_retries: 2, stream_idle_timeout_ms: 60_000, ..server.provider() };
    let (_, error) = read(&client(provider, None)).await;
    (error.expect("an error"), server.requests().len(), server.url())
}

struct Row {
    answer: Answer,
    requests: usize,
    message: &'static str,
    info: CodexErrorInfo,
    retry: Retry,
    status: Option<u16>,
}

fn status_row(status: &str, body: &str, requests: usize, message: &'static str) -> Row {
    let code = status[..3].parse().unwrap();
    let answer = http(status, &[], body);
    Row { answer, requests, message, info: CodexErrorInfo::Other, retry: AGAIN, status: Some(code) }
}

async fn check(rows: Vec<Row>) {
    for row in rows {
        let (error, requests, url) = failure(row.answer).await;
        assert_eq!(error.message(), row.message.replace("URL", &url));
        assert_eq!(requests, row.requests, "{}", row.message);
        assert_eq!((error.info(), error.retry()), (row.info, row.retry), "{}", row.message);
        assert_eq!(error.http_status(), row.status, "{}", row.message);
    }
}

#[tokio::test]
async fn statuses_without_a_meaning_of_their_own() {
    check(vec![
        status_row("502 Bad Gateway", "boom", 3, "unexpected status 502 Bad Gateway: boom, url: URL"),
        status_row(
            "503 Service Unavailable",
            r#"{"error":{"code":"x","message":"bad thing"}}"#,
            3,
            "unexpected status 503 Service Unavailable: bad thing, url: URL",
        ),
        status_row(
            "401 Unauthorized",
            r#"{"error":{"message":"MSG"}}"#,
            1,
            "unexpected status 401 Unauthorized: MSG, url: URL",
        ),
        status_row("403 Forbidden", "", 1, "unexpected status 403 Forbidden: Unknown error, url: URL"),
        status_row(
            "404 Not Found",
            r#"{"detail":"x"}"#,
            1,
            r#"unexpected status 404 Not Found: {"detail":"x"}, url: URL"#,
        ),
        status_row("408 Request Timeout", "b", 1, "unexpected status 408 Request Timeout: b, url: URL"),
        status_row("409 Conflict", "b", 1, "unexpected status 409 Conflict: b, url: URL"),
        status_row("413 X", "b", 1, "unexpected status 413 Payload Too Large: b, url: URL"),
        status_row("422 X", "b", 1, "unexpected status 422 Unprocessable Entity: b, url: URL"),
    ])
    .await;
}

#[tokio::test]
async fn ids_of_the_request_are_named() {
    let ids = [("cf-ray", "CF"), ("x-oai-request-id", "OAI")];
    let (error, _, url) = failure(http("502 X", &ids, "boom")).await;
    assert_eq!(
        error.message(),
        format!("unexpected status 502 Bad Gateway: boom, url: {url}, cf-ray: CF, request id: OAI")
    );
    let both = [("x-oai-request-id", "OAI"), ("x-request-id", "RID")];
    let (error, ..) = failure(http("404 X", &both, "b")).await;
    assert!(error.message().ends_with(", request id: RID"), "{error}");
    let (error, ..) = failure(http("429 X", &both, "b")).await;
    assert_eq!(error.message(), "exceeded retry limit, last status: 429 Too Many Requests, request id: RID");
}

#[tokio::test]
async fn statuses_with_a_meaning() {
    let row = |status: &str, body: Value, requests, message, info, retry| Row {
        answer: http(status, &[], &body.to_string()),
        requests,
        message,
        info,
        retry,
        status: None,
    };
    let coded = |code: &str| json!({"error": {"code": code, "message": "M"}});
    let typed = |kind: &str| json!({"error": {"type": kind, "message": "M"}});
    let high_demand = "The provider failed to answer; it may be under high demand. Try again in a moment.";
    let capacity = "Selected model is at capacity. Choose another model, or try again later.";
    let upgrade = "Your plan does not include this usage. Upgrade to Plus: https://chatgpt.com/explore/plus";
    check(vec![
        row("500 X", json!("boom"), 3, high_demand, CodexErrorInfo::InternalServerError, AGAIN),
        row(
            "503 X",
            coded("server_is_overloaded"),
            3,
            capacity,
            CodexErrorInfo::ServerOverloaded,
            Retry::Never,
        ),
        row("503 X", coded("slow_down"), 3, capacity, CodexErrorInfo::ServerOverloaded, Retry::Never),
        row("400 X", json!({"error":{}}), 1, r#"{"error":{}}"#, CodexErrorInfo::Other, Retry::Never),
        row("400 X", coded("cyber_policy"), 1, "M", CodexErrorInfo::CyberPolicy, Retry::Never),
        row(
            "429 X",
            typed("usage_not_included"),
            1,
            upgrade,
            CodexErrorInfo::UsageLimitExceeded,
            Retry::Never,
        ),
    ])
    .await;
    let (error, ..) = failure(http("400 X", &[], r#"{"error":{"code":"cyber_policy","message":" "}}"#)).await;
    assert!(error.message().contains("cybersecurity"), "{error}");
    let (error, ..) = failure(http("400 X", &[], &coded("context_length_exceeded").to_string())).await;
    assert_eq!((error.info(), error.retry()), (CodexErrorInfo::ContextWindowExceeded, Retry::Never));
    let image = "The image data you provided does not represent a valid image.";
    let (error, requests, _) =
        failure(http("400 X", &[], &json!({"error": {"message": image}}).to_string())).await;
    assert!(matches!(error, ModelError::InvalidImage), "{error}");
    assert_eq!((error.info(), error.retry(), requests), (CodexErrorInfo::BadRequest, Retry::Never, 1));
}

#[tokio::test]
async fn too_many_requests_is_final() {
    let (error, requests, _) = failure(http("429 X", &[("retry-after", "1")], "slow")).await;
    assert_eq!(error.message(), "exceeded retry limit, last status: 429 Too Many Requests");
    assert_eq!(error.info(), CodexErrorInfo::ResponseTooManyFailedAttempts { http_status_code: Some(429) });
    assert_eq!((error.retry(), requests), (Retry::Never, 1));
}

#[tokio::test]
async fn usage_limits_carry_their_bucket() {
    let body = json!({"error": {"type": "usage_limit_reached", "plan_type": "edu"}}).to_string();
    let headers = [
        ("x-codex-active-limit", "codex_other"),
        ("x-codex-other-limit-name", "NAME"),
        ("x-codex-other-primary-used-percent", "100"),
    ];
    let (error, requests, _) = failure(http("429 X", &headers, &body)).await;
    assert!(error.message().starts_with("You've hit your usage limit for NAME. "), "{error}");
    assert_eq!(
        (error.info(), error.retry(), requests),
        (CodexErrorInfo::UsageLimitExceeded, Retry::Never, 1)
    );
    let limits = error.rate_limits().unwrap();
    assert_eq!(limits.limit_id.as_deref(), Some("codex_other"));
    assert!((limits.primary.as_ref().unwrap().used_percent - 100.0).abs() < f64::EPSILON);
    // The reset comes from the body alone, whatever the headers say.
    let reset = [("x-codex-primary-used-percent", "100"), ("x-codex-primary-reset-at", "1795200000")];
    let (error, ..) = failure(http("429 X", &reset, &body)).await;
    assert_eq!(error.message(), "You've hit your usage limit. Try again later.");
}

#[tokio::test]
async fn no_answer_at_all_is_tried_again_here_and_by_the_caller() {
    let (error, requests, url) = failure(Answer::Cut(Vec::new())).await;
    assert_eq!(
        error.message(),
        format!("stream disconnected before completion: error sending request for url ({url})")
    );
    assert_eq!((requests, error.retry(), error.http_status()), (3, AGAIN, None));

    let refused = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/v1", socket.local_addr().unwrap())
    };
    let provider = ProviderConfig {
        base_url: Some(refused.clone()),
        request_max_retries: 1,
        ..ProviderConfig::default()
    };
    let (_, error) = read(&client(provider, None)).await;
    assert_eq!(
        error.unwrap().message(),
        format!("stream disconnected before completion: error sending request for url ({refused}/responses)")
    );
}

#[tokio::test]
async fn a_retry_inside_the_request_is_silent() {
    let answers = vec![Answer::Cut(Vec::new()), http("500 X", &[], ""), sse(&[], &[done()])];
    let server = Server::start(answers).await;
    let provider = ProviderConfig { request_max_retries: 2, ..server.provider() };
    let (events, error) = read(&client(provider, None)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((events.len(), server.requests().len()), (2, 3));
    let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body.to_string()).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "each attempt is the same request");
}

fn failed(error: Value) -> Answer {
    sse(&[], &[json!({"type": "response.failed", "response": {"error": error}})])
}

#[tokio::test]
async fn failures_that_the_stream_announces() {
    let row = |answer, message, info, retry| Row { answer, requests: 1, message, info, retry, status: None };
    let other = |answer, message| row(answer, message, CodexErrorInfo::Other, AGAIN);
    let event = |event: Value| sse(&[], &[event]);
    let capacity = "Selected model is at capacity. Choose another model, or try again later.";
    check(vec![
        row(
            failed(json!({"code": "insufficient_quota", "message": "M"})),
            "Quota exceeded. Check your plan and billing details.",
            CodexErrorInfo::UsageLimitExceeded,
            Retry::Never,
        ),
        row(
            failed(json!({"code": "invalid_prompt", "message": "M"})),
            "M",
            CodexErrorInfo::Other,
            Retry::Never,
        ),
        row(
            failed(json!({"code": "invalid_prompt"})),
            "Invalid request.",
            CodexErrorInfo::Other,
            Retry::Never,
        ),
        row(
            failed(json!({"code": "cyber_policy", "message": "M"})),
            "M",
            CodexErrorInfo::CyberPolicy,
            Retry::Never,
        ),
        row(failed(json!({"code": "slow_down"})), capacity, CodexErrorInfo::ServerOverloaded, Retry::Never),
        row(
            failed(json!({"code": "rate_limit_exceeded", "message": "Please try again in 1.5s."})),
            "stream disconnected before completion: Please try again in 1.5s.",
            CodexErrorInfo::Other,
            Retry::Stream { delay: Some(Duration::from_millis(1500)) },
        ),
        other(
            failed(json!({"code": "zzz", "message": "try again in 1s"})),
            "stream disconnected before completion: try again in 1s",
        ),
        other(
            event(json!({"type": "response.failed"})),
            "stream disconnected before completion: response.failed event received",
        ),
        other(
            event(
                json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max"}}}),
            ),
            "stream disconnected before completion: Incomplete response returned, reason: max",
        ),
        other(
            event(json!({"type": "response.incomplete"})),
            "stream disconnected before completion: Incomplete response returned, reason: unknown",
        ),
        other(
            event(
                json!({"type": "response.completed", "response": {"id": "x", "usage": {"input_tokens": 1}}}),
            ),
            "stream disconnected before completion: failed to parse ResponseCompleted: \
             missing field `output_tokens`",
        ),
        other(
            event(json!({"type": "error", "error": {"message": "M"}})),
            "stream disconnected before completion: M",
        ),
        other(
            event(json!({"type": "error", "code": 12, "message": "M"})),
            "stream disconnected before completion: M",
        ),
    ])
    .await;
    let (error, ..) = failure(failed(json!({"code": "context_length_exceeded"}))).await;
    assert!(error.message().contains("context window"), "{error}");
    assert_eq!((error.info(), error.retry()), (CodexErrorInfo::ContextWindowExceeded, Retry::Never));
}

#[tokio::test]
async fn a_stream_that_just_ends() {
    let early = "stream disconnected before completion: stream closed before response.completed";
    for answer in [
        sse(&[], &[json!({"type": "response.created", "response": {}})]),
        http("200 OK", &[], "<html>"),
        http("204 No Content", &[], ""),
    ] {
        let (error, requests, _) = failure(answer).await;
        assert_eq!((error.message().as_str(), error.retry(), requests), (early, AGAIN, 1));
    }
}

#[tokio::test]
async fn a_stream_that_breaks() {
    let (error, ..) = failure(Answer::Cut(sse_start(&[], &[json!({"type": "x"})]))).await;
    assert_eq!(
        error.message(),
        "stream disconnected before completion: Transport error: network error: error decoding response body"
    );
    assert_eq!(error.retry(), AGAIN);
}

#[tokio::test]
async fn a_stream_that_falls_silent() {
    // Comments and a kept failure do not change what silence is.
    let failed = json!({"type": "response.failed", "response": {"error": {"code": "invalid_prompt"}}});
    for start in [
        sse_start(&[], &[json!({"type": "response.created", "response": {}})]),
        raw_stream(&[], &[": ping\n\n", &format!("data: {failed}\n\n"), ": ping\n\n"]),
    ] {
        let server = Server::start(vec![Answer::Hang(start)]).await;
        let provider = ProviderConfig { stream_idle_timeout_ms: 20, ..server.provider() };
        let (_, error) = read(&client(provider, None)).await;
        let error = error.unwrap();
        assert_eq!(error.message(), "stream disconnected before completion: idle timeout waiting for SSE");
        assert_eq!(error.retry(), AGAIN);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let event = b"data: {\"type\":\"\xff\"}\n\n";
    let mut bytes = raw_stream(&[], &[]);
    bytes.extend(format!("{:x}\r\n", event.len()).into_bytes());
    bytes.extend(event);
    bytes.extend(b"\r\n0\r\n\r\n");
    let (error, ..) = failure(Answer::Cut(bytes)).await;
    assert!(error.message().starts_with("stream disconnected before completion: UTF8 error: "), "{error}");
}

#[test]
fn the_outer_loop_has_the_same_schedule() {
    let first = backoff(1);
    assert!(first >= Duration::from_millis(180) && first <= Duration::from_millis(220), "{first:?}");
}
