//! `quire resume`: an earlier session, in the interactive mode.

use clap::Args;

use super::Outer;
use super::interactive::{self, InteractiveArgs};
use crate::exit::Exit;

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Id or name of the session. Left out: choose from a list.
    #[arg(value_name = "SESSION_ID")]
    pub(crate) session_id: Option<String>,
    /// Take the newest session of this folder.
    #[arg(long)]
    pub(crate) last: bool,
    /// Sessions of all folders, with the folder of each.
    #[arg(long)]
    pub(crate) all: bool,
    /// Sessions of `exec` too.
    #[arg(long)]
    pub(crate) include_non_interactive: bool,
    /// Flags of the interactive mode.
    #[command(flatten)]
    pub(crate) flags: InteractiveArgs,
    /// What to do now.
    #[arg(value_name = "PROMPT", value_hint = clap::ValueHint::Other)]
    pub(crate) prompt: Option<String>,
}

/// Runs the command.
pub(crate) fn run(mut args: ResumeArgs, outer: &Outer) -> Exit {
    args.flags.inherit(&outer.flags);
    interactive::run(&args.flags, outer, "resume")
}
