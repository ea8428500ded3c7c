//! `[notice]`: what the user was told already. The program writes here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[notice]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "struct Notice")]
pub struct NoticeToml {
    /// The warning about full access was acknowledged.
    pub hide_full_access_warning: Option<bool>,
    /// The warning about folders that everybody may write in was acknowledged.
    pub hide_world_writable_warning: Option<bool>,
    /// Fast mode is not to become the default.
    pub fast_default_opt_out: Option<bool>,
    /// Near the rate limit, no smaller model is suggested.
    pub hide_rate_limit_model_nudge: Option<bool>,
    /// The change to gpt-5.1 was acknowledged.
    pub hide_gpt5_1_migration_prompt: Option<bool>,
    /// The change to gpt-5.1-codex-max was acknowledged.
    #[serde(rename = "hide_gpt-5.1-codex-max_migration_prompt")]
    pub hide_gpt_5_1_codex_max_migration_prompt: Option<bool>,
    /// Changes of models that were acknowledged: old slug to new slug.
    #[serde(default)]
    pub model_migrations: BTreeMap<String, String>,
    /// Offers to take over other agents' settings.
    #[serde(default)]
    pub external_config_migration_prompts: ExternalConfigMigrationPrompts,
}

/// `[notice.external_config_migration_prompts]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExternalConfigMigrationPrompts {
    /// The offer for the home folder was turned down for good.
    pub home: Option<bool>,
    /// When it was made last, in seconds since 1970.
    pub home_last_prompted_at: Option<i64>,
    /// The offers for projects that were turned down for good, by folder.
    #[serde(default)]
    pub projects: BTreeMap<String, bool>,
    /// When they were made last, in seconds since 1970, by folder.
    #[serde(default)]
    pub project_last_prompted_at: BTreeMap<String, i64>,
}
