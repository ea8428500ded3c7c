//! `config.load`: whether the config loads, and what it amounts to.

use quire_config::{Config, ConfigError, Feature, Features};
use toml::Value;

use crate::context::{Check, Context, Run};
use crate::mcp_servers;
use crate::redact::redact;
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check =
    Check { id: "config.load", category: "config", label: "config", run: Run::Always(run) };

/// Flags whose mere mention is outdated.
const OUTDATED: [Feature; 3] =
    [Feature::UseLegacyLandlock, Feature::WebSearchCached, Feature::WebSearchRequest];
/// The flag that used to be a top-level key.
const OLD_KEY: &str = "experimental_use_unified_exec_tool";

fn run(context: &Context<'_>) -> Outcome {
    match context.config {
        Ok(config) => Outcome::ok("the config loads").headline("loaded").with(details(config)),
        Err(error) => Outcome::bad(
            Status::Fail,
            "the config does not load",
            "Mend what the note says, then run this again.",
        )
        .note(reason(error)),
    }
}

/// Where and what. Neither the line of the file nor the value is repeated: both may hold a secret.
fn reason(error: &ConfigError) -> String {
    let place = error.location().map(|location| format!("{location}: ")).unwrap_or_default();
    let key = error.key().map(|key| format!(" (key `{key}`)")).unwrap_or_default();
    format!("{place}{}{key}", redact("", &without_strings(&error.message())))
}

/// `string "abc"` becomes `string`.
fn without_strings(message: &str) -> String {
    const BEFORE: &str = "string \"";
    let Some((before, rest)) = message.split_once(BEFORE) else { return message.to_owned() };
    // The value may itself hold quotes; what was expected follows the last one.
    let after = rest.rsplit_once('"').map_or("", |(_, after)| after);
    format!("{before}string{after}")
}

fn details(config: &Config) -> Details {
    let mut details = Details::default();
    details.add_path("CODEX_HOME", config.home.as_path());
    details.add_path("cwd", &config.cwd);
    let file = config.home.config_file();
    details.add_path("config.toml", &file);
    if file.exists() {
        details.add("config.toml parse", "ok");
    } else {
        details.add("config.toml", "missing");
    }
    details.add("model", config.model.as_deref().unwrap_or("<default>"));
    details.add("model provider", &config.model_provider_id);
    details.add_path("log dir", &config.log_dir);
    details.add_path("sqlite home", &config.sqlite_home);
    details.add("mcp servers", mcp_servers::servers(config).len());
    let enabled: Vec<_> = config.features.iter_enabled().map(Feature::key).collect();
    details.add("feature flags enabled", enabled.len());
    details.add("enabled feature flags", listed(&enabled));
    details.add("feature flag overrides", listed(&overrides(&config.features)));
    for alias in outdated(config) {
        details.add("legacy feature flag", alias);
    }
    details
}

fn listed<S: AsRef<str>>(names: &[S]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

/// Flags that are not as they are by default.
fn overrides(features: &Features) -> Vec<String> {
    let default = Features::default();
    Feature::ALL
        .into_iter()
        .filter(|feature| features.enabled(*feature) != default.enabled(*feature))
        .map(|feature| format!("{}={}", feature.key(), features.enabled(feature)))
        .collect()
}

/// `old name -> flag`, sorted.
fn outdated(config: &Config) -> Vec<String> {
    let table = config.merged.get("features").and_then(Value::as_table);
    let mut found: Vec<_> = table
        .into_iter()
        .flatten()
        .filter_map(|(name, _)| {
            let feature = Feature::from_name(name)?;
            if feature.key() == name {
                OUTDATED.contains(&feature).then(|| format!("features.{name} -> {name}"))
            } else {
                Some(format!("{name} -> {}", feature.key()))
            }
        })
        .collect();
    if config.merged.contains_key(OLD_KEY) {
        found.push(format!("{OLD_KEY} -> {}", Feature::UnifiedExec.key()));
    }
    found.sort();
    found
}
