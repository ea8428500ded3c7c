//! `[features]` as it is written: booleans, and three flags that may also be tables (features sheet §2, "Table forms").
//!
//! Unknown names are kept (another version may know them) but must be booleans; unknown members of a table form are
//! errors even outside strict mode.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, MapAccess, Visitor};

use super::Feature;

/// The `[features]` table, in file order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeaturesToml(Vec<(String, FeatureToml)>);

/// One entry of `[features]`.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MultiAgentV2Toml {
    /// The flag itself.
    pub enabled: Option<bool>,
    /// At most so many sub-agents at once (4).
    pub max_concurrent_threads_per_session: Option<NonZeroUsize>,
    /// Shortest wait, in milliseconds (10000).
    pub min_wait_timeout_ms: Option<u64>,
    /// Longest wait, in milliseconds (3600000).
    pub max_wait_timeout_ms: Option<u64>,
    /// Wait when the model names none (30000).
    pub default_wait_timeout_ms: Option<u64>,
    /// Whether usage hints are given (true).
    pub usage_hint_enabled: Option<bool>,
    /// Hint for every agent.
    pub usage_hint_text: Option<String>,
    /// Hint for the first agent.
    pub root_agent_usage_hint_text: Option<String>,
    /// Hint for the others.
    pub subagent_usage_hint_text: Option<String>,
    /// Namespace of the tools.
    pub tool_namespace: Option<String>,
    /// Leaves metadata out of the spawn tool (false).
    pub hide_spawn_agent_metadata: Option<bool>,
    /// Offers the tools outside code mode alone (false).
    pub non_code_mode_only: Option<bool>,
}

/// Members of `[features.apps_mcp_path_override]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppsMcpPathToml {
    /// The flag itself; on when only `path` is given.
    pub enabled: Option<bool>,
    /// Path of the endpoint.
    pub path: Option<String>,
}

/// The members that `[features.network_proxy]` and a permission profile's `network` table share.
macro_rules! proxy_settings {
    ($(#[$attribute:meta])* $name:ident { $($(#[$more:meta])* $member:ident: $type:ty,)* }) => {
        #[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
        $(#[$attribute])*
        pub struct $name {
            /// On or off.
            pub enabled: Option<bool>,
            /// Which requests pass.
            pub mode: Option<NetworkMode>,
            /// Rules for hosts.
            pub domains: Option<BTreeMap<String, Rule>>,
            /// Rules for sockets.
            pub unix_sockets: Option<BTreeMap<String, Rule>>,
            /// Where the HTTP proxy listens.
            pub proxy_url: Option<String>,
            /// Where the SOCKS proxy listens.
            pub socks_url: Option<String>,
            /// Offers SOCKS5.
            pub enable_socks5: Option<bool>,
            /// Offers UDP over SOCKS5.
            pub enable_socks5_udp: Option<bool>,
            /// Goes through the user's own proxy.
            pub allow_upstream_proxy: Option<bool>,
            /// Lets commands listen on local ports.
            pub allow_local_binding: Option<bool>,
            /// Lets the proxy listen on other interfaces.
            pub dangerously_allow_non_loopback_proxy: Option<bool>,
            /// Lets every socket through.
            pub dangerously_allow_all_unix_sockets: Option<bool>,
            $($(#[$more])* pub $member: $type,)*
        }
    };
}

proxy_settings! {
    /// Members of `[features.network_proxy]`.
    #[serde(deny_unknown_fields)]
    NetworkProxyToml {}
}

proxy_settings! {
    /// `[permissions.<name>.network]`. Unknown members are ignored.
    NetworkToml {
        /// Rewriting of requests.
        mitm: Option<toml::Table>,
    }
}

/// Which requests the proxy passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// Reading ones.
    Limited,
    /// All.
    Full,
}

/// A rule for a host or a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Passes.
    Allow,
    /// Does not.
    Deny,
}
