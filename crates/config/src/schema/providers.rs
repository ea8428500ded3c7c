//! `[model_providers.<id>]` as it is written (providers sheet §3), with the checks that need no other key.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use crate::provider::BEDROCK;

/// Built-in providers that cannot be redefined.
const RESERVED_IDS: [&str; 3] = ["lmstudio", "ollama", "openai"];

/// `[model_providers.<id>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "struct ModelProviderInfo")]
pub struct ModelProviderToml {
    /// Name that people are shown. Required.
    pub name: String,
    /// Root of the API. Default: that of the OpenAI API.
    pub base_url: Option<String>,
    /// Environment variable that holds the token.
    pub env_key: Option<String>,
    /// What to tell people who have not set `env_key`.
    pub env_key_instructions: Option<String>,
    /// A token, written out; `env_key` is the safer way.
    pub experimental_bearer_token: Option<String>,
    /// A command that prints a token.
    pub auth: Option<ProviderAuthToml>,
    /// Amazon Bedrock only.
    pub aws: Option<AwsToml>,
    /// Protocol the server speaks.
    pub wire_api: WireApi,
    /// Parameters appended to every URL.
    pub query_params: Option<BTreeMap<String, String>>,
    /// Headers of every request.
    pub http_headers: Option<BTreeMap<String, String>>,
    /// Headers of every request and the environment variables that hold their values; unset ones are skipped.
    pub env_http_headers: Option<BTreeMap<String, String>>,
    /// How often a failed request is sent again, at most 100. Default: 4.
    pub request_max_retries: Option<u64>,
    /// How often a broken stream is started again, at most 100. Default: 5.
    pub stream_max_retries: Option<u64>,
    /// Longest silence of a stream, in milliseconds. Default: 300000.
    pub stream_idle_timeout_ms: Option<u64>,
    /// Longest WebSocket handshake, in milliseconds. Default: 15000.
    pub websocket_connect_timeout_ms: Option<u64>,
    /// Whether the stored OpenAI sign-in is used. Default: false.
    pub requires_openai_auth: bool,
    /// Whether the server offers WebSockets. Default: false.
    pub supports_websockets: bool,
}

/// `[model_providers.<id>.auth]`: a command whose output is the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "struct ModelProviderAuthInfo")]
pub struct ProviderAuthToml {
    /// Program to run.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// How long it may run, in milliseconds. Default: 5000.
    #[serde(default = "default_auth_timeout")]
    pub timeout_ms: NonZeroU64,
    /// How long its token is used, in milliseconds; 0 means until it is refused. Default: 300000.
    #[serde(default = "default_auth_refresh")]
    pub refresh_interval_ms: u64,
    /// Working folder of the program.
    pub cwd: Option<PathBuf>,
}

const fn default_auth_timeout() -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(4999)
}

const fn default_auth_refresh() -> u64 {
    300_000
}

/// `[model_providers.amazon-bedrock.aws]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "struct ModelProviderAwsAuthInfo")]
pub struct AwsToml {
    /// Profile in the shared AWS files.
    pub profile: Option<String>,
    /// AWS region.
    pub region: Option<String>,
}

/// `wire_api`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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
