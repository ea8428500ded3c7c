//! What comes out of a stream: events in order, tolerance, and what a recorder gets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

mod support;

use std::sync::{Arc, Mutex};

use quire_models::{Exchange, ExchangeRecorder, ModelEvent};
use quire_protocol::{RateLimitSnapshot, ResponseItem, Role, TokenUsage};
use serde_json::{Value, json};
use support::{Answer, Server, ask, client, done, http, raw_stream, read, sse, sse_start};

/// The events of a whole stream after the rate limits every answer begins with.
async fn events_of(answer: Answer) -> Vec<ModelEvent> {
    let server = Server::start(vec![answer]).await;
    let (mut events, error) = read(&server.client()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events.remove(0), ModelEvent::RateLimits(RateLimitSnapshot::default()));
    events
}

fn completed(response_id: &str) -> ModelEvent {
    ModelEvent::Completed { response_id: response_id.into(), usage: None, end_turn: None }
}

#[tokio::test]
async fn every_event_of_interest() {
    let message = json!({"type": "message", "id": "m1", "role": "assistant", "content": []});
    let events = events_of(sse(
        &[],
        &[
            json!({"type": "response.created", "response": {"id": "r1"}}),
            json!({"type": "response.in_progress", "response": {}}),
            json!({"type": "response.output_item.added", "item": message}),
            json!({"type": "response.output_text.delta", "delta": "He\u{1F600}\n", "item_id": "m1", "logprobs": []}),
            json!({"type": "response.reasoning_summary_part.added", "summary_index": 0, "part": {}}),
            json!({"type": "response.reasoning_summary_text.delta", "summary_index": 1, "delta": "s"}),
            json!({"type": "response.reasoning_text.delta", "content_index": 2, "delta": "r"}),
            json!({"type": "response.custom_tool_call_input.delta", "item_id": "ct", "delta": "*"}),
            json!({"type": "response.custom_tool_call_input.delta", "delta": "no id"}),
            json!({"type": "response.function_call_arguments.delta", "delta": {"not": "text"}}),
            json!({"type": "response.output_text.done", "text": "x"}),
            json!({"type": "response.metadata", "metadata": {"openai_verification_recommendation": ["a"]}}),
            json!({"type": "response.output_item.done", "item": {"type": "message", "role": "assistant",
                "content": [{"type": "output_text", "text": "done"}]}}),
            json!({"type": "response.completed", "response": {"id": "r1", "end_turn": false, "usage": {
                "input_tokens": 100, "input_tokens_details": {"cached_tokens": 40}, "output_tokens": 20,
                "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 121}}}),
            json!({"type": "response.output_text.delta", "delta": "too late"}),
        ],
    ))
    .await;
    let usage = TokenUsage {
        input_tokens: 100,
        cached_input_tokens: 40,
        output_tokens: 20,
        reasoning_output_tokens: 5,
        total_tokens: 121,
    };
    let expected = [
        ModelEvent::Created,
        ModelEvent::ItemAdded(serde_json::from_value(message).unwrap()),
        ModelEvent::TextDelta("He\u{1F600}\n".into()),
        ModelEvent::ReasoningSummaryPartAdded { index: 0 },
        ModelEvent::ReasoningSummaryDelta { index: 1, delta: "s".into() },
        ModelEvent::ReasoningTextDelta { index: 2, delta: "r".into() },
        ModelEvent::CustomInputDelta { item_id: Some("ct".into()), call_id: None, delta: "*".into() },
        ModelEvent::VerificationRecommended(vec!["a".into()]),
        ModelEvent::ItemDone(ResponseItem::message(Role::Assistant, "done")),
        ModelEvent::Completed { response_id: "r1".into(), usage: Some(usage), end_turn: Some(false) },
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn what_cannot_be_understood_is_skipped() {
    let chunks = [
        "data: [DONE]\n\n",
        "data: {broken\n\n",
        "data: 5\n\n",
        "data: {\"no\":\"type\"}\n\n",
        "event: response.output_text.delta\ndata: {\"type\":\"novelty\",\"delta\":\"x\"}\n\n",
        "data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\"}}\n\n",
        "data: {\"type\":\"response.output_item.done\"}\n\n",
        "data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"novelty\",\"x\":[1]}}\n\n",
        "data:{\"type\":\r\ndata: \"response.output_text.delta\",\r\ndata: \"delta\":\"ok\"}\r\n\r\n",
        "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r9\"}}\n\n",
    ];
    let mut bytes = raw_stream(&[], &chunks);
    bytes.extend(b"0\r\n\r\n");
    let expected =
        [ModelEvent::ItemDone(ResponseItem::Other), ModelEvent::TextDelta("ok".into()), completed("r9")];
    assert_eq!(events_of(Answer::Bytes(bytes)).await, expected);
}

#[tokio::test]
async fn servers_of_other_makers_may_leave_things_out() {
    let no_blank_line = "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\"}}";
    let mut bytes = raw_stream(&[], &[no_blank_line]);
    bytes.extend(b"0\r\n\r\n");
    assert_eq!(events_of(Answer::Bytes(bytes)).await, [completed("r1")]);
    let usage = json!({"input_tokens": 3, "output_tokens": 4, "input_tokens_details": null});
    let sparse = json!({"type": "response.completed", "response": {"usage": usage}});
    let total = TokenUsage { input_tokens: 3, output_tokens: 4, total_tokens: 7, ..TokenUsage::default() };
    assert_eq!(
        events_of(sse(&[], &[sparse])).await,
        [ModelEvent::Completed { response_id: String::new(), usage: Some(total), end_turn: None }]
    );
}

#[tokio::test]
async fn completion_wins_over_an_earlier_failure() {
    let failed = json!({"type": "response.failed", "response": {"error": {"code": "invalid_prompt"}}});
    assert_eq!(events_of(sse(&[], &[failed, done()])).await, [completed("r1")]);
}

#[tokio::test]
async fn headers_come_before_events() {
    let headers = [
        ("openai-model", "other-1"),
        ("x-reasoning-included", "true"),
        ("x-codex-primary-used-percent", "12.5"),
        ("x-codex-credits-has-credits", "true"),
        ("x-codex-credits-unlimited", "false"),
    ];
    let server = Server::start(vec![sse(&headers, &[done()]), sse(&[], &[done()])]).await;
    let client = server.client();
    let (events, _) = read(&client).await;
    assert_eq!(events[0], ModelEvent::ServerModel("other-1".into()));
    let ModelEvent::RateLimits(first) = &events[1] else { panic!("{events:?}") };
    assert!(first.primary.is_some() && first.credits.is_some());
    assert_eq!(events[2..], [ModelEvent::ReasoningIncluded, completed("r1")]);
    let (events, _) = read(&client).await;
    let ModelEvent::RateLimits(second) = &events[0] else { panic!("{events:?}") };
    assert_eq!((&second.primary, &second.credits), (&None, &first.credits), "credits are carried over");
}

#[tokio::test]
async fn a_change_of_model_is_told_once() {
    let events = events_of(sse(
        &[],
        &[
            json!({"type": "response.created", "response": {"headers": {"OpenAI-Model": "a"}}}),
            json!({"type": "response.in_progress", "headers": {"openai-model": ["a"]}}),
            json!({"type": "novelty", "headers": {"openai-model": ["b"]}}),
            done(),
        ],
    ))
    .await;
    let expected = [
        ModelEvent::ServerModel("a".into()),
        ModelEvent::Created,
        ModelEvent::ServerModel("b".into()),
        completed("r1"),
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn events_before_a_break_are_kept() {
    let added = json!({"type": "response.output_text.delta", "delta": "x"});
    let server = Server::start(vec![Answer::Cut(sse_start(&[], &[added]))]).await;
    let (events, error) = read(&server.client()).await;
    assert_eq!(events[1..], [ModelEvent::TextDelta("x".into())]);
    assert!(error.is_some());
}

#[derive(Default)]
struct Notes(Mutex<Vec<Exchange>>);

impl ExchangeRecorder for Notes {
    fn exchange_ended(&self, exchange: Exchange) {
        self.0.lock().unwrap().push(exchange);
    }
}

#[tokio::test]
async fn recorders_get_every_answer_and_no_secret() {
    let created = json!({"type": "response.created", "response": {}});
    let headers = [("x-request-id", "RID"), ("set-cookie", "session=secret"), ("x-codex-turn-state", "TS")];
    let server = Server::start(vec![
        http("500 X", &[("x-request-id", "R0")], "boom"),
        sse(&headers, &[created.clone(), done(), json!({"type": "late"})]),
        Answer::Cut(sse_start(&[], std::slice::from_ref(&created))),
        sse(&[], std::slice::from_ref(&created)),
        Answer::Hang(sse_start(&[], std::slice::from_ref(&created))),
    ])
    .await;
    let notes = Arc::new(Notes::default());
    let provider = quire_models::ProviderConfig { request_max_retries: 1, ..server.provider() };
    let client = client(provider, None).with_recorder(Arc::clone(&notes) as Arc<dyn ExchangeRecorder>);
    for _ in 0..3 {
        read(&client).await;
    }
    let mut left = ask(&client).await.unwrap();
    left.next().await;
    left.next().await;
    drop(left);

    let notes = notes.0.lock().unwrap();
    let short: Vec<_> = notes.iter().map(|note| (note.status, note.events.len(), note.cut)).collect();
    assert_eq!(short, [(500, 0, false), (200, 2, false), (200, 1, true), (200, 1, false), (200, 1, true)]);
    assert_eq!(notes[0].body.as_deref(), Some("boom"));
    assert_eq!(serde_json::from_str::<Value>(&notes[1].events[1]).unwrap(), done());
    let kept: Vec<_> = notes[1].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(kept, ["content-type", "x-request-id", "x-codex-turn-state"]);
}

#[tokio::test]
async fn waiting_can_be_given_up_and_taken_up_again() {
    let server =
        Server::start(vec![sse(&[], &[json!({"type": "response.output_text.delta", "delta": "x"}), done()])])
            .await;
    let client = server.client();
    let mut stream = ask(&client).await.unwrap();
    let mut events = Vec::new();
    loop {
        // Polled once and dropped, as a `select!` would that another branch wins.
        let step = tokio::select! { biased; next = stream.next() => Some(next), () = tokio::task::yield_now() => None };
        match step {
            Some(Some(event)) => events.push(event.unwrap()),
            Some(None) => break,
            None => {}
        }
    }
    assert_eq!(events[1..], [ModelEvent::TextDelta("x".into()), completed("r1")]);
}
