//! `[mcp_servers.<name>]` as it is written (MCP sheet §A1, config sheet §7).
//!
//! In comes one table with the keys of two kinds of server, out goes a server of one kind. What a newcomer would get
//! wrong: a server is shown again (`config/read`) in another form than it was read: kind first, timeouts in seconds,
//! most of what was not set left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::enums::ToolApprovalMode;

/// The environment of servers that run here.
const LOCAL: &str = "local";

/// One MCP server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "McpServerKeys")]
pub struct McpServerToml {
    /// How it is reached.
    #[serde(flatten)]
    pub transport: McpTransportToml,
    /// Where it runs.
    pub environment_id: String,
    /// Whether it is started.
    pub enabled: bool,
    /// Whether a session fails when it does not start.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether its tools may be called at the same time.
    #[serde(skip_serializing_if = "is_false")]
    pub supports_parallel_tool_calls: bool,
    /// How long it may take to start.
    #[serde(serialize_with = "as_seconds", skip_serializing_if = "Option::is_none")]
    pub startup_timeout_sec: Option<Duration>,
    /// How long a call may take.
    #[serde(serialize_with = "as_seconds")]
    pub tool_timeout_sec: Option<Duration>,
    /// How its tools are approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_tools_approval_mode: Option<ToolApprovalMode>,
    /// The only tools to offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled_tools: Option<Vec<String>>,
    /// Tools not to offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_tools: Option<Vec<String>>,
    /// What the sign-in asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth: Option<McpOAuthToml>,
    /// What the sign-in is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_resource: Option<String>,
    /// Single tools.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, McpToolToml>,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum McpTransportToml {
    /// A program of which we are the parent.
    Stdio {
        /// The program.
        command: String,
        /// Its arguments.
        args: Vec<String>,
        /// Variables to set.
        #[serde(skip_serializing_if = "Option::is_none")]
        env: Option<BTreeMap<String, String>>,
        /// Variables to pass on.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        env_vars: Vec<McpEnvVar>,
        /// Its working folder.
        #[serde(skip_serializing_if = "Option::is_none")]
        cwd: Option<PathBuf>,
    },
    /// A web server.
    StreamableHttp {
        /// Its address.
        url: String,
        /// The variable that holds the token.
        #[serde(skip_serializing_if = "Option::is_none")]
        bearer_token_env_var: Option<String>,
        /// Fixed headers.
        #[serde(skip_serializing_if = "Option::is_none")]
        http_headers: Option<BTreeMap<String, String>>,
        /// Headers and the variables that hold them.
        #[serde(skip_serializing_if = "Option::is_none")]
        env_http_headers: Option<BTreeMap<String, String>>,
    },
}

/// A variable to pass on to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected the name of a variable, or a table with `name` and `source`")]
pub enum McpEnvVar {
    /// From our own environment.
    Name(String),
    /// From a chosen one.
    From(McpEnvVarSource),
}

/// `{name = "TOKEN", source = "local"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct McpEnvVarSource {
    /// Name of the variable.
    pub name: String,
    /// Whose variable it is: `local` is this program's, `remote` that of the environment the server runs in. Default:
    /// local.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["local", "remote"]))]
    pub source: Option<String>,
}

/// `[mcp_servers.<name>.oauth]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "struct McpServerOAuthConfig")]
pub struct McpOAuthToml {
    /// Client id of a client that is registered already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// `[mcp_servers.<name>.tools.<tool>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "struct McpServerToolConfig")]
pub struct McpToolToml {
    /// How calls of this tool are approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_mode: Option<ToolApprovalMode>,
}

/// Every key a server may have, whatever its kind.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(expecting = "struct RawMcpServerConfig")]
struct McpServerKeys {
    /// Program to start; the server speaks on its standard input and output. Exactly one of `command` and `url` is set.
    command: Option<String>,
    /// Arguments of the program. Default: none.
    args: Option<Vec<String>>,
    /// Variables to set for the program.
    env: Option<BTreeMap<String, String>>,
    /// Variables to pass on to the program, when they are set.
    env_vars: Option<Vec<McpEnvVar>>,
    /// Working folder of the program. Default: that of the session.
    cwd: Option<PathBuf>,
    /// Address of a server that speaks streamable HTTP. Exactly one of `command` and `url` is set.
    url: Option<String>,
    /// Refused, so that no token stands in a config file; use `bearer_token_env_var`.
    bearer_token: Option<String>,
    /// Variable that holds the bearer token.
    bearer_token_env_var: Option<String>,
    /// Headers of every request.
    http_headers: Option<BTreeMap<String, String>>,
    /// Headers of every request and the variables that hold their values; unset variables are skipped.
    env_http_headers: Option<BTreeMap<String, String>>,
    /// Where the server runs. Default: local.
    environment_id: Option<String>,
    /// Whether the server is started. Default: true.
    enabled: Option<bool>,
    /// Whether a session fails when the server does not start. Default: false.
    required: Option<bool>,
    /// Whether tools of the server may be called at the same time. Default: false.
    supports_parallel_tool_calls: Option<bool>,
    /// Longest start, in seconds. Default: 30.
    startup_timeout_sec: Option<f64>,
    /// Longest start, in milliseconds; `startup_timeout_sec` wins.
    startup_timeout_ms: Option<u64>,
    /// Longest call, in seconds. Default: 120.
    #[serde(default, deserialize_with = "from_seconds")]
    #[schemars(with = "Option<f64>")]
    tool_timeout_sec: Option<Duration>,
    /// How calls of the server's tools are approved. Default: auto.
    default_tools_approval_mode: Option<ToolApprovalMode>,
    /// The only tools to offer, by their raw names.
    enabled_tools: Option<Vec<String>>,
    /// Tools not to offer, by their raw names.
    disabled_tools: Option<Vec<String>>,
    /// OAuth scopes to ask for.
    scopes: Option<Vec<String>>,
    /// OAuth client.
    oauth: Option<McpOAuthToml>,
    /// OAuth resource to sign in to.
    oauth_resource: Option<String>,
    /// Settings of single tools.
    tools: Option<BTreeMap<String, McpToolToml>>,
    /// Without effect: the name is that of the table.
    #[serde(rename = "name")]
    _name: Option<String>,
}

impl JsonSchema for McpServerToml {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "McpServer".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        McpServerKeys::json_schema(generator)
    }
}

impl TryFrom<McpServerKeys> for McpServerToml {
    type Error = String;

    fn try_from(mut keys: McpServerKeys) -> Result<Self, String> {
        let startup_timeout_sec = match (keys.startup_timeout_sec, keys.startup_timeout_ms) {
            (Some(seconds), _) => Some(seconds_to_duration(seconds)?),
            (None, milliseconds) => milliseconds.map(Duration::from_millis),
        };
        let environment_id = keys.environment_id.take().unwrap_or_else(|| LOCAL.to_owned());
        let transport = keys.transport(&environment_id)?;
        Ok(Self {
            transport,
            environment_id,
            enabled: keys.enabled.unwrap_or(true),
            required: keys.required.unwrap_or(false),
            supports_parallel_tool_calls: keys.supports_parallel_tool_calls.unwrap_or(false),
            startup_timeout_sec,
            tool_timeout_sec: keys.tool_timeout_sec,
            default_tools_approval_mode: keys.default_tools_approval_mode,
            enabled_tools: keys.enabled_tools,
            disabled_tools: keys.disabled_tools,
            scopes: keys.scopes,
            oauth: keys.oauth,
            oauth_resource: keys.oauth_resource,
            tools: keys.tools.unwrap_or_default(),
        })
    }
}

impl McpServerKeys {
    fn transport(&mut self, environment: &str) -> Result<McpTransportToml, String> {
        let refuse = |kind: &str, keys: &[(&str, bool)]| match keys.iter().find(|(_, set)| *set) {
            Some((key, _)) => Err(format!("{key} is not supported for {kind}")),
            None => Ok(()),
        };
        if let Some(command) = self.command.take() {
            let others = [
                ("url", self.url.is_some()),
                ("bearer_token_env_var", self.bearer_token_env_var.is_some()),
                ("bearer_token", self.bearer_token.is_some()),
                ("http_headers", self.http_headers.is_some()),
                ("env_http_headers", self.env_http_headers.is_some()),
                ("oauth", self.oauth.is_some()),
                ("oauth_resource", self.oauth_resource.is_some()),
            ];
            refuse("stdio", &others)?;
            let env_vars = self.env_vars.take().unwrap_or_default();
            env_vars.iter().try_for_each(check_source)?;
            let cwd = self.cwd.take();
            require_absolute_cwd(environment, cwd.as_deref())?;
            let (args, env) = (self.args.take().unwrap_or_default(), self.env.take());
            return Ok(McpTransportToml::Stdio { command, args, env, env_vars, cwd });
        }
        let url = self.url.take().ok_or("invalid transport")?;
        let others = [
            ("args", self.args.is_some()),
            ("env", self.env.is_some()),
            ("env_vars", self.env_vars.is_some()),
            ("cwd", self.cwd.is_some()),
            ("bearer_token", self.bearer_token.is_some()),
        ];
        refuse("streamable_http", &others)?;
        Ok(McpTransportToml::StreamableHttp {
            url,
            bearer_token_env_var: self.bearer_token_env_var.take(),
            http_headers: self.http_headers.take(),
            env_http_headers: self.env_http_headers.take(),
        })
    }
}

fn check_source(variable: &McpEnvVar) -> Result<(), String> {
    let McpEnvVar::From(McpEnvVarSource { source: Some(source), .. }) = variable else { return Ok(()) };
    match source.as_str() {
        "local" | "remote" => Ok(()),
        other => Err(format!("unsupported env_vars source `{other}`; expected `local` or `remote`")),
    }
}

fn require_absolute_cwd(environment: &str, cwd: Option<&Path>) -> Result<(), String> {
    let got = match cwd {
        _ if environment == LOCAL => return Ok(()),
        Some(cwd) if cwd.is_absolute() => return Ok(()),
        Some(cwd) => format!(", got `{}`", cwd.display()),
        None => String::new(),
    };
    Err(format!(
        "remote stdio MCP servers require an absolute cwd when environment_id is `{environment}`{got}"
    ))
}

fn seconds_to_duration(seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

fn from_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let seconds = Option::<f64>::deserialize(deserializer)?;
    seconds.map(seconds_to_duration).transpose().map_err(serde::de::Error::custom)
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn as_seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
const fn is_false(value: &bool) -> bool {
    !*value
}
