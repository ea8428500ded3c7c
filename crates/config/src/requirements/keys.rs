//! requirements.toml as it is written (config sheet §11).
//!
//! What a newcomer would get wrong: unknown keys are ignored, strict mode or not, because a file is rolled out to programs
//! of many versions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::schema::{
    ApprovalPolicyToml, ApprovalsReviewer, DomainRules, HookEvents, PermissionProfileToml, Rule,
    ToolApprovalMode, UnixSocketRules, WebSearchMode, WindowsSandbox,
};

/// Every key of requirements.toml.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct RequirementsToml {
    /// The only approval policies that are allowed; the first is the fallback.
    pub allowed_approval_policies: Option<Vec<ApprovalPolicyToml>>,
    /// The only reviewers that are allowed; the first is the fallback.
    pub allowed_approvals_reviewers: Option<Vec<ApprovalsReviewer>>,
    /// The only sandbox modes that are allowed; `read-only` must be among them and is the fallback.
    pub allowed_sandbox_modes: Option<Vec<RequiredSandboxMode>>,
    /// Sandbox modes for machines of certain names; the first entry that fits counts.
    pub remote_sandbox_config: Option<Vec<RemoteSandbox>>,
    /// The permission profiles that are offered.
    pub allowed_permissions: Option<Vec<String>>,
    /// The only web search modes that are allowed, besides `disabled`.
    pub allowed_web_search_modes: Option<Vec<WebSearchMode>>,
    /// Feature flags that are fixed.
    #[serde(alias = "feature_requirements")]
    pub features: Option<BTreeMap<String, bool>>,
    /// Hooks that cannot be switched off.
    pub hooks: Option<ManagedHooks>,
    /// Whether other hooks are ignored.
    pub allow_managed_hooks_only: Option<bool>,
    /// For the desktop app.
    pub allow_appshots: Option<bool>,
    /// The only MCP servers that are allowed.
    pub mcp_servers: Option<BTreeMap<String, McpServerRequirement>>,
    /// The same for MCP servers of plugins.
    pub plugins: Option<BTreeMap<String, PluginRequirement>>,
    /// What holds for single apps.
    pub apps: Option<BTreeMap<String, AppRequirement>>,
    /// Command rules.
    pub rules: Option<RuleRequirements>,
    /// Where requests are handled.
    pub enforce_residency: Option<Residency>,
    /// The network of commands.
    pub experimental_network: Option<NetworkRequirements>,
    /// Permission profiles, and what no profile may read.
    pub permissions: Option<PermissionRequirements>,
    /// For the desktop app.
    pub computer_use: Option<ComputerUseRequirements>,
    /// Windows.
    pub windows: Option<WindowsRequirements>,
    /// Text that replaces what the automatic reviewer goes by.
    pub guardian_policy_config: Option<String>,
}

/// A sandbox mode that may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequiredSandboxMode {
    /// Reading everything.
    ReadOnly,
    /// Writing in the workspace.
    WorkspaceWrite,
    /// Everything.
    DangerFullAccess,
    /// Whatever somebody else's sandbox allows.
    ExternalSandbox,
}

impl RequiredSandboxMode {
    /// The value as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::WorkspaceWrite => "workspace-write",
            Self::DangerFullAccess => "danger-full-access",
            Self::ExternalSandbox => "external-sandbox",
        }
    }
}

/// One entry of `remote_sandbox_config`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RemoteSandbox {
    /// Patterns of host names, with `*` and `?`.
    pub hostname_patterns: Vec<String>,
    /// What takes the place of the list outside.
    pub allowed_sandbox_modes: Vec<RequiredSandboxMode>,
}

/// `[hooks]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ManagedHooks {
    /// Folder of the hooks' programs.
    pub managed_dir: Option<PathBuf>,
    /// The same on Windows.
    pub windows_managed_dir: Option<PathBuf>,
    /// Hooks by event.
    #[serde(flatten)]
    pub events: HookEvents,
}

/// `[mcp_servers.<name>]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct McpServerRequirement {
    /// What the server must be.
    pub identity: McpServerIdentity,
}

/// What an MCP server must be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected a table with `command` or `url`")]
pub enum McpServerIdentity {
    /// This program.
    Command {
        /// The program.
        command: String,
    },
    /// This address.
    Url {
        /// The address.
        url: String,
    },
}

/// `[plugins.<name>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PluginRequirement {
    /// The only MCP servers that are allowed.
    pub mcp_servers: Option<BTreeMap<String, McpServerRequirement>>,
}

/// `[apps.<id>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AppRequirement {
    /// Whether the app is offered.
    pub enabled: Option<bool>,
    /// Single tools.
    pub tools: Option<BTreeMap<String, AppToolRequirement>>,
}

/// `[apps.<id>.tools.<tool>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct AppToolRequirement {
    /// How calls of the tool are approved.
    pub approval_mode: Option<ToolApprovalMode>,
}

/// `[rules]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RuleRequirements {
    /// Rules for commands by their first words.
    pub prefix_rules: Vec<PrefixRule>,
}

/// One entry of `rules.prefix_rules`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PrefixRule {
    /// The first words.
    pub pattern: Vec<PatternToken>,
    /// What is decided.
    pub decision: Option<RuleDecision>,
    /// Why.
    pub justification: Option<String>,
}

/// One word of a pattern: exactly one of the two is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct PatternToken {
    /// This word.
    pub token: Option<String>,
    /// One of these.
    pub any_of: Option<Vec<String>>,
}

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleDecision {
    /// Refused when the file is read: rules here only restrict.
    Allow,
    /// A person is asked.
    Prompt,
    /// Never runs.
    Forbidden,
}

/// `enforce_residency`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Residency {
    /// United States.
    Us,
}

/// `[experimental_network]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "NetworkKeys")]
pub struct NetworkRequirements {
    /// Whether commands may use the network.
    pub enabled: Option<bool>,
    /// Port of the HTTP proxy.
    pub http_port: Option<u16>,
    /// Port of the SOCKS proxy.
    pub socks_port: Option<u16>,
    /// Whether requests go on through the user's own proxy.
    pub allow_upstream_proxy: Option<bool>,
    /// Whether the proxy may listen on other interfaces than the local one.
    pub dangerously_allow_non_loopback_proxy: Option<bool>,
    /// Whether every Unix socket may be reached.
    pub dangerously_allow_all_unix_sockets: Option<bool>,
    /// Rules for hosts.
    pub domains: Option<BTreeMap<String, Rule>>,
    /// Whether users cannot allow more hosts.
    pub managed_allowed_domains_only: Option<bool>,
    /// Rules for Unix sockets.
    pub unix_sockets: Option<BTreeMap<String, Rule>>,
    /// Whether commands may listen on local ports.
    pub allow_local_binding: Option<bool>,
}

/// The same as written, with the lists of older versions.
#[derive(Deserialize)]
#[serde(expecting = "struct NetworkRequirementsToml")]
struct NetworkKeys {
    enabled: Option<bool>,
    http_port: Option<u16>,
    socks_port: Option<u16>,
    allow_upstream_proxy: Option<bool>,
    dangerously_allow_non_loopback_proxy: Option<bool>,
    dangerously_allow_all_unix_sockets: Option<bool>,
    domains: Option<DomainRules>,
    allowed_domains: Option<Vec<String>>,
    denied_domains: Option<Vec<String>>,
    managed_allowed_domains_only: Option<bool>,
    unix_sockets: Option<UnixSocketRules>,
    allow_unix_sockets: Option<Vec<String>>,
    allow_local_binding: Option<bool>,
}

impl TryFrom<NetworkKeys> for NetworkRequirements {
    type Error = &'static str;

    fn try_from(keys: NetworkKeys) -> Result<Self, Self::Error> {
        let lists = [(Rule::Allow, keys.allowed_domains), (Rule::Deny, keys.denied_domains)];
        let domains = rules(keys.domains.map(|rules| rules.0), lists)
            .ok_or("`experimental_network.domains` cannot be combined with legacy `allowed_domains` or `denied_domains`")?;
        let lists = [(Rule::Allow, keys.allow_unix_sockets)];
        let unix_sockets = rules(keys.unix_sockets.map(|rules| rules.0), lists).ok_or(
            "`experimental_network.unix_sockets` cannot be combined with legacy `allow_unix_sockets`",
        )?;
        Ok(Self {
            enabled: keys.enabled,
            http_port: keys.http_port,
            socks_port: keys.socks_port,
            allow_upstream_proxy: keys.allow_upstream_proxy,
            dangerously_allow_non_loopback_proxy: keys.dangerously_allow_non_loopback_proxy,
            dangerously_allow_all_unix_sockets: keys.dangerously_allow_all_unix_sockets,
            domains,
            managed_allowed_domains_only: keys.managed_allowed_domains_only,
            unix_sockets,
            allow_local_binding: keys.allow_local_binding,
        })
    }
}

/// Rules from a table or from lists; nothing when both are there.
#[expect(clippy::option_option, reason = "outside: a contradiction; inside: neither form is set")]
fn rules<const N: usize>(
    table: Option<BTreeMap<String, Rule>>,
    lists: [(Rule, Option<Vec<String>>); N],
) -> Option<Option<BTreeMap<String, Rule>>> {
    let listed = lists.iter().any(|(_, names)| names.is_some());
    match table {
        Some(_) if listed => None,
        None if listed => {
            let names = |(rule, names): (Rule, Option<Vec<String>>)| {
                names.into_iter().flatten().map(move |name| (name, rule))
            };
            Some(Some(lists.into_iter().flat_map(names).collect()))
        }
        table => Some(table),
    }
}

/// `[permissions]`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct PermissionRequirements {
    /// What holds for every profile.
    pub filesystem: Option<FilesystemRequirements>,
    /// Profiles by name, beside the user's own.
    #[serde(flatten)]
    pub profiles: BTreeMap<String, PermissionProfileToml>,
}

/// `[permissions.filesystem]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct FilesystemRequirements {
    /// Paths and patterns that no command may read.
    pub deny_read: Option<Vec<String>>,
}

/// `[computer_use]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ComputerUseRequirements {
    /// Whether a locked computer may be used.
    pub allow_locked_computer_use: Option<bool>,
}

/// `[windows]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct WindowsRequirements {
    /// The only sandboxes that are allowed.
    pub allowed_sandbox_implementations: Option<Vec<WindowsSandbox>>,
}
