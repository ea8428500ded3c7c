//! `[mcp_servers]` as the checks need it: how each server is reached and what it needs for that.

use std::collections::BTreeMap;
use std::path::PathBuf;

use quire_config::Config;
use quire_config::schema::{McpEnvVar, McpServerToml, McpTransportToml};

/// One configured server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    pub(crate) required: bool,
    pub(crate) transport: Transport,
}

/// How it is reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Stdio {
        command: String,
        cwd: Option<PathBuf>,
        /// `PATH` in the server's own environment.
        path: Option<String>,
        /// Variables handed on from our environment, and where from.
        env_vars: Vec<EnvVar>,
    },
    Http {
        url: String,
        bearer_variable: Option<String>,
        /// Variables headers are read from.
        header_variables: Vec<String>,
    },
}

/// A variable a server gets from our environment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EnvVar {
    pub(crate) name: String,
    /// It lies on the machine of a remote server.
    pub(crate) remote: bool,
}

/// The servers of a config, by name.
pub(crate) fn servers(config: &Config) -> Vec<Server> {
    config.written.mcp_servers.iter().map(|(name, server)| of(name, server)).collect()
}

fn of(name: &str, server: &McpServerToml) -> Server {
    let transport = match &server.transport {
        McpTransportToml::StreamableHttp { url, bearer_token_env_var, env_http_headers, .. } => {
            Transport::Http {
                url: url.clone(),
                bearer_variable: bearer_token_env_var.clone(),
                header_variables: env_http_headers.iter().flat_map(BTreeMap::values).cloned().collect(),
            }
        }
        McpTransportToml::Stdio { command, env, env_vars, cwd, .. } => Transport::Stdio {
            command: command.clone(),
            cwd: cwd.clone(),
            path: env.as_ref().and_then(|env| env.get("PATH").cloned()),
            env_vars: env_vars.iter().map(env_var).collect(),
        },
    };
    Server { name: name.to_owned(), enabled: server.enabled, required: server.required, transport }
}

fn env_var(variable: &McpEnvVar) -> EnvVar {
    match variable {
        McpEnvVar::Name(name) => EnvVar { name: name.clone(), remote: false },
        McpEnvVar::From(from) => {
            EnvVar { name: from.name.clone(), remote: from.source.as_deref() == Some("remote") }
        }
    }
}
