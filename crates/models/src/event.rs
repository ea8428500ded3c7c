//! What a model says back, the same for every wire.
//!
//! A stream is: any number of events, then either [`ModelEvent::Completed`] or an error, then nothing. What a newcomer
//! would get wrong: deltas are a preview. The truth of an item is its [`ModelEvent::ItemDone`], which may come without
//! any delta or [`ModelEvent::ItemAdded`] before it.

use quire_protocol::{RateLimitSnapshot, ResponseItem, TokenUsage};

/// One thing a model, or its provider, said.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelEvent {
    /// The provider began to answer.
    Created,
    /// An item began; its parts are still empty.
    ItemAdded(ResponseItem),
    /// The text of the open message grew.
    TextDelta(String),
    /// The open reasoning got another summary part.
    ReasoningSummaryPartAdded {
        /// Which.
        index: u32,
    },
    /// A summary part grew.
    ReasoningSummaryDelta {
        /// Which.
        index: u32,
        /// By what.
        delta: String,
    },
    /// Raw reasoning grew.
    ReasoningTextDelta {
        /// Which part.
        index: u32,
        /// By what.
        delta: String,
    },
    /// The input of a free-form tool call grew.
    CustomInputDelta {
        /// Server id of the item, if named.
        item_id: Option<String>,
        /// Call id, if named.
        call_id: Option<String>,
        /// By what.
        delta: String,
    },
    /// An item is finished.
    ItemDone(ResponseItem),
    /// What the provider says of our rate limits. Every answer begins with at least one.
    RateLimits(RateLimitSnapshot),
    /// The model that answers, by the provider's account; told when it changes.
    ServerModel(String),
    /// The provider's token counts already contain past reasoning.
    ReasoningIncluded,
    /// The provider recommends verifications of the account.
    VerificationRecommended(Vec<String>),
    /// The answer is complete. Nothing follows.
    Completed {
        /// The provider's id of the answer; empty if it gave none.
        response_id: String,
        /// Tokens, if the provider counted them.
        usage: Option<TokenUsage>,
        /// False: the model wants to go on. True: it is done. Absent: tool calls decide.
        end_turn: Option<bool>,
    },
}
