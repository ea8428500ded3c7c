//! `quire config`: what the configuration comes to, and why.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::Outer;
use crate::exit::Exit;

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// Commands below `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the configuration as it would be used.
    Show(ShowArgs),
    /// Say what a key means, what it is set to, and where.
    Explain(ExplainArgs),
    /// Print the JSON Schema of config.toml.
    Schema,
}

/// Arguments of `config show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Say of every value where it was set.
    #[arg(long)]
    pub(crate) origins: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// As seen from this folder.
    #[arg(short = 'C', long = "cd", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cd: Option<PathBuf>,
}

/// Arguments of `config explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The key, dotted.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// As seen from this folder.
    #[arg(short = 'C', long = "cd", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cd: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs, outer: &Outer) -> Exit {
    let word = match args.command {
        ConfigCommand::Show(_) => "show",
        ConfigCommand::Explain(_) => "explain",
        ConfigCommand::Schema => "schema",
    };
    outer.not_there(&format!("config {word}"), "")
}
