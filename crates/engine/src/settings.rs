//! The settings turns run under: where they come from, how a turn changes them, and how they are written down.
//! A newcomer's trap: the configured reasoning summary is not part of a turn's record; only one that a turn asked for is.

use std::path::PathBuf;
use std::sync::Arc;

use quire_config::{Config, Feature, Personality};
use quire_models::{Catalog, ModelInfo, ModelOverrides};
use quire_protocol::{
    ApprovalPolicy, CollaborationMode, CollaborationSettings, FileSystemPolicy, FileSystemSandboxPolicy,
    ModeKind, PermissionProfile, ReasoningEffort, ReasoningSummary, SandboxPolicy, TurnContext, TurnId,
    TurnOverrides,
};

/// Settings that turns run under and may change.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) cwd: PathBuf,
    pub(crate) approval_policy: ApprovalPolicy,
    pub(crate) sandbox_policy: SandboxPolicy,
    pub(crate) profile: PermissionProfile,
    pub(crate) model: String,
    pub(crate) info: Arc<ModelInfo>,
    pub(crate) effort: Option<ReasoningEffort>,
    /// What a turn asked for; the configured one is not part of a turn's record.
    pub(crate) summary: Option<ReasoningSummary>,
    pub(crate) personality: Option<Personality>,
    pub(crate) workspace_roots: Vec<PathBuf>,
}

impl Settings {
    pub(crate) fn from_config(config: &Config) -> Self {
        let default_model =
            || Catalog::bundled().default_model().map(|model| model.slug.clone()).unwrap_or_default();
        let model = config.model.clone().unwrap_or_else(default_model);
        Self {
            cwd: config.cwd.clone(),
            approval_policy: config.approval_policy.clone(),
            sandbox_policy: config.sandbox_policy.clone(),
            profile: config.permission_profile.clone(),
            info: model_info(&model, config),
            model,
            effort: config.model_reasoning_effort,
            summary: None,
            workspace_roots: config.workspace_roots.clone(),
            personality: config
                .features
                .enabled(Feature::Personality)
                .then(|| config.personality.unwrap_or(Personality::Pragmatic)),
        }
    }

    /// These settings with another model, or another effort.
    pub(crate) fn with_model(
        mut self,
        model: Option<String>,
        effort: Option<ReasoningEffort>,
        config: &Config,
    ) -> Self {
        if let Some(model) = model {
            self.info = model_info(&model, config);
            self.model = model;
            self.effort = None;
        }
        self.effort = effort.or(self.effort);
        self
    }

    pub(crate) fn apply(&mut self, overrides: TurnOverrides, config: &Config) {
        let moved = overrides.cwd.is_some() || overrides.sandbox_policy.is_some();
        if let Some(cwd) = overrides.cwd {
            self.cwd = cwd;
        }
        // What is not allowed was refused where it was asked for. If it came all the same, all stays as it is.
        let wanted = overrides.sandbox_policy.unwrap_or_else(|| self.sandbox_policy.clone());
        if moved && let Ok(profile) = config.limits.profile(&wanted, &self.cwd) {
            self.sandbox_policy = wanted;
            self.profile = profile;
            self.workspace_roots = vec![self.cwd.clone()];
            if let SandboxPolicy::WorkspaceWrite { writable_roots, .. } = &self.sandbox_policy {
                self.workspace_roots.extend(writable_roots.iter().filter(|root| **root != self.cwd).cloned());
            }
        }
        if let Some(policy) = overrides.approval_policy
            && config.limits.check_approval_policy(&policy).is_ok()
        {
            self.approval_policy = policy;
        }
        if let Some(model) = overrides.model {
            self.info = model_info(&model, config);
            self.model = model;
        }
        self.effort = overrides.effort.or(self.effort);
        self.summary = overrides.summary.or(self.summary);
    }

    /// The record of these settings for one turn.
    pub(crate) fn turn_context(&self, turn_id: &TurnId, now: &jiff::Zoned) -> TurnContext {
        TurnContext {
            turn_id: Some(turn_id.clone()),
            cwd: self.cwd.clone(),
            workspace_roots: self.workspace_roots.clone(),
            current_date: Some(now.strftime("%Y-%m-%d").to_string()),
            timezone: Some(now.time_zone().iana_name().unwrap_or("Etc/UTC").to_owned()),
            approval_policy: self.approval_policy.clone(),
            sandbox_policy: self.sandbox_policy.clone(),
            permission_profile: Some(self.profile.clone()),
            file_system_sandbox_policy: self.file_system_policy(),
            model: self.model.clone(),
            personality: self.personality.map(|personality| personality_name(personality).to_owned()),
            collaboration_mode: Some(CollaborationMode {
                mode: ModeKind::Default,
                settings: CollaborationSettings {
                    model: self.model.clone(),
                    reasoning_effort: self.effort,
                    developer_instructions: None,
                },
            }),
            realtime_active: Some(false),
            effort: self.effort,
            summary: self.summary.unwrap_or_default(),
        }
    }

    /// The file part of the profile, where the older policy cannot say it: the protected names.
    fn file_system_policy(&self) -> Option<FileSystemSandboxPolicy> {
        match (&self.sandbox_policy, &self.profile) {
            (
                SandboxPolicy::WorkspaceWrite { .. },
                PermissionProfile::Managed {
                    file_system: FileSystemPolicy::Restricted { entries, glob_scan_max_depth },
                    ..
                },
            ) => Some(FileSystemSandboxPolicy::Restricted {
                entries: entries.clone(),
                glob_scan_max_depth: *glob_scan_max_depth,
            }),
            _ => None,
        }
    }

    /// Usable tokens of the context window.
    pub(crate) fn usable_window(&self) -> Option<u64> {
        self.info.usable_context_tokens()
    }
}

fn model_info(model: &str, config: &Config) -> Arc<ModelInfo> {
    let overrides = ModelOverrides {
        context_window: config.model_context_window.and_then(|tokens| tokens.try_into().ok()),
        auto_compact_token_limit: config
            .model_auto_compact_token_limit
            .and_then(|tokens| tokens.try_into().ok()),
        tool_output_limit: config.tool_output_token_limit,
        supports_reasoning_summaries: config.model_supports_reasoning_summaries == Some(true),
    };
    let known = Catalog::bundled().lookup(model);
    Arc::new(ModelInfo::clone(known.info()).with_overrides(&overrides))
}

const fn personality_name(personality: Personality) -> &'static str {
    match personality {
        Personality::None => "none",
        Personality::Friendly => "friendly",
        Personality::Pragmatic => "pragmatic",
    }
}
