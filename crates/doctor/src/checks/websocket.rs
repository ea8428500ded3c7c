//! `network.websocket_reachability`: whether the provider streams over WebSocket. Asked only when the network may be used.

use std::net::{SocketAddr, ToSocketAddrs as _};

use quire_auth::AuthMode;
use quire_config::{Config, ModelProvider};

use super::network::add_proxies;
use crate::auth_file::Stored;
use crate::context::{Check, Context, Run};
use crate::host::Network;
use crate::http::{self, OPENAI_API};
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check = Check {
    id: "network.websocket_reachability",
    category: "websocket",
    label: "WebSocket of the model provider",
    run: Run::Configured(run),
};

const CHATGPT_API: &str = "https://chatgpt.com/backend-api/codex";

fn run(context: &Context<'_>, config: &Config) -> Outcome {
    let provider = &config.model_provider;
    let mut details = Details::default();
    details.add("model provider", &config.model_provider_id);
    details.add("provider name", &provider.name);
    details.add("wire API", "responses");
    details.add("supports websockets", provider.supports_websockets);
    add_proxies(context.host, &mut details);
    if !provider.supports_websockets {
        return Outcome::ok("the provider offers no WebSocket; HTTP is used")
            .headline("not offered")
            .with(details);
    }
    let auth = auth_mode(context);
    details.add("connect timeout", format!("{} ms", provider.websocket_connect_timeout.as_millis()));
    details.add("auth mode", auth);
    let endpoint = http::below(&base(provider, auth), "responses", &provider.query_params);
    details.add("endpoint", endpoint.replacen("http", "ws", 1));
    if context.network == Network::Forbidden {
        details.add("handshake", "not probed");
        return Outcome::ok("not probed; --online tries a handshake")
            .headline("not probed")
            .idle()
            .with(details);
    }
    details.add("DNS", addresses(&endpoint));
    let key = key(context, provider);
    let failed = |reason: String, details: Details| {
        Outcome::bad(
            Status::Warning,
            format!("no WebSocket to the provider ({reason}); HTTP may still work"),
            "Check that proxies and firewalls on the way let WebSocket through, and the certificates.",
        )
        .with(details)
    };
    match http::upgrade(context, &endpoint, key.as_deref()) {
        Ok(answer) => {
            let code = answer.status.as_u16();
            // Whoever asks us to sign first is there.
            if code == 101 || (key.is_none() && matches!(code, 401 | 403)) {
                details.add("handshake result", format!("HTTP {}", answer.status));
                return Outcome::ok("the provider answers over WebSocket")
                    .headline("reachable")
                    .with(details);
            }
            details.add("handshake transport error", format!("HTTP {code}"));
            failed(format!("HTTP {code}"), details)
        }
        Err(error) => {
            details.add("handshake transport error", &error);
            failed(error.to_string(), details)
        }
    }
}

/// The key requests to this provider carry; a ChatGPT sign-in has none.
fn key(context: &Context<'_>, provider: &ModelProvider) -> Option<String> {
    if let Some(variable) = &provider.env_key {
        return context.host.filled_var(variable).map(str::to_owned);
    }
    if !provider.requires_openai_auth {
        return provider.experimental_bearer_token.clone();
    }
    let env = |name: &str| context.host.var(name).map(str::to_owned);
    let stored = quire_auth::Credentials::load(&context.host.home, env).ok().flatten()?;
    Some(stored.expose().to_owned())
}

/// How the handshake would be signed.
fn auth_mode(context: &Context<'_>) -> &'static str {
    if context.host.filled_var("CODEX_API_KEY").is_some() {
        return "api_key";
    }
    match Stored::read(&context.host.home.join("auth.json")) {
        Ok(Some(stored)) => match stored.mode {
            AuthMode::ApiKey if stored.has_api_key => "api_key",
            AuthMode::ChatGpt | AuthMode::ChatGptAuthTokens => "chatgpt",
            AuthMode::ApiKey | AuthMode::AgentIdentity => "none",
        },
        Ok(None) | Err(_) => "none",
    }
}

fn base(provider: &ModelProvider, auth: &str) -> String {
    let default = if auth == "chatgpt" { CHATGPT_API } else { OPENAI_API };
    provider.base_url.clone().unwrap_or_else(|| default.to_owned())
}

/// How many addresses the server has, and of which kind.
fn addresses(url: &str) -> String {
    let Some(server) = reqwest::Url::parse(url).ok().and_then(|url| {
        Some((url.host_str()?.trim_matches(['[', ']']).to_owned(), url.port_or_known_default()?))
    }) else {
        return "no server in the address".to_owned();
    };
    match server.to_socket_addrs() {
        Err(error) => format!("lookup failed ({error})"),
        Ok(found) => {
            let found: Vec<_> = found.collect();
            let four = found.iter().filter(|address| address.is_ipv4()).count();
            let first = match found.first() {
                Some(SocketAddr::V4(_)) => "first IPv4",
                Some(SocketAddr::V6(_)) => "first IPv6",
                None => "none",
            };
            format!("{four} IPv4, {} IPv6, {first}", found.len() - four)
        }
    }
}
