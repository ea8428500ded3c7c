//! Tables whose members are read by other rooms, or by nobody yet.
//!
//! Their kind is checked here, so that `otel = 3` is refused; their members are kept as they are.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use toml::{Table, Value};

/// A value of any kind, members included.
#[derive(Debug, Clone, PartialEq)]
pub struct Opaque(pub Value);

impl<'de> Deserialize<'de> for Opaque {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

macro_rules! open_tables {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name(pub Table);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members;
                impl<'de> Visitor<'de> for Members {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("struct ", stringify!($name)))
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut table = Table::new();
                        while let Some((key, Opaque(value))) = map.next_entry::<String, Opaque>()? {
                            table.insert(key, value);
                        }
                        Ok($name(table))
                    }
                }
                deserializer.deserialize_struct(stringify!($name), &[], Members)
            }
        }
    )+};
}

open_tables! {
    /// `[agents]`.
    AgentsToml;
    /// `[analytics]`.
    AnalyticsConfigToml;
    /// `[apps]`.
    AppsConfigToml;
    /// `[auto_review]`.
    AutoReviewToml;
    /// `[debug]`.
    DebugToml;
    /// `[feedback]`.
    FeedbackConfigToml;
    /// `[hooks]`.
    HooksToml;
    /// `[memories]`.
    MemoriesToml;
    /// `[notice]`.
    Notice;
    /// `[otel]`.
    OtelConfigToml;
    /// `[audio]`.
    RealtimeAudioToml;
    /// `[realtime]`.
    RealtimeToml;
    /// `[skills]`.
    SkillsConfig;
    /// `[tool_suggest]`.
    ToolSuggestConfig;
    /// `[tui]`.
    Tui;
    /// `[windows]`.
    WindowsToml;
}
