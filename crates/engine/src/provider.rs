//! From the configuration's words for a provider to the model client's.

use quire_auth::Secret;
use quire_config::ModelProvider;
use quire_models::ProviderConfig;

/// The client's form of a configured provider.
pub(crate) fn from_config(provider: &ModelProvider) -> ProviderConfig {
    let pairs = |map: &std::collections::BTreeMap<String, String>| {
        map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    ProviderConfig {
        name: provider.name.clone(),
        base_url: provider.base_url.clone(),
        env_key: provider.env_key.clone(),
        env_key_instructions: provider.env_key_instructions.clone(),
        experimental_bearer_token: provider.experimental_bearer_token.clone().map(Secret::new),
        auth_command: provider.auth.as_ref().map(|auth| auth.command.clone()),
        query_params: pairs(&provider.query_params),
        http_headers: pairs(&provider.http_headers),
        env_http_headers: pairs(&provider.env_http_headers),
        request_max_retries: provider.request_max_retries,
        stream_max_retries: provider.stream_max_retries,
        stream_idle_timeout_ms: provider.stream_idle_timeout.as_millis() as u64,
        websocket_connect_timeout_ms: provider.websocket_connect_timeout.as_millis() as u64,
        requires_openai_auth: provider.requires_openai_auth,
        supports_websockets: provider.supports_websockets,
    }
}
