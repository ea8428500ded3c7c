//! Errors of the protocol (app-server sheet §5).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The request cannot be understood, or is refused.
pub const INVALID_REQUEST: i64 = -32600;
/// The request is understood, but this server does not do it.
pub const NOT_SUPPORTED: i64 = -32601;
/// The parameters contradict each other.
pub const INVALID_PARAMS: i64 = -32602;
/// The server failed.
pub const INTERNAL: i64 = -32603;
/// Too much is waiting already; try again later.
pub const OVERLOADED: i64 = -32001;

/// Why a request was not answered with a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct RpcError {
    /// One of the constants of this module.
    pub code: i64,
    /// For people.
    pub message: String,
    /// For programs; most errors have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl RpcError {
    /// An error with this code and no data.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The request cannot be understood, or is refused.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(INVALID_REQUEST, message)
    }

    /// The server failed.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(INTERNAL, message)
    }
}
