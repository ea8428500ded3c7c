//! `network.provider_reachability`: whether the model provider answers. Asked only when the network may be used.

use std::collections::BTreeMap;

use quire_auth::AuthMode;
use quire_config::OPENAI;
use reqwest::{Method, StatusCode};

use crate::auth_file::Stored;
use crate::context::{Check, Context, Run};
use crate::host::Network;
use crate::http::{self, OPENAI_API};
use crate::report::{Details, Issue, Outcome, Status};

pub(crate) const CHECK: Check = Check {
    id: "network.provider_reachability",
    category: "reachability",
    label: "model provider",
    run: Run::Always(run),
};

const CHATGPT: &str = "https://chatgpt.com/backend-api/";

/// Who is asked, and how requests would be signed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    mode: &'static str,
    /// The key of the detail.
    name: String,
    /// Where requests go; some providers have no address until they are used.
    pub(crate) url: Option<String>,
    /// `models` lies below the address.
    has_models: bool,
    /// Appended to every address.
    query: BTreeMap<String, String>,
}

fn run(context: &Context<'_>) -> Outcome {
    let target = target(context);
    let mut details = Details::default();
    details.add("reachability mode", target.mode);
    let Some(url) = &target.url else {
        details.add(target.name, "decided when it is used");
        return Outcome::ok("the provider has no fixed address").idle().with(details);
    };
    if context.network == Network::Forbidden {
        details.add(target.name, format!("{} (not probed)", http::shown(url)));
        return Outcome::ok("not probed; --online asks the provider")
            .headline("not probed")
            .idle()
            .with(details);
    }
    probe(context, &target, url, details)
}

fn probe(context: &Context<'_>, target: &Target, url: &str, mut details: Details) -> Outcome {
    let unreachable = |details: Details| {
        Outcome::bad(
            Status::Fail,
            "the model provider cannot be reached",
            format!(
                "Check that {} is right, and proxy, VPN, firewall, DNS and certificates on the way there.",
                http::shown(url)
            ),
        )
        .with(details)
    };
    let shown = http::shown(url);
    match http::ask(context, &Method::HEAD, url) {
        Err(error) => {
            details.add(&target.name, format!("{shown} {error} (required)"));
            return unreachable(details);
        }
        Ok(answer) => {
            details.add(&target.name, format!("{shown} reachable (HTTP {})", answer.status.as_u16()));
        }
    }
    if !target.has_models {
        return Outcome::ok("the provider answers").headline("reachable").with(details);
    }
    let route = http::below(url, "models", &target.query);
    let key = target.name.replace("base URL", "route probe");
    let asked = http::shown(&route);
    match http::ask(context, &Method::GET, &route) {
        Err(error) => {
            details.add(key, format!("{asked} {error} (required)"));
            let issue = Issue::warning(
                "the provider breaks off when its models are asked for",
                "Check proxy, VPN, firewall, DNS and certificates on the way to the provider.",
            );
            let issue = issue.measured(format!("{asked} {error}"), "GET /models is answered");
            Outcome::ok("the model provider cannot be reached")
                .with(details)
                .issues(vec![issue.about(&["route probe"]).failure()])
        }
        Ok(answer) => {
            details.add(key, format!("{asked} (HTTP {})", answer.status.as_u16()));
            by_status(answer.status, url).with(details)
        }
    }
}

/// What the answer of `models` proves.
fn by_status(status: StatusCode, url: &str) -> Outcome {
    let shown = http::shown(url);
    match status.as_u16() {
        200..=299 | 401 | 403 => Outcome::ok("the provider answers").headline("reachable"),
        404 => {
            let issue = Issue::warning(
                format!("there is no API at {shown}: no `models` below it"),
                format!(
                    "Set base_url of the model provider in config.toml to the root of its API; {shown} is not."
                ),
            );
            let issue = issue.measured("HTTP 404", "GET /models returns 2xx, 401 or 403");
            Outcome::ok("the provider has no API at this address")
                .issues(vec![issue.about(&["route probe"]).failure()])
        }
        other => Outcome::bad(
            Status::Warning,
            format!("the provider answers with HTTP {other}"),
            format!("Try again later, or check base_url ({shown})."),
        ),
    }
}

/// Where requests of this config would go. Without a config, where those of an empty one would.
pub(crate) fn target(context: &Context<'_>) -> Target {
    let provider =
        context.config.ok().map(|config| (config.model_provider_id.as_str(), &config.model_provider));
    let by_key = |mode, id: &str, url: Option<String>| Target {
        mode,
        name: format!("{id} API base URL"),
        url,
        has_models: true,
        query: provider.map(|(_, provider)| provider.query_params.clone()).unwrap_or_default(),
    };
    if let Some((id, provider)) = provider
        && !provider.requires_openai_auth
    {
        return by_key("provider auth", id, provider.base_url.clone());
    }
    if signs_with_key(context) {
        let id = provider.map_or(OPENAI, |(id, _)| id);
        let url = provider.and_then(|(_, provider)| provider.base_url.clone());
        return by_key("API key auth", id, Some(url.unwrap_or_else(|| OPENAI_API.to_owned())));
    }
    let url = context.config.ok().and_then(|config| config.chatgpt_base_url.clone());
    Target {
        mode: "ChatGPT auth",
        name: "ChatGPT base URL".to_owned(),
        url: Some(url.unwrap_or_else(|| CHATGPT.to_owned())),
        has_models: false,
        query: BTreeMap::new(),
    }
}

fn signs_with_key(context: &Context<'_>) -> bool {
    let set = |name: &str| context.host.filled_var(name).is_some();
    if set("OPENAI_API_KEY") || set("CODEX_API_KEY") {
        return true;
    }
    let stored = Stored::read(&context.host.home.join("auth.json"));
    matches!(stored, Ok(Some(stored)) if stored.mode == AuthMode::ApiKey)
}
