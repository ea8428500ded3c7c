//! Keys with a fixed set of values.

use quire_protocol::{ApprovalPolicy, GranularApproval};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `approval_policy`. Its variants stand in the order in which errors list them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPolicyToml {
    /// Everything that is not known to be safe.
    Untrusted,
    /// When a sandboxed run failed.
    OnFailure,
    /// When the model asks for more.
    OnRequest,
    /// Each kind of question by itself.
    Granular(GranularApprovalConfig),
    /// Never.
    Never,
}

/// `[approval_policy.granular]`: which kinds of question are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GranularApprovalConfig {
    /// Whether commands that need to leave the sandbox are asked about.
    pub sandbox_approval: bool,
    /// Whether commands that a rule marks as `prompt` are asked about.
    pub rules: bool,
    /// Whether skills that want to run scripts are asked about. Default: false.
    #[serde(default)]
    pub skill_approval: bool,
    /// Whether the model may ask for more permissions. Default: false.
    #[serde(default)]
    pub request_permissions: bool,
    /// Whether questions of MCP servers are shown.
    pub mcp_elicitations: bool,
}

impl From<GranularApprovalConfig> for GranularApproval {
    fn from(written: GranularApprovalConfig) -> Self {
        let GranularApprovalConfig {
            sandbox_approval,
            rules,
            skill_approval,
            request_permissions,
            mcp_elicitations,
        } = written;
        Self { sandbox_approval, rules, skill_approval, request_permissions, mcp_elicitations }
    }
}

impl From<ApprovalPolicyToml> for ApprovalPolicy {
    fn from(written: ApprovalPolicyToml) -> Self {
        match written {
            ApprovalPolicyToml::Untrusted => Self::Untrusted,
            ApprovalPolicyToml::OnFailure => Self::OnFailure,
            ApprovalPolicyToml::OnRequest => Self::OnRequest,
            ApprovalPolicyToml::Granular(kinds) => Self::Granular(kinds.into()),
            ApprovalPolicyToml::Never => Self::Never,
        }
    }
}

/// `approvals_reviewer`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalsReviewer {
    /// A person.
    #[default]
    User,
    /// A model. Clients know it by its old name.
    #[serde(rename(serialize = "guardian_subagent"))]
    AutoReview,
    /// Old spelling of the same.
    GuardianSubagent,
}

/// `model_auto_compact_token_limit_scope`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoCompactScope {
    /// The whole context.
    #[default]
    Total,
    /// What follows the fixed beginning.
    BodyAfterPrefix,
}

/// `personality`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Personality {
    /// No text about tone.
    None,
    /// Warm.
    Friendly,
    /// Matter of fact.
    Pragmatic,
}

/// `web_search`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebSearchMode {
    /// Not offered.
    Disabled,
    /// From the provider's index.
    Cached,
    /// From the web.
    Live,
}

/// `tools.web_search.context_size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SearchContextSize {
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

/// `projects.<path>.trust_level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrustLevel {
    /// Its config applies; commands may write in it.
    Trusted,
    /// Its config is ignored; every command that is not known to be safe is asked about.
    Untrusted,
}

impl TrustLevel {
    /// The value as written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Untrusted => "untrusted",
        }
    }
}

/// `cli_auth_credentials_store`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthStore {
    /// `auth.json`.
    #[default]
    File,
    /// The system's keyring.
    Keyring,
    /// The keyring if there is one.
    Auto,
    /// Nowhere.
    Ephemeral,
}

/// `mcp_oauth_credentials_store`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum McpAuthStore {
    /// The keyring if there is one.
    #[default]
    Auto,
    /// A file in the home.
    File,
    /// The system's keyring.
    Keyring,
}

/// `forced_login_method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ForcedLogin {
    /// ChatGPT account.
    Chatgpt,
    /// API key.
    Api,
}

/// `file_opener`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileOpener {
    /// VS Code.
    Vscode,
    /// VS Code Insiders.
    VscodeInsiders,
    /// Windsurf.
    Windsurf,
    /// Cursor.
    Cursor,
    /// No links.
    None,
}

/// `experimental_thread_store`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ThreadStoreToml {
    /// Files in the home.
    Local,
    /// Memory of this process.
    InMemory {
        /// Which memory.
        id: String,
    },
}

/// How a tool of an app or an MCP server is approved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ToolApprovalMode {
    /// As its annotations suggest.
    #[default]
    Auto,
    /// Always asked about.
    Prompt,
    /// Never asked about.
    Approve,
}

/// `windows.sandbox`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowsSandbox {
    /// With an administrator's help.
    Elevated,
    /// Without.
    Unelevated,
}
