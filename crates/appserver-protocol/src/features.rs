//! Feature flags over the protocol (features sheet §5).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Params of `experimentalFeature/list`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExperimentalFeatureListParams {
    /// Where to go on: the `nextCursor` of the page before.
    pub cursor: Option<String>,
    /// How many at most; at least one is given.
    pub limit: Option<u32>,
    /// The thread whose config counts.
    pub thread_id: Option<String>,
}

/// Result of `experimentalFeature/list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentalFeatureListResponse {
    /// The flags, in the order of the registry.
    pub data: Vec<ExperimentalFeature>,
    /// Where the next page begins; null on the last.
    pub next_cursor: Option<String>,
}

/// One flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExperimentalFeature {
    /// Its key.
    pub name: String,
    /// How ready it is.
    pub stage: FeatureStage,
    /// Name for people; only flags of stage `beta` have texts.
    pub display_name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// What to tell once when it appears.
    pub announcement: Option<String>,
    /// Whether it is on.
    pub enabled: bool,
    /// Whether it is on when nobody says anything.
    pub default_enabled: bool,
}

/// How ready a flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeatureStage {
    /// Offered for trying.
    Beta,
    /// Not to be used yet.
    UnderDevelopment,
    /// Done.
    Stable,
    /// Will go away.
    Deprecated,
    /// Without effect.
    Removed,
}

/// Params and result of `experimentalFeature/enablement/set`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureEnablement {
    /// Flags to switch in the running server; nothing is written.
    pub enablement: BTreeMap<String, bool>,
}
