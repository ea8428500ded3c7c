//! Talking to models: providers, the catalog, and one module per wire protocol.
//!
//! In come a [`Prompt`], a [`Sampling`] and a [`RequestIdentity`]; out comes a [`ModelStream`] of [`ModelEvent`]s.
//! Nobody above this crate knows HTTP, server-sent events or a provider's JSON. What a newcomer would get wrong: there
//! are two retry loops. The inner one is in [`ModelClient::stream`] and silent; the outer one belongs to the caller,
//! who asks [`ModelError::retry`], waits for [`backoff`] and tells people about it.

mod catalog;
mod client;
mod error;
mod event;
mod http_error;
mod prompt;
mod provider;
mod rate_limits;
mod record;
mod retry;
mod sse;
mod stream;
mod transport;
mod usage_limit;
mod wire;

pub use catalog::{
    ApplyPatchTool, AvailabilityNote, Catalog, CatalogError, InputModality, InstructionVariables, Lookup,
    ModelInfo, ModelMessages, ModelOverrides, ModelUpgrade, ModelVisibility, ReasoningLevel, ServiceTier,
    ShellType, TruncationPolicy, WebSearchTool,
};
pub use client::{Environment, ModelClient};
pub use error::{Disconnect, ModelError, SetupError, StatusReport, TransportError, UsageLimit};
pub use event::ModelEvent;
pub use prompt::{ClientIdentity, Prompt, RequestIdentity, Sampling, TurnState};
pub use provider::ProviderConfig;
pub use record::{Exchange, ExchangeRecorder};
pub use retry::{Backoff, Retry, backoff};
pub use stream::ModelStream;
