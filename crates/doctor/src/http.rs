//! Probes over the network: only ever called when the person allowed them.
//!
//! A newcomer's trap: an answer that refuses us (401, 403, 405) proves that the server is there. What counts as reached
//! differs per probe and is said by each of them. Proxies of the environment are honoured.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, Method, StatusCode};

use crate::access::read_bounded;
use crate::checks::CERTIFICATES;
use crate::context::Context;
use crate::redact::address;

/// Where OpenAI's own provider is, unless the configuration says otherwise.
pub(crate) const OPENAI_API: &str = "https://api.openai.com/v1";
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// No bundle of certificates is bigger.
const MAX_CERTIFICATES: u64 = 16 << 20;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("connect failed")]
    Connect,
    #[error("timed out")]
    TimedOut,
    #[error("request could not be built")]
    Request,
    #[error("request failed")]
    Failed,
    #[error("the certificates in {0} cannot be used: {1}")]
    Certificates(&'static str, String),
}

impl From<reqwest::Error> for ProbeError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_builder() {
            Self::Request
        } else if error.is_timeout() {
            Self::TimedOut
        } else if error.is_connect() {
            Self::Connect
        } else {
            Self::Failed
        }
    }
}

/// An answer and how long it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) took: Duration,
}

/// Asks once, without a body and without following redirects.
pub(crate) fn ask(context: &Context<'_>, method: &Method, url: &str) -> Result<Answer, ProbeError> {
    let client = client(context)?;
    context.runtime.block_on(async {
        let start = Instant::now();
        let answer = client.request(method.clone(), url).send().await?;
        Ok(Answer { status: answer.status(), took: start.elapsed() })
    })
}

/// Any answer at all, to HEAD or else to GET.
pub(crate) fn any_answer(context: &Context<'_>, url: &str) -> Result<Answer, String> {
    ask(context, &Method::HEAD, url)
        .or_else(|head| ask(context, &Method::GET, url).map_err(|get| format!("HEAD {head}; GET {get}")))
}

/// Asks for an upgrade to WebSocket, signed if there is a key; the status is 101 when it is granted.
pub(crate) fn upgrade(context: &Context<'_>, url: &str, key: Option<&str>) -> Result<Answer, ProbeError> {
    // Any sixteen bytes do: the connection is dropped right after the answer.
    const NONCE: &str = "cXVpcmUgZG9jdG9yIGtleQ==";
    let client = client(context)?;
    context.runtime.block_on(async {
        let start = Instant::now();
        let request = client
            .get(url)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", NONCE);
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        };
        let answer = request.send().await?;
        Ok(Answer { status: answer.status(), took: start.elapsed() })
    })
}

fn client(context: &Context<'_>) -> Result<Client, ProbeError> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("quire-doctor/", env!("CARGO_PKG_VERSION")));
    for name in CERTIFICATES {
        let Some(path) = context.host.var_os(name).filter(|path| !path.is_empty()) else { continue };
        let unusable = |reason: String| ProbeError::Certificates(name, reason);
        let pem =
            read_bounded(Path::new(path), MAX_CERTIFICATES).map_err(|error| unusable(error.to_string()))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.to_string()))?;
        builder = certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        break;
    }
    Ok(builder.build()?)
}

/// The path below a base address, whatever the base ends with, and the parameters every request carries.
pub(crate) fn below(base: &str, path: &str, query: &BTreeMap<String, String>) -> String {
    let address = format!("{}/{path}", base.trim_end_matches('/'));
    match (query.is_empty(), reqwest::Url::parse(&address)) {
        (false, Ok(mut url)) => {
            url.query_pairs_mut().extend_pairs(query);
            url.into()
        }
        // An address that cannot be parsed is told when it is asked.
        (true, _) | (_, Err(_)) => address,
    }
}

/// The address as it may be shown.
pub(crate) fn shown(url: &str) -> String {
    address(url)
}
