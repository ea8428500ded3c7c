//! `quire mcp-server`: the agent as an MCP server on standard input and output.

use clap::Args;

use super::Outer;
use crate::exit::Exit;

/// Arguments of `mcp-server`.
#[derive(Debug, Args)]
pub(crate) struct McpServerArgs {
    /// Refuse to start when the configuration holds keys this version does not know.
    #[arg(long)]
    pub(crate) strict_config: bool,
}

/// Runs the command.
pub(crate) fn run(_: &McpServerArgs, outer: &Outer) -> Exit {
    outer.not_there("mcp-server", "")
}
