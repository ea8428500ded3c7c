//! `[profiles.<name>]`: profiles of the old kind. Their types are checked, and that is all.

use std::path::PathBuf;

use quire_protocol::{ReasoningEffort, ReasoningSummary, SandboxMode, Verbosity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::foreign::{ReasoningEffortToml, ReasoningSummaryToml, SandboxModeToml, VerbosityToml};
use super::{
    AnalyticsConfigToml, ApprovalPolicyToml, ApprovalsReviewer, FeaturesToml, Personality, SessionPickerView,
    ToolsToml, WebSearchMode, WindowsToml,
};

macro_rules! profile {
    ($($(#[$attribute:meta])* $key:ident: $type:ty,)+) => {
        /// `[profiles.<name>]`. Without effect: a profile is a file `<name>.config.toml` now.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct ConfigProfile {
            $(
                #[doc = concat!("Without effect; write `", stringify!($key), "` into the profile's own file.")]
                $(#[$attribute])*
                pub $key: Option<$type>,
            )+
        }
    };
}

profile! {
    model: String,
    service_tier: String,
    model_provider: String,
    approval_policy: ApprovalPolicyToml,
    approvals_reviewer: ApprovalsReviewer,
    #[schemars(with = "Option<SandboxModeToml>")]
    sandbox_mode: SandboxMode,
    #[schemars(with = "Option<ReasoningEffortToml>")]
    model_reasoning_effort: ReasoningEffort,
    #[schemars(with = "Option<ReasoningEffortToml>")]
    plan_mode_reasoning_effort: ReasoningEffort,
    #[schemars(with = "Option<ReasoningSummaryToml>")]
    model_reasoning_summary: ReasoningSummary,
    #[schemars(with = "Option<VerbosityToml>")]
    model_verbosity: Verbosity,
    model_catalog_json: PathBuf,
    personality: Personality,
    chatgpt_base_url: String,
    model_instructions_file: PathBuf,
    js_repl_node_path: PathBuf,
    js_repl_node_module_dirs: Vec<PathBuf>,
    experimental_compact_prompt_file: PathBuf,
    include_permissions_instructions: bool,
    include_apps_instructions: bool,
    include_collaboration_mode_instructions: bool,
    include_environment_context: bool,
    experimental_use_unified_exec_tool: bool,
    tools: ToolsToml,
    web_search: WebSearchMode,
    analytics: AnalyticsConfigToml,
    tui: ProfileTui,
    windows: WindowsToml,
    features: FeaturesToml,
    oss_provider: String,
}

/// `[profiles.<name>.tui]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileTui {
    /// Without effect; write `tui.session_picker_view` into the profile's own file.
    #[serde(default)]
    pub session_picker_view: Option<SessionPickerView>,
}
