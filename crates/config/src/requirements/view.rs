//! The effective requirements as clients read them (`configRequirements/read`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::Requirements;
use super::keys::{NetworkRequirements, Residency};
use crate::schema::{
    ApprovalPolicyToml, ApprovalsReviewer, HookHandlerConfig, MatcherGroup, Rule, WebSearchMode,
    WindowsSandbox,
};

/// The answer to `configRequirements/read`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequirementsView {
    allowed_approval_policies: Option<Vec<ApprovalPolicyToml>>,
    allowed_approvals_reviewers: Option<Vec<&'static str>>,
    allowed_sandbox_modes: Option<Vec<&'static str>>,
    allowed_windows_sandbox_implementations: Option<Vec<WindowsSandbox>>,
    allowed_permissions: Option<Vec<String>>,
    allowed_web_search_modes: Option<Vec<WebSearchMode>>,
    allow_managed_hooks_only: Option<bool>,
    allow_appshots: Option<bool>,
    computer_use: Option<ComputerUseView>,
    feature_requirements: Option<BTreeMap<String, bool>>,
    hooks: Option<HooksView>,
    enforce_residency: Option<Residency>,
    network: Option<NetworkView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ComputerUseView {
    allow_locked_computer_use: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct HooksView {
    #[serde(rename = "managedDir")]
    managed_dir: Option<PathBuf>,
    #[serde(rename = "windowsManagedDir")]
    windows_managed_dir: Option<PathBuf>,
    #[serde(flatten)]
    events: BTreeMap<String, Vec<GroupView>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct GroupView {
    matcher: Option<String>,
    hooks: Vec<HandlerView>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum HandlerView {
    Command {
        command: String,
        command_windows: Option<String>,
        timeout_sec: Option<u64>,
        r#async: bool,
        status_message: Option<String>,
    },
    Prompt {},
    Agent {},
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkView {
    enabled: Option<bool>,
    http_port: Option<u16>,
    socks_port: Option<u16>,
    allow_upstream_proxy: Option<bool>,
    dangerously_allow_non_loopback_proxy: Option<bool>,
    dangerously_allow_all_unix_sockets: Option<bool>,
    domains: Option<BTreeMap<String, Rule>>,
    managed_allowed_domains_only: Option<bool>,
    allowed_domains: Option<Vec<String>>,
    denied_domains: Option<Vec<String>>,
    unix_sockets: Option<BTreeMap<String, Rule>>,
    allow_unix_sockets: Option<Vec<String>>,
    allow_local_binding: Option<bool>,
}

impl Requirements {
    /// What clients are shown.
    pub fn view(&self) -> RequirementsView {
        let keys = &self.keys;
        let reviewer = |reviewer: &ApprovalsReviewer| match reviewer {
            ApprovalsReviewer::User => "user",
            ApprovalsReviewer::AutoReview | ApprovalsReviewer::GuardianSubagent => "guardian_subagent",
        };
        let shown_modes = |modes: &Vec<super::RequiredSandboxMode>| {
            let shown = modes.iter().filter(|mode| **mode != super::RequiredSandboxMode::ExternalSandbox);
            shown.map(|mode| mode.as_str()).collect()
        };
        RequirementsView {
            allowed_approval_policies: keys.allowed_approval_policies.clone(),
            allowed_approvals_reviewers: keys
                .allowed_approvals_reviewers
                .as_ref()
                .map(|all| all.iter().map(reviewer).collect()),
            allowed_sandbox_modes: keys.allowed_sandbox_modes.as_ref().map(shown_modes),
            allowed_windows_sandbox_implementations: keys
                .windows
                .as_ref()
                .and_then(|windows| windows.allowed_sandbox_implementations.clone()),
            allowed_permissions: keys.allowed_permissions.clone(),
            allowed_web_search_modes: keys.allowed_web_search_modes.clone().map(|mut modes| {
                if !modes.contains(&WebSearchMode::Disabled) {
                    modes.push(WebSearchMode::Disabled);
                }
                modes
            }),
            allow_managed_hooks_only: keys.allow_managed_hooks_only,
            allow_appshots: keys.allow_appshots,
            computer_use: keys.computer_use.as_ref().map(|use_of| ComputerUseView {
                allow_locked_computer_use: use_of.allow_locked_computer_use,
            }),
            feature_requirements: keys.features.clone(),
            hooks: keys.hooks.as_ref().map(hooks_view),
            enforce_residency: keys.enforce_residency,
            network: keys.experimental_network.as_ref().map(network_view),
        }
    }
}

fn hooks_view(hooks: &super::keys::ManagedHooks) -> HooksView {
    let events = &hooks.events;
    let named = [
        ("PreToolUse", &events.pre_tool_use),
        ("PermissionRequest", &events.permission_request),
        ("PostToolUse", &events.post_tool_use),
        ("PreCompact", &events.pre_compact),
        ("PostCompact", &events.post_compact),
        ("SessionStart", &events.session_start),
        ("UserPromptSubmit", &events.user_prompt_submit),
        ("SubagentStart", &events.subagent_start),
        ("SubagentStop", &events.subagent_stop),
        ("Stop", &events.stop),
    ];
    let events = named.map(|(name, groups)| (name.to_owned(), groups.iter().map(group_view).collect()));
    HooksView {
        managed_dir: hooks.managed_dir.clone(),
        windows_managed_dir: hooks.windows_managed_dir.clone(),
        events: BTreeMap::from(events),
    }
}

fn group_view(group: &MatcherGroup) -> GroupView {
    let hooks = group.hooks.iter().cloned().map(|handler| match handler {
        HookHandlerConfig::Command { command, command_windows, timeout, r#async, status_message } => {
            HandlerView::Command { command, command_windows, timeout_sec: timeout, r#async, status_message }
        }
        HookHandlerConfig::Prompt {} => HandlerView::Prompt {},
        HookHandlerConfig::Agent {} => HandlerView::Agent {},
    });
    GroupView { matcher: group.matcher.clone(), hooks: hooks.collect() }
}

fn network_view(network: &NetworkRequirements) -> NetworkView {
    let named = |rules: Option<&BTreeMap<String, Rule>>, wanted: Rule| {
        let names: Vec<_> =
            rules?.iter().filter(|(_, rule)| **rule == wanted).map(|(name, _)| name.clone()).collect();
        (!names.is_empty()).then_some(names)
    };
    NetworkView {
        enabled: network.enabled,
        http_port: network.http_port,
        socks_port: network.socks_port,
        allow_upstream_proxy: network.allow_upstream_proxy,
        dangerously_allow_non_loopback_proxy: network.dangerously_allow_non_loopback_proxy,
        dangerously_allow_all_unix_sockets: network.dangerously_allow_all_unix_sockets,
        domains: network.domains.clone(),
        managed_allowed_domains_only: network.managed_allowed_domains_only,
        allowed_domains: named(network.domains.as_ref(), Rule::Allow),
        denied_domains: named(network.domains.as_ref(), Rule::Deny),
        unix_sockets: network.unix_sockets.clone(),
        allow_unix_sockets: named(network.unix_sockets.as_ref(), Rule::Allow),
        allow_local_binding: network.allow_local_binding,
    }
}
