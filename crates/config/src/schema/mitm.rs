//! `[permissions.<name>.network.mitm]`: what the proxy does to requests on their way.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[permissions.<name>.network.mitm]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "MitmKeys")]
pub struct MitmToml {
    /// Which requests are changed.
    pub hooks: Option<BTreeMap<String, MitmHookToml>>,
    /// How they are changed.
    pub actions: Option<BTreeMap<String, MitmActionToml>>,
}

/// The same, before it is checked.
#[derive(Deserialize, JsonSchema)]
#[serde(expecting = "struct NetworkMitmTomlUnchecked", deny_unknown_fields)]
struct MitmKeys {
    /// Which requests are changed, by a name of the user's own.
    hooks: Option<BTreeMap<String, MitmHookToml>>,
    /// How they are changed, by a name of the user's own.
    actions: Option<BTreeMap<String, MitmActionToml>>,
}

/// `[permissions.<name>.network.mitm.hooks.<hook>]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "struct NetworkMitmHookToml")]
pub struct MitmHookToml {
    /// Host of the request.
    pub host: String,
    /// Methods of the request.
    pub methods: Vec<String>,
    /// Beginnings of the request's path.
    pub path_prefixes: Vec<String>,
    /// Values that parameters of the request may have.
    #[serde(default)]
    pub query: BTreeMap<String, Vec<String>>,
    /// Values that headers of the request may have.
    #[serde(default)]
    pub headers: BTreeMap<String, Vec<String>>,
    /// What the request's body looks like.
    #[schemars(with = "Option<serde_json::Value>")]
    pub body: Option<toml::Value>,
    /// Names of the actions to take, in order.
    pub action: Vec<String>,
}

/// `[permissions.<name>.network.mitm.actions.<action>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "struct NetworkMitmActionToml")]
pub struct MitmActionToml {
    /// Headers to remove.
    pub strip_request_headers: Vec<String>,
    /// Headers to add.
    pub inject_request_headers: Vec<MitmInjectedHeaderToml>,
}

/// One entry of `inject_request_headers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, expecting = "struct NetworkMitmInjectedHeaderToml")]
pub struct MitmInjectedHeaderToml {
    /// Name of the header.
    pub name: String,
    /// Environment variable that holds the secret part of its value.
    pub secret_env_var: Option<String>,
    /// File that holds the secret part of its value.
    pub secret_file: Option<String>,
    /// What stands before the secret part.
    pub prefix: Option<String>,
}

impl TryFrom<MitmKeys> for MitmToml {
    type Error = String;

    fn try_from(MitmKeys { hooks, actions }: MitmKeys) -> Result<Self, String> {
        let idle = |action: &MitmActionToml| {
            action.strip_request_headers.is_empty() && action.inject_request_headers.is_empty()
        };
        if let Some((name, _)) = actions.iter().flatten().find(|(_, action)| idle(action)) {
            return Err(format!("network.mitm.actions.{name} must define at least one operation"));
        }
        for (name, hook) in hooks.iter().flatten() {
            if hook.action.is_empty() {
                return Err(format!("network.mitm.hooks.{name}.action must not be empty"));
            }
        }
        Ok(Self { hooks, actions })
    }
}
