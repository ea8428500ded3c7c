//! Checks of single values that a type cannot express: bounds of numbers and names (config sheet §7, features sheet, "Table
//! forms").
//!
//! What a newcomer would get wrong: these run on the merged config, so an error has no place in a file; and a number of
//! `[memories]` is never wrong, it is moved into its range where it is used.

use std::path::Path;

use crate::error::InvalidConfig;
use crate::features::{Feature, FeatureToml, Features, FeaturesToml, MultiAgentV2Toml};
use crate::schema::{AgentRoleToml, AgentsToml, ConfigToml};

const MAX_WAIT_MS: i64 = 3_600_000;
const DEFAULT_MIN_WAIT_MS: i64 = 10_000;
const DEFAULT_WAIT_MS: i64 = 30_000;
const MAX_NAMESPACE_LENGTH: usize = 64;
/// Namespaces of tools that models know already.
const RESERVED_NAMESPACES: [&str; 11] = [
    "functions",
    "multi_tool_use",
    "file_search",
    "web",
    "browser",
    "image_gen",
    "computer",
    "python",
    "mcp",
    "container",
    "tool_search",
];

/// Reads the file that replaces the model catalog as far as is needed to refuse one that is none.
pub(crate) fn check_model_catalog(file: &Path) -> Result<(), InvalidConfig> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| InvalidConfig::UnreadableFile {
        what: "model_catalog_json",
        path: file.to_owned(),
        reason: error.to_string(),
    })?;
    let catalog: serde_json::Value = match serde_json::from_str(&text) {
        Ok(catalog) => catalog,
        Err(error) => {
            return refuse(format!("failed to parse model_catalog_json path `{shown}` as JSON: {error}"));
        }
    };
    match catalog.get("models").and_then(serde_json::Value::as_array) {
        Some(models) if !models.is_empty() => Ok(()),
        _ => refuse(format!("model_catalog_json path `{shown}` must contain at least one model")),
    }
}

/// What to tell about roles of agents that nobody could choose or start.
pub(crate) fn malformed_roles(agents: &AgentsToml) -> impl Iterator<Item = String> {
    let problems = agents.roles.iter().filter_map(|(name, role)| problem_of_role(name, role));
    problems.map(|problem| format!("Ignoring malformed agent role definition: {problem}"))
}

fn problem_of_role(name: &str, role: &AgentRoleToml) -> Option<String> {
    let Some(description) = &role.description else {
        return Some(format!("agent role `{name}` must define a description"));
    };
    if description.trim().is_empty() {
        return Some(format!("agents.{name}.description cannot be blank"));
    }
    if role.nickname_candidates.as_ref().is_some_and(Vec::is_empty) {
        return Some(format!("agents.{name}.nickname_candidates must contain at least one name"));
    }
    let file = role.config_file.as_deref()?;
    let problem = match file.metadata() {
        Ok(found) if found.is_file() => return None,
        Ok(_) => "it is not a file".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(format!("agents.{name}.config_file must point to an existing file at {}: {problem}", file.display()))
}

/// Checks what the types let through.
pub(crate) fn check(written: &ConfigToml, features: &Features) -> Result<(), InvalidConfig> {
    let agents = written.agents.as_ref();
    if features.enabled(Feature::MultiAgentV2) && agents.is_some_and(|agents| agents.max_threads.is_some()) {
        return refuse("agents.max_threads cannot be set when multi_agent_v2 is enabled");
    }
    if let Some(agents) = agents {
        check_agents(agents)?;
    }
    match multi_agent_v2(written.features()) {
        Some(table) => check_multi_agent_v2(table),
        None => Ok(()),
    }
}

fn refuse<T>(text: impl Into<String>) -> Result<T, InvalidConfig> {
    Err(InvalidConfig::Bounds(text.into()))
}

fn check_agents(agents: &AgentsToml) -> Result<(), InvalidConfig> {
    let too_small = [
        ("max_threads", agents.max_threads == Some(0)),
        ("max_depth", agents.max_depth.is_some_and(|depth| depth < 1)),
        ("job_max_runtime_seconds", agents.job_max_runtime_seconds == Some(0)),
    ];
    match too_small.iter().find(|(_, wrong)| *wrong) {
        Some((key, _)) => refuse(format!("agents.{key} must be at least 1")),
        None => Ok(()),
    }
}

fn multi_agent_v2(features: &FeaturesToml) -> Option<&MultiAgentV2Toml> {
    match features.get(Feature::MultiAgentV2.key())? {
        FeatureToml::MultiAgentV2(table) => Some(table),
        _ => None,
    }
}

fn check_multi_agent_v2(table: &MultiAgentV2Toml) -> Result<(), InvalidConfig> {
    let key = |name: &str| format!("features.multi_agent_v2.{name}");
    if table.max_concurrent_threads_per_session == Some(0) {
        return refuse(format!("{} must be at least 1", key("max_concurrent_threads_per_session")));
    }
    let waits = [
        ("min_wait_timeout_ms", table.min_wait_timeout_ms),
        ("max_wait_timeout_ms", table.max_wait_timeout_ms),
        ("default_wait_timeout_ms", table.default_wait_timeout_ms),
    ];
    for (name, wait) in waits {
        match wait {
            Some(wait) if wait < 0 => return refuse(format!("{} must be at least 0", key(name))),
            Some(wait) if wait > MAX_WAIT_MS => {
                return refuse(format!("{} must be at most {MAX_WAIT_MS}", key(name)));
            }
            _ => {}
        }
    }
    let min = table.min_wait_timeout_ms.unwrap_or(DEFAULT_MIN_WAIT_MS);
    let max = table.max_wait_timeout_ms.unwrap_or(MAX_WAIT_MS);
    let default = table.default_wait_timeout_ms.unwrap_or(DEFAULT_WAIT_MS);
    let out_of_order = [
        ("min_wait_timeout_ms", "at most", "max_wait_timeout_ms", min > max),
        ("default_wait_timeout_ms", "at least", "min_wait_timeout_ms", default < min),
        ("default_wait_timeout_ms", "at most", "max_wait_timeout_ms", default > max),
    ];
    if let Some((name, relation, other, _)) = out_of_order.iter().find(|(.., wrong)| *wrong) {
        return refuse(format!("{} must be {relation} {}", key(name), key(other)));
    }
    table.tool_namespace.as_deref().map_or(Ok(()), |name| check_namespace(&key("tool_namespace"), name))
}

fn check_namespace(key: &str, name: &str) -> Result<(), InvalidConfig> {
    if name.is_empty() {
        return refuse(format!("{key} must not be empty"));
    }
    if name.chars().count() > MAX_NAMESPACE_LENGTH {
        return refuse(format!("{key} must be at most {MAX_NAMESPACE_LENGTH} characters"));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        return refuse(format!("{key} must match ^[a-zA-Z0-9_-]+$"));
    }
    if RESERVED_NAMESPACES.contains(&name) {
        return refuse(format!("{key} uses a reserved namespace: {name}"));
    }
    Ok(())
}
