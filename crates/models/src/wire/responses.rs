//! The Responses wire (model-api sheet §2 to §5): body, headers, events.

mod body;
mod events;
mod headers;

pub(crate) use body::encode;
pub(crate) use events::Decoder;
pub(crate) use headers::{HeaderFacts, request_headers};

/// Appended to the provider's base URL.
pub(crate) const PATH: &str = "responses";
