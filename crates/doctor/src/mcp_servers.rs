//! `[mcp_servers]` as the checks need it: how each server is reached and what it needs for that.
//!
//! Read from the merged table, so that an entry of a shape nobody knows is left to whoever starts the server.

use std::path::PathBuf;

use quire_config::Config;
use toml::{Table, Value};

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
    let servers = config.merged.get("mcp_servers").and_then(Value::as_table);
    let mut found: Vec<_> = servers
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(server(name, value.as_table()?)))
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn server(name: &str, table: &Table) -> Server {
    let text = |key: &str| table.get(key).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| table.get(key).and_then(Value::as_bool);
    let transport = match text("url") {
        Some(url) => Transport::Http {
            url,
            bearer_variable: text("bearer_token_env_var"),
            header_variables: strings(table.get("env_http_headers")),
        },
        None => Transport::Stdio {
            command: text("command").unwrap_or_default(),
            cwd: text("cwd").map(PathBuf::from),
            path: table.get("env").and_then(|env| env.get("PATH")?.as_str()).map(str::to_owned),
            env_vars: env_vars(table.get("env_vars")),
        },
    };
    Server {
        name: name.to_owned(),
        enabled: flag("enabled").unwrap_or(true),
        required: flag("required").unwrap_or(false),
        transport,
    }
}

/// The values of a table of strings.
fn strings(table: Option<&Value>) -> Vec<String> {
    let table = table.and_then(Value::as_table);
    table.into_iter().flatten().filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect()
}

/// Names, or tables of `name` and `source`.
fn env_vars(list: Option<&Value>) -> Vec<EnvVar> {
    let list = list.and_then(Value::as_array);
    let one = |value: &Value| match value {
        Value::String(name) => Some(EnvVar { name: name.clone(), remote: false }),
        Value::Table(table) => Some(EnvVar {
            name: table.get("name")?.as_str()?.to_owned(),
            remote: table.get("source").and_then(Value::as_str) == Some("remote"),
        }),
        _ => None,
    };
    list.into_iter().flatten().filter_map(one).collect()
}
