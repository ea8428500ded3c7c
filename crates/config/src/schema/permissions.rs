//! `[permissions]` as it is written (config sheet §9). What it means is decided in [`crate::permissions`].

use std::collections::BTreeMap;
use std::fmt;

use quire_protocol::Access;
use schemars::JsonSchema;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};

use super::foreign::AccessToml;
use super::maps::named_map;
use crate::features::NetworkToml;

/// `[permissions]`: profiles by name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct PermissionsToml(pub BTreeMap<String, PermissionProfileToml>);

/// `[permissions.<name>.workspace_roots]`: path to whether it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WorkspaceRootsToml(pub BTreeMap<String, bool>);

named_map!(PermissionsToml, "PermissionsToml", PermissionProfileToml);
named_map!(WorkspaceRootsToml, "WorkspaceRootsToml", bool);

/// `[permissions.<name>]`. Unknown members are ignored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionProfileToml {
    /// What clients show beside the name.
    pub description: Option<String>,
    /// Profile to start from: `:read-only`, `:workspace` or one of the user's own.
    pub extends: Option<String>,
    /// Further folders that count as workspace, and whether they do.
    pub workspace_roots: Option<WorkspaceRootsToml>,
    /// What may be read and written, by path.
    pub filesystem: Option<FilesystemToml>,
    /// What may be reached.
    pub network: Option<NetworkToml>,
}

/// `[permissions.<name>.filesystem]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FilesystemToml {
    /// How many folders deep globs are looked for, 1 or more.
    pub glob_scan_max_depth: Option<usize>,
    /// Path, special name or `~` path, and what is allowed there.
    #[serde(flatten)]
    pub entries: BTreeMap<String, FilesystemPermission>,
}

/// Value of one line of a `filesystem` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FilesystemPermission {
    /// For the path and all below it.
    Access(#[schemars(with = "AccessToml")] Access),
    /// By sub-path.
    Scoped(#[schemars(with = "BTreeMap<String, AccessToml>")] BTreeMap<String, Access>),
}

impl<'de> Deserialize<'de> for FilesystemToml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Lines;
        impl<'de> Visitor<'de> for Lines {
            type Value = FilesystemToml;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("struct FilesystemPermissionsToml")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FilesystemToml, A::Error> {
                let mut table = FilesystemToml::default();
                while let Some(key) = map.next_key::<String>()? {
                    if key == "glob_scan_max_depth" {
                        table.glob_scan_max_depth = Some(map.next_value()?);
                    } else {
                        let value = map.next_value()?;
                        table.entries.insert(key, value);
                    }
                }
                Ok(table)
            }
        }
        deserializer.deserialize_struct("FilesystemPermissionsToml", &[], Lines)
    }
}

impl<'de> Deserialize<'de> for FilesystemPermission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = FilesystemPermission;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`read`, `write`, `deny` or a table of sub-paths")
            }

            fn visit_str<E: Error>(self, access: &str) -> Result<FilesystemPermission, E> {
                Access::deserialize(serde::de::value::StrDeserializer::new(access))
                    .map(FilesystemPermission::Access)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FilesystemPermission, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(FilesystemPermission::Scoped)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
