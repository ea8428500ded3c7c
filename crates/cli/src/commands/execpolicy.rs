//! `quire execpolicy`: what rules say about a command.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Outer;
use crate::exit::Exit;

/// Arguments of `execpolicy`.
#[derive(Debug, Args)]
pub(crate) struct ExecpolicyArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ExecpolicyCommand,
}

/// Commands below `execpolicy`.
#[derive(Debug, Subcommand)]
pub(crate) enum ExecpolicyCommand {
    /// Judge one command by rules files.
    Check(CheckArgs),
}

/// Arguments of `execpolicy check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A rules file. Repeatable.
    #[arg(short = 'r', long = "rules", value_name = "PATH", required = true)]
    pub(crate) rules: Vec<PathBuf>,
    /// Spread the answer over several lines.
    #[arg(long)]
    pub(crate) pretty: bool,
    /// Find out which file a program name stands for.
    #[arg(long)]
    pub(crate) resolve_host_executables: bool,
    /// The command and its arguments.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<String>,
}

/// Runs the command.
pub(crate) fn run(args: &ExecpolicyArgs, outer: &Outer) -> Exit {
    let ExecpolicyCommand::Check(_) = &args.command;
    outer.not_there("execpolicy check", "")
}
