//! `[model_providers.<id>]` as it is written (providers sheet §3), with the checks that need no other key.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use crate::provider::BEDROCK;

/// Built-in providers that cannot be redefined.
const RESERVED_IDS: [&str; 3] = ["lmstudio", "ollama", "openai"];

/// `[model_providers.<id>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename = "ModelProviderInfo")]
pub struct ModelProviderToml {
    /// Display name.
    pub name: String,
    /// Root of the API.
    pub base_url: Option<String>,
    /// Variable that holds the token.
    pub env_key: Option<String>,
    /// What to tell who has not set it.
    pub env_key_instructions: Option<String>,
    /// A literal token.
    pub experimental_bearer_token: Option<String>,
    /// A command that prints a token.
    pub auth: Option<ProviderAuthToml>,
    /// Amazon Bedrock only.
    pub aws: Option<AwsToml>,
    /// Wire protocol.
    pub wire_api: WireApi,
    /// Appended to every URL.
    pub query_params: Option<BTreeMap<String, String>>,
    /// Fixed headers.
    pub http_headers: Option<BTreeMap<String, String>>,
    /// Headers and the variables that hold them.
    pub env_http_headers: Option<BTreeMap<String, String>>,
    /// Retries of a request.
    pub request_max_retries: Option<u64>,
    /// Retries of a broken stream.
    pub stream_max_retries: Option<u64>,
    /// Longest silence of a stream, in milliseconds.
    pub stream_idle_timeout_ms: Option<u64>,
    /// Longest WebSocket handshake, in milliseconds.
    pub websocket_connect_timeout_ms: Option<u64>,
    /// Uses the stored OpenAI sign-in.
    pub requires_openai_auth: bool,
    /// Offers WebSockets.
    pub supports_websockets: bool,
}

/// `[model_providers.<id>.auth]`: a command whose output is the token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "ModelProviderAuthInfo")]
pub struct ProviderAuthToml {
    /// Program.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// How long it may run, in milliseconds.
    #[serde(default = "default_auth_timeout")]
    pub timeout_ms: NonZeroU64,
    /// How long its token is used, in milliseconds; 0 until it is refused.
    #[serde(default = "default_auth_refresh")]
    pub refresh_interval_ms: u64,
    /// Where it runs.
    pub cwd: Option<PathBuf>,
}

const fn default_auth_timeout() -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(4999)
}

const fn default_auth_refresh() -> u64 {
    300_000
}

/// `[model_providers.amazon-bedrock.aws]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AwsToml {
    /// Name in the shared AWS files.
    pub profile: Option<String>,
    /// AWS region.
    pub region: Option<String>,
}

/// `wire_api`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WireApi {
    /// The Responses API.
    #[default]
    Responses,
}

impl<'de> Deserialize<'de> for WireApi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = WireApi;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<WireApi, E> {
                match name {
                    "responses" => Ok(WireApi::Responses),
                    "chat" => Err(E::custom(
                        "`wire_api = \"chat\"` is no longer supported.\n\
                         Write `wire_api = \"responses\"`, or leave the line out; the server must offer the Responses \
                         API.",
                    )),
                    other => Err(E::unknown_variant(other, &["responses"])),
                }
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// Whether a provider id is the removed `ollama-chat`.
pub(crate) fn is_legacy_ollama(id: &str) -> bool {
    id == "ollama-chat"
}

/// Reads the whole table and refuses what contradicts itself.
pub(super) fn validated<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, ModelProviderToml>, D::Error> {
    let providers = BTreeMap::<String, ModelProviderToml>::deserialize(deserializer)?;
    let reserved: Vec<_> =
        RESERVED_IDS.iter().filter(|id| providers.contains_key(**id)).map(|id| format!("`{id}`")).collect();
    if !reserved.is_empty() {
        return Err(D::Error::custom(format!(
            "model_providers contains reserved built-in provider IDs: {}. Give a provider of your own another id, such \
             as `openai-mine`.",
            reserved.join(", ")
        )));
    }
    for (id, provider) in providers.iter().filter(|(id, _)| *id != BEDROCK) {
        if let Some(problem) = contradiction(provider) {
            return Err(D::Error::custom(format!("model_providers.{id}: {problem}")));
        }
    }
    Ok(providers)
}

fn contradiction(provider: &ModelProviderToml) -> Option<String> {
    if provider.aws.is_some() {
        return Some(format!("provider aws is only supported for `{BEDROCK}`"));
    }
    if provider.name.trim().is_empty() {
        return Some("provider name must not be empty".to_owned());
    }
    let auth = provider.auth.as_ref()?;
    if auth.command.trim().is_empty() {
        return Some("provider auth.command must not be empty".to_owned());
    }
    let rivals: Vec<_> = [
        ("env_key", provider.env_key.is_some()),
        ("experimental_bearer_token", provider.experimental_bearer_token.is_some()),
        ("requires_openai_auth", provider.requires_openai_auth),
    ]
    .into_iter()
    .filter_map(|(key, set)| set.then_some(key))
    .collect();
    (!rivals.is_empty()).then(|| format!("provider auth cannot be combined with {}", rivals.join(", ")))
}
