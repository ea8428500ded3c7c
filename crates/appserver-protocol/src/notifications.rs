//! What the server tells without being asked. One line per notification: name, params, who hears it.

use serde::{Deserialize, Serialize};

use crate::notices::{
    ConfigWarningNotification, DeprecationNoticeNotification, ErrorNotification, ModelReroutedNotification,
    WarningNotification,
};
use crate::thread::{
    ThreadClosedNotification, ThreadGoalUpdatedNotification, ThreadStartedNotification,
    ThreadStatusChangedNotification,
};
use crate::turn::{
    ItemCompletedNotification, ItemDeltaNotification, ItemStartedNotification,
    ReasoningSummaryPartAddedNotification, ReasoningSummaryTextDeltaNotification,
    ReasoningTextDeltaNotification, TerminalInteractionNotification, TurnDiffUpdatedNotification,
    TurnNotification, TurnPlanUpdatedNotification,
};
use crate::usage::{AccountRateLimitsUpdatedNotification, ThreadTokenUsageUpdatedNotification};

/// Who hears a notification (app-server sheet §7). Not every one names the thread it comes from, so the server has to
/// know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Connections that subscribed to the thread it is about.
    Subscribers,
    /// Every connection.
    Everyone,
}

macro_rules! server_notifications {
    ($($(#[$doc:meta])* $name:ident = $wire:literal: $params:ty => $audience:ident;)*) => {
        /// Something the server tells.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "method", content = "params")]
        pub enum ServerNotification {
            $($(#[$doc])* #[serde(rename = $wire)] $name($params),)*
        }

        impl ServerNotification {
            /// Every method name, in the order of the table.
            pub const METHODS: &'static [&'static str] = &[$($wire,)*];

            /// The method's name on the wire.
            pub const fn method(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $wire,)*
                }
            }

            /// Who hears it.
            pub const fn audience(&self) -> Audience {
                match self {
                    $(Self::$name(_) => Audience::$audience,)*
                }
            }
        }
    };
}

server_notifications! {
    /// A thread was started or resumed.
    ThreadStarted = "thread/started": ThreadStartedNotification => Everyone;
    /// A thread does something else now.
    ThreadStatusChanged = "thread/status/changed": ThreadStatusChangedNotification => Everyone;
    /// A thread is no longer loaded.
    ThreadClosed = "thread/closed": ThreadClosedNotification => Everyone;
    /// Tokens were counted.
    ThreadTokenUsageUpdated = "thread/tokenUsage/updated": ThreadTokenUsageUpdatedNotification => Subscribers;
    /// The thread's goal changed, or what it has cost.
    ThreadGoalUpdated = "thread/goal/updated": ThreadGoalUpdatedNotification => Everyone;
    /// A turn began.
    TurnStarted = "turn/started": TurnNotification => Subscribers;
    /// A turn ended; nothing of it follows.
    TurnCompleted = "turn/completed": TurnNotification => Subscribers;
    /// The plan changed.
    TurnPlanUpdated = "turn/plan/updated": TurnPlanUpdatedNotification => Subscribers;
    /// The turn's changes to files changed.
    TurnDiffUpdated = "turn/diff/updated": TurnDiffUpdatedNotification => Subscribers;
    /// An item began.
    ItemStarted = "item/started": ItemStartedNotification => Subscribers;
    /// An item reached its last state. It is on disk by now.
    ItemCompleted = "item/completed": ItemCompletedNotification => Subscribers;
    /// The model's answer grew.
    AgentMessageDelta = "item/agentMessage/delta": ItemDeltaNotification => Subscribers;
    /// The reasoning summary grew.
    ReasoningSummaryTextDelta = "item/reasoning/summaryTextDelta":
        ReasoningSummaryTextDeltaNotification => Subscribers;
    /// A new part of the reasoning summary began.
    ReasoningSummaryPartAdded = "item/reasoning/summaryPartAdded":
        ReasoningSummaryPartAddedNotification => Subscribers;
    /// The raw reasoning grew.
    ReasoningTextDelta = "item/reasoning/textDelta": ReasoningTextDeltaNotification => Subscribers;
    /// A command printed.
    CommandExecutionOutputDelta = "item/commandExecution/outputDelta": ItemDeltaNotification => Subscribers;
    /// The model typed into a running command.
    TerminalInteraction = "item/commandExecution/terminalInteraction":
        TerminalInteractionNotification => Subscribers;
    /// The provider spoke of rate limits.
    AccountRateLimitsUpdated = "account/rateLimits/updated": AccountRateLimitsUpdatedNotification => Subscribers;
    /// Another model answered than was asked.
    ModelRerouted = "model/rerouted": ModelReroutedNotification => Subscribers;
    /// Something failed in a turn.
    Error = "error": ErrorNotification => Subscribers;
    /// Something a person should know.
    Warning = "warning": WarningNotification => Subscribers;
    /// Something in the config will go away.
    DeprecationNotice = "deprecationNotice": DeprecationNoticeNotification => Subscribers;
    /// Something in the config or around the program is wrong.
    ConfigWarning = "configWarning": ConfigWarningNotification => Everyone;
}
