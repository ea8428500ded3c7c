//! `quire mcp`: the MCP servers of the configuration.

use std::ffi::OsString;

use clap::{ArgGroup, Args, Subcommand};

use super::Outer;
use crate::exit::Exit;

/// Arguments of `mcp`.
#[derive(Debug, Args)]
pub(crate) struct McpArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: McpCommand,
}

/// Commands below `mcp`.
#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// List the servers.
    List(JsonArgs),
    /// Show one server.
    Get(GetArgs),
    /// Add a server, or replace one.
    Add(AddArgs),
    /// Remove a server.
    Remove(NameArgs),
    /// Sign in to a server.
    Login(LoginArgs),
    /// Forget the sign-in to a server.
    Logout(NameArgs),
}

/// How to answer.
#[derive(Debug, Args)]
pub(crate) struct JsonArgs {
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A server by name.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Name of the server.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Arguments of `mcp get`.
#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Name of the server.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `mcp add`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("transport").args(["command", "url"]).required(true).multiple(false)))]
pub(crate) struct AddArgs {
    /// Name of the server: letters, digits, `-` and `_`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The command that starts the server, with its arguments.
    #[arg(value_name = "COMMAND", trailing_var_arg = true, num_args = 0..)]
    pub(crate) command: Vec<OsString>,
    /// A variable for the server's environment. Repeatable.
    #[arg(long, value_name = "KEY=VALUE", value_parser = variable)]
    pub(crate) env: Vec<(String, String)>,
    /// A server that speaks HTTP.
    #[command(flatten)]
    pub(crate) http: Option<HttpArgs>,
}

/// A server that speaks HTTP.
#[derive(Debug, Args)]
pub(crate) struct HttpArgs {
    /// Address of a server that speaks HTTP.
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,
    /// Environment variable that holds the token for --url.
    #[arg(long, value_name = "ENV_VAR", requires = "url")]
    pub(crate) bearer_token_env_var: Option<String>,
    /// OAuth client to sign in as.
    #[arg(long, value_name = "CLIENT_ID", requires = "url")]
    pub(crate) oauth_client_id: Option<String>,
    /// OAuth resource to ask for.
    #[arg(long, value_name = "RESOURCE", requires = "url")]
    pub(crate) oauth_resource: Option<String>,
}

/// Arguments of `mcp login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Name of the server.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What to ask for.
    #[arg(long, value_name = "SCOPE,SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Vec<String>,
}

/// Reads `KEY=VALUE`.
fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// Runs the command.
pub(crate) fn run(args: &McpArgs, outer: &Outer) -> Exit {
    let word = match args.command {
        McpCommand::List(_) => "list",
        McpCommand::Get(_) => "get",
        McpCommand::Add(_) => "add",
        McpCommand::Remove(_) => "remove",
        McpCommand::Login(_) => "login",
        McpCommand::Logout(_) => "logout",
    };
    outer.not_there(&format!("mcp {word}"), "")
}
