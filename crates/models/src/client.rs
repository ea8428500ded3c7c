//! The client of one provider: asks, retries silently where that is its job, and hands out streams.
//!
//! One client serves a whole thread: it keeps the connection, and the rate limits that later answers leave out. What a
//! newcomer would get wrong: [`ModelClient::stream`] returns when the *headers* of an answer are there. Errors of the
//! answer itself come out of [`ModelStream::next`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Zoned;
use quire_auth::{ApiKey, Secret};
use reqwest::header::HeaderMap;
use reqwest::{Client, Response, Url};
use tokio::sync::OnceCell;

use crate::error::{Disconnect, ModelError, SetupError};
use crate::event::ModelEvent;
use crate::http_error::ErrorAnswer;
use crate::prompt::{ClientIdentity, Prompt, RequestIdentity, Sampling};
use crate::provider::ProviderConfig;
use crate::rate_limits::{self, Memory};
use crate::record::{ExchangeRecorder, Tape};
use crate::retry::Backoff;
use crate::stream::{Leftover, ModelStream, StreamParts};
use crate::transport;
use crate::wire::responses::{self, Decoder, HeaderFacts};

/// Longest wait for the headers of an answer. Models on small machines read a long prompt before they send any.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(30);
/// An error's body is read up to here.
const MAX_ERROR_BODY: usize = 1 << 20;

/// Where variables are read from.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Speaks to one provider.
pub struct ModelClient {
    provider: ProviderConfig,
    api_key: Option<Secret>,
    client: ClientIdentity,
    endpoint: Url,
    env: Environment,
    backoff: Backoff,
    recorder: Option<Arc<dyn ExchangeRecorder>>,
    http: OnceCell<Client>,
    memory: Memory,
    leftover: Leftover,
}

impl std::fmt::Debug for ModelClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelClient").field("provider", &self.provider.name).finish_non_exhaustive()
    }
}

impl ModelClient {
    /// A client for a provider. Nothing is opened or looked up before the first request.
    ///
    /// `api_key` is used unless the provider has a credential of its own; see [`ProviderConfig::credential`].
    pub fn new(
        provider: ProviderConfig,
        api_key: Option<ApiKey>,
        client: ClientIdentity,
    ) -> Result<Self, SetupError> {
        let endpoint = provider.endpoint(responses::PATH)?;
        if let Some(command) = provider.auth_command {
            return Err(SetupError::CommandAuth { provider: provider.name, command });
        }
        Ok(Self {
            provider,
            api_key: api_key.map(|key| Secret::new(key.expose())),
            client,
            endpoint,
            env: Arc::new(|name| std::env::var(name).ok()),
            backoff: Backoff::default(),
            recorder: None,
            http: OnceCell::new(),
            memory: Memory::default(),
            leftover: Leftover::default(),
        })
    }

    /// Tells a recorder of every exchange.
    #[must_use]
    pub fn with_recorder(self, recorder: Arc<dyn ExchangeRecorder>) -> Self {
        Self { recorder: Some(recorder), ..self }
    }

    /// Reads variables (keys, headers, certificates) from here instead of the process's environment.
    #[must_use]
    pub fn with_environment(self, env: Environment) -> Self {
        Self { env, ..self }
    }

    /// Waits so long between the retries inside [`Self::stream`].
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The provider, for its retry counts.
    pub fn provider(&self) -> &ProviderConfig {
        &self.provider
    }

    /// Asks the model. Requests without an answer, and 5xx answers, are retried here as often as the provider's
    /// configuration says; every other error, and the last of those, is the caller's.
    pub async fn stream(
        &self,
        prompt: &Prompt,
        sampling: &Sampling,
        identity: &RequestIdentity,
    ) -> Result<ModelStream, ModelError> {
        let bearer = self.bearer()?;
        let headers = responses::request_headers(&HeaderFacts {
            provider: &self.provider,
            client: &self.client,
            identity,
            bearer: bearer.as_ref(),
            env: &*self.env,
        });
        let body = responses::encode(prompt, sampling, identity, self.provider.is_azure())
            .map_err(ModelError::Encode)?;
        self.leftover.read_out().await;
        let response = self.send(headers, body.into()).await?;
        Ok(self.open(response, identity))
    }

    /// The credential: the provider's variable, else its literal token, else the key this client was made with.
    fn bearer(&self) -> Result<Option<Secret>, ModelError> {
        let Some(name) = &self.provider.env_key else {
            return Ok(self.provider.experimental_bearer_token.clone().or_else(|| self.api_key.clone()));
        };
        match (self.env)(name).filter(|value| !value.trim().is_empty()) {
            Some(value) => Ok(Some(Secret::new(value))),
            None => Err(ModelError::MissingEnvironmentVariable {
                name: name.clone(),
                instructions: self.provider.env_key_instructions.clone(),
            }),
        }
    }

    async fn send(&self, headers: HeaderMap, body: Bytes) -> Result<Response, ModelError> {
        let http = self.http.get_or_try_init(|| transport::build(&self.endpoint, &*self.env)).await?;
        let retries = self.provider.request_retries();
        let mut retry = 0;
        loop {
            let (error, again) = match self.attempt(http, headers.clone(), body.clone()).await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let again = response.status().is_server_error();
                    (self.error_of(response).await, again)
                }
                Err(error) => (error.into(), true),
            };
            if !again || retry == retries {
                return Err(error);
            }
            retry += 1;
            tracing::debug!(?error, retry, retries, "the request to the model is made again");
            tokio::time::sleep(self.backoff.delay(retry)).await;
        }
    }

    async fn attempt(&self, http: &Client, headers: HeaderMap, body: Bytes) -> Result<Response, Disconnect> {
        let request = http.post(self.endpoint.clone()).headers(headers).body(body);
        let failed = |source| Disconnect::Send { url: self.endpoint.to_string(), source };
        match tokio::time::timeout(ANSWER_TIMEOUT, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(failed(Some(error.without_url()))),
            Err(_elapsed) => Err(failed(None)),
        }
    }

    async fn error_of(&self, mut response: Response) -> ModelError {
        let mut body = Vec::new();
        let idle = self.provider.idle_timeout();
        // What arrived before a break is still worth showing.
        while let Ok(Ok(Some(chunk))) = tokio::time::timeout(idle, response.chunk()).await {
            body.extend_from_slice(&chunk);
            if body.len() >= MAX_ERROR_BODY {
                body.truncate(MAX_ERROR_BODY);
                break;
            }
        }
        if let Some(tape) = self.tape(&response) {
            tape.body(&body);
        }
        let answer = ErrorAnswer {
            status: response.status(),
            headers: response.headers(),
            body: &body,
            url: self.endpoint.as_str(),
        };
        match answer.to_error(&Zoned::now()) {
            ModelError::UsageLimit(mut limit) => {
                limit.rate_limits = self.memory.complete(limit.rate_limits);
                ModelError::UsageLimit(limit)
            }
            error => error,
        }
    }

    /// A stream over an answer, beginning with what its headers tell.
    fn open(&self, response: Response, identity: &RequestIdentity) -> ModelStream {
        let headers = response.headers();
        let text = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
        };
        if let Some(token) = text("x-codex-turn-state") {
            identity.turn_state.remember(token);
        }
        let mut decoder = Decoder::default();
        let mut ready = VecDeque::new();
        if let Some(model) = text("openai-model") {
            decoder.note_server_model(model);
            ready.push_back(ModelEvent::ServerModel(model.to_owned()));
        }
        let limits = rate_limits::all(headers).into_iter().map(|limits| self.memory.complete(limits));
        ready.extend(limits.map(ModelEvent::RateLimits));
        if headers.contains_key("x-reasoning-included") {
            ready.push_back(ModelEvent::ReasoningIncluded);
        }
        let tape = self.tape(&response);
        let (idle, leftover) = (self.provider.idle_timeout(), self.leftover.clone());
        ModelStream::new(StreamParts { response, decoder, ready, tape, idle, leftover })
    }

    fn tape(&self, response: &Response) -> Option<Tape> {
        let recorder = Arc::clone(self.recorder.as_ref()?);
        Some(Tape::new(recorder, response.status().as_u16(), response.headers()))
    }
}
