//! `[permissions]` as it is written (config sheet §9). What it means is decided in [`crate::permissions`].

use std::collections::BTreeMap;
use std::fmt;

use quire_protocol::Access;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::features::NetworkToml;

/// `[permissions]`: profiles by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PermissionsToml(pub BTreeMap<String, PermissionProfileToml>);

/// `[permissions.<name>.workspace_roots]`: path to whether it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkspaceRootsToml(pub BTreeMap<String, bool>);

macro_rules! named_map {
    ($name:ident, $value:ty) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Entries;
                impl<'de> Visitor<'de> for Entries {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("struct ", stringify!($name)))
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut entries = BTreeMap::new();
                        while let Some((key, value)) = map.next_entry::<String, $value>()? {
                            entries.insert(key, value);
                        }
                        Ok($name(entries))
                    }
                }
                deserializer.deserialize_struct(stringify!($name), &[], Entries)
            }
        }
    };
}

named_map!(PermissionsToml, PermissionProfileToml);
named_map!(WorkspaceRootsToml, bool);

/// `[permissions.<name>]`. Unknown members are ignored.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct PermissionProfileToml {
    /// What clients show.
    pub description: Option<String>,
    /// The profile to start from.
    pub extends: Option<String>,
    /// Further workspace roots.
    pub workspace_roots: Option<WorkspaceRootsToml>,
    /// Files.
    pub filesystem: Option<FilesystemToml>,
    /// Network.
    pub network: Option<NetworkToml>,
}

/// `[permissions.<name>.filesystem]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilesystemToml {
    /// How deep globs are looked for.
    pub glob_scan_max_depth: Option<usize>,
    /// Path, special name or `~` path, and what is allowed there.
    pub entries: BTreeMap<String, FilesystemPermission>,
}

/// Value of one line of a `filesystem` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesystemPermission {
    /// For the path and all below it.
    Access(Access),
    /// By sub-path.
    Scoped(BTreeMap<String, Access>),
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
