//! Keys with a fixed set of values.

use quire_protocol::{ApprovalPolicy, GranularApproval};
use serde::{Deserialize, Serialize};

/// `approval_policy`. Its variants stand in the order in which errors list them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPolicyToml {
    /// Everything that is not known to be safe.
    Untrusted,
    /// When a sandboxed run failed.
    OnFailure,
    /// When the model asks for more.
    OnRequest,
    /// Each kind of question by itself.
    Granular(GranularApproval),
    /// Never.
    Never,
}

impl From<ApprovalPolicyToml> for ApprovalPolicy {
    fn from(written: ApprovalPolicyToml) -> Self {
        match written {
            ApprovalPolicyToml::Untrusted => Self::Untrusted,
            ApprovalPolicyToml::OnFailure => Self::OnFailure,
            ApprovalPolicyToml::OnRequest => Self::OnRequest,
            ApprovalPolicyToml::Granular(kinds) => Self::Granular(kinds),
            ApprovalPolicyToml::Never => Self::Never,
        }
    }
}

/// `approvals_reviewer`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalsReviewer {
    /// A person.
    #[default]
    User,
    /// A model.
    AutoReview,
    /// Old spelling of the same.
    GuardianSubagent,
}

/// `model_auto_compact_token_limit_scope`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoCompactScope {
    /// The whole context.
    #[default]
    Total,
    /// What follows the fixed beginning.
    BodyAfterPrefix,
}

/// `personality`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForcedLogin {
    /// ChatGPT account.
    Chatgpt,
    /// API key.
    Api,
}

/// `file_opener`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
