//! The app-server protocol: what front ends and the app server say to each other.
//!
//! Plain data and serde. Each request is defined once, in [`requests`] (method name, params, result), each
//! notification once, in [`notifications`]; transports, the schema export and clients all grow from those two tables.
//! In the process the typed values travel as they are; on a wire they are the JSON of the app-server sheet §3.
//!
//! A newcomer's trap: the same idea often has two spellings. Rollouts and config write `workspace-write` and
//! `total_tokens`; this protocol writes `workspaceWrite` and `totalTokens`. Types that differ only in spelling live
//! here with a `From`; types that are spelled alike are re-exported from `quire-protocol`.

pub mod config;
pub mod features;
pub mod initialize;
pub mod notices;
pub mod notifications;
pub mod prompt;
pub mod requests;
pub mod rpc;
pub mod thread;
pub mod turn;
pub mod usage;

pub use notifications::ServerNotification;
pub use requests::{ClientRequest, ClientResponse, Method};
pub use rpc::RpcError;

/// One thing that happened in a turn, as clients see it (app-server sheet §8.1).
pub use quire_protocol::TurnItem as ThreadItem;
