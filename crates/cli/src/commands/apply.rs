//! `quire apply`: the change a cloud task made, onto the working tree.

use clap::Args;

use super::Outer;
use crate::exit::Exit;

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The task.
    #[arg(value_name = "TASK_ID")]
    pub(crate) task_id: String,
}

/// Runs the command.
pub(crate) fn run(_: &ApplyArgs, outer: &Outer) -> Exit {
    outer.not_there("apply", "")
}
