//! The request headers, in the order they are sent (model-api sheet §3). `host` and `content-length` are added below us.
//!
//! What a newcomer would get wrong: a header the provider's configuration sets keeps its place at the front even when
//! its value is replaced, as `authorization` is when there is a credential.

use quire_auth::Secret;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use crate::prompt::{ClientIdentity, RequestIdentity};
use crate::provider::ProviderConfig;

/// What the headers say.
pub(crate) struct HeaderFacts<'a> {
    pub(crate) provider: &'a ProviderConfig,
    pub(crate) client: &'a ClientIdentity,
    pub(crate) identity: &'a RequestIdentity,
    /// The credential to use, if there is any.
    pub(crate) bearer: Option<&'a Secret>,
    /// The environment.
    pub(crate) env: &'a dyn Fn(&str) -> Option<String>,
}

/// All headers of a sampling request.
pub(crate) fn request_headers(facts: &HeaderFacts<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    provider_headers(facts, &mut headers);
    let identity = facts.identity;
    let thread_id = identity.thread_id.to_string();
    let mut set = |name: &'static str, value: &str| {
        if let Some(value) = usable(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("x-codex-beta-features", identity.beta_features.as_deref().unwrap_or_default());
    set("x-codex-turn-state", identity.turn_state.get().unwrap_or_default());
    set("x-codex-turn-metadata", &identity.turn_metadata);
    if let Some(parent) = identity.spawned_by {
        set("x-openai-subagent", "collab_spawn");
        set("x-codex-parent-thread-id", &parent.to_string());
    }
    set("x-codex-window-id", &identity.window_id);
    set("x-client-request-id", &thread_id);
    set("session-id", &identity.session_id.to_string());
    set("thread-id", &thread_id);
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    if let Some(mut value) = facts.bearer.and_then(|secret| usable(&format!("Bearer {}", secret.expose()))) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    let mut fill = |name: HeaderName, value: &str| {
        if let Some(value) = usable(&printable(value)) {
            headers.entry(name).or_insert(value);
        }
    };
    fill(HeaderName::from_static("originator"), &facts.client.originator);
    fill(USER_AGENT, &facts.client.user_agent);
    headers
}

fn provider_headers(facts: &HeaderFacts<'_>, headers: &mut HeaderMap) {
    let mut set = |name: &str, value: &str| {
        let parsed = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = parsed {
            headers.insert(name, value);
        } else {
            tracing::debug!(header = name, "skipped a header of the model provider that is not valid");
        }
    };
    for (name, value) in &facts.provider.http_headers {
        set(name, value);
    }
    for (name, variable) in &facts.provider.env_http_headers {
        if let Some(value) = (facts.env)(variable).filter(|value| !value.trim().is_empty()) {
            set(name, &value);
        }
    }
}

/// Nothing for what is empty or no header value.
fn usable(value: &str) -> Option<HeaderValue> {
    if value.is_empty() { None } else { HeaderValue::from_str(value).ok() }
}

/// Characters that headers cannot carry become `_`.
fn printable(value: &str) -> String {
    value.chars().map(|c| if matches!(c, ' '..='~') { c } else { '_' }).collect()
}
