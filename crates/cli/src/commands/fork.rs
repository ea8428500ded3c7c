//! `quire fork`: a new session that begins with what another one holds, in the interactive mode.

use clap::Args;

use super::Outer;
use super::interactive::{self, InteractiveArgs};
use crate::exit::Exit;

/// Arguments of `fork`.
#[derive(Debug, Args)]
pub(crate) struct ForkArgs {
    /// Id of the session. Left out: choose from a list.
    #[arg(value_name = "SESSION_ID")]
    pub(crate) session_id: Option<String>,
    /// Take the newest session of this folder.
    #[arg(long, conflicts_with = "session_id")]
    pub(crate) last: bool,
    /// Sessions of all folders, with the folder of each.
    #[arg(long)]
    pub(crate) all: bool,
    /// Flags of the interactive mode.
    #[command(flatten)]
    pub(crate) flags: InteractiveArgs,
    /// What to do now.
    #[arg(value_name = "PROMPT", value_hint = clap::ValueHint::Other)]
    pub(crate) prompt: Option<String>,
}

/// Runs the command.
pub(crate) fn run(mut args: ForkArgs, outer: &Outer) -> Exit {
    args.flags.inherit(&outer.flags);
    interactive::run(&args.flags, outer, "fork")
}
