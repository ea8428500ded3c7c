//! One sampling: build the prompt, read the stream, record what comes, run what is called (engine sheet §4).
//!
//! A broken stream is sampled again, with all that was already recorded. Calls start while the stream still runs.

use std::sync::Arc;
use std::time::Instant;

use quire_config::Feature;
use quire_models::{
    Disconnect, ModelError, ModelEvent, ModelStream, Prompt, RequestIdentity, Retry, Sampling,
};
use quire_protocol::{
    CodexErrorInfo, EventKind, ReasoningContent, ReasoningSummaryPart, ResponseItem, Role, RolloutEvent,
    RolloutItem, SearchAction, TokenUsage, TokenUsageInfo, TurnError, TurnItem, WebSearchAction,
};
use tokio_util::sync::CancellationToken;

use crate::goals;
use crate::history;
use crate::identity::{RequestKind, TurnMetadata};
use crate::thread::ThreadState;
use crate::tools::{self, Calls, ToolCall, TurnScope};
use crate::turn::{Stop, Turn};

/// Samples the model once. True when it has to be sampled again: it called tools, or says it is not done.
pub(crate) async fn sample(thread: &mut ThreadState, turn: &mut Turn) -> Result<bool, Stop> {
    let retries = thread.services.client.provider().stream_retries();
    let mut attempt = 0;
    loop {
        let error = match one_attempt(thread, turn).await {
            Ok(wants_more) => return Ok(wants_more),
            Err(Stop::Failed(error)) => error,
            Err(stop) => return Err(stop),
        };
        if error.info() == CodexErrorInfo::ContextWindowExceeded {
            fill_window(thread);
            tell_usage(thread, turn).await;
        }
        if matches!(*error, ModelError::InvalidImage) && thread.history.replace_last_tool_images() {
            continue;
        }
        let Retry::Stream { delay } = error.retry() else { return Err(Stop::Failed(error)) };
        if attempt == retries {
            return Err(Stop::Failed(error));
        }
        attempt += 1;
        tell_retry(thread, turn, &error, attempt, retries).await;
        let delay = delay.unwrap_or_else(|| quire_models::backoff(attempt));
        tokio::select! {
            () = turn.cancel.cancelled() => return Err(Stop::Interrupted),
            () = tokio::time::sleep(delay) => {}
        }
    }
}

async fn tell_retry(thread: &ThreadState, turn: &Turn, error: &ModelError, attempt: u32, retries: u32) {
    let error = TurnError {
        message: format!("Reconnecting... {attempt}/{retries}"),
        codex_error_info: Some(CodexErrorInfo::ResponseStreamDisconnected {
            http_status_code: error.http_status(),
        }),
        additional_details: Some(error.message()),
    };
    thread.outlet.announce(Some(&turn.id), EventKind::Error { error, will_retry: true }).await;
}

async fn one_attempt(thread: &mut ThreadState, turn: &mut Turn) -> Result<bool, Stop> {
    let services = Arc::clone(&thread.services);
    let (prompt, sampling, identity) = request(thread, turn);
    let opened = tokio::select! {
        biased;
        () = turn.cancel.cancelled() => return Err(Stop::Interrupted),
        opened = services.client.stream(&prompt, &sampling, &identity) => opened,
    };
    let told = Arc::clone(&prompt.input);
    drop(prompt);
    let mut stream = match opened {
        Ok(stream) => stream,
        Err(error) => {
            if let Some(limits) = error.rate_limits() {
                thread.rate_limits = limits.clone();
                tell_usage(thread, turn).await;
            }
            return Err(Stop::Failed(Box::new(error)));
        }
    };
    let mut reader = Reader::new(thread, turn, told);
    let end = reader.read(thread, turn, &mut stream).await;
    drop(stream);
    reader.finish(thread, turn, end).await
}

fn request(thread: &ThreadState, turn: &Turn) -> (Prompt, Sampling, RequestIdentity) {
    let services = &thread.services;
    let settings = &thread.settings;
    let config = &services.config;
    let prompt = Prompt {
        instructions: services.base_instructions.clone(),
        input: thread.history.for_prompt(settings.info.sees_images()).into(),
        tools: tools::specs(&thread.gate()).into(),
        parallel_tool_calls: settings.info.supports_parallel_tool_calls,
        output_schema: turn.output_schema.clone(),
    };
    let sampling = Sampling {
        model: settings.model.clone(),
        info: Arc::clone(&settings.info),
        effort: settings.effort,
        summary: settings.summary.or(config.model_reasoning_summary),
        verbosity: config.model_verbosity,
        service_tier: config.service_tier.clone().filter(|_| config.features.enabled(Feature::FastMode)),
    };
    let window_id = format!("{}:{}", services.thread_id, thread.window);
    let workspaces = turn.workspaces.known();
    let spawned_by = services.lineage.as_ref().map(|lineage| lineage.parent);
    let metadata = TurnMetadata {
        session_id: services.session_id(),
        thread_id: services.thread_id,
        spawned_by,
        thread_source: services.thread_source,
        turn_id: &turn.id,
        workspaces: workspaces.as_ref(),
        sandboxed: !crate::approvals::is_unconfined(&settings.profile),
        turn_started_at_unix_ms: turn.started_unix_ms,
        request_kind: RequestKind::Turn,
        window_id: &window_id,
    };
    let identity = RequestIdentity {
        thread_id: services.thread_id,
        session_id: services.session_id(),
        spawned_by,
        turn_metadata: metadata.header(),
        window_id,
        installation_id: services.installation_id.clone(),
        beta_features: config.features.beta_header(),
        turn_state: turn.routing.clone(),
    };
    (prompt, sampling, identity)
}

/// How the reading of a stream ended.
enum End {
    /// The response is complete; whether the model wants to go on regardless of calls.
    Completed {
        unfinished: bool,
    },
    Interrupted,
    Broken(Box<ModelError>),
}

/// The item the model is speaking at the moment.
struct Open {
    id: String,
    kind: OpenKind,
}

#[derive(PartialEq, Eq)]
enum OpenKind {
    Message,
    Reasoning,
    Other,
}

/// Reads one response.
struct Reader {
    calls: Calls,
    open: Option<Open>,
    response_over: CancellationToken,
}

impl Reader {
    /// `told` is what the model was sent.
    fn new(thread: &ThreadState, turn: &Turn, told: Arc<[ResponseItem]>) -> Self {
        let settings = &thread.settings;
        let response_over = CancellationToken::new();
        let scope = Arc::new(TurnScope {
            services: Arc::clone(&thread.services),
            outlet: thread.outlet.clone(),
            turn_id: turn.id.clone(),
            cwd: settings.cwd.clone(),
            approval_policy: settings.approval_policy.clone(),
            profile: settings.profile.clone(),
            mode: quire_protocol::ModeKind::Default,
            model: Arc::clone(&settings.info),
            diff: Arc::clone(&turn.diff),
            response_over: response_over.clone(),
            settings: settings.clone(),
            told,
            baseline: thread.baseline.clone(),
        });
        Self { calls: Calls::new(scope), open: None, response_over }
    }

    async fn read(&mut self, thread: &mut ThreadState, turn: &mut Turn, stream: &mut ModelStream) -> End {
        loop {
            let event = tokio::select! {
                biased;
                () = turn.cancel.cancelled() => return End::Interrupted,
                () = self.calls.advance(), if self.calls.is_running() => continue,
                event = stream.next() => event,
            };
            match event {
                Some(Ok(ModelEvent::Completed { usage, end_turn, .. })) => {
                    count(thread, usage);
                    return End::Completed { unfinished: end_turn == Some(false) };
                }
                Some(Ok(event)) => self.take(thread, turn, event).await,
                Some(Err(error)) => return End::Broken(Box::new(error)),
                None => return End::Broken(Box::new(ModelError::from(Disconnect::ClosedEarly))),
            }
        }
    }

    async fn take(&mut self, thread: &mut ThreadState, turn: &mut Turn, event: ModelEvent) {
        if turn.first_token.is_none() && counts_as_first_token(&event) {
            turn.first_token = Some(Instant::now());
        }
        match event {
            ModelEvent::ItemAdded(item) => self.opened(thread, turn, &item).await,
            ModelEvent::ItemDone(item) => self.done(thread, turn, item).await,
            ModelEvent::TextDelta(delta) => {
                if let Some(item_id) = self.open_id(&OpenKind::Message) {
                    thread
                        .outlet
                        .announce(Some(&turn.id), EventKind::AgentMessageDelta { item_id, delta })
                        .await;
                } else {
                    tracing::debug!("text delta without an open message");
                }
            }
            ModelEvent::ReasoningSummaryPartAdded { index } => {
                if let Some(item_id) = self.open_id(&OpenKind::Reasoning) {
                    let kind = EventKind::ReasoningSummaryPartAdded { item_id, summary_index: index };
                    thread.outlet.announce(Some(&turn.id), kind).await;
                }
            }
            ModelEvent::ReasoningSummaryDelta { index, delta } => {
                if let Some(item_id) = self.open_id(&OpenKind::Reasoning) {
                    let kind = EventKind::ReasoningSummaryDelta { item_id, delta, summary_index: index };
                    thread.outlet.announce(Some(&turn.id), kind).await;
                }
            }
            ModelEvent::ReasoningTextDelta { index, delta } => {
                if let Some(item_id) = self.open_id(&OpenKind::Reasoning) {
                    let kind = EventKind::ReasoningTextDelta { item_id, delta, content_index: index };
                    thread.outlet.announce(Some(&turn.id), kind).await;
                }
            }
            ModelEvent::RateLimits(snapshot) => thread.rate_limits = snapshot,
            ModelEvent::ServerModel(model) => rerouted(thread, turn, model).await,
            ModelEvent::Created
            | ModelEvent::CustomInputDelta { .. }
            | ModelEvent::ReasoningIncluded
            | ModelEvent::VerificationRecommended(_)
            | ModelEvent::Completed { .. } => {}
        }
    }

    fn open_id(&self, kind: &OpenKind) -> Option<String> {
        self.open.as_ref().filter(|open| open.kind == *kind).map(|open| open.id.clone())
    }

    /// An item began: people see it grow from here on.
    async fn opened(&mut self, thread: &ThreadState, turn: &Turn, item: &ResponseItem) {
        let id = item.server_id().map_or_else(|| thread.services.engine.options.ids.item_id(), str::to_owned);
        let (kind, shown) = match item {
            ResponseItem::Message { role: Role::Assistant, phase, .. } => {
                let shown = TurnItem::AgentMessage {
                    id: id.clone(),
                    text: String::new(),
                    phase: *phase,
                    memory_citation: None,
                };
                (OpenKind::Message, Some(shown))
            }
            ResponseItem::Reasoning { .. } => {
                let shown = TurnItem::Reasoning { id: id.clone(), summary: Vec::new(), content: Vec::new() };
                (OpenKind::Reasoning, Some(shown))
            }
            ResponseItem::WebSearchCall { .. } => {
                let action = Some(WebSearchAction::Other);
                (OpenKind::Other, Some(TurnItem::WebSearch { id: id.clone(), query: String::new(), action }))
            }
            _ => (OpenKind::Other, None),
        };
        self.open = Some(Open { id, kind });
        if let Some(shown) = shown {
            thread.outlet.announce(Some(&turn.id), EventKind::ItemStarted(shown)).await;
        }
    }

    /// An item is finished: written down, then told, then acted on.
    async fn done(&mut self, thread: &mut ThreadState, turn: &mut Turn, item: ResponseItem) {
        let open = self.open.take();
        let was_open = open.is_some();
        let id = item
            .server_id()
            .map(str::to_owned)
            .or_else(|| open.map(|open| open.id))
            .unwrap_or_else(|| thread.services.engine.options.ids.item_id());
        let raw_reasoning = thread.services.config.show_raw_agent_reasoning;
        let (events, shown) = projections(&item, id, raw_reasoning);
        if let Some(TurnItem::AgentMessage { text, .. }) = &shown {
            turn.last_message = Some(text.clone());
        }
        let mut lines: Vec<_> = events.into_iter().map(RolloutItem::EventMsg).collect();
        if item.is_persisted() {
            lines.push(RolloutItem::ResponseItem(item.clone()));
        }
        thread.outlet.record(lines).await;
        if let Some(shown) = shown {
            if !was_open {
                thread.outlet.announce(Some(&turn.id), EventKind::ItemStarted(as_started(&shown))).await;
            }
            thread.outlet.announce(Some(&turn.id), EventKind::ItemCompleted(shown)).await;
        }
        if let Some(call) = ToolCall::from_item(&item) {
            turn.used_tools = true;
            self.calls.add(call, &thread.gate()).await;
        }
        thread.history.push(item);
    }

    /// The stream is over: answer the calls, count the tokens.
    async fn finish(mut self, thread: &mut ThreadState, turn: &Turn, end: End) -> Result<bool, Stop> {
        self.response_over.cancel();
        let mut interrupted = matches!(end, End::Interrupted);
        let policy = thread.settings.info.truncation_policy;
        let mut answered = Vec::new();
        loop {
            if interrupted {
                self.calls.abandon();
            }
            while let Some(answer) = self.calls.take_finished() {
                if answer.tool != tools::UPDATE_GOAL {
                    charge_goal(thread, turn).await;
                }
                // The log keeps the tool's answer whole; only the model's copy is cut to its policy.
                thread.outlet.record(vec![RolloutItem::ResponseItem(answer.item.clone())]).await;
                let item = history::fit_output(answer.item, policy);
                for kind in answer.then {
                    thread.outlet.announce(Some(&turn.id), kind).await;
                }
                answered.push((answer.position, item));
            }
            if !self.calls.is_running() {
                break;
            }
            tokio::select! {
                biased;
                () = turn.cancel.cancelled() => interrupted = true,
                () = self.calls.advance() => {}
            }
        }
        answered.sort_by_key(|(position, _)| *position);
        let called = !answered.is_empty();
        for (_, item) in answered {
            thread.history.push(item);
        }
        tell_usage(thread, turn).await;
        match end {
            _ if interrupted => Err(Stop::Interrupted),
            End::Broken(error) => Err(Stop::Failed(error)),
            End::Completed { unfinished } => Ok(called || unfinished),
            End::Interrupted => Err(Stop::Interrupted),
        }
    }
}

fn counts_as_first_token(event: &ModelEvent) -> bool {
    !matches!(
        event,
        ModelEvent::Created
            | ModelEvent::RateLimits(_)
            | ModelEvent::ServerModel(_)
            | ModelEvent::ReasoningIncluded
    )
}

fn count(thread: &mut ThreadState, usage: Option<TokenUsage>) {
    let Some(last) = usage else { return };
    if let Some(goals) = &thread.services.goals {
        goals.spend(last.blended_total());
    }
    let mut info = thread.usage.take().unwrap_or_default();
    info.total_token_usage += &last;
    thread.usage = Some(TokenUsageInfo {
        last_token_usage: last,
        model_context_window: thread.settings.usable_window(),
        ..info
    });
}

/// Charges the goal with what was spent until a call was answered.
async fn charge_goal(thread: &ThreadState, turn: &Turn) {
    let now_ms = thread.services.engine.options.clock.unix_ms();
    if let Some(goal) = thread.services.goals.as_ref().and_then(|goals| goals.charge(now_ms)) {
        goals::tell(&thread.outlet, &turn.id, goal).await;
    }
}

/// The history does not fit: the window counts as full.
fn fill_window(thread: &mut ThreadState) {
    let Some(window) = thread.settings.usable_window() else { return };
    let mut info = thread.usage.take().unwrap_or_default();
    info.total_token_usage.total_tokens = window;
    info.last_token_usage = TokenUsage { total_tokens: window, ..TokenUsage::default() };
    info.model_context_window = Some(window);
    thread.usage = Some(info);
}

async fn tell_usage(thread: &ThreadState, turn: &Turn) {
    let rate_limits = thread.rate_limits.clone();
    let event =
        RolloutEvent::TokenCount { info: thread.usage.clone(), rate_limits: Some(rate_limits.clone()) };
    thread.outlet.record_event(event).await;
    if let Some(usage) = &thread.usage {
        thread.outlet.announce(Some(&turn.id), EventKind::TokenUsage(usage.clone())).await;
    }
    thread.outlet.announce(Some(&turn.id), EventKind::RateLimits(rate_limits)).await;
}

/// Told once per turn.
async fn rerouted(thread: &ThreadState, turn: &mut Turn, to_model: String) {
    let from_model = thread.settings.model.clone();
    if !turn.rerouted && to_model != from_model {
        turn.rerouted = true;
        thread.outlet.announce(Some(&turn.id), EventKind::ModelRerouted { from_model, to_model }).await;
    }
}

/// What a finished model item leaves in the log besides itself, and what people see of it.
fn projections(
    item: &ResponseItem,
    id: String,
    raw_reasoning: bool,
) -> (Vec<RolloutEvent>, Option<TurnItem>) {
    match item {
        ResponseItem::Message { role: Role::Assistant, content, phase, .. } => {
            let text = output_text(content);
            let event =
                RolloutEvent::AgentMessage { message: text.clone(), phase: *phase, memory_citation: None };
            (vec![event], Some(TurnItem::AgentMessage { id, text, phase: *phase, memory_citation: None }))
        }
        ResponseItem::Reasoning { summary, content, .. } => {
            let summary: Vec<String> =
                summary.iter().map(|ReasoningSummaryPart::SummaryText { text }| text.clone()).collect();
            let content: Vec<String> = content
                .iter()
                .flatten()
                .map(|(ReasoningContent::ReasoningText { text } | ReasoningContent::Text { text })| {
                    text.clone()
                })
                .collect();
            let events = summary
                .iter()
                .map(|text| RolloutEvent::AgentReasoning { text: text.clone() })
                .chain(
                    content
                        .iter()
                        .filter(|_| raw_reasoning)
                        .map(|text| RolloutEvent::AgentReasoningRawContent { text: text.clone() }),
                )
                .collect();
            (events, Some(TurnItem::Reasoning { id, summary, content }))
        }
        ResponseItem::WebSearchCall { action, .. } => {
            let action = action.clone().unwrap_or(SearchAction::Other);
            let query = search_query(&action);
            let event = RolloutEvent::WebSearchEnd {
                call_id: id.clone(),
                query: query.clone(),
                action: action.clone(),
            };
            (vec![event], Some(TurnItem::WebSearch { id, query, action: Some(search_action(action)) }))
        }
        _ => (Vec::new(), None),
    }
}

fn output_text(content: &[quire_protocol::ContentItem]) -> String {
    content
        .iter()
        .filter_map(|part| match part {
            quire_protocol::ContentItem::OutputText { text } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// How a search is shown in one line (tools sheet §9).
fn search_query(action: &SearchAction) -> String {
    match action {
        SearchAction::Search { query, queries } => {
            query.clone().or_else(|| queries.as_ref()?.first().cloned()).unwrap_or_default()
        }
        SearchAction::OpenPage { url } => url.clone().unwrap_or_default(),
        SearchAction::FindInPage { url, pattern } => match (pattern, url) {
            (Some(pattern), Some(url)) => format!("'{pattern}' in {url}"),
            (Some(pattern), None) => format!("'{pattern}'"),
            (None, url) => url.clone().unwrap_or_default(),
        },
        SearchAction::Other => String::new(),
    }
}

fn search_action(action: SearchAction) -> WebSearchAction {
    match action {
        SearchAction::Search { query, queries } => WebSearchAction::Search { query, queries },
        SearchAction::OpenPage { url } => WebSearchAction::OpenPage { url },
        SearchAction::FindInPage { url, pattern } => WebSearchAction::FindInPage { url, pattern },
        SearchAction::Other => WebSearchAction::Other,
    }
}

/// The beginning of an item that came without one.
fn as_started(item: &TurnItem) -> TurnItem {
    match item.clone() {
        TurnItem::AgentMessage { id, phase, .. } => {
            TurnItem::AgentMessage { id, text: String::new(), phase, memory_citation: None }
        }
        TurnItem::Reasoning { id, .. } => {
            TurnItem::Reasoning { id, summary: Vec::new(), content: Vec::new() }
        }
        other => other,
    }
}
