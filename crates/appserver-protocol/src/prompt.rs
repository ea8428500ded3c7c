//! A look at what a model would be told, without telling it. Our own.

use quire_protocol::{ResponseItem, UserInput};
use serde::{Deserialize, Serialize};

use crate::thread::ThreadStartParams;

/// Params of `quire/prompt/preview`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PromptPreviewParams {
    /// The thread that would begin. None is.
    pub thread: ThreadStartParams,
    /// What a person would say; empty shows the context alone.
    pub input: Vec<UserInput>,
}

/// Result of `quire/prompt/preview`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptPreviewResponse {
    /// The input of the first request, in order.
    pub items: Vec<ResponseItem>,
}
