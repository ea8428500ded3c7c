//! `quire debug models`: the catalog of models.

use clap::Args;

use crate::commands::Outer;
use crate::exit::Exit;

/// Arguments of `debug models`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Only what is built in.
    #[arg(long)]
    pub(crate) bundled: bool,
}

/// Runs the command.
pub(crate) fn run(_: &ModelsArgs, outer: &Outer) -> Exit {
    outer.not_there("debug models", "")
}
