//! What extends the program: apps, plugins, marketplaces, skills, and what may be suggested for installation.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::enums::ToolApprovalMode;
use super::mcp::McpToolToml;

/// `[apps]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppsConfigToml {
    /// What holds for every app that does not say otherwise.
    #[serde(rename = "_default")]
    pub default: Option<AppsDefaultConfig>,
    /// Apps by id.
    #[serde(flatten)]
    pub apps: BTreeMap<String, AppConfig>,
}

/// `[apps._default]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AppsDefaultConfig {
    /// Whether apps are offered. Default: true.
    pub enabled: bool,
    /// Whether tools that destroy something are offered. Default: true.
    pub destructive_enabled: bool,
    /// Whether tools that reach other services are offered. Default: true.
    pub open_world_enabled: bool,
}

impl Default for AppsDefaultConfig {
    fn default() -> Self {
        Self { enabled: true, destructive_enabled: true, open_world_enabled: true }
    }
}

/// `[apps.<id>]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppConfig {
    /// Whether the app is offered. Default: true.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Whether its tools that destroy something are offered. Default: as in `apps._default`.
    pub destructive_enabled: Option<bool>,
    /// Whether its tools that reach other services are offered. Default: as in `apps._default`.
    pub open_world_enabled: Option<bool>,
    /// How its tools are approved. Default: auto.
    pub default_tools_approval_mode: Option<ToolApprovalMode>,
    /// Whether its tools are offered when nothing else is said about them.
    pub default_tools_enabled: Option<bool>,
    /// Single tools, by name.
    pub tools: Option<AppToolsConfig>,
}

/// `[apps.<id>.tools]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AppToolsConfig(pub BTreeMap<String, AppToolConfig>);

super::maps::named_map!(AppToolsConfig, "AppToolsConfig", AppToolConfig);

/// `[apps.<id>.tools.<tool>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppToolConfig {
    /// Whether the tool is offered.
    pub enabled: Option<bool>,
    /// How calls of the tool are approved.
    pub approval_mode: Option<ToolApprovalMode>,
}

/// `[plugins."<name>@<marketplace>"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginConfig {
    /// Whether the plugin is loaded. Default: true.
    #[serde(default = "on")]
    pub enabled: bool,
    /// Settings of the MCP servers that the plugin brings, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp_servers: BTreeMap<String, PluginMcpServerConfig>,
}

/// `[plugins.<id>.mcp_servers.<name>]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginMcpServerConfig {
    /// Whether the server is started. Default: true.
    #[serde(default = "on")]
    pub enabled: bool,
    /// How calls of the server's tools are approved. Default: auto.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_tools_approval_mode: Option<ToolApprovalMode>,
    /// The only tools to offer, by their raw names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled_tools: Option<Vec<String>>,
    /// Tools not to offer, by their raw names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_tools: Option<Vec<String>>,
    /// Settings of single tools.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, McpToolToml>,
}

/// `[marketplaces.<name>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MarketplaceConfig {
    /// When the marketplace was added or fetched last; the program writes this.
    pub last_updated: Option<String>,
    /// Commit that was fetched last; the program writes this.
    pub last_revision: Option<String>,
    /// What `source` is.
    pub source_type: Option<MarketplaceSource>,
    /// URL of a git repository, or path of a folder.
    pub source: Option<String>,
    /// Branch, tag or commit to fetch. Default: that of the repository.
    pub r#ref: Option<String>,
    /// The only folders to fetch. Default: all.
    pub sparse_paths: Option<Vec<String>>,
}

/// `marketplaces.<name>.source_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MarketplaceSource {
    /// A git repository.
    Git,
    /// A folder.
    Local,
}

/// `[skills]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillsConfig {
    /// Skills that come with the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundled: Option<BundledSkillsConfig>,
    /// Whether the model is told which skills there are. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_instructions: Option<bool>,
    /// Switches for single skills, in order; a later one wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<SkillConfig>,
}

/// `[skills.bundled]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BundledSkillsConfig {
    /// Whether the skills that come with the program are offered. Default: true.
    #[serde(default = "on")]
    pub enabled: bool,
}

/// One entry of `skills.config`; names its skill by `path` or by `name`, not both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkillConfig {
    /// The skill's SKILL.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Name of the skill; all skills of that name are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the skill is offered.
    pub enabled: bool,
}

/// `[tool_suggest]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ToolSuggestConfig {
    /// What may be suggested besides what is known anyway.
    pub discoverables: Vec<ToolSuggestDiscoverable>,
    /// What is never suggested; the program writes here.
    pub disabled_tools: Vec<ToolSuggestDisabledTool>,
}

/// One entry of `tool_suggest.discoverables`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolSuggestDiscoverable {
    /// What it is.
    pub r#type: ToolSuggestKind,
    /// Its id.
    pub id: String,
}

/// One entry of `tool_suggest.disabled_tools`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ToolSuggestDisabledTool {
    /// What it is.
    pub r#type: ToolSuggestKind,
    /// Its id.
    pub id: String,
}

/// What can be suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ToolSuggestKind {
    /// An app.
    Connector,
    /// A plugin.
    Plugin,
}

const fn on() -> bool {
    true
}
