//! Engine events become notifications. Pure: the time comes in as a value.
//!
//! One event is mostly one notification; the begin and end of a turn and a failure also change the thread's status,
//! in the order of the app-server sheet §5 and §11.

use quire_appserver_protocol::ServerNotification;
use quire_appserver_protocol::notices::{
    DeprecationNoticeNotification, ErrorNotification, ModelRerouteReason, ModelReroutedNotification,
    WarningNotification,
};
use quire_appserver_protocol::thread::{
    ThreadGoalUpdatedNotification, ThreadStatus, ThreadStatusChangedNotification,
};
use quire_appserver_protocol::turn::{
    ItemCompletedNotification, ItemDeltaNotification, ItemStartedNotification,
    ReasoningSummaryPartAddedNotification, ReasoningSummaryTextDeltaNotification,
    ReasoningTextDeltaNotification, TerminalInteractionNotification, Turn, TurnDiffUpdatedNotification,
    TurnNotification, TurnPlanUpdatedNotification,
};
use quire_appserver_protocol::usage::{
    AccountRateLimitsUpdatedNotification, ThreadTokenUsageUpdatedNotification,
};
use quire_protocol::{Event, EventKind, ThreadId, TurnId, TurnStatus};

/// What a thread is doing, as far as its events told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Activity {
    /// As clients see it.
    pub(crate) status: ThreadStatus,
    /// The turn that runs.
    pub(crate) turn: Option<TurnId>,
}

impl Default for Activity {
    fn default() -> Self {
        Self { status: ThreadStatus::Idle, turn: None }
    }
}

impl Activity {
    /// Takes one event in and gives the notifications for it, at this time (Unix milliseconds).
    pub(crate) fn translate(
        &mut self,
        thread_id: ThreadId,
        event: Event,
        now_ms: i64,
    ) -> Vec<ServerNotification> {
        match (event.kind, event.turn_id) {
            (EventKind::Warning { message }, _) => {
                vec![ServerNotification::Warning(WarningNotification { thread_id: Some(thread_id), message })]
            }
            (EventKind::Deprecation { summary, details }, _) => {
                vec![ServerNotification::DeprecationNotice(DeprecationNoticeNotification {
                    summary,
                    details,
                })]
            }
            (EventKind::RateLimits(snapshot), _) => {
                let rate_limits = snapshot.into();
                vec![ServerNotification::AccountRateLimitsUpdated(AccountRateLimitsUpdatedNotification {
                    rate_limits,
                })]
            }
            (EventKind::ShutdownComplete, _) => Vec::new(),
            (kind, Some(turn_id)) => self.translate_in_turn(thread_id, turn_id, kind, now_ms),
            (kind, None) => {
                tracing::error!(?kind, "an event of a turn names no turn");
                Vec::new()
            }
        }
    }

    fn translate_in_turn(
        &mut self,
        thread_id: ThreadId,
        turn_id: TurnId,
        kind: EventKind,
        now_ms: i64,
    ) -> Vec<ServerNotification> {
        let one = match kind {
            EventKind::TurnStarted { started_at } => {
                self.turn = Some(turn_id.clone());
                let turn = Turn { started_at: Some(started_at), ..Turn::accepted(turn_id) };
                let status = self.enter(thread_id, ThreadStatus::active());
                let started = ServerNotification::TurnStarted(TurnNotification { thread_id, turn });
                return status.into_iter().chain([started]).collect();
            }
            EventKind::TurnCompleted { status, error, started_at, completed_at, duration_ms } => {
                self.turn = None;
                let failed = status == TurnStatus::Failed;
                let turn = Turn {
                    status,
                    error,
                    started_at: Some(started_at),
                    completed_at: Some(completed_at),
                    duration_ms: Some(duration_ms),
                    ..Turn::accepted(turn_id)
                };
                let after = if failed { ThreadStatus::SystemError } else { ThreadStatus::Idle };
                let status = self.enter(thread_id, after);
                let completed = ServerNotification::TurnCompleted(TurnNotification { thread_id, turn });
                return status.into_iter().chain([completed]).collect();
            }
            EventKind::Error { error, will_retry } => {
                let status = if will_retry { None } else { self.enter(thread_id, ThreadStatus::SystemError) };
                let error =
                    ServerNotification::Error(ErrorNotification { error, will_retry, thread_id, turn_id });
                return status.into_iter().chain([error]).collect();
            }
            EventKind::ItemStarted(item) => ServerNotification::ItemStarted(ItemStartedNotification {
                item,
                thread_id,
                turn_id,
                started_at_ms: now_ms,
            }),
            EventKind::ItemCompleted(item) => ServerNotification::ItemCompleted(ItemCompletedNotification {
                item,
                thread_id,
                turn_id,
                completed_at_ms: now_ms,
            }),
            EventKind::AgentMessageDelta { item_id, delta } => {
                ServerNotification::AgentMessageDelta(ItemDeltaNotification {
                    thread_id,
                    turn_id,
                    item_id,
                    delta,
                })
            }
            EventKind::CommandOutputDelta { item_id, delta } => {
                ServerNotification::CommandExecutionOutputDelta(ItemDeltaNotification {
                    thread_id,
                    turn_id,
                    item_id,
                    delta,
                })
            }
            EventKind::ReasoningSummaryPartAdded { item_id, summary_index } => {
                ServerNotification::ReasoningSummaryPartAdded(ReasoningSummaryPartAddedNotification {
                    thread_id,
                    turn_id,
                    item_id,
                    summary_index,
                })
            }
            EventKind::ReasoningSummaryDelta { item_id, delta, summary_index } => {
                ServerNotification::ReasoningSummaryTextDelta(ReasoningSummaryTextDeltaNotification {
                    thread_id,
                    turn_id,
                    item_id,
                    delta,
                    summary_index,
                })
            }
            EventKind::ReasoningTextDelta { item_id, delta, content_index } => {
                ServerNotification::ReasoningTextDelta(ReasoningTextDeltaNotification {
                    thread_id,
                    turn_id,
                    item_id,
                    delta,
                    content_index,
                })
            }
            EventKind::TerminalInteraction { item_id, process_id, stdin } => {
                ServerNotification::TerminalInteraction(TerminalInteractionNotification {
                    thread_id,
                    turn_id,
                    item_id,
                    process_id,
                    stdin,
                })
            }
            EventKind::PlanUpdated { explanation, plan } => {
                ServerNotification::TurnPlanUpdated(TurnPlanUpdatedNotification {
                    thread_id,
                    turn_id,
                    explanation,
                    plan: plan.into_iter().map(Into::into).collect(),
                })
            }
            EventKind::TurnDiff { unified_diff: diff } => {
                ServerNotification::TurnDiffUpdated(TurnDiffUpdatedNotification { thread_id, turn_id, diff })
            }
            EventKind::TokenUsage(info) => {
                ServerNotification::ThreadTokenUsageUpdated(ThreadTokenUsageUpdatedNotification {
                    thread_id,
                    turn_id,
                    token_usage: (&info).into(),
                })
            }
            EventKind::GoalUpdated(goal) => {
                ServerNotification::ThreadGoalUpdated(ThreadGoalUpdatedNotification {
                    thread_id,
                    turn_id: Some(turn_id),
                    goal,
                })
            }
            EventKind::ModelRerouted { from_model, to_model } => {
                ServerNotification::ModelRerouted(ModelReroutedNotification {
                    thread_id,
                    turn_id,
                    from_model,
                    to_model,
                    reason: ModelRerouteReason::HighRiskCyberActivity,
                })
            }
            // Taken by the caller.
            EventKind::Warning { .. }
            | EventKind::Deprecation { .. }
            | EventKind::RateLimits(_)
            | EventKind::ShutdownComplete => return Vec::new(),
        };
        vec![one]
    }

    /// Notes the new status and tells it, if it is one.
    pub(crate) fn enter(&mut self, thread_id: ThreadId, status: ThreadStatus) -> Option<ServerNotification> {
        if self.status == status {
            return None;
        }
        self.status = status.clone();
        Some(ServerNotification::ThreadStatusChanged(ThreadStatusChangedNotification { thread_id, status }))
    }
}

#[cfg(test)]
mod tests {
    use quire_protocol::TurnError;

    use super::*;

    fn thread() -> ThreadId {
        "01a1f892-0408-77c3-bcb5-6fb4c1b69cf6".parse().unwrap()
    }

    fn play(kinds: Vec<EventKind>) -> Vec<String> {
        let mut activity = Activity::default();
        kinds
            .into_iter()
            .flat_map(|kind| activity.translate(thread(), Event { turn_id: Some(TurnId::new("t")), kind }, 5))
            .map(|notification| match &notification {
                ServerNotification::ThreadStatusChanged(it) => {
                    format!("{} {}", notification.method(), serde_json::to_value(&it.status).unwrap()["type"])
                }
                other => other.method().to_owned(),
            })
            .collect()
    }

    fn completed(status: TurnStatus) -> EventKind {
        EventKind::TurnCompleted { status, error: None, started_at: 1, completed_at: 2, duration_ms: 3 }
    }

    #[test]
    fn a_good_turn_is_active_then_idle() {
        assert_eq!(
            play(vec![EventKind::TurnStarted { started_at: 1 }, completed(TurnStatus::Completed)]),
            [
                "thread/status/changed \"active\"",
                "turn/started",
                "thread/status/changed \"idle\"",
                "turn/completed"
            ]
        );
    }

    #[test]
    fn a_failure_is_told_once_as_status() {
        let error = |will_retry| EventKind::Error {
            error: TurnError { message: "m".into(), codex_error_info: None, additional_details: None },
            will_retry,
        };
        assert_eq!(
            play(vec![
                EventKind::TurnStarted { started_at: 1 },
                error(true),
                error(false),
                completed(TurnStatus::Failed),
                EventKind::TurnStarted { started_at: 4 },
            ]),
            [
                "thread/status/changed \"active\"",
                "turn/started",
                "error",
                "thread/status/changed \"systemError\"",
                "error",
                "turn/completed",
                "thread/status/changed \"active\"",
                "turn/started",
            ]
        );
    }
}
