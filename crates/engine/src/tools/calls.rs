//! The calls of one response: which may run now, which wait, which are done (engine sheet §4, parallel calls).
//!
//! Calls start in arrival order. Those that may run beside each other do; one that may not waits until all before it
//! are done, and those after it wait for it. Nothing is spawned: dropping this stops every call.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use quire_protocol::{EventKind, ResponseItem, ToolOutput};

use super::{Done, Gate, Output, Payload, Refusal, Tool, ToolCall, TurnScope, find};

/// An answered call.
pub(crate) struct Answer {
    /// Which call of the response it answers.
    pub(crate) position: usize,
    /// The tool that was called.
    pub(crate) tool: String,
    /// The output item.
    pub(crate) item: ResponseItem,
    /// What to announce once it is recorded.
    pub(crate) then: Vec<EventKind>,
}

struct Waiting {
    position: usize,
    call: ToolCall,
    tool: Result<&'static dyn Tool, Refusal>,
}

struct Unanswered {
    position: usize,
    call: ToolCall,
    tool: Option<&'static dyn Tool>,
    since: Instant,
}

type Running = Pin<Box<dyn Future<Output = (usize, Result<Done, Refusal>)> + Send>>;

/// The calls of one response.
pub(crate) struct Calls {
    scope: Arc<TurnScope>,
    added: usize,
    waiting: VecDeque<Waiting>,
    running: FuturesUnordered<Running>,
    alone: bool,
    unanswered: Vec<Unanswered>,
    finished: VecDeque<Answer>,
}

impl Calls {
    pub(crate) fn new(scope: Arc<TurnScope>) -> Self {
        Self {
            scope,
            added: 0,
            waiting: VecDeque::new(),
            running: FuturesUnordered::new(),
            alone: false,
            unanswered: Vec::new(),
            finished: VecDeque::new(),
        }
    }

    /// Takes a call. If it may start, it has started when this returns, so that what it announces first comes before
    /// whatever the stream brings next.
    pub(crate) async fn add(&mut self, call: ToolCall, gate: &Gate<'_>) {
        let position = self.added;
        self.added += 1;
        let tool = find(&call, gate);
        self.unanswered.push(Unanswered {
            position,
            call: call.clone(),
            tool: tool.as_ref().ok().copied(),
            since: Instant::now(),
        });
        self.waiting.push_back(Waiting { position, call, tool });
        self.start_waiting();
        std::future::poll_fn(|cx| {
            while let Poll::Ready(Some((position, outcome))) = self.running.poll_next_unpin(cx) {
                self.settle(position, outcome);
            }
            Poll::Ready(())
        })
        .await;
    }

    /// Whether any call is still to be answered.
    pub(crate) fn is_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Waits until one running call is answered. Safe to drop.
    pub(crate) async fn advance(&mut self) {
        if let Some((position, outcome)) = self.running.next().await {
            self.settle(position, outcome);
        }
    }

    fn settle(&mut self, position: usize, outcome: Result<Done, Refusal>) {
        self.alone = false;
        self.answer(position, outcome);
        self.start_waiting();
    }

    /// The next answer, in the order the calls finished.
    pub(crate) fn take_finished(&mut self) -> Option<Answer> {
        self.finished.pop_front()
    }

    /// Stops what runs or waits; each such call is answered as interrupted.
    pub(crate) fn abandon(&mut self) {
        self.running.clear();
        self.waiting.clear();
        for left in std::mem::take(&mut self.unanswered) {
            let seconds = left.since.elapsed().as_secs_f64();
            let text = left
                .tool
                .map_or_else(|| super::interrupted_text(seconds), |tool| tool.interrupted_text(seconds));
            let item = output_item(&left.call, Output::Said(ToolOutput::Text(text)));
            let tool = left.call.name;
            self.finished.push_back(Answer { position: left.position, tool, item, then: Vec::new() });
        }
    }

    fn start_waiting(&mut self) {
        while let Some(next) = self.waiting.front() {
            let shares = next.tool.as_ref().is_ok_and(|tool| tool.parallel());
            if self.alone || (!shares && !self.running.is_empty()) {
                return;
            }
            let Some(Waiting { position, call, tool }) = self.waiting.pop_front() else { return };
            self.alone = !shares;
            let scope = Arc::clone(&self.scope);
            self.running.push(Box::pin(async move {
                let outcome = match tool {
                    Ok(tool) => tool.run(&call, &scope).await,
                    Err(refusal) => Err(refusal),
                };
                (position, outcome)
            }));
        }
    }

    fn answer(&mut self, position: usize, outcome: Result<Done, Refusal>) {
        let Some(at) = self.unanswered.iter().position(|held| held.position == position) else { return };
        let held = self.unanswered.remove(at);
        let done = outcome.unwrap_or_else(|Refusal(text)| {
            tracing::error!("error={text}");
            Done::from(text)
        });
        let item = output_item(&held.call, done.output);
        let tool = held.call.name;
        self.finished.push_back(Answer { position, tool, item, then: done.then });
    }
}

/// The answer in the form its call wants. A search that found nothing, for whatever reason, has found no tools.
fn output_item(call: &ToolCall, output: Output) -> ResponseItem {
    let call_id = call.call_id.clone();
    match (&call.payload, output) {
        (Payload::Function(_), Output::Said(output)) => ResponseItem::FunctionCallOutput { call_id, output },
        (Payload::Custom(_), Output::Said(output)) => {
            ResponseItem::CustomToolCallOutput { call_id, name: None, output }
        }
        (_, output) => ResponseItem::ToolSearchOutput {
            call_id: Some(call_id),
            status: "completed".to_owned(),
            execution: "client".to_owned(),
            tools: match output {
                Output::Found(tools) => tools,
                Output::Said(_) => Vec::new(),
            },
        },
    }
}
