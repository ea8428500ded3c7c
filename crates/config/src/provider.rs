//! Model providers with every default applied (providers sheet §1–3, 7).
//!
//! In come the `[model_providers]` tables and the keys around them, out goes the table of all providers and the one that
//! was chosen. What a newcomer would get wrong: tokens are *not* read here. `env_key` names a variable that is looked up
//! at each request, so that a missing one fails the turn and not the start.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use quire_protocol::REFERENCE_VERSION;

use crate::error::InvalidConfig;
use crate::schema::{AwsToml, ConfigToml, ModelProviderToml, ProviderAuthToml, is_legacy_ollama};

/// Id of the provider that is used when none is named.
pub const OPENAI: &str = "openai";
/// Id of the Amazon Bedrock provider.
pub const BEDROCK: &str = "amazon-bedrock";
/// Ids of the local providers: what `--oss` chooses from.
pub const LOCAL_PROVIDERS: [&str; 2] = ["lmstudio", "ollama"];

const DEFAULT_REQUEST_RETRIES: u64 = 4;
const DEFAULT_STREAM_RETRIES: u64 = 5;
const DEFAULT_IDLE: Duration = Duration::from_mins(5);
const DEFAULT_HANDSHAKE: Duration = Duration::from_secs(15);
/// More retries than this are not made, whatever is configured.
const MAX_RETRIES: u64 = 100;

/// A model provider.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelProvider {
    /// Display name. `OpenAI` and `azure` have a meaning to the wire.
    pub name: String,
    /// Root of the API; that of OpenAI when absent.
    pub base_url: Option<String>,
    /// Variable that holds the bearer token.
    pub env_key: Option<String>,
    /// What to tell who has not set it.
    pub env_key_instructions: Option<String>,
    /// A literal bearer token. Kept out of debug output.
    pub experimental_bearer_token: Option<String>,
    /// A command that prints the bearer token.
    pub auth: Option<ProviderAuth>,
    /// AWS account and region; `amazon-bedrock` only.
    pub aws: Option<AwsSettings>,
    /// Appended to every URL.
    pub query_params: BTreeMap<String, String>,
    /// Fixed headers.
    pub http_headers: BTreeMap<String, String>,
    /// Header to the variable it is read from; skipped while the variable is unset or blank.
    pub env_http_headers: BTreeMap<String, String>,
    /// Retries of a request that got no answer. At most 100.
    pub request_max_retries: u64,
    /// Retries of a stream that broke. At most 100.
    pub stream_max_retries: u64,
    /// Longest silence between two events.
    pub stream_idle_timeout: Duration,
    /// Longest WebSocket handshake.
    pub websocket_connect_timeout: Duration,
    /// Whether the stored OpenAI sign-in is meant for it.
    pub requires_openai_auth: bool,
    /// Whether it offers Responses over WebSocket.
    pub supports_websockets: bool,
}

impl std::fmt::Debug for ModelProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelProvider")
            .field("name", &self.name)
            .field("base_url", &self.base_url)
            .field("env_key", &self.env_key)
            .finish_non_exhaustive()
    }
}

/// A command whose output is a bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderAuth {
    /// Program; resolved against `cwd` when it holds a path separator.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Where it runs.
    pub cwd: Option<PathBuf>,
    /// How long it may run.
    pub timeout: Duration,
    /// How long its token is used; nothing means until it is refused.
    pub refresh_interval: Option<Duration>,
}

/// Where Bedrock requests go and who pays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// Name in the shared AWS files.
    pub profile: Option<String>,
    /// AWS region.
    pub region: Option<String>,
}

impl Default for ModelProvider {
    fn default() -> Self {
        Self {
            name: String::new(),
            base_url: None,
            env_key: None,
            env_key_instructions: None,
            experimental_bearer_token: None,
            auth: None,
            aws: None,
            query_params: BTreeMap::new(),
            http_headers: BTreeMap::new(),
            env_http_headers: BTreeMap::new(),
            request_max_retries: DEFAULT_REQUEST_RETRIES,
            stream_max_retries: DEFAULT_STREAM_RETRIES,
            stream_idle_timeout: DEFAULT_IDLE,
            websocket_connect_timeout: DEFAULT_HANDSHAKE,
            requires_openai_auth: false,
            supports_websockets: false,
        }
    }
}

impl ModelProvider {
    fn openai(base_url: Option<String>) -> Self {
        let pairs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Self {
            name: "OpenAI".to_owned(),
            base_url,
            http_headers: pairs(&[("version", REFERENCE_VERSION)]),
            env_http_headers: pairs(&[
                ("openai-organization", "OPENAI_ORGANIZATION"),
                ("openai-project", "OPENAI_PROJECT"),
            ]),
            requires_openai_auth: true,
            supports_websockets: true,
            ..Self::default()
        }
    }

    fn bedrock(aws: AwsSettings) -> Self {
        Self {
            name: "Amazon Bedrock".to_owned(),
            base_url: aws
                .region
                .as_ref()
                .map(|region| format!("https://bedrock-mantle.{region}.api.aws/openai/v1")),
            http_headers: BTreeMap::from([("x-amzn-mantle-client-agent".to_owned(), "codex".to_owned())]),
            aws: Some(aws),
            ..Self::default()
        }
    }

    fn local(default_port: u16, env: &dyn Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let base_url = set("CODEX_OSS_BASE_URL").unwrap_or_else(|| {
            let port = set("CODEX_OSS_PORT").and_then(|port| port.parse().ok()).unwrap_or(default_port);
            format!("http://localhost:{port}/v1")
        });
        Self { name: "gpt-oss".to_owned(), base_url: Some(base_url), ..Self::default() }
    }

    fn configured(written: ModelProviderToml) -> Self {
        let defaults = Self::default();
        let millis = |value: Option<u64>, default| value.map_or(default, Duration::from_millis);
        let retries = |value: Option<u64>, default: u64| value.unwrap_or(default).min(MAX_RETRIES);
        Self {
            name: written.name,
            base_url: written.base_url,
            env_key: written.env_key,
            env_key_instructions: written.env_key_instructions,
            experimental_bearer_token: written.experimental_bearer_token,
            auth: written.auth.map(ProviderAuth::from),
            aws: None,
            query_params: written.query_params.unwrap_or_default(),
            http_headers: written.http_headers.unwrap_or_default(),
            env_http_headers: written.env_http_headers.unwrap_or_default(),
            request_max_retries: retries(written.request_max_retries, defaults.request_max_retries),
            stream_max_retries: retries(written.stream_max_retries, defaults.stream_max_retries),
            stream_idle_timeout: millis(written.stream_idle_timeout_ms, defaults.stream_idle_timeout),
            websocket_connect_timeout: millis(
                written.websocket_connect_timeout_ms,
                defaults.websocket_connect_timeout,
            ),
            requires_openai_auth: written.requires_openai_auth,
            supports_websockets: written.supports_websockets,
        }
    }
}

impl From<ProviderAuthToml> for ProviderAuth {
    fn from(written: ProviderAuthToml) -> Self {
        let refresh = written.refresh_interval_ms;
        Self {
            command: written.command,
            args: written.args,
            cwd: written.cwd,
            timeout: Duration::from_millis(written.timeout_ms.get()),
            refresh_interval: (refresh > 0).then(|| Duration::from_millis(refresh)),
        }
    }
}

impl From<AwsToml> for AwsSettings {
    fn from(written: AwsToml) -> Self {
        Self { profile: written.profile, region: written.region }
    }
}

/// Every provider by id: the built-in ones and the user's own.
pub(crate) fn table(
    config: &ConfigToml,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, ModelProvider>, InvalidConfig> {
    let base_url = config.openai_base_url.clone().filter(|url| !url.trim().is_empty());
    let mut providers = BTreeMap::from([
        (OPENAI.to_owned(), ModelProvider::openai(base_url)),
        ("ollama".to_owned(), ModelProvider::local(11434, env)),
        ("lmstudio".to_owned(), ModelProvider::local(1234, env)),
        (BEDROCK.to_owned(), ModelProvider::bedrock(AwsSettings::default())),
    ]);
    for (id, written) in &config.model_providers {
        let provider = if id == BEDROCK {
            changed_bedrock(written)?
        } else {
            ModelProvider::configured(written.clone())
        };
        providers.insert(id.clone(), provider);
    }
    Ok(providers)
}

fn changed_bedrock(written: &ModelProviderToml) -> Result<ModelProvider, InvalidConfig> {
    let rest = ModelProviderToml { aws: None, ..written.clone() };
    if rest != ModelProviderToml::default() {
        return Err(InvalidConfig::BedrockFields);
    }
    Ok(ModelProvider::bedrock(written.aws.clone().unwrap_or_default().into()))
}

/// The provider of an id.
pub(crate) fn find<'a>(
    providers: &'a BTreeMap<String, ModelProvider>,
    id: &str,
) -> Result<&'a ModelProvider, InvalidConfig> {
    if is_legacy_ollama(id) {
        return Err(InvalidConfig::LegacyOllamaChat);
    }
    providers.get(id).ok_or_else(|| InvalidConfig::UnknownProvider(id.to_owned()))
}

/// The model of a local provider when the user named none.
pub(crate) fn local_default_model(id: &str) -> Option<&'static str> {
    match id {
        "ollama" => Some("gpt-oss:20b"),
        "lmstudio" => Some("openai/gpt-oss-20b"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn providers(text: &str, env: &[(&str, &str)]) -> Result<BTreeMap<String, ModelProvider>, InvalidConfig> {
        let config: ConfigToml = toml::from_str(text).unwrap();
        let lookup =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        table(&config, &lookup)
    }

    #[test]
    fn built_in_providers_and_their_variables() {
        let plain = providers("", &[]).unwrap();
        assert_eq!(plain.keys().collect::<Vec<_>>(), ["amazon-bedrock", "lmstudio", "ollama", "openai"]);
        assert_eq!(plain["openai"].base_url, None);
        assert_eq!(plain["ollama"].base_url.as_deref(), Some("http://localhost:11434/v1"));
        assert_eq!(plain["lmstudio"].base_url.as_deref(), Some("http://localhost:1234/v1"));
        let moved = providers("openai_base_url = 'http://x/v1'", &[("CODEX_OSS_PORT", "99")]).unwrap();
        assert_eq!(moved["openai"].base_url.as_deref(), Some("http://x/v1"));
        assert_eq!(moved["ollama"].base_url.as_deref(), Some("http://localhost:99/v1"));
        let both = [("CODEX_OSS_PORT", "99"), ("CODEX_OSS_BASE_URL", "http://box/v1")];
        assert_eq!(providers("", &both).unwrap()["lmstudio"].base_url.as_deref(), Some("http://box/v1"));
    }

    #[test]
    fn defaults_and_caps_of_configured_providers() {
        let all = providers(
            "[model_providers.a]\nname = 'A'\n[model_providers.b]\nname = 'B'\nrequest_max_retries = 1000\n\
             stream_max_retries = 0\nstream_idle_timeout_ms = 7\nauth = {command = 'x', refresh_interval_ms = 0}",
            &[],
        )
        .unwrap();
        let (a, b) = (&all["a"], &all["b"]);
        assert_eq!((a.request_max_retries, a.stream_max_retries), (4, 5));
        assert_eq!((a.stream_idle_timeout, a.websocket_connect_timeout), (DEFAULT_IDLE, DEFAULT_HANDSHAKE));
        assert_eq!((b.request_max_retries, b.stream_max_retries), (100, 0));
        assert_eq!(b.stream_idle_timeout, Duration::from_millis(7));
        let auth = b.auth.as_ref().unwrap();
        assert_eq!((auth.timeout, auth.refresh_interval), (Duration::from_secs(5), None));
    }

    #[test]
    fn bedrock_takes_only_its_account() {
        let aws = providers("[model_providers.amazon-bedrock.aws]\nregion = 'eu-west-1'", &[]).unwrap();
        let url = aws[BEDROCK].base_url.as_deref();
        assert_eq!(url, Some("https://bedrock-mantle.eu-west-1.api.aws/openai/v1"));
        let other = providers("[model_providers.amazon-bedrock]\nname = 'x'", &[]).unwrap_err();
        assert_eq!(other, InvalidConfig::BedrockFields);
    }

    #[test]
    fn debug_output_keeps_the_token() {
        let all =
            providers("[model_providers.a]\nname = 'A'\nexperimental_bearer_token = 'hush'", &[]).unwrap();
        assert!(!format!("{:?}", all["a"]).contains("hush"));
    }
}
