//! Model providers: where requests go and how they are decorated (providers sheet §2 and §3).
//!
//! In comes what the user configured, as a plain struct with every default applied; out go endpoint URLs and answers
//! to "whose credential does this provider want?". What a newcomer would get wrong: the provider's *name* and host
//! have meaning. A name of `azure`, or an Azure host, switches the wire into Azure mode.

use std::time::Duration;

use quire_auth::{ApiKey, AuthError, Credentials, Secret};
use quire_protocol::REFERENCE_VERSION;
use reqwest::Url;

use crate::error::SetupError;

/// More retries than this are not made, whatever is configured.
const MAX_RETRIES: u64 = 100;
/// Where the `openai` provider lives for API keys.
const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
/// Parts of base URLs by which Azure is recognised.
const AZURE_MARKS: [&str; 6] = [
    "openai.azure.",
    "cognitiveservices.azure.",
    "aoai.azure.",
    "azure-api.",
    "azurefd.",
    "windows.net/openai",
];

/// A `[model_providers.<id>]` table with its defaults applied. Ordered lists stand for tables, so that requests carry
/// headers and parameters in the order they were configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Display name; see the module about its meaning.
    pub name: String,
    /// Root of the API; that of OpenAI when absent.
    pub base_url: Option<String>,
    /// Variable that holds the bearer token, read at each request.
    pub env_key: Option<String>,
    /// Appended to the error when that variable is missing.
    pub env_key_instructions: Option<String>,
    /// A literal bearer token.
    pub experimental_bearer_token: Option<Secret>,
    /// The command that prints the bearer token. No client can be made for such a provider yet.
    pub auth_command: Option<String>,
    /// Appended to every URL.
    pub query_params: Vec<(String, String)>,
    /// Fixed headers. Entries that are not valid headers are skipped.
    pub http_headers: Vec<(String, String)>,
    /// Header and the variable it is read from; skipped while the variable is unset or blank.
    pub env_http_headers: Vec<(String, String)>,
    /// Retries of a request that got no answer, or a 5xx one. At most 100 count.
    pub request_max_retries: u64,
    /// Retries of a sampling whose stream broke; made by the caller of [`crate::ModelClient::stream`]. At most 100 count.
    pub stream_max_retries: u64,
    /// Longest silence between two events.
    pub stream_idle_timeout_ms: u64,
    /// Longest wait for a WebSocket handshake.
    pub websocket_connect_timeout_ms: u64,
    /// Whether the stored OpenAI credentials are meant for it.
    pub requires_openai_auth: bool,
    /// Whether it offers Responses over WebSocket.
    pub supports_websockets: bool,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            base_url: None,
            env_key: None,
            env_key_instructions: None,
            experimental_bearer_token: None,
            auth_command: None,
            query_params: Vec::new(),
            http_headers: Vec::new(),
            env_http_headers: Vec::new(),
            request_max_retries: 4,
            stream_max_retries: 5,
            stream_idle_timeout_ms: 300_000,
            websocket_connect_timeout_ms: 15_000,
            requires_openai_auth: false,
            supports_websockets: false,
        }
    }
}

impl ProviderConfig {
    /// The built-in provider of that id, if there is one.
    pub fn builtin(id: &str) -> Option<Self> {
        match id {
            "openai" => Some(Self::openai()),
            "ollama" => Some(Self::local("http://localhost:11434/v1")),
            "lmstudio" => Some(Self::local("http://localhost:1234/v1")),
            _ => None,
        }
    }

    /// OpenAI itself. `openai_base_url` of the config goes to `base_url`.
    pub fn openai() -> Self {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Self {
            name: "OpenAI".to_owned(),
            http_headers: vec![pair("version", REFERENCE_VERSION)],
            env_http_headers: vec![
                pair("openai-organization", "OPENAI_ORGANIZATION"),
                pair("openai-project", "OPENAI_PROJECT"),
            ],
            requires_openai_auth: true,
            supports_websockets: true,
            ..Self::default()
        }
    }

    fn local(base_url: &str) -> Self {
        Self { name: "gpt-oss".to_owned(), base_url: Some(base_url.to_owned()), ..Self::default() }
    }

    /// Whether requests must follow Azure's rules: responses are stored and items go back with their ids.
    pub fn is_azure(&self) -> bool {
        let host_says_so = || {
            let base = self.base_url.as_deref().unwrap_or_default().to_ascii_lowercase();
            AZURE_MARKS.iter().any(|mark| base.contains(mark))
        };
        self.name.eq_ignore_ascii_case("azure") || host_says_so()
    }

    /// Retries inside one [`crate::ModelClient::stream`].
    pub fn request_retries(&self) -> u32 {
        self.request_max_retries.min(MAX_RETRIES) as u32
    }

    /// Samplings to try again after the first.
    pub fn stream_retries(&self) -> u32 {
        self.stream_max_retries.min(MAX_RETRIES) as u32
    }

    /// [`Self::stream_idle_timeout_ms`] as a duration.
    pub fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.stream_idle_timeout_ms)
    }

    /// The key to make a client with: what the environment or the sign-in holds, if this provider may see it.
    ///
    /// Stored credentials are read for providers with `requires_openai_auth` alone. The reference sends them to any
    /// provider without a key of its own, and so gives an OpenAI key to whoever runs that server.
    pub fn credential(
        &self,
        home: &std::path::Path,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<ApiKey>, AuthError> {
        if self.env_key.is_some() || self.experimental_bearer_token.is_some() {
            return Ok(None);
        }
        if self.requires_openai_auth { Credentials::load(home, env) } else { Ok(Credentials::from_env(env)) }
    }

    /// The URL of an endpoint, `path` without leading slash.
    pub(crate) fn endpoint(&self, path: &str) -> Result<Url, SetupError> {
        let base = self.base_url.as_deref().unwrap_or(OPENAI_BASE_URL);
        let mut text = format!("{}/{path}", base.trim_end_matches('/'));
        for (position, (name, value)) in self.query_params.iter().enumerate() {
            text.push(if position == 0 { '?' } else { '&' });
            percent_encode(name, &mut text);
            text.push('=');
            percent_encode(value, &mut text);
        }
        let invalid = |reason: String| SetupError::BaseUrl {
            provider: self.name.clone(),
            base_url: base.to_owned(),
            reason,
        };
        let url = Url::parse(&text).map_err(|error| invalid(error.to_string()))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            other => Err(invalid(format!("scheme `{other}` is neither http nor https"))),
        }
    }
}

/// Leaves RFC 3986's unreserved characters as they are.
fn percent_encode(text: &str, out: &mut String) {
    const HEX: [u8; 16] = *b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(base_url: &str) -> ProviderConfig {
        ProviderConfig { base_url: Some(base_url.to_owned()), ..ProviderConfig::default() }
    }

    #[test]
    fn azure_is_known_by_name_or_host() {
        for base in [
            "https://r.openai.azure.com/openai",
            "https://r.cognitiveservices.azure.com/x",
            "https://r.aoai.azure.com",
            "https://r.azure-api.net",
            "https://r.azurefd.net",
            "https://x.windows.net/openai",
            "https://R.OpenAI.Azure.com/openai",
        ] {
            assert!(at(base).is_azure(), "{base}");
        }
        assert!(ProviderConfig { name: "AzURE".into(), ..ProviderConfig::default() }.is_azure());
        for base in ["https://r.services.ai.azure.com", "https://api.openai.com/v1"] {
            assert!(!at(base).is_azure(), "{base}");
        }
        assert!(!ProviderConfig { name: "Azure OpenAI".into(), ..ProviderConfig::default() }.is_azure());
    }

    #[test]
    fn endpoints_join_base_path_and_encoded_parameters_in_order() {
        let url = |provider: &ProviderConfig| provider.endpoint("responses").unwrap().to_string();
        assert_eq!(url(&ProviderConfig::default()), "https://api.openai.com/v1/responses");
        assert_eq!(url(&at("http://127.0.0.1:8/v1//")), "http://127.0.0.1:8/v1/responses");
        let mut provider = at("http://h/v1");
        provider.query_params = [("z", "a b&c"), ("api-version", "2025-04-01"), ("k", "ü")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        assert_eq!(url(&provider), "http://h/v1/responses?z=a%20b%26c&api-version=2025-04-01&k=%C3%BC");
    }

    #[test]
    fn an_impossible_base_url_is_named() {
        for base in ["not a url", "ftp://h/v1", ""] {
            let error = at(base).endpoint("responses").unwrap_err().to_string();
            assert!(error.contains(&format!("`{base}`")) && error.contains("base_url"), "{error}");
        }
    }

    #[test]
    fn retries_are_capped() {
        let provider = ProviderConfig {
            request_max_retries: 101,
            stream_max_retries: u64::MAX,
            ..ProviderConfig::default()
        };
        assert_eq!((provider.request_retries(), provider.stream_retries()), (100, 100));
    }

    #[test]
    fn stored_keys_stay_with_openai() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("auth.json"), r#"{"OPENAI_API_KEY":"sk-stored"}"#).unwrap();
        let found = |provider: &ProviderConfig, env: &dyn Fn(&str) -> Option<String>| {
            provider.credential(home.path(), env).unwrap().map(|key| key.expose().to_owned())
        };
        let unset = |_: &str| None;
        let set = |name: &str| (name == "CODEX_API_KEY").then(|| "sk-env".to_owned());
        assert_eq!(found(&ProviderConfig::openai(), &unset).as_deref(), Some("sk-stored"));
        assert_eq!(found(&at("http://h/v1"), &unset), None);
        assert_eq!(found(&at("http://h/v1"), &set).as_deref(), Some("sk-env"));
        let own = ProviderConfig { env_key: Some("OWN".into()), ..ProviderConfig::openai() };
        assert_eq!(found(&own, &set), None);
    }
}
