//! The handshake (app-server sheet §4).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Who connects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInfo {
    /// Short name; the first client's becomes the originator of all requests to the provider.
    pub name: String,
    /// Name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// Version of the client.
    pub version: String,
}

/// What the client can do and wants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct InitializeCapabilities {
    /// May use experimental methods and fields.
    pub experimental_api: bool,
    /// Notifications it does not want, by exact method name. Unknown names are ignored.
    pub opt_out_notification_methods: Option<Vec<String>>,
}

/// Params of `initialize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeParams {
    /// Who connects.
    pub client_info: ClientInfo,
    /// What it can do and wants.
    #[serde(default)]
    pub capabilities: Option<InitializeCapabilities>,
}

/// Result of `initialize`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitializeResponse {
    /// As sent to providers. Clients split it at the first `/` to learn name and version.
    pub user_agent: String,
    /// The home.
    pub codex_home: PathBuf,
    /// `unix` or `windows`.
    pub platform_family: String,
    /// `linux`, `macos`, `windows`.
    pub platform_os: String,
}
