//! `[features]` as it is written: booleans, and three flags that may also be tables (features sheet §2, "Table forms").
//!
//! Unknown names are kept (another version may know them) but must be booleans; unknown members of a table form are
//! errors even outside strict mode.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::Feature;
use crate::schema::{MitmToml, named_map};

/// The `[features]` table, in file order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeaturesToml(Vec<(String, FeatureToml)>);

/// One entry of `[features]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FeatureToml {
    /// `name = true`.
    Switch(bool),
    /// `[features.multi_agent_v2]`.
    MultiAgentV2(Box<MultiAgentV2Toml>),
    /// `[features.network_proxy]`.
    NetworkProxy(Box<NetworkProxyToml>),
    /// `[features.apps_mcp_path_override]`.
    AppsMcpPath(AppsMcpPathToml),
}

impl FeaturesToml {
    /// No entry at all.
    pub(crate) const NONE: Self = Self(Vec::new());

    /// The entries in file order, unknown names included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FeatureToml)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The entry of that exact name.
    pub fn get(&self, name: &str) -> Option<&FeatureToml> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl FeatureToml {
    /// Whether the entry switches its flag on or off; nothing when it leaves the default.
    pub fn enabled(&self) -> Option<bool> {
        match self {
            Self::Switch(on) => Some(*on),
            Self::MultiAgentV2(table) => table.enabled,
            Self::NetworkProxy(table) => table.enabled,
            Self::AppsMcpPath(table) => table.enabled.or(table.path.is_some().then_some(true)),
        }
    }
}

impl<'de> Deserialize<'de> for FeaturesToml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = FeaturesToml;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("struct FeaturesToml")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FeaturesToml, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    let value = match Feature::from_name(&name) {
                        Some(Feature::MultiAgentV2) => entry(&mut map, FeatureToml::MultiAgentV2)?,
                        Some(Feature::NetworkProxy) => entry(&mut map, FeatureToml::NetworkProxy)?,
                        Some(Feature::AppsMcpPathOverride) => entry(&mut map, FeatureToml::AppsMcpPath)?,
                        _ => FeatureToml::Switch(map.next_value()?),
                    };
                    entries.push((name, value));
                }
                Ok(FeaturesToml(entries))
            }
        }
        deserializer.deserialize_struct("FeaturesToml", &[], Entries)
    }
}

impl Serialize for FeaturesToml {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        // The reference shows this one even when it is not set.
        if self.get(Feature::NetworkProxy.key()).is_none() {
            map.serialize_entry(Feature::NetworkProxy.key(), &())?;
        }
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl JsonSchema for FeaturesToml {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FeaturesToml".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        for feature in Feature::ALL {
            let table = match feature {
                Feature::MultiAgentV2 => Some(generator.subschema_for::<MultiAgentV2Toml>()),
                Feature::NetworkProxy => Some(generator.subschema_for::<NetworkProxyToml>()),
                Feature::AppsMcpPathOverride => Some(generator.subschema_for::<AppsMcpPathToml>()),
                _ => None,
            };
            let described = json_schema!({
                "description": format!("{} ({})", feature.description(), feature.stage().as_str()),
                "default": feature.default_on(),
            });
            let kind = match table {
                Some(table) => json_schema!({ "anyOf": [{ "type": "boolean" }, table] }),
                None => json_schema!({ "type": "boolean" }),
            };
            let (mut whole, kind) = (described, kind);
            whole.ensure_object().extend(kind.as_object().cloned().unwrap_or_default());
            properties.insert(feature.key().to_owned(), whole.to_value());
        }
        json_schema!({
            "type": "object",
            "description": "Feature flags: on or off.",
            "properties": properties,
            "additionalProperties": { "type": "boolean" },
        })
    }
}

fn entry<'de, A: MapAccess<'de>, T: DeserializeOwned>(
    map: &mut A,
    table: fn(T) -> FeatureToml,
) -> Result<FeatureToml, A::Error> {
    Ok(match map.next_value::<SwitchOr<T>>()? {
        SwitchOr::Switch(on) => FeatureToml::Switch(on),
        SwitchOr::Table(value) => table(value),
    })
}

/// A boolean, or a table that says more.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SwitchOr<T> {
    Switch(bool),
    Table(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for SwitchOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = SwitchOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a boolean or a table")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(SwitchOr::Switch(value))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(SwitchOr::Table)
            }
        }
        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

/// Members of `[features.multi_agent_v2]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MultiAgentV2Toml {
    /// Whether the flag is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// At most so many sub-agents at once, 1 or more. Default: 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_threads_per_session: Option<usize>,
    /// Shortest wait for agents, in milliseconds, 0 to 3600000. Default: 10000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_wait_timeout_ms: Option<i64>,
    /// Longest wait for agents, in milliseconds, 0 to 3600000. Default: 3600000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_wait_timeout_ms: Option<i64>,
    /// Wait when the model names none, in milliseconds, between the shortest and the longest. Default: 30000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_wait_timeout_ms: Option<i64>,
    /// Whether the model is told how to use agents. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_hint_enabled: Option<bool>,
    /// Text of that hint, for every agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_hint_text: Option<String>,
    /// Text of that hint, for the first agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_agent_usage_hint_text: Option<String>,
    /// Text of that hint, for the other agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subagent_usage_hint_text: Option<String>,
    /// Namespace of the tools: 1 to 64 letters, digits, `_` or `-`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_namespace: Option<String>,
    /// Leaves metadata out of the spawn tool. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_spawn_agent_metadata: Option<bool>,
    /// Offers the tools outside code mode alone. Default: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_code_mode_only: Option<bool>,
}

/// Members of `[features.apps_mcp_path_override]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AppsMcpPathToml {
    /// Whether the flag is on; it is when only `path` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Path of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// The members that `[features.network_proxy]` and a permission profile's `network` table share. `each` is said of every
/// member.
macro_rules! proxy_settings {
    (
        $(#[$attribute:meta])*
        $name:ident each $(#[$each:meta])* { $($(#[$more:meta])* $member:ident: $type:ty,)* }
    ) => {
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        $(#[$attribute])*
        pub struct $name {
            /// Whether commands may use the network.
            $(#[$each])*
            pub enabled: Option<bool>,
            /// URL at which the HTTP proxy listens.
            $(#[$each])*
            pub proxy_url: Option<String>,
            /// Whether SOCKS5 is offered.
            $(#[$each])*
            pub enable_socks5: Option<bool>,
            /// URL at which the SOCKS proxy listens.
            $(#[$each])*
            pub socks_url: Option<String>,
            /// Whether UDP over SOCKS5 is offered.
            $(#[$each])*
            pub enable_socks5_udp: Option<bool>,
            /// Whether requests go on through the user's own proxy.
            $(#[$each])*
            pub allow_upstream_proxy: Option<bool>,
            /// Whether the proxy may listen on other interfaces than the local one.
            $(#[$each])*
            pub dangerously_allow_non_loopback_proxy: Option<bool>,
            /// Whether every Unix socket may be reached.
            $(#[$each])*
            pub dangerously_allow_all_unix_sockets: Option<bool>,
            /// Which requests pass the proxy.
            $(#[$each])*
            pub mode: Option<NetworkMode>,
            /// Which hosts may be reached, by name or pattern.
            $(#[$each])*
            pub domains: Option<DomainRules>,
            /// Which Unix sockets may be reached, by path.
            $(#[$each])*
            pub unix_sockets: Option<UnixSocketRules>,
            /// Whether commands may listen on local ports.
            $(#[$each])*
            pub allow_local_binding: Option<bool>,
            $($(#[$more])* pub $member: $type,)*
        }
    };
}

proxy_settings! {
    /// Members of `[features.network_proxy]`.
    #[serde(default, deny_unknown_fields)]
    NetworkProxyToml each #[serde(skip_serializing_if = "Option::is_none")] {}
}

proxy_settings! {
    /// `[permissions.<name>.network]`. Unknown members are ignored.
    NetworkToml each {
        /// What is done to requests on their way.
        mitm: Option<MitmToml>,
    }
}

/// Rules for hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DomainRules(pub BTreeMap<String, Rule>);

/// Rules for Unix sockets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UnixSocketRules(pub BTreeMap<String, Rule>);

named_map!(DomainRules, "NetworkDomainPermissionsToml", Rule);
named_map!(UnixSocketRules, "NetworkUnixSocketPermissionsToml", Rule);

/// Which requests the proxy passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// Reading ones.
    Limited,
    /// All.
    Full,
}

/// A rule for a host or a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Passes.
    Allow,
    /// Does not.
    Deny,
}
